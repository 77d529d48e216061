//! What it costs to have no centre: the same orders through one book, and through a neighbourhood of nodes.
//!
//! [`flow`] makes the orders from real profiles. [`central`] puts them into one book without any delay, and finds the
//! most that they could be worth together. [`neighbourhood`] gives them to households that run the production protocol
//! over a network with a delay and a loss, and counts what goes over it.

pub mod central;
pub mod flow;
pub mod neighbourhood;
pub mod plot;
pub mod profiles;

use std::time::Duration;

use self::central::Central;
use self::flow::Flow;
use self::neighbourhood::Neighbourhood;
use self::profiles::Profiles;

/// One run: how many households, and what the network does to their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Households, all of them members.
    pub homes: usize,
    /// Mean time on the way; each message draws its own, from half of it to one and a half.
    pub delay: Duration,
    /// Messages that are lost for good, in a thousand. A connection that repeats what was lost would only be late.
    pub loss: u64,
    /// Slots that are traded, all of them from the start.
    pub slots: usize,
    /// Decides the orders and the network.
    pub seed: u64,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Which.
    pub setting: Setting,
    /// Orders that were placed.
    pub orders: usize,
    /// Through one book.
    pub central: Central,
    /// Through the nodes.
    pub nodes: Neighbourhood,
}

/// Runs the same orders both ways.
#[must_use]
pub fn run(setting: Setting, profiles: &Profiles) -> Cost {
    let flow = Flow::made(setting.homes, setting.slots, profiles, setting.seed);
    let central = central::run(&flow);
    let nodes = neighbourhood::run(setting, &flow, &central);
    Cost { setting, orders: flow.orders.len(), central, nodes }
}

impl Cost {
    /// Surplus through the nodes, in hundredths of a per cent of that through one book.
    #[must_use]
    pub fn surplus_share(&self) -> i64 {
        share(self.nodes.surplus, self.central.surplus)
    }

    /// The same, of the most that was to be had.
    #[must_use]
    pub fn optimum_share(&self) -> i64 {
        share(self.nodes.surplus, self.central.optimum)
    }

    /// Traded energy through the nodes, in hundredths of a per cent of that through one book.
    #[must_use]
    pub fn volume_share(&self) -> i64 {
        share(self.nodes.volume.0, self.central.volume.0)
    }
}

/// In hundredths of a per cent; nothing of nothing is all of it.
fn share(part: i64, whole: i64) -> i64 {
    if whole == 0 { 10_000 } else { part * 10_000 / whole }
}
