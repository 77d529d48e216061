//! The live table: who sold what to whom at what price, and where to look for more.

use std::collections::{BTreeMap, HashMap};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use wattswap_api::dto::trade::Trade;
use wattswap_matching::{Side, WattHours};

use super::profiles;
use super::stage::{CURRENCY, Cast};

/// A line under the heading, and no others.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// So many of the newest trades are shown.
const SHOWN: usize = 16;
/// Clears the terminal and goes to its upper left corner.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// What the audience sees.
pub(crate) struct Screen {
    cast: Cast,
    by_key: HashMap<String, usize>,
    /// By the order in which they were first heard of.
    trades: BTreeMap<usize, Line>,
    numbers: HashMap<String, usize>,
    books: Vec<Books>,
    is_terminal: bool,
    is_drawn: bool,
}

/// A trade, once one of its parties has told of it.
struct Line {
    slot: Timestamp,
    seller: usize,
    buyer: usize,
    energy: WattHours,
    price: Decimal,
    amount: Decimal,
    told_by: [bool; 2],
}

/// What a household has traded in all.
#[derive(Clone, Default)]
struct Books {
    sold: WattHours,
    bought: WattHours,
    balance: Decimal,
}

impl Screen {
    pub(crate) fn new(cast: Cast, is_terminal: bool) -> Self {
        let by_key = cast.households.iter().enumerate().map(|(index, each)| (each.member.clone(), index)).collect();
        let books = vec![Books::default(); cast.households.len()];
        let (trades, numbers) = (BTreeMap::new(), HashMap::new());
        Self { cast, by_key, trades, numbers, books, is_terminal, is_drawn: true }
    }

    /// Where to look, for an audience without a terminal that can be redrawn.
    pub(crate) fn introduce(&mut self) {
        if self.is_terminal {
            self.is_drawn = false;
            return;
        }
        for household in &self.cast.households {
            println!("{:<10} {}/api/docs", household.name, household.url);
        }
    }

    /// Takes in what a household says of a trade.
    pub(crate) fn trade(&mut self, household: usize, trade: &Trade) {
        if trade.provisional {
            return;
        }
        let Some(other) = self.by_key.get(&trade.counterparty.to_string()).copied() else { return };
        let (seller, buyer) = match trade.side.0 {
            Side::Sell => (household, other),
            Side::Buy => (other, household),
        };
        let next = self.numbers.len();
        let number = *self.numbers.entry(trade.id.to_string()).or_insert(next);
        let is_new = number == next;
        let line = self.trades.entry(number).or_insert_with(|| Line {
            slot: Timestamp::from_millisecond(i64::try_from(trade.slot.0.start().0).unwrap_or_default())
                .unwrap_or_default(),
            seller,
            buyer,
            energy: trade.quantity_wh.0,
            price: trade.price_per_kwh.0.0,
            amount: trade.amount.0.0,
            told_by: [false; 2],
        });
        line.told_by[usize::from(household == buyer)] = true;
        if is_new {
            self.books[seller].sold += line.energy;
            self.books[seller].balance += line.amount;
            self.books[buyer].bought += line.energy;
            self.books[buyer].balance -= line.amount;
            if !self.is_terminal {
                println!("{}", self.words(number));
            }
        }
        self.is_drawn = false;
    }

    /// Draws the tables anew if something has changed.
    pub(crate) fn draw(&mut self) {
        if self.is_drawn || !self.is_terminal {
            return;
        }
        self.is_drawn = true;
        let lapse = format!("a quarter of an hour passes in {} s", self.cast.slot_seconds);
        println!(
            "{CLEAR}wattswap demo: {} households, {lapse}. Ctrl-C stops it.\n\n{}\n\n{}",
            self.cast.households.len(),
            self.households(),
            self.newest(),
        );
    }

    fn households(&self) -> Table {
        let mut table = table(["household", "sold", "bought", "earned", "open in a browser"], 1..4);
        for (household, books) in self.cast.households.iter().zip(&self.books) {
            let row = [
                household.name.clone(),
                books.sold.to_string(),
                books.bought.to_string(),
                format!("{} {CURRENCY}", books.balance.round_dp(4).normalize()),
                format!("{}/api/docs", household.url),
            ];
            add(&mut table, row, 1..4);
        }
        table
    }

    fn newest(&self) -> Table {
        let headings = ["delivery", "seller", "buyer", "energy", "price per kWh", "amount", "signed and stored by"];
        let mut table = table(headings, 3..6);
        for line in self.trades.values().rev().take(SHOWN) {
            let row = [
                self.recorded(line.slot),
                self.name(line.seller),
                self.name(line.buyer),
                line.energy.to_string(),
                line.price.normalize().to_string(),
                format!("{} {CURRENCY}", line.amount.normalize()),
                match line.told_by {
                    [true, true] => "both".to_owned(),
                    [true, false] => self.name(line.seller),
                    _ => self.name(line.buyer),
                },
            ];
            add(&mut table, row, 3..6);
        }
        table
    }

    fn words(&self, number: usize) -> String {
        let line = &self.trades[&number];
        format!(
            "{}  {} sells {} to {} at {} {CURRENCY}/kWh",
            self.recorded(line.slot),
            self.name(line.seller),
            line.energy,
            self.name(line.buyer),
            line.price.normalize(),
        )
    }

    fn name(&self, household: usize) -> String {
        self.cast.households[household].name.clone()
    }

    /// The time in the recording that a slot stands for.
    fn recorded(&self, slot: Timestamp) -> String {
        let slots = (slot.as_second() - self.cast.start.as_second()).div_euclid(i64::from(self.cast.slot_seconds));
        let recorded = self.cast.recorded.checked_add(SignedDuration::from_mins(15 * slots));
        let local = recorded.and_then(|at| at.in_tz(profiles::ZONE));
        local.map_or_else(|_| slot.to_string(), |at| at.strftime("%a %H:%M").to_string())
    }
}

fn table<const N: usize>(headings: [&str; N], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(cells(headings.map(str::to_owned), numbers));
    table
}

fn add<const N: usize>(table: &mut Table, row: [String; N], numbers: std::ops::Range<usize>) {
    table.add_row(cells(row, numbers));
}

fn cells<const N: usize>(row: [String; N], numbers: std::ops::Range<usize>) -> Vec<Cell> {
    let aligned = |(index, text)| {
        let alignment = if numbers.contains(&index) { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(alignment)
    };
    row.into_iter().enumerate().map(aligned).collect()
}
