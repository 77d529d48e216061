//! What a community comes to, in a few figures: what `wattswap-sim check` prints.

use std::fmt;

use wattswap_matching::WattHours;

use super::Community;

/// The figures of a community's period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many homes.
    pub homes: usize,
    /// How many slots.
    pub slots: usize,
    /// How many local days.
    pub days: usize,
    /// Homes with PV, battery, car and heat pump.
    pub with: [usize; 4],
    /// All roofs' power under full sun, in W.
    pub pv_peak_w: u64,
    /// What all batteries hold.
    pub batteries: WattHours,
    /// What is drawn whatever happens.
    pub need: WattHours,
    /// What heat pumps draw.
    pub heat_pumps: WattHours,
    /// What cars use on their trips.
    pub cars: WattHours,
    /// What roofs yield.
    pub pv: WattHours,
}

impl Summary {
    /// Goes through all homes and days.
    #[must_use]
    pub fn of(community: &Community) -> Self {
        let (homes, calendar) = (&community.homes, &community.calendar);
        let mut summary = Self {
            homes: homes.len(),
            slots: calendar.slots(),
            days: calendar.days.len(),
            with: [
                homes.iter().filter(|home| home.has_pv()).count(),
                homes.iter().filter(|home| home.battery.is_some()).count(),
                homes.iter().filter(|home| home.car.is_some()).count(),
                homes.iter().filter(|home| home.has_heat_pump()).count(),
            ],
            pv_peak_w: homes.iter().map(|home| u64::from(home.pv_peak.0)).sum(),
            batteries: homes.iter().filter_map(|home| home.battery).map(|battery| battery.capacity).sum(),
            ..Self::default()
        };
        for home in 0..homes.len() {
            for day in 0..calendar.days.len() {
                let day = community.day(home, day);
                summary.need += day.need.into_iter().sum();
                summary.heat_pumps += day.heat_pump.into_iter().sum();
                summary.pv += day.pv.into_iter().sum();
                summary.cars += day.trips.iter().map(|trip| trip.used).sum();
            }
        }
        summary
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [pv, batteries, cars, pumps] = self.with;
        writeln!(f, "period     {} days, {} slots", self.days, self.slots)?;
        writeln!(f, "homes      {}, which need {} kWh", self.homes, kwh(self.need))?;
        writeln!(f, "PV         {pv} homes, {} kW peak, yield {} kWh", kwh(peak(self.pv_peak_w)), kwh(self.pv))?;
        writeln!(f, "batteries  {batteries} homes, {} kWh", kwh(self.batteries))?;
        writeln!(f, "cars       {cars} homes, use {} kWh on trips", kwh(self.cars))?;
        write!(f, "heat pumps {pumps} homes, draw {} kWh", kwh(self.heat_pumps))
    }
}

fn peak(watts: u64) -> WattHours {
    WattHours(i64::try_from(watts).unwrap_or(i64::MAX))
}

/// Whole watt-hours in kWh, exactly.
fn kwh(energy: WattHours) -> String {
    format!("{}.{:03}", energy.0 / 1_000, energy.0.rem_euclid(1_000))
}
