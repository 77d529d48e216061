//! Reads the IEEE European Low Voltage Test Feeder as it is published: a folder of CSV files.
//!
//! `Source.csv`, `Transformer.csv`, `LineCodes.csv`, `Lines.csv`, `Loads.csv` and `LoadShapes.csv`. Where the files leave
//! something open, OpenDSS's defaults are taken, since the published solution was computed with it: the source's
//! impedance has X1/R1 = 4 and X0/R0 = 3, and the low voltage of a delta-star transformer lags by 30 degrees (Dyn1).
//! `Buscoords.csv` is for maps, and may be missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use num_complex::Complex64;

use super::coordinates;
use super::feeder::{Bus, Connection, Feeder, Kind, Line, Phases, Source, Transformer, VectorGroup, Winding};
use super::table::{BadTable, Row, Table};

/// Why a folder can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BadFolder {
    /// One of its tables.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// `Source.csv` can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `Source.csv` says something else.
    #[error("{path}, line {line}: {found:?} can't be understood: write {expected}")]
    Source {
        /// Which.
        path: PathBuf,
        /// Counted from 1; the last line if something is missing.
        line: usize,
        /// What is there.
        found: String,
        /// What to write instead.
        expected: &'static str,
    },
    /// A table that must have one row.
    #[error("{path}: it has {rows} rows, but a feeder has one transformer: leave the others out")]
    OneTransformer {
        /// Which.
        path: PathBuf,
        /// How many there are.
        rows: usize,
    },
}

/// The source's reactance over its resistance, in the positive and the zero sequence (OpenDSS, Vsource).
const X1_OVER_R1: f64 = 4.0;
const X0_OVER_R0: f64 = 3.0;
const METRES_PER_KM: f64 = 1000.0;
const FREQUENCY_HZ: f64 = 50.0;

/// Buses by their names, in the order in which they are first met.
#[derive(Default)]
struct Buses {
    list: Vec<Bus>,
    numbers: BTreeMap<String, usize>,
}

impl Buses {
    fn number(&mut self, name: &str, nominal_v: f64) -> usize {
        *self.numbers.entry(name.to_owned()).or_insert_with(|| {
            self.list.push(Bus { name: name.to_owned(), nominal_v, place: None });
            self.list.len() - 1
        })
    }
}

/// Reads a folder.
///
/// # Errors
/// [`BadFolder`].
pub fn read(folder: &Path) -> Result<Feeder, BadFolder> {
    let name = folder.file_name().map_or_else(|| "feeder".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut buses = Buses::default();
    let transformer = transformer(&folder.join("Transformer.csv"), &mut buses)?;
    let source = source(&folder.join("Source.csv"), transformer.high)?;
    let codes = line_codes(&folder.join("LineCodes.csv"))?;
    let lines = lines(&folder.join("Lines.csv"), &codes, transformer.low_v, &mut buses)?;
    let shapes = shapes(&folder.join("LoadShapes.csv"))?;
    let connections = loads(&folder.join("Loads.csv"), &shapes, &buses)?;
    let places = coordinates::of_buses(folder)?;
    for bus in &mut buses.list {
        bus.place = places.get(&bus.name).copied();
    }
    let notes = vec![
        "the source's impedance has X1/R1 = 4 and the transformer is Dyn1, as OpenDSS assumes".to_owned(),
        "loads draw constant power whatever the voltage".to_owned(),
    ];
    Ok(Feeder { name, buses: buses.list, source, transformer: Some(transformer), lines, connections, notes })
}

fn transformer(path: &Path, buses: &mut Buses) -> Result<Transformer, BadFolder> {
    let table = Table::open(path)?;
    let [name, bus1, bus2] = [table.column("Name")?, table.column("bus1")?, table.column("bus2")?];
    let [kv1, kv2, mva] = [table.column("kV_pri")?, table.column("kV_sec")?, table.column("MVA")?];
    let [conn1, conn2] = [table.column("Conn_pri")?, table.column("Conn_sec")?];
    let [xhl, resistance] = [table.column("%XHL")?, table.column("% resistance")?];
    let rows: Vec<Row> = table.rows().collect::<Result<_, _>>()?;
    let [row] = &rows[..] else { return Err(BadFolder::OneTransformer { path: path.to_owned(), rows: rows.len() }) };
    let kilovolts = "a voltage between phases in kV, such as 0.416";
    let (high_v, low_v) = (row.positive(&kv1, kilovolts)? * 1e3, row.positive(&kv2, kilovolts)? * 1e3);
    let percent = |column| row.amount(column, "a percentage, such as 4");
    let short_circuit_pu = Complex64::new(percent(&resistance)?, percent(&xhl)?) / 100.0;
    if row.text(&conn2) != "Wye" {
        return Err(row.bad(&conn2, "Wye: the secondary is an earthed star").into());
    }
    let group = match row.text(&conn1) {
        "Delta" => VectorGroup { high: Winding::Delta, clock: 1 },
        "Wye" => VectorGroup { high: Winding::Star, clock: 0 },
        _ => return Err(row.bad(&conn1, "Delta or Wye").into()),
    };
    Ok(Transformer {
        name: row.text(&name).to_owned(),
        high: buses.number(row.text(&bus1), high_v),
        low: buses.number(row.text(&bus2), low_v),
        rated_va: row.positive(&mva, "a power in MVA, such as 0.8")? * 1e6,
        high_v,
        low_v,
        short_circuit_pu,
        iron_loss_w: 0.0,
        no_load_current_pu: 0.0,
        group,
    })
}

/// `key=value`, with a unit after it.
fn source(path: &Path, bus: usize) -> Result<Source, BadFolder> {
    let unreadable = |source| BadFolder::Unreadable { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let value = |key: &str, unit: &str, expected: &'static str| {
        let lines = || text.lines().enumerate();
        let bad = |line: usize, found: &str| BadFolder::Source {
            path: path.to_owned(),
            line,
            found: found.to_owned(),
            expected,
        };
        let keyed = |line: &str| {
            line.split_once('=').filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
        };
        let (line, found) = lines()
            .find_map(|(number, line)| Some((number + 1, keyed(line)?)))
            .ok_or_else(|| bad(lines().count(), "the end of the file"))?;
        let number: Option<f64> = found.strip_suffix(unit).and_then(|number| number.trim().parse().ok());
        number.filter(|number| *number > 0.0 && number.is_finite()).ok_or_else(|| bad(line, &found))
    };
    let volts = value("Voltage", "kV", "Voltage=11 kV")? * 1e3;
    let voltage_pu = value("pu", "", "pu=1.05")?;
    let three_phase = value("ISC3", "A", "ISC3=3000 A")?;
    let one_phase = value("ISC1", "A", "ISC1=5 A")?;
    let to_earth = volts / 3_f64.sqrt();
    let z1 = with_ratio(to_earth / three_phase, X1_OVER_R1);
    // A fault of one phase sees 2 z1 + z0 and carries three times the zero-sequence current.
    let r0 = larger_root(
        1.0 + X0_OVER_R0 * X0_OVER_R0,
        4.0 * (z1.re + X0_OVER_R0 * z1.im),
        4.0 * z1.norm_sqr() - (3.0 * to_earth / one_phase).powi(2),
    );
    let z0 = Complex64::new(r0, X0_OVER_R0 * r0);
    Ok(Source { bus, voltage_pu, angle_degrees: 0.0, z1, z0 })
}

fn with_ratio(magnitude: f64, x_over_r: f64) -> Complex64 {
    Complex64::new(1.0, x_over_r) * (magnitude / x_over_r.hypot(1.0))
}

/// Of `a x² + b x + c = 0`, but nought where there is none above nought.
fn larger_root(a: f64, b: f64, c: f64) -> f64 {
    ((-b + (b * b - 4.0 * a * c).max(0.0).sqrt()) / (2.0 * a)).max(0.0)
}

/// What a metre of line has.
struct Code {
    z1: Complex64,
    z0: Complex64,
    b1: f64,
    b0: f64,
}

fn line_codes(path: &Path) -> Result<BTreeMap<String, Code>, BadFolder> {
    let table = Table::open(path)?;
    let name = table.column("Name")?;
    let [r1, x1, r0, x0] = ["R1", "X1", "R0", "X0"].map(|column| table.column(column));
    let (r1, x1, r0, x0) = (r1?, x1?, r0?, x0?);
    let (c1, c0, units) = (table.column("C1")?, table.column("C0")?, table.column("Units")?);
    let mut codes = BTreeMap::new();
    for row in table.rows() {
        let row = row?;
        if row.text(&units) != "km" {
            return Err(row.bad(&units, "km").into());
        }
        let ohms = |column| Ok::<_, BadTable>(row.amount(column, "ohms a kilometre, such as 0.446")? / METRES_PER_KM);
        // Nanofarads a kilometre.
        let siemens = |column| {
            let farads = row.amount(column, "nanofarads a kilometre, such as 0")? * 1e-9 / METRES_PER_KM;
            Ok::<_, BadTable>(std::f64::consts::TAU * FREQUENCY_HZ * farads)
        };
        let (z1, z0) = (Complex64::new(ohms(&r1)?, ohms(&x1)?), Complex64::new(ohms(&r0)?, ohms(&x0)?));
        codes.insert(row.text(&name).to_owned(), Code { z1, z0, b1: siemens(&c1)?, b0: siemens(&c0)? });
    }
    Ok(codes)
}

fn lines(
    path: &Path,
    codes: &BTreeMap<String, Code>,
    nominal_v: f64,
    buses: &mut Buses,
) -> Result<Vec<Line>, BadFolder> {
    let table = Table::open(path)?;
    let [name, bus1, bus2] = [table.column("Name")?, table.column("Bus1")?, table.column("Bus2")?];
    let [phases, length] = [table.column("Phases")?, table.column("Length")?];
    let [units, code] = [table.column("Units")?, table.column("LineCode")?];
    let mut lines = Vec::new();
    for row in table.rows() {
        let row = row?;
        if row.text(&phases) != "ABC" {
            return Err(row.bad(&phases, "ABC: lines have three phases").into());
        }
        let metres = row.amount(&length, "a length, such as 1.098")?
            * match row.text(&units) {
                "m" => 1.0,
                "km" => METRES_PER_KM,
                _ => return Err(row.bad(&units, "m or km").into()),
            };
        let found = codes.get(row.text(&code));
        let per_metre = found.ok_or_else(|| row.bad(&code, "one of the names in LineCodes.csv"))?;
        lines.push(Line {
            name: row.text(&name).to_owned(),
            from: buses.number(row.text(&bus1), nominal_v),
            to: buses.number(row.text(&bus2), nominal_v),
            length_m: Some(metres),
            z1: per_metre.z1 * metres,
            z0: per_metre.z0 * metres,
            b1: per_metre.b1 * metres,
            b0: per_metre.b0 * metres,
            max_current_a: None,
        });
    }
    Ok(lines)
}

/// A load shape: the stem of its file, and whether its values are kilowatts.
struct Shape {
    stem: String,
    actual: bool,
}

fn shapes(path: &Path) -> Result<BTreeMap<String, Shape>, BadFolder> {
    let table = Table::open(path)?;
    let [name, file, actual] = [table.column("Name")?, table.column("File")?, table.column("useactual")?];
    let mut shapes = BTreeMap::new();
    for row in table.rows() {
        let row = row?;
        let actual = match row.text(&actual) {
            "TRUE" => true,
            "FALSE" => false,
            _ => return Err(row.bad(&actual, "TRUE, if the shape's values are kW, or FALSE").into()),
        };
        let stem = row.text(&file).trim_end_matches(".csv").to_owned();
        shapes.insert(row.text(&name).to_owned(), Shape { stem, actual });
    }
    Ok(shapes)
}

fn loads(path: &Path, shapes: &BTreeMap<String, Shape>, buses: &Buses) -> Result<Vec<Connection>, BadFolder> {
    let table = Table::open(path)?;
    let [name, count, bus] = [table.column("Name")?, table.column("numPhases")?, table.column("Bus")?];
    let [phases, model, wiring] = [table.column("phases")?, table.column("Model")?, table.column("Connection")?];
    let [kilowatts, factor, yearly] = [table.column("kW")?, table.column("PF")?, table.column("Yearly")?];
    let mut connections = Vec::new();
    for row in table.rows() {
        let row = row?;
        if row.text(&model) != "1" {
            return Err(row.bad(&model, "1: loads draw constant power").into());
        }
        if row.text(&wiring) != "wye" {
            return Err(row.bad(&wiring, "wye: loads lie between phase and earth").into());
        }
        let phases = match (row.text(&count), row.text(&phases)) {
            ("1", "A") => Phases::A,
            ("1", "B") => Phases::B,
            ("1", "C") => Phases::C,
            ("3", "ABC") => Phases::All,
            _ => return Err(row.bad(&phases, "A, B or C where numPhases is 1, or ABC where it is 3").into()),
        };
        let number = buses.numbers.get(row.text(&bus)).copied();
        let number = number.ok_or_else(|| row.bad(&bus, "a bus at which a line of Lines.csv ends"))?;
        let cosine = row.positive(&factor, "a power factor up to 1, such as 0.95")?;
        if cosine > 1.0 {
            return Err(row.bad(&factor, "a power factor up to 1, such as 0.95").into());
        }
        let shape = shapes.get(row.text(&yearly));
        let shape = shape.ok_or_else(|| row.bad(&yearly, "one of the names in LoadShapes.csv"))?;
        let rated = row.amount(&kilowatts, "a power in kW, such as 1")?;
        let watts = if shape.actual { 1e3 } else { rated * 1e3 };
        connections.push(Connection {
            name: row.text(&name).to_owned(),
            bus: number,
            phases,
            kind: Kind::Load,
            watts,
            vars: watts * cosine.acos().tan(),
            profile: Some(shape.stem.clone()),
        });
    }
    Ok(connections)
}
