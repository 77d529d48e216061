//! Made-up homes beside real ones: the groups that `wattswap-sim generate --compare` prints, and what must agree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use wattswap_matching::{UtcMillis, WattHours};

use super::statistics::{NAMES, Statistics, spread};
use super::table::{self, BadProfile, Reading, Stamp, Unit};
use super::{Column, Community, HomeDay, NoCommunity, Register};
use crate::grid::folder::{self, NoFeeder};
use crate::grid::profiles::columns_of;
use crate::grid::table::Table;
use crate::scenario::{BadScenario, Scenario};

const SLOT_MINUTES: i64 = 15;
const SLOT_MS: u64 = 15 * 60_000;
const SLOTS_PER_DAY: usize = 96;
/// The clocks of Germany, and those without summer time.
const BERLIN: &str = "Europe/Berlin";
const WINTER_TIME: &str = "Etc/GMT-1";
/// Roofs are compared by what a kW of them yields.
const KILOWATT: u32 = 1_000;

/// Profiles of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// What to call them.
    pub name: &'static str,
    /// Whether they are what homes need, or what a kW of roof yields.
    pub kind: Kind,
    /// Whether they are real, and say how much a home needs in a year.
    pub origin: Origin,
    /// Their figures.
    pub profiles: Vec<Statistics>,
}

/// What a profile is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What a home needs.
    Need,
    /// What a kW of roof yields.
    Pv,
}

/// Where profiles come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The generator.
    MadeUp,
    /// Measurements.
    Measured,
    /// Models of others, or means of many homes.
    Modelled,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum CantCompare {
    /// A table of profiles.
    #[error(transparent)]
    Profile(#[from] BadProfile),
    /// A feeder's folder.
    #[error(transparent)]
    Feeder(#[from] NoFeeder),
    /// The scenario that is made for it.
    #[error(transparent)]
    Scenario(#[from] BadScenario),
    /// The homes that are made up.
    #[error(transparent)]
    Community(#[from] NoCommunity),
}

/// Homes that are made up, all with PV, in days of 2016 in a time zone.
///
/// # Errors
/// [`CantCompare`].
pub fn generated(homes: u32, seed: u64, days: u32, zone: &str) -> Result<Community, CantCompare> {
    let text = format!(
        "name = \"made up\"\nseed = {seed}\n[period]\nfirst_day = \"2016-01-01\"\ndays = {days}\n\
         time_zone = \"{zone}\"\n[homes.generated]\ncount = {homes}\n\
         [pv]\nshare_percent = 100\npeak_w = [{KILOWATT}, {KILOWATT}]\n\
         [[tariffs]]\nname = \"flat\"\nretail_eur_per_kwh = \"0.32\"\nfeed_in_eur_per_kwh = \"0.08\"\n\
         [market]\nmechanism = \"none\"\n[[strategies]]\nname = \"passive\"\n"
    );
    let scenario = Scenario::parse(&PathBuf::from("made-up.toml"), text)?;
    Ok(Community::new(&scenario)?)
}

/// The figures of homes that are made up.
///
/// # Errors
/// [`CantCompare`].
pub fn made_up(homes: u32, seed: u64, days: u32) -> Result<Vec<Group>, CantCompare> {
    let profiles = |zone, of: fn(HomeDay) -> Vec<WattHours>| {
        let community = generated(homes, seed, days, zone)?;
        let home = |home| {
            let days: Vec<_> = (0..community.calendar.days.len()).map(|day| of(community.day(home, day))).collect();
            Statistics::of(&days, SLOT_MINUTES)
        };
        Ok::<_, CantCompare>((0..community.homes.len()).filter_map(home).collect())
    };
    let group = |name, kind, profiles| Group { name, kind, origin: Origin::MadeUp, profiles };
    // People live by the clock on the wall, the sun does not: as in the real tables, PV has the same hour all year.
    Ok(vec![
        group("made up", Kind::Need, profiles(BERLIN, |day| day.need)?),
        group("made up, PV", Kind::Pv, profiles(WINTER_TIME, |day| day.pv)?),
    ])
}

/// The figures of real homes: SimBench's households at the powers that they have in the grid rural2, the reference
/// households of VDI 4655 (per MWh a year), and PV of SimBench and of test reference years.
///
/// # Errors
/// [`CantCompare`].
pub fn real(data: &Path) -> Result<Vec<Group>, CantCompare> {
    let simbench = data.join("simbench_lv");
    let hisim = data.join("hisim_vdi4657");
    let households = simbench_households(&simbench)?;
    let all = |table: &Table| table::all(table, None);
    let families = |table: &Table| all(table).into_iter().filter(|(name, _)| name.contains("EFH")).collect();
    let file = |path: PathBuf, unit, wanted: &dyn Fn(&Table) -> Vec<_>| -> Result<Vec<Statistics>, CantCompare> {
        let columns = table::read(&path, &reading(unit), wanted)?;
        Ok(columns.values().filter_map(|column| statistics(column, KILOWATT.into())).collect())
    };
    let pv = file(simbench.join("pv_profiles_15min_2016.csv.gz"), Unit::Share, &all)?;
    let family = file(hisim.join("load_profiles_15min.csv.gz"), Unit::Watts, &families)?;
    let years = file(hisim.join("pv_profiles_15min_W_per_kWp.csv.gz"), Unit::Watts, &all)?;
    let group = |name, kind, origin, profiles| Group { name, kind, origin, profiles };
    Ok(vec![
        group("SimBench H0", Kind::Need, Origin::Measured, households),
        group("VDI 4655, 1 MWh", Kind::Need, Origin::Modelled, family),
        group("SimBench PV", Kind::Pv, Origin::Measured, pv),
        group("TRY PV", Kind::Pv, Origin::Modelled, years),
    ])
}

fn simbench_households(folder: &Path) -> Result<Vec<Statistics>, CantCompare> {
    let feeder = folder::read(&folder.join("rural2"))?;
    let households: Vec<(String, i64)> = (feeder.connections.iter())
        .filter_map(|connection| Some((connection.profile.clone()?, connection.watts.round() as i64)))
        .filter(|(profile, _)| profile.starts_with("H0"))
        .collect();
    let path = folder.join("load_profiles_15min_2016.csv.gz");
    let wanted = |table: &Table| {
        let column = |(name, _): &(String, i64)| Some((name.clone(), columns_of(table, &path, name)?[0].clone()));
        let mut columns: Vec<_> = households.iter().filter_map(column).collect();
        columns.sort_by(|one, other| one.0.cmp(&other.0));
        columns.dedup_by(|one, other| one.0 == other.0);
        columns
    };
    let columns = table::read(&path, &reading(Unit::Share), wanted)?;
    Ok(households.iter().filter_map(|(name, watts)| statistics(columns.get(name)?, *watts)).collect())
}

fn reading(unit: Unit) -> Reading {
    // A fixed place so that both SimBench's local times and stamps with a zone are read.
    let zone = TimeZone::get(BERLIN).expect("jiff brings the time zones with it");
    Reading { unit, zone, stamp: Stamp::Start, time: None }
}

/// The figures of a column whose unit is so many watts, in days of 96 rows.
fn statistics(column: &Arc<Column>, watts: i64) -> Option<Statistics> {
    let mut register = Register::new(0);
    register.add(Arc::clone(column), watts);
    let (start, end) = column.reach();
    let slots = register.slots((start.0..=end.0).step_by(usize::try_from(SLOT_MS).ok()?).map(UtcMillis));
    let days: Vec<Vec<WattHours>> = slots.chunks_exact(SLOTS_PER_DAY).map(<[WattHours]>::to_vec).collect();
    Statistics::of(&days, SLOT_MINUTES)
}

/// What the middle of made-up profiles may differ from: between the least and the most of the measured ones, and so many
/// thousandths beyond.
const LEEWAY: i64 = 150;

/// The first figures are of yield and power, the others of when.
const YIELD_FIGURES: usize = 3;

/// The figures whose middle lies outside of what real profiles of the same kind have; one line for each.
///
/// PV is compared with the test reference years as well. What it yields, with those alone: SimBench's roofs have 575 to 697
/// kWh a kW, those in Germany 950.
#[must_use]
pub fn outside(groups: &[Group]) -> Vec<String> {
    let mut lines = Vec::new();
    for made_up in groups.iter().filter(|group| group.origin == Origin::MadeUp) {
        let Some(middle) = spread(&made_up.profiles) else { continue };
        for (number, name) in NAMES.iter().enumerate() {
            let counts = |origin| match (made_up.kind, origin) {
                (_, Origin::MadeUp) => false,
                (Kind::Need, origin) => origin == Origin::Measured,
                (Kind::Pv, origin) => number >= YIELD_FIGURES || origin == Origin::Modelled,
            };
            let real = groups.iter().filter(|group| group.kind == made_up.kind && counts(group.origin));
            let all: Vec<Statistics> = real.flat_map(|group| group.profiles.clone()).collect();
            let Some([least, _, most]) = spread(&all).map(|spread| spread[number]) else { continue };
            let (from, to) = (least - least * LEEWAY / 1_000, most + most * LEEWAY / 1_000);
            let is = middle[number][1];
            if !(from..=to).contains(&is) {
                lines.push(format!("{}: {name} {is}, real ones {least} to {most}", made_up.name));
            }
        }
    }
    lines
}
