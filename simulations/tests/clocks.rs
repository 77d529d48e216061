//! Clocks that are a little wrong, or step.

use std::time::Duration;

use wattswap_matching::{Price, Side, WattHours};
use wattswap_node::protocol::charter::{Act, Shape};
use wattswap_node::protocol::household::io::{
    BadWish, Command, CommandError, Input, Output, RequestState, Standing, Wish,
};
use wattswap_node::protocol::limits::MAX_INCARNATIONS;
use wattswap_node::protocol::message::Message;
use wattswap_simulations::network::{Street, usual_shape};

const SECOND: Duration = Duration::from_secs(1);
const HOME: usize = 1;
const NEIGHBOUR: usize = 2;

/// A neighbour offers 500 Wh, and four seconds ahead, which is as right as clocks have to be, the household's log is past the
/// gate.
fn past_the_gate(seed: u64) -> (Street, Wish) {
    let shape = Shape { opening: 3_600 * SECOND, ..usual_shape() };
    let mut street = Street::founded(4, 4, shape.clone(), |_| {}, seed);
    (0..4).for_each(|home| street.start(home));
    street.run(SECOND);
    let early = street.wish(Side::Buy, 10, 900);
    street.place(HOME, early).unwrap();
    // Until a slot is next that opened after its log began, so that it can't have forgotten a take in it.
    street.run(3 * shape.opening);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(NEIGHBOUR, ask).unwrap();
    let gate = shape.gate(ask.slot);
    street.run(gate.before(3 * SECOND).since(street.now));
    street.set_clock(HOME, |clock, now| clock.jump(now, 4_000));
    let elsewhere = street.wish(Side::Sell, 10, 2_000);
    street.place(HOME, elsewhere).unwrap();
    street.run(SECOND / 10);
    assert!(street.household(HOME).unwrap().is_final(ask.slot));
    (street, ask)
}

#[test]
fn a_log_that_is_past_the_gate_takes_nothing_more_whatever_the_clock_shows() {
    let (mut street, ask) = past_the_gate(72);
    // And then behind, by as much as makes it start again, which brings back the books that time had closed.
    street.set_clock(HOME, |clock, now| clock.jump(now, -5_500));
    street.run(SECOND / 10);
    let bid = street.wish(Side::Buy, 200, 1_000);
    let late = street.place(HOME, Wish { slot: ask.slot, ..bid }).unwrap();
    for _ in 0..30 {
        street.run(SECOND);
        assert!(street.household(HOME).unwrap().is_final(ask.slot), "nothing of it is open again");
    }
    assert_eq!(street.request(HOME, late).filled, WattHours(0));
}

/// What its log has promised holds for the one that follows, also if it starts again before that is begun.
#[test]
fn a_log_that_is_sealed_opens_no_slot_again_that_was_final() {
    for restarts in [false, true] {
        let (mut street, ask) = past_the_gate(73);
        let end = street.household(HOME).unwrap().status().own_head.unwrap();
        street.set_clock(HOME, |clock, now| clock.jump(now, -5_500));
        street.sign_record(Act::Seals(vec![end]));
        street.run(SECOND / 10);
        let status = street.household(HOME).unwrap().status();
        assert!(status.log != end.log && status.own_head.is_none(), "it goes on in another log, not begun yet");
        let bid = street.wish(Side::Buy, 200, 1_000);
        let late = street.place(HOME, Wish { slot: ask.slot, ..bid }).unwrap();
        if restarts {
            street.stop(HOME);
            street.start(HOME);
        }
        street.run(30 * SECOND);
        assert!(street.household(HOME).unwrap().status().own_head.is_some());
        assert_eq!(street.request(HOME, late).filled, WattHours(0));
    }
}

/// As a machine without a clock of its own does, which learns the time from the network a while later.
#[test]
fn who_starts_with_a_clock_that_is_a_day_behind_keeps_its_log() {
    const DAY: i64 = 24 * 3_600_000;
    let mut street = Street::new(4, 74);
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 10, 900);
    street.place(HOME, bid).unwrap();
    street.run(SECOND);
    let log = street.household(HOME).unwrap().status().log;
    for _ in 0..2 * MAX_INCARNATIONS {
        street.stop(HOME);
        street.set_clock(HOME, |clock, now| clock.jump(now, -DAY));
        street.start(HOME);
        street.run(20 * SECOND);
        let standing = street.household(HOME).unwrap().standing();
        assert!(matches!(standing, Standing::LogAhead { .. }), "{standing:?}");
        street.set_clock(HOME, |clock, now| clock.jump(now, DAY));
        street.run(20 * SECOND);
        let status = street.household(HOME).unwrap().status();
        assert_eq!((status.standing, status.log), (Standing::Trading, log));
    }
    for (home, side) in [(HOME, Side::Buy), (NEIGHBOUR, Side::Sell)] {
        let wish = street.wish(side, 10, 900);
        street.place(home, wish).unwrap();
        street.run(SECOND);
    }
    let traded: Vec<_> = street.disk(HOME).trades().values().map(|own| own.trade.acceptance.quantity).collect();
    assert_eq!(traded, [WattHours(10)]);
}

/// Of two other clocks one says that ours is an hour ahead, and the other one that it is right.
#[test]
fn one_clock_that_is_wrong_stops_nobody_else() {
    let mut street = Street::new(3, 75);
    street.run(SECOND);
    street.stop(0);
    street.set_clock(0, |clock, now| clock.jump(now, -3_600_000));
    street.start(0);
    street.run(60 * SECOND);
    for home in [HOME, NEIGHBOUR] {
        assert_eq!(street.household(home).unwrap().standing(), Standing::Trading, "home {home}");
    }
}

#[test]
fn whoever_wakes_up_late_asks_each_peer_once_for_the_time_however_much_has_piled_up() {
    let mut street = Street::new(4, 73);
    street.run(5 * SECOND);
    let now = street.now.after(3_600 * SECOND);
    let household = street.household(HOME).unwrap();
    (0..100).for_each(|_| household.handle(now, Input::Wake));
    let asked = std::iter::from_fn(|| household.poll());
    let asked = asked.filter(|output| matches!(output, Output::Send { message: Message::GetBeacon, .. }));
    assert_eq!(asked.count(), 3);
}

/// Hours ahead, and back: what was asked for before is still asked for.
#[test]
fn a_clock_that_jumps_ends_no_request() {
    let mut street = Street::new(4, 76);
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 10, 900);
    let bid = street.place(HOME, bid).unwrap();
    street.run(SECOND);
    const HOURS: i64 = 20 * 3_600_000;
    for restarts in [false, true] {
        street.set_clock(HOME, |clock, now| clock.jump(now, HOURS));
        if restarts {
            street.stop(HOME);
            street.start(HOME);
        }
        street.run(20 * SECOND);
        let standing = street.household(HOME).unwrap().standing();
        assert!(matches!(standing, Standing::ClockAhead { .. }), "{standing:?}");
        assert_eq!(street.request(HOME, bid).state, RequestState::Live);
        street.set_clock(HOME, |clock, now| clock.jump(now, -HOURS));
        street.run(20 * SECOND);
        assert_eq!(street.household(HOME).unwrap().standing(), Standing::Trading);
        assert_eq!(street.request(HOME, bid).state, RequestState::Live);
    }
    let ask = street.wish(Side::Sell, 10, 900);
    street.place(NEIGHBOUR, ask).unwrap();
    street.run(SECOND);
    assert_eq!(street.request(HOME, bid).filled, WattHours(10));
}

/// All machines sleep until what was asked for is long over, and can be forgotten.
#[test]
fn what_has_expired_during_a_long_sleep_is_said_to_have() {
    let mut street = Street::new(4, 78);
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 10, 900);
    let bid = street.place(HOME, bid).unwrap();
    street.run(SECOND);
    street.now = street.now.after(100 * 3_600 * SECOND);
    street.run(60 * SECOND);
    assert_eq!(street.request(HOME, bid).state, RequestState::Expired);
}

/// The book opens later than before by a charter that comes: what was asked for is posted then.
#[test]
fn what_can_not_be_posted_yet_by_a_new_charter_is_posted_when_its_slot_opens() {
    let mut street = Street::new(4, 79);
    street.run(SECOND);
    let shape = street.charter().shape.clone();
    let slot = shape.slot_at(street.now.after(25 * 3_600 * SECOND));
    let asked = [(HOME, Side::Sell), (NEIGHBOUR, Side::Buy)].map(|(home, side)| {
        let wish = Wish { slot, ..street.wish(side, 10, if side == Side::Buy { 900 } else { 1_000 }) };
        (home, street.place(home, wish).unwrap())
    });
    street.run(SECOND);
    street.amend(|charter| (charter.shape.opening, charter.shape.floor) = (24 * 3_600 * SECOND, Price(0)));
    street.run(60 * SECOND);
    let posted = |street: &mut Street| {
        let (bids, asks) = street.household(0).unwrap().depth(slot, 10);
        [bids.len(), asks.len()]
    };
    assert_eq!(posted(&mut street), [0, 0]);
    // Hour by hour, since whoever sleeps through it looks at everything anew.
    street.run(3_600 * SECOND);
    assert_eq!(posted(&mut street), [1, 1]);
    for (home, id) in asked {
        assert_eq!(street.request(home, id).state, RequestState::Live);
    }
}

/// Its connection carries less by a charter that comes: what was asked for last ends.
#[test]
fn what_a_connection_does_not_carry_any_more_ends() {
    let mut street = Street::new(4, 80);
    street.run(SECOND);
    let most = street.charter().slot_limit(&street.key(HOME), Side::Sell).unwrap();
    let parts = [most.0 / 2, most.0 / 4, most.0 / 4].map(|part| {
        let wish = street.wish(Side::Sell, part, 1_000);
        let id = street.place(HOME, wish).unwrap();
        street.run(SECOND);
        id
    });
    let key = street.key(HOME);
    street.amend(|charter| {
        for member in charter.members.iter_mut().filter(|member| member.key == key) {
            member.export.0 = member.export.0 * 3 / 4;
        }
    });
    street.run(SECOND);
    let states = parts.map(|id| street.request(HOME, id).state);
    assert_eq!(states, [RequestState::Live, RequestState::Live, RequestState::Cancelled]);
}

/// It expires two days before its slot, in which the connection carries no more than before.
#[test]
fn what_was_sold_counts_against_the_connection_until_the_slot_is_over() {
    let mut street = Street::new(3, 77);
    street.run(SECOND);
    let shape = street.charter().shape.clone();
    let slot = shape.slot_at(street.now.after(shape.opening - 3_600 * SECOND));
    let wish = |street: &Street, side, quantity| Wish { slot, ..street.wish(side, quantity, 1_000) };
    let most = street.charter().slot_limit(&street.key(HOME), Side::Sell).unwrap();
    let soon = Some(street.now.after(600 * SECOND));
    let all = Wish { expires_at: soon, ..wish(&street, Side::Sell, most.0) };
    let sold = street.place(HOME, all).unwrap();
    street.run(SECOND);
    let bid = wish(&street, Side::Buy, most.0);
    street.place(NEIGHBOUR, bid).unwrap();
    street.run(5 * SECOND);
    assert_eq!(street.request(HOME, sold).filled, most);
    street.now = street.now.after(30 * 3_600 * SECOND);
    street.run(60 * SECOND);
    let more = wish(&street, Side::Sell, 10);
    let refused = street.command(HOME, Command::Place { wishes: vec![more], key: None });
    let reason = BadWish::OverConnectionLimit { by: WattHours(10) };
    assert!(matches!(refused, Some(Err(CommandError::BadWish { reason: why, .. })) if why == reason), "{refused:?}");
}
