//! Batteries, cars and forecasts: how much a battery was used, whether cars could go where they went, and how far off a
//! home's forecasts were.

use wattswap_matching::WattHours;

use super::value::{Figure, ratio};
use crate::devices::Flows;
use crate::run::record::HomeSlot;

/// A battery's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatteryUse {
    through: WattHours,
}

impl BatteryUse {
    /// Adds a slot.
    pub fn add(&mut self, flows: &Flows) {
        self.through += flows.charged + flows.discharged;
    }

    /// Adds that of others.
    pub fn include(&mut self, other: &Self) {
        self.through += other.through;
    }

    /// Equivalent full cycles: `(charged + discharged) / (2 capacity)`, the energy throughput over that of one full
    /// charge and discharge. None without a battery.
    #[must_use]
    pub fn cycles(&self, capacity: Option<WattHours>) -> Option<Figure> {
        ratio(self.through.0, capacity?.0.checked_mul(2)?)
    }
}

/// A car's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarUse {
    driven: WattHours,
    missed: WattHours,
}

impl CarUse {
    /// Adds a slot.
    pub fn add(&mut self, flows: &Flows) {
        self.driven += flows.driven;
        self.missed += flows.missed;
    }

    /// Adds that of others.
    pub fn include(&mut self, other: &Self) {
        self.driven += other.driven;
        self.missed += other.missed;
    }

    /// Of the energy of all trips, what was in the car's battery when it left: `(driven - missed) / driven`. None
    /// without a trip.
    #[must_use]
    pub fn service(&self) -> Option<Figure> {
        ratio((self.driven - self.missed).0, self.driven.0)
    }
}

/// Sums over the slots for which there was a forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecasts {
    errors: WattHours,
    counted: WattHours,
}

impl Forecasts {
    /// Adds a home's slot.
    pub fn add(&mut self, home: &HomeSlot) {
        let Some(forecast) = home.forecast else { return };
        let net = home.flows.net();
        self.errors += (forecast - net).max(net - forecast);
        self.counted += net.max(-net);
    }

    /// Adds those of others.
    pub fn include(&mut self, other: &Self) {
        self.errors += other.errors;
        self.counted += other.counted;
    }

    /// The mean absolute error as a share of the mean absolute net energy, `sum |forecast - net| / sum |net|`, over the
    /// slots that had a forecast (the MAD/mean ratio of Kolassa and
    /// Schütz 2007). None without one.
    #[must_use]
    pub fn nmae(&self) -> Option<Figure> {
        ratio(self.errors.0, self.counted.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::home_slot;

    #[test]
    fn cycles_by_hand() {
        let mut battery = BatteryUse::default();
        for (charged, discharged) in [(4_000, 0), (1_000, 0), (0, 4_500)] {
            let (charged, discharged) = (WattHours(charged), WattHours(discharged));
            battery.add(&Flows { charged, discharged, ..Flows::default() });
        }
        assert_eq!(battery.cycles(Some(WattHours(5_000))), ratio(95, 100));
        let mut both = battery;
        both.include(&battery);
        assert_eq!(both.cycles(Some(WattHours(10_000))), ratio(95, 100));
        assert_eq!((battery.cycles(None), battery.cycles(Some(WattHours(0)))), (None, None));
    }

    #[test]
    fn a_car_s_service_by_hand() {
        let mut car = CarUse::default();
        assert_eq!(car.service(), None);
        for (driven, missed) in [(6_000, 0), (0, 0), (4_000, 1_000)] {
            let (driven, missed) = (WattHours(driven), WattHours(missed));
            car.add(&Flows { driven, missed, ..Flows::default() });
        }
        assert_eq!(car.service(), ratio(9, 10));
        let mut both = CarUse { driven: WattHours(10_000), missed: WattHours(5_000) };
        both.include(&car);
        assert_eq!(both.service(), ratio(14, 20));
    }

    #[test]
    fn forecast_errors_by_hand() {
        let mut forecasts = Forecasts::default();
        // (forecast, net): off by 20, by 50, and a slot without a forecast, which counts nowhere.
        for (forecast, net) in [(Some(120), 100), (Some(-150), -100), (None, 9_999)] {
            forecasts.add(&HomeSlot { forecast: forecast.map(WattHours), ..home_slot(net, 0, 0) });
        }
        assert_eq!(forecasts.nmae(), ratio(70, 200));
        let mut together = Forecasts::default();
        together.add(&HomeSlot { forecast: Some(WattHours(0)), ..home_slot(50, 0, 0) });
        together.include(&forecasts);
        assert_eq!(together.nmae(), ratio(120, 250));
        assert_eq!(Forecasts::default().nmae(), None);
    }
}
