//! How fast the power flow is, beside power-grid-model and OpenDSS, on the IEEE European LV feeder in the same run.
//!
//! `./dev bench grid` calls this with a Python that has both. They run in a process of their own (`grid/peers.py`), one day of
//! 1440 steps at a time and in turns with ours, timed by processor time, so that a busy machine slows all alike. All must
//! come to the same voltages, or nothing is reported.

mod peers;

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use rustix::time::{ClockId, clock_gettime};
use wattswap_simulations::grid::feeder::Feeder;
use wattswap_simulations::grid::profiles::{self, Profiles};
use wattswap_simulations::grid::series::{self, HandOn};
use wattswap_simulations::grid::solution::Magnitudes;
use wattswap_simulations::grid::solver::{Settings, Solver, Start};
use wattswap_simulations::grid::{LANES, ieee};

use self::peers::Peers;
use super::report::Row;

/// Rounds in which everybody runs the day.
const ROUNDS: usize = 7;
/// Runs of ours in each round, as it takes a hundredth of the peers' time.
const OURS_EACH: usize = 9;
/// The slowest method takes part in the first rounds only.
const SLOW_ROUNDS: usize = 3;
/// Minutes of the day.
const STEPS: usize = 1440;
/// Days in a row that threads share, so that they are not over before they have begun.
const DAYS: usize = 10;

/// Multiplications of threads that only count: as long as the days take.
const COUNTED: usize = 200_000_000;

/// How far voltages may lie from a peer's, in volts: OpenDSS stops its loop at 1e-4 pu.
const AGREE: [(&str, f64); 3] = [("iterative_current", 1e-4), ("opendss_tight", 1e-3), ("opendss", 2e-2)];

/// Whom to compare with, and where the feeder is.
#[derive(Args)]
pub struct GridArgs {
    /// A Python with power-grid-model and dss-python
    #[arg(long)]
    python: PathBuf,
    /// The feeder's folder
    #[arg(long)]
    data: PathBuf,
}

/// The feeder's day.
struct Day {
    feeder: Feeder,
    profiles: Profiles,
}

/// Compares the power flow with its peers.
pub fn measure(args: &GridArgs) -> Result<Vec<Row>, Box<dyn Error>> {
    let feeder = ieee::read(&args.data)?;
    let profiles = Profiles::read(&profiles::find(&args.data)?, &feeder)?;
    let day = Day { feeder, profiles };
    let solver = |reduced| Solver::<3>::new(&day.feeder, Settings { reduced, ..Settings::default() });
    let (full, reduced) = (solver(false)?, solver(true)?);
    let mut peers = Peers::start(&args.python, &args.data)?;
    agree(&day, &full, &mut peers)?;
    let mut times = Times::default();
    for round in 0..ROUNDS {
        for _ in 0..OURS_EACH {
            times.full.push(one_thread(&day, &full));
            times.reduced.push(one_thread(&day, &reduced));
        }
        times.iterative_current.push(peers.time("iterative_current")?);
        times.opendss.push(peers.time("opendss")?);
        if round < SLOW_ROUNDS {
            times.opendss_tight.push(peers.time("opendss_tight")?);
            times.newton_raphson.push(peers.time("newton_raphson")?);
        }
        for _ in 0..OURS_EACH {
            times.threads_1.push(threads(&day, &full, 1)?);
            times.threads_2.push(threads(&day, &full, 2)?);
            times.counting_1.push(counting(1));
            times.counting_2.push(counting(2));
        }
    }
    Ok(times.rows())
}

/// Microseconds a step.
#[derive(Default)]
struct Times {
    full: Vec<f64>,
    reduced: Vec<f64>,
    iterative_current: Vec<f64>,
    newton_raphson: Vec<f64>,
    opendss: Vec<f64>,
    opendss_tight: Vec<f64>,
    threads_1: Vec<f64>,
    threads_2: Vec<f64>,
    counting_1: Vec<f64>,
    counting_2: Vec<f64>,
}

impl Times {
    fn rows(self) -> Vec<Row> {
        // Wall time is what threads are about; what others on the machine take from it is left out by the shortest run.
        let shortest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let (one, two) = (shortest(&self.threads_1), shortest(&self.threads_2));
        let (count_one, count_two) = (shortest(&self.counting_1), shortest(&self.counting_2));
        let [full, reduced] = [self.full, self.reduced].map(median);
        let [iterative, newton] = [self.iterative_current, self.newton_raphson].map(median);
        let [opendss, tight] = [self.opendss, self.opendss_tight].map(median);
        vec![
            Row::new("906 buses, against power-grid-model, iterative current", full, iterative, "us/step", Some(20.0)),
            Row::new("906 buses, against OpenDSS's yearly loop (1e-4)", full, opendss, "us/step", Some(8.0)),
            Row::new("reduced, against power-grid-model on 906 buses", reduced, iterative, "us/step", Some(100.0)),
            Row::new("906 buses on 2 threads, against 1 (wall)", two, one, "us/step", Some(1.8)),
            Row::new("threads that only count: 2, against 1 (wall)", count_two, count_one, "ms", None),
            Row::new("906 buses, against power-grid-model, Newton-Raphson", full, newton, "us/step", None),
            Row::new("906 buses, against OpenDSS's yearly loop (1e-8)", full, tight, "us/step", None),
        ]
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The day on this thread, with the voltages of all buses: in microseconds of processor time a step.
fn one_thread(day: &Day, solver: &Solver<3>) -> f64 {
    let (mut batch, mut voltages) = (solver.batch(), Magnitudes::new());
    let start = processor_seconds();
    for first in (0..STEPS).step_by(LANES) {
        batch.clear();
        (0..LANES).for_each(|lane| day.profiles.draw(first + lane, lane, &mut batch));
        let solution = solver.solve(&mut batch, Start::Flat);
        assert!((0..LANES).all(|lane| solution.converged(lane)), "a step did not converge");
        solution.voltages(&mut voltages);
        black_box(&voltages);
    }
    (processor_seconds() - start) * 1e6 / STEPS as f64
}

/// Some days on as many threads, as the command runs them: in microseconds of wall time a step.
fn threads(day: &Day, solver: &Solver<3>, threads: usize) -> Result<f64, Box<dyn Error>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let start = Instant::now();
    for _ in 0..DAYS {
        let summary = pool.install(|| {
            let nobody: Option<HandOn<'_, std::convert::Infallible>> = None;
            series::run(&day.feeder, solver, &day.profiles, 0..STEPS, nobody)
        })?;
        assert_eq!(summary.not_converged, 0, "a step did not converge");
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / (STEPS * DAYS) as f64)
}

/// Threads that share a fixed work which needs nothing but a core: what there is to be had from a second one at the time.
/// In milliseconds.
fn counting(threads: usize) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| black_box((0..COUNTED / threads).fold(1_u64, |sum, _| black_box(sum.wrapping_mul(3)))));
        }
    });
    start.elapsed().as_secs_f64() * 1e3
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Makes sure that all come to the same voltages in each step.
fn agree(day: &Day, solver: &Solver<3>, peers: &mut Peers) -> Result<(), Box<dyn Error>> {
    // The low-voltage buses, by their names, in the order in which the peers give them.
    let high = day.feeder.transformer.as_ref().map(|transformer| transformer.high);
    let buses: Vec<usize> = (0..day.feeder.buses.len()).filter(|bus| Some(*bus) != high).collect();
    for (method, bound) in AGREE {
        let theirs = peers.voltages(method)?;
        let (mut batch, mut worst, mut compared) = (solver.batch(), 0.0_f64, 0);
        for (step, theirs) in theirs.chunks(buses.len() * 3).enumerate() {
            batch.clear();
            day.profiles.draw(step, 0, &mut batch);
            let solution = solver.solve(&mut batch, Start::Flat);
            for (bus, theirs) in buses.iter().zip(theirs.chunks(3)) {
                for (phase, theirs) in theirs.iter().enumerate() {
                    worst = worst.max((solution.voltage(*bus, phase, 0).norm() - theirs).abs());
                    compared += 1;
                }
            }
        }
        if compared != STEPS * buses.len() * 3 || worst > bound {
            return Err(format!(
                "{method} differs by {worst} V in {compared} voltages: comparing times would say nothing"
            )
            .into());
        }
        eprintln!("{method}: the same voltages to {worst:.1e} V");
    }
    Ok(())
}
