//! Zero-intelligence-plus traders (ZIP): Cliff, "Minimal-Intelligence Agents for Bargaining Behaviors in Market-Based
//! Environments", Hewlett-Packard Laboratories report HPL-97-91 (1997), and Cliff and Bruten, HPL-97-141 (1997).
//!
//! Each trader quotes its limit and a margin. What it hears gives it a target price, a little better or worse than what
//! was heard, and the margin moves towards that by the Widrow-Hoff rule with momentum. Published as real numbers; here
//! as integers, in millionths (margins, coefficients) and thousandths of a tick (prices), so that a seed gives the same
//! trace on every machine.

use wattswap_matching::{Price, Side};

use super::{Heard, Strategy, Trader, View};
use crate::network::Random;

/// One, in the unit of margins and coefficients.
const ONE: i64 = 1_000_000;
/// Thousandths of a tick.
const FINE: i64 = 1_000;
/// Learning rate beta, from 0.1 to 0.5.
const RATE: (u64, u64) = (100_000, 500_000);
/// Momentum gamma, from 0 to 0.1.
const MOMENTUM: (u64, u64) = (0, 100_000);
/// First margin, from 5 to 35 per cent of the limit.
const FIRST_MARGIN: (u64, u64) = (50_000, 350_000);
/// Targets differ from what was heard by up to 5 per cent of it, and up to 5 hundredths of a tick.
const RELATIVE: u64 = 50_000;
const ABSOLUTE: u64 = 50;
/// A seller asks at most so many times its cost: bounds what odd limits (zero, below zero) could do.
const MOST_MARGIN: i64 = 1_000 * ONE;

/// A trader that learns its margin.
#[derive(Clone, Copy, Debug)]
pub struct Zip {
    /// Quote = limit x (1 + margin): above zero for sellers, below for buyers, as in the paper.
    margin: i64,
    rate: i64,
    momentum: i64,
    /// The last change of the price, with momentum, in thousandths of a tick.
    change: i64,
}

impl Zip {
    /// A trader with coefficients of its own.
    #[must_use]
    pub fn new(trader: &Trader, random: &mut Random) -> Self {
        let mut between = |(low, high)| signed(random.between(low, high));
        let margin = between(FIRST_MARGIN);
        let margin = if trader.side == Side::Buy { -margin } else { margin };
        Self { margin, rate: between(RATE), momentum: between(MOMENTUM), change: 0 }
    }

    /// The price that the margin comes to, in thousandths of a tick.
    fn price(&self, trader: &Trader) -> i64 {
        let limit = i64::from(trader.limit.0) * FINE;
        limit + muldiv(limit, self.margin, ONE)
    }

    /// The price in ticks, rounded towards what is better for the trader: never beyond its limit.
    fn ticks(&self, trader: &Trader) -> i64 {
        let price = self.price(trader);
        match trader.side {
            Side::Buy => price.div_euclid(FINE),
            Side::Sell => -(-price).div_euclid(FINE),
        }
    }

    /// Moves the price towards `target`, and with it the margin.
    fn adjust(&mut self, trader: &Trader, target: i64) {
        let price = self.price(trader);
        let step = muldiv(target - price, self.rate, ONE);
        self.change = muldiv(self.change, self.momentum, ONE) + muldiv(step, ONE - self.momentum, ONE);
        let limit = i64::from(trader.limit.0) * FINE;
        if limit == 0 {
            return;
        }
        let margin = muldiv(price + self.change, ONE, limit) - ONE;
        // Of a limit below zero the same gain has the other sign.
        let (low, high) = match (trader.side, limit > 0) {
            (Side::Sell, true) | (Side::Buy, false) => (0, MOST_MARGIN),
            (Side::Buy, true) => (-ONE, 0),
            (Side::Sell, false) => (-MOST_MARGIN, 0),
        };
        self.margin = margin.clamp(low, high);
    }
}

impl Strategy for Zip {
    fn quote(&mut self, trader: &Trader, view: &View, _: &mut Random) -> Option<Price> {
        let ticks = self.ticks(trader);
        let (floor, cap) = (i64::from(view.band.floor().0), i64::from(view.band.cap().0));
        let price = Price(i32::try_from(ticks.clamp(floor, cap)).expect("a price of the band"));
        (view.band.contains(trader.limit) && trader.side.accepts(trader.limit, price)).then_some(price)
    }

    fn hear(&mut self, trader: &Trader, active: bool, heard: &Heard, random: &mut Random) {
        let own = self.ticks(trader);
        let last = i64::from(heard.price.0) * FINE;
        // Whether this trader would have dealt at that price, and whether it is undercut there; equal prices are both.
        let (sells, price) = (trader.side == Side::Sell, i64::from(heard.price.0));
        let (would_deal, is_undercut) = if sells { (own <= price, own >= price) } else { (own >= price, own <= price) };
        let competes = active && is_undercut;
        // What is better for the trader is upwards for a seller.
        let better = match heard.traded {
            true if would_deal => true,
            true if competes && heard.side != trader.side => false,
            false if competes && heard.side == trader.side => false,
            _ => return,
        };
        let up = better == (trader.side == Side::Sell);
        let relative = signed(random.between(0, RELATIVE));
        let absolute = signed(random.between(0, ABSOLUTE));
        let away = muldiv(last.abs(), relative, ONE) + absolute;
        self.adjust(trader, if up { last + away } else { last - away });
    }

    fn listens(&self) -> bool {
        true
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("it is drawn from a small range")
}

/// `a * b / c`, towards zero.
fn muldiv(a: i64, b: i64, c: i64) -> i64 {
    let product = i128::from(a) * i128::from(b) / i128::from(c);
    i64::try_from(product.clamp(i128::from(i64::MIN), i128::from(i64::MAX))).expect("it was clamped")
}
