//! Executions that broke earlier drafts of the protocol, each by its number in `docs/threat-model.md`. Those that other
//! tests play are named there.

use std::time::Duration;

use wattswap_matching::{Price, Side, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::household::io::{Input, RequestId, Ticket};
use wattswap_node::protocol::ids::{CommunityId, EntryId, Incarnation, LogId, OrderId, ProposalId};
use wattswap_node::protocol::limits::{MAX_CHAIN, MAX_ENTRIES_PER_HOUR, MAX_INCARNATIONS, MAX_PROOFS};
use wattswap_node::protocol::message::{Bytes, Gossip, Message, Proof};
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::adversaries::Kind;
use wattswap_simulations::network::{Street, usual_shape};

const MAKER: usize = 0;
const OTHER_MAKER: usize = 1;
const WITNESS: usize = 2;
/// Its own software is stopped where it signs what it likes.
const CHEAT: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

/// A street on which the maker offers 500 Wh at 1000 ticks.
struct Offered {
    street: Street,
    order: OrderId,
    request: RequestId,
}

impl Offered {
    fn new(seed: u64) -> Self {
        let mut street = Street::new(4, seed);
        street.run(SECOND);
        let (request, order) = offer(&mut street, MAKER);
        Self { street, order, request }
    }

    /// Of 100 Wh.
    fn proposal(&self, nonce: u64) -> Proposal {
        Proposal {
            community: self.street.community(),
            charter: self.street.charter_id(),
            slot: self.street.request(MAKER, self.request).wish.slot,
            side: Side::Buy,
            taker: self.street.log(CHEAT).unwrap(),
            maker: self.street.log(MAKER).unwrap(),
            order: self.order,
            own_order: None,
            up_to: WattHours(100),
            price: Price(1_000),
            nonce,
            expires_at: self.street.now.after(15 * SECOND),
        }
    }

    fn propose(&mut self, proposal: Proposal, to: usize) {
        let proposal = Verified::sign(proposal, &*self.street.signer(CHEAT));
        self.send(&Message::Proposal(proposal.bytes().clone()), to);
    }

    fn send(&mut self, message: &Message, to: usize) {
        let from = self.street.key(CHEAT);
        self.street.inject(to, Input::Message { from, bytes: message.encode() });
    }

    fn gossip(&mut self, gossip: &Gossip, to: usize) {
        let (ticket, from, bytes) = (Ticket(0), self.street.key(CHEAT), gossip.encode());
        self.street.inject(to, Input::Gossip { ticket, from, bytes });
    }

    /// An entry that a household's own software has written.
    fn first_of(&self, home: usize) -> Verified<Entry> {
        self.street.entries_of(home).find(|entry| !entry.ops.is_empty()).expect("it has written one").clone()
    }

    fn assert_nobody_is_convicted(&mut self) {
        self.street.run(60 * SECOND);
        for home in 0..CHEAT {
            let status = self.street.household(home).expect("it runs on").status();
            assert!(status.convicted.is_empty(), "home {home} has convicted somebody");
        }
        // The cheat's own software may be stopped.
        self.street.start(CHEAT);
        self.street.run(60 * SECOND);
        assert_eq!(self.street.is_agreed(), Ok(()));
    }
}

fn offer(street: &mut Street, home: usize) -> (RequestId, OrderId) {
    let wish = street.wish(Side::Sell, 500, 1_000);
    let request = street.place(home, wish).unwrap();
    street.run(SECOND);
    (request, street.request(home, request).orders[0])
}

fn fills(street: &Street, home: usize) -> usize {
    let ops = street.entries_of(home).flat_map(|entry| &entry.ops);
    ops.filter(|op| matches!(op, Op::Fill(_))).count()
}

/// With a last byte that makes the signature a bad one.
fn badly_signed(bytes: &[u8]) -> Bytes {
    let mut bytes = bytes.to_vec();
    *bytes.last_mut().expect("a signed message is never empty") ^= 1;
    bytes.into()
}

#[test]
fn attack_01_a_relay_frames_by_framing_anew() {
    let mut offered = Offered::new(101);
    let entry = offered.first_of(MAKER);
    // An unprotected header `{0: 0}` in place of `{}`: the signature does not cover it.
    let (head, rest) = entry.bytes().split_at(6);
    let reframed: Bytes = [head, &[0xa1, 0, 0], &rest[1..]].concat().into();
    let proof = Proof::Fork { one: vec![entry.bytes().clone()], other: vec![reframed.clone()] };
    for home in [OTHER_MAKER, WITNESS] {
        offered.gossip(&Gossip::Entry(reframed.clone()), home);
        offered.gossip(&Gossip::Proof(proof.clone()), home);
        offered.send(&Message::Proofs(vec![proof.clone()]), home);
    }
    offered.assert_nobody_is_convicted();
}

#[test]
fn attack_02_garbage_under_a_good_successor() {
    let mut street = Street::new(4, 102);
    street.make_cheat(CHEAT, Kind::GarbageSigner, 1);
    street.run(120 * SECOND);
    street.end_cheating();
    street.run(60 * SECOND);
    assert_eq!(street.is_agreed(), Ok(()), "who heard it live holds what who fetched it holds");
    let is_bad = |entry: &&Verified<Entry>| entry.log.author == street.key(CHEAT) && !entry.has_good_signature();
    let bad = street.disk(WITNESS).entries_by(street.key(CHEAT)).filter(is_bad).count();
    assert!(bad > 0, "the successor vouches for what was signed badly");
}

#[test]
fn attack_03_words_in_a_neighbours_name_by_prev() {
    let mut offered = Offered::new(103);
    let real = offered.first_of(MAKER);
    // Other words for the maker's first entry, and an entry of the cheat that follows them.
    let forged = Entry { at: UtcMillis(real.at.0 + 1), ..Entry::clone(&real) };
    let forged = Verified::sign(forged, &*offered.street.signer(MAKER));
    let log = offered.street.log(CHEAT).unwrap();
    let (community, prev, at) = (offered.street.community(), Some(EntryId(forged.hash())), offered.street.now);
    let voucher = Entry { community, log, seq: real.seq + 1, prev, at, ops: real.ops.clone() };
    let voucher = Verified::sign(voucher, &*offered.street.signer(CHEAT));
    let chain = vec![badly_signed(forged.bytes()), voucher.bytes().clone()];
    let proof = Proof::Fork { one: vec![real.bytes().clone()], other: chain.clone() };
    for home in [OTHER_MAKER, WITNESS] {
        offered.send(&Message::Range { log: real.log, from: real.seq, entries: chain.clone() }, home);
        offered.gossip(&Gossip::Proof(proof.clone()), home);
    }
    offered.assert_nobody_is_convicted();
}

#[test]
fn attack_04_a_late_proposal_meets_a_clock_that_was_set_back() {
    let mut offered = Offered::new(104);
    offered.street.stop(CHEAT);
    let expires_at = offered.street.now.after(2 * SECOND);
    let proposal = Proposal { expires_at, ..offered.proposal(1) };
    // The maker's beacon is later than the expiry, and then its clock shows a time before that: by less than the skew,
    // so that it goes on as if nothing had happened.
    offered.street.run(3 * SECOND);
    offered.send(&Message::GetBeacon, MAKER);
    offered.street.set_clock(MAKER, |clock, now| clock.jump(now, -4_000));
    offered.propose(proposal, MAKER);
    assert_eq!(fills(&offered.street, MAKER), 0, "the taker may have let go of it by that beacon");
    offered.street.set_clock(MAKER, |clock, now| clock.jump(now, 4_000));
    offered.assert_nobody_is_convicted();
}

#[test]
fn attack_12_one_order_proposed_to_two() {
    let mut offered = Offered::new(112);
    let (other_request, other_order) = offer(&mut offered.street, OTHER_MAKER);
    let bid = offered.street.wish(Side::Buy, 100, 900);
    let bid = offered.street.place(CHEAT, bid).unwrap();
    offered.street.run(SECOND);
    let own_order = Some(offered.street.request(CHEAT, bid).orders[0]);
    offered.street.stop(CHEAT);
    let one = Proposal { own_order, ..offered.proposal(1) };
    let maker = offered.street.log(OTHER_MAKER).unwrap();
    let other = Proposal { maker, order: other_order, nonce: 2, ..one };
    offered.propose(one, MAKER);
    offered.propose(other, OTHER_MAKER);
    let street = &offered.street;
    let filled = (street.request(MAKER, offered.request).filled, street.request(OTHER_MAKER, other_request).filled);
    assert_eq!(filled, (WattHours(100), WattHours(100)), "it is bound by both");
    offered.street.run(60 * SECOND);
    let slot = offered.street.request(MAKER, offered.request).wish.slot;
    for home in 0..CHEAT {
        let household = offered.street.household(home).unwrap();
        let (bids, asks) = household.depth(slot, 10);
        assert!(bids.is_empty(), "home {home}: its order is closed");
        let left: WattHours = asks.iter().map(|level| level.quantity).sum();
        assert_eq!(left, WattHours(2 * 400), "home {home}: both trades stand");
        assert!(household.status().convicted.is_empty(), "and nobody is convicted by it");
    }
}

#[test]
fn attack_13_a_proposal_to_an_order_of_the_log_before() {
    let mut offered = Offered::new(113);
    let backup = offered.street.disk(MAKER).clone();
    let proposal = offered.proposal(1);
    // Something that the backup lacks.
    offer(&mut offered.street, MAKER);
    offered.street.restore_disk(MAKER, backup);
    offered.street.start(MAKER);
    offered.street.run(90 * SECOND);
    assert_ne!(offered.street.log(MAKER).unwrap(), proposal.maker, "it goes on in a new log");
    let expires_at = offered.street.now.after(15 * SECOND);
    offered.propose(Proposal { expires_at, ..proposal }, MAKER);
    assert_eq!(fills(&offered.street, MAKER), 0, "the old log may have filled it");
    assert_eq!(offered.street.disk(MAKER).refusals().count(), 0, "so the new one does not refuse it either");
    offered.assert_nobody_is_convicted();
}

/// The cheat asks little and refuses, to see what its neighbour would pay. It sees nothing while others sell.
#[test]
fn attack_21_a_limit_is_not_on_show_while_anybody_asks_less() {
    let mut street = Street::new(4, 121);
    street.run(SECOND);
    let (_, bait) = offer(&mut street, CHEAT);
    let log = street.log(CHEAT).unwrap();
    // Its own software hears nothing any more; it counts as there as long as its last word is young.
    let later = street.now.after(60 * SECOND);
    (0..CHEAT).for_each(|home| street.clog(home, CHEAT, later));
    let ask = |street: &mut Street, quantity, price| {
        let ask = street.wish(Side::Sell, quantity, price);
        street.place(OTHER_MAKER, ask).unwrap();
        street.run(SECOND);
    };
    ask(&mut street, 100, 1_200);
    let bid = street.wish(Side::Buy, 700, 1_500);
    let bid = street.place(MAKER, bid).unwrap();
    street.run(SECOND);
    let (proposal, reservation) = street.disk(MAKER).reservations().first_key_value().expect("it asked the cheapest");
    let (proposal, order) = (*proposal, reservation.proposal.order);
    assert_eq!(order, bait);
    let request = street.request(MAKER, bid);
    assert_eq!(
        (request.filled, request.orders.len()),
        (WattHours(100), 0),
        "the rest waits until the cheat has answered"
    );
    ask(&mut street, 600, 1_300);
    let refusal = Refusal { proposal, maker: log.author, incarnation: log.incarnation, at: street.now };
    let refusal = Verified::sign(refusal, &*street.signer(CHEAT));
    let bytes = Message::Refusal(refusal.bytes().clone()).encode();
    street.inject(MAKER, Input::Message { from: log.author, bytes });
    street.run(SECOND);
    let request = street.request(MAKER, bid);
    assert_eq!((request.filled, request.orders.len()), (WattHours(700), 0), "bought from who sells, and never on show");
}

#[test]
fn attack_22_crumbs_use_up_no_limit() {
    let mut offered = Offered::new(122);
    offered.street.stop(CHEAT);
    for nonce in 0..100 {
        let crumb = Proposal { up_to: WattHours(9), ..offered.proposal(nonce) };
        offered.propose(crumb, MAKER);
    }
    assert_eq!(fills(&offered.street, MAKER), 0, "less than the smallest fill is refused");
    for nonce in 1_000..1_050 {
        let smallest = Proposal { up_to: WattHours(10), ..offered.proposal(nonce) };
        offered.propose(smallest, MAKER);
    }
    assert_eq!(offered.street.request(MAKER, offered.request).filled, WattHours(500));
    let (_, order) = offer(&mut offered.street, MAKER);
    let maker = offered.street.key(MAKER);
    let mut held = offered.street.disk(WITNESS).entries_by(maker);
    assert!(held.any(|entry| EntryId(entry.hash()) == order.entry), "it may still place orders");
}

#[test]
fn attack_23_a_slow_clock_still_trades() {
    let amend = |charter: &mut wattswap_node::protocol::charter::Charter| {
        charter.clock_skew = SECOND;
        charter.proposal_lifetime = 3 * SECOND;
    };
    let mut street = Street::founded(4, 4, usual_shape(), amend, 123);
    // What it dates by its own clock alone is over when it arrives.
    street.set_clock(CHEAT, |clock, now| clock.jump(now, -3_500));
    (0..4).for_each(|home| street.start(home));
    street.run(5 * SECOND);
    offer(&mut street, MAKER);
    // By its clock the offer lies ahead for a while.
    street.run(5 * SECOND);
    let bid = street.wish(Side::Buy, 100, 1_000);
    let bid = street.place(CHEAT, bid).unwrap();
    street.run(60 * SECOND);
    assert_eq!(street.request(CHEAT, bid).filled, WattHours(100));
    let trade = &street.disk(CHEAT).trades().values().next().expect("it is on record").trade;
    assert_eq!(trade.proposal.taker.author, street.key(CHEAT), "its own proposal arrived alive");
}

#[test]
fn attack_24_a_trade_with_an_order_that_nobody_knows() {
    let mut offered = Offered::new(124);
    offered.street.stop(CHEAT);
    let unknown = OrderId { entry: EntryId([9; 32]), index: 0 };
    let proposal = Proposal { own_order: Some(unknown), ..offered.proposal(1) };
    offered.propose(proposal, MAKER);
    let filled = offered.street.request(MAKER, offered.request).filled;
    offer(&mut offered.street, MAKER);
    offered.street.run(10 * SECOND);
    let slot = offered.street.request(MAKER, offered.request).wish.slot;
    let (_, asks) = offered.street.household(WITNESS).unwrap().depth(slot, 10);
    let shown: WattHours = asks.iter().map(|level| level.quantity).sum();
    assert_eq!(shown, WattHours(1_000) - filled, "the maker's log does not wait for the taker's");
    offered.assert_nobody_is_convicted();
}

#[test]
fn attack_28_a_proposal_from_elsewhere() {
    let mut offered = Offered::new(128);
    offered.street.stop(CHEAT);
    let good = offered.proposal(1);
    let LogId { author, incarnation } = good.maker;
    let older = Incarnation { opened: UtcMillis(incarnation.opened.0 - 1), ..incarnation };
    let cases = [
        ("another community", Proposal { community: CommunityId([7; 32]), ..good }),
        ("another log of the maker", Proposal { maker: LogId { author, incarnation: older }, ..good }),
        ("somebody else's", Proposal { maker: offered.street.log(WITNESS).unwrap(), ..good }),
    ];
    for (name, proposal) in cases {
        offered.propose(proposal, MAKER);
        assert_eq!(fills(&offered.street, MAKER), 0, "{name}");
    }
    // A signature over one kind of statement is none over another one.
    let proposal = Verified::sign(good, &*offered.street.signer(CHEAT));
    let acceptance = Acceptance {
        proposal: ProposalId(proposal.hash()),
        maker: offered.street.key(CHEAT),
        quantity: WattHours(1),
        filled_total: WattHours(1),
        incarnation,
        seq: 0,
        at: offered.street.now,
    };
    let acceptance = Verified::sign(acceptance, &*offered.street.signer(CHEAT));
    offered.send(&Message::Refusal(acceptance.bytes().clone()), MAKER);
    offered.send(&Message::Beacon(proposal.bytes().clone()), MAKER);
    offered.assert_nobody_is_convicted();
}

/// The operator's home and the other maker on one side, the witness and the last home on the other one.
fn cut_in_two(street: &mut Street, up: bool) {
    for one in [MAKER, OTHER_MAKER] {
        for other in [WITNESS, CHEAT] {
            street.set_link(one, other, up);
        }
    }
}

#[test]
fn attack_18_an_order_under_the_charter_of_before() {
    let mut street = Street::new(4, 118);
    street.run(SECOND);
    cut_in_two(&mut street, false);
    let witness = street.key(WITNESS);
    street.amend(|charter| {
        let lowered = charter.members.iter_mut().filter(|member| member.key == witness);
        lowered.for_each(|member| member.export = Watts(100));
    });
    street.run(SECOND);
    let slot = street.next_slot();
    offer(&mut street, WITNESS);
    street.run(SECOND);
    // It never hears that its connection carries no more than 25 Wh, and so does not close the order itself.
    street.stop(WITNESS);
    cut_in_two(&mut street, true);
    street.run(60 * SECOND);
    for home in [MAKER, OTHER_MAKER, CHEAT] {
        let household = street.household(home).unwrap();
        let shown: WattHours = household.depth(slot, 10).1.iter().map(|level| level.quantity).sum();
        assert_eq!(shown, WattHours(500), "home {home} judges it by the charter that it names");
        assert!(household.status().convicted.is_empty());
    }
}

#[test]
fn attack_19_a_trade_under_the_charter_of_before() {
    let mut street = Street::new(4, 119);
    street.run(SECOND);
    cut_in_two(&mut street, false);
    street.amend(|charter| charter.shape.smallest_fill = WattHours(400));
    street.run(SECOND);
    let (ask, _) = offer(&mut street, WITNESS);
    let bid = street.wish(Side::Buy, 100, 1_000);
    let bid = street.place(CHEAT, bid).unwrap();
    street.run(5 * SECOND);
    cut_in_two(&mut street, true);
    street.run(60 * SECOND);
    assert_eq!(street.is_agreed(), Ok(()));
    assert_eq!(street.request(WITNESS, ask).filled, WattHours(100));
    assert_eq!(street.request(CHEAT, bid).filled, WattHours(100));
    let kept = street.disk(CHEAT).trades().values().next().expect("it is on record");
    assert!(!kept.provisional, "what was agreed before the charter was known stands");
}

/// An entry of the cheat's in a log of its own making, signed well or badly.
fn entry_in(street: &Street, number: u64, prev: Option<&Verified<Entry>>, ops: Vec<Op>) -> Verified<Entry> {
    let incarnation = Incarnation { opened: UtcMillis(street.now.0 + number), nonce: number };
    let log = LogId { author: street.key(CHEAT), incarnation };
    let (seq, prev) = prev.map_or((0, None), |prev| (prev.seq + 1, Some(EntryId(prev.hash()))));
    let entry = Entry { community: street.community(), log, seq, prev, at: street.now, ops };
    Verified::sign(entry, &*street.signer(CHEAT))
}

/// How many entries of a log a home holds.
fn held(street: &Street, home: usize, log: LogId) -> usize {
    street.disk(home).entries_by(log.author).filter(|entry| entry.log == log).count()
}

/// Says nothing that matters: it cancels what nobody placed.
fn idle() -> Vec<Op> {
    vec![Op::Cancel { order: OrderId { entry: EntryId([0; 32]), index: 0 }, leaves: WattHours(0) }]
}

#[test]
fn attack_27_thousands_of_logs() {
    let mut offered = Offered::new(127);
    offered.street.stop(CHEAT);
    for number in 0..3_000 {
        let entry = entry_in(&offered.street, number, None, idle());
        for home in [MAKER, WITNESS] {
            offered.gossip(&Gossip::Entry(entry.bytes().clone()), home);
        }
    }
    offered.street.run(60 * SECOND);
    let cheat = offered.street.key(CHEAT);
    for home in 0..CHEAT {
        assert!(offered.street.disk(home).logs_by(cheat) <= MAX_INCARNATIONS, "home {home}");
        let status = offered.street.household(home).unwrap().status();
        assert_eq!(status.convicted.iter().collect::<Vec<_>>(), [&cheat], "by home {home}");
    }
}

#[test]
fn attack_27_a_good_signature_vouches_for_so_many_and_no_more() {
    // Whether the last of them is signed well, and whether the others count then.
    for vouched in [true, false] {
        let mut offered = Offered::new(128);
        offered.street.stop(CHEAT);
        let mut entries: Vec<Verified<Entry>> = Vec::new();
        for _ in 0..MAX_CHAIN {
            let next = entry_in(&offered.street, 1, entries.last(), idle());
            entries.push(next);
        }
        let (last, bad) = entries.split_last().unwrap();
        let mut range: Vec<Bytes> = bad.iter().map(|entry| badly_signed(entry.bytes())).collect();
        range.push(if vouched { last.bytes().clone() } else { badly_signed(last.bytes()) });
        let log = last.log;
        offered.send(&Message::Range { log, from: 0, entries: range.clone() }, MAKER);
        let held = |offered: &Offered| offered.street.disk(MAKER).entries().filter(|entry| entry.log == log).count();
        assert_eq!(held(&offered), if vouched { MAX_CHAIN } else { 0 });
        // One more does not even travel.
        let mut offered = Offered::new(128);
        offered.street.stop(CHEAT);
        let next = entry_in(&offered.street, 1, Some(last), idle());
        range[MAX_CHAIN - 1] = badly_signed(last.bytes());
        range.push(next.bytes().clone());
        offered.send(&Message::Range { log, from: 0, entries: range }, MAKER);
        assert_eq!(held(&offered), 0);
        offered.assert_nobody_is_convicted();
    }
}

/// It signs so seldom that nobody finds a good signature near the end of what it asks for, and gives its log to all but one
/// in pieces that end with one.
#[test]
fn attack_27_few_good_signatures_keep_nobody_apart() {
    let mut offered = Offered::new(130);
    offered.street.stop(CHEAT);
    let mut entries: Vec<Verified<Entry>> = Vec::new();
    for _ in 0..600 {
        let next = entry_in(&offered.street, 1, entries.last(), idle());
        entries.push(next);
    }
    for piece in entries.chunks(200) {
        let (last, bad) = piece.split_last().unwrap();
        let mut range: Vec<Bytes> = bad.iter().map(|entry| badly_signed(entry.bytes())).collect();
        range.push(last.bytes().clone());
        let message = Message::Range { log: last.log, from: piece[0].seq, entries: range };
        (0..CHEAT).filter(|home| *home != WITNESS).for_each(|home| offered.send(&message, home));
    }
    offered.street.run(60 * SECOND);
    for home in 0..CHEAT {
        assert_eq!(held(&offered.street, home, entries[0].log), entries.len(), "home {home}");
    }
    offered.assert_nobody_is_convicted();
}

/// It writes as fast as it can. Everybody stops at the same entry.
#[test]
fn attack_27_a_log_that_grows_without_end() {
    let mut offered = Offered::new(131);
    offered.street.stop(CHEAT);
    let mut last: Option<Verified<Entry>> = None;
    let mut too_many: Vec<Verified<Entry>> = Vec::new();
    for pieces in 0..MAX_ENTRIES_PER_HOUR / 200 + 2 {
        let mut range = Vec::new();
        for _ in 0..200 {
            let next = entry_in(&offered.street, 1, last.as_ref(), idle());
            range.push(next.bytes().clone());
            if next.seq >= MAX_ENTRIES_PER_HOUR as u64 && too_many.len() < 10 {
                too_many.push(next.clone());
            }
            last = Some(next);
        }
        let log = last.as_ref().unwrap().log;
        let from = 200 * pieces as u64;
        (0..CHEAT).for_each(|home| offered.send(&Message::Range { log, from, entries: range.clone() }, home));
    }
    for home in 0..CHEAT {
        let log = last.as_ref().unwrap().log;
        assert_eq!(held(&offered.street, home, log), MAX_ENTRIES_PER_HOUR, "home {home}");
    }
    offered.street.run(60 * SECOND);
    offered.assert_nobody_is_convicted();
    // Days later all of that is over, and the log goes on behind it.
    offered.street.now = offered.street.now.after(5 * 24 * 3_600 * SECOND);
    offered.street.run(60 * SECOND);
    let (log, from) = (too_many[0].log, too_many[0].seq);
    let range = Message::Range { log, from, entries: too_many.iter().map(|entry| entry.bytes().clone()).collect() };
    (0..CHEAT).for_each(|home| offered.send(&range, home));
    for home in 0..CHEAT {
        let newest = offered.street.disk(home).entries_by(log.author).map(|entry| entry.seq).max();
        assert_eq!(newest, Some(from + 9), "home {home}");
    }
}

#[test]
fn attack_27_proofs_that_nobody_should_check() {
    let mut offered = Offered::new(129);
    offered.street.stop(CHEAT);
    // A real fork, told in more words than are read, in more proofs than are taken, and by signatures that are none.
    let one = entry_in(&offered.street, 2, None, idle());
    let other = entry_in(&offered.street, 2, None, [idle(), idle()].concat());
    let long = |first: &Verified<Entry>| {
        let mut chain = vec![first.clone()];
        for _ in 0..MAX_CHAIN {
            let next = entry_in(&offered.street, 2, chain.last(), idle());
            chain.push(next);
        }
        let (last, bad) = chain.split_last().unwrap();
        bad.iter().map(|entry| badly_signed(entry.bytes())).chain([last.bytes().clone()]).collect::<Vec<Bytes>>()
    };
    let too_long = Proof::Fork { one: long(&one), other: long(&other) };
    let fork = Proof::Fork { one: vec![one.bytes().clone()], other: vec![other.bytes().clone()] };
    let forged = Proof::Fork { one: vec![badly_signed(one.bytes())], other: vec![badly_signed(other.bytes())] };
    offered.send(&Message::Proofs(vec![fork.clone(); MAX_PROOFS + 1]), MAKER);
    for proof in [too_long, forged] {
        offered.send(&Message::Proofs(vec![proof.clone()]), MAKER);
        offered.gossip(&Gossip::Proof(proof), MAKER);
    }
    let convicted = |offered: &mut Offered| offered.street.household(MAKER).unwrap().status().convicted;
    assert!(convicted(&mut offered).is_empty());
    // Told as it should be, it is taken; one proof of a key is kept and asked for.
    offered.send(&Message::Proofs(vec![fork; MAX_PROOFS]), MAKER);
    assert_eq!(convicted(&mut offered).len(), 1);
    assert_eq!(offered.street.disk(MAKER).proofs().count(), 1);
}
