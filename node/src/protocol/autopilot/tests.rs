//! What the autopilot wants, case by case; and what holds whatever it is asked. [`neighbourhood`] lets some trade.

mod neighbourhood;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use rust_decimal::Decimal;
use wattswap_matching::Watts;

use super::ramp::Window;
use super::*;
use crate::protocol::metering::{MeterId, Metering, Row, Verdict};

const MINUTE: u64 = 60_000;
const SLOT: u64 = 15 * MINUTE;
const DAY: u64 = 96 * SLOT;
/// Midnight of some day.
const T0: u64 = 20_000 * DAY;
const FEED_IN: Price = Price(80);
const RETAIL: Price = Price(300);

/// Sellers are on the long side.
const MORE_ASKS: Depth = Depth { bids: WattHours(1_000), asks: WattHours(3_000) };

fn shape() -> Shape {
    Shape {
        currency: "EUR".into(),
        slot_length: Duration::from_millis(SLOT),
        delivery_time: Duration::from_millis(SLOT),
        opening: Duration::from_millis(2 * DAY),
        gate_millis: 3_600_000,
        price_tick: Decimal::new(1, 3),
        quantity_tick: WattHours(10),
        smallest_fill: WattHours(50),
        floor: Price(-100),
        cap: Price(500),
        fees: Vec::new(),
    }
}

/// A [`Position`] that holds its requests.
#[derive(Clone, Debug)]
struct Held<Id> {
    bought: WattHours,
    sold: WattHours,
    pending_buys: WattHours,
    pending_sells: WattHours,
    live: Vec<Live<Id>>,
}

impl<Id> Default for Held<Id> {
    fn default() -> Self {
        let Position { bought, sold, pending_buys, pending_sells, .. } = Position::<Id>::default();
        Self { bought, sold, pending_buys, pending_sells, live: Vec::new() }
    }
}

impl<Id> Held<Id> {
    fn position(&self) -> Position<'_, Id> {
        let Self { bought, sold, pending_buys, pending_sells, live } = self;
        let (bought, sold, pending_buys, pending_sells) = (*bought, *sold, *pending_buys, *pending_sells);
        Position { bought, sold, pending_buys, pending_sells, live }
    }
}

/// What a household of these tests knows.
struct Desk<'a, Id, D, L> {
    positions: &'a BTreeMap<Slot, Held<Id>>,
    needs: Needs<'a, &'a Metering>,
    depth: D,
    limits: L,
}

impl<Id: Copy, D: Fn(Slot) -> Depth, L: Fn(Slot) -> PriceLimits> Situation for Desk<'_, Id, D, L> {
    type Id = Id;

    fn position(&self, slot: Slot) -> Position<'_, Id> {
        self.positions.get(&slot).map_or(Position::default(), Held::position)
    }

    fn need(&self, slot: Slot) -> Option<Need> {
        self.needs.of(slot)
    }

    fn depth(&self, slot: Slot) -> Depth {
        (self.depth)(slot)
    }

    fn limits(&self, slot: Slot) -> PriceLimits {
        (self.limits)(slot)
    }
}

/// The plan of a household with the same limits in all slots.
fn planned<Id: Copy>(
    now: UtcMillis,
    shape: &Shape,
    metering: &Metering,
    positions: &BTreeMap<Slot, Held<Id>>,
    depth: impl Fn(Slot) -> Depth,
    settings: &Settings,
) -> Vec<Action<Id>> {
    let (needs, limits) = (Needs::new(now, shape, metering), |_| settings.price_limits());
    let desk = Desk { positions, needs, depth, limits };
    plan(now, shape, metering.limits(), positions.keys().copied(), &desk, settings)
}

fn settings() -> Settings {
    Settings::between(FEED_IN, RETAIL)
}

fn limits() -> Limits {
    Limits::new(Watts(20_000), Watts(10_000), &shape())
}

fn at(minutes: u64) -> UtcMillis {
    UtcMillis(T0 + minutes * MINUTE)
}

fn slot(number: u64) -> Slot {
    Slot(at(15 * number))
}

/// A home whose meter reads at every slot boundary: `nets` from the slot that ends `nets.len()` slots into the day.
fn counted(nets: &[i64]) -> Metering {
    counted_from(T0, nets)
}

fn counted_from(start: u64, nets: &[i64]) -> Metering {
    let mut metering = Metering::new(limits());
    let (mut import, mut export) = (1_000_000, 1_000_000);
    let mut push = |n: usize, import: i64, export: i64| {
        let meter = MeterId::new("house").expect("a good name");
        let at = UtcMillis(start + n as u64 * SLOT);
        let row = Row { meter, at, import: WattHours(import), export: WattHours(export) };
        assert_eq!(metering.judge(at, &row).verdict, Verdict::Accepted);
    };
    push(0, import, export);
    for (n, net) in nets.iter().enumerate() {
        import += net.max(&0);
        export -= net.min(&0);
        push(n + 1, import, export);
    }
    metering
}

fn quotes(actions: &[Action<u32>]) -> Vec<(u64, Side, i64)> {
    let quote = |action: &Action<u32>| match action {
        Action::Place(quote) => Some(((quote.slot.start().0 - T0) / SLOT, quote.side, quote.quantity.0)),
        Action::Cancel(_) => None,
    };
    actions.iter().filter_map(quote).collect()
}

fn plan_of(minutes: u64, metering: &Metering, positions: &[(u64, Held<u32>)], settings: &Settings) -> Vec<Action<u32>> {
    let positions = positions.iter().map(|(number, position)| (slot(*number), position.clone())).collect();
    planned(at(minutes), &shape(), metering, &positions, |_| MORE_ASKS, settings)
}

fn traded(bought: i64, sold: i64) -> Held<u32> {
    Held { bought: WattHours(bought), sold: WattHours(sold), ..Held::default() }
}

fn live(side: Side, price: i32, open: i64) -> Held<u32> {
    Held { live: vec![Live { id: 7, side, price: Price(price), open: WattHours(open) }], ..Held::default() }
}

use Side::{Buy, Sell};

#[test]
fn only_what_was_counted_is_traded_if_the_owner_wants_no_forecast() {
    let counted_only = Settings { trade_ahead: 0, ..settings() };
    let metering = counted(&[400, -734, 30, 0]);
    let cases = [
        ("needs and surpluses, on the tick, no dust", 60, vec![], vec![(0, Buy, 400), (1, Sell, 730)]),
        ("one slot is not over yet", 59, vec![], vec![(0, Buy, 400), (1, Sell, 730)]),
        ("the first gate has closed", 75, vec![], vec![(1, Sell, 730)]),
        ("all gates have closed", 120, vec![], vec![]),
        ("what is traded is done with", 60, vec![(0, traded(400, 0)), (1, traded(0, 500))], vec![(1, Sell, 230)]),
        ("too much was bought: it goes back", 60, vec![(0, traded(600, 0)), (1, traded(0, 730))], vec![(0, Sell, 200)]),
        (
            "what is in doubt counts as traded",
            60,
            vec![
                (0, Held { pending_buys: WattHours(300), ..Held::default() }),
                (1, Held { pending_sells: WattHours(700), ..Held::default() }),
            ],
            vec![(0, Buy, 100)],
        ),
        (
            "never against what is pending on the other side",
            60,
            vec![(0, Held { pending_sells: WattHours(50), ..Held::default() }), (1, traded(0, 730))],
            vec![],
        ),
    ];
    for (name, minute, positions, expected) in cases {
        let mut actions = plan_of(minute, &metering, &positions, &counted_only);
        actions.retain(|action| matches!(action, Action::Place(quote) if quote.slot < slot(2)));
        assert_eq!(quotes(&actions), expected, "{name}");
    }
}

#[test]
fn each_slot_has_limits_of_its_own() {
    let counted_only = Settings { trade_ahead: 0, ..settings() };
    let metering = counted(&[400, 400]);
    // The second slot is in the supplier's cheap hours.
    let limits =
        |of: Slot| PriceLimits { sell_at_least: FEED_IN, buy_at_most: if of == slot(0) { RETAIL } else { Price(200) } };
    let price_of = |number: u64, minutes: u64| {
        let (shape, positions) = (shape(), BTreeMap::<Slot, Held<u32>>::new());
        let needs = Needs::new(at(minutes), &shape, &metering);
        let desk = Desk { positions: &positions, needs, depth: |_| MORE_ASKS, limits };
        let actions = plan(at(minutes), &shape, metering.limits(), std::iter::empty(), &desk, &counted_only);
        actions.into_iter().find_map(|action| match action {
            Action::Place(quote) if quote.slot == slot(number) => Some(quote.price),
            _ => None,
        })
    };
    // In the last step of its window each is at its limit.
    assert_eq!((price_of(0, 74), price_of(1, 89)), (Some(RETAIL), Some(Price(200))));
}

#[test]
fn an_open_quote_stays_until_something_changes() {
    let metering = counted(&[400]);
    let settings = Settings { trade_ahead: 0, ..settings() };
    // 30 minutes into an hour of quoting: the 5th of 8 steps, half of the short side's way from 80 to 300.
    let quote = |quantity| {
        let expires_at = shape().gate(slot(0));
        Action::Place(Quote { slot: slot(0), side: Buy, quantity: WattHours(quantity), price: Price(190), expires_at })
    };
    let both = Held { live: [live(Buy, 190, 200).live, live(Buy, 190, 200).live].concat(), ..Held::default() };
    let cases = [
        ("as wanted", 45, live(Buy, 190, 400), settings, vec![]),
        ("another price", 45, live(Buy, 170, 400), settings, vec![Action::Cancel(7), quote(400)]),
        ("another quantity", 45, live(Buy, 190, 390), settings, vec![Action::Cancel(7), quote(400)]),
        ("partly filled", 45, Held { bought: WattHours(150), ..live(Buy, 190, 250) }, settings, vec![]),
        ("the wrong side", 45, live(Sell, 190, 400), settings, vec![Action::Cancel(7), quote(400)]),
        ("two of them", 45, both, settings, vec![Action::Cancel(7), Action::Cancel(7), quote(400)]),
        ("filled", 45, traded(400, 0), settings, vec![]),
        ("dust is left", 45, Held { bought: WattHours(360), ..live(Buy, 170, 40) }, settings, vec![Action::Cancel(7)]),
        ("dust at the right price", 45, Held { bought: WattHours(360), ..live(Buy, 190, 40) }, settings, vec![]),
        ("switched off", 45, live(Buy, 190, 400), Settings { on: false, ..settings }, vec![Action::Cancel(7)]),
        ("the gate has closed", 75, live(Buy, 190, 400), settings, vec![Action::Cancel(7)]),
        (
            "the owner's limit",
            45,
            Held::default(),
            Settings { slot_limit: Some(WattHours(120)), ..settings },
            vec![quote(120)],
        ),
        (
            "the owner's limit, with what is traded",
            45,
            traded(50, 0),
            Settings { slot_limit: Some(WattHours(120)), ..settings },
            vec![quote(70)],
        ),
    ];
    for (name, minute, position, settings, expected) in cases {
        assert_eq!(plan_of(minute, &metering, &[(0, position)], &settings), expected, "{name}");
    }
}

#[test]
fn the_connection_limit_holds_for_each_side_by_itself() {
    // 20 kW and 10 kW for a quarter of an hour: 5000 Wh and 2500 Wh.
    let settings = Settings { trade_ahead: 0, ..settings() };
    for (net, position, expected) in [
        (6_000, traded(0, 0), vec![(0, Buy, 5_000)]),
        (6_000, traded(4_000, 0), vec![(0, Buy, 1_000)]),
        (6_000, traded(5_000, 0), vec![]),
        (3_000, traded(4_000, 2_400), vec![(0, Buy, 1_000)]),
        (-3_000, traded(0, 0), vec![(0, Sell, 2_500)]),
        (-2_000, traded(700, 2_400), vec![(0, Sell, 100)]),
    ] {
        let actions = plan_of(30, &counted(&[net]), &[(0, position)], &settings);
        assert_eq!(quotes(&actions), expected, "net {net}");
    }
}

#[test]
fn the_long_side_goes_first_and_the_short_side_follows() {
    // A step a minute, the last one until the window ends.
    let window = Window { from: at(0), until: at(8) };
    let price = |side, minutes, depth, settings: &Settings| {
        ramp::price(side, at(minutes), window, depth, settings.price_limits(), &shape()).map(|price| price.0)
    };
    let depth = |bids, asks| Depth { bids: WattHours(bids), asks: WattHours(asks) };
    let usual = settings();
    // (minute, ask and bid while there is more for sale, ask and bid while more is wanted); from 80 to 300 or back.
    let steps = [
        (0, 300, 80, 300, 80),
        (1, 124, 80, 300, 256),
        (2, 124, 116, 264, 256),
        (4, 124, 190, 190, 256),
        (6, 124, 263, 117, 256),
        (7, 80, 300, 80, 300),
        (99, 80, 300, 80, 300),
    ];
    for (minute, long_ask, short_bid, short_ask, long_bid) in steps {
        let of = |depth| [Sell, Buy].map(|side| price(side, minute, depth, &usual));
        assert_eq!(of(depth(10, 20)), [Some(long_ask), Some(short_bid)], "more for sale, minute {minute}");
        assert_eq!(of(depth(20, 10)), [Some(short_ask), Some(long_bid)], "more is wanted, minute {minute}");
        assert_eq!(of(depth(20, 20)), [Some(long_ask), Some(short_bid)], "as much, minute {minute}");
    }
    for minute in [0, 4, 7] {
        assert_eq!(price(Sell, minute, depth(0, 20), &usual), Some(300), "nobody buys");
        assert_eq!(price(Buy, minute, depth(20, 0), &usual), Some(80), "nobody sells");
    }
    let some = depth(10, 20);
    let stubborn = Settings { sell_at_least: Price(320), ..usual };
    assert_eq!((price(Sell, 0, some, &stubborn), price(Sell, 7, some, &stubborn)), (Some(320), Some(320)));
    assert_eq!((price(Buy, 0, some, &stubborn), price(Buy, 7, some, &stubborn)), (Some(300), Some(300)));
    let below_zero = Settings { sell_at_least: Price(-50), buy_at_most: Price(-10), ..usual };
    assert_eq!((price(Sell, 1, some, &below_zero), price(Buy, 4, some, &below_zero)), (Some(-42), Some(-30)));
    let beyond_a_new_band = Settings { sell_at_least: Price(600), buy_at_most: Price(-200), ..usual };
    assert_eq!((price(Sell, 4, some, &beyond_a_new_band), price(Buy, 4, some, &beyond_a_new_band)), (None, None));
    let wider_than_a_new_band = Settings { sell_at_least: Price(-300), buy_at_most: Price(900), ..usual };
    assert_eq!(
        (price(Sell, 0, some, &wider_than_a_new_band), price(Sell, 7, some, &wider_than_a_new_band)),
        (Some(500), Some(-100))
    );
}

#[test]
fn a_quote_that_nobody_can_take_stays_whatever_its_price() {
    let (metering, counted_only) = (counted(&[400]), Settings { trade_ahead: 0, ..settings() });
    let positions = BTreeMap::from([(slot(0), live(Buy, 256, 400))]);
    let bids_alone = Depth { bids: WattHours(400), asks: WattHours::ZERO };
    let with = |depth| planned(at(45), &shape(), &metering, &positions, |_| depth, &counted_only);
    assert_eq!(with(bids_alone), vec![]);
    assert_eq!(with(MORE_ASKS).len(), 2, "somebody is there: another price");
}

#[test]
fn half_of_a_forecast_is_left_for_the_meter_if_that_counts_before_the_gate() {
    let metering = counted(&[400]);
    let (settings, before_delivery) = (Settings { trade_ahead: 3, ..settings() }, -(15 * MINUTE as i64));
    for (gate_millis, expected) in [(60_000, 200), (0, 400), (before_delivery, 400)] {
        let shape = Shape { gate_millis, ..shape() };
        let actions = planned::<u32>(at(15), &shape, &metering, &BTreeMap::new(), |_| MORE_ASKS, &settings);
        let of_a_forecast = quotes(&actions).into_iter().find(|(number, ..)| *number == 2);
        assert_eq!(of_a_forecast, Some((2, Buy, expected)), "the gate at {gate_millis}");
    }
}

#[test]
fn a_forecast_is_the_least_of_what_was_there_the_last_times() {
    let shape = shape();
    // Which slots were counted, from the start on; then the forecast at a minute for a slot.
    let check = |name: &str, start: u64, nets: &[i64], minute: u64, expected: &[(u64, Option<i64>)]| {
        let metering = counted_from(start, nets);
        let forecast = Forecast::new(at(minute), &shape, &metering);
        for (number, net) in expected {
            let found = forecast.net(slot(*number), || forecast.habit(slot(*number)));
            assert_eq!(found.map(|net| net.0), *net, "{name}: slot {number}");
        }
    };
    check("nothing is known", T0, &[], 15, &[(1, None)]);
    check("one slot, for two hours", T0, &[240], 20, &[(0, None), (1, Some(240)), (8, Some(240)), (9, None)]);
    check("the meter is silent for two hours", T0, &[240], 134, &[(8, Some(240)), (9, None)]);
    check("and then for too long", T0, &[240], 135, &[(8, None), (9, None)]);
    check("a kettle", T0, &[60, 500, 70, 80], 60, &[(4, Some(60))]);
    check("only the last hour", T0, &[10, 60, 70, 80, 90], 75, &[(5, Some(60))]);
    check("sun that comes out", T0, &[-100, -300, -200, -400], 60, &[(4, Some(-100))]);
    check("now this, now that", T0, &[-100, 20, -200, -400], 60, &[(4, Some(0))]);
    let three_days = [vec![100; 96], vec![300; 96], vec![200; 96]].concat();
    check(
        "soon the last slots, later the days",
        T0 - 3 * DAY,
        &[three_days.clone(), vec![80]].concat(),
        15,
        &[(1, Some(80)), (8, Some(80)), (9, Some(100))],
    );
    check("the days hold a surprise down", T0 - 3 * DAY, &[three_days, vec![900; 4]].concat(), 60, &[(4, Some(100))]);
    let four_days = [vec![50; 96], vec![300; 96], vec![200; 96], vec![100; 96]].concat();
    check("the fourth day is forgotten", T0 - 4 * DAY, &four_days, 0, &[(20, Some(100))]);
    let differing_days = [vec![-200; 96], vec![100; 96]].concat();
    check("days that differ", T0 - 2 * DAY, &differing_days, 0, &[(20, Some(0))]);
    check("so far one day", T0 - DAY, &[-100; 96], 0, &[(20, Some(-100))]);
}

#[test]
fn an_estimate_is_not_traded() {
    // Readings at minutes 0, 15 and 75: the slots between were not counted one by one.
    let mut metering = counted(&[200]);
    let meter = MeterId::new("house").expect("a good name");
    let row = Row { meter, at: at(75), import: WattHours(1_001_000), export: WattHours(1_000_000) };
    assert_eq!(metering.judge(at(75), &row).verdict, Verdict::Accepted);
    let counted_only = Settings { trade_ahead: 0, ..settings() };
    assert_eq!(plan_of(76, &metering, &[], &counted_only), vec![]);
    let withdrawn = plan_of(76, &metering, &[(2, live(Buy, 190, 300))], &settings());
    assert_eq!(withdrawn[0], Action::Cancel(7));
    assert!(quotes(&withdrawn).iter().all(|(number, ..)| *number >= 5), "{withdrawn:?}");
}

#[test]
fn forecasts_are_traded_as_far_ahead_as_the_owner_says() {
    let metering = counted(&[400]);
    for (trade_ahead, expected) in [(0, vec![0]), (1, vec![0, 1]), (2, vec![0, 1, 2]), (5, vec![0, 1, 2, 3, 4, 5])] {
        let actions = plan_of(15, &metering, &[], &Settings { trade_ahead, ..settings() });
        // Nothing for the slots before the meter began, though their gates are open.
        let half_ahead = |number| if number == 0 { 400 } else { 200 };
        let expected: Vec<_> = expected.into_iter().map(|number| (number, Buy, half_ahead(number))).collect();
        assert_eq!(quotes(&actions), expected);
    }
    let small_change = plan_of(15, &metering, &[(1, live(Buy, 190, 170))], &Settings { trade_ahead: 1, ..settings() });
    let price = small_change.iter().find_map(|action| match action {
        Action::Place(quote) if quote.slot == slot(1) => Some(quote.price.0),
        _ => None,
    });
    let at_price = |open| {
        let position = live(Buy, price.expect("slot 1 is quoted"), open);
        plan_of(15, &metering, &[(0, traded(400, 0)), (1, position)], &Settings { trade_ahead: 1, ..settings() })
    };
    assert_eq!(at_price(175), vec![], "an eighth less is not worth an entry");
    assert_eq!(at_price(170).len(), 2);
}

#[test]
fn settings_are_checked_against_the_charter() {
    let shape = shape();
    let outside = Err(SettingsError::OutsideBand { floor: shape.floor, cap: shape.cap });
    let cases = [
        (settings(), Ok(())),
        (Settings::off(&shape), Ok(())),
        (Settings { sell_at_least: Price(400), buy_at_most: Price(100), ..settings() }, Ok(())),
        (Settings { sell_at_least: Price(-101), ..settings() }, outside),
        (Settings { buy_at_most: Price(501), ..settings() }, outside),
        (Settings { trade_ahead: 96, ..settings() }, Ok(())),
        (Settings { trade_ahead: 97, ..settings() }, Err(SettingsError::TooFarAhead { most: 96 })),
        (Settings { slot_limit: Some(WattHours(1)), ..settings() }, Ok(())),
        (Settings { slot_limit: Some(WattHours(0)), ..settings() }, Err(SettingsError::NoQuantity)),
    ];
    for (settings, expected) in cases {
        assert_eq!(settings.check(&shape), expected, "{settings:?}");
    }
}

#[test]
fn neighbours_wake_at_moments_of_their_own() {
    // A step of the time between delivery and gate, within an eighth and a half of a slot.
    for (gate_millis, expected) in [
        (3_600_000, 450_000),
        (60_000, SLOT / 8),
        (1_800_000, 225_000),
        (7_200_000, SLOT / 2),
        (0, SLOT / 2),
        (-900_000, SLOT / 2),
    ] {
        let beat = beat(&Shape { gate_millis, ..shape() });
        assert_eq!(beat, Duration::from_millis(expected), "the gate at {gate_millis}");
    }
}

/// Each looks once in every beat, and is first no more often than chance would have it.
#[test]
fn nobody_looks_first_for_ever() {
    const HOMES: u64 = 4;
    const BEATS: usize = 400;
    let (shape, beat) = (shape(), beat(&shape()));
    let millis = u64::try_from(beat.as_millis()).unwrap();
    // Neighbouring numbers, and one that would be first by any fixed order.
    let owns: [u64; HOMES as usize] = [0, 1, 2, u64::MAX];
    let mut first = [0; HOMES as usize];
    let mut wakes = owns.map(|own| next_wake(UtcMillis(T0 - 1), &shape, own));
    for number in T0 / millis..T0 / millis + BEATS as u64 {
        for (wake, own) in wakes.iter().zip(owns) {
            assert_eq!(wake.0 / millis, number, "household {own} looks once in each beat");
            assert_eq!(*wake, UtcMillis(number * millis).after(moment(own, number, beat)));
        }
        let earliest = (0..owns.len()).min_by_key(|at| wakes[*at]).unwrap();
        first[earliest] += 1;
        wakes = std::array::from_fn(|at| next_wake(wakes[at], &shape, owns[at]));
    }
    let fair = BEATS / HOMES as usize;
    assert!(first.iter().all(|times| (fair / 2..fair * 2).contains(times)), "{first:?}");
}

#[test]
fn who_wakes_late_looks_at_once_and_is_back_in_time() {
    let (shape, beat) = (shape(), beat(&shape()));
    let millis = u64::try_from(beat.as_millis()).unwrap();
    for late in [0, 1, millis / 3, millis - 1, millis, 5 * millis + 1] {
        let wake = next_wake(UtcMillis(T0 + late), &shape, 77);
        assert!(wake > UtcMillis(T0 + late) && wake < UtcMillis(T0 + late + 2 * millis), "{late} ms late");
    }
}

#[test]
fn requotes_of_a_slot_stay_within_what_a_log_may_hold() {
    let slots_quoted = usize::from(MAX_TRADE_AHEAD) + 4;
    assert!(slots_quoted * (BEATS_PER_SLOT as usize) < crate::protocol::limits::MAX_PLACES_PER_SLOT);
}

fn some_position() -> impl Strategy<Value = Held<u32>> {
    let quantity = prop_oneof![3 => Just(0), 1 => (0..300_i64).prop_map(|ticks| ticks * 10)];
    let quote = (any::<bool>(), -100..500_i32, 1..300_i64);
    (prop::array::uniform4(quantity), prop::collection::vec(quote, 0..3)).prop_map(
        |([bought, sold, buys, sells], quotes)| {
            let live = quotes.into_iter().map(|(buys, price, ticks)| {
                let side = if buys { Buy } else { Sell };
                Live { id: 0, side, price: Price(price), open: WattHours(ticks * 10) }
            });
            Held {
                pending_buys: WattHours(buys),
                pending_sells: WattHours(sells),
                live: live.collect(),
                ..traded(bought, sold)
            }
        },
    )
}

proptest! {
    #[test]
    fn every_quote_keeps_the_rules_and_nothing_is_wanted_twice(
        nets in prop::collection::vec(-2_500..5_000_i64, 0..40),
        now in 0..700_u64,
        mut positions in prop::collection::btree_map((0..45_u64).prop_map(slot), some_position(), 0..20),
        limits in prop::array::uniform2(-150..600_i32),
        trade_ahead in 0..12_u16,
        slot_limit in prop::option::of(1..4_000_i64),
        depth in prop::array::uniform2(0..3_i64),
    ) {
        let depth = |_| Depth { bids: WattHours(depth[0]), asks: WattHours(depth[1]) };
        let (metering, now) = (counted(&nets), at(now));
        let [sell_at_least, buy_at_most] = limits.map(Price);
        let slot_limit = slot_limit.map(WattHours);
        positions.values_mut().flat_map(|position| &mut position.live).zip(1..).for_each(|(live, id)| live.id = id);
        let settings = Settings { on: true, sell_at_least, buy_at_most, trade_ahead, slot_limit };
        let actions = planned(now, &shape(), &metering, &positions, depth, &settings);

        let mut after = positions.clone();
        for action in &actions {
            match action {
                Action::Cancel(id) => {
                    let live = after.values_mut().find(|position| position.live.iter().any(|live| live.id == *id));
                    live.expect("only what is live is cancelled").live.retain(|live| live.id != *id);
                }
                Action::Place(quote) => {
                    let position = after.entry(quote.slot).or_default();
                    prop_assert!(position.live.is_empty(), "one quote a slot");
                    prop_assert!(position.position().pending(quote.side.opposite()) == WattHours::ZERO);
                    let most = if quote.side == Buy { 5_000 } else { 2_500 };
                    let most = slot_limit.map_or(most, |limit| most.min(limit.0));
                    prop_assert!(quote.quantity + position.position().committed(quote.side) <= WattHours(most));
                    prop_assert!(quote.quantity >= shape().smallest_fill && quote.quantity.0 % 10 == 0);
                    prop_assert!((shape().floor..=shape().cap).contains(&quote.price));
                    let limit = if quote.side == Buy { buy_at_most } else { sell_at_least };
                    prop_assert!(quote.side.accepts(limit, quote.price));
                    prop_assert!(shape().is_open(quote.slot, now) && quote.expires_at == shape().gate(quote.slot));
                    let Quote { side, price, quantity: open, .. } = *quote;
                    position.live.push(Live { id: 99, side, price, open });
                }
            }
        }
        prop_assert_eq!(planned(now, &shape(), &metering, &after, depth, &settings), vec![]);
    }
}
