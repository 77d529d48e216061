//! A household's books: what it owes, and is owed, for the energy that it traded. `docs/protocol.md`, section 8.
//!
//! Double-entry: each amount is posted to two accounts, so all balances together are zero at any time. Amounts are exact
//! until a month is netted per counterparty; then they are rounded, once and half to even, and both parties get the same
//! figure. A month is one of the calendar in UTC, by the start of the slot: both parties have to agree on it, wherever
//! they live.
//!
//! Not in here: what a slot comes to ([`settlement`](super::settlement)), and whether anybody has paid.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_decimal::{Decimal, RoundingStrategy};
use wattswap_matching::{Money, Side, Slot, WattHours};

use super::charter::Shape;
use super::ids::MemberKey;
use super::settlement::{Deal, Settlement};

/// A calendar month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Year of the common era.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

/// With whom, or for what, something is owed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What energy has cost the household, all in all: the other side of every posting.
    Energy,
    /// Another member.
    Member(MemberKey),
    /// The own supplier.
    Supplier,
    /// Whoever gets the fee of this name.
    Fee(String),
}

/// What has gone over an account in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What the household is owed; negative: what it owes. Of [`Account::Energy`]: what it has spent.
    pub amount: Money,
    /// Energy bought there; energy that a fee was paid for.
    pub bought: WattHours,
    /// Energy sold there.
    pub sold: WattHours,
}

/// What one party is to pay to the other for a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// For which month.
    pub month: Month,
    /// With whom.
    pub account: Account,
    /// To the last digit.
    pub exact: Balance,
    /// What the household gets, in whole units of the smallest coin; negative: what it pays.
    pub due: Money,
}

/// The books of one household, month by month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    months: BTreeMap<Month, Accounts>,
}

/// The accounts of a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    energy: Balance,
    members: BTreeMap<MemberKey, Balance>,
    supplier: Option<Balance>,
    fees: BTreeMap<String, Balance>,
}

impl Month {
    /// The month in which a slot starts.
    #[must_use]
    pub fn of(slot: Slot) -> Self {
        // Later than the calendar goes: nothing is delivered then.
        let start = i64::try_from(slot.start().0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let date = Offset::UTC.to_datetime(start.unwrap_or(Timestamp::MAX)).date();
        Self { year: date.year(), month: date.month() }
    }
}

impl Ledger {
    /// Books a trade under the shape of the charter that it names.
    pub fn book(&mut self, deal: &Deal, shape: &Shape) {
        let accounts = self.months.entry(Month::of(deal.slot)).or_default();
        let (with, cost) = (accounts.members.entry(deal.counterparty).or_default(), deal.cost(shape));
        match deal.side {
            Side::Buy => post(&mut accounts.energy, with, cost, deal.energy, WattHours::ZERO),
            Side::Sell => post(&mut accounts.energy, with, Money(-cost.0), WattHours::ZERO, deal.energy),
        }
        for (name, fee) in deal.fees(shape) {
            let with = match accounts.fees.get_mut(name) {
                Some(with) => with,
                None => accounts.fees.entry(name.to_owned()).or_default(),
            };
            post(&mut accounts.energy, with, fee, deal.energy, WattHours::ZERO);
        }
    }

    /// Books what the supplier settles of a slot.
    pub fn book_supplier(&mut self, settled: &Settlement) {
        let accounts = self.months.entry(Month::of(settled.slot)).or_default();
        let bought = settled.imbalance.less_at_least_zero(WattHours::ZERO);
        let sold = (-settled.imbalance).less_at_least_zero(WattHours::ZERO);
        post(&mut accounts.energy, accounts.supplier.get_or_insert_default(), settled.supplier, bought, sold);
    }

    /// What has gone over an account in a month.
    #[must_use]
    pub fn balance(&self, month: Month, account: &Account) -> Balance {
        self.months.get(&month).and_then(|accounts| accounts.balance(account)).unwrap_or_default()
    }

    /// Months in which anything was booked, earliest first, each with its accounts.
    pub fn months(&self) -> impl Iterator<Item = (Month, &Accounts)> {
        self.months.iter().map(|(month, accounts)| (*month, accounts))
    }

    /// What is to be paid for a month: one statement for each counterparty, supplier and fee. `coin_decimals`: digits
    /// after the point of the currency's smallest coin.
    pub fn statements(&self, month: Month, coin_decimals: u32) -> impl Iterator<Item = Statement> + '_ {
        let accounts = self.months.get(&month).into_iter().flat_map(Accounts::with_somebody);
        accounts.map(move |(account, exact)| Statement {
            month,
            account,
            exact: *exact,
            due: Money(exact.amount.0.round_dp_with_strategy(coin_decimals, RoundingStrategy::MidpointNearestEven)),
        })
    }

    /// The sum of all balances: zero, always. For whoever wants to see it.
    #[must_use]
    pub fn residual(&self) -> Money {
        let sums = self
            .months
            .values()
            .map(|accounts| accounts.balances().fold(accounts.energy.amount.0, |sum, balance| sum + balance.amount.0));
        Money(sums.sum::<Decimal>().normalize())
    }
}

impl Accounts {
    /// The accounts with other members.
    pub fn members(&self) -> impl Iterator<Item = (&MemberKey, &Balance)> {
        self.members.iter()
    }

    fn balance(&self, account: &Account) -> Option<Balance> {
        match account {
            Account::Energy => Some(self.energy),
            Account::Member(member) => self.members.get(member).copied(),
            Account::Supplier => self.supplier,
            Account::Fee(name) => self.fees.get(name).copied(),
        }
    }

    /// All but the household's own account, in the order of [`Account`].
    fn with_somebody(&self) -> impl Iterator<Item = (Account, &Balance)> {
        let members = self.members.iter().map(|(member, balance)| (Account::Member(*member), balance));
        let supplier = self.supplier.iter().map(|balance| (Account::Supplier, balance));
        let fees = self.fees.iter().map(|(name, balance)| (Account::Fee(name.clone()), balance));
        members.chain(supplier).chain(fees)
    }

    fn balances(&self) -> impl Iterator<Item = &Balance> {
        self.members.values().chain(&self.supplier).chain(self.fees.values())
    }
}

/// The household owes `cost` there for energy, and has spent as much on energy.
fn post(energy: &mut Balance, other: &mut Balance, cost: Money, bought: WattHours, sold: WattHours) {
    energy.amount = energy.amount + cost;
    other.amount = other.amount - cost;
    other.bought += bought;
    other.sold += sold;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use wattswap_matching::{Price, UtcMillis};

    use super::*;
    use crate::protocol::charter::Fee;
    use crate::protocol::metering::{Measured, Quality};
    use crate::protocol::settlement::{Tariff, settle};

    const HOUR: Duration = Duration::from_secs(3600);
    /// 2026-11-30T23:45:00Z
    const LAST_OF_NOVEMBER: Slot = Slot(UtcMillis(1_796_082_300_000));
    const FIRST_OF_DECEMBER: Slot = Slot(UtcMillis(1_796_083_200_000));
    const NOVEMBER: Month = Month { year: 2026, month: 11 };
    const DECEMBER: Month = Month { year: 2026, month: 12 };

    fn shape(fees: Vec<Fee>) -> Shape {
        Shape {
            currency: "EUR".into(),
            slot_length: HOUR / 4,
            delivery_time: HOUR / 4,
            opening: HOUR * 48,
            gate_millis: 3_600_000,
            price_tick: Decimal::new(1, 4),
            quantity_tick: WattHours(1),
            smallest_fill: WattHours(1),
            floor: Price(-10_000),
            cap: Price(10_000),
            fees,
        }
    }

    fn fee(payer: Side) -> Fee {
        Fee { name: "grid".into(), payer, per_kwh: Price(300) }
    }

    fn member(number: u8) -> MemberKey {
        MemberKey([number; 32])
    }

    fn deal(slot: Slot, side: Side, with: u8, energy: i64, price: i32) -> Deal {
        Deal { slot, side, counterparty: member(with), energy: WattHours(energy), price: Price(price) }
    }

    fn money(text: &str) -> Money {
        Money(text.parse().unwrap())
    }

    #[test]
    fn a_month_is_one_of_utc() {
        let cases = [
            (UtcMillis(0), Month { year: 1970, month: 1 }),
            (LAST_OF_NOVEMBER.start(), NOVEMBER),
            (UtcMillis(FIRST_OF_DECEMBER.start().0 - 1), NOVEMBER),
            (FIRST_OF_DECEMBER.start(), DECEMBER),
            (UtcMillis(u64::MAX), Month { year: 9999, month: 12 }),
        ];
        for (at, month) in cases {
            assert_eq!(Month::of(Slot(at)), month);
        }
    }

    #[test]
    fn a_month_by_hand() {
        let shape = shape(vec![fee(Side::Buy)]);
        let mut ledger = Ledger::default();
        // 250 Wh at 0.18 and 1.5 kWh at 0.2 EUR/kWh bought, with 0.03 EUR/kWh for the grid; 100 Wh at -0.01 sold.
        ledger.book(&deal(LAST_OF_NOVEMBER, Side::Buy, 1, 250, 1_800), &shape);
        ledger.book(&deal(LAST_OF_NOVEMBER, Side::Buy, 1, 1_500, 2_000), &shape);
        ledger.book(&deal(LAST_OF_NOVEMBER, Side::Sell, 1, 100, -100), &shape);
        ledger.book(&deal(FIRST_OF_DECEMBER, Side::Sell, 2, 1_000, 2_500), &shape);
        let tariff = Tariff { retail: Decimal::new(32, 2), feed_in: Decimal::new(8, 2) };
        let measured = Measured { import: WattHours(2_000), export: WattHours(0), quality: Quality::Exact };
        let deals = [deal(LAST_OF_NOVEMBER, Side::Buy, 1, 1_650, 0)];
        ledger.book_supplier(&settle(LAST_OF_NOVEMBER, &deals, measured, &tariff));

        let with_member = ledger.balance(NOVEMBER, &Account::Member(member(1)));
        assert_eq!(with_member.amount, money("-0.346"), "0.045 and 0.3 for energy, 0.001 to have some taken away");
        assert_eq!((with_member.bought, with_member.sold), (WattHours(1_750), WattHours(100)));
        assert_eq!(ledger.balance(NOVEMBER, &Account::Fee("grid".into())).amount, money("-0.0525"));
        assert_eq!(ledger.balance(NOVEMBER, &Account::Supplier).amount, money("-0.112"));
        assert_eq!(ledger.balance(NOVEMBER, &Account::Energy).amount, money("0.5105"));
        let due: Vec<Money> = ledger.statements(NOVEMBER, 2).map(|statement| statement.due).collect();
        assert_eq!(due, [money("-0.35"), money("-0.11"), money("-0.05")], "member, supplier, fee");
        let december: Vec<Money> = ledger.statements(DECEMBER, 2).map(|statement| statement.due).collect();
        assert_eq!(december, [money("0.25")]);
        assert_eq!(ledger.residual(), money("0"));
    }

    #[test]
    fn what_is_due_is_rounded_half_to_even() {
        // Sold at 1 EUR/kWh: Wh, and what the buyer owes in EUR.
        for (energy, due) in [(124, "0.12"), (125, "0.12"), (126, "0.13"), (135, "0.14"), (5, "0.00"), (15, "0.02")] {
            let [mut seller, mut buyer] = [Ledger::default(), Ledger::default()];
            seller.book(&deal(LAST_OF_NOVEMBER, Side::Sell, 2, energy, 10_000), &shape(Vec::new()));
            buyer.book(&deal(LAST_OF_NOVEMBER, Side::Buy, 1, energy, 10_000), &shape(Vec::new()));
            let dues = [seller, buyer].map(|ledger| ledger.statements(NOVEMBER, 2).next().expect("there is one").due);
            assert_eq!(dues, [money(due), Money(-money(due).0)], "{energy} Wh");
        }
    }

    prop_compose! {
        fn trade()(
            later in 0..200_u64, seller in 0..4_u8, distance in 1..4_u8, energy in 1..1_000_000_i64,
            price in -10_000..10_000_i32,
        ) -> (Slot, u8, u8, i64, i32) {
            (Slot(LAST_OF_NOVEMBER.start().after(HOUR / 4 * u32::try_from(later).unwrap())), seller,
             (seller + distance) % 4, energy, price)
        }
    }

    proptest! {
        #[test]
        fn both_parties_arrive_at_the_same_statement(trades in prop::collection::vec(trade(), 0..60)) {
            let shape = shape(vec![fee(Side::Buy), Fee { name: "union".into(), ..fee(Side::Sell) }]);
            let mut ledgers = vec![Ledger::default(); 4];
            for (slot, seller, buyer, energy, price) in trades {
                ledgers[usize::from(seller)].book(&deal(slot, Side::Sell, buyer, energy, price), &shape);
                ledgers[usize::from(buyer)].book(&deal(slot, Side::Buy, seller, energy, price), &shape);
            }
            for ledger in &ledgers {
                prop_assert_eq!(ledger.residual(), Money::default());
            }
            for (one, other) in (0..4_u8).flat_map(|one| (0..4_u8).map(move |other| (one, other))) {
                for month in [NOVEMBER, DECEMBER] {
                    let statement = |whose: u8, with: u8| {
                        let account = Account::Member(member(with));
                        ledgers[usize::from(whose)].statements(month, 2).find(|statement| statement.account == account)
                    };
                    let (ours, theirs) = (statement(one, other), statement(other, one));
                    let figures = |statement: Option<Statement>| {
                        let Statement { exact, due, .. } = statement?;
                        Some((exact.amount.0, due.0, exact.bought, exact.sold))
                    };
                    let mirrored = figures(theirs).map(|(exact, due, bought, sold)| (-exact, -due, sold, bought));
                    prop_assert_eq!(figures(ours), mirrored);
                }
            }
        }
    }
}
