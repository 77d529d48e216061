//! Reads a SimBench low-voltage grid: a folder of CSV files, one for each kind of element.
//!
//! The columns are pandapower's, which is how SimBench's Python package gives its grids out: `bus.csv`, `ext_grid.csv`,
//! `trafo.csv`, `line.csv`, `load.csv`, and if there are any `sgen.csv`, `storage.csv`, `switch.csv`. `Coordinates.csv` is for maps.

use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use num_complex::Complex64;

use super::coordinates::{self, OfGrid};
use super::feeder::{Bus, Connection, Feeder, Kind, Line, Phases, Source, Transformer, VectorGroup, Winding};
use super::table::{BadTable, Column, Row, Table};

/// Why a folder can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BadFolder {
    /// One of its tables.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// A table that must have one row.
    #[error("{path}: it has {rows} rows, but only one can be: leave the others out")]
    NotOne {
        /// Which.
        path: PathBuf,
        /// How many there are.
        rows: usize,
    },
}

const FREQUENCY_HZ: f64 = 50.0;
/// SimBench has no zero-sequence data. In a cable with four equal cores the zero sequence returns through the neutral
/// alone, so that `z0 = z1 + 3 zn = 4 z1`.
const Z0_OVER_Z1: f64 = 4.0;
/// A transformer's vector group turns in steps of so many degrees.
const HOUR_DEGREES: f64 = 30.0;

/// Buses by the numbers that the tables give them.
type Buses = BTreeMap<String, usize>;

/// Reads a folder.
///
/// # Errors
/// [`BadFolder`].
pub fn read(folder: &Path) -> Result<Feeder, BadFolder> {
    let name = folder.file_name().map_or_else(|| "grid".to_owned(), |name| name.to_string_lossy().into_owned());
    let (buses, numbers) = buses(folder)?;
    let switches = switches(folder, &numbers)?;
    let mut connections = connected(&folder.join("load.csv"), &numbers, Kind::Load)?;
    for (file, kind) in [("sgen.csv", Kind::Pv), ("storage.csv", Kind::Storage)] {
        let path = folder.join(file);
        if path.exists() {
            connections.extend(connected(&path, &numbers, kind)?);
        }
    }
    let mut lines = lines(&folder.join("line.csv"), &numbers, &switches.open_lines)?;
    lines.extend(switches.between_buses);
    Ok(Feeder {
        name,
        source: source(&folder.join("ext_grid.csv"), &numbers)?,
        transformer: Some(transformer(&folder.join("trafo.csv"), &numbers)?),
        buses,
        lines,
        connections,
        notes: vec!["SimBench gives no zero-sequence data: z0 = 4 z1 is assumed where phases differ".to_owned()],
    })
}

fn buses(folder: &Path) -> Result<(Vec<Bus>, Buses), BadFolder> {
    let table = Table::open(&folder.join("bus.csv"))?;
    let [number, name, kilovolts] = [table.column("bus")?, table.column("name")?, table.column("vn_kv")?];
    let places = OfGrid::open(folder, &table)?;
    let (mut buses, mut numbers) = (Vec::new(), Buses::new());
    for row in table.rows() {
        let row = row?;
        if numbers.insert(row.text(&number).to_owned(), buses.len()).is_some() {
            return Err(row.bad(&number, "a number that no other bus has").into());
        }
        let nominal_v = row.positive(&kilovolts, "a nominal voltage between phases in kV, such as 0.4")? * 1e3;
        buses.push(Bus { name: row.text(&name).to_owned(), nominal_v, place: places.of(&row)? });
    }
    coordinates::flatten(&mut buses);
    Ok((buses, numbers))
}

fn bus_of(row: &Row, column: &Column, buses: &Buses) -> Result<usize, BadTable> {
    buses.get(row.text(column)).copied().ok_or_else(|| row.bad(column, "the number of a bus in bus.csv"))
}

/// The one row of a table.
fn only_row(path: &Path, rows: Vec<Row>) -> Result<Row, BadFolder> {
    let count = rows.len();
    let mut rows = rows.into_iter();
    match (rows.next(), count) {
        (Some(row), 1) => Ok(row),
        _ => Err(BadFolder::NotOne { path: path.to_owned(), rows: count }),
    }
}

fn source(path: &Path, buses: &Buses) -> Result<Source, BadFolder> {
    let table = Table::open(path)?;
    let [bus, volts, angle] = [table.column("bus")?, table.column("vm_pu")?, table.column("va_degree")?];
    let row = only_row(path, table.rows().collect::<Result<_, _>>()?)?;
    Ok(Source {
        bus: bus_of(&row, &bus, buses)?,
        voltage_pu: row.positive(&volts, "a voltage in pu, such as 1.025")?,
        angle_degrees: row.number(&angle, "an angle in degrees, such as 0")?,
        // pandapower's external grid is an infinite one.
        z1: Complex64::ZERO,
        z0: Complex64::ZERO,
    })
}

fn transformer(path: &Path, buses: &Buses) -> Result<Transformer, BadFolder> {
    let table = Table::open(path)?;
    let [name, high, low] = [table.column("name")?, table.column("hv_bus")?, table.column("lv_bus")?];
    let [rated, high_kv, low_kv] = [table.column("sn_mva")?, table.column("vn_hv_kv")?, table.column("vn_lv_kv")?];
    let [vk, vkr] = [table.column("vk_percent")?, table.column("vkr_percent")?];
    let [iron, no_load, shift] = [table.column("pfe_kw")?, table.column("i0_percent")?, table.column("shift_degree")?];
    let [side, neutral] = [table.column("tap_side")?, table.column("tap_neutral")?];
    let [step, position] = [table.column("tap_step_percent")?, table.column("tap_pos")?];
    let row = only_row(path, table.rows().collect::<Result<_, _>>()?)?;
    let kilovolts = "a voltage between phases in kV, such as 0.4";
    let (mut high_v, mut low_v) = (row.positive(&high_kv, kilovolts)? * 1e3, row.positive(&low_kv, kilovolts)? * 1e3);
    let steps =
        row.number(&position, "a tap position, such as 0")? - row.number(&neutral, "a tap position, such as 0")?;
    let factor = 1.0 + steps * row.number(&step, "percent of the voltage, such as 2.5")? / 100.0;
    match row.text(&side) {
        "hv" => high_v *= factor,
        "lv" => low_v *= factor,
        _ => return Err(row.bad(&side, "hv or lv").into()),
    }
    let percent = "a percentage, such as 4";
    let (whole, real) = (row.positive(&vk, percent)? / 100.0, row.amount(&vkr, percent)? / 100.0);
    if real > whole {
        return Err(row.bad(&vkr, "a percentage up to vk_percent").into());
    }
    Ok(Transformer {
        name: row.text(&name).to_owned(),
        high: bus_of(&row, &high, buses)?,
        low: bus_of(&row, &low, buses)?,
        rated_va: row.positive(&rated, "a power in MVA, such as 0.16")? * 1e6,
        high_v,
        low_v,
        short_circuit_pu: Complex64::new(real, (whole * whole - real * real).sqrt()),
        iron_loss_w: row.amount(&iron, "a power in kW, such as 0.46")? * 1e3,
        no_load_current_pu: row.amount(&no_load, percent)? / 100.0,
        group: vector_group(&row, &shift)?,
    })
}

/// Groups with odd hours are delta-star, those with even hours star-star.
fn vector_group(row: &Row, shift: &Column) -> Result<VectorGroup, BadTable> {
    let expected = "a multiple of 30 degrees from 0 to 330, such as 150";
    let hours = row.number(shift, expected)? / HOUR_DEGREES;
    let clock = (0..12_u8).find(|hour| (hours - f64::from(*hour)).abs() < 1e-9);
    let clock = clock.ok_or_else(|| row.bad(shift, expected))?;
    Ok(VectorGroup { high: if clock % 2 == 1 { Winding::Delta } else { Winding::Star }, clock })
}

/// Switches: lines that are open at one end at least, and closed connections between buses.
#[derive(Default)]
struct Switches {
    open_lines: BTreeSet<String>,
    between_buses: Vec<Line>,
}

fn switches(folder: &Path, buses: &Buses) -> Result<Switches, BadFolder> {
    let path = folder.join("switch.csv");
    let mut switches = Switches::default();
    if !path.exists() {
        return Ok(switches);
    }
    let table = Table::open(&path)?;
    let [number, bus, element] = [table.column("switch")?, table.column("bus")?, table.column("element")?];
    let [kind, closed] = [table.column("et")?, table.column("closed")?];
    for row in table.rows() {
        let row = row?;
        let is_closed = match row.text(&closed) {
            "True" | "true" | "1" => true,
            "False" | "false" | "0" => false,
            _ => return Err(row.bad(&closed, "True or False").into()),
        };
        match (row.text(&kind), is_closed) {
            ("l", false) => drop(switches.open_lines.insert(row.text(&element).to_owned())),
            ("t", false) => {
                return Err(row.bad(&closed, "True: without its transformer the grid has no source").into());
            }
            ("b", true) => switches.between_buses.push(Line {
                name: format!("switch {}", row.text(&number)),
                from: bus_of(&row, &bus, buses)?,
                to: bus_of(&row, &element, buses)?,
                length_m: Some(0.0),
                z1: Complex64::ZERO,
                z0: Complex64::ZERO,
                b1: 0.0,
                b0: 0.0,
                max_current_a: None,
            }),
            ("l" | "t", true) | ("b", false) => {}
            _ => return Err(row.bad(&kind, "l (line), t (transformer) or b (bus)").into()),
        }
    }
    Ok(switches)
}

fn lines(path: &Path, buses: &Buses, open: &BTreeSet<String>) -> Result<Vec<Line>, BadFolder> {
    let table = Table::open(path)?;
    let [number, name] = [table.column("line")?, table.column("name")?];
    let [from, to, length] = [table.column("from_bus")?, table.column("to_bus")?, table.column("length_km")?];
    let [r, x, c] = [table.column("r_ohm_per_km")?, table.column("x_ohm_per_km")?, table.column("c_nf_per_km")?];
    let [rating, parallel] = [table.column("max_i_ka")?, table.column("parallel")?];
    let mut lines = Vec::new();
    for row in table.rows() {
        let row = row?;
        if open.contains(row.text(&number)) {
            continue;
        }
        let kilometres = row.amount(&length, "a length in km, such as 0.05")?;
        let cables = row.positive(&parallel, "how many cables lie side by side, such as 1")?;
        let ohms = "ohms a kilometre, such as 0.2067";
        let z1 = Complex64::new(row.amount(&r, ohms)?, row.amount(&x, ohms)?) * (kilometres / cables);
        let farads = row.amount(&c, "nanofarads a kilometre, such as 830")? * 1e-9 * kilometres * cables;
        let b1 = TAU * FREQUENCY_HZ * farads;
        lines.push(Line {
            name: row.text(&name).to_owned(),
            from: bus_of(&row, &from, buses)?,
            to: bus_of(&row, &to, buses)?,
            length_m: Some(kilometres * 1e3),
            z1,
            z0: z1 * Z0_OVER_Z1,
            b1,
            b0: b1,
            max_current_a: Some(row.positive(&rating, "a current in kA, such as 0.27")? * 1e3 * cables),
        });
    }
    Ok(lines)
}

fn connected(path: &Path, buses: &Buses, kind: Kind) -> Result<Vec<Connection>, BadFolder> {
    let table = Table::open(path)?;
    let [name, bus] = [table.column("name")?, table.column("bus")?];
    let [active, reactive, profile] = [table.column("p_mw")?, table.column("q_mvar")?, table.column("profile")?];
    // What PV feeds in is counted as positive in sgen.csv; a storage that is charged, like a load.
    let sign = if kind == Kind::Pv { -1.0 } else { 1.0 };
    let mut connections = Vec::new();
    for row in table.rows() {
        let row = row?;
        let power = |column, expected| Ok::<_, BadTable>(row.number(column, expected)? * 1e6 * sign);
        let profile = Some(row.text(&profile)).filter(|profile| !profile.is_empty());
        connections.push(Connection {
            name: row.text(&name).to_owned(),
            bus: bus_of(&row, &bus, buses)?,
            phases: Phases::All,
            kind,
            watts: power(&active, "a power in MW, such as 0.0059")?,
            vars: power(&reactive, "a power in Mvar, such as 0.0024")?,
            profile: profile.map(str::to_owned),
        });
    }
    Ok(connections)
}
