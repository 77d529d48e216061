//! What a slot came to, once its gate has closed and the meters have counted it.

use rayon::prelude::*;
use wattswap_matching::{Money, Price, Side, Slot, WattHours};
use wattswap_node::protocol::autopilot::{moment, own_number};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::ledger::Month;
use wattswap_node::protocol::metering::Measured;
use wattswap_node::protocol::settlement::{Deal, settle};

use super::account::Account;
use super::home::Home;
use super::worth::{Errors, Use};
use super::{HOMES_AT_ONCE, Known, Setting, Told};
use crate::market::mechanism::optimum::{MeritOrder, Optimum};
use crate::market::mechanism::{Mechanism, TickWattHours, Trade, call, worth};

/// What a slot came to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'o> {
    /// Counted from the season's first.
    pub number: usize,
    /// Which.
    pub slot: Slot,
    /// The homes, in their order.
    pub homes: &'o [HomeOutcome],
    /// Who traded what with whom.
    pub trades: &'o [Trade],
    /// The most that trades could have been worth, by what the meters counted.
    pub optimum: Optimum,
    /// What they were worth, errors taken off.
    pub surplus: TickWattHours,
}

/// What a home came to in one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HomeOutcome {
    /// The net energy that it relied on when delivery began; negative is surplus.
    pub forecast: Option<WattHours>,
    /// Bought from neighbours.
    pub bought: WattHours,
    /// Sold to neighbours.
    pub sold: WattHours,
    /// What it owes neighbours.
    pub paid: Money,
    /// What neighbours owe it.
    pub earned: Money,
    /// What it owes for the market's fees.
    pub fees: Money,
    /// What it owes its supplier; negative: the supplier owes it.
    pub supplier: Money,
}

/// A slot that is to be settled.
pub(super) struct Station<'s> {
    pub(super) number: usize,
    pub(super) slot: Slot,
    pub(super) known: &'s Known,
    /// What each home's meter counted.
    pub(super) counted: &'s [Measured],
    pub(super) setting: &'s Setting,
}

/// Settles slots; keeps its lists from one to the next.
pub(super) struct Settler {
    merit: MeritOrder,
    trades: Vec<Trade>,
    deals: Vec<Vec<Deal>>,
    homes: Vec<HomeOutcome>,
    /// What each home bought or sold, by what came of it, and bought in all.
    used: Vec<(Use, WattHours)>,
    month: Option<Month>,
}

impl Settler {
    pub(super) fn new(homes: usize) -> Self {
        let (merit, trades, used, month) = (MeritOrder::default(), Vec::new(), Vec::new(), None);
        Self { merit, trades, deals: vec![Vec::new(); homes], homes: vec![HomeOutcome::default(); homes], used, month }
    }

    /// Settles a slot for all homes, and tells of it.
    pub(super) fn settle(
        &mut self,
        station: &Station<'_>,
        trades: Vec<Trade>,
        homes: &mut [Home],
        account: &mut Account,
        told: &mut Told<'_>,
    ) {
        let month = Month::of(station.slot);
        if self.month.replace(month).is_some_and(|last| last != month) {
            account.close_books(homes);
        }
        self.trades = trades;
        if station.setting.mechanism == Mechanism::Call {
            self.call(station, homes, account);
        }
        let limits = station.known.terms.iter().enumerate().filter_map(|(at, terms)| terms.limit(at));
        let optimum = self.merit.optimum(limits);
        self.deal(station.slot, homes);
        let surplus = self.book(station, homes, account);
        account.add(&optimum, surplus, &self.trades);
        let (number, slot) = (station.number, station.slot);
        told(&Outcome { number, slot, homes: &self.homes, trades: &self.trades, optimum, surplus });
    }

    /// Clears the slot by what the meters counted, at one price; everybody who trades quotes its limit. Of equal quotes the
    /// one that came first is served first, which is another home's in each slot.
    fn call(&mut self, station: &Station<'_>, homes: &[Home], account: &mut Account) {
        let terms = station.known.terms.iter().zip(homes).enumerate().filter(|(_, (_, home))| home.trades);
        let mut limits: Vec<_> = terms.filter_map(|(at, (terms, _))| terms.limit(at)).collect();
        let (number, slot) = (station.number as u64, station.setting.shape.slot_length);
        limits.sort_by_cached_key(|limit| moment(own_number(&homes[limit.trader.0 as usize].key), number, slot));
        for limit in &limits {
            account.quotes += 1;
            account.wrote(limit.trader.0 as usize, station.number);
        }
        call::clear(&mut self.merit, limits, &mut self.trades);
        for trade in &self.trades {
            account.traded(trade.buyer as usize, trade.seller as usize, station.number);
        }
    }

    /// Each trade as both of its parties see it.
    fn deal(&mut self, slot: Slot, homes: &[Home]) {
        self.deals.iter_mut().for_each(Vec::clear);
        for Trade { buyer, seller, price, quantity: energy } in self.trades.iter().copied() {
            let (buyer, seller) = (buyer as usize, seller as usize);
            let deal = |side, other: usize| Deal { slot, side, counterparty: homes[other].key, energy, price };
            self.deals[buyer].push(deal(Side::Buy, seller));
            self.deals[seller].push(deal(Side::Sell, buyer));
        }
    }

    /// Books the slot in all homes' ledgers; returns what their trades were worth.
    fn book(&mut self, station: &Station<'_>, homes: &mut [Home], account: &mut Account) -> TickWattHours {
        let (slot, shape, terms) = (station.slot, &station.setting.shape, &station.known.terms);
        let mut errors = Errors::default();
        let limits = terms.iter().enumerate().filter_map(|(at, terms)| terms.limit(at));
        limits.for_each(|limit| errors.include(limit.side, limit.price));
        // Limits leave out the fee of what is needed. What is bought beyond that is charged all the same.
        let fees = shape.fees.iter().filter(|fee| fee.payer == Side::Buy).map(|fee| fee.per_kwh.0);
        let fee = Price(fees.sum());
        let homes = homes.par_iter_mut().zip(&mut self.homes).zip(&self.deals).zip(terms).with_min_len(HOMES_AT_ONCE);
        let used = homes.enumerate().map(|(at, (((home, outcome), deals), terms))| {
            let forecast = station.known.forecasts.get(at).copied().flatten();
            *outcome = HomeOutcome { forecast, ..HomeOutcome::default() };
            for deal in deals {
                home.ledger.book(deal, shape);
                outcome.add(deal, shape);
            }
            let measured = station.counted[at];
            let settled = settle(slot, deals, measured, &terms.tariff);
            home.ledger.book_supplier(&settled);
            outcome.supplier = settled.supplier;
            (Use::of(measured.net(), settled.traded), settled.traded)
        });
        used.collect_into_vec(&mut self.used);
        let mut surplus = 0;
        for ((used, traded), (terms, outcome)) in self.used.iter().zip(terms.iter().zip(&self.homes)) {
            account.use_up(*used, *traded);
            surplus += errors.surplus(terms, *used) - worth(fee, outcome.bought - used.needed);
        }
        surplus
    }
}

impl HomeOutcome {
    fn add(&mut self, deal: &Deal, shape: &Shape) {
        let cost = deal.cost(shape);
        match deal.side {
            Side::Buy => {
                self.bought += deal.energy;
                self.paid = self.paid + cost;
            }
            Side::Sell => {
                self.sold += deal.energy;
                self.earned = self.earned + cost;
            }
        }
        self.fees = deal.fees(shape).fold(self.fees, |fees, (_, fee)| fees + fee);
    }
}
