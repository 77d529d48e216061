//! The market's rules as a scenario has them, and what energy is worth to a home under them.

use std::time::Duration;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::{Price, PriceBand, PriceScale, Side, WattHours};
use wattswap_node::protocol::autopilot::PriceLimits;
use wattswap_node::protocol::charter::{Fee, Shape};
use wattswap_node::protocol::settlement::Tariff;

use super::CantRun;
use crate::homes::Community;
use crate::market::season::input::Terms;

const HOUR: Duration = Duration::from_secs(3600);
/// Books open so long before delivery, and close so long after it.
const OPENING: Duration = Duration::from_secs(48 * 3600);
const GATE: Duration = HOUR;

/// What is alike for all homes.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) shape: Shape,
    /// What a tick is worth.
    pub(super) scale: PriceScale,
    fee: Decimal,
}

impl Rules {
    /// The rules of a community: its tick and its fee, and a price band that holds all that energy can be worth.
    pub(super) fn new(community: &Community) -> Result<Self, CantRun> {
        let market = &community.market;
        let (tick, fee) = (market.tick_eur_per_kwh.0, market.local_grid_fee_eur_per_kwh.0);
        let scale = PriceScale::new(tick).map_err(|_too_fine| CantRun::TooManyTicks)?;
        let slot_length = Duration::from_secs(60 * u64::from(community.calendar.slot_minutes));
        let (least, most) = extremes(community);
        let premium = market.local_premium_eur_per_kwh.0;
        let floor = ticks(least.min(Decimal::ZERO) - fee, tick, Decimal::floor)?;
        let cap = ticks(most.max(Decimal::ZERO) + premium, tick, Decimal::ceil)?;
        PriceBand::new(floor, cap).map_err(|_too_wide| CantRun::TooManyTicks)?;
        let grid =
            || Some(Fee { name: "grid".into(), payer: Side::Buy, per_kwh: ticks(fee, tick, Decimal::ceil).ok()? });
        let shape = Shape {
            currency: "EUR".into(),
            slot_length,
            delivery_time: slot_length,
            opening: OPENING,
            gate_millis: i64::try_from(GATE.as_millis()).expect("an hour"),
            price_tick: tick,
            quantity_tick: WattHours(1),
            smallest_fill: WattHours(market.smallest_fill_wh.into()),
            floor,
            cap,
            fees: (!fee.is_zero()).then(grid).flatten().into_iter().collect(),
        };
        Ok(Self { shape, scale, fee })
    }

    /// What a slot in which nothing is counted is about for a home with this premium and tariff. It buys no dearer than
    /// from its supplier, the fee included, and sells no cheaper than to it.
    pub(super) fn terms(&self, tariff: Tariff, premium: Decimal) -> Result<Terms, CantRun> {
        let tick = self.shape.price_tick;
        let buy_at_most = ticks(tariff.retail + premium - self.fee, tick, Decimal::floor)?;
        let sell_at_least = ticks(tariff.feed_in, tick, Decimal::ceil)?;
        let retail = ticks(tariff.retail, tick, Decimal::round)?;
        Ok(Terms { net: WattHours::ZERO, tariff, retail, limits: PriceLimits { sell_at_least, buy_at_most } })
    }
}

/// The lowest and the highest of all prices.
fn extremes(community: &Community) -> (Decimal, Decimal) {
    let days = 0..community.calendar.days.len();
    let all = (0..community.tariffs.len()).flat_map(|tariff| days.clone().map(move |day| (tariff, day)));
    let prices = all.flat_map(|(tariff, day)| community.prices(tariff, day));
    prices.fold((Decimal::ZERO, Decimal::ZERO), |(least, most), Tariff { retail, feed_in }| {
        (least.min(retail).min(feed_in), most.max(retail).max(feed_in))
    })
}

/// So many ticks, rounded.
fn ticks(amount: Decimal, tick: Decimal, round: impl Fn(&Decimal) -> Decimal) -> Result<Price, CantRun> {
    let exact = amount.checked_div(tick).ok_or(CantRun::TooManyTicks)?;
    round(&exact).to_i32().map(Price).ok_or(CantRun::TooManyTicks)
}
