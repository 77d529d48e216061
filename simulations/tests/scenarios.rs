//! A scenario's file: what is wrong with one is named with line and key, and what ships with wattswap is in order.

use std::collections::BTreeSet;
use std::path::Path;

use wattswap_simulations::homes::{Community, Summary};
use wattswap_simulations::scenario::{EXAMPLE, Scenario, schema};

fn parse(text: &str) -> Result<Scenario, String> {
    Scenario::parse(Path::new("street.toml"), text.to_owned()).map_err(|error| error.to_string())
}

/// What to replace in the example, by what, and what is said then.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "seed = 1 ",
        "seeds = 1 ",
        "line 5, seeds: unknown field `seeds`, expected one of `name`, `seed`, `period`, `place`, `feeder`, `homes`, `pv`, `battery`, `car`, `heat_pump`, `tariffs`, `market`, `strategies`",
    ),
    ("seed = 1 ", "", "line 1: `seed` is missing: write it; `wattswap-sim init` writes an example with all keys"),
    ("seed = 1 ", "seed = ", "line 5: string values must be quoted, expected literal string"),
    ("seed = 1 ", "seed = -1", "line 5, seed: invalid value: integer `-1`, expected a whole number, 0 or more"),
    ("name = \"A street in June\"", "name = A street", "line 4: string values must be quoted, expected literal string"),
    (
        "first_day = \"2026-06-08\"",
        "first_day = \"08.06.2026\"",
        "line 8, period.first_day: invalid value: string \"08.06.2026\", expected a day in quotes, such as \"2016-06-08\"",
    ),
    (
        "first_day = \"2026-06-08\"",
        "first_day = \"1816-06-08\"",
        "line 8, period.first_day: the year 1816: write one from 1971 to 2200",
    ),
    ("days = 7", "days = 0", "line 9, period.days: 0 days: write 1 to 3660"),
    ("slot_minutes = 15", "slot_minutes = 7", "line 10, period.slot_minutes: 7 minutes: write 5, 10, 15, 20, 30 or 60"),
    (
        "time_zone = \"Europe/Berlin\" ",
        "time_zone = \"Berlin\" ",
        "line 11, period.time_zone: invalid value: string \"Berlin\", expected a time zone in quotes, such as \"Europe/Berlin\"",
    ),
    (
        "latitude_degrees = 51.3",
        "latitude_degrees = 91.0",
        "line 14, place.latitude_degrees: write degrees north from -65 to 65",
    ),
    (
        "longitude_degrees = 9.5",
        "longitude_degrees = nan",
        "line 15, place.longitude_degrees: write degrees east from -180 to 180",
    ),
    (
        "[feeder.generated] ",
        "folder = \"street\"\n[feeder.generated] ",
        "line 17, feeder: write either folder or [feeder.generated]",
    ),
    (
        "homes_per_branch = 25",
        "homes_per_branch = 0",
        "line 20, feeder.generated.homes_per_branch: 0 homes: write 1 to 1000",
    ),
    (
        "spacing_m = [15, 40]",
        "spacing_m = [40, 15]",
        "line 21, feeder.generated.spacing_m: 40 is more than 15: write the least first, [15, 40]",
    ),
    (
        "spacing_m = [15, 40]",
        "spacing_m = 15",
        "line 21, feeder.generated.spacing_m: invalid type: integer `15`, expected a pair, the least first, such as [15, 40]",
    ),
    (
        "[homes.generated] ",
        "[homes]\n[heating] ",
        "line 24, heating: unknown field `heating`, expected one of `name`, `seed`, `period`, `place`, `feeder`, `homes`, `pv`, `battery`, `car`, `heat_pump`, `tariffs`, `market`, `strategies`",
    ),
    ("count = 50", "count = 0", "line 24, homes.generated.count: 0 homes: write 1 to 100000"),
    (
        "count = 50",
        "count = 50\n[homes.feeder]\nprofiles = []",
        "line 25, homes.feeder: there is no folder to take homes from: write folder under [feeder]",
    ),
    ("count = 50", "kount = 50", "line 24, homes.generated.kount: unknown field `kount`, expected `count`"),
    (
        "share_percent = 40 ",
        "share_percent = 140 ",
        "line 37, pv.share_percent: invalid value: integer `140`, expected a whole number from 0 to 100",
    ),
    (
        "peak_w = [5000, 12000]",
        "peak_w = [-5, 12000]",
        "line 38, pv.peak_w[0]: invalid value: integer `-5`, expected a whole number from 0 to 4294967295",
    ),
    (
        "round_trip_percent = 90",
        "round_trip_percent = 0",
        "line 45, battery.round_trip_percent: nothing would come out: write 1 to 100",
    ),
    (
        "control = \"self-consumption\"",
        "control = \"surplus-first\"",
        "line 46, battery.control: unknown variant `surplus-first`, expected `self-consumption` or `plan`",
    ),
    (
        "# feed_in_limit_percent = 60",
        "feed_in_limit_percent = 160",
        "line 39, pv.feed_in_limit_percent: invalid value: integer `160`, expected a whole number from 0 to 100",
    ),
    (
        "control = \"surplus-first\"",
        "control = \"later\"",
        "line 53, car.control: unknown variant `later`, expected one of `at-once`, `surplus-first`, `plan`",
    ),
    (
        "trip_wh = [2000, 14000]",
        "trip_wh = [2000, 44000]",
        "line 52, car.trip_wh: a trip of 44000 Wh is more than the smallest car holds: write up to 40000",
    ),
    ("share_percent = 70 ", "share_percent = 60 ", "line 59, tariffs: their share_percent make 90: let them make 100"),
    (
        "retail_eur_per_kwh = \"0.32\"",
        "retail_eur_per_kwh = 0.32",
        "line 62, tariffs[0].retail_eur_per_kwh: invalid type: floating point `0.32`, expected EUR per kWh as a decimal number in quotes, such as \"0.32\", from -10 to 10",
    ),
    (
        "retail_eur_per_kwh = \"0.32\"",
        "retail_eur_per_kwh = \"0,32\"",
        "line 62, tariffs[0].retail_eur_per_kwh: invalid value: string \"0,32\", expected EUR per kWh as a decimal number in quotes, such as \"0.32\", from -10 to 10",
    ),
    ("retail_eur_per_kwh = \"0.32\"", "", "line 59, tariffs[0]: write either retail_eur_per_kwh or [tariffs.dynamic]"),
    ("from_hour = 22", "from_hour = 24", "line 71, tariffs[1].hours[0].from_hour: 24: write an hour from 0 to 23"),
    (
        "to_hour = 6",
        "to_hour = 22",
        "line 72, tariffs[1].hours[0].to_hour: 22: write an hour from 1 to 24, other than from_hour",
    ),
    (
        "to_hour = 6",
        "to_hour = 6\nretail_eur_per_kwh = \"0.2\"\n[[tariffs.hours]]\nfrom_hour = 5\nto_hour = 7",
        "line 74, tariffs[1].hours[1]: the hour 5 has a price already: let the hours of a tariff not overlap",
    ),
    (
        "mechanism = \"continuous\"",
        "mechanism = \"auction\"",
        "line 89, market.mechanism: unknown variant `auction`, expected one of `none`, `continuous`, `call`",
    ),
    (
        "trade = \"both\"",
        "trade = \"later\"",
        "line 90, market.trade: unknown variant `later`, expected one of `ahead`, `after`, `both`",
    ),
    (
        "mechanism = \"continuous\"                  # or none, or call\ntrade = \"both\"",
        "mechanism = \"call\"\ntrade = \"ahead\"",
        "line 90, market.trade: the call clears what the meters counted: write after or both, or another mechanism",
    ),
    ("smallest_fill_wh = 10", "smallest_fill_wh = 0", "line 91, market.smallest_fill_wh: 0 Wh: write 1 to 1000"),
    (
        "tick_eur_per_kwh = \"0.0001\"",
        "tick_eur_per_kwh = \"0\"",
        "line 92, market.tick_eur_per_kwh: write a number above 0, such as \"0.0001\"",
    ),
    (
        "local_grid_fee_eur_per_kwh = \"0.04\"",
        "local_grid_fee_eur_per_kwh = \"-0.04\"",
        "line 93, market.local_grid_fee_eur_per_kwh: -0.04: write a number of 0 or more",
    ),
    (
        "local_premium_eur_per_kwh = \"0.02\"",
        "local_premium_eur_per_kwh = \"0.02005\"",
        "line 94, market.local_premium_eur_per_kwh: 0.02005 is no multiple of the tick 0.0001: write one",
    ),
    (
        "name = \"autopilot\"",
        "name = \"zic\"",
        "line 97, strategies[0].name: unknown variant `zic`, expected one of `autopilot`, `zi-c`, `zip`, `ramp`, `truthful`, `passive`",
    ),
    (
        "name = \"autopilot\"",
        "name = \"passive\"\nshare_percent = 10\n[[strategies]]\nname = \"zip\"",
        "line 96, strategies: their share_percent make 110: let them make 100",
    ),
];

#[test]
fn mistakes_are_named_with_line_and_key_and_what_to_write() {
    for (right, wrong, expected) in MISTAKES {
        assert!(EXAMPLE.contains(right), "{right}");
        let error = parse(&EXAMPLE.replacen(right, wrong, 1)).unwrap_err();
        assert_eq!(error, format!("street.toml, {expected}"), "{wrong}");
    }
}

#[test]
fn a_scenario_without_homes_is_refused() {
    let text = EXAMPLE.replace("[homes.generated] ", "[homes]\n# ").replace("count = 50", "");
    assert_eq!(
        parse(&text).unwrap_err(),
        "street.toml, line 23, homes: no homes: write [homes.feeder], [homes.files] or [homes.generated]"
    );
}

/// What the example comes to, figure by figure: the same on every machine.
#[test]
fn the_example_comes_to_what_it_always_did() {
    let community = Community::new(&parse(EXAMPLE).unwrap()).unwrap();
    let golden = include_str!("golden/example.txt");
    assert_eq!(format!("{}\n", Summary::of(&community)), golden);
}

/// What a schema allows: the keys of each of its tables.
fn keys(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) {
        found.extend(properties.keys().cloned());
        assert_eq!(schema.get("additionalProperties"), Some(&serde_json::Value::Bool(false)), "{properties:?}");
    }
    match schema {
        serde_json::Value::Object(members) => members.values().for_each(|member| keys(member, found)),
        serde_json::Value::Array(members) => members.iter().for_each(|member| keys(member, found)),
        _ => {}
    }
}

#[test]
fn example_and_docs_name_every_key_of_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let mut known = BTreeSet::new();
    keys(&schema, &mut known);
    assert!(known.len() > 50, "{known:?}");
    let docs = include_str!("../../docs/simulations.md");
    for key in known {
        let named = |form: String| EXAMPLE.contains(&form);
        let is_there = named(format!("{key} = "))
            || named(format!("[{key}]"))
            || named(format!("[[{key}]]"))
            || named(format!("[{key}."))
            || named(format!(".{key}]"));
        assert!(is_there, "the example lacks {key}");
        assert!(docs.contains(&format!("`{key}`")) || docs.contains(&format!(".{key}`")), "the docs lack {key}");
    }
}

#[test]
fn what_is_commented_out_in_the_example_is_in_order_too() {
    // The three other sources, one after the other, in place of the generated homes.
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(code) if code.starts_with('[') || code.contains(" = ") => code,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n");
    let text = uncommented.replace("[feeder.generated]  ", "# ").replace("homes_per_branch", "# ");
    let text = text.replace("spacing_m", "# ").replace("share_percent = 70", "share_percent = 60");
    let scenario = parse(&text).unwrap();
    let homes = &scenario.document.homes;
    assert!(homes.feeder.is_some() && homes.files.is_some() && homes.generated.is_some());
    assert_eq!(scenario.document.tariffs.len(), 3);
}

/// Scenario, homes, whole kWh of need and of PV: what the three weeks of the street that ships with wattswap come to.
const WEEKS: [(&str, usize, i64, i64); 3] =
    [("summer", 99, 4_360, 6_352), ("winter", 99, 6_372, 1_186), ("spring", 99, 4_761, 6_470)];

#[test]
fn the_street_that_ships_is_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for (week, homes, need, pv) in WEEKS {
        let scenario = Scenario::read(&folder.join(format!("street-{week}.toml"))).unwrap();
        let summary = Summary::of(&Community::new(&scenario).unwrap());
        assert_eq!((summary.homes, summary.slots, summary.pv_peak_w), (homes, 672, 326_500));
        assert_eq!((summary.need.0 / 1_000, summary.pv.0 / 1_000), (need, pv), "{week}");
    }
}
