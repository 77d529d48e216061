//! Whether the records of both parties to each trade agree: what the whole protocol is for.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use wattswap_api::dto::trade::{Trade, TradePage};
use wattswap_matching::{Money, WattHours};
use wattswap_node::client::RequestError;

use crate::node::Node;

/// Trades that are read from one node: far more than a test or a demo makes.
const MAX_TRADES: usize = 1_000_000;

/// One household's trades.
pub struct Record {
    /// Its key.
    pub member: String,
    /// All its trades.
    pub trades: Vec<Trade>,
}

/// What was traded, if all records agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many trades, each counted once.
    pub trades: usize,
    /// All energy sold.
    pub energy: WattHours,
    /// All that was paid for it.
    pub amount: Money,
}

/// Records that do not agree: one line for each contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradictions(pub Vec<String>);

impl fmt::Display for Contradictions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} contradictions: {}", self.0.len(), self.0.join("; "))
    }
}

impl std::error::Error for Contradictions {}

impl Record {
    /// Everything that a node says it has traded.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn of(node: &Node) -> Result<Self, RequestError> {
        let trades = node.client().list("/trades", MAX_TRADES, |page: TradePage| (page.trades, page.next))?;
        Ok(Self { member: node.member().to_owned(), trades })
    }
}

/// Compares the records of all households of a community: every trade is in exactly two of them, word for word but
/// for the side, and firm in both.
///
/// # Errors
/// [`Contradictions`].
pub fn compare(records: &[Record]) -> Result<Total, Contradictions> {
    let mut held: BTreeMap<String, Vec<(&str, &Trade)>> = BTreeMap::new();
    for record in records {
        for trade in &record.trades {
            held.entry(trade.id.to_string()).or_default().push((&record.member, trade));
        }
    }
    let mut contradictions = Vec::new();
    let mut total = Total::default();
    for (id, copies) in held {
        match copies[..] {
            [(one, first), (other, second)] => {
                let wrong = contradiction(one, first, other, second);
                contradictions.extend(wrong.map(|wrong| format!("trade {id}: {wrong}")));
                total.trades += 1;
                total.energy += first.quantity_wh.0;
                total.amount = total.amount + first.amount.0;
            }
            _ => contradictions.push(format!("trade {id} is in {} records", copies.len())),
        }
    }
    if contradictions.is_empty() { Ok(total) } else { Err(Contradictions(contradictions)) }
}

/// What is wrong between two copies of a trade.
fn contradiction(one: &str, first: &Trade, other: &str, second: &Trade) -> Option<String> {
    let same = [
        ("slot", first.slot == second.slot),
        ("price", first.price_per_kwh == second.price_per_kwh),
        ("energy", first.quantity_wh.0 == second.quantity_wh.0),
        ("amount", first.amount == second.amount),
        ("time", first.at == second.at),
        ("resting order", first.resting_order == second.resting_order),
        ("proposal", first.proposal == second.proposal),
        ("acceptance", first.acceptance == second.acceptance),
        ("side", first.side.0 == second.side.0.opposite()),
        ("counterparty", first.counterparty.to_string() == other && second.counterparty.to_string() == one),
        ("standing", !first.provisional && !second.provisional),
        // Price per kWh times Wh, to the last digit.
        (
            "cost",
            first.amount.0.0 * Decimal::ONE_THOUSAND == first.price_per_kwh.0.0 * Decimal::from(first.quantity_wh.0.0),
        ),
    ];
    let wrong: Vec<&str> = same.iter().filter(|(_, holds)| !holds).map(|(name, _)| *name).collect();
    (!wrong.is_empty()).then(|| format!("{one} and {other} do not agree on its {}", wrong.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn trade(side: &str, counterparty: &str, change: impl Fn(&mut Value)) -> Trade {
        let mut trade = json!({
            "id": "cd".repeat(32), "slot": "2026-06-10T12:15:00Z", "side": side, "counterparty": counterparty,
            "price_per_kwh": "0.15", "quantity_wh": 500, "amount": "0.075", "at": "2026-06-10T12:01:02Z",
            "provisional": false, "order": null, "resting_order": format!("{}:3", "ef".repeat(32)),
            "proposal": "AA==", "acceptance": "AAA=",
        });
        change(&mut trade);
        serde_json::from_value(trade).unwrap()
    }

    fn records(change: impl Fn(&mut Value)) -> Vec<Record> {
        let (one, other) = ("01".repeat(32), "02".repeat(32));
        let sold = trade("sell", &other, |_| {});
        let bought = trade("buy", &one, change);
        vec![Record { member: one, trades: vec![sold] }, Record { member: other, trades: vec![bought] }]
    }

    #[test]
    fn records_that_agree_are_counted_once() {
        let total = compare(&records(|_| {})).unwrap();
        let expected = Total { trades: 1, energy: WattHours(500), amount: Money(Decimal::new(75, 3)) };
        assert_eq!(total, expected);
        assert_eq!(compare(&[]).unwrap(), Total::default());
    }

    #[test]
    fn every_difference_is_a_contradiction() {
        for (field, value) in [
            ("slot", json!("2026-06-10T12:30:00Z")),
            ("price_per_kwh", json!("0.16")),
            ("quantity_wh", json!(501)),
            ("amount", json!("0.076")),
            ("at", json!("2026-06-10T12:01:03Z")),
            ("resting_order", json!(format!("{}:4", "ef".repeat(32)))),
            ("proposal", json!("AQ==")),
            ("acceptance", json!("AQ==")),
            ("side", json!("sell")),
            ("counterparty", json!("03".repeat(32))),
            ("provisional", json!(true)),
        ] {
            let wrong = compare(&records(|trade| trade[field] = value.clone())).unwrap_err();
            assert_eq!(wrong.0.len(), 1, "{field}: {wrong}");
        }
        let mut lost = records(|_| {});
        lost[1].trades.clear();
        assert!(compare(&lost).unwrap_err().to_string().contains("is in 1 records"));
    }
}
