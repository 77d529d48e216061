//! Orders that a neighbourhood places: as much as real homes drew and fed in, each for a price of its own.

use std::time::Duration;

use wattswap_matching::{Price, Side, WattHours};

use super::profiles::Profiles;
use crate::network::Random;
use crate::network::founding::{EXPORT, IMPORT, usual_shape};

/// Orders are placed for so long.
pub const PLACED_WITHIN: Duration = Duration::from_secs(115);
/// The quarter of an hour of the week with which the first slot begins: nine in the morning, when some roofs give more
/// than their house needs and some less.
const FIRST_SLOT: usize = 3 * super::profiles::SLOTS_A_DAY + 36;
/// A home that has more than this places it in parts.
const LARGEST_ORDER: i64 = 150;
/// Parts at the most.
const MOST_PARTS: i64 = 4;
/// Homes leave less than this to the supplier.
const LEAST: i64 = 10;
/// What homes ask for and bid at least and at most, in ticks of 0.0001 EUR: between a feed-in tariff and a retail price.
const ASKS: (u64, u64) = (800, 2_400);
const BIDS: (u64, u64) = (1_400, 3_000);
/// Orders that their owner takes back, in a thousand.
const TAKEN_BACK: u64 = 100;

/// An order that somebody places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Who.
    pub home: usize,
    /// For which slot, counted from 0.
    pub slot: usize,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// The limit; it is also what the energy is worth to its owner.
    pub price: Price,
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is placed.
    Place,
    /// Its owner takes back what is left of it.
    Cancel,
}

/// One thing that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// When, from the start of trading.
    pub at: Duration,
    /// Number of the order.
    pub order: usize,
    /// What.
    pub what: What,
}

/// All orders, and what happens to them, in the order of time.
pub struct Flow {
    /// Slots that are traded, all of them from the start.
    pub slots: usize,
    /// By number.
    pub orders: Vec<Placed>,
    /// In the order of time.
    pub acts: Vec<Act>,
}

impl Flow {
    /// The orders of so many homes for so many slots.
    #[must_use]
    pub fn made(homes: usize, slots: usize, profiles: &Profiles, seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0xf10);
        let mut flow = Self { slots, orders: Vec::new(), acts: Vec::new() };
        for home in 0..homes {
            for slot in 0..slots {
                flow.place(home, slot, profiles.drawn(home, FIRST_SLOT + slot), &mut random);
            }
        }
        flow.acts.sort_by_key(|act| (act.at, act.order));
        flow
    }

    fn place(&mut self, home: usize, slot: usize, drawn: WattHours, random: &mut Random) {
        let (side, (least, most), connection) = match drawn.is_positive() {
            true => (Side::Buy, BIDS, IMPORT),
            false => (Side::Sell, ASKS, EXPORT),
        };
        let carries = connection.over(usual_shape().delivery_time);
        let price = Price(i32::try_from(random.between(least, most)).expect("thousands"));
        let wanted = drawn.0.abs().min(carries.0);
        let parts = (wanted / LARGEST_ORDER + 1).min(MOST_PARTS);
        let quantity = WattHours(wanted / parts);
        if quantity.0 < LEAST {
            return;
        }
        for _ in 0..parts {
            let order = self.orders.len();
            self.orders.push(Placed { home, slot, side, quantity, price });
            let at = within(Duration::ZERO, random);
            self.acts.push(Act { at, order, what: What::Place });
            if random.chance(TAKEN_BACK) {
                self.acts.push(Act { at: within(at, random), order, what: What::Cancel });
            }
        }
    }
}

/// A time from then until no more orders are placed.
fn within(from: Duration, random: &mut Random) -> Duration {
    let left = u64::try_from((PLACED_WITHIN - from).as_millis()).expect("two minutes");
    from + Duration::from_millis(1 + random.below(left.max(1)))
}
