//! Two moments that are kept to be shown: the slot with most to trade, and one home's day with most trade.

use wattswap_matching::{Price, PriceScale, Side, WattHours};

use super::prices::Trades;
use super::series::At;
use crate::homes::{Community, Home};
use crate::market::mechanism::optimum::Optimum;
use crate::run::record::{HomeSlot, SettledSlot};

/// What a home would have traded in a slot: its net energy, as counted, and the worst price that still pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whether it needs energy or has some over.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// Per kWh, in ticks, rounded so that it never pays less.
    pub limit: Price,
}

/// The slot in which the optimum trades most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusySlot {
    /// When.
    pub at: At,
    /// What homes would have traded, in their order, by tariff and premium; a battery's own value is not in it.
    pub wishes: Vec<Wish>,
    /// The most that trades could have been worth.
    pub optimum: Optimum,
    /// What was traded.
    pub traded: Trades,
}

/// A day of one home, slot by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeDay {
    /// Which day.
    pub day: usize,
    /// Its slots.
    pub slots: Vec<HomeSlot>,
}

/// Keeps them while slots go by.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Whose day is kept: the first home with PV and battery, or PV, or just the first.
    pub home: usize,
    /// The slot.
    pub slot: Option<BusySlot>,
    day: Option<HomeDay>,
    today: HomeDay,
}

impl Moments {
    /// Chooses the home.
    #[must_use]
    pub fn new(community: &Community) -> Self {
        let equipment = |home: &Home| u8::from(home.has_pv()) * 2 + u8::from(home.battery.is_some());
        let best = community.homes.iter().map(equipment).max();
        let home = community.homes.iter().position(|home| Some(equipment(home)) == best).unwrap_or(0);
        Self { home, slot: None, day: None, today: HomeDay::default() }
    }

    /// Looks at a slot.
    pub fn add(&mut self, slot: &SettledSlot<'_>, community: &Community, scale: PriceScale) {
        if self.slot.as_ref().is_none_or(|kept| kept.optimum.volume < slot.optimum.volume) {
            let wishes = slot.homes.iter().zip(&community.homes).filter_map(|(counted, home)| {
                wish(counted, home, community.market.local_grid_fee_eur_per_kwh.0, scale)
            });
            self.slot = Some(BusySlot {
                at: At { day: slot.day, of_day: slot.of_day },
                wishes: wishes.collect(),
                optimum: slot.optimum,
                traded: Trades::of(slot.trades),
            });
        }
        if slot.day != self.today.day {
            self.end_day();
            self.today.day = slot.day;
        }
        self.today.slots.extend(slot.homes.get(self.home));
    }

    /// The day in which the home traded most, the first of equals; none without slots.
    #[must_use]
    pub fn day(mut self) -> Option<HomeDay> {
        self.end_day();
        self.day
    }

    fn end_day(&mut self) {
        let today = std::mem::take(&mut self.today);
        let better = self.day.as_ref().is_none_or(|kept| kept.traded() < today.traded());
        if better && !today.slots.is_empty() {
            self.day = Some(today);
        }
    }
}

impl HomeDay {
    fn traded(&self) -> WattHours {
        self.slots.iter().map(|slot| slot.bought + slot.sold).sum()
    }
}

/// A buyer gains up to the retail price and its premium, less the fee for the neighbours' grid; a seller down to the
/// feed-in tariff.
fn wish(counted: &HomeSlot, home: &Home, fee: rust_decimal::Decimal, scale: PriceScale) -> Option<Wish> {
    let net = counted.flows.net();
    let ticks = |per_kwh: rust_decimal::Decimal| per_kwh / scale.tick();
    let (side, limit) = if net.is_positive() {
        (Side::Buy, ticks(counted.tariff.retail + home.premium - fee).floor())
    } else {
        (Side::Sell, ticks(counted.tariff.feed_in).ceil())
    };
    let limit = Price(i32::try_from(limit).ok()?);
    (net.0 != 0).then(|| Wish { side, quantity: net.max(-net), limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::{Traded, community, scale};

    #[test]
    fn the_busiest_slot_and_day_are_kept() {
        let community = community("");
        let mut moments = Moments::new(&community);
        // (day, of day, what both the optimum and the home trade)
        for (day, of_day, volume) in [(0, 0, 100), (0, 1, 100), (1, 0, 150), (1, 1, 60), (2, 0, 200), (2, 1, 0)] {
            let mut traded = Traded::by_hand();
            traded.homes[0].bought = WattHours(volume);
            traded.optimum.volume = WattHours(volume);
            moments.add(&SettledSlot { day, of_day, ..traded.slot() }, &community, scale());
        }
        let busy = moments.slot.clone().unwrap();
        assert_eq!((busy.at, busy.optimum.volume), (At { day: 2, of_day: 0 }, WattHours(200)));
        let day = moments.day().unwrap();
        assert_eq!((day.day, day.slots.len()), (1, 2));
    }

    #[test]
    fn wishes_are_what_pays() {
        let mut community = community("");
        community.homes[0].premium = rust_decimal::Decimal::new(15, 3);
        let fee = rust_decimal::Decimal::new(4, 2);
        let homes = Traded::by_hand().homes;
        // 0.30 + 0.015 - 0.04, and 0.08.
        let of = |home: usize| wish(&homes[home], &community.homes[home], fee, scale());
        assert_eq!(of(0), Some(Wish { side: Side::Buy, quantity: WattHours(1_000), limit: Price(2_750) }));
        assert_eq!(of(1), Some(Wish { side: Side::Sell, quantity: WattHours(500), limit: Price(800) }));
    }
}
