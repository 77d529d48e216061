//! The streets that are looked at, one function each.
//!
//! A proposal lives for 3 s here, clocks may differ by 1 s, and a proposal is sent again every 2 s. The instants of a
//! scenario are chosen around that: nothing that is due in between depends on when exactly it is.

use wattswap_matching::Side;

use super::properties::Mark;
use super::scenario::{Bounds, Deed, Order, Scenario};

const AT_ONCE: Bounds =
    Bounds { repeats: 0, pairs: 0, crashes: 0, restores: 0, clock_steps: 0, instants: 1, depth: None };

/// Each kind of fault once, together: that is finite only within so many actions.
const fn each_fault(instants: usize, depth: usize) -> Bounds {
    Bounds { repeats: 1, crashes: 1, restores: 1, clock_steps: 1, instants, depth: Some(depth), ..AT_ONCE }
}

fn sell(quantity: i64, price: i32) -> Deed {
    Deed::Place(Order { side: Side::Sell, quantity, price, expires: None })
}

fn buy(quantity: i64, price: i32) -> Deed {
    Deed::Place(Order { side: Side::Buy, quantity, price, expires: None })
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![crossing(), race(), cancel(), expiry(), gate(), clocks(), restore(), chain()]
}

/// One ask, one bid that crosses it.
fn crossing() -> Scenario {
    Scenario {
        name: "crossing",
        about: "two members: one sells, the other buys at a better price",
        homes: 2,
        deeds: vec![vec![sell(100, 1_000)], vec![buy(100, 1_100)]],
        before: vec![0, 0],
        instants: vec![0, 2_000],
        gate: None,
        bounds: Bounds { repeats: 1, pairs: 1, crashes: 1, ..AT_ONCE },
        long: vec![Bounds { repeats: 1, pairs: 1, crashes: 2, ..AT_ONCE }, each_fault(2, 8)],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::DoubtSurvived],
    }
}

/// Two buyers, one seller's last energy.
fn race() -> Scenario {
    Scenario {
        name: "race",
        about: "three members: two want the whole of what the third sells",
        homes: 3,
        deeds: vec![vec![sell(100, 1_000)], vec![buy(100, 1_000)], vec![buy(100, 1_000)]],
        before: vec![1, 0, 0],
        instants: vec![0],
        gate: None,
        bounds: Bounds { crashes: 1, ..AT_ONCE },
        long: vec![
            Bounds { pairs: 1, crashes: 1, ..AT_ONCE },
            Bounds { restores: 1, ..AT_ONCE },
            Bounds { clock_steps: 1, ..AT_ONCE },
            each_fault(1, 6),
        ],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::Refused],
    }
}

/// The maker's owner changes its mind.
fn cancel() -> Scenario {
    Scenario {
        name: "cancel",
        about: "two members: a cancel races with a proposal",
        homes: 2,
        deeds: vec![vec![sell(100, 1_000), Deed::Cancel(0)], vec![buy(60, 1_000), Deed::Cancel(0)]],
        before: vec![1, 0],
        instants: vec![0, 2_000],
        gate: None,
        bounds: Bounds { pairs: 1, crashes: 1, ..AT_ONCE },
        long: vec![Bounds { pairs: 1, crashes: 1, instants: 2, ..AT_ONCE }, each_fault(2, 7)],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::Refused, Mark::LetGo],
    }
}

/// Time runs out for a proposal.
fn expiry() -> Scenario {
    Scenario {
        name: "expiry",
        about: "two members: a proposal expires in the middle of anything",
        homes: 2,
        deeds: vec![vec![sell(100, 1_000)], vec![buy(100, 1_000)]],
        before: vec![1, 0],
        instants: vec![0, 2_999, 3_000, 3_002, 5_500],
        gate: None,
        bounds: Bounds { instants: 5, ..AT_ONCE },
        long: vec![Bounds { crashes: 1, instants: 5, ..AT_ONCE }, each_fault(5, 8)],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::TooLate, Mark::LetGo],
    }
}

/// Time runs out for a slot, and for an order.
fn gate() -> Scenario {
    let sells = Deed::Place(Order { side: Side::Sell, quantity: 100, price: 1_000, expires: Some(1_000) });
    Scenario {
        name: "gate",
        about: "two members: an order expires, and then the gate closes, in the middle of anything",
        homes: 2,
        deeds: vec![vec![sells], vec![buy(100, 1_000)]],
        before: vec![1, 0],
        instants: vec![0, 999, 1_000, 1_999, 2_000, 3_500],
        gate: Some(2_000),
        bounds: Bounds { instants: 6, ..AT_ONCE },
        long: vec![Bounds { crashes: 1, instants: 6, ..AT_ONCE }, each_fault(6, 8)],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::TooLate, Mark::LetGo],
    }
}

/// A clock is set wrong by more than clocks may differ.
fn clocks() -> Scenario {
    Scenario {
        name: "clocks",
        about: "two members: a clock steps forward or back by more than the skew",
        homes: 2,
        deeds: vec![vec![sell(100, 1_000)], vec![buy(100, 1_000)]],
        before: vec![1, 0],
        instants: vec![0, 3_002],
        gate: None,
        bounds: Bounds { clock_steps: 1, instants: 2, ..AT_ONCE },
        long: vec![Bounds { clock_steps: 1, crashes: 1, instants: 2, ..AT_ONCE }, each_fault(2, 9)],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::LetGo],
    }
}

/// An old disk turns up in the middle.
fn restore() -> Scenario {
    Scenario {
        name: "restore",
        about: "two members: an old copy takes the place of a disk, and its owner says so",
        homes: 2,
        deeds: vec![vec![sell(100, 1_000)], vec![buy(100, 1_000)]],
        before: vec![1, 0],
        instants: vec![0, 4_500, 9_000],
        gate: None,
        bounds: Bounds { restores: 1, instants: 2, ..AT_ONCE },
        long: vec![
            Bounds { restores: 1, pairs: 1, instants: 2, ..AT_ONCE },
            Bounds { restores: 1, crashes: 1, instants: 2, ..AT_ONCE },
            Bounds { restores: 1, clock_steps: 1, instants: 2, ..AT_ONCE },
            each_fault(2, 10),
        ],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::Restored],
    }
}

/// A household is maker and taker of one request: its bid and an ask were posted at the same time, so that it takes the
/// ask for the bid, while the bid rests for whoever else sells.
fn chain() -> Scenario {
    Scenario {
        name: "chain",
        about: "two members: an order is filled while its owner's take for it is in doubt",
        homes: 2,
        deeds: vec![vec![sell(100, 1_000), sell(60, 1_000)], vec![buy(100, 1_000)]],
        before: vec![0, 0],
        instants: vec![0, 2_000],
        gate: None,
        bounds: Bounds { pairs: 1, ..AT_ONCE },
        long: vec![Bounds { crashes: 1, ..AT_ONCE }, each_fault(2, 7)],
        must_reach: vec![Mark::Traded, Mark::BothHold, Mark::Refused, Mark::FilledInDoubt],
    }
}
