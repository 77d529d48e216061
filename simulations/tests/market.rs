//! What holds of every market, whoever trades in it: limits, the optimum as a bound, residuals, and one trace a seed.

use proptest::prelude::*;
use wattswap_matching::{Book, Limit, Order, Price, PriceBand, Side, Slot, Trader, UtcMillis, WattHours, auction};
use wattswap_simulations::market::laboratory;
use wattswap_simulations::market::mechanism::optimum::MeritOrder;
use wattswap_simulations::market::mechanism::{Trade, call, gain};
use wattswap_simulations::market::season::input::{HomeInput, Neighbourhood};
use wattswap_simulations::market::season::{self, Setting, When};
use wattswap_simulations::market::strategies::{First, Kind, Turns};
use wattswap_simulations::network::Random;

const BAND: (i32, i32) = (-50, 100);
const TURNS: Kind = Kind::Turns(Turns { first: First::Sellers, steps: 8, shown: 80 });

fn limits() -> impl Strategy<Value = Vec<Limit>> {
    let one = (any::<bool>(), BAND.0..=BAND.1, 1..500_i64);
    prop::collection::vec(one, 0..30).prop_map(|ones| {
        let limit = |(at, (buys, price, quantity)): (usize, (bool, i32, i64))| Limit {
            trader: Trader(u32::try_from(at).unwrap()),
            side: if buys { Side::Buy } else { Side::Sell },
            price: Price(price),
            quantity: WattHours(quantity),
        };
        ones.into_iter().enumerate().map(limit).collect()
    })
}

fn continuous(limits: &[Limit]) -> Vec<Trade> {
    let mut book = Book::new(PriceBand::new(Price(BAND.0), Price(BAND.1)).unwrap());
    let mut trades = Vec::new();
    for (id, limit) in (1..).zip(limits) {
        let order = Order { limit: *limit, at: UtcMillis(id), id, expires_at: UtcMillis(u64::MAX) };
        auction::submit(&mut book, order, UtcMillis(id), |trade| {
            let (own, other) = (limit.trader.0, trade.counterparty.0);
            let (buyer, seller) = if limit.side == Side::Buy { (own, other) } else { (other, own) };
            trades.push(Trade { buyer, seller, price: trade.price, quantity: trade.quantity });
        })
        .unwrap();
    }
    trades
}

/// Nobody trades beyond its limit or quantity; returns the surplus.
fn checked(limits: &[Limit], trades: &[Trade]) -> Result<i64, TestCaseError> {
    let mut left: Vec<i64> = limits.iter().map(|limit| limit.quantity.0).collect();
    let mut surplus = 0;
    for trade in trades {
        for (party, side) in [(trade.buyer, Side::Buy), (trade.seller, Side::Sell)] {
            let limit = &limits[party as usize];
            prop_assert_eq!(limit.side, side);
            prop_assert!(side.accepts(limit.price, trade.price));
            left[party as usize] -= trade.quantity.0;
            surplus += gain(side, limit.price, trade.quantity);
        }
    }
    prop_assert!(left.iter().all(|left| *left >= 0));
    Ok(surplus)
}

proptest! {
    #[test]
    fn no_mechanism_beats_the_optimum_and_a_truthful_call_reaches_it(limits in limits()) {
        let mut merit = MeritOrder::default();
        let optimum = merit.optimum(limits.iter().copied());
        let one_by_one = checked(&limits, &continuous(&limits))?;
        prop_assert!(0 <= one_by_one && one_by_one <= optimum.surplus);
        let mut trades = Vec::new();
        let called = call::clear(&mut merit, limits.iter().copied(), &mut trades);
        prop_assert_eq!(checked(&limits, &trades)?, optimum.surplus);
        prop_assert_eq!(called.volume, optimum.volume);
        prop_assert!(trades.iter().all(|trade| Some(trade.price) == called.price));
    }

    #[test]
    fn traders_of_all_kinds_stay_below_the_optimum(seed in any::<u64>(), buyers in 1..8_u32, sellers in 1..8_u32) {
        for strategy in Kind::ALL {
            let usual = laboratory::Setting::usual(strategy, seed);
            let setting = laboratory::Setting { buyers, sellers, periods: 2, quotes: 40, ..usual };
            let periods = laboratory::run(&setting);
            prop_assert_eq!(&periods, &laboratory::run(&setting));
            for period in periods {
                // That each price is within both limits, the laboratory and the book see to; so no trade is a loss.
                prop_assert!(0 <= period.surplus && period.surplus <= period.optimum.surplus);
                prop_assert!(strategy != Kind::Passive || period.volume == 0);
            }
        }
    }
}

/// Homes of all sorts for two days: some with roofs, no two with the same limits.
fn street(homes: u64, seed: u64) -> Neighbourhood {
    let mut random = Random::new(seed);
    let home = |number: u64| {
        let mut draw = |low, high| i64::try_from(random.between(low, high)).unwrap();
        let peak = if number.is_multiple_of(2) { draw(300, 1_500) } else { 0 };
        let need = (0..192).map(|_| WattHours(draw(20, 400))).collect();
        // Sun from 6 h to 18 h.
        let height = |slot: i64| (24 * 24 - (slot % 96 - 48).pow(2)).max(0);
        let pv = (0..192).map(|slot| WattHours(peak * height(slot) / (24 * 24))).collect();
        let mut price = |low, high| Price(i32::try_from(draw(low, high)).unwrap());
        let (retail, feed_in, local_premium) = (price(2_600, 3_800), price(600, 1_300), price(0, 300));
        HomeInput { need, pv, retail, feed_in, local_premium }
    };
    Neighbourhood { first: Slot(UtcMillis(20_000 * 24 * 3_600_000)), homes: (0..homes).map(home).collect() }
}

#[test]
fn seasons_leave_no_residual_and_repeat_themselves() {
    let street = street(10, 3);
    let kinds = Kind::ALL.into_iter().chain([TURNS]);
    for (kind, when) in kinds.flat_map(|kind| [When::After, When::Ahead, When::Both].map(|when| (kind, when))) {
        let setting = Setting { warm_up: 96, ..Setting::usual(when) };
        let report = season::run(&street, kind, &setting);
        assert_eq!(report.energy_residual, WattHours::ZERO, "{kind} {setting:?}");
        assert!(report.money_residual.0.is_zero(), "{kind} {setting:?}");
        assert!(report.surplus <= report.optimum && report.optimum > 0, "{kind} {setting:?}: {report:?}");
        assert_eq!(format!("{report:?}"), format!("{:?}", season::run(&street, kind, &setting)), "{kind} {setting:?}");
        if kind == Kind::Passive {
            assert_eq!((report.trades, report.surplus), (0, 0));
        }
        if when == When::After {
            assert_eq!(report.errors, WattHours::ZERO, "what was counted is there: {kind}");
        }
    }
}

#[test]
fn the_autopilot_realises_nearly_all_there_is_with_few_entries() {
    let street = street(20, 7);
    for when in [When::After, When::Both] {
        let setting = Setting { warm_up: 96, ..Setting::usual(when) };
        let report = season::run(&street, Kind::Autopilot, &setting);
        assert!(report.surplus_share() >= Some(9_700), "{report:?}");
        assert!(report.quote_entries.1 <= 200 && report.entries.0 <= 300 * 100, "{report:?}");
    }
}

#[test]
fn zero_intelligence_realises_97_per_cent_in_gode_and_sunders_kind_of_market() {
    let sessions = (1..=200).map(|seed| laboratory::Setting::usual(Kind::ZiC, seed));
    let shares: Vec<i64> =
        sessions.flat_map(|setting| laboratory::run(&setting)).filter_map(|period| period.surplus_share()).collect();
    let count = i64::try_from(shares.len()).unwrap();
    assert!(count >= 1_190, "nearly every period has something to gain: {count}");
    assert!(shares.iter().sum::<i64>() / count >= 9_700);
}
