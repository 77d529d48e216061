//! CO2 of what was drawn, by the emission factor of the grid's mix.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use wattswap_matching::WattHours;

use super::value::Figure;

/// Direct CO2 of a kWh of Germany's mix in 2024, in g (Umweltbundesamt 2025, "Entwicklung der spezifischen
/// Treibhausgas-Emissionen des deutschen Strommix in den Jahren 1990 - 2024": 363 g/kWh, a first estimate).
pub const GRAMS_PER_KWH: i64 = 363;

/// What the energy from the grid emitted. Operation alone: PV counts as nought, and nothing is credited for what is fed
/// in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Emissions {
    /// [`GRAMS_PER_KWH`].
    pub grid_g_per_kwh: i64,
    /// Energy from the grid that no neighbour supplied, times the factor. Of a community, its import.
    pub co2_kg: Figure,
    /// The whole demand, times the factor: without roofs and batteries.
    pub co2_of_supplier_only_kg: Figure,
}

impl Emissions {
    /// Of so much energy from the grid, and so much demand.
    #[must_use]
    pub fn of(from_grid: WattHours, demand: WattHours) -> Self {
        Self { grid_g_per_kwh: GRAMS_PER_KWH, co2_kg: kilograms(from_grid), co2_of_supplier_only_kg: kilograms(demand) }
    }
}

/// To the gram.
fn kilograms(energy: WattHours) -> Figure {
    let exact = Decimal::from_i128_with_scale(i128::from(energy.0) * i128::from(GRAMS_PER_KWH), 6);
    Figure(exact.round_dp_with_strategy(3, RoundingStrategy::MidpointAwayFromZero).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let emissions = Emissions::of(WattHours(10_000), WattHours(12_345));
        assert_eq!(emissions.co2_kg.to_string(), "3.63");
        // 12.345 kWh * 363 g = 4481.235 g
        assert_eq!(emissions.co2_of_supplier_only_kg.to_string(), "4.481");
    }
}
