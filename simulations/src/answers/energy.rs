//! Energy: what is drawn, yielded, taken from the grid and given to it, and how much of it is one's own.
//!
//! For a home this is what its own meter counted. For a community the flows of a slot are added first, so that what one
//! member feeds in while another draws never leaves it.

use std::ops::Add;

use serde::Serialize;
use wattswap_matching::WattHours;

use super::value::{Figure, ratio};
use crate::devices::Flows;

/// The flows of a slot that count here, of a home or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// What is used, batteries left out.
    pub demand: WattHours,
    /// What roofs give.
    pub generation: WattHours,
    /// What roofs could have given beside it.
    pub curtailed: WattHours,
    /// What is drawn from the grid; negative is fed in.
    pub net: WattHours,
}

/// Sums over slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Energy {
    demand: WattHours,
    generation: WattHours,
    curtailed: WattHours,
    import: WattHours,
    export: WattHours,
    most_import: WattHours,
    most_export: WattHours,
}

/// What they come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnergyAnswers {
    /// What was used: needs, heat pumps and cars; not what batteries took.
    pub demand_wh: i64,
    /// What roofs gave, curtailed energy left out.
    pub generation_wh: i64,
    /// Drawn from the grid: the sum of all slots' net energy above zero.
    pub import_wh: i64,
    /// Fed in: the sum of all slots' net energy below zero.
    pub export_wh: i64,
    /// The highest import, as the mean power of a slot.
    pub peak_import_w: i64,
    /// The highest export, as the mean power of a slot.
    pub peak_export_w: i64,
    /// `(demand - import) / demand`: how much of the demand was met without the grid (Luthander et al. 2015, Applied
    /// Energy 142, their self-sufficiency, with storage). Below zero where a battery took more from the grid than it
    /// gave back. None without demand.
    pub self_sufficiency: Option<Figure>,
    /// `(generation - export) / generation`: how much of the yield was not fed in (the same source, their
    /// self-consumption; what a battery loses counts as consumed). None without generation.
    pub self_consumption: Option<Figure>,
    /// Yield that was held back since more must not be fed in.
    pub curtailed_wh: i64,
    /// `curtailed / (generation + curtailed)`. None without yield.
    pub curtailed_share: Option<Figure>,
}

impl From<&Flows> for Counted {
    fn from(flows: &Flows) -> Self {
        Self { demand: flows.demand(), generation: flows.generation(), curtailed: flows.curtailed, net: flows.net() }
    }
}

impl Add for Counted {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            demand: self.demand + other.demand,
            generation: self.generation + other.generation,
            curtailed: self.curtailed + other.curtailed,
            net: self.net + other.net,
        }
    }
}

impl Counted {
    /// What is drawn from the grid.
    #[must_use]
    pub fn import(&self) -> WattHours {
        self.net.max(WattHours::ZERO)
    }

    /// What is fed in.
    #[must_use]
    pub fn export(&self) -> WattHours {
        (-self.net).max(WattHours::ZERO)
    }
}

impl Energy {
    /// Adds a slot.
    pub fn add(&mut self, slot: &Counted) {
        let (import, export) = (slot.import(), slot.export());
        self.demand += slot.demand;
        self.generation += slot.generation;
        self.curtailed += slot.curtailed;
        self.import += import;
        self.export += export;
        self.most_import = self.most_import.max(import);
        self.most_export = self.most_export.max(export);
    }

    /// What was used.
    #[must_use]
    pub fn demand(&self) -> WattHours {
        self.demand
    }

    /// What was drawn from the grid.
    #[must_use]
    pub fn import(&self) -> WattHours {
        self.import
    }

    /// What it comes to, with slots of so many minutes.
    #[must_use]
    pub fn answers(&self, slot_minutes: u32) -> EnergyAnswers {
        EnergyAnswers {
            demand_wh: self.demand.0,
            generation_wh: self.generation.0,
            import_wh: self.import.0,
            export_wh: self.export.0,
            peak_import_w: mean_watts(self.most_import, slot_minutes),
            peak_export_w: mean_watts(self.most_export, slot_minutes),
            self_sufficiency: ratio((self.demand - self.import).0, self.demand.0),
            self_consumption: ratio((self.generation - self.export).0, self.generation.0),
            curtailed_wh: self.curtailed.0,
            curtailed_share: ratio(self.curtailed.0, (self.generation + self.curtailed).0),
        }
    }
}

/// The mean power of a slot's energy: exact, since scenarios have slots that divide the hour.
#[must_use]
pub fn mean_watts(energy: WattHours, slot_minutes: u32) -> i64 {
    energy.0.saturating_mul(60) / i64::from(slot_minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(need: i64, pv: i64, curtailed: i64, charged: i64, discharged: i64) -> Flows {
        let [need, pv, curtailed, charged, discharged] = [need, pv, curtailed, charged, discharged].map(WattHours);
        Flows { need, pv, curtailed, charged, discharged, ..Flows::default() }
    }

    fn answers<'f>(slots: impl IntoIterator<Item = Counted> + 'f) -> EnergyAnswers {
        let mut energy = Energy::default();
        slots.into_iter().for_each(|slot| energy.add(&slot));
        energy.answers(15)
    }

    #[test]
    fn a_home_by_hand() {
        // At noon it uses 200 of 1000, stores 300 and feeds in 450, since 50 are curtailed. In the evening it uses 600,
        // of which the battery gives 270.
        let home = answers([&flows(200, 1_000, 50, 300, 0), &flows(600, 0, 0, 0, 270)].map(Counted::from));
        let share = |part, whole| ratio(part, whole);
        let expected = EnergyAnswers {
            demand_wh: 800,
            generation_wh: 950,
            import_wh: 330,
            export_wh: 450,
            peak_import_w: 1_320,
            peak_export_w: 1_800,
            self_sufficiency: share(470, 800),
            self_consumption: share(500, 950),
            curtailed_wh: 50,
            curtailed_share: share(5, 100),
        };
        assert_eq!(home, expected);
    }

    #[test]
    fn without_demand_or_roof_there_is_no_share() {
        let nothing = answers([]);
        assert_eq!([nothing.self_sufficiency, nothing.self_consumption, nothing.curtailed_share], [None; 3]);
        let no_roof = answers([Counted::from(&flows(100, 0, 0, 0, 0))]);
        assert_eq!((no_roof.self_sufficiency, no_roof.self_consumption), (ratio(0, 1), None));
        // It only fills its battery.
        let no_demand = answers([Counted::from(&flows(0, 0, 0, 100, 0))]);
        assert_eq!((no_demand.self_sufficiency, no_demand.self_consumption), (None, None));
    }

    #[test]
    fn a_community_nets_the_flows_of_one_slot_and_not_of_two() {
        let (sunny, dark) = (flows(100, 700, 0, 0, 0), flows(400, 0, 0, 0, 0));
        let together = answers([Counted::from(&sunny) + Counted::from(&dark)]);
        assert_eq!((together.import_wh, together.export_wh), (0, 200));
        assert_eq!((together.self_sufficiency, together.self_consumption), (ratio(1, 1), ratio(5, 7)));
        let one_after_the_other = answers([Counted::from(&sunny), Counted::from(&dark)]);
        assert_eq!((one_after_the_other.import_wh, one_after_the_other.export_wh), (400, 600));
        assert_eq!(one_after_the_other.self_sufficiency, ratio(1, 5));
    }
}
