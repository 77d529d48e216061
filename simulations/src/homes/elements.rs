//! Homes at the elements of a feeder's folder: who lives at which bus with what, and which profile it follows.
//!
//! In SimBench a load is a consumer, a heat pump or a charging point, by the name of its profile, and a "storage" is a
//! battery together with the PV that charges it: its power is the PV's, its profile `Storage_PV8_L1-A` belongs to PV8.

use std::collections::BTreeMap;
use std::path::Path;

use wattswap_matching::{WattHours, Watts};

use super::home::Battery;
use crate::grid::feeder::{Connection, Feeder, Kind};
use crate::grid::table::{BadTable, Table};

/// Loads whose profiles begin so are charging points.
const CHARGING: [&str; 2] = ["HLS_", "APLS_"];
/// Loads whose profiles begin so are heat pumps.
const HEATING: [&str; 2] = ["Air_", "Soil_"];
/// How profiles of storage begin.
const STORAGE: &str = "Storage_";
/// What SimBench's batteries give back if its table does not say.
const ROUND_TRIP_PERCENT: u8 = 95;

/// A home, by numbers of the feeder's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Elements {
    /// Where it is connected: its consumer, or what there is without one.
    pub connection: usize,
    pub need: Vec<Element>,
    pub heat_pump: Vec<Element>,
    pub pv: Vec<Element>,
    pub battery: Option<Battery>,
}

/// Something that follows a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub profile: String,
    /// What the profile is a share of.
    pub watts: i64,
}

/// What a connection is for its home.
enum Role {
    Consumer,
    Charging,
    Heating,
    Pv,
    Storage,
}

/// All homes of a feeder, in the order of its consumers. At a bus with several consumers, the first has the rest; at a
/// bus without any, the rest is a home of its own.
pub(super) fn homes(feeder: &Feeder, folder: &Path) -> Result<Vec<Elements>, BadTable> {
    let batteries = batteries(folder)?;
    let mut homes: Vec<Elements> = Vec::new();
    let mut first_at: BTreeMap<usize, usize> = BTreeMap::new();
    let followed = |connection: &Connection| connection.profile.clone();
    let roles: Vec<(usize, &Connection, String, Role)> = (feeder.connections.iter().enumerate())
        .filter_map(|(number, connection)| {
            let profile = followed(connection)?;
            let role = role(connection.kind, &profile);
            Some((number, connection, profile, role))
        })
        .collect();
    for (number, connection, profile, _) in roles.iter().filter(|(.., role)| matches!(role, Role::Consumer)) {
        first_at.entry(connection.bus).or_insert(homes.len());
        let need = vec![element(connection, profile)];
        homes.push(Elements { connection: *number, need, ..Elements::default() });
    }
    for (number, connection, profile, role) in &roles {
        if matches!(role, Role::Consumer) {
            continue;
        }
        let place = *first_at.entry(connection.bus).or_insert_with(|| {
            homes.push(Elements { connection: *number, ..Elements::default() });
            homes.len() - 1
        });
        let home = &mut homes[place];
        match role {
            Role::Consumer | Role::Charging => home.need.push(element(connection, profile)),
            Role::Heating => home.heat_pump.push(element(connection, profile)),
            Role::Pv => home.pv.push(element(connection, profile)),
            Role::Storage => {
                home.pv.push(element(connection, pv_of(profile)));
                if let Some(battery) = batteries.get(&connection.name) {
                    home.battery = Some(home.battery.map_or(*battery, |other| other.with(*battery)));
                }
            }
        }
    }
    Ok(homes)
}

fn element(connection: &Connection, profile: &str) -> Element {
    Element { profile: profile.to_owned(), watts: whole_watts(connection.watts.abs()) }
}

/// The grid's floats end here.
fn whole_watts(watts: f64) -> i64 {
    let whole = watts.round();
    // Beyond a gigawatt it would be no home; the conversion is exact below that.
    if (0.0..1e9).contains(&whole) { whole as i64 } else { 0 }
}

fn role(kind: Kind, profile: &str) -> Role {
    let begins = |with: &[&str]| with.iter().any(|start| profile.starts_with(start));
    match kind {
        Kind::Pv => Role::Pv,
        Kind::Storage => Role::Storage,
        Kind::Load if begins(&CHARGING) => Role::Charging,
        Kind::Load if begins(&HEATING) => Role::Heating,
        Kind::Load => Role::Consumer,
    }
}

/// The profile of the PV in a storage's profile `Storage_PV8_L1-A`.
fn pv_of(profile: &str) -> &str {
    profile.strip_prefix(STORAGE).and_then(|rest| rest.split('_').next()).unwrap_or(profile)
}

/// The batteries of a SimBench folder by the names of its storages.
fn batteries(folder: &Path) -> Result<BTreeMap<String, Battery>, BadTable> {
    let path = folder.join("storage.csv");
    let mut batteries = BTreeMap::new();
    if !path.exists() {
        return Ok(batteries);
    }
    let table = Table::open(&path)?;
    let [name, power, capacity] = [table.column("name")?, table.column("p_mw")?, table.column("max_e_mwh")?];
    let efficiency = table.optional("efficiency_percent");
    for row in table.rows() {
        let row = row?;
        let capacity = row.amount(&capacity, "an energy in MWh, such as 0.01")?;
        let power = row.number(&power, "a power in MW, such as -0.005")?.abs();
        let share = match &efficiency {
            Some(column) => row.positive(column, "an efficiency, such as 0.95")?,
            None => f64::from(ROUND_TRIP_PERCENT),
        };
        // The column's name says percent; SimBench writes shares.
        let percent = if share <= 1.0 { share * 100.0 } else { share };
        let battery = Battery {
            capacity: WattHours(whole_watts(capacity * 1e6)),
            power: Watts(u32::try_from(whole_watts(power * 1e6)).unwrap_or(u32::MAX)),
            round_trip_percent: u8::try_from(whole_watts(percent)).unwrap_or(100).min(100),
        };
        batteries.insert(row.text(&name).to_owned(), battery);
    }
    Ok(batteries)
}
