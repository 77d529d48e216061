//! `meter replay`: a file's readings, pushed over HTTP as a meter would.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use wattswap_api::dto::number::Energy;
use wattswap_api::dto::reading::{Reading, Verdict, Verdicts};
use wattswap_api::dto::text::Text;
use wattswap_api::port::MeterId;
use wattswap_matching::UtcMillis;

use super::pace::{self, Pace};
use super::profile::{self, Row};
use crate::cli::Outcome;
use crate::cli::context::Context;
use crate::cli::output;
use crate::client::{Client, RequestError};
use crate::drivers::clock;

/// Rows of one push: well below what a node takes at once, and quick to judge.
const BATCH: usize = 2_000;
/// Tries of one push: with a pause that doubles from [`FIRST_PAUSE`], about a minute, in which a node can restart.
const TRIES: u32 = 10;
/// The pause after the first failed try.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What to push, and when.
#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// The CSV file
    file: PathBuf,
    /// What the node calls the meter [default: the file's name without its extension]
    #[arg(long, value_parser = super::meter)]
    meter: Option<MeterId>,
    /// Begin with the first row at this instant or after [default: the first row]
    #[arg(long, value_name = "INSTANT")]
    from: Option<Timestamp>,
    /// Move the rows in time so that --from falls on this instant, or on `now`
    #[arg(long, value_name = "INSTANT")]
    start: Option<Start>,
    /// Replay so many times as fast as it was recorded; implies --start now
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "time_lapse")]
    speed: Option<u32>,
    /// Replay so that the delivery time that a slot stands for falls on one slot of the charter; implies --start now
    #[arg(long)]
    time_lapse: bool,
    /// Push so much of the recording before --from as well, at once: the past from which an autopilot learns
    #[arg(long, value_name = "TIME", requires = "from")]
    history: Option<SignedDuration>,
    /// Say only what is wrong, and a summary at the end
    #[arg(long)]
    quiet: bool,
}

/// When a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Now,
    At(UtcMillis),
}

impl std::str::FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self::Now);
        }
        let at: Timestamp = text.parse().map_err(|_| "expected `now`, or an instant such as 2026-06-01T12:00:00Z")?;
        millis(at).map(Self::At).ok_or_else(|| "an instant before 1970".to_owned())
    }
}

/// Why a replay can't begin.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("no row of the file is at {0} or after")]
    NothingLeft(Timestamp),
    #[error("some rows would be pushed as readings from before 1970; choose a later --start")]
    BeforeTime,
    #[error("{0:?} can't name a meter; name it with --meter, in letters, digits, '.', '_', ':' and '-'")]
    MeterName(String),
    #[error("--history takes a length of time, for example \"24 h\"")]
    History,
}

/// The body of a push. The API's own type only reads it.
#[derive(Serialize)]
struct NewReadings<'a> {
    readings: &'a [Reading],
}

pub(super) fn carry_out(args: Args, context: &Context) -> Outcome {
    let rows = profile::read(&args.file)?;
    let meter = args.meter.clone().map_or_else(|| meter_of(&args), Ok)?;
    let client = context.client()?;
    let rows = schedule(rows, &args, &client)?;
    let reading = |row: &Row| Reading {
        meter: Text(meter.clone()),
        at: Text(row.at),
        import_wh: Energy(row.import),
        export_wh: Energy(row.export),
    };
    let readings: Vec<Reading> = rows.iter().map(reading).collect();
    let is_live = args.start.is_some() || args.speed.is_some() || args.time_lapse;
    let mut tally = Tally::default();
    let mut rest = &readings[..];
    while let Some(first) = rest.first() {
        if is_live {
            thread::sleep(first.at.0.since(clock::now()));
        }
        let now = clock::now();
        let due = if is_live { rest.iter().take_while(|reading| reading.at.0 <= now).count() } else { rest.len() };
        let (batch, later) = rest.split_at(due.clamp(1, BATCH));
        let Verdicts { verdicts } = push(&client, batch)?;
        tally.count(batch, &verdicts, args.quiet, context)?;
        rest = later;
    }
    Ok(tally.show(context)?)
}

/// The rows that are to be pushed, moved in time.
fn schedule(rows: Vec<Row>, args: &Args, client: &Client) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let from = match args.from {
        Some(from) => millis(from).ok_or(ReplayError::BeforeTime)?,
        None => rows.first().map(|row| row.at).unwrap_or_default(),
    };
    let (from, pace) = match pace(from, args, client)? {
        Some(pace) => (pace.from, Some(pace)),
        None => (from, None),
    };
    let history = args.history.map_or(Ok(Duration::ZERO), Duration::try_from).map_err(|_| ReplayError::History)?;
    let first = from.before(history);
    let kept = rows.into_iter().filter(|row| first <= row.at);
    let moved = kept.map(|row| match &pace {
        Some(pace) => pace.push_at(row.at).map(|at| Row { at, ..row }).ok_or(ReplayError::BeforeTime),
        None => Ok(row),
    });
    let moved = moved.collect::<Result<Vec<_>, _>>()?;
    if moved.is_empty() { Err(ReplayError::NothingLeft(args.from.unwrap_or_default()).into()) } else { Ok(moved) }
}

/// How recorded time becomes time; none if it stays as it is.
fn pace(from: UtcMillis, args: &Args, client: &Client) -> Result<Option<Pace>, RequestError> {
    let at = |now: UtcMillis| match args.start {
        Some(Start::At(start)) => start,
        Some(Start::Now) | None => now,
    };
    if args.time_lapse {
        let charter = client.charter()?;
        let recorded = Duration::from_millis(charter.delivery_ms);
        let takes = Duration::from_millis(charter.slot_length_ms);
        let start = pace::boundary(at(clock::now()), takes);
        return Ok(Some(Pace { from: pace::aligned(from, recorded), start, recorded, takes }));
    }
    let second = Duration::from_secs(1);
    let recorded = second * args.speed.unwrap_or(1);
    let is_moved = args.speed.is_some() || args.start.is_some();
    Ok(is_moved.then(|| Pace { from, start: at(clock::now()), recorded, takes: second }))
}

/// Pushes a batch, and again if the node is away or busy for a moment. The same rows twice are no harm: the node takes
/// them for duplicates.
fn push(client: &Client, readings: &[Reading]) -> Result<Verdicts, RequestError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match client.post("/readings", &[], &NewReadings { readings }) {
            Err(error) if error.is_passing() => thread::sleep(pause),
            result => return result,
        }
        pause *= 2;
    }
    client.post("/readings", &[], &NewReadings { readings })
}

/// How many rows got which verdict.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, rows: &[Reading], verdicts: &[Verdict], quiet: bool, context: &Context) -> Outcome {
        for (row, verdict) in rows.iter().zip(verdicts) {
            let (name, detail) = describe(verdict);
            *self.0.entry(name).or_default() += 1;
            if context.json() {
                output::json(&serde_json::json!({ "reading": row, "verdict": verdict }))?;
            } else if !detail.is_empty() || !(quiet || rows.len() > 1) {
                let at = output::clock(row.at.0, &context.zone());
                let registers = format!("import {}, export {}", row.import_wh.0, row.export_wh.0);
                output::text(&format!("{at}  {registers}  {name}{detail}"))?;
            }
        }
        Ok(())
    }

    fn show(&self, context: &Context) -> std::io::Result<()> {
        if context.json() {
            return Ok(());
        }
        let counts: Vec<String> = self.0.iter().map(|(name, count)| format!("{count} {name}")).collect();
        output::text(&format!("Readings: {}.", counts.join(", ")))
    }
}

/// A verdict in a word, and what there is to say about it.
fn describe(verdict: &Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Accepted => ("accepted", String::new()),
        Verdict::Duplicate => ("there already", String::new()),
        Verdict::Conflict { kept_import_wh, kept_export_wh } => {
            let kept =
                format!(": the first reading at this instant is kept, {} and {}", kept_import_wh.0, kept_export_wh.0);
            ("in conflict", kept)
        }
        Verdict::Quarantined { detail, .. } => ("suspect", format!(": {detail}")),
        Verdict::Malformed { detail } => ("malformed", format!(": {detail}")),
    }
}

fn meter_of(args: &Args) -> Result<MeterId, ReplayError> {
    let name = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    MeterId::new(&name).ok_or(ReplayError::MeterName(name))
}

fn millis(at: Timestamp) -> Option<UtcMillis> {
    u64::try_from(at.as_millisecond()).ok().map(UtcMillis)
}
