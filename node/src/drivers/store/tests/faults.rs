//! Stores that are damaged, newer, in use, full or torn: each is refused with advice, and nothing is lost by trying.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rocksdb::{DB, DBRecoveryMode};

use super::super::layout::{self, FORMAT, Family, meta};
use super::super::{CommitError, OpenError, ReadError, Store};
use super::{open, recalled, samples, texts};
use crate::protocol::household::io::Record;

/// Tells the process that [`child`] is to run in what to do, and where.
const ROLE: &str = "WATTSWAP_TEST_ROLE";
const FOLDER: &str = "WATTSWAP_TEST_FOLDER";

fn try_open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, samples::key(1).member())
}

/// Opens and reads everything, as a start does.
fn start(path: &Path) -> Result<Vec<String>, OpenError> {
    let store = try_open(path)?;
    let mut recall = store.load(samples::NOW);
    let records = recall.by_ref().map(|record| format!("{record:?}")).collect();
    recall.finish()?;
    Ok(records)
}

#[track_caller]
fn assert_damaged(path: &Path, what: &str) {
    match start(path) {
        Err(OpenError::Damaged(ReadError::Damaged(_))) => {}
        Err(error) => panic!("{what}: {error}"),
        Ok(records) => panic!("{what}: not noticed, and {} records came back", records.len()),
    }
}

/// A store whose records lie in table files; some more in the write-ahead log.
fn filled(path: &Path) -> Vec<Record> {
    let records: Vec<Record> = (0..200).map(|seq| Record::Entry(samples::entry(1, seq))).collect();
    open(path).commit(&records[..100]).unwrap();
    // Opening moves what is in the log into a table.
    let store = open(path);
    for record in &records[100..] {
        store.commit(std::slice::from_ref(record)).unwrap();
    }
    records
}

fn files(path: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_str().unwrap().ends_with(ending) && fs::metadata(file).unwrap().len() > 0);
    files.sort();
    assert!(!files.is_empty(), "no {ending} file");
    files
}

fn flip(file: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(file).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 0x40;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_damaged_table_or_a_missing_file_is_refused() {
    let cases: [(&str, fn(&Path)); 6] = [
        ("a flipped bit in a table", |path| files(path, ".sst").iter().for_each(|file| flip(file, |len| len / 3))),
        ("a missing table", |path| fs::remove_file(&files(path, ".sst")[0]).unwrap()),
        ("a shortened table", |path| {
            let file = &files(path, ".sst")[0];
            fs::write(file, &fs::read(file).unwrap()[..100]).unwrap();
        }),
        ("a missing manifest", |path| {
            let name = fs::read_to_string(path.join("CURRENT")).unwrap();
            fs::remove_file(path.join(name.trim())).unwrap();
        }),
        ("nonsense in CURRENT", |path| fs::write(path.join("CURRENT"), "nonsense").unwrap()),
        ("no CURRENT", |path| fs::remove_file(path.join("CURRENT")).unwrap()),
    ];
    for (what, damage) in cases {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        damage(folder.path());
        assert_damaged(folder.path(), what);
        // Once more: the first try changed nothing for the better or worse.
        assert_damaged(folder.path(), what);
    }
}

#[test]
fn damage_inside_the_log_is_refused_wherever_it_lies() {
    // Near the start, in the middle, and in the last batch but some.
    for (numerator, what) in [(1, "at the start"), (2, "in the middle"), (3, "towards the end")] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        flip(files(folder.path(), ".log").last().unwrap(), |len| len * numerator / 4);
        assert_damaged(folder.path(), what);
    }
}

#[test]
fn a_wrong_length_inside_the_log_is_no_torn_end() {
    // Beyond the end of the file, and to somewhere before it.
    for (bits, what) in [(0x7f00_u16, "too long by far"), (0x0010, "a little longer or shorter")] {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let file = files(folder.path(), ".log").pop().unwrap();
        let mut log = fs::read(&file).unwrap();
        // The last block is where the end lies. In it, batch after batch: checksum (4 bytes), length (2), kind (1).
        let last_block = (log.len() - 1) / (32 << 10) * (32 << 10);
        let length = |log: &[u8], at: usize| u16::from_le_bytes([log[at + 4], log[at + 5]]);
        let at = last_block + 7 + usize::from(length(&log, last_block));
        let wrong = length(&log, at) ^ bits;
        log[at + 4..at + 6].copy_from_slice(&wrong.to_le_bytes());
        fs::write(&file, log).unwrap();
        assert_damaged(folder.path(), what);
    }
}

#[test]
fn a_torn_last_batch_vanishes_whole_and_nothing_else_does() {
    let torn: [(&str, fn(&mut Vec<u8>, usize)); 4] = [
        ("nothing of it was written", |log, before| log.truncate(before)),
        ("half of it was written", |log, before| log.truncate(before + (log.len() - before) / 2)),
        ("its last byte is missing", |log, _| log.truncate(log.len() - 1)),
        ("its pages came out of order", |log, before| {
            let hole = before + 20..before + (log.len() - before) / 2;
            log[hole].fill(0);
        }),
    ];
    for (what, tear) in torn {
        let folder = tempfile::tempdir().unwrap();
        let records = filled(folder.path());
        let store = open(folder.path());
        store.commit(&[Record::Beacon(samples::beacon())]).unwrap();
        let log = files(folder.path(), ".log").pop().unwrap();
        let before = fs::metadata(&log).unwrap().len() as usize;
        // The last batch: records of several families, longer than a block of the log.
        let last: Vec<Record> = (0..200)
            .map(|seq| Record::Entry(samples::entry(2, seq)))
            .chain([Record::Request(samples::request(1)), Record::Reservation(samples::reservation(1))])
            .collect();
        store.commit(&last).unwrap();
        drop(store);

        let mut bytes = fs::read(&log).unwrap();
        tear(&mut bytes, before);
        fs::write(&log, bytes).unwrap();
        let expected = [records.as_slice(), &[Record::Beacon(samples::beacon())]].concat();
        assert_eq!(start(folder.path()).unwrap(), texts(&expected), "{what}");
        assert_eq!(start(folder.path()).unwrap(), texts(&expected), "{what}, at the second start");
    }
}

#[test]
fn a_record_that_makes_no_sense_is_damage() {
    let cases = [
        (Family::Entries, layout::entry(&samples::log(1), 0).to_vec(), b"short".to_vec()),
        (Family::Entries, layout::entry(&samples::log(1), 7).to_vec(), {
            let entry = samples::entry(1, 0);
            [entry.hash().as_slice(), entry.bytes()].concat()
        }),
        (Family::Governance, 0_u64.to_be_bytes().to_vec(), b"no charter".to_vec()),
        (Family::RequestsByTime, [0xff; 24].to_vec(), Vec::new()),
        (Family::RequestsOpen, vec![0; 3], Vec::new()),
        (Family::Reservations, vec![1; 32], vec![0xa0]),
        (Family::Proofs, vec![1; 5], Vec::new()),
        (Family::Readings, b"no zero byte".to_vec(), Vec::new()),
        (Family::Meta, meta::AUTOPILOT.to_vec(), vec![0xa0]),
    ];
    for (family, key, value) in cases {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        store.db.put_cf(store.family(family), &key, &value).unwrap();
        drop(store);
        assert_damaged(folder.path(), &format!("{family:?} under {}", hex::encode(key)));
    }
}

#[test]
fn a_newer_format_is_named_and_an_unknown_one_is_damage() {
    let raw = |path: &Path| {
        let options = layout::database(DBRecoveryMode::TolerateCorruptedTailRecords);
        DB::open_cf_descriptors(&options, path, layout::families()).unwrap()
    };
    let newer = |error: &OpenError| matches!(error, OpenError::Newer { found, known: FORMAT } if *found == FORMAT + 1);
    let damaged = |error: &OpenError| matches!(error, OpenError::Damaged(_));
    type Case<'c> = (&'c str, fn(&mut DB), &'c dyn Fn(&OpenError) -> bool);
    let cases: [Case<'_>; 6] = [
        ("newer", |db| db.put(meta::FORMAT, (FORMAT + 1).to_be_bytes()).unwrap(), &newer),
        (
            "newer, with a family of its own",
            |db| {
                db.put(meta::FORMAT, (FORMAT + 1).to_be_bytes()).unwrap();
                db.create_cf("tariffs", &rocksdb::Options::default()).unwrap();
            },
            &newer,
        ),
        ("an unknown family", |db| db.create_cf("tariffs", &rocksdb::Options::default()).unwrap(), &damaged),
        ("format 0", |db| db.put(meta::FORMAT, 0_u32.to_be_bytes()).unwrap(), &damaged),
        ("a format of three bytes", |db| db.put(meta::FORMAT, [0, 0, 1]).unwrap(), &damaged),
        ("no format", |db| db.delete(meta::FORMAT).unwrap(), &damaged),
    ];
    for (what, change, is_expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()));
        change(&mut raw(folder.path()));
        let error = try_open(folder.path()).err().unwrap_or_else(|| panic!("{what}: it was opened"));
        assert!(is_expected(&error), "{what}: {error}");
    }
}

#[test]
fn another_households_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let other = samples::key(2).member();
    let error = Store::open(folder.path(), other).err().unwrap();
    assert!(matches!(error, OpenError::OtherHousehold { store, key } if store != key && key == other), "{error}");
    open(folder.path());
}

#[test]
fn a_first_start_that_ended_early_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = layout::database(DBRecoveryMode::TolerateCorruptedTailRecords);
    let some = layout::families().into_iter().take(3);
    drop(DB::open_cf_descriptors(&options, folder.path(), some).unwrap());
    assert_eq!(recalled(&open(folder.path())), Vec::<String>::new());
}

#[test]
fn a_place_where_no_folder_can_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = try_open(&path).err().unwrap();
        assert!(matches!(&error, OpenError::Folder { path: named, .. } if *named == path), "{error}");
    }
}

#[test]
fn a_second_opener_is_refused_in_the_same_process_and_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let error = try_open(folder.path()).err().unwrap();
    assert!(matches!(&error, OpenError::InUse(path) if path == folder.path()), "{error}");
    run_child("second opener", folder.path(), "exec \"$0\" \"$@\"");
    drop(store);
    open(folder.path());
}

#[test]
fn a_full_disk_stops_the_turn_and_loses_none_before_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    // No file may grow beyond 1 MiB (2,048 blocks of 512 bytes): the log of commits meets that first.
    run_child("writer", folder.path(), "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"");
    let acknowledged: u64 = fs::read_to_string(folder.path().join("acknowledged")).unwrap().parse().unwrap();
    let records = start(folder.path()).unwrap();
    let turns = records.len() as u64 / 2;
    assert!(acknowledged > 10, "the disk was full at once");
    assert!(turns == acknowledged || turns == acknowledged + 1, "{acknowledged} turns were durable, {turns} came back");
    assert_eq!(records.len() as u64, 2 * turns, "a turn came back in part");
    run_child("opener on a full disk", folder.path(), "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"");
}

/// Runs [`child`] in another process, started by a line of shell.
fn run_child(role: &str, folder: &Path, shell: &str) {
    // What it writes goes into pipes: a file would fall under its own limit.
    let output = Command::new("sh")
        .args(["-c", shell])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "drivers::store::tests::faults::child", "--nocapture", "--test-threads=1"])
        .envs([(ROLE, role), (FOLDER, folder.to_str().unwrap())])
        .output()
        .unwrap();
    let (said, status) = (String::from_utf8_lossy(&output.stderr), output.status);
    assert!(status.success(), "the {role} saw something else: {said}");
}

/// What the other process of a test does; nothing in an ordinary run.
#[test]
fn child() {
    let (Ok(role), Ok(folder)) = (std::env::var(ROLE), std::env::var(FOLDER)) else { return };
    let folder = PathBuf::from(folder);
    match role.as_str() {
        "second opener" => {
            let error = try_open(&folder).err().unwrap();
            assert!(matches!(&error, OpenError::InUse(_)), "{error}");
        }
        "writer" => write_until_full(&folder),
        "opener on a full disk" => {
            let error = try_open(&folder).err().unwrap();
            assert!(matches!(&error, OpenError::Full(_)), "{error}");
        }
        other => panic!("no such role: {other}"),
    }
}

fn write_until_full(folder: &Path) {
    let store = open(folder);
    for turn in 0.. {
        let records = [Record::Entry(samples::entry(1, turn)), Record::Entry(samples::entry(2, turn))];
        let Err(error) = store.commit(&records) else { continue };
        assert!(matches!(error, CommitError::Full(_)), "{error}");
        assert!(store.commit(&records).is_err(), "the store went on after it failed");
        fs::write(folder.join("acknowledged"), turn.to_string()).unwrap();
        return;
    }
}
