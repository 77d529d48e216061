//! Whoever contradicts itself is convicted by everybody, costs nobody else anything, and takes nobody along.

mod by_hand;

use std::time::Duration;

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::Act;
use wattswap_node::protocol::entry::{Entry, Fill, Op, Order};
use wattswap_node::protocol::household::io::Standing;
use wattswap_node::protocol::ids::{EntryId, Head, Incarnation, LogId, MemberKey, OrderId, ProposalId};
use wattswap_node::protocol::limits::MAX_INCARNATIONS;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::{Signed, Verified};

use self::by_hand::{BUYER, CHEAT, COLLUDER, Cheat, OTHER_BUYER, SECOND, WITNESS, badly_signed, fill};

#[test]
fn an_entry_where_a_beacon_said_that_there_is_none() {
    for beacon_first in [true, false] {
        let mut cheat = Cheat::new(71);
        let (now, order) = (cheat.street.now, cheat.order());
        if beacon_first {
            cheat.beacon(now, &[WITNESS]);
        }
        let entry = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 1);
        cheat.show(&entry, &[WITNESS]);
        if !beacon_first {
            let entry = cheat.entries.pop().unwrap();
            cheat.beacon(now, &[WITNESS]);
            cheat.entries.push(entry);
        }
        cheat.assert_convicted();
    }
}

/// Nobody passes on what it was proved by any more, only the proof.
#[test]
fn who_was_away_while_somebody_was_convicted_is_told_of_it() {
    let mut cheat = Cheat::new(86);
    cheat.street.stop(COLLUDER);
    let (now, order) = (cheat.street.now, cheat.order());
    cheat.beacon(now, &[WITNESS]);
    let entry = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 1);
    cheat.show(&entry, &[WITNESS]);
    cheat.street.run(60 * SECOND);
    cheat.street.start(COLLUDER);
    cheat.assert_convicted();
}

#[test]
fn two_acceptances_of_one_proposal() {
    let mut cheat = Cheat::new(72);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let (told, logged) = (cheat.accept(&proposal, 300, 300), cheat.accept(&proposal, 200, 200));
    cheat.send(&Message::Acceptance(told.bytes().clone()), BUYER);
    let entry = cheat.write(vec![fill(&proposal, &logged)], 0);
    cheat.show(&entry, &[WITNESS]);
    cheat.assert_convicted();
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300), "what the buyer was told stands in its log");
}

/// The buyer copies what it was told, a neighbour had first seen what the cheat has logged. Once that counts no more, all
/// books show what the copy leaves of the buyer's order, whichever acceptance stood for the trade before.
#[test]
fn of_two_acceptances_the_one_that_is_still_held_is_what_every_book_shows() {
    for seed in 90..98 {
        let mut cheat = Cheat::new(seed);
        let (proposal, bid) = cheat.is_asked_for_an_order(BUYER, 500);
        let (told, logged) = (cheat.accept(&proposal, 300, 300), cheat.accept(&proposal, 200, 200));
        let entry = cheat.write(vec![fill(&proposal, &logged)], 0);
        cheat.show(&entry, &[WITNESS]);
        cheat.send(&Message::Acceptance(told.bytes().clone()), BUYER);
        cheat.assert_convicted();
        assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300), "seed {seed}");
        let slot = cheat.street.next_slot();
        for home in 0..CHEAT {
            let bids = cheat.street.household(home).unwrap().depth(slot, 10).0;
            let left: WattHours = bids.iter().map(|level| level.quantity).sum();
            assert_eq!(left, WattHours(200), "seed {seed}, home {home}");
        }
    }
}

/// A fill that was dated after the take had expired is no trade when it is revealed, and none a day later.
#[test]
fn what_is_no_trade_is_none_when_its_slot_is_forgotten_either() {
    let mut cheat = Cheat::new(81);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    cheat.street.now = cheat.street.now.after(Duration::from_secs(28 * 3_600));
    cheat.street.run(20 * SECOND);
    assert_eq!(cheat.street.disk(BUYER).reservations().len(), 1, "the maker was silent all the time");
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.show(&entry, &[BUYER, WITNESS]);
    cheat.street.run(60 * SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty(), "the log is past it");
    assert!(cheat.street.disk(BUYER).trades().is_empty());
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(0));
}

/// The fill comes in the very turn in which the buyer's machine wakes up, long after the slot: it binds, and the buyer knows.
#[test]
fn what_comes_in_the_turn_in_which_its_slot_is_forgotten_is_not_let_go_of() {
    let mut cheat = Cheat::new(82);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.street.now = cheat.street.now.after(Duration::from_secs(28 * 3_600));
    cheat.show(&entry, &[BUYER]);
    let order = cheat.order();
    let later = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 0);
    cheat.show(&later, &[BUYER, WITNESS]);
    cheat.street.run(60 * SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    let known: Vec<bool> = cheat.street.disk(BUYER).trades().values().map(|own| own.provisional).collect();
    assert_eq!(known, [true], "the maker's log holds it");
}

/// The buyer's clock jumps to long after the slot in the moment in which the fill comes, and is set right again.
#[test]
fn what_comes_while_a_clock_has_jumped_past_its_slot_is_copied_once_the_clock_is_right() {
    const FAR: i64 = 28 * 3_600_000;
    let mut cheat = Cheat::new(84);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.street.set_clock(BUYER, |clock, now| clock.jump(now, FAR));
    cheat.show(&entry, &[BUYER]);
    cheat.street.run(20 * SECOND);
    assert_eq!(cheat.street.disk(BUYER).reservations().len(), 1, "the slot only seems to be over");
    assert!(cheat.street.disk(BUYER).trades().is_empty());
    cheat.street.set_clock(BUYER, |clock, now| clock.jump(now, -FAR));
    cheat.street.run(20 * SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    let known: Vec<bool> = cheat.street.disk(BUYER).trades().values().map(|own| own.provisional).collect();
    assert_eq!(known, [false], "its own log holds it too");
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
}

/// The fill comes while the buyer hears no other clock, and so signs no copy; when it hears them, the slot is long over. Until
/// then the cheat may have convicted itself.
fn filled_while_nothing_can_be_signed(convicts_itself: bool) -> Vec<bool> {
    let mut cheat = Cheat::new(85);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    let others = [OTHER_BUYER, WITNESS, COLLUDER];
    others.iter().for_each(|other| cheat.street.set_link(BUYER, *other, false));
    cheat.street.run(120 * SECOND);
    assert_eq!(cheat.street.household(BUYER).unwrap().standing(), Standing::Alone);
    cheat.show(&entry, &[BUYER]);
    let cancel = Op::Cancel { order: cheat.order(), leaves: WattHours(0) };
    cheat.street.now = cheat.street.now.after(Duration::from_secs(28 * 3_600));
    cheat.street.run(SECOND);
    let later = cheat.write(vec![cancel.clone()], 0);
    cheat.show(&later, &[BUYER]);
    assert_eq!(cheat.street.disk(BUYER).reservations().len(), 1, "its clock may have jumped");
    if convicts_itself {
        cheat.entries.pop();
        let other = cheat.write(vec![cancel.clone(), cancel], 0);
        cheat.show(&other, &[BUYER]);
    }
    others.iter().for_each(|other| cheat.street.set_link(BUYER, *other, true));
    cheat.street.run(60 * SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    cheat.street.disk(BUYER).trades().values().map(|own| own.provisional).collect()
}

#[test]
fn what_comes_while_nothing_can_be_signed_is_not_let_go_of_later() {
    assert_eq!(filled_while_nothing_can_be_signed(false), [true], "the maker's log holds it");
}

#[test]
fn what_came_while_nothing_could_be_signed_binds_nobody_if_its_maker_is_convicted_meanwhile() {
    assert!(filled_while_nothing_can_be_signed(true).is_empty());
}

/// The operators have ended the maker's log before the fill; the buyer gets all of it at once, long after the slot.
#[test]
fn what_lies_beyond_a_seal_is_no_trade_when_its_slot_is_forgotten_either() {
    let mut cheat = Cheat::new(83);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let order = cheat.order();
    let end = cheat.write(vec![Op::Cancel { order, leaves: WattHours(300) }], 0);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let beyond = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.street.now = cheat.street.now.after(Duration::from_secs(28 * 3_600));
    cheat.street.run(20 * SECOND);
    let ends = vec![Head { log: cheat.log, seq: end.seq, id: EntryId(end.hash()) }];
    cheat.street.sign_record(Act::Seals(ends));
    cheat.street.run(SECOND);
    assert_eq!(cheat.street.disk(BUYER).reservations().len(), 1, "it does not know what comes before the end");
    let entries = [end, beyond].iter().map(|entry| entry.bytes().clone()).collect();
    cheat.send(&Message::Range { log: cheat.log, from: 1, entries }, BUYER);
    cheat.street.run(60 * SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    assert!(cheat.street.disk(BUYER).trades().is_empty(), "it can never bind");
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(0));
}

#[test]
fn an_acceptance_after_a_refusal() {
    for restarts in [false, true] {
        let mut cheat = Cheat::new(73);
        let (proposal, bid) = cheat.is_asked_by(BUYER);
        let refusal = Refusal {
            proposal: ProposalId(proposal.hash()),
            maker: cheat.log.author,
            incarnation: cheat.log.incarnation,
            at: cheat.street.now,
        };
        let refusal = Verified::sign(refusal, &*cheat.street.signer(CHEAT));
        cheat.send(&Message::Refusal(refusal.bytes().clone()), BUYER);
        assert!(cheat.street.disk(BUYER).reservations().is_empty(), "refused with a signature: free for others");
        if restarts {
            cheat.street.stop(BUYER);
            cheat.street.start(BUYER);
            cheat.street.run(5 * SECOND);
        }
        let acceptance = cheat.accept(&proposal, 300, 300);
        let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
        cheat.show(&entry, &[WITNESS]);
        cheat.assert_convicted();
        assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(0), "and the buyer is not bound");
    }
}

/// An entry with a fill that nobody has seen yet, when the buyer has let go of its take by a beacon from after it.
fn fills_behind_a_fence(cheat: &mut Cheat, proposal: &Verified<Proposal>) -> Verified<Entry> {
    let backdated = cheat.accept(proposal, 300, 300);
    let entry = cheat.write(vec![fill(proposal, &backdated)], 0);
    cheat.entries.pop();
    cheat.street.run(60 * SECOND);
    let now = cheat.street.now;
    cheat.beacon(now, &[BUYER]);
    cheat.street.run(SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty(), "the log is past it");
    entry
}

/// Of an order that the buyer has posted. It is filled for as long as the evidence is looked for, and open again then: in
/// between the buyer wants no more.
#[test]
fn a_fill_behind_a_fence_makes_nobody_want_the_same_twice() {
    let mut cheat = Cheat::new(133);
    let (proposal, bid) = cheat.is_asked_for_an_order(BUYER, 300);
    let entry = fills_behind_a_fence(&mut cheat, &proposal);
    cheat.show(&entry, &[BUYER]);
    cheat.assert_convicted();
    assert_eq!(cheat.street.request(BUYER, bid).orders.len(), 1);
    let slot = cheat.street.next_slot();
    let bids = cheat.street.household(WITNESS).unwrap().depth(slot, 10).0;
    assert_eq!(bids.iter().map(|level| level.quantity).sum::<WattHours>(), WattHours(300));
}

#[test]
fn a_fill_behind_a_fence() {
    let mut cheat = Cheat::new(74);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let closes_at = cheat.street.disk(BUYER).reservations().values().next().unwrap().closes_at;
    let backdated = cheat.accept(&proposal, 300, 300);
    let written_at = cheat.street.now;
    cheat.street.run(closes_at.since(cheat.street.now) + SECOND);
    let now = cheat.street.now;
    cheat.beacon(now, &[BUYER]);
    assert!(cheat.street.disk(BUYER).reservations().is_empty(), "nothing can be filled behind the beacon");
    // The beacon that was relied on is remembered for good, newer ones come and go.
    cheat.street.stop(BUYER);
    cheat.street.start(BUYER);
    cheat.street.run(5 * SECOND);
    let entry = cheat.write(vec![fill(&proposal, &backdated)], cheat.street.now.since(written_at).as_millis() as u64);
    cheat.show(&entry, &[WITNESS]);
    cheat.assert_convicted();
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(0), "and the buyer is not bound");
}

#[test]
fn more_than_there_was() {
    let mut cheat = Cheat::new(75);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 501);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.show(&entry, &[WITNESS]);
    cheat.assert_convicted();
}

#[test]
fn the_same_part_for_two() {
    for at_once in [true, false] {
        let mut cheat = Cheat::new(76);
        let (one, other) = (cheat.is_asked_by(BUYER).0, cheat.is_asked_by(OTHER_BUYER).0);
        let mut fills = vec![fill(&one, &cheat.accept(&one, 300, 300))];
        if at_once {
            fills.push(fill(&other, &cheat.accept(&other, 300, 300)));
        }
        let entry = cheat.write(fills, 0);
        cheat.show(&entry, &[WITNESS]);
        if !at_once {
            let acceptance = cheat.accept(&other, 300, 300);
            let entry = cheat.write(vec![fill(&other, &acceptance)], 0);
            cheat.show(&entry, &[WITNESS]);
        }
        cheat.assert_convicted();
    }
}

/// Each order counts its own fills from nothing, also where one entry placed both: that is no contradiction, and hides none.
#[test]
fn the_same_part_for_two_beside_an_order_of_the_same_entry() {
    const ALL: [usize; 4] = [BUYER, OTHER_BUYER, WITNESS, COLLUDER];
    for seed in 100..108 {
        let mut cheat = Cheat::new(seed);
        let order = Order { quantity: WattHours(300), price: Price(900), ..cheat.offer() };
        let both = cheat.write(vec![Op::Place(order), Op::Place(order)], 0);
        cheat.show(&both, &ALL);
        cheat.street.run(SECOND);
        let first = cheat.is_asked_by(BUYER).0;
        let same = cheat.is_asked_by(OTHER_BUYER).0;
        cheat.fills(&first, &ALL);
        let second = cheat.is_asked_by(WITNESS).0;
        cheat.fills(&second, &ALL);
        let placed = |index| OrderId { entry: EntryId(both.hash()), index };
        assert_eq!([&first, &same, &second].map(|proposal| proposal.order), [placed(0), placed(0), placed(1)]);
        for home in ALL {
            assert!(cheat.street.household(home).unwrap().status().convicted.is_empty(), "seed {seed}, home {home}");
        }
        cheat.fills(&same, &ALL);
        cheat.assert_convicted();
    }
}

/// Two others claim in a trade of theirs to take the same part: that takes nothing, and hides nothing. Which trade is looked at
/// first is chance.
#[test]
fn the_same_part_for_two_beside_what_others_claim_to_take() {
    for seed in 120..128 {
        let mut cheat = Cheat::new(seed);
        let (one, other) = (cheat.is_asked_by(BUYER).0, cheat.is_asked_by(OTHER_BUYER).0);
        let claimed = claimed_of_its_order(&cheat, &one);
        let copy = cheat.write(vec![claimed], 0);
        cheat.show(&copy, &[BUYER, OTHER_BUYER, WITNESS]);
        cheat.street.run(SECOND);
        cheat.fills(&one, &[BUYER, OTHER_BUYER, WITNESS]);
        cheat.fills(&other, &[WITNESS]);
        cheat.assert_convicted();
    }
}

/// The colluder sells to the cheat what is offered in the cheat's own order, as it says.
fn claimed_of_its_order(cheat: &Cheat, asked: &Verified<Proposal>) -> Op {
    let Cheat { log: taker, street, .. } = cheat;
    let maker = LogId { author: street.key(COLLUDER), incarnation: Incarnation { opened: street.now, nonce: 1 } };
    let proposal = Proposal { taker: *taker, maker, own_order: None, ..***asked };
    let proposal = Verified::sign(proposal, &*street.signer(CHEAT));
    let accepted = cheat.accept(&proposal, 300, 300);
    let accepted = Acceptance { maker: maker.author, incarnation: maker.incarnation, ..**accepted };
    fill(&proposal, &Verified::sign(accepted, &*street.signer(COLLUDER)))
}

#[test]
fn an_acceptance_after_the_cancel() {
    let mut cheat = Cheat::new(77);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let order = cheat.order();
    let cancel = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 0);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.show(&cancel, &[WITNESS]);
    cheat.show(&entry, &[WITNESS]);
    cheat.assert_convicted();
}

#[test]
fn more_logs_than_anybody_needs() {
    let mut cheat = Cheat::new(78);
    for number in 1..=MAX_INCARNATIONS as u64 {
        let incarnation = Incarnation { opened: UtcMillis(cheat.log.incarnation.opened.0 + number), nonce: number };
        let log = LogId { author: cheat.log.author, incarnation };
        let order = cheat.offer();
        let community = cheat.street.community();
        let entry = Entry { community, log, seq: 0, prev: None, at: cheat.street.now, ops: vec![Op::Place(order)] };
        let entry = Verified::sign(entry, &*cheat.street.signer(CHEAT));
        cheat.show(&entry, &[WITNESS]);
    }
    cheat.assert_convicted();
}

#[test]
fn attack_09_a_trade_stands_although_its_maker_convicts_itself() {
    let mut cheat = Cheat::new(79);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.show(&entry, &[BUYER, WITNESS]);
    cheat.street.run(SECOND);
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
    // It regrets the trade, and breaks a beacon on purpose.
    let (now, order) = (cheat.street.now, cheat.order());
    cheat.beacon(now, &[WITNESS]);
    let entry = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 1);
    cheat.show(&entry, &[WITNESS]);
    cheat.assert_convicted();
    let trade = cheat.street.disk(BUYER).trades().values().next().expect("it is on record").clone();
    assert!(!trade.provisional, "the buyer's own log holds it");
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
}

/// Two who plan together: what one gave the other before the gate is revealed after it, or when nobody counts it any more.
#[test]
fn attack_20_what_colluders_reveal_late_changes_no_honest_trade() {
    let (hour, gate) = (Duration::from_secs(3_600), Duration::from_secs(2 * 3_600));
    // The same part of the order for both, or the rest of it.
    for (quantity, contradicts) in [(500, true), (200, false)] {
        for (after, in_time) in [(gate + hour, true), (gate + 26 * hour, false)] {
            let mut cheat = Cheat::new(80);
            let (proposal, bid) = cheat.is_asked_by(BUYER);
            let acceptance = cheat.accept(&proposal, 300, 300);
            let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
            cheat.show(&entry, &[BUYER, WITNESS]);
            cheat.street.run(SECOND);
            let taker = cheat.street.log(COLLUDER).unwrap();
            let planned = Proposal { taker, up_to: WattHours(quantity), own_order: None, ..**proposal };
            let planned = Verified::sign(planned, &*cheat.street.signer(COLLUDER));
            let acceptance = cheat.accept(&planned, quantity, 500);
            let entry = cheat.write(vec![fill(&planned, &acceptance)], 0);
            // Neither says a word until then.
            cheat.street.stop(COLLUDER);
            cheat.street.now = cheat.street.now.after(after);
            cheat.street.run(20 * SECOND);
            let before = cheat.street.disk(BUYER).trades().clone();
            cheat.show(&entry, &[WITNESS]);
            cheat.street.run(60 * SECOND);
            let case = format!("{quantity} Wh after {after:?}");
            assert_eq!(*cheat.street.disk(BUYER).trades(), before, "{case}: what the buyer has stands");
            assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300), "{case}");
            let convicted: Vec<MemberKey> = (contradicts && in_time).then_some(cheat.log.author).into_iter().collect();
            let mut books = Vec::new();
            for home in [BUYER, OTHER_BUYER, WITNESS] {
                let status = cheat.street.household(home).expect("it runs on").status();
                assert_eq!(status.convicted.iter().copied().collect::<Vec<_>>(), convicted, "{case}: by home {home}");
                assert!(home == BUYER || cheat.street.disk(home).trades().is_empty(), "{case}");
                books.push((status.book, status.heads));
            }
            assert!(books.windows(2).all(|pair| pair[0] == pair[1]), "{case}: they hold and show the same");
        }
    }
}

/// Signed in another log than the cheat's first one.
fn write_in(cheat: &Cheat, nonce: u64, before: Option<&Verified<Entry>>, ops: Vec<Op>) -> Verified<Entry> {
    let incarnation = Incarnation { opened: UtcMillis(cheat.log.incarnation.opened.0 + nonce), nonce };
    let log = LogId { author: cheat.log.author, incarnation };
    let (seq, prev) = before.map_or((0, None), |before| (before.seq + 1, Some(EntryId(before.hash()))));
    let entry = Entry { community: cheat.street.community(), log, seq, prev, at: cheat.street.now, ops };
    Verified::sign(entry, &*cheat.street.signer(CHEAT))
}

fn nothing(cheat: &Cheat) -> Vec<Op> {
    vec![Op::Cancel { order: cheat.order(), leaves: WattHours(0) }]
}

/// The buyer, who waits for an answer, is shown an entry far ahead that is dated days ago: nothing that lies between could
/// say anything that counts, it seems, the fill included.
#[test]
fn a_later_entry_that_is_dated_earlier() {
    let mut cheat = Cheat::new(130);
    let (_, bid) = cheat.is_asked_by(BUYER);
    cheat.street.run(60 * SECOND);
    let at = cheat.street.now.before(Duration::from_secs(5 * 24 * 3_600));
    let (community, prev) = (cheat.street.community(), Some(EntryId([1; 32])));
    let entry = Entry { community, log: cheat.log, seq: 5_000, prev, at, ops: nothing(&cheat) };
    let entry = Verified::sign(entry, &*cheat.street.signer(CHEAT));
    let range = Message::Range { log: cheat.log, from: entry.seq, entries: vec![entry.bytes().clone()] };
    cheat.send(&range, BUYER);
    cheat.assert_convicted();
    assert_eq!(cheat.held_by(BUYER), [0], "nobody lets go of what is held for it");
    assert_eq!(cheat.street.request(BUYER, bid).in_doubt, WattHours(0));
}

/// The buyer lets go of its take by a beacon, and gets the fill from before it in the turn in which it is to look for a lot of
/// evidence against a neighbour, who is said to have sold more than it had.
#[test]
fn a_broken_beacon_among_made_up_evidence_against_others() {
    let mut cheat = Cheat::new(131);
    let victim = cheat.street.wish(Side::Buy, 100, 500);
    let victim = cheat.street.place(WITNESS, victim).unwrap();
    cheat.street.run(SECOND);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let late = fills_behind_a_fence(&mut cheat, &proposal);
    let maker = cheat.street.log(WITNESS).unwrap();
    let order = cheat.street.request(WITNESS, victim).orders[0];
    let made_up = (0..40).map(|nonce| {
        let asked = Proposal {
            maker,
            order,
            side: Side::Sell,
            price: Price(500),
            taker: cheat.log,
            own_order: None,
            nonce,
            ..**proposal
        };
        let asked = Verified::sign(asked, &*cheat.street.signer(CHEAT));
        let said = cheat.accept(&asked, 10, 10_000);
        let said = Acceptance { maker: maker.author, incarnation: maker.incarnation, ..**said };
        let forged = badly_signed(&Verified::sign(said, &*cheat.street.signer(WITNESS)));
        let acceptance = Signed::parse(forged).unwrap();
        Op::Fill(Box::new(Fill { proposal: Signed::clone(&asked), acceptance }))
    });
    let noise = write_in(&cheat, 1, None, made_up.collect());
    cheat.keep_busy(BUYER);
    for entry in [&noise, &late] {
        let range = Message::Range { log: entry.log, from: entry.seq, entries: vec![entry.bytes().clone()] };
        cheat.send(&range, BUYER);
    }
    cheat.is_free_again(BUYER);
    cheat.assert_convicted();
}

/// Each of its many logs begins with a bad signature, and no node gets to see more of them than an author may have.
#[test]
fn more_logs_than_anybody_needs_that_begin_badly() {
    let mut cheat = Cheat::new(132);
    for number in 1..2 * MAX_INCARNATIONS as u64 {
        let first = write_in(&cheat, number, None, nothing(&cheat));
        let second = write_in(&cheat, number, Some(&first), nothing(&cheat));
        let entries = vec![badly_signed(&first), second.bytes().clone()];
        let home = if number < MAX_INCARNATIONS as u64 { BUYER } else { WITNESS };
        cheat.send(&Message::Range { log: first.log, from: 0, entries }, home);
    }
    cheat.assert_convicted();
}
