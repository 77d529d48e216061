//! The community slot by slot: the only thing here that grows with the run, by a row of a few numbers a slot.

use wattswap_matching::WattHours;

use super::energy::Counted;
use super::prices::Trades;

/// When a slot is, as local clocks see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The local day, counted from the run's first.
    pub day: usize,
    /// Its place in the day.
    pub of_day: usize,
}

/// A slot of the community.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: At,
    /// Drawn from the grid by all together.
    pub import: WattHours,
    /// Fed in by all together.
    pub export: WattHours,
    /// Drawn by some while others fed it in, whoever had a contract with whom.
    pub shared: WattHours,
    /// The slot's trades.
    pub trades: Trades,
}

impl Row {
    /// Of what all homes counted together, and what they drew each for itself.
    #[must_use]
    pub fn new(at: At, together: &Counted, drawn: WattHours, trades: Trades) -> Self {
        let (import, export) = (together.import(), together.export());
        Self { at, import, export, shared: drawn - import, trades }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_what_some_draw_and_others_feed_in() {
        // (each home's net energy; import, export, shared)
        for (nets, expected) in [
            ([300, 500], [800, 0, 0]),
            ([300, -500], [0, 200, 300]),
            ([500, -300], [200, 0, 300]),
            ([-300, -500], [0, 800, 0]),
        ] {
            let homes = nets.map(|net| Counted { net: WattHours(net), ..Counted::default() });
            let drawn = homes.iter().map(Counted::import).sum();
            let row = Row::new(At { day: 0, of_day: 0 }, &(homes[0] + homes[1]), drawn, Trades::default());
            assert_eq!([row.import, row.export, row.shared], expected.map(WattHours), "{nets:?}");
        }
    }
}
