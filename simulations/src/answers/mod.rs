//! What a run says: who saves what, how much energy is from here, does the grid hold, is it fair, does the market work.
//!
//! ```text
//! let mut answers = Answers::new(&scenario, &community)?;      // an observer of the run
//! engine.run(&mut [&mut answers, ..])?;
//! let findings = answers.finish();
//! findings.write(folder)?;                                     // summary.json and report.html
//! println!("{}", findings.table());
//! ```
//!
//! One small file for each concern adds up its sums and knows its formulas: see `docs/simulations.md`, which lists them
//! all. Nothing here changes the run. Memory: some numbers for each home, bus and line, and a row for each slot.

pub mod clock;
pub mod devices;
pub mod emissions;
pub mod energy;
pub mod fairness;
#[cfg(test)]
mod fixture;
pub mod grid;
pub mod market;
pub mod moments;
pub mod money;
pub mod neighbours;
pub mod prices;
pub mod report;
pub mod residuals;
pub mod series;
pub mod summary;
pub mod table;
pub mod value;

use std::path::{Path, PathBuf};

use wattswap_matching::{PriceError, PriceScale, WattHours};

use self::devices::{BatteryUse, CarUse, Forecasts};
use self::energy::{Counted, Energy};
use self::grid::{Envelope, Grid};
use self::moments::{BusySlot, HomeDay, Moments};
use self::money::Payments;
use self::neighbours::Neighbours;
use self::prices::Trades;
use self::residuals::Leftovers;
use self::series::{At, Row};
use self::summary::Summary;
use crate::grid::BadFeeder;
use crate::homes::Community;
use crate::market::mechanism::efficiency::Efficiency;
use crate::run::record::{Observer, SettledSlot};
use crate::scenario::Scenario;

/// What the file with the figures of a run is called.
pub const SUMMARY: &str = "summary.json";
/// Hours of the day.
const HOURS: usize = 24;

/// Adds up a run.
#[derive(Debug)]
pub struct Answers<'c> {
    scenario: &'c Scenario,
    community: &'c Community,
    scale: PriceScale,
    homes: Vec<HomeSums>,
    together: Energy,
    hours: [Trades; HOURS],
    efficiency: Efficiency,
    leftovers: Leftovers,
    rows: Vec<Row>,
    moments: Moments,
    grid: Option<Grid<'c>>,
}

/// What is added up for each home.
#[derive(Clone, Copy, Debug, Default)]
struct HomeSums {
    energy: Energy,
    neighbours: Neighbours,
    payments: Payments,
    battery: BatteryUse,
    car: CarUse,
    forecasts: Forecasts,
}

/// What a run came to: figures, and what pictures are drawn from.
#[derive(Debug)]
pub struct Findings<'c> {
    /// What was asked.
    pub scenario: &'c Scenario,
    /// Whom.
    pub community: &'c Community,
    /// The figures.
    pub summary: Summary,
    /// The community slot by slot.
    pub rows: Vec<Row>,
    /// Trades by the hour of the day.
    pub hours: [Trades; HOURS],
    /// What a tick is worth.
    pub scale: PriceScale,
    /// The slot with most to trade, if there was any slot.
    pub busy_slot: Option<BusySlot>,
    /// The home whose day is shown.
    pub shown_home: usize,
    /// Its day with most trade, if there was any.
    pub home_day: Option<HomeDay>,
    /// The feeder slot by slot, where it could be solved.
    pub envelopes: Vec<Envelope>,
}

/// Why a run can't be watched.
#[derive(Debug, thiserror::Error)]
pub enum CantAnswer {
    /// The feeder can't be solved.
    #[error(transparent)]
    Feeder(#[from] BadFeeder),
    /// The market's tick is none.
    #[error("market.tick_eur_per_kwh: {0}")]
    Tick(#[from] PriceError),
}

/// Answers can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{path} can't be written: {source}")]
pub struct CantWrite {
    /// What.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

impl<'c> Answers<'c> {
    /// Before the first slot of a run of this community.
    ///
    /// # Errors
    /// [`CantAnswer`].
    pub fn new(scenario: &'c Scenario, community: &'c Community) -> Result<Self, CantAnswer> {
        Ok(Self {
            scenario,
            community,
            scale: PriceScale::new(community.market.tick_eur_per_kwh.0)?,
            homes: vec![HomeSums::default(); community.homes.len()],
            together: Energy::default(),
            hours: [Trades::default(); HOURS],
            efficiency: Efficiency::default(),
            leftovers: Leftovers::default(),
            rows: Vec::new(),
            moments: Moments::new(community),
            grid: Grid::new(community)?,
        })
    }

    /// After the last slot.
    #[must_use]
    pub fn finish(mut self) -> Findings<'c> {
        let (feeder, envelopes) = match self.grid.take() {
            Some(grid) => {
                let (feeder, envelopes) = grid.finish(&self.community.calendar);
                (Some(feeder), envelopes)
            }
            None => (None, Vec::new()),
        };
        let summary = Summary::new(&self, feeder);
        Findings {
            scenario: self.scenario,
            community: self.community,
            summary,
            rows: self.rows,
            hours: self.hours,
            scale: self.scale,
            busy_slot: self.moments.slot.take(),
            shown_home: self.moments.home,
            home_day: self.moments.day(),
            envelopes,
        }
    }
}

impl Observer for Answers<'_> {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        let mut together = Counted::default();
        let mut drawn = WattHours::ZERO;
        for (home, sums) in slot.homes.iter().zip(&mut self.homes) {
            let counted = Counted::from(&home.flows);
            sums.energy.add(&counted);
            sums.neighbours.add(home);
            sums.payments.add(home);
            sums.battery.add(&home.flows);
            sums.car.add(&home.flows);
            sums.forecasts.add(home);
            drawn += counted.import();
            together = together + counted;
        }
        self.together.add(&together);
        let trades = Trades::of(slot.trades);
        let hour = self.community.calendar.days.get(slot.day).filter(|day| slot.of_day < day.slots);
        if let Some(day) = hour {
            self.hours[day.hour(slot.of_day)].include(&trades);
        }
        self.efficiency.add(&slot.optimum, slot.surplus, slot.trades);
        self.leftovers.add(slot, self.scale);
        self.rows.push(Row::new(At { day: slot.day, of_day: slot.of_day }, &together, drawn, trades));
        self.moments.add(slot, self.community, self.scale);
        if let Some(grid) = &mut self.grid {
            grid.settled(slot);
        }
    }
}

impl Findings<'_> {
    /// Writes `summary.json` and `report.html` into a folder.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn write(&self, folder: &Path) -> Result<(), CantWrite> {
        write(&folder.join(SUMMARY), &self.summary.json())?;
        write(&folder.join("report.html"), &report::html(self))
    }

    /// The main answers, for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        table::text(&self.summary)
    }
}

fn write(path: &Path, text: &str) -> Result<(), CantWrite> {
    std::fs::write(path, text).map_err(|source| CantWrite { path: path.to_owned(), source })
}
