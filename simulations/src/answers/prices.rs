//! What energy cost between neighbours: over all slots, and by the hour of the day.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::{Price, PriceScale, WattHours};

use super::value::{Figure, ratio};
use crate::market::mechanism::{Trade, worth};

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
