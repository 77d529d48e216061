//! Entries that can't be judged yet, or never, hide nothing and hold nobody up.

mod by_hand;

use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::Act;
use wattswap_node::protocol::entry::{Entry, Fill, Op};
use wattswap_node::protocol::household::io::Input;
use wattswap_node::protocol::ids::{CharterId, EntryId, Head, Incarnation, LogId, OrderId, ProposalId};
use wattswap_node::protocol::limits::{MAX_INCARNATIONS, MAX_RANGES_PER_TURN, MAX_WAITING_ENTRIES};
use wattswap_node::protocol::message::{Contradiction, Message};
use wattswap_node::protocol::signed::{Signed, Verified};

use self::by_hand::{BUYER, CHEAT, COLLUDER, Cheat, OTHER_BUYER, SECOND, WITNESS, badly_signed, fill};

/// What the cheat says of this proposal in its next entry, which is dated this far ahead.
fn accepts_ahead(cheat: &Cheat, proposal: &Verified<Proposal>, quantity: i64, ahead: Duration) -> Verified<Acceptance> {
    let said = cheat.accept(proposal, quantity, quantity);
    let said = Acceptance { at: said.at.after(ahead), ..**said };
    Verified::sign(said, &*cheat.street.signer(CHEAT))
}

/// The next entry, dated when the acceptance in it is.
fn write_ahead(cheat: &mut Cheat, proposal: &Verified<Proposal>, acceptance: &Verified<Acceptance>) -> Verified<Entry> {
    let now = std::mem::replace(&mut cheat.street.now, acceptance.at);
    let entry = cheat.write(vec![fill(proposal, acceptance)], 0);
    cheat.street.now = now;
    entry
}

fn refuses(cheat: &Cheat, proposal: &Verified<Proposal>) -> Message {
    let Cheat { log: LogId { author, incarnation }, street, .. } = cheat;
    let refusal =
        Refusal { proposal: ProposalId(proposal.hash()), maker: *author, incarnation: *incarnation, at: street.now };
    Message::Refusal(Verified::sign(refusal, &*street.signer(CHEAT)).bytes().clone())
}

/// It fills in an entry from the future, and refuses. The buyer has the trade, and does not want the energy again.
#[test]
fn a_refusal_of_what_was_filled_ahead_of_time_frees_nothing() {
    let mut cheat = Cheat::new(101);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let acceptance = accepts_ahead(&cheat, &proposal, 300, 8 * SECOND);
    let entry = write_ahead(&mut cheat, &proposal, &acceptance);
    cheat.show(&entry, &[BUYER, OTHER_BUYER, WITNESS]);
    let refusal = refuses(&cheat, &proposal);
    cheat.send(&refusal, BUYER);
    cheat.assert_convicted();
    cheat.assert_filled(BUYER, bid, 300);
}

/// The entry is there first, and the refusal in the same turn, before the trade could be completed.
#[test]
fn a_refusal_in_the_turn_of_the_fill_frees_nothing() {
    let mut cheat = Cheat::new(102);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.keep_busy(BUYER);
    cheat.show(&entry, &[BUYER]);
    let refusal = refuses(&cheat, &proposal);
    cheat.send(&refusal, BUYER);
    cheat.is_free_again(BUYER);
    cheat.assert_convicted();
    cheat.assert_filled(BUYER, bid, 300);
}

/// It says yes and no to the buyer alone, in one turn of the buyer's.
#[test]
fn a_refusal_in_the_turn_of_the_acceptance_frees_nothing() {
    let mut cheat = Cheat::new(117);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    cheat.keep_busy(BUYER);
    cheat.send(&Message::Acceptance(acceptance.bytes().clone()), BUYER);
    let refusal = refuses(&cheat, &proposal);
    cheat.send(&refusal, BUYER);
    cheat.is_free_again(BUYER);
    cheat.assert_convicted();
    cheat.assert_filled(BUYER, bid, 300);
}

/// It tells the buyer of 200 Wh, and has 300 in an entry from the future, which was there first everywhere else. The buyer
/// hears nobody, and is gone before that entry is due.
#[test]
fn two_acceptances_of_which_one_had_to_wait_are_two() {
    for seed in 110..118 {
        let mut cheat = Cheat::new(seed);
        let (proposal, bid) = cheat.is_asked_by(BUYER);
        let told = cheat.accept(&proposal, 200, 200);
        let logged = accepts_ahead(&cheat, &proposal, 300, 8 * SECOND);
        let entry = write_ahead(&mut cheat, &proposal, &logged);
        // Nobody notices that it hears nothing.
        cheat.street.notice_after = 600 * SECOND;
        (0..CHEAT).filter(|other| *other != BUYER).for_each(|other| cheat.street.cut(other, BUYER));
        cheat.show(&entry, &[OTHER_BUYER, WITNESS, COLLUDER]);
        cheat.street.run(SECOND);
        cheat.send(&Message::Acceptance(told.bytes().clone()), BUYER);
        cheat.street.run(SECOND);
        cheat.street.stop(BUYER);
        cheat.street.run(60 * SECOND);
        for home in [OTHER_BUYER, WITNESS] {
            let of = cheat.street.household(home).unwrap().convicted_of(&cheat.log.author);
            assert_eq!(of, Some(Contradiction::TwoAcceptances), "seed {seed}, home {home}");
        }
        (0..CHEAT).filter(|other| *other != BUYER).for_each(|other| cheat.street.mend(other, BUYER));
        cheat.street.start(BUYER);
        cheat.assert_convicted();
        assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(200), "seed {seed}");
    }
}

/// An entry that nobody can ever judge: it cancels something, under a charter that does not exist.
fn unjudgeable(cheat: &mut Cheat) -> Verified<Entry> {
    let mut order = cheat.offer();
    order.charter = CharterId([7; 32]);
    cheat.write(vec![Op::Place(order)], 0)
}

/// The cheat is silent, and its log goes on with what nobody can judge. A fence ends the doubt all the same.
#[test]
fn what_can_not_be_judged_keeps_no_doubt_alive() {
    let mut cheat = Cheat::new(103);
    let (_, bid) = cheat.is_asked_by(BUYER);
    let entry = unjudgeable(&mut cheat);
    cheat.show(&entry, &[BUYER, OTHER_BUYER, WITNESS]);
    cheat.street.run(60 * SECOND);
    assert_eq!(cheat.street.request(BUYER, bid).in_doubt, WattHours(300), "it may still have been filled in time");
    let now = cheat.street.now;
    cheat.beacon(now, &[BUYER]);
    cheat.street.run(SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
}

/// So does the operators' seal, before that entry or after it.
#[test]
fn what_can_not_be_judged_keeps_no_doubt_alive_beyond_a_seal() {
    for beyond in [true, false] {
        let mut cheat = Cheat::new(104);
        let (_, bid) = cheat.is_asked_by(BUYER);
        let entry = unjudgeable(&mut cheat);
        cheat.show(&entry, &[BUYER, OTHER_BUYER, WITNESS]);
        cheat.street.run(60 * SECOND);
        assert_eq!(cheat.street.request(BUYER, bid).in_doubt, WattHours(300));
        let end = &cheat.entries[if beyond { 0 } else { 1 }];
        let end = Head { log: cheat.log, seq: end.seq, id: EntryId(end.hash()) };
        cheat.street.sign_record(Act::Seals(vec![end]));
        cheat.street.run(SECOND);
        assert!(cheat.street.disk(BUYER).reservations().is_empty(), "beyond: {beyond}");
    }
}

/// What can't be judged may hold the fill: the maker's signature under it is enough.
#[test]
fn a_fill_beside_what_can_not_be_judged_is_a_trade() {
    let mut cheat = Cheat::new(105);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let mut order = cheat.offer();
    order.charter = CharterId([7; 32]);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance), Op::Place(order)], 0);
    cheat.show(&entry, &[BUYER, WITNESS]);
    cheat.street.run(SECOND);
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
    let known: Vec<bool> = cheat.street.disk(BUYER).trades().values().map(|own| own.provisional).collect();
    assert_eq!(known, [false], "the buyer's own log holds it");
}

/// As many logs as convict, each with as long an entry as there may be, shown to one neighbour alone.
#[test]
fn the_longest_proof_reaches_everybody() {
    let mut cheat = Cheat::new(106);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let long: Vec<Op> = (0..125).map(|nonce| another(&cheat, &proposal, &acceptance, nonce)).collect();
    let own = cheat.write(long.clone(), 0);
    cheat.show(&own, &[WITNESS]);
    let mut bytes = own.bytes().len();
    for number in 1..=MAX_INCARNATIONS as u64 {
        let incarnation = Incarnation { opened: UtcMillis(cheat.log.incarnation.opened.0 + number), nonce: number };
        let log = LogId { author: cheat.log.author, incarnation };
        let (community, at) = (cheat.street.community(), cheat.street.now);
        let entry = Entry { community, log, seq: 0, prev: None, at, ops: long.clone() };
        let entry = Verified::sign(entry, &*cheat.street.signer(CHEAT));
        bytes += entry.bytes().len();
        cheat.send(&Message::Range { log, from: 0, entries: vec![entry.bytes().clone()] }, WITNESS);
    }
    assert!(bytes > (1 << 20), "{bytes} bytes are no long proof");
    cheat.assert_convicted();
}

/// The same words about another proposal, for an order that there never was: they contradict nothing.
fn another(cheat: &Cheat, proposal: &Verified<Proposal>, acceptance: &Verified<Acceptance>, nonce: u64) -> Op {
    let order = OrderId { entry: EntryId([9; 32]), index: 0 };
    let proposal = Verified::sign(Proposal { nonce, order, ..***proposal }, &*cheat.street.signer(BUYER));
    let acceptance = Acceptance { proposal: ProposalId(proposal.hash()), ..***acceptance };
    let acceptance = Verified::sign(acceptance, &*cheat.street.signer(CHEAT));
    Op::Fill(Box::new(Fill { proposal: Signed::clone(&proposal), acceptance: Signed::clone(&acceptance) }))
}

/// The cheat writes ahead of time, more than there is room for. All stop at the same entry.
#[test]
fn so_many_entries_of_one_log_wait_and_no_more() {
    let mut cheat = Cheat::new(107);
    let now = cheat.street.now;
    cheat.street.now = now.after(3_600 * SECOND);
    let entries: Vec<_> = (0..2 * MAX_WAITING_ENTRIES).map(|_| unjudgeable(&mut cheat)).collect();
    cheat.street.now = now;
    for entry in &entries {
        cheat.show(entry, &[WITNESS]);
    }
    cheat.street.run(60 * SECOND);
    for home in [BUYER, OTHER_BUYER, WITNESS] {
        let held = cheat.held_by(home).len();
        assert_eq!(held, 1 + MAX_WAITING_ENTRIES, "home {home}");
    }
}

/// The same in one piece, of which only the end is signed well: what there is no room for would have vouched for the rest.
#[test]
fn what_is_kept_of_a_range_is_what_can_be_proved_to_others() {
    let mut cheat = Cheat::new(108);
    let now = cheat.street.now;
    cheat.street.now = now.after(3_600 * SECOND);
    let entries: Vec<_> = (0..2 * MAX_WAITING_ENTRIES).map(|_| unjudgeable(&mut cheat)).collect();
    cheat.street.now = now;
    let (last, bad) = entries.split_last().unwrap();
    let mut range: Vec<_> = bad.iter().map(badly_signed).collect();
    range[9] = bad[9].bytes().clone();
    range.push(last.bytes().clone());
    cheat.send(&Message::Range { log: cheat.log, from: 1, entries: range }, WITNESS);
    cheat.street.run(60 * SECOND);
    let keys: Vec<_> = (0..CHEAT).map(|home| cheat.street.key(home)).collect();
    for home in [BUYER, OTHER_BUYER, WITNESS] {
        let held = cheat.held_by(home).len();
        assert_eq!(held, 1 + 10, "home {home}: up to the last one that is signed well and has room");
        let household = cheat.street.household(home).unwrap();
        let others = keys.iter().filter(|key| **key != keys[home]);
        assert!(others.into_iter().all(|key| household.is_connected(key)), "home {home} has dropped nobody");
    }
}

/// Each range may cost as many checks of signatures as it has entries: in a turn so many are taken of a peer, whatever others send.
#[test]
fn so_many_ranges_of_one_peer_are_taken_in_a_turn() {
    let mut cheat = Cheat::new(118);
    let cancel = Op::Cancel { order: cheat.order(), leaves: WattHours(0) };
    let entries: Vec<_> = (0..2 * MAX_RANGES_PER_TURN).map(|_| cheat.write(vec![cancel.clone()], 0)).collect();
    let range = |entry: &Verified<Entry>| Message::Range {
        log: entry.log,
        from: entry.seq,
        entries: vec![entry.bytes().clone()],
    };
    cheat.keep_busy(BUYER);
    entries.iter().for_each(|entry| cheat.send(&range(entry), BUYER));
    let next = &entries[MAX_RANGES_PER_TURN];
    let from = cheat.street.key(WITNESS);
    cheat.street.inject(BUYER, Input::Message { from, bytes: range(next).encode() });
    cheat.is_free_again(BUYER);
    let held = cheat.held_by(BUYER).len();
    assert_eq!(held, 1 + MAX_RANGES_PER_TURN + 1, "the first entry, those of the cheat, and that of the witness");
}

/// Beyond the end of its log it goes on, dated hours ahead: all hold the same of it, also who heard of the end later.
#[test]
fn so_many_entries_beyond_a_seal_are_taken_before_their_time() {
    for seal_first in [true, false] {
        let mut cheat = Cheat::new(109);
        let end = Head { log: cheat.log, seq: 0, id: EntryId(cheat.entries[0].hash()) };
        if seal_first {
            cheat.street.sign_record(Act::Seals(vec![end]));
            cheat.street.run(SECOND);
        }
        let now = cheat.street.now;
        cheat.street.now = now.after(3_600 * SECOND);
        let entries: Vec<_> = (0..2 * MAX_WAITING_ENTRIES).map(|_| unjudgeable(&mut cheat)).collect();
        cheat.street.now = now;
        let (before, after) = entries.split_at(10);
        before.iter().for_each(|entry| cheat.show(entry, &[WITNESS]));
        if !seal_first {
            cheat.street.sign_record(Act::Seals(vec![end]));
            cheat.street.run(SECOND);
        }
        after.iter().for_each(|entry| cheat.show(entry, &[WITNESS]));
        cheat.street.run(60 * SECOND);
        for home in [BUYER, OTHER_BUYER, WITNESS] {
            let held = cheat.held_by(home).len();
            assert_eq!(held, 1 + MAX_WAITING_ENTRIES, "home {home}, seal first: {seal_first}");
        }
    }
}

/// The operators know of an entry that the buyer has yet to get: it may hold the fill, and does.
#[test]
fn a_seal_frees_nothing_before_all_that_it_covers_is_held() {
    let mut cheat = Cheat::new(119);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    let end = Head { log: cheat.log, seq: entry.seq, id: EntryId(entry.hash()) };
    cheat.street.sign_record(Act::Seals(vec![end]));
    cheat.street.run(60 * SECOND);
    assert_eq!(cheat.street.disk(BUYER).reservations().len(), 1);
    cheat.show(&entry, &[BUYER]);
    cheat.street.run(SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
}

/// The cheat's log has a cancel that comes to light only after somebody has shown what was given of the order later.
#[test]
fn a_cancel_that_had_to_wait_is_compared_with_what_was_given_after_it() {
    let mut cheat = Cheat::new(115);
    let (proposal, bid) = cheat.is_asked_by(BUYER);
    let order = cheat.order();
    let now = cheat.street.now;
    cheat.street.now = now.after(7 * SECOND);
    let cancel = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 0);
    cheat.street.now = now;
    let told = accepts_ahead(&cheat, &proposal, 300, 8 * SECOND);
    cheat.send(&Message::Acceptance(told.bytes().clone()), BUYER);
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
    cheat.show(&cancel, &[BUYER, OTHER_BUYER, WITNESS, COLLUDER]);
    cheat.assert_convicted();
    assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300), "what was agreed stands");
}

/// The buyer's machine starts with a clock from before the fill, which then steps to long after the slot.
#[test]
fn what_waited_while_a_clock_was_behind_is_not_let_go_of_when_it_steps() {
    let mut cheat = Cheat::new(116);
    let (proposal, _) = cheat.is_asked_by(BUYER);
    let acceptance = cheat.accept(&proposal, 300, 300);
    let entry = cheat.write(vec![fill(&proposal, &acceptance)], 0);
    cheat.street.stop(BUYER);
    cheat.street.now = cheat.street.now.after(Duration::from_secs(28 * 3_600));
    cheat.street.run(20 * SECOND);
    const BEHIND: i64 = 29 * 3_600_000;
    cheat.street.set_clock(BUYER, |clock, now| clock.jump(now, -BEHIND));
    cheat.street.start(BUYER);
    cheat.street.run(SECOND);
    cheat.show(&entry, &[BUYER]);
    let order = cheat.order();
    let later = cheat.write(vec![Op::Cancel { order, leaves: WattHours(0) }], 0);
    cheat.show(&later, &[BUYER]);
    assert_eq!(cheat.street.disk(BUYER).reservations().len(), 1);
    cheat.street.set_clock(BUYER, |clock, now| clock.jump(now, BEHIND));
    cheat.street.run(60 * SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    let known: Vec<bool> = cheat.street.disk(BUYER).trades().values().map(|own| own.provisional).collect();
    assert_eq!(known, [true], "the maker's log holds it");
}
