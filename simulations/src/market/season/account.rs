//! What a season came to: energy, money, surplus, and what it took to get there.

use wattswap_matching::{Money, Side, Slot, WattHours};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::ledger::{Account as With, Month};
use wattswap_node::protocol::metering::Measured;
use wattswap_node::protocol::settlement::{Deal, Tariff, settle};

use super::home::Home;
use super::input::{HomeInput, Neighbourhood};
use super::worth::{Errors, Use};
use crate::market::mechanism::optimum::{MeritOrder, Optimum};
use crate::market::mechanism::{TickWattHours, Trade, share};

/// Quarters of an hour.
pub const SLOTS_A_DAY: usize = 96;

/// What is counted while a season goes on.
pub(super) struct Account {
    pub(super) looks: u64,
    pub(super) quotes: u64,
    trades: u64,
    days: usize,
    /// Of each home and day: entries with quotes, and entries with a trade.
    entries: Vec<[u32; 2]>,
    merit: MeritOrder,
    sums: Sums,
}

/// Sums over all slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    optimum: Optimum,
    surplus: TickWattHours,
    /// Bought and needed, bought in all, bought or sold in error.
    used: WattHours,
    traded: WattHours,
    errors: WattHours,
    /// Energy with an equilibrium price, that price times it, and the squares of the differences from it.
    priced: i128,
    equilibrium: i128,
    squares: i128,
    energy_residual: WattHours,
}

/// What a season came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Homes.
    pub homes: usize,
    /// Slots that were traded.
    pub slots: usize,
    /// Surplus of the optimum, see [`Optimum`].
    pub optimum: TickWattHours,
    /// Surplus that was realised, errors at the supplier taken off.
    pub surplus: TickWattHours,
    /// Energy that the optimum trades.
    pub optimum_volume: WattHours,
    /// Energy that was bought and needed in the end.
    pub volume: WattHours,
    /// Energy that was traded, what was traded back included.
    pub traded: WattHours,
    /// Energy that was bought and not needed, or sold and not there.
    pub errors: WattHours,
    /// Smith's alpha in hundredths of a per cent; none if nothing was traded at a price above zero.
    pub alpha: Option<i64>,
    /// Quotes.
    pub quotes: u64,
    /// Trades.
    pub trades: u64,
    /// Times that a home has looked at the market.
    pub looks: u64,
    /// Entries with quotes of a home and day, in hundredths: mean; and of the home and day with most.
    pub quote_entries: (i64, u32),
    /// Entries of a home and day with quotes or a fill, if each fill is one of its own.
    pub entries: (i64, u32),
    /// Days of a home with more than 300 entries, in hundredths of a per cent of all.
    pub beyond_target: i64,
    /// What all homes have bought less what all have sold; zero.
    pub energy_residual: WattHours,
    /// What all members owe each other, added up over both parties; and what any ledger's accounts come to. Zero.
    pub money_residual: Money,
    /// What all homes paid their suppliers and each other.
    pub paid: Money,
}

/// Log entries of a home and day that the autopilot should stay within.
const TARGET_ENTRIES: u32 = 300;

impl Account {
    pub(super) fn new(homes: usize, days: usize) -> Self {
        let entries = vec![[0; 2]; homes * days];
        Self { looks: 0, quotes: 0, trades: 0, days, entries, merit: MeritOrder::default(), sums: Sums::default() }
    }

    /// A home wrote down quotes.
    pub(super) fn wrote(&mut self, home: usize, slot: usize) {
        self.entries[home * self.days + slot / SLOTS_A_DAY][0] += 1;
    }

    /// Two homes traded: each writes that down.
    pub(super) fn traded(&mut self, taker: usize, maker: usize, slot: usize) {
        self.trades += 1;
        for home in [taker, maker] {
            self.entries[home * self.days + slot / SLOTS_A_DAY][1] += 1;
        }
    }

    /// Settles a slot for all homes.
    pub(super) fn settle<'t>(
        &mut self,
        number: usize,
        slot: Slot,
        trades: impl Iterator<Item = &'t Trade> + Clone,
        homes: &mut [Home],
        input: &Neighbourhood,
        shape: &Shape,
    ) {
        let mut errors = Errors::default();
        let limits = || input.homes.iter().enumerate().filter_map(|(at, home)| home.limit(at, number));
        limits().for_each(|limit| errors.include(limit.side, limit.price));
        let optimum = self.merit.optimum(limits());
        self.sums.optimum.volume += optimum.volume;
        self.sums.optimum.surplus += optimum.surplus;
        trades.clone().for_each(|trade| self.sums.price(trade, &optimum));
        let mut deals: Vec<Vec<Deal>> = vec![Vec::new(); homes.len()];
        for trade in trades {
            let (buyer, seller) = (trade.buyer as usize, trade.seller as usize);
            let (energy, price) = (trade.quantity, trade.price);
            let deal = |side, other: usize| Deal { slot, side, counterparty: homes[other].key, energy, price };
            deals[buyer].push(deal(Side::Buy, seller));
            deals[seller].push(deal(Side::Sell, buyer));
        }
        for ((home, input), deals) in homes.iter_mut().zip(&input.homes).zip(deals) {
            let measured = home.metering.energy(slot.start(), shape.next(slot).start()).expect("its delivery is over");
            let bought = book(home, input, &deals, slot, measured, shape);
            let used = Use::of(measured.net(), bought);
            self.sums.energy_residual += bought;
            self.sums.used += used.needed;
            self.sums.errors += used.excess + used.short;
            self.sums.surplus += errors.surplus(input, used);
        }
    }

    pub(super) fn report(&self, homes: &[Home], slots: usize) -> Report {
        let sums = &self.sums;
        let traded_days = slots.div_ceil(SLOTS_A_DAY).max(1);
        let home_days = i64::try_from(homes.len() * traded_days).expect("a season").max(1);
        let mean = |count: &dyn Fn(&[u32; 2]) -> u32| {
            let sum: i64 = self.entries.iter().map(|day| i64::from(count(day))).sum();
            (sum * 100 / home_days, self.entries.iter().map(count).max().unwrap_or(0))
        };
        let many = self.entries.iter().filter(|[quotes, fills]| quotes + fills > TARGET_ENTRIES).count();
        let (money_residual, paid) = money(homes);
        Report {
            homes: homes.len(),
            slots,
            optimum: sums.optimum.surplus,
            surplus: sums.surplus,
            optimum_volume: sums.optimum.volume,
            volume: sums.used,
            traded: sums.traded,
            errors: sums.errors,
            alpha: sums.alpha(),
            quotes: self.quotes,
            trades: self.trades,
            looks: self.looks,
            quote_entries: mean(&|day| day[0]),
            entries: mean(&|day| day[0] + day[1]),
            beyond_target: i64::try_from(many).expect("days") * 10_000 / home_days,
            energy_residual: sums.energy_residual,
            money_residual,
            paid,
        }
    }
}

impl Report {
    /// The surplus that was realised, in hundredths of a per cent of the optimum; none where nothing could be.
    #[must_use]
    pub fn surplus_share(&self) -> Option<i64> {
        share(self.surplus, self.optimum)
    }

    /// The energy that neighbours supplied, in hundredths of a per cent of what the optimum trades.
    #[must_use]
    pub fn volume_share(&self) -> Option<i64> {
        share(self.volume.0, self.optimum_volume.0)
    }
}

impl Sums {
    fn price(&mut self, trade: &Trade, optimum: &Optimum) {
        self.traded += trade.quantity;
        let Some(equilibrium) = optimum.price() else { return };
        let (energy, off) = (i128::from(trade.quantity.0), i128::from(trade.price.0 - equilibrium.0));
        self.priced += energy;
        self.equilibrium += i128::from(equilibrium.0) * energy;
        self.squares += off * off * energy;
    }

    /// Smith (1962): the root of the mean square difference of prices from the equilibrium price, as a share of that;
    /// here each weighted by its energy, over slots with equilibrium prices of their own.
    fn alpha(&self) -> Option<i64> {
        let spread = u128::try_from(self.squares * self.priced).ok()?.isqrt();
        let equilibrium = u128::try_from(self.equilibrium).ok().filter(|price| *price > 0)?;
        i64::try_from(spread * 10_000 / equilibrium).ok()
    }
}

/// Books a home's slot; returns its net bought energy.
fn book(
    home: &mut Home,
    input: &HomeInput,
    deals: &[Deal],
    slot: Slot,
    measured: Measured,
    shape: &Shape,
) -> WattHours {
    let scale = shape.price_scale();
    let tariff = Tariff { retail: scale.decimal(input.tariff.retail), feed_in: scale.decimal(input.tariff.feed_in) };
    deals.iter().for_each(|deal| home.ledger.book(deal, shape));
    let settled = settle(slot, deals, measured, &tariff);
    home.ledger.book_supplier(&settled);
    settled.traded
}

/// What is left over in the ledgers, which is nothing, and what all homes have paid.
fn money(homes: &[Home]) -> (Money, Money) {
    let zero = Money::default();
    let (mut left, mut paid) = (zero, zero);
    for home in homes {
        let months: Vec<Month> = home.ledger.months().map(|(month, _)| month).collect();
        for month in months {
            paid = paid + home.ledger.balance(month, &With::Energy).amount;
        }
        // Both parties' accounts with each other, of which one is owed what the other owes; and each ledger's own sum.
        for (_, accounts) in home.ledger.months() {
            let members = accounts.iter().filter(|(with, _)| matches!(with, With::Member(_)));
            left = members.fold(left, |left, (_, balance)| left + balance.amount);
        }
        left = left + home.ledger.residual();
    }
    (Money(left.0.normalize()), Money(paid.0.normalize()))
}
