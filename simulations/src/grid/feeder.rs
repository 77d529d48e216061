//! A low-voltage feeder as an engineer describes it: what the readers make and what the solver is built from.
//!
//! Everything is in volts, amperes, watts, volt-amperes, ohms and siemens; `pu` values say of what. Three-phase
//! impedances are given by their sequence values: the 3x3 matrix of a line has `(z0 + 2 z1) / 3` on its diagonal and
//! `(z0 - z1) / 3` elsewhere (Kersting, Distribution System Modeling and Analysis, chapter 4). The neutral is earthed at
//! every bus, as in the reference feeders: it is part of `z0`.

use num_complex::Complex64;

/// A feeder: a source, at most one transformer, and lines to loads, PV and storage.
#[derive(Clone, Debug)]
pub struct Feeder {
    /// What to call it.
    pub name: String,
    /// Where something is connected, or lines meet.
    pub buses: Vec<Bus>,
    /// What feeds it.
    pub source: Source,
    /// What the source feeds, if it does not feed the lines directly.
    pub transformer: Option<Transformer>,
    /// What connects buses.
    pub lines: Vec<Line>,
    /// What draws or feeds in power.
    pub connections: Vec<Connection>,
    /// What the reader had to assume, in words for people.
    pub notes: Vec<String>,
}

impl Feeder {
    /// The bus at which the lines begin: the transformer's low-voltage side, or the source.
    #[must_use]
    pub fn first_bus(&self) -> usize {
        self.transformer.as_ref().map_or(self.source.bus, |transformer| transformer.low)
    }
}

/// Where something is connected, or lines meet. It is named by its index elsewhere.
#[derive(Clone, Debug)]
pub struct Bus {
    /// What the data calls it.
    pub name: String,
    /// Nominal voltage between two phases, in volts.
    pub nominal_v: f64,
    /// Where it is, if the data says so. For maps alone: nothing is computed from it.
    pub place: Option<Place>,
}

/// A place on a flat map, from an origin and in units of the data's own: metres, unless lines' lengths contradict
/// (see `places`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// To the east.
    pub east: f64,
    /// To the north.
    pub north: f64,
}

impl Bus {
    /// Nominal voltage between a phase and earth, in volts: the base of every voltage in pu here.
    #[must_use]
    pub fn base_v(&self) -> f64 {
        self.nominal_v / 3_f64.sqrt()
    }
}

/// A balanced voltage behind a short-circuit impedance.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it feeds in.
    pub bus: usize,
    /// In pu of the bus's nominal voltage.
    pub voltage_pu: f64,
    /// Of phase A.
    pub angle_degrees: f64,
    /// Positive-sequence impedance, in ohms; nought for an infinite grid.
    pub z1: Complex64,
    /// Zero-sequence impedance, in ohms. It matters only where no delta winding comes after it.
    pub z0: Complex64,
}

/// A transformer with two windings, as its nameplate describes it.
#[derive(Clone, Debug)]
pub struct Transformer {
    /// What the data calls it.
    pub name: String,
    /// Bus of the source's side.
    pub high: usize,
    /// Bus of the lines' side.
    pub low: usize,
    /// Rated power of all three phases, in volt-amperes.
    pub rated_va: f64,
    /// Rated voltage between phases on the source's side, in volts, the tap included.
    pub high_v: f64,
    /// Rated voltage between phases on the lines' side, in volts, the tap included.
    pub low_v: f64,
    /// Short-circuit impedance in pu of the rated power and of `low_v`; the zero-sequence one is taken to be the same.
    pub short_circuit_pu: Complex64,
    /// Iron loss at rated voltage, in watts.
    pub iron_loss_w: f64,
    /// No-load current in pu of the rated one.
    pub no_load_current_pu: f64,
    /// How windings are connected.
    pub group: VectorGroup,
}

/// How the windings are connected. The star on the lines' side is earthed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorGroup {
    /// On the source's side.
    pub high: Winding,
    /// By how many times 30 degrees the low voltage lags: 5 in Dyn5.
    pub clock: u8,
}

/// How the winding on the source's side is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winding {
    /// It lets no zero-sequence current through.
    Delta,
    /// A star, earthed.
    Star,
}

/// A line or cable, or a closed switch between two buses (one without impedance).
#[derive(Clone, Debug)]
pub struct Line {
    /// What the data calls it.
    pub name: String,
    /// One end.
    pub from: usize,
    /// The other end.
    pub to: usize,
    /// How long it is, in metres, if the data says so. For maps alone: the impedances are of all of it.
    pub length_m: Option<f64>,
    /// Positive-sequence series impedance of all of it, in ohms.
    pub z1: Complex64,
    /// Zero-sequence series impedance of all of it, in ohms.
    pub z0: Complex64,
    /// Positive-sequence shunt susceptance of all of it, in siemens; half of it at each end.
    pub b1: f64,
    /// Zero-sequence shunt susceptance of all of it, in siemens.
    pub b0: f64,
    /// What it may carry, in amperes, if the data says so.
    pub max_current_a: Option<f64>,
}

/// What draws constant power from a bus, or feeds it in.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What the data calls it.
    pub name: String,
    /// Where.
    pub bus: usize,
    /// Between which phases and earth.
    pub phases: Phases,
    /// What it is.
    pub kind: Kind,
    /// Active power that it draws where its profile is one, in watts; negative: it feeds in.
    pub watts: f64,
    /// Reactive power that it draws where its profile is one, in var.
    pub vars: f64,
    /// What multiplies both from step to step; without one it draws the same always.
    pub profile: Option<String>,
}

/// Between which phases and earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phases {
    /// The first alone.
    A,
    /// The second alone.
    B,
    /// The third alone.
    C,
    /// All three, a third each.
    All,
}

/// What is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A load.
    Load,
    /// Photovoltaics or another generator.
    Pv,
    /// A battery.
    Storage,
}
