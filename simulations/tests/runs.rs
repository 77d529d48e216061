//! Whole runs of scenarios: what must hold in every slot, whoever trades how, and on whichever day.

use std::fs;
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use wattswap_matching::{Money, PriceScale, WattHours};
use wattswap_simulations::answers::Answers;
use wattswap_simulations::homes::Community;
use wattswap_simulations::output::Format;
use wattswap_simulations::run::record::{HomeSlot, Observer, SettledSlot};
use wattswap_simulations::run::tables::{Columns, Tables};
use wattswap_simulations::run::{CantRun, Ran, run};
use wattswap_simulations::scenario::{EXAMPLE, Scenario};

/// The example's text, with these texts in place of others.
fn text(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn example(changes: &[(&str, &str)]) -> Scenario {
    Scenario::parse(Path::new("example.toml"), text(changes)).unwrap()
}

const FEW: (&str, &str) = ("count = 50", "count = 12");
const TWO_DAYS: (&str, &str) = ("days = 7", "days = 2");
const PLANS: (&str, &str) = ("control = \"self-consumption\"", "control = \"plan\"");

/// Looks at every slot.
struct Watcher<'c> {
    community: &'c Community,
    fee: Decimal,
    slots: Vec<usize>,
    traded: WattHours,
    /// What all homes cost, and what they would have without the market.
    cost: [Money; 2],
    stored: Vec<WattHours>,
}

impl<'c> Watcher<'c> {
    fn new(community: &'c Community) -> Self {
        Self {
            community,
            fee: community.market.local_grid_fee_eur_per_kwh.0,
            slots: vec![0; community.calendar.days.len()],
            traded: WattHours(0),
            cost: [Money::default(); 2],
            stored: vec![WattHours(0); community.homes.len()],
        }
    }

    /// Nobody trades at a loss by its supplier's prices in that very slot.
    fn check_prices(&self, slot: &SettledSlot<'_>) {
        let scale = PriceScale::new(self.community.market.tick_eur_per_kwh.0).unwrap();
        for trade in slot.trades {
            let price = scale.decimal(trade.price);
            let of = |number: u32| (&slot.homes[number as usize], &self.community.homes[number as usize]);
            let ((buyer, who), (seller, _)) = (of(trade.buyer), of(trade.seller));
            assert!(price + self.fee <= buyer.tariff.retail + who.premium, "slot {}: {trade:?}", slot.number);
            assert!(price >= seller.tariff.feed_in, "slot {}: {trade:?}", slot.number);
        }
    }

    fn check_sums(&self, slot: &SettledSlot<'_>) {
        let energy = |of: fn(&HomeSlot) -> WattHours| slot.homes.iter().map(of).sum::<WattHours>();
        assert_eq!(energy(|home| home.bought), energy(|home| home.sold));
        assert_eq!(energy(|home| home.bought), slot.trades.iter().map(|trade| trade.quantity).sum());
        let money = |of: fn(&HomeSlot) -> Money| slot.homes.iter().map(|home| of(home).0).sum::<Decimal>();
        assert_eq!(money(|home| home.paid), money(|home| home.earned), "what one pays another gets");
        let fees = Decimal::from(energy(|home| home.bought).0) / Decimal::from(1_000) * self.fee;
        assert_eq!(money(|home| home.fees), fees);
        for home in slot.homes {
            let left = home.flows.net() - (home.bought - home.sold);
            assert_eq!(home.supplier, home.tariff.cost(left), "the supplier settles what is left");
        }
        assert!(slot.surplus <= slot.optimum.surplus);
        if self.community.homes.iter().all(|home| home.premium.is_zero()) {
            // Then all that trade is worth is money, and errors are counted at no less than what they cost.
            let tick = self.community.market.tick_eur_per_kwh.0;
            let saved = money(HomeSlot::cost_without_market) - money(HomeSlot::cost);
            assert!(Decimal::from(slot.surplus) * tick / Decimal::from(1_000) <= saved, "slot {}", slot.number);
        }
    }
}

impl Observer for Watcher<'_> {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        assert_eq!(
            (slot.number, slot.of_day),
            (self.slots.iter().sum(), self.slots[slot.day]),
            "in order, none left out"
        );
        let day = &self.community.calendar.days[slot.day];
        assert_eq!(slot.slot, self.community.calendar.slot(day, slot.of_day));
        self.slots[slot.day] += 1;
        self.check_prices(slot);
        self.check_sums(slot);
        self.traded += slot.trades.iter().map(|trade| trade.quantity).sum::<WattHours>();
        for (home, stored) in slot.homes.iter().zip(&mut self.stored) {
            assert!(home.flows.stored >= WattHours(0));
            assert!(home.flows.stored <= *stored + home.flows.charged, "nothing comes from nowhere");
            *stored = home.flows.stored;
            self.cost[0] = self.cost[0] + home.cost();
            self.cost[1] = self.cost[1] + home.cost_without_market();
        }
    }
}

fn watched<'c>(scenario: &Scenario, community: &'c Community) -> (Ran, Watcher<'c>) {
    let mut watcher = Watcher::new(community);
    let ran = run(community, &scenario.document, &mut [&mut watcher]).unwrap();
    assert_eq!((ran.market.energy_residual, ran.market.money_residual.0), (WattHours(0), Decimal::ZERO));
    (ran, watcher)
}

#[test]
fn every_scenario_that_ships_runs_and_adds_up() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 3, "{all:?}");
    for path in all {
        let scenario = Scenario::read(&path).unwrap();
        let community = Community::new(&scenario).unwrap();
        let (ran, watcher) = watched(&scenario, &community);
        let slots: Vec<usize> = community.calendar.days.iter().map(|day| day.slots).collect();
        assert_eq!(watcher.slots, slots, "{}", path.display());
        assert!(ran.market.surplus_share() >= Some(9_700), "{}: {:?}", path.display(), ran.market);
        assert!(watcher.cost[0].0 < watcher.cost[1].0, "{}", path.display());
    }
}

#[test]
fn all_mechanisms_and_strategies_keep_the_rules() {
    let continuous = "mechanism = \"continuous\"";
    let strategies = "name = \"autopilot\"                        # or zi-c";
    let cases = [
        ("none", "autopilot", false),
        ("call", "autopilot", true),
        ("continuous", "zi-c", true),
        ("continuous", "zip", true),
        ("continuous", "ramp", true),
        ("continuous", "truthful", true),
        ("continuous", "passive", false),
    ];
    for (mechanism, strategy, trades) in cases {
        let mechanism = format!("mechanism = \"{mechanism}\"");
        let name = format!("name = \"{strategy}\"                        # or zi-c");
        let scenario = example(&[FEW, TWO_DAYS, (continuous, &mechanism), (strategies, &name)]);
        let community = Community::new(&scenario).unwrap();
        let (_, watcher) = watched(&scenario, &community);
        assert_eq!(watcher.traded > WattHours(0), trades, "{mechanism}, {strategy}");
        assert!(trades || watcher.cost[0] == watcher.cost[1], "{mechanism}, {strategy}");
    }
}

#[test]
fn homes_trade_ahead_or_after_as_the_scenario_says() {
    // (when; whether all that is traded was counted, whether others than the autopilot trade)
    for (trade, is_counted, others_trade) in [("ahead", false, false), ("after", true, true), ("both", false, true)] {
        let trade = format!("trade = \"{trade}\"");
        let with = |strategy: &str| {
            let name = format!("name = \"{strategy}\"                        # or zi-c");
            let autopilot = "name = \"autopilot\"                        # or zi-c";
            let scenario = example(&[FEW, TWO_DAYS, ("trade = \"both\"", &trade), (autopilot, &name)]);
            let community = Community::new(&scenario).unwrap();
            let (ran, watcher) = watched(&scenario, &community);
            (ran.market.errors, watcher.traded)
        };
        let (errors, traded) = with("autopilot");
        assert!(traded > WattHours(0), "{trade}");
        assert_eq!(errors == WattHours(0), is_counted, "{trade}: {errors}");
        assert_eq!(with("ramp").1 > WattHours(0), others_trade, "{trade}");
    }
}

/// What batteries took, and what homes with a battery bought.
#[derive(Default)]
struct Charged([WattHours; 2]);

impl Observer for Charged {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        for home in slot.homes.iter().filter(|home| home.flows.charged > WattHours(0)) {
            self.0[0] += home.flows.charged;
            self.0[1] += home.bought;
        }
    }
}

#[test]
fn plans_buy_their_neighbours_surplus_for_the_evening() {
    let charged = |mechanism: &str| {
        let mechanism = format!("mechanism = \"{mechanism}\"");
        // No other way to profit than by what neighbours ask: one price all day.
        let tariff = ("retail_eur_per_kwh = \"0.26\"", "retail_eur_per_kwh = \"0.34\"");
        // Homes without a roof have a battery, too.
        let batteries = ("share_percent = 30                        # homes with", "share_percent = 100 # homes with");
        let changes = [FEW, ("days = 7", "days = 4"), PLANS, tariff, batteries];
        let scenario = example(&[changes.as_slice(), &[("mechanism = \"continuous\"", mechanism.as_str())]].concat());
        let community = Community::new(&scenario).unwrap();
        let mut charged = Charged::default();
        run(&community, &scenario.document, &mut [&mut charged]).unwrap();
        charged.0
    };
    let ([taken, bought], [alone, nothing]) = (charged("continuous"), charged("none"));
    assert_eq!(nothing, WattHours(0));
    assert!(bought > WattHours(0), "they charge with what neighbours have over");
    assert!(taken > alone, "{taken} with a market, {alone} without");
}

/// Trades by how large they are.
#[derive(Default)]
struct Smallest(Option<WattHours>);

impl Observer for Smallest {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        self.0 = slot.trades.iter().map(|trade| trade.quantity).chain(self.0).min();
    }
}

#[test]
fn what_is_too_little_is_left_to_the_supplier() {
    let smallest = |least: &str| {
        let least = format!("smallest_fill_wh = {least}");
        let scenario = example(&[FEW, TWO_DAYS, ("smallest_fill_wh = 10", &least), ("\"both\"", "\"after\"")]);
        let community = Community::new(&scenario).unwrap();
        let mut smallest = Smallest::default();
        run(&community, &scenario.document, &mut [&mut smallest]).unwrap();
        smallest.0.unwrap()
    };
    // All that is left of an order may be filled, so the least trade may be smaller than the least order.
    assert!(smallest("1") < WattHours(10), "{}", smallest("1"));
    assert!(smallest("1") < smallest("300"));
}

#[test]
fn a_call_in_which_everybody_has_a_part_reaches_the_optimum() {
    let changes = [FEW, TWO_DAYS, ("mechanism = \"continuous\"", "mechanism = \"call\"")];
    let all = [
        ("share_percent = 80 ", "share_percent = 100 "),
        ("\n[[strategies]]\nname = \"passive\"\nshare_percent = 20", ""),
    ];
    let scenario = example(&[changes.as_slice(), all.as_slice()].concat());
    let community = Community::new(&scenario).unwrap();
    let (ran, _) = watched(&scenario, &community);
    assert_eq!(ran.market.surplus_share(), Some(10_000));
}

#[test]
fn what_trade_is_worth_is_what_it_saves_where_nobody_pays_for_locality() {
    let premium = ("local_premium_eur_per_kwh = \"0.02\"", "local_premium_eur_per_kwh = \"0\"");
    let scenario = example(&[FEW, TWO_DAYS, premium]);
    let community = Community::new(&scenario).unwrap();
    let (ran, watcher) = watched(&scenario, &community);
    assert!(ran.market.traded > ran.market.volume, "some of it was bought and sold on, and the fee paid twice");
    assert!(watcher.cost[0].0 < watcher.cost[1].0);
}

/// Volumes of each slot.
#[derive(Default)]
struct Volumes(Vec<WattHours>);

impl Observer for Volumes {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        self.0.push(slot.trades.iter().map(|trade| trade.quantity).sum());
    }
}

#[test]
fn the_last_slots_are_traded_until_their_gates_like_all_others() {
    // In Tokyo the sun is up when the period ends by the example's place. Cars look at tomorrow: there are none.
    let zone =
        ("time_zone = \"Europe/Berlin\"               # days", "time_zone = \"Asia/Tokyo\"               # days");
    let car = EXAMPLE.split_once("[car]").unwrap().1.split_once("[heat_pump]").unwrap().0;
    let car = format!("[car]{car}");
    let volumes = |days: &str| {
        let scenario = example(&[FEW, ("days = 7", days), zone, (&car, "")]);
        let community = Community::new(&scenario).unwrap();
        let mut volumes = Volumes::default();
        run(&community, &scenario.document, &mut [&mut volumes]).unwrap();
        volumes.0
    };
    let (one, two) = (volumes("days = 1"), volumes("days = 2"));
    assert!(one[92..].iter().all(|volume| *volume > WattHours(0)), "{:?}", &one[92..]);
    assert_eq!(one, two[..96]);
}

#[test]
fn what_cannot_be_run_is_said() {
    let minutes = |minutes: &'static str| ("slot_minutes = 15", minutes);
    let zone = |name: &str| format!("time_zone = \"{name}\"               # days");
    let berlin = "time_zone = \"Europe/Berlin\"               # days";
    // Half an hour, or three quarters, off the hours of UTC; and a day that was left out.
    let cases = [
        ("Asia/Kolkata", "slot_minutes = 60", "2026-06-08", false),
        ("Asia/Kolkata", "slot_minutes = 30", "2026-06-08", true),
        ("Asia/Kathmandu", "slot_minutes = 30", "2026-06-08", false),
        ("Asia/Kathmandu", "slot_minutes = 15", "2026-06-08", true),
        ("Pacific/Apia", "slot_minutes = 15", "2011-12-29", false),
        ("Atlantic/Azores", "slot_minutes = 60", "2026-10-24", true),
        ("America/Havana", "slot_minutes = 60", "2026-10-31", true),
    ];
    for (name, length, first_day, is_good) in cases {
        let (zone, first_day) = (zone(name), format!("first_day = \"{first_day}\""));
        let changes = [FEW, TWO_DAYS, minutes(length), (berlin, &zone), ("first_day = \"2026-06-08\"", &first_day)];
        let scenario = example(&changes);
        match Community::new(&scenario) {
            Ok(community) => {
                assert!(is_good, "{name}, {length}");
                watched(&scenario, &community);
            }
            Err(error) => assert!(!is_good && error.to_string().contains("slot_minutes"), "{name}: {error}"),
        }
    }
    let fine = ("tick_eur_per_kwh = \"0.0001\"", "tick_eur_per_kwh = \"0.000001\"");
    let dear = example(&[FEW, TWO_DAYS, fine]);
    let community = Community::new(&dear).unwrap();
    assert_eq!(run(&community, &dear.document, &mut []), Err(CantRun::TooManyTicks));
}

#[test]
fn days_of_23_and_25_hours_are_run_whole() {
    for (first_day, slots) in [("2026-03-28", [96, 92]), ("2026-10-24", [96, 100])] {
        let first = format!("first_day = \"{first_day}\"");
        let scenario = example(&[FEW, TWO_DAYS, ("first_day = \"2026-06-08\"", &first)]);
        let community = Community::new(&scenario).unwrap();
        let (_, watcher) = watched(&scenario, &community);
        assert_eq!(watcher.slots, slots, "{first_day}");
    }
}

/// The bytes of all that a run writes.
fn bytes(scenario: &Scenario, threads: usize) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let community = Community::new(scenario).unwrap();
        let names = community.homes.iter().map(|home| home.name.clone()).collect();
        let scale = PriceScale::new(community.market.tick_eur_per_kwh.0).unwrap();
        let mut tables = Tables::create(folder.path(), Format::Csv, Columns::all(), names, scale, None).unwrap();
        let mut answers = Answers::new(scenario, &community).unwrap();
        run(&community, &scenario.document, &mut [&mut tables, &mut answers]).unwrap();
        tables.finish().unwrap();
        answers.finish().write(folder.path()).unwrap();
    });
    let files = ["homes.csv", "trades.csv", "summary.json", "report.html"];
    files.map(|name| fs::read(folder.path().join(name)).unwrap()).to_vec()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads() {
    // With plans, which look at what the market came to.
    let days = ("days = 7", "days = 3");
    let scenario = example(&[FEW, days, PLANS]);
    let alone = bytes(&scenario, 1);
    assert!(alone.iter().all(|file| file.len() > 1_000));
    assert_eq!(alone, bytes(&scenario, 3));
    let other = bytes(&example(&[FEW, days, PLANS, ("seed = 1 ", "seed = 2 ")]), 1);
    assert!(alone.iter().zip(&other).all(|(one, other)| one != other));
}

#[test]
fn a_home_with_a_power_station_s_data_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let start = jiff::civil::date(2026, 6, 8).in_tz("Europe/Berlin").unwrap().timestamp().as_millisecond();
    let rows = (0..200).map(|slot| {
        let at = jiff::Timestamp::from_millisecond(start + slot * 900_000).unwrap();
        format!("{at},100,{}\n", if slot == 7 { 400_000_000 } else { 100 })
    });
    fs::write(folder.path().join("need.csv"), format!("at,modest,mill\n{}", rows.collect::<String>())).unwrap();
    let generated =
        "[homes.generated]                         # people, appliances and habits, made up from the seed\ncount = 50";
    let path = folder.path().join("scenario.toml");
    fs::write(&path, text(&[TWO_DAYS, (generated, "[homes.files]\nneed = \"need.csv\"")])).unwrap();
    let scenario = Scenario::read(&path).unwrap();
    let community = Community::new(&scenario).unwrap();
    let Err(CantRun::TooMuch { home, of_day, .. }) = run(&community, &scenario.document, &mut []) else {
        panic!("no cable carries that");
    };
    assert_eq!((home.as_str(), of_day), ("mill", 7));
}
