//! A run's answers, its summary and its report, of made-up homes whose slots are settled by a small market.

mod market;

use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use serde_json::Value;
use wattswap_matching::WattHours;
use wattswap_simulations::answers::value::{Amount, ratio};
use wattswap_simulations::answers::{Answers, Findings};
use wattswap_simulations::grid::feeder::Place;
use wattswap_simulations::homes::Community;
use wattswap_simulations::run::record::{Observer, SettledSlot};
use wattswap_simulations::scenario::{EXAMPLE, Scenario};

use self::market::run;

fn scenario(text: String) -> Scenario {
    Scenario::parse(Path::new("street.toml"), text).expect("a scenario in order")
}

fn example(replaced: &[(&str, &str)]) -> Scenario {
    let text = replaced.iter().fold(EXAMPLE.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old} is not in the example");
        text.replace(old, new)
    });
    scenario(text)
}

fn findings<'c>(scenario: &'c Scenario, community: &'c Community) -> Findings<'c> {
    let mut answers = Answers::new(scenario, community).expect("a feeder that can be solved");
    run(community, &mut [&mut answers]);
    answers.finish()
}

fn with<T>(scenario: &Scenario, look: impl FnOnce(&Findings<'_>) -> T) -> T {
    let community = Community::new(scenario).expect("made-up homes need no data");
    look(&findings(scenario, &community))
}

/// Leaves summary and report where people may look at them.
fn written(findings: &Findings<'_>, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for what tests write");
    findings.write(&folder).expect("it can be written");
    folder
}

/// What the summary has at a way of keys.
fn at<'s>(summary: &'s Value, path: &str) -> &'s Value {
    path.split('.').fold(summary, |value, key| &value[key])
}

fn number(summary: &Value, path: &str) -> f64 {
    at(summary, path).as_f64().unwrap_or_else(|| panic!("{path} is no number"))
}

fn euros(summary: &Value, path: &str) -> Decimal {
    at(summary, path).as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{path} is no money"))
}

#[test]
fn a_week_adds_up_and_is_written_down() {
    with(&example(&[]), |findings| {
        let folder = written(findings, "week");
        let text = std::fs::read_to_string(folder.join("summary.json")).expect("it was just written");
        let summary: Value = serde_json::from_str(&text).expect("it is JSON");
        assert!(findings.summary.community.residuals.are_zero(), "{:?}", findings.summary.community.residuals);
        assert_eq!([at(&summary, "run.slots"), at(&summary, "run.homes")], [672, 50]);
        assert_eq!(summary["homes"].as_array().map(Vec::len), Some(50));
        // The call clears the meters' limits, so it reaches the optimum, and nothing is in error.
        assert_eq!(at(&summary, "community.market.surplus_share"), 1);
        assert_eq!(at(&summary, "community.market.matched_share"), 1);
        assert_eq!(at(&summary, "community.neighbours.traded_in_error_wh"), 0);
        // What the feeder carries is what the homes count, and its losses.
        let homes = number(&summary, "community.energy.import_wh") - number(&summary, "community.energy.export_wh");
        let above = number(&summary, "feeder.import_wh") - number(&summary, "feeder.export_wh");
        let off = (above - homes - number(&summary, "feeder.losses_wh")).abs();
        assert!(off < 5.0, "{off} Wh are missing on the feeder");
        // Homes' sums are the community's.
        let money = || findings.summary.homes.iter().map(|home| &home.money);
        assert_eq!(money().map(|money| money.cost_eur.0).sum::<Decimal>(), euros(&summary, "community.money.cost_eur"));
        assert_eq!(money().map(|money| money.fees_eur.0).sum::<Decimal>(), euros(&summary, "community.money.fees_eur"));
        // Sunny hours are cheap, and a day has 24.
        let hours = at(&summary, "community.price_curve.by_hour_of_day").as_array().expect("a list");
        let price = |hour: usize| hours[hour]["mean_price_eur_per_kwh"].as_f64();
        assert!(hours.len() == 24 && price(12) < price(21) && price(2).is_none(), "{hours:?}");
        for home in &findings.summary.homes {
            let from_grid = home.energy.import_wh - home.neighbours.local_wh;
            let off = home.emissions.co2_kg.0 - Decimal::new(from_grid * 363, 6);
            assert!(off.abs() <= Decimal::new(5, 4), "{}: {off} kg", home.name);
        }
        // Large batteries count for more.
        let batteries = summary["homes"].as_array().into_iter().flatten().filter(|home| !home["battery_wh"].is_null());
        let batteries = batteries.map(|home| (number(home, "battery_wh"), number(home, "battery_cycles")));
        let (capacity, through) = batteries
            .fold((0.0, 0.0), |(sum, through), (capacity, cycles)| (sum + capacity, through + capacity * cycles));
        assert!((number(&summary, "community.battery_cycles") - through / capacity).abs() < 1e-3);
        let table = findings.table();
        assert!(table.contains("self-sufficiency") && table.contains("energy left over"), "{table}");
    });
}

#[test]
fn a_report_has_five_answers_and_all_plots_with_their_data() {
    with(&example(&[]), |findings| {
        let html = wattswap_simulations::answers::report::html(findings);
        for question in ["Who saves what?", "from here?", "Does the grid hold?", "Is it fair?", "the market work?"] {
            assert_eq!(html.matches(question).count(), 1, "{question}");
        }
        let plots = [
            "flow", "prices", "duration", "slot", "day", "money", "savings", "lorenz", "voltage", "loading", "map",
            "profile",
        ];
        for plot in plots {
            assert!(html.contains(&format!("<figure id=\"{plot}\">")), "no plot of {plot}");
            assert!(html.contains(&format!("<desc id=\"{plot}-seen\">")), "{plot} says nothing to who can't see it");
        }
        assert_eq!(html.matches("<figure").count(), plots.len());
        assert_eq!(html.matches("The data of this plot").count(), plots.len());
        for alien in ["<script", "http://", "https://", "NaN", "inf ", "src=", "url("] {
            assert!(!html.contains(alien), "{alien} is in the report");
        }
    });
}

/// What a report has of its map.
fn map_of(findings: &Findings<'_>) -> String {
    let html = wattswap_simulations::answers::report::html(findings);
    let (_, map) = html.split_once("<figure id=\"map\">").expect("there is a map");
    map.split_once("</figure>").expect("figures end").0.to_owned()
}

#[test]
fn a_map_marks_homes_by_their_voltage() {
    let small = example(&[("days = 7", "days = 1"), ("count = 50", "count = 9")]);
    let mut community = Community::new(&small).expect("made-up homes need no data");
    let laid_out = map_of(&findings(&small, &community));
    assert!(laid_out.contains("has no places: cables are as long as they are") && !laid_out.contains("North"));
    assert!(laid_out.contains(" m</text>") && !laid_out.contains(">N<"), "a scale, and no arrow to the north");
    // The busbar and nine houses: one is a joint, the others say what they had.
    assert_eq!(laid_out.matches("<title>house ").count(), 9);
    assert_eq!(laid_out.matches("<tr><th scope=\"row\">").count(), 10);
    assert!(laid_out.contains("highest: 2") && laid_out.contains("lowest: 2"));

    // Sixteen kilowatts into each of them at 16 % too much: the farthest step, pointing up, everywhere.
    let feeder = community.feeder.as_mut().expect("it was made");
    feeder.source.voltage_pu = 1.16;
    for (number, bus) in feeder.buses.iter_mut().enumerate() {
        bus.place = Some(Place { east: 10.0 * number as f64, north: if number % 2 == 0 { 400.0 } else { 0.0 } });
    }
    let surveyed = map_of(&findings(&small, &community));
    assert!(surveyed.contains("Places are those of the feeder&#39;s data; its cables have other lengths"));
    assert!(surveyed.contains("North is left.") && surveyed.contains(">N<") && !surveyed.contains(" m</text>"));
    let (_, picture) = surveyed.split_once("</ul>").expect("a legend, then a picture");
    assert_eq!(picture.matches("<polygon class=\"mark f2\"").count(), 9);

    // A place that nobody knows is left out.
    community.feeder.as_mut().expect("as before").buses[4].place = None;
    assert!(map_of(&findings(&small, &community)).contains("Buses without a place are left out: 1."));
}

#[test]
fn a_map_of_thousands_is_bounded() {
    let many = example(&[("days = 7", "days = 1"), ("count = 50", "count = 1000")]);
    let community = Community::new(&many).expect("made-up homes need no data");
    let map = map_of(&findings(&many, &community));
    let rows = map.matches("<tr><th scope=\"row\">").count();
    assert!((800..=802).contains(&rows) && map.contains(" of 1001 buses are marked."), "{rows}");
}

#[test]
fn names_of_a_scenario_are_no_markup() {
    let evil = "<script>alert('1')</script><img src=x onerror=alert(2)>";
    let quoted = format!("name = \"{}\"", evil);
    let tariff = "name = \"flat\"";
    let named = example(&[("name = \"A street in June\"", &quoted), (tariff, &quoted), ("days = 7", "days = 1")]);
    let mut community = Community::new(&named).expect("made-up homes need no data");
    community.notes.push(evil.to_owned());
    community.homes.iter_mut().for_each(|home| evil.clone_into(&mut home.name));
    if let Some(feeder) = &mut community.feeder {
        evil.clone_into(&mut feeder.name);
        feeder.buses.iter_mut().for_each(|bus| evil.clone_into(&mut bus.name));
        feeder.lines.iter_mut().for_each(|line| evil.clone_into(&mut line.name));
    }
    let html = wattswap_simulations::answers::report::html(&findings(&named, &community));
    assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;"));
    assert!(!html.contains("<script") && !html.contains("<img"), "a name became markup");
}

#[test]
fn without_feeder_market_and_roofs_there_is_still_a_report() {
    let text = "name = \"Dark\"\nseed = 3\n[period]\nfirst_day = \"2026-01-08\"\ndays = 1\ntime_zone = \"Europe/Berlin\"\n\
                [homes.generated]\ncount = 3\n[[tariffs]]\nname = \"flat\"\nretail_eur_per_kwh = \"0.30\"\n\
                feed_in_eur_per_kwh = \"0.08\"\n[market]\nmechanism = \"none\"\n[[strategies]]\nname = \"passive\"\n";
    with(&scenario(text.to_owned()), |findings| {
        let summary: Value = serde_json::from_str(&findings.summary.json()).expect("it is JSON");
        for undefined in [
            &summary["feeder"],
            &summary["community"]["energy"]["self_consumption"],
            &summary["community"]["market"]["surplus_share"],
            &summary["community"]["prices"]["mean_price_eur_per_kwh"],
            &summary["community"]["fairness"]["gini"],
            &summary["community"]["forecast_nmae"],
            &summary["homes"][0]["battery_cycles"],
        ] {
            assert!(undefined.is_null(), "{undefined} should be undefined");
        }
        assert_eq!(at(&summary, "community.energy.self_sufficiency"), 0);
        let html = wattswap_simulations::answers::report::html(findings);
        assert!(html.contains("this scenario has no feeder") && html.contains("id=\"flow\""));
        assert!(!html.contains("NaN"));
    });
}

#[test]
fn before_the_first_slot_there_is_nothing_but_a_report() {
    let example = example(&[]);
    let community = Community::new(&example).expect("made-up homes need no data");
    let findings = Answers::new(&example, &community).expect("a feeder").finish();
    let html = wattswap_simulations::answers::report::html(&findings);
    assert!(html.contains("Only 0 of 672 slots were run.") && !html.contains("<figure"));
}

#[test]
fn a_year_makes_a_report_that_is_no_larger_than_a_few_weeks() {
    let size = |days: &str| {
        let key = format!("days = {days}");
        with(&example(&[("days = 7", &key), ("count = 50", "count = 8")]), |findings| {
            let file = written(findings, &format!("days-{days}")).join("report.html");
            std::fs::metadata(file).expect("it was just written").len()
        })
    };
    let (weeks, year) = (size("28"), size("366"));
    assert!(year < weeks * 2, "{year} bytes for a year, {weeks} for four weeks");
}

#[test]
fn days_with_another_number_of_slots_are_days() {
    let clocks_change = [("first_day = \"2026-06-08\"", "first_day = \"2026-10-24\""), ("days = 7", "days = 3")];
    with(&example(&clocks_change), |findings| {
        assert_eq!(findings.summary.run.slots, 96 + 100 + 96);
        assert!(findings.summary.community.residuals.are_zero());
        let html = wattswap_simulations::answers::report::html(findings);
        assert!(html.contains("25 Oct") && !html.contains("NaN"));
    });
}

/// Counts slots, as another observer beside the answers would.
#[derive(Default)]
struct Count(usize, WattHours);

impl Observer for Count {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        self.0 += 1;
        self.1 += slot.trades.iter().map(|trade| trade.quantity).sum();
    }
}

#[test]
fn answers_are_one_observer_among_others() {
    let example = example(&[("days = 7", "days = 2")]);
    let community = Community::new(&example).expect("made-up homes need no data");
    let mut answers = Answers::new(&example, &community).expect("a feeder");
    let mut count = Count::default();
    run(&community, &mut [&mut answers, &mut count]);
    let summary = answers.finish().summary;
    assert_eq!((summary.run.slots, summary.community.prices.traded_wh), (count.0, count.1.0));
}

#[test]
fn a_real_street_adds_up() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/street-summer.toml");
    with(&Scenario::read(&path).expect("it ships with wattswap"), |findings| {
        let summary = &findings.summary;
        assert!(summary.community.residuals.are_zero());
        let feeder = summary.feeder.as_ref().expect("it has a feeder");
        assert!(feeder.balanced && feeder.slots_not_converged == 0);
        assert_eq!((feeder.slots, feeder.homes_without_connection.len()), (672, 0));
        let homes = (summary.community.energy.import_wh - summary.community.energy.export_wh) as f64;
        let off = (feeder.import_wh - feeder.export_wh - homes - feeder.losses_wh).abs();
        assert!(off < 5.0, "{off} Wh are missing on the feeder");
        written(findings, "street");
    });
}

#[test]
fn each_phase_for_itself() {
    use wattswap_simulations::grid::feeder::Phases;
    let example = example(&[("days = 7", "days = 9")]);
    let mut community = Community::new(&example).expect("made-up homes need no data");
    let connections = community.feeder.iter_mut().flat_map(|feeder| &mut feeder.connections);
    for (connection, phase) in connections.zip([Phases::A, Phases::B, Phases::C].into_iter().cycle()) {
        connection.phases = phase;
    }
    let findings = findings(&example, &community);
    let feeder = findings.summary.feeder.as_ref().expect("it has a feeder");
    assert_eq!((feeder.balanced, feeder.phases.len()), (false, 3));
    assert!(feeder.voltage_unbalance_max.is_some_and(|factor| factor > 0.01), "{:?}", feeder.voltage_unbalance_max);
    assert_eq!(feeder.en50160.as_ref().map(|week| week.weeks), Some(2));
    written(&findings, "unbalanced");
}

#[test]
fn answers_say_what_the_figures_say() {
    let report = wattswap_simulations::answers::report::html;
    with(&example(&[("days = 7", "days = 1")]), |findings| {
        let mut findings = Findings {
            summary: findings.summary.clone(),
            rows: Vec::new(),
            busy_slot: None,
            home_day: None,
            envelopes: Vec::new(),
            ..*findings
        };
        let feeder = findings.summary.feeder.clone();
        // (how voltages, a line and the solver fared; what is said)
        let cases = [
            (true, 0.4, 0, "Yes: voltages lie between"),
            (false, 0.4, 0, "No, since voltages leave what EN 50160 allows: "),
            (true, 1.2, 0, "No, since something carries more than it may: "),
            (true, 0.4, 2, "No, since some slots have no solution: "),
            (false, 1.2, 1, "leave what EN 50160 allows and something carries more than it may and some slots"),
        ];
        for (holds, loading, lost, said) in cases {
            let mut feeder = feeder.clone();
            if let Some(feeder) = &mut feeder {
                feeder.line_loading_max = Some(loading);
                feeder.slots_not_converged = lost;
                feeder.en50160.iter_mut().for_each(|week| week.holds = holds);
            }
            findings.summary.feeder = feeder;
            let html = report(&findings);
            assert!(html.contains(said), "{said}");
            assert_eq!(html.contains("For 2 of 96 slots there is no solution"), lost == 2);
        }
        let money = &mut findings.summary.community.money;
        let amount = |text: &str| Amount(text.parse().expect("a decimal"));
        money.cost_eur = amount("80");
        money.cost_without_market_eur = amount("100");
        money.saved_by_market_eur = amount("20");
        money.saved_by_market_share = ratio(20, 100);
        let said =
            "The market saves 50 homes 20.00 EUR (20.0 %): together they pay 80.00 EUR, and without it they would";
        assert!(report(&findings).contains(said));
        let money = &mut findings.summary.community.money;
        money.cost_eur = amount("-5");
        money.cost_without_market_eur = amount("-6");
        money.saved_by_market_eur = amount("-1");
        money.saved_by_market_share = None;
        let said =
            "The market costs 50 homes 1.00 EUR: together they earn 5.00 EUR, and without it they would earn 6.00";
        assert!(report(&findings).contains(said));
    });
}
