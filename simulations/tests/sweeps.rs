//! Sweeps: the same runs come to the same bytes whoever does them, in whichever order, and however often somebody stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use wattswap_simulations::output::Format;
use wattswap_simulations::output::reading::Written;
use wattswap_simulations::run::tables::Columns;
use wattswap_simulations::scenario;
use wattswap_simulations::sweep::folder::{BadFolder, Folder};
use wattswap_simulations::sweep::merge::{CantMerge, merge};
use wattswap_simulations::sweep::work::{Came, News, Task, work};
use wattswap_simulations::sweep::{EXAMPLE, Shard, Sweep};

const TABLES: [&str; 4] = ["runs", "members", "homes", "trades"];

/// A folder with a sweep of twelve small runs.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self::with(&[])
    }

    /// The sweep's text with these texts in place of others.
    fn with(changes: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let scenario = replaced(scenario::EXAMPLE, &[("count = 50", "count = 6"), ("days = 7", "days = 2")]);
        fs::write(place.path("scenario.toml"), scenario).unwrap();
        let few = [("values = [20, 50, 80]", "values = [20, 50, 80]"), ("values = [1, 2]", "values = [7]")];
        let sweep = replaced(&replaced(EXAMPLE, &few), &[("values = [0, 50]", "values = [50]")]);
        fs::write(place.path("sweep.toml"), replaced(&sweep, changes)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sweep(&self) -> Sweep {
        Sweep::read(&self.path("sweep.toml")).unwrap()
    }

    /// The bytes of the joined tables.
    fn merged(&self, folders: &[&str], out: &str) -> Vec<Vec<u8>> {
        let folders: Vec<PathBuf> = folders.iter().map(|name| self.path(name)).collect();
        let merged = merge(&folders, &self.path(out), Format::Parquet).unwrap();
        assert_eq!((merged.runs, merged.tables), (12, TABLES.map(str::to_owned).to_vec()));
        TABLES.iter().map(|table| fs::read(self.path(out).join(format!("{table}.parquet"))).unwrap()).collect()
    }
}

fn replaced(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn shard(text: &str) -> Shard {
    text.parse().unwrap()
}

/// Does a shard, and stops after so many runs.
fn done(sweep: &Sweep, out: &Path, shard: Shard, threads: usize, most: usize) -> Came {
    let columns = Columns::all();
    let folder = Folder::of(out, sweep, &columns.words(), true, (shard, true)).unwrap();
    let (stop, finished) = (AtomicBool::new(false), Mutex::new(0));
    let told = |news: News<'_>| {
        assert!(matches!(news, News::Finished(_)));
        let mut finished = finished.lock().unwrap();
        *finished += 1;
        if *finished >= most {
            stop.store(true, Ordering::Relaxed);
        }
    };
    work(&Task { sweep, folder: &folder, shard, threads, tables: Some(columns), reports: true }, &told, &stop)
}

#[test]
fn whoever_does_the_runs_they_come_to_the_same_bytes() {
    let place = Place::new();
    let sweep = place.sweep();
    let whole = done(&sweep, &place.path("whole"), Shard::WHOLE, 1, usize::MAX);
    assert_eq!((whole.before, whole.finished, whole.failed.len(), whole.is_stopped), (0, 12, 0, false));
    let expected = place.merged(&["whole"], "whole");

    // Shards of one folder, with two threads, the last one first.
    for index in ["2/3", "0/3", "1/3"] {
        assert_eq!(done(&sweep, &place.path("shared"), shard(index), 2, usize::MAX).finished, 4);
    }
    assert!(place.merged(&["shared"], "shared") == expected);

    // Shards with folders of their own.
    done(&sweep, &place.path("one"), shard("0/2"), 1, usize::MAX);
    done(&sweep, &place.path("other"), shard("1/2"), 1, usize::MAX);
    assert!(place.merged(&["other", "one"], "joined") == expected);

    // Somebody stops, and goes on.
    let first = done(&sweep, &place.path("stopped"), Shard::WHOLE, 1, 5);
    assert_eq!((first.before, first.finished, first.is_stopped), (0, 5, true));
    let rest = done(&sweep, &place.path("stopped"), Shard::WHOLE, 2, usize::MAX);
    assert_eq!((rest.before, rest.finished, rest.is_stopped), (5, 7, false));
    assert!(place.merged(&["stopped"], "stopped") == expected);

    // All runs have reports, and nothing unfinished is left.
    for out in ["whole", "shared", "stopped"] {
        let runs = fs::read_dir(place.path(out).join("runs")).unwrap().map(|entry| entry.unwrap().path());
        for run in runs {
            assert!(run.extension().is_none(), "{run:?}");
            assert!(run.join("report.html").is_file() && run.join("summary.json").is_file(), "{run:?}");
        }
    }
}

#[test]
fn what_died_half_way_is_done_again() {
    let place = Place::new();
    let (sweep, out) = (place.sweep(), place.path("out"));
    done(&sweep, &out, Shard::WHOLE, 2, usize::MAX);
    let expected = place.merged(&["out"], "out");
    let folder = Folder::open(&out).unwrap();
    // As a pulled plug leaves it.
    let part = folder.run(3).with_extension("part-x");
    fs::rename(folder.run(3), &part).unwrap();
    fs::write(part.join("runs.parquet"), b"PAR1").unwrap();
    let missing = merge(std::slice::from_ref(&out), &out, Format::Parquet);
    assert!(matches!(missing, Err(CantMerge::Missing { count: 1, of: 12, some }) if some == [3]));
    let again = done(&sweep, &out, Shard::WHOLE, 1, usize::MAX);
    assert_eq!((again.before, again.finished), (11, 1));
    assert!(place.merged(&["out"], "out") == expected);
}

#[test]
fn runs_of_two_sweeps_do_not_mix() {
    let (place, other) = (Place::new(), Place::with(&[("values = [7]", "values = [8]")]));
    let (sweep, out) = (place.sweep(), place.path("out"));
    let columns = Columns::all().words();
    done(&sweep, &out, shard("0/12"), 1, usize::MAX);
    let of = |sweep: &Sweep, tables: &[String], shard, resume| {
        Folder::of(&out, sweep, tables, true, (shard, resume)).map(|_| ())
    };
    let opened = |sweep: &Sweep, tables: &[String], resume| of(sweep, tables, Shard::WHOLE, resume);
    assert!(matches!(opened(&sweep, &columns, false), Err(BadFolder::Begun(_))));
    assert!(matches!(opened(&sweep, &columns, true), Ok(())));
    assert!(matches!(of(&sweep, &columns, shard("1/12"), false), Ok(())), "what others have done is no matter");
    let reports = Folder::of(&out, &sweep, &columns, false, (Shard::WHOLE, true)).map(|_| ());
    assert!(matches!(reports, Err(BadFolder::Other(_))), "without reports");
    assert!(matches!(opened(&sweep, &columns[..1], true), Err(BadFolder::Other(_))), "other tables");
    assert!(matches!(opened(&other.sweep(), &columns, true), Err(BadFolder::Other(_))), "another seed");
    fs::write(place.path("scenario.toml"), replaced(scenario::EXAMPLE, &[("count = 50", "count = 7")])).unwrap();
    assert!(matches!(opened(&place.sweep(), &columns, true), Err(BadFolder::Other(_))), "another scenario");
    done(&other.sweep(), &other.path("out"), shard("0/12"), 1, usize::MAX);
    let mixed = merge(&[out.clone(), other.path("out")], &out, Format::Parquet);
    assert!(matches!(mixed, Err(CantMerge::Different(..))));
    assert!(matches!(merge(&[place.path("no")], &out, Format::Parquet), Err(CantMerge::Folder(BadFolder::None(_)))));
    fs::remove_file(out.join("sweep.json")).unwrap();
    assert!(matches!(opened(&sweep, &columns, true), Err(BadFolder::Other(_))), "nobody knows whose these runs are");
}

#[test]
fn two_may_do_the_same_runs_at_the_same_time() {
    let place = Place::new();
    let (sweep, out) = (place.sweep(), place.path("out"));
    let came: Vec<Came> = std::thread::scope(|scope| {
        let twins = [0, 1].map(|_| scope.spawn(|| done(&sweep, &out, Shard::WHOLE, 2, usize::MAX)));
        twins.map(|twin| twin.join().unwrap()).into_iter().collect()
    });
    assert!(came.iter().all(|came| came.failed.is_empty() && came.before + came.finished == 12), "{came:?}");
    let expected = place.merged(&["out"], "out");
    done(&sweep, &place.path("alone"), Shard::WHOLE, 1, usize::MAX);
    assert!(place.merged(&["alone"], "alone") == expected);
    assert_eq!(fs::read_dir(out.join("runs")).unwrap().count(), 12, "nothing unfinished is left");
}

#[test]
fn tables_stay_until_better_ones_are_there() {
    let place = Place::new();
    let (sweep, out) = (place.sweep(), place.path("out"));
    done(&sweep, &out, Shard::WHOLE, 2, usize::MAX);
    place.merged(&["out"], "out");
    let tables = || TABLES.map(|table| fs::read(out.join(format!("{table}.parquet"))).unwrap());
    let before = tables();
    fs::write(Folder::open(&out).unwrap().run(7).join("trades.parquet"), b"PAR1").unwrap();
    let failed = merge(std::slice::from_ref(&out), &out, Format::Parquet);
    assert!(matches!(failed, Err(CantMerge::Read(_))));
    assert!(tables() == before);
    let names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2 + TABLES.len(), "{names:?}");
}

#[test]
fn a_run_that_fails_stops_no_other() {
    // Each value is in order; the feeder that one of them names is not there.
    let axis = (
        "key = \"battery.share_percent\"\nvalues = [50]",
        "key = \"feeder\"\nlabels = [\"made\", \"none\"]\nvalues = [{ generated = {} }, { folder = \"nowhere\" }]",
    );
    let place = Place::with(&[axis]);
    let sweep = place.sweep();
    let folder = Folder::of(&place.path("out"), &sweep, &[], false, (Shard::WHOLE, false)).unwrap();
    let task = Task { sweep: &sweep, folder: &folder, shard: Shard::WHOLE, threads: 2, tables: None, reports: false };
    let came = work(&task, &|_| {}, &AtomicBool::new(false));
    let failed: Vec<usize> = came.failed.iter().map(|(point, _)| point.number).collect();
    assert_eq!((came.finished, came.is_stopped), (12, false));
    assert_eq!(failed, [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23]);
    let (point, why) = &came.failed[0];
    assert_eq!(
        point.to_string(),
        "pv_share_percent = 20, feeder = none, tariff = flat, strategy = autopilot, seed = 7"
    );
    assert!(why.to_string().contains("nowhere"), "{why}");
}

#[test]
fn what_is_wrong_with_a_sweep_is_said() {
    let cases = [
        ("values = [20, 50, 80]", "values = [20, 120]", "line 8, axes[0].values[1]: with pv_share_percent = 120,"),
        (
            "values = [20, 50, 80]",
            "values = [20, 120]",
            "pv.share_percent: invalid value: integer `120`, expected a whole",
        ),
        ("values = [20, 50, 80]", "value = [20]", "line 8, axes[0].value: unknown field `value`"),
        ("pv.share_percent", "pv.shre", "axes[0].values[0]: with pv_shre = 20,"),
        ("pv.share_percent", "pv", "axes[0].values[0]: with pv = 20, "),
        ("labels = [\"flat\", \"night\"]\n", "", "axes[2].labels: values that are tables or lists need labels"),
        ("labels = [\"flat\", \"night\"]", "labels = [\"flat\"]", "axes[2].labels: write one for each of the 2 values"),
        ("values = [7]", "values = [7, 7]", "axes[4].values: \"7\" comes twice"),
        ("values = [7]", "values = []", "axes[4].values: there is none: write at least one"),
        (
            "key = \"seed\"",
            "key = \"pv.share_percent\"",
            "axes[4].key: it changes what the axis pv.share_percent changes",
        ),
        ("key = \"seed\"", "key = \"tariffs[0].name\"", "axes[4].key: it changes what the axis tariffs changes"),
        ("key = \"seed\"", "key = \"seed\"\nname = \"Tariff\"", "axes[4].key: there is an axis Tariff already"),
        ("key = \"seed\"", "key = \"\"", "axes[4].key: \"\" can't be the name of a column"),
        ("name = \"strategy\"", "name = \"Cost_EUR\"", "the results have a column Cost_EUR already"),
        (
            "name = \"strategy\"",
            "name = \"my strategy\"",
            "axes[3].name: \"my strategy\" can't be the name of a column",
        ),
        (
            "scenario = \"scenario.toml\"",
            "scenario = \"gone.toml\"",
            "gone.toml: No such file or directory (os error 2); write the scenario",
        ),
    ];
    for (from, to, expected) in cases {
        let place = Place::with(&[(from, to)]);
        let said = Sweep::read(&place.path("sweep.toml")).unwrap_err().to_string();
        assert!(said.contains(expected), "{from} -> {to}: {said}");
    }
}

#[test]
fn axes_are_columns() {
    let place = Place::new();
    done(&place.sweep(), &place.path("out"), Shard::WHOLE, 2, usize::MAX);
    let out = place.path("out");
    merge(std::slice::from_ref(&out), &out, Format::Csv).unwrap();
    let mut runs = csv::Reader::from_path(out.join("runs.csv")).unwrap();
    let head: Vec<String> = runs.headers().unwrap().iter().take(8).map(str::to_owned).collect();
    let axes = ["run", "pv_share_percent", "battery_share_percent", "tariff", "strategy", "seed", "homes", "slots"];
    assert_eq!(head, axes);
    let rows: Vec<csv::StringRecord> = runs.records().map(Result::unwrap).collect();
    let beginnings: Vec<String> = rows.iter().map(|row| row.iter().take(8).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(beginnings[0], "0 20 50 flat autopilot 7 6 192");
    assert_eq!(beginnings[3], "3 20 50 night passive 7 6 192");
    assert_eq!(beginnings[11], "11 80 50 night passive 7 6 192");
    let mut members = csv::Reader::from_path(out.join("members.csv")).unwrap();
    assert_eq!(members.records().count(), 12 * 6);
}

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wattswap-sim"));
    command.current_dir(place.0.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Once something is there whose name begins so, somebody presses Ctrl-C.
fn interrupted(place: &Place, mut child: Child, there: &str) -> Output {
    let (folder, prefix) = there.rsplit_once('/').expect("a folder and a name");
    let is_there = || {
        let mut names = fs::read_dir(place.path(folder)).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with(prefix))
    };
    while !is_there() {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn ctrl_c_stops_cleanly_and_resume_goes_on() {
    let place = Place::with(&[("values = [7]", "values = [7, 8, 9, 10]")]);
    let sweep = ["sweep", "sweep.toml", "--out", "out", "--threads", "1"];
    let stopped = interrupted(&place, command(&place, &sweep).spawn().unwrap(), "out/runs/000001");
    let said = String::from_utf8_lossy(&stopped.stdout).into_owned();
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("stopped; the same command with --resume goes on"), "{said}");
    let refused = command(&place, &sweep).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("add --resume to go on with it"));
    let rest = command(&place, &[sweep.as_slice(), &["--resume"]].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&rest.stdout).into_owned();
    assert!(rest.status.success(), "{said}");
    assert!(said.contains("48 runs finished") && said.contains("48 runs joined"), "{said}");
    let whole = command(&place, &["sweep", "sweep.toml", "--out", "whole"]).output().unwrap();
    assert!(whole.status.success());
    for table in ["runs.parquet", "members.parquet"] {
        let [one, other] = ["out", "whole"].map(|out| fs::read(place.path(out).join(table)).unwrap());
        assert!(one == other, "{table}");
    }
}

#[test]
fn a_run_that_is_stopped_says_what_it_came_to_until_then() {
    let place = Place::new();
    let long = replaced(scenario::EXAMPLE, &[("days = 7", "days = 3000")]);
    fs::write(place.path("scenario.toml"), long).unwrap();
    let run = ["run", "scenario.toml", "--out", "out", "--table", "trades"];
    let stopped = interrupted(&place, command(&place, &run).spawn().unwrap(), "out/trades.parquet");
    let said = String::from_utf8_lossy(&stopped.stdout).into_owned();
    assert_eq!(stopped.status.code(), Some(130), "{said}");
    assert!(said.contains("which are all that is said here"), "{said}");
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(place.path("out/summary.json")).unwrap()).unwrap();
    let slots = |key: &str| summary["run"][key].as_u64().unwrap();
    assert!(slots("slots") < slots("slots_of_period"), "{summary}");
    // The table is whole, so it can be read.
    let trades = Written::open(&place.path("out/trades.parquet")).unwrap();
    assert_eq!(trades.columns()[0].name, "slot_start");
}

/// What is in a folder belongs to one run, or to one sweep.
#[test]
fn runs_and_sweeps_are_not_mixed() {
    let place = Place::new();
    let done = |arguments: &[&str]| {
        let output = command(&place, arguments).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let there = |name: &str| place.path("out").join(name).exists();
    assert_eq!(done(&["run", "scenario.toml", "--out", "out", "--table", "homes,trades"]).0, Some(0));
    assert!(there("homes.parquet") && there("trades.parquet"));
    // Tables that the second run does not write would be those of the first.
    fs::write(place.path("out/notes.txt"), "mine").unwrap();
    assert_eq!(done(&["run", "scenario.toml", "--out", "out", "--table", "homes", "--format", "csv"]).0, Some(0));
    let names = ["homes.csv", "homes.parquet", "trades.parquet", "notes.txt"];
    assert_eq!(names.map(there), [true, false, false, true]);
    let (code, said) = done(&["sweep", "sweep.toml", "--out", "out"]);
    assert!(code == Some(2) && said.contains("holds a run that was no sweep's"), "{code:?} {said}");
    fs::create_dir(place.path("sweep")).unwrap();
    fs::write(place.path("sweep/sweep.json"), "{").unwrap();
    let (code, said) = done(&["run", "scenario.toml", "--out", "sweep"]);
    assert!(code == Some(2) && said.contains("holds a sweep: name another folder"), "{code:?} {said}");
    let (code, said) = done(&["sweep", "sweep.toml", "--out", "sweep"]);
    assert!(code == Some(2) && said.contains("is damaged"), "{code:?} {said}");
}

#[test]
fn the_sweep_that_ships_is_in_order() {
    let sweep = Sweep::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sweeps/street.toml")).unwrap();
    assert_eq!(sweep.document.runs(), 12);
    let folder = tempfile::tempdir().unwrap();
    let folder = Folder::of(folder.path(), &sweep, &[], false, (Shard::WHOLE, false)).unwrap();
    let task = Task { sweep: &sweep, folder: &folder, shard: shard("11/12"), threads: 1, tables: None, reports: false };
    let came = work(&task, &|_| {}, &AtomicBool::new(false));
    assert_eq!((came.finished, came.failed.len()), (1, 0));
}
