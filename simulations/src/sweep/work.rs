//! Does the runs of a shard, several side by side, each from its scenario to its tables.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use wattswap_matching::PriceScale;

use super::folder::{BadFolder, Folder};
use super::results::{self, Finished};
use super::{Point, Shard, Sweep};
use crate::answers::{self, Answers, CantAnswer};
use crate::homes::{Community, NoCommunity};
use crate::output::{CantWrite, Format, Table};
use crate::run::record::Observer;
use crate::run::tables::{Columns, Tables};
use crate::run::{self, CantRun};
use crate::scenario::BadScenario;

/// What a shard does, and how.
pub struct Task<'t> {
    /// The sweep.
    pub sweep: &'t Sweep,
    /// Where its runs stand.
    pub folder: &'t Folder,
    /// Which of them.
    pub shard: Shard,
    /// So many at the same time.
    pub threads: usize,
    /// Tables of each home and slot, and of each trade, that every run writes as well.
    pub tables: Option<Columns>,
    /// Whether every run writes its report and its summary.
    pub reports: bool,
}

/// Why a run was not finished.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// Somebody stopped it.
    #[error("stopped")]
    Stopped,
    /// The values don't go together.
    #[error(transparent)]
    Scenario(#[from] BadScenario),
    /// What the scenario names is not in order.
    #[error(transparent)]
    Homes(#[from] NoCommunity),
    /// The feeder is not in order.
    #[error(transparent)]
    Answers(#[from] CantAnswer),
    /// It can't be run.
    #[error(transparent)]
    Run(#[from] CantRun),
    /// Its tables can't be written.
    #[error(transparent)]
    Tables(#[from] CantWrite),
    /// Its report can't be written.
    #[error(transparent)]
    Report(#[from] answers::CantWrite),
    /// Its folder can't be used.
    #[error(transparent)]
    Folder(#[from] BadFolder),
}

/// What a shard came to.
#[derive(Debug, Default)]
pub struct Came {
    /// Runs that were finished before.
    pub before: usize,
    /// Runs that were finished now.
    pub finished: usize,
    /// Runs that could not be, and why.
    pub failed: Vec<(Point, Unfinished)>,
    /// Whether somebody stopped it before all were done.
    pub is_stopped: bool,
}

/// Something that happens while a shard is done.
pub enum News<'n> {
    /// A run is finished.
    Finished(&'n Point),
    /// A run can't be.
    Failed(&'n Point, &'n Unfinished),
}

/// Does what is left of a shard. A run that fails stops no other. `told` is told of each, `stop` asks for an end: runs
/// that are under way are then left, and nothing stays of them.
pub fn work(task: &Task<'_>, told: &(dyn Fn(News<'_>) + Sync), stop: &AtomicBool) -> Came {
    let all: Vec<usize> = task.shard.runs(0..task.sweep.document.runs()).collect();
    let left: Vec<usize> = all.iter().copied().filter(|run| !task.folder.is_finished(*run)).collect();
    let came = Mutex::new(Came { before: all.len() - left.len(), ..Came::default() });
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(number) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
            let point = task.sweep.point(*number);
            let outcome = one(task, &point, stop);
            let mut came = came.lock().expect("nobody panics with it");
            match outcome {
                Ok(()) => {
                    came.finished += 1;
                    told(News::Finished(&point));
                }
                Err(Unfinished::Stopped) => came.is_stopped = true,
                Err(error) => {
                    told(News::Failed(&point, &error));
                    came.failed.push((point, error));
                }
            }
        }
    };
    thread::scope(|scope| (0..task.threads.clamp(1, left.len().max(1))).for_each(|_| drop(scope.spawn(worker))));
    let mut came = came.into_inner().expect("nobody panicked with it");
    came.failed.sort_by_key(|(point, _)| point.number);
    came
}

/// One run. Unless it is finished, nothing stays of it.
fn one(task: &Task<'_>, point: &Point, stop: &AtomicBool) -> Result<(), Unfinished> {
    if stop.load(Ordering::Relaxed) {
        return Err(Unfinished::Stopped);
    }
    let part = task.folder.begin(point.number)?;
    write(task, point, part.path(), stop)?;
    Ok(task.folder.finish(point.number, part)?)
}

fn write(task: &Task<'_>, point: &Point, folder: &Path, stop: &AtomicBool) -> Result<(), Unfinished> {
    let scenario = task.sweep.scenario_of(point)?;
    let community = Community::new(&scenario)?;
    let mut answers = Answers::new(&scenario, &community)?;
    let mut tables = tables(task, point, &community, folder)?;
    let mut observers: Vec<&mut dyn Observer> = vec![&mut answers];
    observers.extend(tables.as_mut().map(|tables| -> &mut dyn Observer { tables }));
    let ran = run::run_until(&community, &scenario.document, &mut observers, &|| stop.load(Ordering::Relaxed))?;
    if ran.is_stopped {
        return Err(Unfinished::Stopped);
    }
    tables.map(Tables::finish).transpose()?;
    let findings = answers.finish();
    let finished = Finished { point, summary: &findings.summary, ran: &ran };
    let mut runs = Table::create(folder, "runs", Format::Parquet, &results::run_columns(task.sweep))?;
    runs.row(results::run_row(task.sweep, &finished))?;
    runs.finish()?;
    let mut members = Table::create(folder, "members", Format::Parquet, &results::member_columns())?;
    results::member_rows(&finished).try_for_each(|row| members.row(row))?;
    members.finish()?;
    if task.reports {
        findings.write(folder)?;
    }
    Ok(())
}

fn tables(task: &Task<'_>, point: &Point, community: &Community, folder: &Path) -> Result<Option<Tables>, Unfinished> {
    let Some(columns) = &task.tables else { return Ok(None) };
    let names = community.homes.iter().map(|home| home.name.clone()).collect();
    let scale = PriceScale::new(community.market.tick_eur_per_kwh.0).map_err(CantAnswer::from)?;
    Ok(Some(Tables::create(folder, Format::Parquet, columns.clone(), names, scale, Some(point.number))?))
}
