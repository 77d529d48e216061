//! At which price a trader quotes.
//!
//! A [`Strategy`] is asked for a price each time its trader looks at the market, and told of every quote and trade in
//! between. It knows its own limit and what all can see; how much to trade, and when to look, is not its business.
//! To add one: a file with a type and its `impl Strategy`, a variant of [`Kind`], and a line in [`Kind::made`]; see
//! [`Truthful`], which is the shortest.

mod autopilot;
mod ramp;
mod turns;
mod zi_c;
mod zip;

use wattswap_matching::{Price, PriceBand, Side};
use wattswap_node::protocol::autopilot::Depth;

pub use self::autopilot::Autopilot;
pub use self::ramp::Ramp;
pub use self::turns::{First, Turns};
pub use self::zi_c::ZiC;
pub use self::zip::Zip;
use crate::network::Random;

/// What a trader knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trader {
    /// Whether it buys or sells.
    pub side: Side,
    /// The worst price at which it would: its value, or its cost.
    pub limit: Price,
    /// The worst price at which it would do the opposite; the band's end for somebody who never would.
    pub other: Price,
}

/// What everybody can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The prices that may be quoted.
    pub band: PriceBand,
    /// The best bid that rests.
    pub best_bid: Option<Price>,
    /// The best ask that rests.
    pub best_ask: Option<Price>,
    /// All that is open on each side.
    pub depth: Depth,
    /// How much of the time to trade is over...
    pub elapsed: u64,
    /// ...of how much, in the same unit; above zero.
    pub whole: u64,
    /// Which slot or period it is, by number.
    pub round: u64,
}

/// Something that everybody hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Which side's quote it was.
    pub side: Side,
    /// The price that was quoted; of a trade, the one that was paid.
    pub price: Price,
    /// Whether it made a trade.
    pub traded: bool,
}

/// A rule by which one trader quotes.
pub trait Strategy: Send {
    /// The price to quote now, which must be within the band and no worse than the trader's limit; none to stay out.
    fn quote(&mut self, trader: &Trader, view: &View, random: &mut Random) -> Option<Price>;

    /// Learns from what was quoted or traded. `active`: whether the trader itself still has something to trade.
    fn hear(&mut self, _trader: &Trader, _active: bool, _heard: &Heard, _random: &mut Random) {}

    /// Whether it wants to [`hear`](Self::hear); who does not is not told.
    fn listens(&self) -> bool {
        false
    }
}

/// Quotes its limit, once and for all.
#[derive(Clone, Copy, Debug)]
pub struct Truthful;

impl Strategy for Truthful {
    fn quote(&mut self, trader: &Trader, view: &View, _: &mut Random) -> Option<Price> {
        view.band.contains(trader.limit).then_some(trader.limit)
    }
}

/// Never quotes: its supplier does it all.
#[derive(Clone, Copy, Debug)]
pub struct Passive;

impl Strategy for Passive {
    fn quote(&mut self, _: &Trader, _: &View, _: &mut Random) -> Option<Price> {
        None
    }
}

/// The strategies that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`ZiC`].
    ZiC,
    /// [`Zip`].
    Zip,
    /// [`Ramp`].
    Ramp,
    /// [`Truthful`].
    Truthful,
    /// [`Passive`].
    Passive,
    /// [`Autopilot`].
    Autopilot,
    /// [`Turns`].
    Turns(Turns),
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Turns(turns) => turns.fmt(f),
            other => f.write_str(other.name()),
        }
    }
}

impl Kind {
    /// All of them but the ideas of [`Turns`].
    pub const ALL: [Self; 6] = [Self::ZiC, Self::Zip, Self::Ramp, Self::Truthful, Self::Passive, Self::Autopilot];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ZiC => "zi-c",
            Self::Zip => "zip",
            Self::Ramp => "ramp",
            Self::Truthful => "truthful",
            Self::Passive => "passive",
            Self::Autopilot => "autopilot",
            Self::Turns(_) => "turns",
        }
    }

    /// The strategy of one trader.
    #[must_use]
    pub fn made(self, trader: &Trader, band: PriceBand, random: &mut Random) -> Box<dyn Strategy> {
        match self {
            Self::ZiC => Box::new(ZiC),
            Self::Zip => Box::new(Zip::new(trader, random)),
            Self::Ramp => Box::new(Ramp::default()),
            Self::Truthful => Box::new(Truthful),
            Self::Passive => Box::new(Passive),
            Self::Autopilot => Box::new(Autopilot::new(trader, band)),
            Self::Turns(turns) => Box::new(turns),
        }
    }
}
