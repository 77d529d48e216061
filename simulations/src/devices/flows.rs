//! What flows in a home: what its devices make of a slot.

use wattswap_matching::WattHours;

/// The energy that flows in a home in one slot, as its devices would count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// What is drawn whatever happens; without battery, car and heat pump.
    pub need: WattHours,
    /// What the heat pump draws.
    pub heat_pump: WattHours,
    /// What the car's charger draws.
    pub car: WattHours,
    /// What the car used on a trip that ended with this slot.
    pub driven: WattHours,
    /// What of that was not in its battery when it left.
    pub missed: WattHours,
    /// What the roof could yield.
    pub pv: WattHours,
    /// What of that is not let out of the roof, since more must not be fed in.
    pub curtailed: WattHours,
    /// What goes into the battery.
    pub charged: WattHours,
    /// What comes out of it.
    pub discharged: WattHours,
    /// What the battery holds when the slot is over.
    pub stored: WattHours,
}

impl Flows {
    /// What the grid meter counts: what is drawn from the street; negative is fed in.
    #[must_use]
    pub fn net(&self) -> WattHours {
        self.demand() + self.charged - self.discharged - self.generation()
    }

    /// What the home uses, its battery left out.
    #[must_use]
    pub fn demand(&self) -> WattHours {
        self.need + self.heat_pump + self.car
    }

    /// What the roof gives.
    #[must_use]
    pub fn generation(&self) -> WattHours {
        self.pv - self.curtailed
    }
}
