//! What a plan means to do in a slot, and what becomes of that when the slot turns out otherwise.
//!
//! A plan's set-point alone would draw from the grid whenever the sun shines less than expected. So a plan also says on
//! which side of the meter it means to be: differences may not take the home to the other side as long as the battery
//! can prevent it. The rule of self-consumption is the intent to be on neither side.

use wattswap_matching::WattHours;

/// On which side of the meter a slot is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grid {
    /// Energy is drawn.
    Import,
    /// Neither drawn nor fed in.
    Neither,
    /// Energy is fed in.
    Export,
}

/// What a plan means to do in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intent {
    /// What goes into the battery; negative: comes out of it. None if the plan is not about the battery.
    pub battery: Option<WattHours>,
    /// What the car gets; none if the plan is not about the car.
    pub car: Option<WattHours>,
    /// Where that leaves the meter.
    pub grid: Grid,
}

impl Intent {
    /// What comes out of the battery.
    pub fn discharge(&self) -> WattHours {
        WattHours::ZERO.less_at_least_zero(self.battery.unwrap_or_default())
    }
}

/// What the battery should take, or give if it is negative. `net` is what would be drawn without it, `intent` its
/// set-point, and `feed_in` the most that may be fed in.
///
/// It never feeds the grid, and draws from it only by intent; what must not be fed in, it takes in any case.
pub(super) fn wanted(net: WattHours, intent: Option<(WattHours, Grid)>, feed_in: Option<WattHours>) -> WattHours {
    let balancing = -net;
    let wanted = match intent {
        None | Some((_, Grid::Neither)) => balancing,
        Some((battery, Grid::Import)) => battery.max(balancing),
        Some((battery, Grid::Export)) => battery.min(balancing),
    };
    let feeds_nothing = balancing.min(WattHours::ZERO);
    let within_limit = feed_in.map_or(feeds_nothing, |limit| balancing - limit);
    wanted.max(feeds_nothing).max(within_limit)
}

/// What of a surplus that the battery left the car should take: all that the plan did not mean to feed in.
pub(super) fn spare(surplus: WattHours, intent: Option<&Intent>, feed_in: Option<WattHours>) -> WattHours {
    match (intent.map(|intent| intent.grid), feed_in) {
        (Some(Grid::Export), Some(limit)) => surplus.less_at_least_zero(limit),
        (Some(Grid::Export), None) => WattHours::ZERO,
        _ => surplus,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Net without the battery, its set-point and the meter's side, the feed-in limit, what it should take.
    const WANTED: [(i64, Option<(i64, Grid)>, Option<i64>, i64); 16] = [
        (300, None, None, -300),
        (-300, None, None, 300),
        (300, Some((-100, Grid::Neither)), None, -300),
        // It saves its energy for a dearer hour.
        (300, Some((0, Grid::Import)), None, 0),
        (300, Some((-100, Grid::Import)), None, -100),
        // Less is needed than it meant to give.
        (60, Some((-100, Grid::Import)), None, -60),
        // It charges from the grid; more sun than expected goes in as well.
        (300, Some((500, Grid::Import)), None, 500),
        (-700, Some((500, Grid::Import)), None, 700),
        // It leaves room for later; but draws nothing for that.
        (-700, Some((0, Grid::Export)), None, 0),
        (-700, Some((200, Grid::Export)), None, 200),
        (-100, Some((200, Grid::Export)), None, 100),
        (300, Some((0, Grid::Export)), None, -300),
        // A battery does not feed the grid.
        (-700, Some((-200, Grid::Export)), None, 0),
        (-700, Some((0, Grid::Export)), Some(600), 100),
        (-700, Some((-200, Grid::Export)), Some(900), 0),
        (100, Some((-200, Grid::Export)), Some(600), -100),
    ];

    #[test]
    fn differences_do_not_cross_the_meter() {
        for (net, intent, limit, expected) in WANTED {
            let intent = intent.map(|(battery, grid)| (WattHours(battery), grid));
            let wanted = wanted(WattHours(net), intent, limit.map(WattHours));
            assert_eq!(wanted, WattHours(expected), "{net} {intent:?} {limit:?}");
        }
    }
}
