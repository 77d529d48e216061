//! Whether a feeder's indices and values make sense, before anything is computed with them.
//!
//! Loops and buses that nothing leads to are found later, when the tree grows.

use num_complex::Complex64;

use super::feeder::{Feeder, Winding};

/// Why a feeder can't be solved.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum BadFeeder {
    /// There are two ways to a bus.
    #[error(
        "line {line} closes a loop at bus {bus}: only radial feeders can be solved; open a switch, or leave one line \
         of the loop out"
    )]
    Meshed {
        /// The one too many.
        line: String,
        /// Where it ends.
        bus: String,
    },
    /// There is no way to a bus.
    #[error("bus {bus} is not connected to the source: add a line, close a switch, or leave the bus out")]
    Unconnected {
        /// Which.
        bus: String,
    },
    /// A line or the source ends where there is no such bus.
    #[error("{what} names bus number {bus}, but there are {buses}: buses are counted from 0")]
    NoBus {
        /// Of what.
        what: String,
        /// The number.
        bus: usize,
        /// How many there are.
        buses: usize,
    },
    /// The source does not feed the transformer.
    #[error("the source feeds bus {bus}, but the transformer's high-voltage side is elsewhere: put the source there")]
    SourceElsewhere {
        /// Where it is.
        bus: String,
    },
    /// Something lies on the transformer's high-voltage side.
    #[error("{what} is at bus {bus}, before the transformer: only the source may be there")]
    BeforeTransformer {
        /// What.
        what: String,
        /// Where.
        bus: String,
    },
    /// A line joins two voltage levels.
    #[error("line {line} joins two nominal voltages at bus {bus}: a transformer belongs there")]
    TwoVoltages {
        /// Which.
        line: String,
        /// One of its ends.
        bus: String,
    },
    /// A value makes no sense.
    #[error("{what} at bus {bus} has a value that nothing can have: {why}")]
    BadValue {
        /// Of what.
        what: String,
        /// Where.
        bus: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// That every index and value makes sense.
pub(super) fn check(feeder: &Feeder) -> Result<(), BadFeeder> {
    let check = Check { feeder };
    check.source()?;
    check.transformer()?;
    check.lines()?;
    check.connections()
}

struct Check<'f> {
    feeder: &'f Feeder,
}

impl Check<'_> {
    fn source(&self) -> Result<(), BadFeeder> {
        let source = &self.feeder.source;
        let (what, bus) = ("the source", source.bus);
        self.exists(what, bus)?;
        self.sound(what, bus, positive(source.voltage_pu), "its voltage is not above 0")?;
        self.sound(what, bus, source.angle_degrees.is_finite(), "its angle")?;
        self.sound(what, bus, passive(source.z1) && passive(source.z0), "its impedance")?;
        let mut buses = self.feeder.buses.iter().enumerate();
        buses.try_for_each(|(number, bus)| {
            self.sound("the nominal voltage", number, positive(bus.nominal_v), "it is not above 0")
        })
    }

    fn transformer(&self) -> Result<(), BadFeeder> {
        let Some(transformer) = &self.feeder.transformer else { return Ok(()) };
        let what = format!("transformer {}", transformer.name);
        self.exists(&what, transformer.high)?;
        self.exists(&what, transformer.low)?;
        let sound = |ok, why| self.sound(&what, transformer.high, ok, why);
        let rated = [transformer.rated_va, transformer.high_v, transformer.low_v].into_iter().all(positive);
        sound(rated, "its rated power or voltage is not above 0")?;
        sound(passive(transformer.short_circuit_pu), "its short-circuit impedance")?;
        let amount = |value: f64| value >= 0.0 && value.is_finite();
        sound(amount(transformer.iron_loss_w) && amount(transformer.no_load_current_pu), "what its iron draws")?;
        sound(transformer.high != transformer.low, "both of its sides are here")?;
        sound(transformer.group.clock < 12, "its vector group's clock has hours from 0 to 11")?;
        let fits = (transformer.group.clock % 2 == 1) == (transformer.group.high == Winding::Delta);
        sound(fits, "a delta-star group has an odd hour, a star-star group an even one")?;
        let source = self.feeder.source.bus;
        if transformer.high == source { Ok(()) } else { Err(BadFeeder::SourceElsewhere { bus: self.name(source) }) }
    }

    fn lines(&self) -> Result<(), BadFeeder> {
        for line in &self.feeder.lines {
            let what = format!("line {}", line.name);
            self.after_transformer(&what, line.from)?;
            self.after_transformer(&what, line.to)?;
            let volts = |bus: usize| self.feeder.buses[bus].nominal_v;
            if volts(line.from).total_cmp(&volts(line.to)).is_ne() {
                return Err(BadFeeder::TwoVoltages { line: line.name.clone(), bus: self.name(line.to) });
            }
            self.sound(&what, line.from, passive(line.z1) && passive(line.z0), "its impedance")?;
            self.sound(&what, line.from, line.b1.is_finite() && line.b0.is_finite(), "its capacitance")?;
        }
        Ok(())
    }

    fn connections(&self) -> Result<(), BadFeeder> {
        self.feeder.connections.iter().try_for_each(|connection| {
            self.after_transformer(&connection.name, connection.bus)?;
            let finite = connection.watts.is_finite() && connection.vars.is_finite();
            self.sound(&connection.name, connection.bus, finite, "its power")
        })
    }

    fn exists(&self, what: &str, bus: usize) -> Result<(), BadFeeder> {
        let buses = self.feeder.buses.len();
        if bus < buses { Ok(()) } else { Err(BadFeeder::NoBus { what: what.to_owned(), bus, buses }) }
    }

    fn after_transformer(&self, what: &str, bus: usize) -> Result<(), BadFeeder> {
        self.exists(what, bus)?;
        match &self.feeder.transformer {
            Some(transformer) if transformer.high == bus => {
                Err(BadFeeder::BeforeTransformer { what: what.to_owned(), bus: self.name(bus) })
            }
            _ => Ok(()),
        }
    }

    fn sound(&self, what: &str, bus: usize, ok: bool, why: &'static str) -> Result<(), BadFeeder> {
        if ok { Ok(()) } else { Err(BadFeeder::BadValue { what: what.to_owned(), bus: self.name(bus), why }) }
    }

    fn name(&self, bus: usize) -> String {
        self.feeder.buses[bus].name.clone()
    }
}

fn positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// A finite impedance that makes no power.
fn passive(z: Complex64) -> bool {
    z.re >= 0.0 && z.is_finite()
}
