//! What a charter says, for people.

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use wattswap_matching::{Price, Side};

use crate::charter_file::CharterFile;
use crate::cli::Outcome;
use crate::cli::context::Context;
use crate::cli::output::{self, Column};
use crate::protocol::charter::{Act, Charter, Shape};
use crate::protocol::governance::SignedRecord;
use crate::protocol::ids::{Head, LogId};

pub(super) fn show(path: &Path, context: &Context) -> Outcome {
    let file = CharterFile::read(path)?;
    if context.json() {
        return Ok(file.records().try_for_each(|record| output::json(&summary(record)))?);
    }
    if let Some(chain) = file.chain() {
        output::text(&format!("community {}", chain.community()))?;
        output::text(&format!("charter   {}, number {}, in force", chain.in_force().0, chain.newest().record.height))?;
        rules(chain.in_force().1)?;
        members(chain.in_force().1, context)?;
    }
    if let (Some(draft), Some((missing, open))) = (file.draft(), file.missing_signatures()) {
        output::text(&format!("\nNumber {} is NOT in force: it lacks {missing} signature(s) of", draft.record.height))?;
        open.iter().try_for_each(|key| output::text(&format!("  {key}")))?;
        match &draft.record.act {
            Act::Charter(charter) => {
                rules(charter)?;
                members(charter, context)?;
            }
            Act::Seals(ends) => ends.iter().try_for_each(|end| {
                let LogId { author, incarnation } = end.log;
                output::text(&format!("seals     log {incarnation} of {author} at entry {}", end.seq))
            })?,
        }
    }
    Ok(())
}

fn rules(charter: &Charter) -> std::io::Result<()> {
    let shape = &charter.shape;
    let price = |price| format!("{} {}", shape.price_scale().decimal(price).normalize(), shape.currency);
    let lapse = if shape.slot_length == shape.delivery_time {
        String::new()
    } else {
        format!(", each standing for {} (a time-lapse)", time(shape.delivery_time))
    };
    let lines = [
        format!("name      {}", charter.name),
        format!("slots     {}{lapse}", time(shape.slot_length)),
        format!("opening   {} before delivery", time(shape.opening)),
        format!("gate      {}", gate(shape)),
        format!(
            "prices    from {} to {} per kWh, in steps of {}",
            price(shape.floor),
            price(shape.cap),
            price(Price(1))
        ),
        format!("energy    in steps of {}, trades from {}", shape.quantity_tick, shape.smallest_fill),
        format!(
            "times     proposals live {}, clocks may be {} apart",
            time(charter.proposal_lifetime),
            time(charter.clock_skew)
        ),
    ];
    output::text(&lines.join("\n"))?;
    shape.fees.iter().try_for_each(|fee| {
        let payer = match fee.payer {
            Side::Buy => "buyer",
            Side::Sell => "seller",
        };
        output::text(&format!("fee       {}: the {payer} pays {} per kWh", fee.name, price(fee.per_kwh)))
    })
}

fn gate(shape: &Shape) -> String {
    let after = SignedDuration::from_millis(shape.gate_millis);
    if after.is_negative() { format!("{:#} before delivery ends", -after) } else { format!("{after:#} after delivery") }
}

fn members(charter: &Charter, context: &Context) -> Outcome {
    use Column::{Number, Words};
    let own = context.folder().ok().and_then(|folder| crate::drivers::keys::HouseholdKey::load(&folder.key()).ok());
    let own = own.map(|key| key.member());
    let rows = charter.members.iter().map(|member| {
        let operator = charter.operators.binary_search(&member.key).is_ok();
        let roles = [(operator, "operator"), (own == Some(member.key), "this household")];
        let roles: Vec<&str> = roles.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        let power = |watts: u32| format!("{watts} W");
        [member.name.clone(), power(member.import.0), power(member.export.0), roles.join(", "), member.key.to_string()]
    });
    let columns = [Words("member"), Number("import"), Number("export"), Words(""), Words("key")];
    Ok(output::table(columns, rows, "no members")?)
}

fn time(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}

/// A record in JSON.
fn summary(record: &SignedRecord) -> serde_json::Value {
    let signers: Vec<String> = record.good_signers().iter().map(ToString::to_string).collect();
    let mut summary = json!({
        "height": record.record.height,
        "id": record.id.to_string(),
        "prev": record.record.prev.map(|prev| prev.to_string()),
        "at_ms": record.record.at.0,
        "signers": signers,
    });
    match &record.record.act {
        Act::Charter(charter) => summary["charter"] = charter_summary(charter),
        Act::Seals(ends) => summary["seals"] = ends.iter().map(seal_summary).collect(),
    }
    summary
}

fn seal_summary(end: &Head) -> serde_json::Value {
    let LogId { author, incarnation } = end.log;
    json!({
        "member": author.to_string(),
        "incarnation": incarnation.to_string(),
        "seq": end.seq,
        "id": end.id.to_string(),
    })
}

fn charter_summary(charter: &Charter) -> serde_json::Value {
    let shape = &charter.shape;
    let price = |price| shape.price_scale().decimal(price).normalize().to_string();
    let members = charter.members.iter().map(|member| {
        let (import, export) = (member.import.0, member.export.0);
        json!({ "key": member.key.to_string(), "name": member.name, "import_limit_w": import, "export_limit_w": export })
    });
    let fees = shape
        .fees
        .iter()
        .map(|fee| json!({ "name": fee.name, "payer_side": fee.payer.to_string(), "per_kwh": price(fee.per_kwh) }));
    json!({
        "rules": charter.rules,
        "name": charter.name,
        "currency": shape.currency,
        "slot_length_ms": millis(shape.slot_length),
        "delivery_ms": millis(shape.delivery_time),
        "opens_before_ms": millis(shape.opening),
        "gate_after_ms": shape.gate_millis,
        "price_tick_per_kwh": price(Price(1)),
        "floor_per_kwh": price(shape.floor),
        "cap_per_kwh": price(shape.cap),
        "quantity_tick_wh": shape.quantity_tick.0,
        "smallest_fill_wh": shape.smallest_fill.0,
        "fees": fees.collect::<Vec<_>>(),
        "members": members.collect::<Vec<_>>(),
        "operators": charter.operators.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "proposal_lifetime_ms": millis(charter.proposal_lifetime),
        "clock_skew_ms": millis(charter.clock_skew),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
