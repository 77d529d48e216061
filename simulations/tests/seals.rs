//! Operators end the logs of a member that has vanished or has to go: what others have in doubt with it is settled, and
//! nothing that it writes later counts.

use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::{Side, WattHours};
use wattswap_node::protocol::agreement::words::Acceptance;
use wattswap_node::protocol::charter::{Act, Charter, GovernanceRecord};
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::io::{Command, Input, Reply, RequestState, Standing, Ticket};
use wattswap_node::protocol::ids::Head;
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::disk::Disk;
use wattswap_simulations::network::{Crash, Street};

/// Founded the community, and may change its rules.
const OPERATOR: usize = 0;
/// Has to go.
const MEMBER: usize = 1;
const TAKER: usize = 2;
/// Is heard of last.
const LATER: usize = 3;
const HOMES: usize = 5;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The member offers 500 Wh; and where its log ends then.
fn offered(seed: u64) -> (Street, Head) {
    let mut street = Street::new(HOMES, seed);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(MEMBER, ask).unwrap();
    street.run(SECOND);
    let end = street.household(MEMBER).unwrap().status().own_head.unwrap();
    (street, end)
}

/// The member offers 500 Wh, and vanishes in the moment in which somebody takes 200 of it.
fn vanished() -> (Street, Head) {
    let (mut street, end) = offered(61);
    let bid = street.wish(Side::Buy, 200, 1_000);
    street.place(TAKER, bid).unwrap();
    street.crash_at(MEMBER, Crash::BeforePersist);
    street.run(MINUTE);
    assert_eq!(street.disk(TAKER).reservations().len(), 1, "nobody knows whether it was filled");
    (street, end)
}

fn publish(street: &mut Street, act: Act) {
    let newest = street.household(OPERATOR).unwrap().chain().newest().clone();
    let record =
        GovernanceRecord { height: newest.record.height + 1, prev: Some(newest.id), at: newest.record.at, act };
    let mut record = SignedRecord::unsigned(record).unwrap();
    record.co_sign(&*street.signer(OPERATOR)).unwrap();
    let reply = street.command(OPERATOR, Command::Governance(record.bytes.to_vec())).unwrap();
    assert!(matches!(reply, Ok(Reply::Done)), "{reply:?}");
}

fn asked(street: &mut Street, home: usize) -> WattHours {
    let slot = street.next_slot();
    let (_, asks) = street.household(home).unwrap().depth(slot, 10);
    asks.iter().map(|level| level.quantity).sum()
}

/// Those of these homes show the same.
fn assert_alike(street: &mut Street, homes: impl Iterator<Item = usize>) {
    let statuses: Vec<_> = homes.map(|home| street.household(home).unwrap().status()).collect();
    assert!(statuses.windows(2).all(|pair| pair[0].heads == pair[1].heads && pair[0].book == pair[1].book));
    assert!(statuses.iter().all(|status| status.convicted.is_empty()));
}

#[test]
fn a_seal_settles_what_is_in_doubt_with_who_has_vanished() {
    let (mut street, end) = vanished();
    publish(&mut street, Act::Seals(vec![end]));
    street.run(SECOND);
    assert!(street.disk(TAKER).reservations().is_empty(), "nothing before the seal fills it");
    for home in [OPERATOR, TAKER, 3, 4] {
        assert_eq!(asked(&mut street, home), WattHours(0), "home {home} shows nothing of it");
    }
    // Who restarts, and who was away, knows of the seal too.
    street.stop(3);
    street.start(3);
    street.run(MINUTE);
    assert_eq!(asked(&mut street, 3), WattHours(0));
    assert_alike(&mut street, [OPERATOR, TAKER, 3, 4].into_iter());
}

#[test]
fn who_comes_back_goes_on_in_a_new_log() {
    let (mut street, end) = vanished();
    publish(&mut street, Act::Seals(vec![end]));
    street.run(SECOND);
    street.start(MEMBER);
    street.run(MINUTE);
    let status = street.household(MEMBER).unwrap().status();
    assert_eq!(status.standing, Standing::Trading);
    assert_ne!(status.log, end.log);
    // Its store is whole: its wish still stands, and the buyer's has found it.
    let traded: WattHours = street.disk(MEMBER).trades().values().map(|own| own.trade.acceptance.quantity).sum();
    assert_eq!(traded, WattHours(200));
    for home in 0..HOMES {
        assert_eq!(asked(&mut street, home), WattHours(300));
    }
    assert_alike(&mut street, 0..HOMES);
}

#[test]
fn what_is_written_beyond_a_seal_does_not_count() {
    let (mut street, end) = offered(62);
    // The member is cut off, and hears nothing of its seal; somebody else is cut off with it.
    let friend = TAKER;
    for here in [MEMBER, friend] {
        for there in [OPERATOR, 3, 4] {
            street.set_link(here, there, false);
        }
    }
    let more = street.wish(Side::Sell, 300, 900);
    street.place(MEMBER, more).unwrap();
    street.run(SECOND);
    publish(&mut street, Act::Seals(vec![end]));
    street.run(SECOND);
    street.stop(MEMBER);
    // Some hear of the seal first, the friend of the entry first.
    for there in [OPERATOR, 3, 4] {
        street.set_link(friend, there, true);
    }
    street.run(MINUTE);
    for home in [OPERATOR, friend, 3, 4] {
        assert_eq!(asked(&mut street, home), WattHours(0), "home {home}");
    }
    assert_alike(&mut street, [OPERATOR, friend, 3, 4].into_iter());
}

/// The buyer's copy is all that is left of the trade, and lies ahead of the clock for a while.
#[test]
fn a_trade_is_not_taken_back_while_a_clock_that_was_set_back_hides_the_own_copy() {
    let (mut street, end) = sold_unheard(67);
    street.run(40 * SECOND);
    [OPERATOR, TAKER, 3, 4].into_iter().for_each(|other| street.mend(MEMBER, other));
    street.run(40 * SECOND);
    publish(&mut street, Act::Seals(vec![end]));
    street.run(SECOND);
    let kept = |street: &Street| street.disk(TAKER).trades().values().map(|own| own.provisional).collect::<Vec<_>>();
    assert_eq!(kept(&street), [false], "the member's fill lies beyond its end, the copy counts");
    // To between the fill and the copy.
    street.set_clock(TAKER, |clock, now| clock.jump(now, -60_000));
    for _ in 0..60 {
        street.run(SECOND);
        assert_eq!(kept(&street), [false], "at {:?}", street.now);
    }
}

/// The member has sold 200 Wh in an entry beyond the end that is given. Nobody hears the member, which hears the others;
/// connections don't break for that yet.
fn sold_unheard(seed: u64) -> (Street, Head) {
    let (mut street, end) = offered(seed);
    street.notice_after = 10 * MINUTE;
    [OPERATOR, TAKER, 3, 4].into_iter().for_each(|other| street.cut(MEMBER, other));
    let bid = street.wish(Side::Buy, 200, 1_000);
    street.place(TAKER, bid).unwrap();
    street.run(SECOND);
    assert_eq!(reported(&street), [(WattHours(200), false)]);
    (street, end)
}

/// What the member's owner was told: how much was traded, and whether it is provisional.
fn reported(street: &Street) -> Vec<(WattHours, bool)> {
    let trades = street.disk(MEMBER).trades().values();
    trades.map(|own| (own.trade.acceptance.quantity, own.provisional)).collect()
}

#[test]
fn a_trade_that_a_seal_takes_away_is_taken_back() {
    let (mut street, end) = sold_unheard(63);
    publish(&mut street, Act::Seals(vec![end]));
    street.run(MINUTE);
    assert_eq!(reported(&street), [(WattHours(200), true)], "it binds no more, and the owner hears of it");
    assert!(street.disk(TAKER).reservations().is_empty() && street.disk(TAKER).trades().is_empty());
}

/// The member starts with a clock that is behind, so that it can't judge its own newest entries when it hears of the seal.
#[test]
fn a_trade_that_a_seal_takes_away_is_taken_back_by_whose_clock_was_behind() {
    let (mut street, end) = sold_unheard(66);
    street.stop(MEMBER);
    publish(&mut street, Act::Seals(vec![end]));
    street.set_clock(MEMBER, |clock, now| clock.jump(now, -20_000));
    [OPERATOR, TAKER, 3, 4].into_iter().for_each(|other| street.set_link(MEMBER, other, true));
    street.start(MEMBER);
    street.run(SECOND);
    assert_eq!(street.household(MEMBER).unwrap().chain().seals().count(), 1, "it has heard of it");
    assert_eq!(reported(&street), [(WattHours(200), true)], "whatever its clock shows");
    street.run(MINUTE);
    let taken_back = reported(&street).iter().filter(|(_, provisional)| *provisional).count();
    assert_eq!(taken_back, 1, "it binds no more, and the owner hears of it; what was sold anew stands");
}

#[test]
fn who_is_expelled_is_shut_out_and_its_trades_stand() {
    let mut street = Street::new(HOMES, 63);
    street.run(SECOND);
    let (ask, bid) = (street.wish(Side::Sell, 500, 1_000), street.wish(Side::Buy, 200, 1_000));
    street.place(MEMBER, ask).unwrap();
    street.run(SECOND);
    let bid = street.place(TAKER, bid).unwrap();
    street.run(10 * SECOND);
    let expelled = street.key(MEMBER);
    let mut charter: Charter = street.charter();
    charter.members.retain(|member| member.key != expelled);
    publish(&mut street, Act::Charter(Arc::new(charter)));
    street.run(SECOND);
    let end = street.household(OPERATOR).unwrap().heads().find(|head| head.log.author == expelled).unwrap();
    publish(&mut street, Act::Seals(vec![end]));
    street.run(MINUTE);
    let standing = street.household(MEMBER).unwrap().standing();
    assert!(matches!(standing, Standing::NotAMember | Standing::Alone), "nobody talks to it: {standing:?}");
    assert_eq!(street.request(TAKER, bid).filled, WattHours(200), "what was traded stays traded");
    for home in [OPERATOR, TAKER, 3, 4] {
        assert_eq!(asked(&mut street, home), WattHours(0), "home {home}");
        assert_eq!(street.household(home).unwrap().standing(), Standing::Trading);
    }
    assert_alike(&mut street, [OPERATOR, TAKER, 3, 4].into_iter());
}

/// The member fills and keeps it to itself. What it reveals weeks after the seal binds nobody, and changes nothing.
#[test]
fn attack_20_a_fill_beyond_a_seal_that_is_revealed_weeks_later() {
    let mut street = Street::new(HOMES, 65);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(MEMBER, ask).unwrap();
    street.run(SECOND);
    let end = street.household(MEMBER).unwrap().status().own_head.unwrap();
    let bid = street.wish(Side::Buy, 200, 1_000);
    let bid = street.place(TAKER, bid).unwrap();
    street.crash_at(MEMBER, Crash::AfterPersist);
    street.run(60 * MINUTE);
    assert_eq!((street.disk(MEMBER).trades().len(), street.request(TAKER, bid).in_doubt), (1, WattHours(200)));
    publish(&mut street, Act::Seals(vec![end]));
    street.run(SECOND);
    assert_eq!(street.request(TAKER, bid).in_doubt, WattHours(0), "it is free for others");
    street.now = street.now.after(14 * 24 * 60 * MINUTE);
    street.start(MEMBER);
    street.run(MINUTE);
    for home in [OPERATOR, TAKER, 3, 4] {
        assert!(street.disk(home).trades().is_empty(), "home {home} has nothing to do with it");
    }
    assert_eq!(street.request(TAKER, bid).filled, WattHours(0));
    assert_alike(&mut street, 0..HOMES);
}

/// The taker's disk is that of the moment in which it proposed to take 200 Wh from the member, who has vanished and whose
/// log was sealed before the fill. Nobody holds the member's fill; `is_copied`: others hold the taker's copy of it.
fn forgotten_copy(seed: u64, is_copied: bool) -> Street {
    let (mut street, end) = offered(seed);
    let low = street.wish(Side::Buy, 100, 900);
    street.place(TAKER, low).unwrap();
    street.run(2 * MINUTE);
    let others = [OPERATOR, 3, 4];
    for other in others {
        [MEMBER, TAKER].iter().for_each(|party| street.set_link(*party, other, false));
    }
    let bid = street.wish(Side::Buy, 200, 1_000);
    street.place(TAKER, bid).unwrap();
    let disk = street.disk(TAKER).clone();
    assert_eq!(disk.reservations().len(), 1);
    street.run(SECOND);
    assert_eq!(reported(&street), [(WattHours(200), false)]);
    street.stop(MEMBER);
    street.stop(TAKER);
    publish(&mut street, Act::Seals(vec![end]));
    if is_copied {
        let copy = street.disk(TAKER).entries_by(street.key(TAKER)).next_back().unwrap().bytes().clone();
        let from = street.key(TAKER);
        street.inject(OPERATOR, Input::Gossip { ticket: Ticket(0), from, bytes: Gossip::Entry(copy).encode() });
    }
    others.iter().for_each(|other| street.set_link(TAKER, *other, true));
    street.restore_disk(TAKER, disk);
    street
}

/// Its store knows of no copy, and others have yet to show it.
#[test]
fn a_take_is_kept_until_the_own_logs_are_compared() {
    let mut street = forgotten_copy(65, true);
    street.start(TAKER);
    for _ in 0..5_000 {
        street.run(Duration::from_millis(1));
        let disk = street.disk(TAKER);
        assert_eq!(disk.reservations().len() + disk.trades().len(), 1, "it is in doubt, or traded");
    }
    street.run(2 * MINUTE);
    assert_eq!(street.disk(TAKER).trades().len(), 1);
}

/// It trades again by a clock that was set back, by which it can't judge the copy that it has fetched.
#[test]
fn a_take_is_kept_whose_copy_can_not_be_judged_yet() {
    let mut street = forgotten_copy(66, true);
    street.set_clock(TAKER, |clock, now| clock.jump(now, -660_000));
    street.start(TAKER);
    street.run(MINUTE / 2);
    assert_eq!(street.household(TAKER).unwrap().standing(), Standing::Trading);
    assert_eq!(street.disk(TAKER).reservations().len(), 1, "its own log holds it");
    street.run(12 * MINUTE);
    let trades: Vec<_> = street.disk(TAKER).trades().values().collect();
    assert_eq!(trades.iter().map(|own| own.trade.acceptance.quantity).sum::<WattHours>(), WattHours(200));
    assert!(trades.iter().all(|own| !own.provisional), "it is done by its own log");
    assert!(street.disk(TAKER).reservations().is_empty());
}

/// It sleeps until the slot is long over: what the copy says is judged by nobody any more.
#[test]
fn a_copy_that_was_never_judged_is_a_trade() {
    let mut street = forgotten_copy(67, true);
    street.set_clock(TAKER, |clock, now| clock.jump(now, -60_000));
    street.start(TAKER);
    street.run(MINUTE / 2);
    assert_eq!(street.disk(TAKER).reservations().len(), 1, "its own log holds it");
    street.now = street.now.after(28 * 60 * MINUTE);
    street.run(5 * MINUTE);
    assert!(street.disk(TAKER).reservations().is_empty());
    let trades: Vec<_> = street.disk(TAKER).trades().values().collect();
    assert_eq!(trades.iter().map(|own| own.trade.acceptance.quantity).sum::<WattHours>(), WattHours(200));
    assert!(trades.iter().all(|own| !own.provisional), "it is done by its own log");
}

/// Meanwhile the member says that it gave less. What stands in the own log stays the only thing that is said there of it.
#[test]
fn a_second_acceptance_is_not_copied_beside_a_copy_that_can_not_be_judged_yet() {
    let mut street = forgotten_copy(72, true);
    let of_member = street.disk(MEMBER).entries_by(street.key(MEMBER)).next_back().unwrap();
    let first = of_member.fills().next().expect("it has filled").acceptance.clone();
    let less = Acceptance { quantity: WattHours(100), ..*first };
    let less = Verified::sign(less, &*street.signer(MEMBER));
    street.set_clock(TAKER, |clock, now| clock.jump(now, -60_000));
    street.start(TAKER);
    street.run(MINUTE / 2);
    assert_eq!(street.disk(TAKER).reservations().len(), 1);
    let bytes = Message::Acceptance(less.bytes().clone()).encode();
    let from = street.key(MEMBER);
    street.inject(TAKER, Input::Connected(from));
    street.inject(TAKER, Input::Message { from, bytes });
    street.run(5 * MINUTE);
    let by_taker = street.disk(TAKER).entries_by(street.key(TAKER));
    let copied: Vec<_> = by_taker.flat_map(|entry| entry.fills()).map(|fill| fill.acceptance.quantity).collect();
    assert!(!copied.is_empty() && copied.iter().all(|quantity| *quantity == WattHours(200)), "{copied:?}");
    assert!(street.disk(TAKER).reservations().is_empty());
}

/// It wakes up with that disk when the slot is long over, and learns of the copy from the others.
#[test]
fn a_copy_that_turns_up_when_its_slot_is_forgotten_is_a_trade() {
    let mut street = forgotten_copy(71, true);
    street.now = street.now.after(28 * 60 * MINUTE);
    street.start(TAKER);
    street.run(2 * MINUTE);
    assert_eq!(street.household(TAKER).unwrap().standing(), Standing::Trading);
    let trades: Vec<_> = street.disk(TAKER).trades().values().collect();
    assert_eq!(trades.iter().map(|own| own.trade.acceptance.quantity).sum::<WattHours>(), WattHours(200));
    assert!(street.disk(TAKER).reservations().is_empty());
}

/// Its clock jumps ahead while it waits for what it may have forgotten.
#[test]
fn a_take_is_kept_until_the_log_that_may_hold_its_copy_is_sealed() {
    let mut street = forgotten_copy(67, false);
    street.start(TAKER);
    street.household(TAKER).unwrap().was_restored();
    street.run(5 * SECOND);
    assert!(matches!(street.household(TAKER).unwrap().standing(), Standing::Restoring { .. }));
    street.set_clock(TAKER, |clock, now| clock.jump(now, 60_000));
    street.run(5 * SECOND);
    let standing = street.household(TAKER).unwrap().standing();
    assert!(matches!(standing, Standing::Restoring { .. }), "what was left to wait is still to be waited");
    street.run(MINUTE);
    assert!(matches!(street.household(TAKER).unwrap().standing(), Standing::ClockAhead { .. }));
    assert_eq!(street.disk(TAKER).reservations().len(), 1, "the copy may be anywhere, and counts");
    street.set_clock(TAKER, |clock, now| clock.jump(now, -60_000));
    street.run(2 * MINUTE);
    assert_eq!(street.household(TAKER).unwrap().standing(), Standing::Trading);
    assert!(street.disk(TAKER).reservations().is_empty(), "now it does not");
}

/// Nobody who is there holds what it has forgotten; but the operators have sealed its log beyond that.
#[test]
fn who_holds_less_of_its_log_than_operators_have_sealed_keeps_quiet_first() {
    let mut street = Street::new(HOMES, 69);
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 100, 900);
    let bid = street.place(MEMBER, bid).unwrap();
    street.run(SECOND);
    let disk = street.disk(MEMBER).clone();
    let others = [OPERATOR, TAKER, 3, 4];
    others.iter().for_each(|other| street.set_link(MEMBER, *other, false));
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(MEMBER, ask).unwrap();
    street.run(SECOND);
    let end = street.household(MEMBER).unwrap().status().own_head.unwrap();
    street.stop(MEMBER);
    publish(&mut street, Act::Seals(vec![end]));
    others.iter().for_each(|other| street.set_link(MEMBER, *other, true));
    street.restore_disk(MEMBER, disk);
    street.start(MEMBER);
    street.run(5 * SECOND);
    assert!(matches!(street.household(MEMBER).unwrap().standing(), Standing::Restoring { .. }));
    assert_eq!(street.request(MEMBER, bid).state, RequestState::Cancelled, "nobody knows what has become of it");
    street.run(2 * MINUTE);
    assert_eq!(street.household(MEMBER).unwrap().standing(), Standing::Trading);
}

/// Disks are lost, and who holds the log is away: it goes on in a new one. Operators say where the old one ends, and only
/// then it comes back, one entry after the other.
#[test]
fn a_log_that_is_begun_ends_no_older_one_before_the_operators_do() {
    let mut street = Street::new(HOMES, 70);
    street.run(SECOND);
    let others = [OPERATOR, TAKER, 4];
    others.iter().for_each(|other| street.set_link(MEMBER, *other, false));
    others.iter().for_each(|other| street.set_link(LATER, *other, false));
    for price in [1_000, 1_010] {
        let ask = street.wish(Side::Sell, 200, price);
        street.place(MEMBER, ask).unwrap();
        street.run(SECOND);
    }
    let end = street.household(MEMBER).unwrap().status().own_head.unwrap();
    let old: Vec<_> = street.disk(MEMBER).entries_by(street.key(MEMBER)).map(|entry| entry.bytes().clone()).collect();
    assert_eq!((old.len(), asked(&mut street, LATER), asked(&mut street, TAKER)), (3, WattHours(400), WattHours(0)));
    street.stop(LATER);
    for home in [MEMBER, OPERATOR, TAKER, 4] {
        let empty = Disk::new(street.first_charter());
        street.stop(home);
        street.restore_disk(home, empty);
    }
    others.iter().for_each(|other| street.set_link(MEMBER, *other, true));
    [MEMBER, OPERATOR, TAKER, 4].into_iter().for_each(|home| street.start(home));
    street.run(MINUTE);
    let bid = street.wish(Side::Buy, 100, 900);
    street.place(MEMBER, bid).unwrap();
    street.run(SECOND);
    let log = street.household(MEMBER).unwrap().status().log;
    assert!(log != end.log && street.household(MEMBER).unwrap().status().own_head.is_some(), "it has begun a new log");
    publish(&mut street, Act::Seals(vec![end]));
    street.run(SECOND);
    let from = street.key(TAKER);
    for bytes in old {
        let gossip = Gossip::Entry(bytes).encode();
        street.inject(MEMBER, Input::Gossip { ticket: Ticket(0), from, bytes: gossip });
        street.run(SECOND);
    }
    let is_seal = |op: &Op| matches!(op, Op::Seal(_));
    let key = street.key(MEMBER);
    assert!(!street.disk(MEMBER).entries_by(key).flat_map(|entry| &entry.ops).any(is_seal), "where it ends is said");
}
