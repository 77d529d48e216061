//! `trades`: as a table, as JSON, or as CSV for a spreadsheet.

use std::collections::BTreeMap;
use std::io;

use wattswap_api::dto::community::Charter;
use wattswap_api::dto::trade::{Trade, TradePage};
use wattswap_matching::Side;

use super::Outcome;
use super::context::Context;
use super::output::{self, Column};

/// Which trades.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only those in this slot
    #[arg(long, value_name = "SLOT")]
    slot: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// Print CSV: times in UTC, energy in Wh, prices per kWh
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// Columns of the CSV. New ones come at the end.
const HEADING: [&str; 10] = [
    "trade",
    "slot",
    "side",
    "counterparty",
    "counterparty_name",
    "energy_wh",
    "price_per_kwh",
    "amount",
    "accepted_at",
    "provisional",
];

pub(super) fn carry_out(args: Args, context: &Context) -> Outcome {
    let client = context.client()?;
    let path = match &args.slot {
        Some(slot) => format!("/trades?slot={}", context.one_slot(slot, &client)?),
        None => "/trades".to_owned(),
    };
    let trades = client.list(&path, args.limit, |page: TradePage| (page.trades, page.next))?;
    if context.json() {
        return Ok(trades.iter().try_for_each(output::json)?);
    }
    let charter = client.charter()?;
    let names = names(&charter);
    if args.csv { Ok(csv(&trades, &names, io::stdout().lock())?) } else { show(&trades, &charter, &names, context) }
}

fn show(trades: &[Trade], charter: &Charter, names: &BTreeMap<String, String>, context: &Context) -> Outcome {
    use Column::{Number, Words};
    let zone = context.zone();
    let rows = trades.iter().map(|trade| {
        let key = trade.counterparty.to_string();
        let name = names.get(&key).filter(|name| !name.is_empty());
        let (did, preposition) = match trade.side.0 {
            Side::Buy => ("bought", "from"),
            Side::Sell => ("sold", "to"),
        };
        [
            output::short(&trade.id.to_string()).to_owned(),
            output::clock(trade.slot.0.start(), &zone),
            did.to_owned(),
            trade.quantity_wh.0.to_string(),
            format!("{preposition} {}", name.map_or(output::short(&key), String::as_str)),
            trade.price_per_kwh.to_string(),
            format!("{} {}", trade.amount, charter.currency),
            if trade.provisional { "provisional" } else { "" }.to_owned(),
        ]
    });
    let columns = [
        Words("trade"),
        Words("slot"),
        Words("we"),
        Number("energy"),
        Words("whom"),
        Number("price per kWh"),
        Number("amount"),
        Words(""),
    ];
    Ok(output::table(columns, rows, "no trades yet")?)
}

fn csv(trades: &[Trade], names: &BTreeMap<String, String>, out: impl io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(HEADING)?;
    for trade in trades {
        let counterparty = trade.counterparty.to_string();
        let name = names.get(&counterparty).cloned().unwrap_or_default();
        writer.write_record([
            trade.id.to_string(),
            trade.slot.to_string(),
            trade.side.to_string(),
            counterparty,
            name,
            trade.quantity_wh.0.0.to_string(),
            trade.price_per_kwh.to_string(),
            trade.amount.to_string(),
            trade.at.to_string(),
            trade.provisional.to_string(),
        ])?;
    }
    writer.flush()
}

fn names(charter: &Charter) -> BTreeMap<String, String> {
    charter.members.iter().map(|member| (member.key.to_string(), member.name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_is_one_line_of_csv() {
        let (key, id) = ("ab".repeat(32), "cd".repeat(32));
        let trade = serde_json::json!({
            "id": id, "slot": "2026-06-10T12:15:00Z", "side": "sell", "counterparty": key,
            "price_per_kwh": "-0.05", "quantity_wh": 500, "amount": "-0.025", "at": "2026-06-10T12:01:02.345Z",
            "provisional": false, "order": null, "resting_order": format!("{id}:3"), "proposal": "AA==",
            "acceptance": "AA==",
        });
        let trade: Trade = serde_json::from_value(trade).unwrap();
        let names = BTreeMap::from([(key.clone(), "Number 3, \"left\"".to_owned())]);
        let mut out = Vec::new();
        csv(&[trade], &names, &mut out).unwrap();
        let expected = format!(
            "{}\n{id},2026-06-10T12:15:00Z,sell,{key},\"Number 3, \"\"left\"\"\",500,-0.05,-0.025,\
             2026-06-10T12:01:02.345Z,false\n",
            HEADING.join(",")
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
