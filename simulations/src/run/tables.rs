//! Writes down what each slot came to: a table `homes` with a row for each home and slot, and a table `trades`.
//!
//! Which columns there are stands here once, [`HOMES`] and [`TRADES`]; whoever asks for tables chooses some of them by
//! name. Rows are written as slots are settled, so a run may be larger than memory. How files look is
//! [`output`](crate::output)'s business.

use std::path::{Path, PathBuf};

use wattswap_matching::{PriceScale, UtcMillis, WattHours};

use super::record::{HomeSlot, Observer, SettledSlot};
use crate::market::mechanism::Trade;
use crate::output::{self, CantWrite, Cell, Format, Kind, Table};

/// The first column of every table of a sweep: the run's number.
pub const RUN: &str = "run";

/// A column of one of the tables, and what it shows of a row.
struct Column<F: 'static> {
    name: &'static str,
    kind: Kind,
    cell: F,
}

/// A row of `homes`.
struct HomeRow<'r> {
    at: UtcMillis,
    name: &'r str,
    home: &'r HomeSlot,
}

/// A row of `trades`.
struct TradeRow<'r> {
    at: UtcMillis,
    names: &'r [String],
    scale: PriceScale,
    trade: &'r Trade,
}

type OfHome = for<'r> fn(&HomeRow<'r>) -> Cell<'r>;
type OfTrade = for<'r> fn(&TradeRow<'r>) -> Cell<'r>;

const fn column<F>(name: &'static str, kind: Kind, cell: F) -> Column<F> {
    Column { name, kind, cell }
}

/// A column of energy.
macro_rules! energy {
    ($name:literal, $($path:tt)+) => {
        column($name, Kind::Whole, |row| whole(row.home.$($path)+))
    };
}

/// A column of money, or of money per kWh.
macro_rules! amount {
    ($name:literal, $($path:tt)+) => {
        column($name, Kind::Amount, |row| Cell::Amount(row.home.$($path)+))
    };
}

/// All columns of `homes`: `flows` behind the meter, then what was traded, then money; see [`super::record`].
static HOMES: [Column<OfHome>; 23] = [
    column("slot_start", Kind::Instant, |row| Cell::Instant(row.at)),
    column("home", Kind::Text, |row| Cell::Text(row.name)),
    energy!("need_wh", flows.need),
    energy!("heat_pump_wh", flows.heat_pump),
    energy!("car_wh", flows.car),
    energy!("driven_wh", flows.driven),
    energy!("missed_wh", flows.missed),
    energy!("pv_wh", flows.pv),
    energy!("curtailed_wh", flows.curtailed),
    energy!("charged_wh", flows.charged),
    energy!("discharged_wh", flows.discharged),
    energy!("stored_wh", flows.stored),
    energy!("net_wh", flows.net()),
    column("forecast_wh", Kind::Whole, |row| row.home.forecast.map_or(Cell::Empty, whole)),
    energy!("bought_wh", bought),
    energy!("sold_wh", sold),
    amount!("paid_eur", paid.0),
    amount!("earned_eur", earned.0),
    amount!("fees_eur", fees.0),
    amount!("supplier_eur", supplier.0),
    amount!("cost_eur", cost().0),
    amount!("retail_eur_per_kwh", tariff.retail),
    amount!("feed_in_eur_per_kwh", tariff.feed_in),
];

/// All columns of `trades`.
static TRADES: [Column<OfTrade>; 5] = [
    column("slot_start", Kind::Instant, |row| Cell::Instant(row.at)),
    column("buyer", Kind::Text, |row| Cell::Text(&row.names[row.trade.buyer as usize])),
    column("seller", Kind::Text, |row| Cell::Text(&row.names[row.trade.seller as usize])),
    column("energy_wh", Kind::Whole, |row| whole(row.trade.quantity)),
    column("price_eur_per_kwh", Kind::Amount, |row| Cell::Amount(row.scale.decimal(row.trade.price))),
];

fn whole(energy: WattHours) -> Cell<'static> {
    Cell::Whole(energy.0)
}

/// Columns that can't be written as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadColumns {
    /// There is no such column.
    #[error("the table {table} has no column {name}: write some of {known}")]
    Unknown {
        /// Which table.
        table: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// One is asked for more than once.
    #[error("the column {name} of the table {table} is asked for twice: write it once")]
    Twice {
        /// Which table.
        table: &'static str,
        /// Which column.
        name: String,
    },
}

/// Which columns are wanted. A table of which none is wanted is not written.
#[derive(Clone)]
pub struct Columns {
    homes: Vec<&'static Column<OfHome>>,
    trades: Vec<&'static Column<OfTrade>>,
}

impl Columns {
    /// All columns of both tables.
    #[must_use]
    pub fn all() -> Self {
        Self { homes: HOMES.iter().collect(), trades: TRADES.iter().collect() }
    }

    /// These columns of `homes` and of `trades`, in this order; all of a table of which nothing is said.
    ///
    /// # Errors
    /// [`BadColumns`].
    pub fn some(homes: Option<&[String]>, trades: Option<&[String]>) -> Result<Self, BadColumns> {
        let Self { homes: all_homes, trades: all_trades } = Self::all();
        Ok(Self {
            homes: homes.map_or(Ok(all_homes), |names| choose("homes", &HOMES, names))?,
            trades: trades.map_or(Ok(all_trades), |names| choose("trades", &TRADES, names))?,
        })
    }

    /// The tables that are wanted, by name, with their columns: `homes: slot_start, home`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let homes: Vec<&str> = self.homes.iter().map(|column| column.name).collect();
        let trades: Vec<&str> = self.trades.iter().map(|column| column.name).collect();
        let named = [("homes", homes), ("trades", trades)];
        let wanted = named.into_iter().filter(|(_, columns)| !columns.is_empty());
        wanted.map(|(table, columns)| format!("{table}: {}", columns.join(", "))).collect()
    }
}

fn choose<F>(
    table: &'static str,
    all: &'static [Column<F>],
    names: &[impl AsRef<str>],
) -> Result<Vec<&'static Column<F>>, BadColumns> {
    let mut chosen: Vec<&Column<F>> = Vec::with_capacity(names.len());
    for name in names.iter().map(AsRef::as_ref) {
        let found = all.iter().find(|column| column.name == name).ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|column| column.name).collect();
            BadColumns::Unknown { table, name: name.to_owned(), known: known.join(", ") }
        })?;
        if chosen.iter().any(|column| column.name == name) {
            return Err(BadColumns::Twice { table, name: name.to_owned() });
        }
        chosen.push(found);
    }
    Ok(chosen)
}

/// What the tables are called.
const NAMES: [&str; 2] = ["homes", "trades"];

/// All files that tables of a run may be, whichever of them there are.
pub fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    NAMES.into_iter().flat_map(move |name| Format::ALL.map(|format| format.file(folder, name)))
}

/// The tables of a run.
pub struct Tables {
    columns: Columns,
    names: Vec<String>,
    scale: PriceScale,
    /// The run's number in a sweep.
    run: Option<i64>,
    homes: Option<Table>,
    trades: Option<Table>,
    /// Why nothing more is written.
    failed: Option<CantWrite>,
}

impl Tables {
    /// Makes the folder and the files in it; files of these names are replaced. `names` are the homes' as the
    /// community numbers them, `scale` is that of the market's prices. A run of a sweep has its number as a first column.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn create(
        folder: &Path,
        format: Format,
        columns: Columns,
        names: Vec<String>,
        scale: PriceScale,
        run: Option<usize>,
    ) -> Result<Self, CantWrite> {
        let run = run.map(|run| i64::try_from(run).expect("a sweep has fewer runs"));
        let homes = create(folder, NAMES[0], format, run, &columns.homes)?;
        let trades = create(folder, NAMES[1], format, run, &columns.trades)?;
        Ok(Self { columns, names, scale, run, homes, trades, failed: None })
    }

    /// Writes what is still to be written; gives the files.
    ///
    /// # Errors
    /// [`CantWrite`], also if a slot could not be written.
    pub fn finish(self) -> Result<Vec<PathBuf>, CantWrite> {
        match self.failed {
            Some(failed) => Err(failed),
            None => [self.homes, self.trades].into_iter().flatten().map(Table::finish).collect(),
        }
    }

    fn write(&mut self, slot: &SettledSlot<'_>) -> Result<(), CantWrite> {
        let (at, run) = (slot.slot.start(), self.run.map(Cell::Whole));
        if let Some(table) = &mut self.homes {
            for (name, home) in self.names.iter().zip(slot.homes) {
                let row = HomeRow { at, name, home };
                table.row(run.into_iter().chain(self.columns.homes.iter().map(|column| (column.cell)(&row))))?;
            }
        }
        if let Some(table) = &mut self.trades {
            for trade in slot.trades {
                let row = TradeRow { at, names: &self.names, scale: self.scale, trade };
                table.row(run.into_iter().chain(self.columns.trades.iter().map(|column| (column.cell)(&row))))?;
            }
        }
        Ok(())
    }
}

impl Observer for Tables {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        if self.failed.is_none() {
            self.failed = self.write(slot).err();
        }
    }
}

fn create<F>(
    folder: &Path,
    name: &str,
    format: Format,
    run: Option<i64>,
    columns: &[&Column<F>],
) -> Result<Option<Table>, CantWrite> {
    if columns.is_empty() {
        return Ok(None);
    }
    let run = run.map(|_| output::Column { name: RUN.to_owned(), kind: Kind::Whole });
    let columns = columns.iter().map(|column| output::Column { name: column.name.to_owned(), kind: column.kind });
    Table::create(folder, name, format, &run.into_iter().chain(columns).collect::<Vec<_>>()).map(Some)
}
