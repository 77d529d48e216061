//! How long communities take that forecast, trade ahead and after delivery, settle, and load a feeder.
//!
//! Each setting is a sweep of made-up communities that differ by their seed, as `wattswap-sim sweep` runs it, on all cores.
//! The peer is gsy-e (Grid Singularity, Python) with 100 homes that trade in a two-sided market: it is in no package
//! registry, so its figure is that of a run on a machine like this one, and not of this run.

use std::error::Error;
use std::fs;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use wattswap_simulations::scenario;
use wattswap_simulations::sweep::folder::Folder;
use wattswap_simulations::sweep::work::{Task, work};
use wattswap_simulations::sweep::{Shard, Sweep};

use super::report::Row;

/// Processor time of the peer for a home and slot: 252.7 s for 8 slots of 100 homes, its start included.
const PEER_US: f64 = 252.7e6 / 800.0;
/// The goal: a thousandth of that.
const PEER_TARGET: f64 = 1_000.0;
/// Homes of a community, and communities: from 100 to 10,000 homes.
const SETTINGS: [(u32, u32); 6] = [(100, 1), (100, 10), (300, 10), (1_000, 1), (1_000, 3), (1_000, 10)];
/// Days of each setting, from the equinox on: as light as the year's mean.
const DAYS: u32 = 4;
const SLOTS_A_DAY: u32 = 96;
/// The goal for a thousand homes and a year.
const YEAR_S: f64 = 300.0;
const YEAR_MB: f64 = 2_000.0;

/// What to measure.
#[derive(Args)]
pub struct SimArgs {
    /// A thousand homes for a whole year as well: some minutes
    #[arg(long)]
    year: bool,
}

/// How long something took.
#[derive(Clone, Copy)]
struct Took {
    wall: Duration,
    processor: Duration,
}

/// Measures all settings.
pub fn measure(args: &SimArgs) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = if args.year { year()? } else { Vec::new() };
    let mut first = None;
    // Nothing is read or compiled for the first time while it is measured.
    run(100, 1, "2026-03-20", 1)?;
    for (homes, communities) in SETTINGS {
        let took = run(homes, communities, "2026-03-20", DAYS)?;
        let home_slots = f64::from(homes * communities * DAYS * SLOTS_A_DAY);
        let [wall, processor] = [took.wall, took.processor].map(|time| time.as_secs_f64() * 1e6 / home_slots);
        let all = homes * communities;
        let name = format!("{all} homes, communities of {homes}");
        let unit = "us/home/slot";
        rows.push(Row::new(format!("{name}: processor, peer"), processor, PEER_US, unit, Some(PEER_TARGET)));
        let alone = *first.get_or_insert(processor);
        rows.push(Row::new(format!("{name}: processor, 100 homes"), processor, alone, unit, None));
        rows.push(Row::new(format!("{name}: wall"), wall, processor, unit, None));
    }
    Ok(rows)
}

/// First of all, so that the most memory is its own.
fn year() -> Result<Vec<Row>, Box<dyn Error>> {
    let took = run(1_000, 1, "2026-01-01", 365)?;
    Ok(vec![
        Row::new("1000 homes for a year: wall", took.wall.as_secs_f64(), YEAR_S, "s", Some(1.0)),
        Row::new("1000 homes for a year: memory", most_memory_mb()?, YEAR_MB, "MB", Some(1.0)),
    ])
}

/// Runs communities for some days; all homes have the autopilot.
fn run(homes: u32, communities: u32, first_day: &str, days: u32) -> Result<Took, Box<dyn Error>> {
    let place = TempDir::new()?;
    let file = |name| place.path().join(name);
    fs::write(file("scenario.toml"), scenario::EXAMPLE)?;
    let seeds: Vec<String> = (1..=communities).map(|seed| seed.to_string()).collect();
    let single =
        |key: &str, value: &str| format!("[[axes]]\nkey = \"{key}\"\nvalues = [{value}]\nlabels = [\"bench\"]\n");
    let axes = [
        single("homes.generated.count", &homes.to_string()),
        single("period.first_day", &format!("{first_day:?}")),
        single("period.days", &days.to_string()),
        single("strategies", "[{ name = \"autopilot\" }]"),
        format!("[[axes]]\nkey = \"seed\"\nvalues = [{}]\n", seeds.join(", ")),
    ];
    fs::write(file("sweep.toml"), format!("name = \"bench\"\nscenario = \"scenario.toml\"\n{}", axes.concat()))?;
    let sweep = Sweep::read(&file("sweep.toml"))?;
    let folder = Folder::of(&file("out"), &sweep, &[], true, (Shard::WHOLE, false))?;
    let threads = available_parallelism()?.get();
    let task = Task { sweep: &sweep, folder: &folder, shard: Shard::WHOLE, threads, tables: None, reports: true };
    let (started, processor) = (Instant::now(), processor_time());
    let came = work(&task, &|_| {}, &AtomicBool::new(false));
    let took = Took { wall: started.elapsed(), processor: processor_time().saturating_sub(processor) };
    if let Some((_, why)) = came.failed.into_iter().next() {
        return Err(why.into());
    }
    Ok(took)
}

/// Processor time of all threads of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("less than a second"))
}

/// The most memory that this process has had, as Linux counts it.
fn most_memory_mb() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("there is no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1_000.0)
}
