//! For tests: home slots and a trade made by hand, and small communities.

use std::path::Path;

use rust_decimal::Decimal;
use wattswap_matching::{Money, Price, PriceScale, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::settlement::Tariff;

use crate::devices::Flows;
use crate::homes::Community;
use crate::market::mechanism::Trade;
use crate::market::mechanism::optimum::Optimum;
use crate::run::record::{HomeSlot, SettledSlot};
use crate::scenario::Scenario;

pub fn euros(text: &str) -> Money {
    Money(text.parse().expect("a decimal"))
}

pub fn tariff() -> Tariff {
    Tariff { retail: Decimal::new(30, 2), feed_in: Decimal::new(8, 2) }
}

pub fn scale() -> PriceScale {
    PriceScale::new(Decimal::new(1, 4)).expect("a tick")
}

/// A home whose meter counted `net`; what it paid is left open.
pub fn home_slot(net: i64, bought: i64, sold: i64) -> HomeSlot {
    let (need, pv) = (WattHours(net.max(0)), WattHours((-net).max(0)));
    HomeSlot {
        flows: Flows { need, pv, ..Flows::default() },
        forecast: None,
        bought: WattHours(bought),
        sold: WattHours(sold),
        paid: Money::default(),
        earned: Money::default(),
        fees: Money::default(),
        supplier: Money::default(),
        tariff: tariff(),
    }
}

/// A slot in which one home draws 1000 Wh and buys 300 of the 500 that another feeds in, at 0.20.
pub struct Traded {
    pub homes: Vec<HomeSlot>,
    pub trades: Vec<Trade>,
    pub optimum: Optimum,
}

impl Traded {
    pub fn by_hand() -> Self {
        let buys = HomeSlot { paid: euros("0.06"), supplier: euros("0.21"), ..home_slot(1_000, 300, 0) };
        let sells = HomeSlot { earned: euros("0.06"), supplier: euros("-0.016"), ..home_slot(-500, 0, 300) };
        let (price, quantity) = (Price(2_000), WattHours(300));
        Self {
            homes: vec![buys, sells],
            trades: vec![Trade { buyer: 0, seller: 1, price, quantity }],
            optimum: Optimum { volume: WattHours(500), surplus: 500 * 2_200, prices: None },
        }
    }

    pub fn slot(&self) -> SettledSlot<'_> {
        SettledSlot {
            number: 0,
            slot: Slot(UtcMillis(0)),
            day: 0,
            of_day: 0,
            homes: &self.homes,
            trades: &self.trades,
            optimum: self.optimum,
            surplus: 300 * 2_200,
        }
    }
}

/// Two made-up homes for three days; `feeder` is the scenario's table of that name, or nothing.
pub fn scenario(feeder: &str) -> Scenario {
    let text = format!(
        "name = \"By hand\"\nseed = 1\n[period]\nfirst_day = \"2026-06-08\"\ndays = 3\ntime_zone = \"Europe/Berlin\"\n\
         {feeder}\n[homes.generated]\ncount = 2\n[[tariffs]]\nname = \"flat\"\nretail_eur_per_kwh = \"0.30\"\n\
         feed_in_eur_per_kwh = \"0.08\"\n[market]\nmechanism = \"continuous\"\n[[strategies]]\nname = \"passive\"\n"
    );
    Scenario::parse(Path::new("by-hand.toml"), text).expect("a scenario")
}

pub fn community(feeder: &str) -> Community {
    Community::new(&scenario(feeder)).expect("made-up homes need no data")
}
