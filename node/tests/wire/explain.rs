//! What bytes mean, as JSON that a person or another program can compare.

use serde_json::{Value, json};
use wattswap_matching::Side;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::{Act, Charter, Shape};
use wattswap_node::protocol::entry::{Beacon, Entry, Op};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::ids::{Head, Incarnation, LogId};
use wattswap_node::protocol::message::{Answered, Bytes, Gossip, Message, Proof};
use wattswap_node::protocol::signed::{BadSignature, Signed, Statement};
use wattswap_node::protocol::wire::Malformed;

/// A kind of message: what its vectors' file is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Entry,
    Beacon,
    Proposal,
    Acceptance,
    Refusal,
    Governance,
    Gossip,
    Message,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Entry,
        Self::Beacon,
        Self::Proposal,
        Self::Acceptance,
        Self::Refusal,
        Self::Governance,
        Self::Gossip,
        Self::Message,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Beacon => "beacon",
            Self::Proposal => "proposal",
            Self::Acceptance => "acceptance",
            Self::Refusal => "refusal",
            Self::Governance => "governance",
            Self::Gossip => "gossip",
            Self::Message => "message",
        }
    }

    /// The external AAD of what is signed by one household.
    pub fn domain(self) -> Option<&'static str> {
        Some(match self {
            Self::Entry => Entry::DOMAIN,
            Self::Beacon => Beacon::DOMAIN,
            Self::Proposal => Proposal::DOMAIN,
            Self::Acceptance => Acceptance::DOMAIN,
            Self::Refusal => Refusal::DOMAIN,
            Self::Governance | Self::Gossip | Self::Message => return None,
        })
    }
}

/// What the bytes say, or why a node refuses them.
pub fn explain(kind: Kind, bytes: &[u8]) -> Result<Value, &'static str> {
    match kind {
        Kind::Entry => statement(bytes, entry),
        Kind::Beacon => statement(bytes, beacon),
        Kind::Proposal => statement(bytes, proposal),
        Kind::Acceptance => statement(bytes, acceptance),
        Kind::Refusal => statement(bytes, refusal),
        Kind::Governance => SignedRecord::parse(bytes).map(|record| governance(&record)).map_err(class),
        Kind::Gossip => Gossip::decode(bytes).map(|said| gossip(&said)).map_err(class),
        Kind::Message => Message::decode(bytes).map(|said| message(&said)).map_err(class),
    }
}

/// The bytes that a node makes of what it read, which must be the bytes that it read.
pub fn again(kind: Kind, bytes: &[u8]) -> Option<Vec<u8>> {
    match kind {
        Kind::Entry => resealed::<Entry>(bytes),
        Kind::Beacon => resealed::<Beacon>(bytes),
        Kind::Proposal => resealed::<Proposal>(bytes),
        Kind::Acceptance => resealed::<Acceptance>(bytes),
        Kind::Refusal => resealed::<Refusal>(bytes),
        Kind::Governance => wattswap_node::protocol::wire::cosign::open(bytes).ok().and_then(|(_, signatures)| {
            let record = SignedRecord::parse(bytes).ok()?.record;
            Some(wattswap_node::protocol::wire::cosign::seal(&record.encode(), &signatures))
        }),
        Kind::Gossip => Gossip::decode(bytes).ok().map(|said| said.encode()),
        Kind::Message => Message::decode(bytes).ok().map(|said| said.encode()),
    }
}

fn resealed<T: Statement>(bytes: &[u8]) -> Option<Vec<u8>> {
    let signed = Signed::<T>::parse(bytes).ok()?;
    let signature = bytes.last_chunk()?;
    Some(wattswap_node::protocol::wire::cose::seal(&signed.encode(), signature))
}

/// A refusal's class, as vectors state it.
pub fn class(malformed: Malformed) -> &'static str {
    match malformed {
        Malformed::TooLong { .. } => "too long",
        Malformed::Framing => "framing",
        Malformed::Expected { .. } => "unexpected",
        Malformed::Key { .. } => "key",
        Malformed::NotShortest { .. } => "not shortest",
        Malformed::NotTheEnd { .. } => "not the end",
        Malformed::OutOfRange { .. } => "out of range",
        Malformed::Broken(_) => "broken rule",
    }
}

fn statement<T: Statement>(bytes: &[u8], says: impl Fn(&T) -> Value) -> Result<Value, &'static str> {
    let signed = Signed::<T>::parse(bytes).map_err(class)?;
    let verified = signed.verify().map_err(|BadSignature| "bad signature")?;
    Ok(with_id(&verified, says))
}

fn with_id<T: Statement>(signed: &Signed<T>, says: impl Fn(&T) -> Value) -> Value {
    let mut said = says(signed);
    said["id"] = hex::encode(signed.hash()).into();
    said["signer"] = signed.signer().to_string().into();
    said
}

fn entry(entry: &Entry) -> Value {
    json!({
        "community": entry.community.to_string(),
        "log": log(&entry.log),
        "seq": entry.seq,
        "prev": entry.prev.map(|id| id.to_string()),
        "at": entry.at.0,
        "ops": entry.ops.iter().map(op).collect::<Vec<_>>(),
    })
}

fn op(op: &Op) -> Value {
    match op {
        Op::Place(order) => json!({"place": {
            "slot": order.slot.start().0,
            "side": side(order.side),
            "quantity": order.quantity.0,
            "price": order.price.0,
            "expires_at": order.expires_at.0,
            "charter": order.charter.to_string(),
        }}),
        Op::Cancel { order, leaves } => json!({"cancel": {"order": order.to_string(), "leaves": leaves.0}}),
        Op::Fill(fill) => json!({"fill": {
            "both_signed": fill.verify().is_ok(),
            "proposal": with_id(&fill.proposal, proposal),
            "acceptance": with_id(&fill.acceptance, acceptance),
        }}),
        Op::Seal(sealed) => json!({"seal": head(sealed)}),
    }
}

fn beacon(beacon: &Beacon) -> Value {
    json!({
        "community": beacon.community.to_string(),
        "log": log(&beacon.log),
        "last": beacon.last.map(|(seq, id)| json!({"seq": seq, "id": id.to_string()})),
        "at": beacon.at.0,
    })
}

fn proposal(proposal: &Proposal) -> Value {
    json!({
        "community": proposal.community.to_string(),
        "charter": proposal.charter.to_string(),
        "slot": proposal.slot.start().0,
        "side": side(proposal.side),
        "taker": log(&proposal.taker),
        "maker": log(&proposal.maker),
        "order": proposal.order.to_string(),
        "own_order": proposal.own_order.map(|order| order.to_string()),
        "up_to": proposal.up_to.0,
        "price": proposal.price.0,
        "nonce": proposal.nonce,
        "expires_at": proposal.expires_at.0,
    })
}

fn acceptance(acceptance: &Acceptance) -> Value {
    json!({
        "proposal": acceptance.proposal.to_string(),
        "maker": acceptance.maker.to_string(),
        "quantity": acceptance.quantity.0,
        "filled_total": acceptance.filled_total.0,
        "incarnation": incarnation(&acceptance.incarnation),
        "seq": acceptance.seq,
        "at": acceptance.at.0,
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "proposal": refusal.proposal.to_string(),
        "maker": refusal.maker.to_string(),
        "incarnation": incarnation(&refusal.incarnation),
        "at": refusal.at.0,
    })
}

fn governance(signed: &SignedRecord) -> Value {
    let record = &signed.record;
    json!({
        "id": signed.id.to_string(),
        "good_signers": signed.good_signers().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "height": record.height,
        "prev": record.prev.map(|id| id.to_string()),
        "at": record.at.0,
        "act": match &record.act {
            Act::Charter(rules) => json!({"charter": charter(rules)}),
            Act::Seals(seals) => json!({"seals": seals.iter().map(head).collect::<Vec<_>>()}),
        },
    })
}

fn charter(charter: &Charter) -> Value {
    json!({
        "rules": charter.rules,
        "name": charter.name,
        "shape": shape(&charter.shape),
        "members": charter.members.iter().map(|member| json!({
            "key": member.key.to_string(),
            "name": member.name,
            "import": member.import.0,
            "export": member.export.0,
        })).collect::<Vec<_>>(),
        "operators": charter.operators.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "proposal_lifetime": charter.proposal_lifetime.as_millis() as u64,
        "clock_skew": charter.clock_skew.as_millis() as u64,
    })
}

fn shape(shape: &Shape) -> Value {
    json!({
        "id": shape.id().to_string(),
        "currency": shape.currency,
        "slot_length": shape.slot_length.as_millis() as u64,
        "delivery_time": shape.delivery_time.as_millis() as u64,
        "opening": shape.opening.as_millis() as u64,
        "gate": shape.gate_millis,
        "price_tick": shape.price_tick.to_string(),
        "quantity_tick": shape.quantity_tick.0,
        "smallest_fill": shape.smallest_fill.0,
        "floor": shape.floor.0,
        "cap": shape.cap.0,
        "fees": shape.fees.iter().map(|fee| json!({
            "name": fee.name,
            "payer": side(fee.payer),
            "per_kwh": fee.per_kwh.0,
        })).collect::<Vec<_>>(),
    })
}

fn gossip(gossip: &Gossip) -> Value {
    match gossip {
        Gossip::Entry(bytes) => json!({"entry": hex::encode(bytes)}),
        Gossip::Beacon(bytes) => json!({"beacon": hex::encode(bytes)}),
        Gossip::Proof(evidence) => json!({"proof": proof(evidence)}),
        Gossip::Governance(bytes) => json!({"governance": hex::encode(bytes)}),
    }
}

fn message(message: &Message) -> Value {
    match message {
        Message::Summary(summary) => json!({"summary": {
            "community": summary.community.to_string(),
            "governance": {"height": summary.governance.0, "id": summary.governance.1.to_string()},
            "heads": summary.heads.to_string(),
            "convicted": summary.convicted.to_string(),
        }}),
        Message::GetHeads => json!({"get_heads": null}),
        Message::Heads(heads) => json!({"heads": heads.iter().map(head).collect::<Vec<_>>()}),
        Message::GetRange { log: id, from, count } => json!({"get_range": {
            "log": log(id), "from": from, "count": count,
        }}),
        Message::Range { log: id, from, entries } => json!({"range": {
            "log": log(id), "from": from, "entries": hexes(entries),
        }}),
        Message::GetGovernance { from } => json!({"get_governance": {"from": from}}),
        Message::Governance(records) => json!({"governance": hexes(records)}),
        Message::GetProofs => json!({"get_proofs": null}),
        Message::Proofs(proofs) => json!({"proofs": proofs.iter().map(proof).collect::<Vec<_>>()}),
        Message::Proposal(word) => json!({"proposal": hex::encode(word)}),
        Message::Acceptance(word) => json!({"acceptance": hex::encode(word)}),
        Message::Refusal(word) => json!({"refusal": hex::encode(word)}),
        Message::TooLate { proposal, beacon } => json!({"too_late": {
            "proposal": proposal.to_string(), "beacon": hex::encode(beacon),
        }}),
        Message::GetBeacon => json!({"get_beacon": null}),
        Message::Beacon(word) => json!({"beacon": hex::encode(word)}),
        Message::Clock(at) => json!({"clock": at.0}),
    }
}

fn proof(proof: &Proof) -> Value {
    match proof {
        Proof::Fork { one, other } => json!({"fork": {"one": hexes(one), "other": hexes(other)}}),
        Proof::BrokenBeacon { beacon, entry } => {
            json!({"broken_beacon": {"beacon": hex::encode(beacon), "entry": hexes(entry)}})
        }
        Proof::TwoAcceptances { one, other } => {
            json!({"two_acceptances": {"one": hex::encode(one), "other": hex::encode(other)}})
        }
        Proof::AcceptedAndRefused { acceptance, refusal } => {
            json!({"accepted_and_refused": {"acceptance": hex::encode(acceptance), "refusal": hex::encode(refusal)}})
        }
        Proof::Overfilled { placed, answered: given } => {
            json!({"overfilled": {"placed": hexes(placed), "answered": answered(given)}})
        }
        Proof::GivenTwice { one, other } => {
            json!({"given_twice": {"one": answered(one), "other": answered(other)}})
        }
        Proof::AcceptedAfterCancel { cancelled, answered: given } => {
            json!({"accepted_after_cancel": {"cancelled": hexes(cancelled), "answered": answered(given)}})
        }
        Proof::TooManyLogs(entries) => json!({"too_many_logs": hexes(entries)}),
    }
}

fn answered(answered: &Answered) -> Value {
    json!({"proposal": hex::encode(&answered.proposal), "acceptance": hex::encode(&answered.acceptance)})
}

fn hexes(list: &[Bytes]) -> Vec<String> {
    list.iter().map(hex::encode).collect()
}

fn head(head: &Head) -> Value {
    json!({"log": log(&head.log), "seq": head.seq, "id": head.id.to_string()})
}

fn log(log: &LogId) -> Value {
    json!({"author": log.author.to_string(), "incarnation": incarnation(&log.incarnation)})
}

fn incarnation(incarnation: &Incarnation) -> Value {
    json!({"opened": incarnation.opened.0, "nonce": incarnation.nonce})
}

fn side(side: Side) -> String {
    side.to_string()
}
