//! The tables of a run: as text byte for byte, and read back from Parquet.

use std::fs::{self, File};
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use rust_decimal::Decimal;
use tempfile::TempDir;
use wattswap_matching::{Money, Price, PriceScale, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::settlement::Tariff;
use wattswap_simulations::devices::Flows;
use wattswap_simulations::market::mechanism::Trade;
use wattswap_simulations::market::mechanism::optimum::Optimum;
use wattswap_simulations::output::{CantWrite, Format};
use wattswap_simulations::run::record::{HomeSlot, Observer as _, SettledSlot};
use wattswap_simulations::run::tables::{BadColumns, Columns, Tables};

/// 2026-06-08, midnight in Berlin.
const START: u64 = 1_780_869_600_000;
const QUARTER: u64 = 15 * 60_000;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Two homes; the first sells, and the second has a car and no forecast.
fn homes() -> [HomeSlot; 2] {
    let tariff = Tariff { retail: decimal("0.3200"), feed_in: decimal("0.08") };
    let seller = HomeSlot {
        flows: Flows {
            need: WattHours(120),
            heat_pump: WattHours(80),
            pv: WattHours(1_900),
            curtailed: WattHours(50),
            charged: WattHours(600),
            discharged: WattHours(0),
            stored: WattHours(4_321),
            ..Flows::default()
        },
        forecast: Some(WattHours(-1_000)),
        bought: WattHours(0),
        sold: WattHours(900),
        paid: Money::default(),
        earned: Money(decimal("0.18000")),
        fees: Money::default(),
        supplier: Money(decimal("-0.012")),
        tariff,
    };
    let buyer = HomeSlot {
        flows: Flows {
            need: WattHours(250),
            car: WattHours(900),
            driven: WattHours(7_000),
            missed: WattHours(1_500),
            ..Flows::default()
        },
        forecast: None,
        bought: WattHours(900),
        sold: WattHours(0),
        paid: Money(decimal("0.18000")),
        earned: Money::default(),
        fees: Money(decimal("0.036")),
        // Finer than a billionth.
        supplier: Money(decimal("0.0800000000025")),
        tariff,
    };
    [seller, buyer]
}

fn columns(homes: &[&str], trades: &[&str]) -> Result<Columns, BadColumns> {
    let [homes, trades] = [homes, trades].map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    Columns::some(Some(&homes), Some(&trades))
}

/// Writes so many slots, all alike; the first has a trade.
fn write(folder: &Path, format: Format, columns: Columns, homes: &[HomeSlot], slots: u64) -> Result<(), CantWrite> {
    let names = vec!["home-1".to_owned(), "by the mill, left".to_owned()];
    let scale = PriceScale::new(decimal("0.0001")).unwrap();
    let trade = Trade { buyer: 1, seller: 0, price: Price(2_000), quantity: WattHours(900) };
    let mut tables = Tables::create(folder, format, columns, names, scale, None)?;
    for number in 0..slots {
        tables.settled(&SettledSlot {
            number: usize::try_from(number).unwrap(),
            slot: Slot(UtcMillis(START + number * QUARTER)),
            day: 0,
            of_day: usize::try_from(number).unwrap(),
            homes,
            trades: if number == 0 { std::slice::from_ref(&trade) } else { &[] },
            optimum: Optimum::default(),
            surplus: 0,
        });
    }
    tables.finish().map(drop)
}

#[test]
fn as_text() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), Format::Csv, Columns::all(), &homes(), 2).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("homes.csv"), include_str!("golden/homes.csv"));
    assert_eq!(read("trades.csv"), include_str!("golden/trades.csv"));
}

/// A row as text, as CSV would have it.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::TimestampMillis(at) => jiff::Timestamp::from_millisecond(*at).unwrap().to_string(),
        Field::Decimal(_) => decimal(&field.to_string()).normalize().to_string(),
        other => other.to_string(),
    }
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let file = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = file.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(_, field)| text(field)).collect()).collect()
}

#[test]
fn parquet_says_what_text_says_to_a_billionth() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), Format::Parquet, Columns::all(), &homes(), 2).unwrap();
    for name in ["homes", "trades"] {
        let golden = format!("{}/tests/golden/{name}.csv", env!("CARGO_MANIFEST_DIR"));
        let mut golden = csv::Reader::from_path(golden).unwrap();
        let path = folder.path().join(format!("{name}.parquet"));
        let file = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let schema = file.metadata().file_metadata().schema_descr();
        let heads: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
        assert_eq!(heads, golden.headers().unwrap().iter().collect::<Vec<_>>());
        let rounded = |cell: &str| cell.replace("0.0800000000025", "0.08").replace("0.2960000000025", "0.296");
        let expected: Vec<Vec<String>> =
            golden.records().map(|row| row.unwrap().iter().map(rounded).collect()).collect();
        assert_eq!(rows(&path), expected, "{name}");
    }
}

#[test]
fn some_columns_in_any_order_and_no_table_without_any() {
    let folder = TempDir::new().unwrap();
    let none: [&str; 0] = [];
    write(folder.path(), Format::Csv, columns(&["net_wh", "home"], &none).unwrap(), &homes(), 1).unwrap();
    let homes = fs::read_to_string(folder.path().join("homes.csv")).unwrap();
    assert_eq!(homes, "net_wh,home\n-1050,home-1\n1150,\"by the mill, left\"\n");
    assert!(!folder.path().join("trades.csv").exists());
}

#[test]
fn columns_that_are_not_there_or_come_twice_are_refused() {
    let refused = |homes: &[&str], trades: &[&str]| columns(homes, trades).err().map(|error| error.to_string());
    assert_eq!(refused(&["slot_start", "home"], &["slot_start", "energy_wh"]), None);
    assert_eq!(
        refused(&[], &["slot_start", "energy"]).unwrap(),
        "the table trades has no column energy: write some of slot_start, buyer, seller, energy_wh, price_eur_per_kwh"
    );
    assert_eq!(
        refused(&["slot_start", "home", "slot_start"], &[]).unwrap(),
        "the column slot_start of the table homes is asked for twice: write it once"
    );
}

#[test]
fn what_is_larger_than_a_row_group_comes_out_whole_and_with_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let slots = 25_000;
    let path = |run: &str| folder.path().join(run).join("homes.parquet");
    for run in ["one", "two"] {
        write(&folder.path().join(run), Format::Parquet, Columns::all(), &homes(), slots).unwrap();
    }
    assert!(fs::read(path("one")).unwrap() == fs::read(path("two")).unwrap(), "the bytes differ");
    let file = SerializedFileReader::new(File::open(path("one")).unwrap()).unwrap();
    assert!(file.num_row_groups() > 1);
    assert_eq!(file.metadata().file_metadata().num_rows(), 2 * i64::try_from(slots).unwrap());
    let last = rows(&path("one")).pop().unwrap();
    let at = jiff::Timestamp::from_millisecond(i64::try_from(START + (slots - 1) * QUARTER).unwrap()).unwrap();
    assert_eq!(last[..3], [at.to_string(), "by the mill, left".to_owned(), "250".to_owned()]);
}

#[test]
fn what_does_not_fit_is_said_at_the_end_at_the_latest() {
    let mut homes = homes();
    homes[1].paid = Money(decimal("1000000000"));
    let folder = TempDir::new().unwrap();
    let paid = || columns(&["paid_eur"], &["slot_start"]).unwrap();
    write(folder.path(), Format::Csv, paid(), &homes, 2).unwrap();
    let error = write(folder.path(), Format::Parquet, paid(), &homes, 2).unwrap_err().to_string();
    let expected = "homes.parquet: the amount 1000000000 does not fit into 18 digits of which 9 are decimals: write CSV \
                    instead";
    assert!(error.ends_with(expected), "{error}");
    // No folder can be where a file is.
    let taken = folder.path().join("homes.csv");
    assert!(matches!(write(&taken, Format::Csv, paid(), &homes, 1), Err(CantWrite::Disk { .. })));
}
