//! What a season came to: energy, money, surplus, and what it took to get there.

use std::time::Duration;

use wattswap_matching::{Money, WattHours};
use wattswap_node::protocol::ledger::Account as With;

use super::Setting;
use super::home::Home;
use super::worth::Use;
use crate::market::mechanism::efficiency::Efficiency;
use crate::market::mechanism::optimum::Optimum;
use crate::market::mechanism::{TickWattHours, Trade, share};

/// Quarters of an hour.
pub const SLOTS_A_DAY: usize = 96;

/// What is counted while a season goes on.
pub(super) struct Account {
    pub(super) looks: u64,
    pub(super) quotes: u64,
    trades: u64,
    entries: Entries,
    sums: Sums,
    books: Books,
}

/// Signed log entries of homes and days.
struct Entries {
    slots_a_day: usize,
    /// The day that is counted.
    day: usize,
    /// Of each home on that day: entries with quotes, and entries with a trade.
    today: Vec<[u32; 2]>,
    /// Of all days before: quotes, and both; each with the most of a home and day.
    quotes: (u64, u32),
    all: (u64, u32),
    beyond_target: u64,
}

/// What ledgers of months that are over came to.
#[derive(Clone, Copy, Debug, Default)]
struct Books {
    residual: Money,
    paid: Money,
}

/// Sums over all slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    efficiency: Efficiency,
    /// Bought and needed, bought in all, bought or sold in error.
    used: WattHours,
    traded: WattHours,
    errors: WattHours,
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

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Log entries of a home and day that the autopilot should stay within.
const TARGET_ENTRIES: u32 = 300;

impl Account {
    pub(super) fn new(homes: usize, setting: &Setting) -> Self {
        let (sums, books, entries) = (Sums::default(), Books::default(), Entries::new(homes, setting));
        Self { looks: 0, quotes: 0, trades: 0, entries, sums, books }
    }

    /// A home wrote down quotes.
    pub(super) fn wrote(&mut self, home: usize, slot: usize) {
        self.entries.of(home, slot)[0] += 1;
    }

    /// Two homes traded: each writes that down.
    pub(super) fn traded(&mut self, taker: usize, maker: usize, slot: usize) {
        self.trades += 1;
        for home in [taker, maker] {
            self.entries.of(home, slot)[1] += 1;
        }
    }

    /// A slot is settled.
    pub(super) fn add(&mut self, optimum: &Optimum, surplus: TickWattHours, trades: &[Trade]) {
        self.sums.efficiency.add(optimum, surplus, trades);
        self.sums.traded += trades.iter().map(|trade| trade.quantity).sum::<WattHours>();
    }

    /// What came of the energy that a home bought, net.
    pub(super) fn use_up(&mut self, used: Use, bought: WattHours) {
        self.sums.energy_residual += bought;
        self.sums.used += used.needed;
        self.sums.errors += used.excess + used.short;
    }

    /// A month is over: its books are added up, and let go.
    pub(super) fn close_books(&mut self, homes: &mut [Home]) {
        self.books.close(homes);
    }

    pub(super) fn report(mut self, homes: &mut [Home], slots: usize) -> Report {
        self.books.close(homes);
        self.entries.close();
        let (sums, entries) = (&self.sums, &self.entries);
        let days = slots.div_ceil(entries.slots_a_day).max(1);
        let home_days = (homes.len() * days).max(1) as u64;
        let mean = |(sum, most): (u64, u32)| (i64::try_from(sum * 100 / home_days).expect("entries"), most);
        Report {
            homes: homes.len(),
            slots,
            optimum: sums.efficiency.optimum,
            surplus: sums.efficiency.surplus,
            optimum_volume: sums.efficiency.optimum_volume,
            volume: sums.used,
            traded: sums.traded,
            errors: sums.errors,
            alpha: sums.efficiency.alpha(),
            quotes: self.quotes,
            trades: self.trades,
            looks: self.looks,
            quote_entries: mean(entries.quotes),
            entries: mean(entries.all),
            beyond_target: i64::try_from(entries.beyond_target * 10_000 / home_days).expect("a share"),
            energy_residual: sums.energy_residual,
            money_residual: Money(self.books.residual.0.normalize()),
            paid: Money(self.books.paid.0.normalize()),
        }
    }
}

/// Slots of a day.
pub(super) fn slots_a_day(setting: &Setting) -> usize {
    let slots = DAY.as_millis() / setting.shape.slot_length.as_millis();
    usize::try_from(slots).expect("a slot has a second or more")
}

impl Entries {
    fn new(homes: usize, setting: &Setting) -> Self {
        let slots_a_day = slots_a_day(setting);
        Self { slots_a_day, day: 0, today: vec![[0; 2]; homes], quotes: (0, 0), all: (0, 0), beyond_target: 0 }
    }

    /// Those of a home on the day of this slot, which comes no earlier than those asked for before.
    fn of(&mut self, home: usize, slot: usize) -> &mut [u32; 2] {
        let day = slot / self.slots_a_day;
        if day != self.day {
            self.close();
            self.day = day;
        }
        &mut self.today[home]
    }

    fn close(&mut self) {
        for [quotes, fills] in self.today.iter_mut().map(std::mem::take) {
            let both = quotes + fills;
            for ((sum, most), count) in [(&mut self.quotes, quotes), (&mut self.all, both)] {
                *sum += u64::from(count);
                *most = (*most).max(count);
            }
            self.beyond_target += u64::from(both > TARGET_ENTRIES);
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

impl Books {
    /// Adds up what is in all homes' ledgers, and empties them. What is left over is nothing.
    fn close(&mut self, homes: &mut [Home]) {
        for ledger in homes.iter_mut().map(|home| std::mem::take(&mut home.ledger)) {
            self.residual = self.residual + ledger.residual();
            for (month, accounts) in ledger.months() {
                self.paid = self.paid + ledger.balance(month, &With::Energy).amount;
                // Both parties' accounts with each other, of which one is owed what the other owes.
                self.residual = accounts.members().fold(self.residual, |left, (_, balance)| left + balance.amount);
            }
        }
    }
}
