//! What `wattswap-sim import` and `generate` make of tables and feeders, as their users call them.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tempfile::TempDir;

/// Runs the command in a folder; gives what it says, or its error.
fn run(folder: &Path, command: &str) -> Result<String, String> {
    let mut process = Command::new(env!("CARGO_BIN_EXE_wattswap-sim"));
    let output = process.current_dir(folder).env("WATTSWAP_DATA", "nowhere").args(command.split(' ')).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr).trim_end().to_owned()) }
}

/// A table, how it is imported, and what is written.
const TABLES: [(&str, &str, &str); 6] = [
    ("t,a\n2016-06-08T00:00:00Z,0.25\n2016-06-08T00:15:00Z,0.251\n", "--unit kw", "62\n2016-06-08T00:15:00Z,63"),
    ("t,a\n2016-06-08T00:00:00Z,400\n2016-06-08T01:00:00Z,401\n", "--unit w", "400\n2016-06-08T01:00:00Z,401"),
    ("t,a\n2016-06-08T00:00:00Z,29\n2016-06-08T00:01:00Z,31\n", "--unit w", "0\n2016-06-08T00:01:00Z,1"),
    (
        "t,a\n2016-06-08T00:15:00Z,0.1\n2016-06-08T00:30:00Z,.2\n",
        "--unit kwh --stamps end",
        "100\n2016-06-08T00:15:00Z,200",
    ),
    (
        "n,when,a,b\n1,08.06.2016 02:00,7,x\n2,08.06.2016 02:15,8,x\n",
        "--unit wh --time when --columns a --time-zone Europe/Berlin",
        "7\n2016-06-08T00:15:00Z,8",
    ),
    ("t,a\n1465344000,1e-3\n1465344900,2e-3\n", "--unit kwh", "1\n2016-06-08T00:15:00Z,2"),
];

#[test]
fn tables_of_all_kinds_become_watt_hours() {
    for (table, options, expected) in TABLES {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("in.csv"), table).unwrap();
        run(folder.path(), &format!("import profiles in.csv --out out.csv {options}")).unwrap();
        let written = fs::read_to_string(folder.path().join("out.csv")).unwrap();
        assert_eq!(written, format!("at,a\n2016-06-08T00:00:00Z,{expected}\n"), "{table}");
    }
}

#[test]
fn days_of_92_and_100_slots_are_imported_whole() {
    for (date, hours, rows) in [("27.03.2016", [0, 1, 3, 4], 16), ("30.10.2016", [1, 2, 2, 3], 16)] {
        let folder = TempDir::new().unwrap();
        let lines = hours
            .iter()
            .flat_map(|hour| (0..4).map(move |quarter| format!("{date} {hour:02}:{:02},1\n", quarter * 15)));
        fs::write(folder.path().join("in.csv"), format!("t,a\n{}", lines.collect::<String>())).unwrap();
        let said =
            run(folder.path(), "import profiles in.csv --out out.csv --unit kw --time-zone Europe/Berlin").unwrap();
        assert!(said.contains(&format!("{rows} rows")) && said.contains("a: 4000 Wh"), "{said}");
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.csv"), "t,a\n27.03.2016 01:45,1\n27.03.2016 02:00,1\n").unwrap();
    let error =
        run(folder.path(), "import profiles in.csv --out out.csv --unit kw --time-zone Europe/Berlin").unwrap_err();
    assert!(error.starts_with("error: in.csv, line 3, column t: \"27.03.2016 02:00\" is not a time"), "{error}");
}

/// A Parquet file with times in milliseconds, in UTC or local ones, and a column of doubles.
fn write_parquet(path: &Path, utc: bool, packed: Compression) {
    let schema = format!("message table {{ REQUIRED INT64 at (TIMESTAMP(MILLIS,{utc})); REQUIRED DOUBLE a; }}");
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(packed).build());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1_465_344_000_000, 1_465_344_900_000], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[0.25, 0.251], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn parquet_is_read_like_csv() {
    let local = (false, "2016-06-07T22:00:00Z");
    // What other programs pack their files with.
    for ((utc, first), packed) in [
        ((true, "2016-06-08T00:00:00Z"), Compression::UNCOMPRESSED),
        (local, Compression::SNAPPY),
        (local, Compression::ZSTD(ZstdLevel::default())),
        (local, Compression::GZIP(GzipLevel::default())),
        (local, Compression::BROTLI(BrotliLevel::default())),
        (local, Compression::LZ4),
        (local, Compression::LZ4_RAW),
    ] {
        let folder = TempDir::new().unwrap();
        write_parquet(&folder.path().join("in.parquet"), utc, packed);
        run(folder.path(), "import profiles in.parquet --out out.csv --unit kw --time-zone Europe/Berlin").unwrap();
        let written = fs::read_to_string(folder.path().join("out.csv")).unwrap();
        assert!(written.starts_with(&format!("at,a\n{first},62\n")) && written.ends_with(",63\n"), "{written}");
    }
}

#[test]
fn an_example_is_written_once_and_checked() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "init street.toml").unwrap();
    assert!(run(folder.path(), "init street.toml").unwrap_err().contains("name a file that is not there yet"));
    let said = run(folder.path(), "check street.toml").unwrap();
    assert!(said.contains("homes      50,") && said.contains("tariff     night: 15 homes, 0.26 to 0.34"), "{said}");
    let schema: serde_json::Value = serde_json::from_str(&run(folder.path(), "schema").unwrap()).unwrap();
    assert_eq!(schema["title"], "Document");
}

#[test]
fn a_feeder_becomes_a_scenario_that_passes() {
    let street = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/simbench/street");
    let folder = TempDir::new().unwrap();
    let (street, weeks) = (street.display(), street.join("weeks/winter_profiles.csv.gz"));
    let import =
        format!("import feeder {street} --profiles {} --first-day 2016-01-18 --days 7 --out s.toml", weeks.display());
    run(folder.path(), &import).unwrap();
    let said = run(folder.path(), "check s.toml").unwrap();
    assert!(said.contains("homes      99, which need 6372.981 kWh"), "{said}");
}

#[test]
fn homes_that_were_written_are_read_again() {
    let folder = TempDir::new().unwrap();
    run(folder.path(), "generate --homes 3 --days 2 --out made").unwrap();
    let scenario = "name = \"again\"\nseed = 1\n[period]\nfirst_day = \"2016-01-01\"\ndays = 2\n\
        time_zone = \"Europe/Berlin\"\n[homes.files]\nneed = \"made/need.csv\"\npv = \"made/pv.csv\"\n\
        [[tariffs]]\nname = \"flat\"\nretail_eur_per_kwh = \"0.3\"\nfeed_in_eur_per_kwh = \"0\"\n\
        [market]\nmechanism = \"call\"\n[[strategies]]\nname = \"zip\"\n";
    fs::write(folder.path().join("again.toml"), scenario).unwrap();
    let said = run(folder.path(), "check again.toml").unwrap();
    let table = fs::read_to_string(folder.path().join("made/need.csv")).unwrap();
    let cells = table.lines().skip(1).flat_map(|line| line.split(',').skip(1));
    let sum: i64 = cells.map(|cell| cell.parse::<i64>().unwrap()).sum();
    assert!(said.contains(&format!("homes      3, which need {}.{:03} kWh", sum / 1000, sum % 1000)), "{said}");
}

/// The folder of real profiles, where it is.
#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn made_up_homes_are_like_real_ones() {
    use wattswap_simulations::homes::compare;
    let data = std::env::var_os("WATTSWAP_DATA").expect("it was set when this was built");
    let mut groups = compare::made_up(60, 11, 366).unwrap();
    groups.extend(compare::real(Path::new(&data)).unwrap());
    assert_eq!(groups.iter().map(|group| group.profiles.len()).collect::<Vec<_>>(), [60, 60, 92, 1, 8, 18]);
    assert_eq!(compare::outside(&groups), Vec::<String>::new());
}

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn the_ieee_feeder_and_a_whole_year_of_simbench_become_scenarios() {
    let data = std::env::var("WATTSWAP_DATA").expect("it was set when this was built");
    let folder = TempDir::new().unwrap();
    let import = |from: &str, out: &str| format!("import feeder {data}/{from} --out {out} --first-day");
    run(folder.path(), &format!("{} 2016-06-08", import("ieee_european_lv", "s.toml"))).unwrap();
    let said = run(folder.path(), "check s.toml").unwrap();
    assert!(said.contains("1 days, 96 slots\nhomes      55, which need"), "{said}");
    let error = run(folder.path(), &format!("{} 2016-06-08", import("ieee_european_lv", "s.toml"))).unwrap_err();
    assert!(error.contains("s.toml is there already"), "{error}");
    // Its profiles have one day.
    let error = run(folder.path(), &format!("{} 2016-06-08 --days 7", import("ieee_european_lv", "week.toml")));
    assert!(error.unwrap_err().contains("wrote week.toml, which can't be run as it is: "));
    run(folder.path(), &format!("{} 2016-01-01 --days 366", import("simbench_lv/rural2", "year.toml"))).unwrap();
    let said = run(folder.path(), "check year.toml").unwrap();
    assert!(said.contains("366 days, 35136 slots\nhomes      99, which need"), "{said}");
}
