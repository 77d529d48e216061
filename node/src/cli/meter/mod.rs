//! `meter`: push the readings of a file to the node as a meter would, and list what the node has.

mod pace;
mod profile;
mod replay;

use wattswap_api::dto::reading::{QuarantineCode, ReadingPage};
use wattswap_api::dto::text::TextValue as _;
use wattswap_api::port::MeterId;

use super::Outcome;
use super::context::Context;
use super::output::{self, Column};

/// What to do with readings.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Push the readings of a CSV file, all at once or at the pace at which they were taken
    #[command(long_about = "Push the readings of a CSV file.\n\n\
        The file has a heading and one of two shapes:\n  \
        at,import_wh,export_wh   a meter's two registers, as they count up for ever\n  \
        at,load_w,pv_w           mean power from this instant to the next, in watts; the registers are worked out\n\n\
        Instants are RFC 3339 with their offset (2026-06-01T12:00:00Z). Without further options the rows are pushed as \
        they are, all at once. With --start, --speed or --time-lapse they are moved in time and each one is pushed \
        when its time has come.")]
    Replay(replay::Args),
    /// List stored readings, the newest first
    List {
        /// Only this meter's
        #[arg(long, value_parser = meter)]
        meter: Option<MeterId>,
        /// At most so many
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: usize,
    },
}

impl Command {
    pub(super) fn carry_out(self, context: &Context) -> Outcome {
        match self {
            Self::Replay(args) => replay::carry_out(args, context),
            Self::List { meter, limit } => list(meter.as_ref(), limit, context),
        }
    }
}

fn list(meter: Option<&MeterId>, limit: usize, context: &Context) -> Outcome {
    use Column::{Number, Words};
    let path = meter.map_or_else(|| "/readings".to_owned(), |meter| format!("/readings?meter={meter}"));
    let readings = context.client()?.list(&path, limit, |page: ReadingPage| (page.readings, page.next))?;
    if context.json() {
        return Ok(readings.iter().try_for_each(output::json)?);
    }
    let zone = context.zone();
    let rows = readings.into_iter().map(|reading| {
        [
            reading.meter.to_string(),
            output::clock(reading.at.0, &zone),
            reading.import_wh.0.to_string(),
            reading.export_wh.0.to_string(),
            reading.quarantined.map(why).unwrap_or_default().to_owned(),
        ]
    });
    let columns = [Words("meter"), Words("at"), Number("import"), Number("export"), Words("suspect because")];
    Ok(output::table(columns, rows, "no readings yet")?)
}

fn why(code: QuarantineCode) -> &'static str {
    match code {
        QuarantineCode::WentBack => "a register went back",
        QuarantineCode::TooFast => "it grew faster than the connection can carry",
        QuarantineCode::ClockAhead => "it lies ahead of the node's clock",
        QuarantineCode::TooOld => "it lies before what the node keeps",
        QuarantineCode::TooManyMeters => "there are too many meters",
    }
}

/// A meter's name as the API reads it.
fn meter(text: &str) -> Result<MeterId, String> {
    MeterId::parse(text).map_err(|malformed| malformed.to_string())
}
