//! Who is served first: the one ordering rule of the market.
//!
//! Best price first, then the earlier `at`, then the smaller id. Price becomes a [`Rank`] and time an [`Arrival`];
//! each is ordered by the plain comparison that its derives write, and nothing else in the house compares orders.

use crate::band::PriceBand;
use crate::units::{Price, Side, UtcMillis};

/// How good the price of a resting order is for whoever takes it: 0 is the best that the band allows, each tick worse
/// counts one more. So the lowest ask and the highest bid both rank first, and a ladder of prices needs no side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rank(pub(crate) u32);

/// When an order came, against others of its price: the earlier `at` first, then the smaller id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival<Id> {
    /// When the order was made, by its maker's word.
    pub at: UtcMillis,
    /// The order's name.
    pub id: Id,
}

impl Rank {
    /// The rank of the best price.
    pub(crate) const BEST: Self = Self(0);

    /// Worse than every price of any band.
    pub(crate) const BEYOND: Self = Self(u32::MAX);

    /// The rank of an order on `side` at `price`, which must lie within the band.
    #[inline]
    pub(crate) fn of(band: PriceBand, side: Side, price: Price) -> Self {
        Self(match side {
            Side::Sell => price.0.wrapping_sub(band.floor().0) as u32,
            Side::Buy => band.cap().0.wrapping_sub(price.0) as u32,
        })
    }

    /// The price that has this rank on `side`.
    #[inline]
    pub(crate) fn price(self, band: PriceBand, side: Side) -> Price {
        Price(match side {
            Side::Sell => band.floor().0.wrapping_add_unsigned(self.0),
            Side::Buy => band.cap().0.wrapping_sub_unsigned(self.0),
        })
    }

    /// The first rank on `side` that a taker with limit `price` no longer accepts.
    #[inline]
    pub(crate) fn end(band: PriceBand, side: Side, price: Price) -> Self {
        let (best, worst) = match side {
            Side::Sell => (band.floor(), price),
            Side::Buy => (price, band.cap()),
        };
        Self(worst.0.saturating_sub(best.0).max(-1).wrapping_add(1) as u32)
    }

    /// One tick worse.
    #[inline]
    pub(crate) fn worse(self) -> Self {
        Self(self.0 + 1)
    }
}
