//! Settles the slots of a community by a call among what the meters counted: enough to have trades, and known by hand to
//! reach the optimum. Batteries follow their owner's surplus. The run itself is not this one's business.

use wattswap_matching::{Limit, Money, Price, PriceScale, Side, Trader, WattHours};
use wattswap_node::protocol::settlement::Tariff;
use wattswap_simulations::devices::Flows;
use wattswap_simulations::homes::{Community, Home, HomeDay};
use wattswap_simulations::market::mechanism::optimum::MeritOrder;
use wattswap_simulations::run::record::{HomeSlot, Observer, SettledSlot};
use wattswap_simulations::scenario::document::Mechanism;

/// Goes through all slots, and tells the observers.
pub fn run(community: &Community, observers: &mut [&mut dyn Observer]) {
    let scale = PriceScale::new(community.market.tick_eur_per_kwh.0).expect("a tick above zero");
    let mut stored = vec![WattHours::ZERO; community.homes.len()];
    let mut number = 0;
    for (day, of) in community.calendar.days.iter().enumerate() {
        let days: Vec<HomeDay> = (0..community.homes.len()).map(|home| community.day(home, day)).collect();
        let prices: Vec<Vec<Tariff>> = community.homes.iter().map(|home| community.prices(home.tariff, day)).collect();
        for of_day in 0..of.slots {
            let slot = community.calendar.slot(of, of_day);
            let mut homes: Vec<HomeSlot> = community
                .homes
                .iter()
                .zip(days.iter().zip(&prices))
                .zip(&mut stored)
                .map(|((home, (day, prices)), stored)| {
                    let flows = flows(home, day, of_day, stored, community.calendar.slot_minutes);
                    alone(flows, prices[of_day])
                })
                .collect();
            let limits: Vec<Limit> = homes
                .iter()
                .zip(&community.homes)
                .enumerate()
                .filter_map(|(at, (slot, home))| limit(at, slot, home, community, scale))
                .collect();
            let mut trades = Vec::new();
            let optimum = MeritOrder::default().clear(limits, &mut trades);
            if community.market.mechanism == Mechanism::None {
                trades.clear();
            }
            for trade in &trades {
                let worth = scale.cost(trade.price, trade.quantity);
                let fee =
                    community.market.local_grid_fee_eur_per_kwh.0 * rust_decimal::Decimal::new(trade.quantity.0, 3);
                let buyer = &mut homes[trade.buyer as usize];
                buyer.bought += trade.quantity;
                buyer.paid = buyer.paid + worth;
                buyer.fees = buyer.fees + Money(fee);
                let seller = &mut homes[trade.seller as usize];
                seller.sold += trade.quantity;
                seller.earned = seller.earned + worth;
            }
            for home in &mut homes {
                home.supplier = home.tariff.cost(home.flows.net() - home.bought + home.sold);
            }
            let surplus = if trades.is_empty() { 0 } else { optimum.surplus };
            let (homes, trades) = (&homes[..], &trades[..]);
            let settled = SettledSlot { number, slot, day, of_day, homes, trades, optimum, surplus };
            observers.iter_mut().for_each(|observer| observer.settled(&settled));
            number += 1;
        }
    }
}

/// The battery takes what is over and gives what is missing, as far as it can.
fn flows(home: &Home, day: &HomeDay, of_day: usize, stored: &mut WattHours, slot_minutes: u32) -> Flows {
    let (need, heat_pump, pv) = (day.need[of_day], day.heat_pump[of_day], day.pv[of_day]);
    let mut flows = Flows { need, heat_pump, pv, ..Flows::default() };
    if let Some(battery) = home.battery {
        let most = WattHours(i64::from(battery.power.0) * i64::from(slot_minutes) / 60);
        let over = -flows.net();
        if over.is_positive() {
            flows.charged = over.min(most).min(battery.capacity - *stored);
        } else {
            flows.discharged = (-over).min(most).min(*stored);
        }
        *stored += flows.charged - flows.discharged;
        flows.stored = *stored;
    }
    flows
}

/// What a home counted, before anybody has traded.
fn alone(flows: Flows, tariff: Tariff) -> HomeSlot {
    HomeSlot {
        flows,
        forecast: None,
        bought: WattHours::ZERO,
        sold: WattHours::ZERO,
        paid: Money::default(),
        earned: Money::default(),
        fees: Money::default(),
        supplier: Money::default(),
        tariff,
    }
}

fn limit(at: usize, slot: &HomeSlot, home: &Home, community: &Community, scale: PriceScale) -> Option<Limit> {
    let net = slot.flows.net();
    let fee = community.market.local_grid_fee_eur_per_kwh.0;
    let (side, per_kwh) = if net.is_positive() {
        (Side::Buy, slot.tariff.retail + home.premium - fee)
    } else {
        (Side::Sell, slot.tariff.feed_in)
    };
    let price: Price = scale.price(per_kwh).expect("tariffs, premiums and fees are whole ticks");
    let trader = Trader(u32::try_from(at).expect("few homes"));
    (net.0 != 0).then_some(Limit { trader, side, price, quantity: WattHours(net.0.abs()) })
}
