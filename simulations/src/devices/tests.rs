//! Devices slot by slot: by hand, by invariants, and whole communities with and without plans.

use std::path::Path;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use rust_decimal::Decimal;
use wattswap_matching::{Money, WattHours, Watts};
use wattswap_node::protocol::settlement::Tariff;

use super::{DayOf, Devices, Forecast, Outlook, Rules};
use crate::devices::Flows;
use crate::homes::{Battery, Calendar, Community, Home, HomeDay, Trip};
use crate::scenario::Scenario;
use crate::scenario::document::{BatteryControl, CarControl};

fn community(first_day: &str, days: u32, rest: &str) -> (Community, Rules) {
    let text = format!(
        "name = \"test\"\nseed = 3\n[period]\nfirst_day = \"{first_day}\"\ndays = {days}\ntime_zone = \
         \"Europe/Berlin\"\n{rest}\n[market]\nmechanism = \"none\"\n[[strategies]]\nname = \"passive\"\n"
    );
    let scenario = Scenario::parse(Path::new("street.toml"), text).unwrap();
    (Community::new(&scenario).unwrap(), Rules::of(&scenario.document))
}

const FLAT: &str = "[[tariffs]]\nname = \"flat\"\nretail_eur_per_kwh = \"0.3\"\nfeed_in_eur_per_kwh = \"0.08\"\n";

/// A home with a roof of 2 kW, and a battery and a car as given: Wh, W, per cent; Wh, W.
fn home(battery: Option<(i64, u32, u8)>, car: Option<(i64, u32)>) -> Home {
    let one = "[homes.generated]\ncount = 1\n[car]\nshare_percent = 100\ncapacity_wh = [20000, 20000]\n\
               charge_w = [1, 1]\n";
    let mut home = community("2026-06-08", 1, &format!("{one}{FLAT}")).0.homes.remove(0);
    home.pv_peak = Watts(2_000);
    home.battery = battery.map(|(capacity, power, round_trip_percent)| Battery {
        capacity: WattHours(capacity),
        power: Watts(power),
        round_trip_percent,
    });
    home.car = home.car.filter(|_| car.is_some());
    if let (Some(made), Some((capacity, power))) = (&mut home.car, car) {
        (made.capacity, made.power) = (WattHours(capacity), Watts(power));
    }
    home
}

/// Rules for slots of an hour.
fn rules(battery: BatteryControl, car: CarControl, feed_in_limit_percent: Option<u8>) -> Rules {
    Rules { slot_minutes: 60, battery, car, feed_in_limit_percent, forecast: Forecast::Perfect }
}

const RULE: BatteryControl = BatteryControl::SelfConsumption;
const PLAN: BatteryControl = BatteryControl::Plan;

/// A day of 24 hours that starts so; what is not said is nothing.
fn hours(need: &[i64], pv: &[i64], trips: &[(usize, usize, i64)]) -> HomeDay {
    let hours = |said: &[i64]| (0..24).map(|hour| WattHours(said.get(hour).copied().unwrap_or(0))).collect();
    let trip = |(from, to, used): &(usize, usize, i64)| Trip { away: *from..*to, used: WattHours(*used) };
    HomeDay { need: hours(need), heat_pump: hours(&[]), pv: hours(pv), trips: trips.iter().map(trip).collect() }
}

fn tariff(retail_cents: i64, feed_in_cents: i64) -> Tariff {
    Tariff { retail: Decimal::new(retail_cents, 2), feed_in: Decimal::new(feed_in_cents, 2) }
}

/// All slots of these days, each of them of the calendar's.
fn run(devices: &mut Devices, calendar: &Calendar, days: &[HomeDay], tariffs: &[Vec<Tariff>]) -> Vec<Flows> {
    let known = |day: usize| DayOf { day: &calendar.days[day], home: &days[day], tariffs: &tariffs[day] };
    let mut flows = Vec::new();
    for day in 0..days.len() {
        let outlook = Outlook { today: known(day), tomorrow: (day + 1 < days.len()).then(|| known(day + 1)) };
        flows.extend((0..calendar.days[day].slots).map(|slot| devices.slot(&outlook, slot)));
    }
    flows
}

/// Days of 24 hours in UTC.
fn run_hours(home: &Home, rules: &Rules, days: &[HomeDay], tariffs: &[Tariff]) -> (Vec<Flows>, Devices) {
    let first = "2026-06-08".parse().unwrap();
    let calendar = Calendar::new(first, u32::try_from(days.len()).unwrap(), 60, &TimeZone::UTC).unwrap();
    let mut devices = Devices::new(home, rules);
    let flows = run(&mut devices, &calendar, days, &vec![tariffs.to_vec(); days.len()]);
    (flows, devices)
}

/// Need and PV; what the car draws, charged, discharged, stored, curtailed, net. 3 kWh and 1.5 kW with 80 %, a car with
/// 1 kW that needs 2 kWh at hour 9; 50 % of 2 kW may be fed in.
const BY_RULES: [([i64; 2], [i64; 6]); 11] = [
    ([500, 0], [0, 0, 0, 0, 0, 500]),
    // The car first, then the battery.
    ([500, 2_000], [1_000, 500, 0, 400, 0, 0]),
    ([0, 2_000], [1_000, 1_000, 0, 1_200, 0, 0]),
    ([0, 200], [200, 0, 0, 1_200, 0, 0]),
    ([700, 0], [0, 0, 700, 500, 0, 0]),
    ([700, 0], [0, 0, 500, 0, 0, 200]),
    ([0, 0], [0, 0, 0, 0, 0, 0]),
    ([0, 0], [0, 0, 0, 0, 0, 0]),
    ([0, 0], [0, 0, 0, 0, 0, 0]),
    // The car is away.
    ([0, 2_600], [0, 1_500, 0, 1_200, 100, -1_000]),
    ([0, 2_600], [0, 1_500, 0, 2_400, 100, -1_000]),
];

#[test]
fn slots_by_rules_by_hand() {
    let (need, pv): (Vec<i64>, Vec<i64>) = BY_RULES.iter().map(|([need, pv], _)| (*need, *pv)).unzip();
    let home = home(Some((3_000, 1_500, 80)), Some((10_000, 1_000)));
    let day = hours(&need, &pv, &[(9, 12, 2_000)]);
    let rules = rules(RULE, CarControl::SurplusFirst, Some(50));
    let (flows, devices) = run_hours(&home, &rules, &[day], &[tariff(30, 8); 24]);
    for (hour, ((_, expected), flows)) in BY_RULES.iter().zip(&flows).enumerate() {
        let Flows { car, charged, discharged, stored, curtailed, .. } = *flows;
        assert_eq!(
            [car, charged, discharged, stored, curtailed, flows.net()].map(|energy| energy.0),
            *expected,
            "{hour}"
        );
    }
    assert_eq!((flows[11].driven, flows[11].missed), (WattHours(2_000), WattHours(0)));
    assert_eq!(devices.in_car(), Some(WattHours(200)));
}

/// Control, power, PV of the first hours, trips of two days; draws of the first eight hours; driven and missed in all; in
/// the car at the end. The car holds 10 kWh.
const CARS: [(CarControl, u32, &[i64], [&[(usize, usize, i64)]; 2], [i64; 8], [i64; 2], i64); 7] = [
    // Full when the period begins, and again soon after the trip.
    (CarControl::AtOnce, 2_000, &[], [&[(1, 3, 3_000)], &[]], [0, 0, 0, 2_000, 1_000, 0, 0, 0], [3_000, 0], 10_000),
    // As late as possible.
    (
        CarControl::SurplusFirst,
        2_000,
        &[],
        [&[(5, 6, 5_000)], &[]],
        [0, 0, 1_000, 2_000, 2_000, 0, 0, 0],
        [5_000, 0],
        0,
    ),
    // What the sun gave is not drawn again.
    (
        CarControl::SurplusFirst,
        2_000,
        &[0, 900],
        [&[(4, 6, 4_000)], &[]],
        [0, 900, 1_100, 2_000, 0, 0, 0, 0],
        [4_000, 0],
        0,
    ),
    // More than it needs, for the sun shines.
    (
        CarControl::SurplusFirst,
        2_000,
        &[3_000, 3_000],
        [&[(4, 6, 1_000)], &[]],
        [2_000, 2_000, 0, 0, 0, 0, 0, 0],
        [1_000, 0],
        3_000,
    ),
    // Not to be done.
    (
        CarControl::SurplusFirst,
        1_000,
        &[],
        [&[(3, 4, 5_000)], &[]],
        [1_000, 1_000, 1_000, 0, 0, 0, 0, 0],
        [5_000, 2_000],
        0,
    ),
    // Tomorrow's trip begins at its first hour.
    (CarControl::SurplusFirst, 500, &[], [&[], &[(0, 1, 9_000)]], [0, 0, 0, 0, 0, 0, 500, 500], [9_000, 0], 0),
    (CarControl::SurplusFirst, 2_000, &[], [&[], &[]], [0; 8], [0, 0], 0),
];

#[test]
fn cars_by_hand() {
    for (number, (control, power, pv, trips, draws, driven, left)) in CARS.into_iter().enumerate() {
        let home = home(None, Some((10_000, power)));
        let days = [hours(&[], pv, trips[0]), hours(&[], &[], trips[1])];
        let (flows, devices) = run_hours(&home, &rules(RULE, control, None), &days, &[tariff(30, 8); 24]);
        let drawn: Vec<i64> = flows.iter().take(8).map(|flows| flows.car.0).collect();
        assert_eq!(drawn, draws, "row {number}");
        let sums = [flows.iter().map(|flows| flows.driven.0).sum(), flows.iter().map(|flows| flows.missed.0).sum()];
        assert_eq!((sums, devices.in_car()), (driven, Some(WattHours(left))), "row {number}");
    }
}

/// A battery (Wh, W, per cent), a car (Wh, W), cents per kWh until hour 4 and after, need, PV, trips, feed-in limit, and
/// what is drawn in each hour; later hours are nothing.
type Plan<'t> = (
    Option<(i64, u32, u8)>,
    Option<(i64, u32)>,
    [i64; 2],
    &'t [i64],
    &'t [i64],
    &'t [(usize, usize, i64)],
    Option<u8>,
    [i64; 10],
);

const PLANS: [Plan<'_>; 8] = [
    // 2000 of 2500 Wh will be there: 0.8 times 0.40 is more than 0.10. As late as it can be.
    (
        Some((2_000, 2_000, 80)),
        None,
        [10, 40],
        &[0, 0, 0, 0, 1_000, 1_000],
        &[],
        &[],
        None,
        [0, 0, 500, 2_000, 0, 0, 0, 0, 0, 0],
    ),
    // 0.8 times 0.12 is less.
    (
        Some((2_000, 2_000, 80)),
        None,
        [10, 12],
        &[0, 0, 0, 0, 1_000, 1_000],
        &[],
        &[],
        None,
        [0, 0, 0, 0, 1_000, 1_000, 0, 0, 0, 0],
    ),
    // What the sun gave is kept for the dear hours, though the cheap ones come first.
    (
        Some((2_000, 1_000, 100)),
        None,
        [10, 40],
        &[0, 500, 500, 0, 500, 500],
        &[1_000, 0, 0],
        &[],
        None,
        [0, 500, 500, 0, 0, 0, 0, 0, 0, 0],
    ),
    // All prices alike: no cycle, and the sun's energy is used at once.
    (
        Some((2_000, 1_000, 100)),
        None,
        [30, 30],
        &[0, 500, 800, 300],
        &[1_000, 0, 0],
        &[],
        None,
        [0, 0, 300, 300, 0, 0, 0, 0, 0, 0],
    ),
    // Half of 2 kW may be fed in: room is left for the hours in which there is more.
    (
        Some((2_000, 2_000, 100)),
        None,
        [30, 30],
        &[0, 0, 0, 0, 0, 2_000],
        &[1_000, 1_000, 2_000, 2_000],
        &[],
        Some(50),
        [-1_000, -1_000, -1_000, -1_000, 0, 0, 0, 0, 0, 0],
    ),
    // A car that leaves at hour 7 charges in the cheap hours, as late as it can be.
    (
        None,
        Some((10_000, 2_000)),
        [10, 40],
        &[],
        &[],
        &[(7, 9, 5_000)],
        None,
        [0, 1_000, 2_000, 2_000, 0, 0, 0, 0, 0, 0],
    ),
    // What is needed more than the cheap hours have room for is drawn in dear ones.
    (
        None,
        Some((10_000, 2_000)),
        [10, 40],
        &[],
        &[],
        &[(7, 9, 9_000)],
        None,
        [2_000, 2_000, 2_000, 2_000, 0, 0, 1_000, 0, 0, 0],
    ),
    // A battery that is not worth charging stays empty, and keeps no car from charging in the cheap hours.
    (
        Some((2_000, 2_000, 20)),
        Some((10_000, 2_000)),
        [10, 40],
        &[],
        &[],
        &[(7, 9, 5_000)],
        None,
        [0, 1_000, 2_000, 2_000, 0, 0, 0, 0, 0, 0],
    ),
];

#[test]
fn plans_by_hand() {
    for (number, (battery, car, [early, late], need, pv, trips, limit, nets)) in PLANS.into_iter().enumerate() {
        let tariffs: Vec<Tariff> = (0..24).map(|hour| tariff(if hour < 4 { early } else { late }, 8)).collect();
        let rules = rules(PLAN, CarControl::Plan, limit);
        let (flows, devices) = run_hours(&home(battery, car), &rules, &[hours(need, pv, trips)], &tariffs);
        let drawn: Vec<i64> = flows.iter().take(10).map(|flows| flows.net().0).collect();
        assert_eq!(drawn, nets, "row {number}");
        assert_eq!((devices.failed_plans(), flows.iter().map(|flows| flows.missed.0).sum()), (0, 0), "row {number}");
    }
}

#[test]
fn a_plan_that_cant_be_made_is_counted_and_the_rule_holds() {
    let home = home(Some((2_000, 1_000, 100)), None);
    let mut day = hours(&[0, 500, 800, 300], &[1_000], &[]);
    // No meter counts this, and no import is below nought.
    day.need[23] = WattHours(-9_000);
    let [planned, ruled] = [PLAN, RULE].map(|control| {
        let rules = rules(control, CarControl::Plan, None);
        run_hours(&home, &rules, std::slice::from_ref(&day), &[tariff(30, 8); 24])
    });
    assert_eq!(planned.0, ruled.0);
    assert_eq!([planned.1, ruled.1].map(|devices| devices.failed_plans()), [6, 0]);
}

#[test]
fn without_a_day_of_history_there_is_no_plan() {
    let home = home(Some((2_000, 2_000, 100)), None);
    let mut rules = rules(PLAN, CarControl::Plan, None);
    rules.forecast = Forecast::Persistence;
    let tariffs: Vec<Tariff> = (0..24).map(|hour| tariff(if hour < 4 { 10 } else { 40 }, 8)).collect();
    let day = hours(&[0, 0, 0, 0, 1_000, 500], &[], &[]);
    let (flows, _) = run_hours(&home, &rules, &[day.clone(), day], &tariffs);
    let drawn = |day: usize| flows[day * 24..][..6].iter().map(|flows| flows.net().0).collect::<Vec<_>>();
    // What was needed on the first day is bought in the second one's cheap hours.
    assert_eq!([drawn(0), drawn(1)], [vec![0, 0, 0, 0, 1_000, 500], vec![0, 0, 0, 1_500, 0, 0]]);
}

/// Need and PV of a day that was counted, and of the one that was planned by it; what is drawn in its hours 8 to 13. The
/// price never changes; the battery holds 2 kWh.
const SURPRISES: [([&[i64]; 2], [&[i64]; 2], [i64; 6]); 3] = [
    // By hour 9 it was to be full: there is room, and it takes what the plan meant to feed in.
    (
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2_000], &[0, 0, 0, 0, 0, 0, 0, 0, 3_000, 1_000]],
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2_000], &[0, 0, 0, 0, 0, 0, 0, 0, 500, 1_000]],
        [0, 0, 0, 0, 500, 0],
    ),
    // By hour 9 it was to be empty: what it still has, it gives.
    (
        [&[0, 0, 0, 0, 0, 0, 0, 0, 2_000, 1_000], &[0, 0, 0, 0, 2_000]],
        [&[0, 0, 0, 0, 0, 0, 0, 0, 500, 1_000], &[0, 0, 0, 0, 2_000]],
        [0, 0, 0, 0, 0, 0],
    ),
    // No use was seen for more than 500 of the 1500 Wh that are left: it is filled all the same.
    (
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 500], &[0, 0, 0, 0, 0, 0, 0, 0, 2_000]],
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 1_500], &[0, 0, 0, 0, 0, 0, 0, 0, 2_000]],
        [-1_500, 0, 0, 0, 0, 0],
    ),
];

#[test]
fn what_a_plan_did_not_see_is_not_wasted() {
    for (number, (counted, planned, nets)) in SURPRISES.into_iter().enumerate() {
        let home = home(Some((2_000, 2_000, 100)), None);
        let mut rules = rules(PLAN, CarControl::Plan, None);
        rules.forecast = Forecast::Persistence;
        let days = [counted, planned].map(|[need, pv]| hours(need, pv, &[]));
        let (flows, _) = run_hours(&home, &rules, &days, &[tariff(30, 8); 24]);
        let drawn: Vec<i64> = flows[24 + 8..][..6].iter().map(|flows| flows.net().0).collect();
        assert_eq!(drawn, nets, "row {number}");
    }
}

/// What is drawn for a proptest: battery, car, days of need and PV, trips, limit.
fn any_home() -> impl Strategy<Value = (Home, Vec<HomeDay>, Option<u8>)> {
    let battery = proptest::option::of((0_i64..6_000, 0_u32..4_000, 1_u8..=100));
    let car = proptest::option::of((1_000_i64..9_000, 0_u32..4_000));
    let trip = proptest::option::of((0_usize..20, 1_usize..5, 0_i64..9_000));
    let day = (prop::collection::vec(0_i64..3_000, 24), prop::collection::vec(0_i64..2_000, 24), trip);
    let day = day.prop_map(|(need, pv, trip)| {
        let trips: Vec<_> = trip.into_iter().map(|(from, long, used)| (from, from + long, used)).collect();
        hours(&need, &pv, &trips)
    });
    let days = prop::collection::vec(day, 1..4);
    (battery, car, days, proptest::option::of(0_u8..=100))
        .prop_map(|(battery, car, days, limit)| (home(battery, car), days, limit))
}

/// What holds in every slot, whatever the control.
fn holds(home: &Home, rules: &Rules, days: &[HomeDay]) -> Result<(), TestCaseError> {
    // Some hours are below nought, and in some feeding in brings more than drawing costs.
    let tariffs: Vec<Tariff> = (0..24).map(|hour| tariff(hour * 11 % 43 - 8, 8)).collect();
    let (flows, devices) = run_hours(home, rules, days, &tariffs);
    let limit = rules.feed_in_limit_percent.map(|percent| 2_000 * i64::from(percent) / 100);
    let (capacity, power, percent) = home.battery.map_or((0, 0, 100), |battery| {
        (battery.capacity.0, i64::from(battery.power.0), i64::from(battery.round_trip_percent))
    });
    let (car_capacity, car_power) = home.car.map_or((0, 0), |car| (car.capacity.0, i64::from(car.power.0)));
    let mut stored = 0;
    let mut in_car = if rules.car == CarControl::AtOnce { car_capacity } else { 0 };
    for (number, slot) in flows.iter().enumerate() {
        let away = days[number / 24].trips.iter().any(|trip| trip.away.contains(&(number % 24)));
        let [charged, discharged, car, net] =
            [slot.charged, slot.discharged, slot.car, slot.net()].map(|energy| energy.0);
        stored += charged * percent - discharged * 100;
        in_car += car - (slot.driven - slot.missed).0;
        prop_assert_eq!(slot.stored.0, stored / 100);
        prop_assert!((0..=capacity * 100).contains(&stored));
        prop_assert!((0..=power).contains(&charged) && (0..=power).contains(&discharged));
        prop_assert!(charged == 0 || discharged == 0);
        prop_assert!(discharged == 0 || net >= 0, "the battery feeds the grid");
        prop_assert!(rules.battery == PLAN || charged == 0 || net <= 0, "the rule charges from the grid");
        let car_most = if away { 0 } else { car_power };
        prop_assert!((0..=car_most).contains(&car));
        prop_assert!((0..=car_capacity).contains(&in_car));
        prop_assert!((0..=slot.pv.0).contains(&slot.curtailed.0));
        if let Some(limit) = limit {
            prop_assert!(-net <= limit);
            let full = charged == power || capacity * 100 - stored < 100;
            prop_assert!(slot.curtailed.0 == 0 || (-net == limit && full), "curtailed with room in the battery");
        } else {
            prop_assert_eq!(slot.curtailed.0, 0);
        }
    }
    prop_assert_eq!(devices.in_car(), home.car.map(|_| WattHours(in_car)));
    let used = days.iter().flat_map(|day| &day.trips).map(|trip| trip.used.0).sum::<i64>();
    let driven = flows.iter().map(|slot| slot.driven.0).sum::<i64>();
    prop_assert_eq!(driven, if home.car.is_some() { used } else { 0 });
    prop_assert_eq!(devices.failed_plans(), 0);
    Ok(())
}

proptest! {
    #[test]
    fn rules_keep_energy_and_bounds((home, days, limit) in any_home(), at_once in any::<bool>()) {
        let car = if at_once { CarControl::AtOnce } else { CarControl::SurplusFirst };
        holds(&home, &rules(RULE, car, limit), &days)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn plans_keep_energy_and_bounds((home, days, limit) in any_home(), perfect in any::<bool>(), which in 0_u8..3) {
        let (battery, car) = match which {
            0 => (PLAN, CarControl::Plan),
            1 => (PLAN, CarControl::SurplusFirst),
            _ => (RULE, CarControl::Plan),
        };
        let mut rules = rules(battery, car, limit);
        rules.forecast = if perfect { Forecast::Perfect } else { Forecast::Persistence };
        holds(&home, &rules, &days)?;
    }
}

const HOMES: &str = "[homes.generated]\ncount = 6\n[pv]\nshare_percent = 60\npeak_w = [4000, 9000]\n\
    [battery]\nshare_percent = 60\ncapacity_wh = [5000, 9000]\npower_w = [2000, 4000]\n\
    [car]\nshare_percent = 50\ncapacity_wh = [40000, 60000]\ncharge_w = [3700, 11000]\n\
    [[tariffs]]\nname = \"night\"\nretail_eur_per_kwh = \"0.34\"\nfeed_in_eur_per_kwh = \"0.08\"\n\
    [[tariffs.hours]]\nfrom_hour = 22\nto_hour = 6\nretail_eur_per_kwh = \"0.22\"\n";

/// What a home of a community pays, what is left in battery and car at their worth for a plan, what trips missed, and
/// how many plans failed.
fn bill(community: &Community, rules: &Rules, number: usize) -> (Decimal, WattHours, u64) {
    let home = &community.homes[number];
    let count = community.calendar.days.len();
    let days: Vec<HomeDay> = (0..count).map(|day| community.day(number, day)).collect();
    let tariffs: Vec<Vec<Tariff>> = (0..count).map(|day| community.prices(home.tariff, day)).collect();
    let mut devices = Devices::new(home, rules);
    let flows = run(&mut devices, &community.calendar, &days, &tariffs);
    let costs = flows.iter().zip(tariffs.iter().flatten()).map(|(flows, tariff)| tariff.cost(flows.net()));
    let Money(cost) = costs.fold(Money::default(), |sum, cost| sum + cost);
    let worth = |energy: WattHours, price| Decimal::new(energy.0, 3) * price;
    let left = worth(flows.last().unwrap().stored, Decimal::new(8, 2))
        + worth(devices.in_car().unwrap_or_default(), Decimal::new(22, 2));
    (cost - left, flows.iter().map(|flows| flows.missed).sum(), devices.failed_plans())
}

#[test]
fn with_perfect_forecasts_no_home_pays_more_by_plan_than_by_rule() {
    for first_day in ["2026-06-08", "2026-12-07"] {
        let (community, by_rule) = community(first_day, 4, HOMES);
        let by_plan = Rules { battery: PLAN, car: CarControl::Plan, forecast: Forecast::Perfect, ..by_rule };
        let mut saved = Decimal::ZERO;
        for number in 0..community.homes.len() {
            let [rule, plan] = [by_rule, by_plan].map(|rules| bill(&community, &rules, number));
            assert!(plan.0 <= rule.0, "{first_day}, home {number}: {plan:?} instead of {rule:?}");
            assert!(plan.1 <= rule.1 && plan.2 == 0, "{first_day}, home {number}: {plan:?} instead of {rule:?}");
            saved += rule.0 - plan.0;
        }
        assert!(saved > Decimal::ONE, "{first_day}: {saved}");
    }
}

#[test]
fn days_of_92_and_100_slots_are_planned_as_well() {
    for (first_day, slots) in [("2026-03-27", 96 + 96 + 92 + 96), ("2026-10-23", 96 + 96 + 100 + 96)] {
        let (community, rules) = community(first_day, 4, HOMES);
        assert_eq!(community.calendar.slots(), slots);
        let rules = Rules { battery: PLAN, car: CarControl::Plan, ..rules };
        for number in 0..community.homes.len() {
            assert_eq!(bill(&community, &rules, number).2, 0, "{first_day}, home {number}");
        }
    }
}

#[test]
fn a_home_without_plans_is_small() {
    let size = std::mem::size_of::<Devices>();
    assert!(size <= 128, "{size} bytes: ten thousand homes are to fit beside everything else");
}
