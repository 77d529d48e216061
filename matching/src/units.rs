//! Numbers with a unit. Only products that mean something exist; zero and negative prices are ordinary.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::time::Duration;

use rust_decimal::Decimal;

/// Energy in whole watt-hours. Signed, so that a net flow or an imbalance is the same kind of number as a trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WattHours(pub i64);

/// Power in whole watts, as a connection limit states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watts(pub u32);

/// A price per kWh, in ticks of the community's [`PriceScale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i32);

/// An exact amount in the community's currency. Never rounded here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub Decimal);

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMillis(pub u64);

/// A delivery interval, named by the instant at which it starts; its length is the community's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub UtcMillis);

/// Which way the energy goes, from the trader's point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// A bid: energy wanted.
    Buy,
    /// An ask: energy offered.
    Sell,
}

/// What one tick of [`Price`] is worth per kWh; the bridge between ticks and decimal money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceScale {
    tick: Decimal,
}

/// A decimal price that is not a whole number of ticks, or one beyond what a [`Price`] can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The price lies between two ticks; it is not rounded for you.
    #[error("{price} per kWh is not a multiple of the tick {tick}")]
    BetweenTicks {
        /// The price asked for.
        price: Decimal,
        /// The tick of the community.
        tick: Decimal,
    },
    /// The price does not fit.
    #[error("{0} per kWh is too far from zero to be a price")]
    OutOfRange(Decimal),
    /// A tick must be above zero.
    #[error("a price tick must be above zero, not {0}")]
    BadTick(Decimal),
}

impl PriceScale {
    /// A scale whose tick is worth `tick` per kWh.
    ///
    /// # Errors
    /// [`PriceError::BadTick`] unless the tick is above zero.
    pub fn new(tick: Decimal) -> Result<Self, PriceError> {
        if tick > Decimal::ZERO { Ok(Self { tick: tick.normalize() }) } else { Err(PriceError::BadTick(tick)) }
    }

    /// What one tick is worth per kWh.
    #[must_use]
    pub fn tick(self) -> Decimal {
        self.tick
    }

    /// The price in the currency, per kWh.
    #[must_use]
    pub fn decimal(self, price: Price) -> Decimal {
        Decimal::from(price.0) * self.tick
    }

    /// A decimal price per kWh as ticks, exactly.
    ///
    /// # Errors
    /// [`PriceError`] if it lies between two ticks or does not fit.
    pub fn price(self, per_kwh: Decimal) -> Result<Price, PriceError> {
        let ticks = per_kwh.checked_div(self.tick).ok_or(PriceError::OutOfRange(per_kwh))?;
        if !ticks.fract().is_zero() || ticks * self.tick != per_kwh {
            return Err(PriceError::BetweenTicks { price: per_kwh, tick: self.tick });
        }
        i32::try_from(ticks.trunc()).map(Price).map_err(|_| PriceError::OutOfRange(per_kwh))
    }

    /// What `energy` costs at `price`, exactly: ticks times tick times Wh, over 1000.
    #[must_use]
    pub fn cost(self, price: Price, energy: WattHours) -> Money {
        let tick_watt_hours = i128::from(price.0) * i128::from(energy.0);
        Money((Decimal::from_i128_with_scale(tick_watt_hours, 3) * self.tick).normalize())
    }
}

impl Side {
    /// The side that this one trades with.
    #[must_use]
    #[inline]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Whether an order of this side with limit `limit` would trade at `price`.
    #[must_use]
    pub fn accepts(self, limit: Price, price: Price) -> bool {
        match self {
            Self::Buy => price <= limit,
            Self::Sell => price >= limit,
        }
    }
}

impl WattHours {
    /// No energy.
    pub const ZERO: Self = Self(0);

    /// Whether there is any energy in the positive sense.
    #[must_use]
    #[inline]
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Less `other`, but never below zero.
    #[must_use]
    #[inline]
    pub fn less_at_least_zero(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

impl Watts {
    /// The energy that this power carries in `time`, rounded down to whole watt-hours.
    #[must_use]
    pub fn over(self, time: Duration) -> WattHours {
        let watt_milliseconds = u128::from(self.0) * time.as_millis();
        WattHours(i64::try_from(watt_milliseconds / 3_600_000).unwrap_or(i64::MAX))
    }
}

impl UtcMillis {
    /// The later instant; the end of time if it would lie beyond.
    #[must_use]
    #[inline]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The earlier instant; 1970 if it would lie before.
    #[must_use]
    #[inline]
    pub fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long it is since `earlier`; zero if that lies ahead.
    #[must_use]
    #[inline]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Slot {
    /// The instant at which delivery starts.
    #[must_use]
    #[inline]
    pub fn start(self) -> UtcMillis {
        self.0
    }
}

impl Add for WattHours {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for WattHours {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for WattHours {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for WattHours {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for WattHours {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for WattHours {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl fmt::Display for WattHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Wh", self.0)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}
