//! What energy cost between neighbours: over all slots, and by the hour of the day.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::{Price, PriceScale, WattHours};

use super::value::{Figure, ratio};
use crate::market::mechanism::{Trade, worth};

/// A duration curve is written down in so many steps.
const STEPS: usize = 20;

/// Trades that are looked at together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trades {
    quantity: WattHours,
    /// In ticks times Wh. A year of a thousand homes has some 10^13 of them, which an `i64` holds.
    worth: i64,
    extremes: Option<(Price, Price)>,
}

/// What trades between neighbours cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceAnswers {
    /// Energy that changed hands, what was sold on included.
    pub traded_wh: i64,
    /// `sum price * quantity / sum quantity`. None without trades.
    pub mean_price_eur_per_kwh: Option<Figure>,
    /// The lowest price of a trade.
    pub lowest_price_eur_per_kwh: Option<Figure>,
    /// The highest price of a trade.
    pub highest_price_eur_per_kwh: Option<Figure>,
}

/// How prices are spread over the day and over slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceCurve {
    /// The trades of each local hour of the day, from 0 to 23.
    pub by_hour_of_day: Vec<PriceAnswers>,
    /// The slots' mean prices, the dearest first: those at 0, 5, .. 100 % of the slots with trades. Empty without trades.
    pub duration_eur_per_kwh: Vec<Figure>,
}

impl PriceCurve {
    /// Of the hours' trades and the slots' mean prices.
    #[must_use]
    pub fn of(hours: &[Trades], slots: impl Iterator<Item = Figure>, scale: PriceScale) -> Self {
        let mut prices: Vec<Figure> = slots.collect();
        prices.sort_unstable_by(|one, other| other.cmp(one));
        let last = prices.len().checked_sub(1);
        let steps = last.into_iter().flat_map(|last| (0..=STEPS).map(move |step| step * last / STEPS));
        Self {
            by_hour_of_day: hours.iter().map(|hour| hour.answers(scale)).collect(),
            duration_eur_per_kwh: steps.map(|slot| prices[slot]).collect(),
        }
    }
}

impl Trades {
    /// Of a slot.
    #[must_use]
    pub fn of(trades: &[Trade]) -> Self {
        let mut sums = Self::default();
        for trade in trades {
            sums.quantity += trade.quantity;
            sums.worth = sums.worth.saturating_add(worth(trade.price, trade.quantity));
            sums.widen(trade.price, trade.price);
        }
        sums
    }

    /// Adds others.
    pub fn include(&mut self, other: &Self) {
        self.quantity += other.quantity;
        self.worth = self.worth.saturating_add(other.worth);
        if let Some((low, high)) = other.extremes {
            self.widen(low, high);
        }
    }

    /// Energy that changed hands.
    #[must_use]
    pub fn quantity(&self) -> WattHours {
        self.quantity
    }

    /// The mean price, each trade's weighted by its quantity.
    #[must_use]
    pub fn mean(&self, scale: PriceScale) -> Option<Figure> {
        ratio(Decimal::from(self.worth) * scale.tick(), self.quantity.0)
    }

    /// What it comes to.
    #[must_use]
    pub fn answers(&self, scale: PriceScale) -> PriceAnswers {
        let figure = |price| Figure(scale.decimal(price).normalize());
        PriceAnswers {
            traded_wh: self.quantity.0,
            mean_price_eur_per_kwh: self.mean(scale),
            lowest_price_eur_per_kwh: self.extremes.map(|(low, _)| figure(low)),
            highest_price_eur_per_kwh: self.extremes.map(|(_, high)| figure(high)),
        }
    }

    fn widen(&mut self, low: Price, high: Price) {
        let (lowest, highest) = self.extremes.unwrap_or((low, high));
        self.extremes = Some((lowest.min(low), highest.max(high)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::scale;

    #[test]
    fn a_curve_by_hand() {
        let cents = |cents: i64| Figure(Decimal::new(cents, 2));
        let curve = PriceCurve::of(&[Trades::default(); 2], (0..41).map(cents), scale());
        assert_eq!(curve.by_hour_of_day.len(), 2);
        assert_eq!(curve.duration_eur_per_kwh, (0..=20).map(|step| cents(40 - 2 * step)).collect::<Vec<_>>());
        assert_eq!(PriceCurve::of(&[], std::iter::once(cents(7)), scale()).duration_eur_per_kwh, [cents(7); 21]);
        assert_eq!(PriceCurve::of(&[], std::iter::empty(), scale()).duration_eur_per_kwh, []);
    }

    #[test]
    fn by_hand() {
        let trade = |price, quantity| Trade { buyer: 0, seller: 1, price: Price(price), quantity: WattHours(quantity) };
        let mut trades = Trades::of(&[trade(2_000, 300), trade(1_000, 100)]);
        trades.include(&Trades::of(&[trade(-500, 100)]));
        let figure = |text: &str| Some(Figure(text.parse().unwrap()));
        let expected = PriceAnswers {
            traded_wh: 500,
            // 0.2 * 300 + 0.1 * 100 - 0.05 * 100, over 500
            mean_price_eur_per_kwh: figure("0.13"),
            lowest_price_eur_per_kwh: figure("-0.05"),
            highest_price_eur_per_kwh: figure("0.2"),
        };
        assert_eq!(trades.answers(scale()), expected);
        let none = Trades::of(&[]).answers(scale());
        assert_eq!([none.mean_price_eur_per_kwh, none.lowest_price_eur_per_kwh], [None, None]);
    }
}
