//! From the protocol's words to the port's, and back.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use wattswap_api::limits::{MAX_BODY_BYTES, MAX_RECORDS_PER_REQUEST};
use wattswap_api::port::{self, MemberKey as PortKey, PricePerKwh};
use wattswap_matching::units::PriceError;
use wattswap_matching::{Level, Price, PriceScale, Slot, UtcMillis, WattHours};

use crate::drivers::network::View;
use crate::drivers::snapshot::{SlotView, Snapshot};
use crate::drivers::store::{self, Token, TokenError, TokenRole};
use crate::protocol::charter::Charter;
use crate::protocol::governance::NotASuccessor;
use crate::protocol::household::io::{
    BadRecord, BadWish, CommandError, OwnTrade, Request, RequestState, Standing, Wish,
};
use crate::protocol::ids::{Head, MemberKey, OrderId};
use crate::protocol::limits::MAX_GOVERNANCE_BYTES;
use crate::protocol::message::Contradiction;
use crate::protocol::{autopilot, metering};

/// The orders as wishes in ticks, or why some of them can't be.
pub(super) fn wishes(orders: &[port::NewOrder], charter: &Charter) -> Result<Vec<Wish>, Vec<port::Refusal>> {
    let wish = |order: &port::NewOrder| {
        let price = ticks(order.price, charter)?;
        let (slot, side, quantity, expires_at) = (order.slot, order.side, order.quantity, order.expires_at);
        Ok(Wish { slot, side, quantity, price, expires_at })
    };
    let results: Vec<Result<Wish, port::RefusalReason>> = orders.iter().map(wish).collect();
    let refusals: Vec<port::Refusal> = results
        .iter()
        .enumerate()
        .filter_map(|(index, result)| result.err().map(|reason| port::Refusal { index, reason }))
        .collect();
    if refusals.is_empty() { Ok(results.into_iter().flatten().collect()) } else { Err(refusals) }
}

fn ticks(price: PricePerKwh, charter: &Charter) -> Result<Price, port::RefusalReason> {
    let shape = &charter.shape;
    let scale = shape.price_scale();
    let decimal = |price| PricePerKwh(scale.decimal(price));
    scale.price(price.0).map_err(|error| match error {
        PriceError::OutOfRange(_) => {
            port::RefusalReason::PriceOutOfBounds { floor: decimal(shape.floor), cap: decimal(shape.cap) }
        }
        PriceError::BetweenTicks { .. } | PriceError::BadTick(_) => {
            port::RefusalReason::PriceBetweenTicks { tick: PricePerKwh(scale.tick()) }
        }
    })
}

pub(super) fn place_error(error: CommandError, orders: &[port::NewOrder], snapshot: &Snapshot) -> port::PlaceError {
    match error {
        CommandError::BadWish { index, reason } => {
            let slot = orders[index].slot;
            let quantity = orders[index].quantity;
            port::PlaceError::Refused(vec![port::Refusal { index, reason: refusal(reason, slot, quantity, snapshot) }])
        }
        CommandError::KeyReused => port::PlaceError::KeyReused,
        CommandError::TooManyLive { limit } => {
            let reason = port::RefusalReason::TooManyOpen { limit: count(limit) };
            port::PlaceError::Refused(vec![port::Refusal { index: 0, reason }])
        }
        other => unreachable!("a placement is never refused with {other:?}"),
    }
}

fn refusal(reason: BadWish, slot: Slot, quantity: WattHours, snapshot: &Snapshot) -> port::RefusalReason {
    let shape = &snapshot.charter.shape;
    let decimal = |price| PricePerKwh(shape.price_scale().decimal(price));
    match reason {
        BadWish::NotASlot => port::RefusalReason::NoSuchSlot { slot_length: shape.slot_length },
        BadWish::NotYetOpen { opens } => port::RefusalReason::SlotNotOpen { opens_at: opens },
        BadWish::GateClosed => port::RefusalReason::SlotClosed { closed_at: shape.gate(slot) },
        BadWish::AlreadyExpired => port::RefusalReason::AlreadyExpired,
        BadWish::NoQuantity => port::RefusalReason::QuantityTooSmall { smallest: shape.quantity_tick },
        BadWish::BetweenTicks { tick } => port::RefusalReason::QuantityBetweenTicks { tick },
        BadWish::OutsideBand { floor, cap } => {
            port::RefusalReason::PriceOutOfBounds { floor: decimal(floor), cap: decimal(cap) }
        }
        BadWish::OverConnectionLimit { by } => {
            port::RefusalReason::BeyondConnection { left: quantity.less_at_least_zero(by) }
        }
        BadWish::TooManyInSlot { limit } => port::RefusalReason::TooManyInSlot { limit: count(limit) },
        BadWish::NotAMember => port::RefusalReason::NotAMember,
    }
}

pub(super) fn placed(request: &Request, charter: &Charter) -> port::PlacedOrder {
    let wish = &request.wish;
    let order = port::NewOrder {
        slot: wish.slot,
        side: wish.side,
        quantity: wish.quantity,
        price: PricePerKwh(charter.shape.price_scale().decimal(wish.price)),
        expires_at: wish.expires_at,
    };
    port::PlacedOrder { id: port::RequestId(request.id.0), order, placed_at: request.placed_at }
}

pub(super) fn request(request: &Request, charter: &Charter) -> port::Request {
    let state = match request.state {
        RequestState::Live if request.orders.is_empty() => port::RequestState::Taking,
        RequestState::Live => port::RequestState::Posted,
        RequestState::Filled => port::RequestState::Filled,
        RequestState::Cancelled => port::RequestState::Cancelled,
        RequestState::Expired => port::RequestState::Expired,
    };
    let is_live = request.state == RequestState::Live;
    let open = request.wish.quantity - request.filled - request.in_doubt;
    port::Request {
        placed: placed(request, charter),
        state,
        filled: request.filled,
        in_doubt: request.in_doubt,
        open: if is_live { open } else { WattHours::ZERO },
        book_orders: request.orders.iter().map(order_id).collect(),
    }
}

fn order_id(id: &OrderId) -> port::OrderId {
    port::OrderId { entry: id.entry.0, index: u32::from(id.index) }
}

pub(super) fn trade(own: &OwnTrade, snapshot: &Snapshot) -> port::Trade {
    let (proposal, acceptance) = (&own.trade.proposal, &own.trade.acceptance);
    let we_took = proposal.taker.author == snapshot.status.me;
    let (side, counterparty) =
        if we_took { (proposal.side, acceptance.maker) } else { (proposal.side.opposite(), proposal.taker.author) };
    // The charter under which it was proposed says what a tick was worth.
    let scale = snapshot.scales.get(&proposal.charter).copied();
    let scale = scale.unwrap_or_else(|| snapshot.charter.shape.price_scale());
    port::Trade {
        id: port::TradeId(own.trade.id().0),
        slot: proposal.slot,
        side,
        counterparty: key(&counterparty),
        price: PricePerKwh(scale.decimal(proposal.price)),
        quantity: acceptance.quantity,
        amount: scale.cost(proposal.price, acceptance.quantity),
        at: acceptance.at,
        provisional: own.provisional,
        request: own.request.map(|id| port::RequestId(id.0)),
        resting_order: order_id(&proposal.order),
        proposal: proposal.bytes().to_vec(),
        acceptance: acceptance.bytes().to_vec(),
    }
}

fn key(key: &MemberKey) -> PortKey {
    PortKey(key.0)
}

pub(super) fn row(reading: &port::Reading) -> metering::Row {
    metering::Row { meter: meter(&reading.meter), at: reading.at, import: reading.import, export: reading.export }
}

pub(super) fn meter(meter: &port::MeterId) -> metering::MeterId {
    metering::MeterId::new(meter.as_str()).expect("the port's meter names are the protocol's")
}

pub(super) fn verdict(verdict: metering::Verdict) -> port::Verdict {
    match verdict {
        metering::Verdict::Accepted => port::Verdict::Accepted,
        metering::Verdict::Duplicate => port::Verdict::Duplicate,
        metering::Verdict::Conflict { kept_import, kept_export } => {
            port::Verdict::Conflict { kept_import, kept_export }
        }
        metering::Verdict::Quarantined(reason) => port::Verdict::Quarantined(quarantine(reason)),
    }
}

fn quarantine(reason: metering::Reason) -> port::QuarantineReason {
    match reason {
        metering::Reason::WentBack => port::QuarantineReason::WentBack,
        metering::Reason::TooFast => port::QuarantineReason::TooFast,
        metering::Reason::ClockAhead => port::QuarantineReason::ClockAhead,
        metering::Reason::TooOld => port::QuarantineReason::TooOld,
        metering::Reason::TooManyMeters => port::QuarantineReason::TooManyMeters,
    }
}

/// What one push brought, for each meter in it.
pub(super) fn pushed(readings: &[port::Reading], verdicts: &[port::Verdict]) -> Vec<port::ReadingsPushed> {
    let mut by_meter = BTreeMap::new();
    for (reading, verdict) in readings.iter().zip(verdicts) {
        let pushed = by_meter.entry(&reading.meter).or_insert_with(|| port::ReadingsPushed {
            meter: reading.meter.clone(),
            newest: None,
            accepted: 0,
            duplicates: 0,
            conflicts: 0,
            quarantined: 0,
        });
        match verdict {
            port::Verdict::Accepted => {
                pushed.accepted += 1;
                pushed.newest = pushed.newest.max(Some(reading.at));
            }
            port::Verdict::Duplicate => pushed.duplicates += 1,
            port::Verdict::Conflict { .. } => pushed.conflicts += 1,
            port::Verdict::Quarantined(_) => pushed.quarantined += 1,
        }
    }
    by_meter.into_values().collect()
}

pub(super) fn stored_reading(reading: &metering::Reading) -> port::StoredReading {
    let row = &reading.row;
    let meter = port::MeterId::new(row.meter.as_str()).expect("the port's meter names are the protocol's");
    let quarantined = match reading.verdict {
        metering::Verdict::Quarantined(reason) => Some(quarantine(reason)),
        metering::Verdict::Accepted | metering::Verdict::Duplicate | metering::Verdict::Conflict { .. } => None,
    };
    let reading = port::Reading { meter, at: row.at, import: row.import, export: row.export };
    port::StoredReading { reading, quarantined }
}

// What the HTTP face lets through the protocol admits.
const _: () = assert!(wattswap_api::dto::number::MAX_SLOTS_AHEAD == autopilot::MAX_TRADE_AHEAD);

/// The autopilot's settings in ticks.
pub(super) fn settings(
    wanted: &port::Autopilot,
    snapshot: &Snapshot,
) -> Result<autopilot::Settings, port::AutopilotRefusal> {
    let charter = &snapshot.charter;
    let limit = |price| {
        ticks(price, charter).map_err(|refused| match refused {
            port::RefusalReason::PriceBetweenTicks { tick } => port::AutopilotRefusal::PriceBetweenTicks { tick },
            _ => out_of_band(charter),
        })
    };
    Ok(autopilot::Settings {
        on: wanted.on,
        sell_at_least: limit(wanted.sell_at_least)?,
        buy_at_most: limit(wanted.buy_at_most)?,
        trade_ahead: wanted.trade_ahead,
        slot_limit: wanted.slot_limit,
    })
}

pub(super) fn out_of_band(charter: &Charter) -> port::AutopilotRefusal {
    let decimal = |price| PricePerKwh(charter.shape.price_scale().decimal(price));
    port::AutopilotRefusal::PriceOutOfBounds { floor: decimal(charter.shape.floor), cap: decimal(charter.shape.cap) }
}

pub(super) fn autopilot(snapshot: &Snapshot) -> port::Autopilot {
    let settings = &snapshot.autopilot;
    let decimal = |price| PricePerKwh(snapshot.charter.shape.price_scale().decimal(price));
    port::Autopilot {
        on: settings.on,
        sell_at_least: decimal(settings.sell_at_least),
        buy_at_most: decimal(settings.buy_at_most),
        trade_ahead: settings.trade_ahead,
        slot_limit: settings.slot_limit,
    }
}

pub(super) fn summary(slot: Slot, charter: &Charter, book: &SlotView) -> port::SlotSummary {
    let shape = &charter.shape;
    let best = |side: &[Level]| side.first().map(|best| level(best, shape.price_scale()));
    port::SlotSummary {
        slot,
        opens_at: shape.opens(slot),
        closes_at: shape.gate(slot),
        best_bid: best(&book.bids),
        best_ask: best(&book.asks),
        bid_total: book.bid_total,
        ask_total: book.ask_total,
    }
}

pub(super) fn depth(slot: Slot, levels: usize, charter: &Charter, book: &SlotView) -> port::Depth {
    let scale = charter.shape.price_scale();
    let side = |of: &[Level]| of.iter().take(levels).map(|of| level(of, scale)).collect();
    port::Depth { slot, bids: side(&book.bids), asks: side(&book.asks) }
}

fn level(level: &Level, scale: PriceScale) -> port::Level {
    port::Level { price: PricePerKwh(scale.decimal(level.price)), quantity: level.quantity, orders: level.orders }
}

pub(super) fn status(snapshot: &Snapshot, network: &View, started_at: UtcMillis, stopping: bool) -> port::Status {
    let status = &snapshot.status;
    let phase = match status.standing {
        _ if stopping => port::Phase::Stopping,
        Standing::Trading => port::Phase::Trading,
        Standing::Comparing { .. } => port::Phase::Comparing,
        Standing::Restoring { .. } => port::Phase::Restoring,
        Standing::Alone => port::Phase::Alone,
        Standing::ClockAhead { .. } => port::Phase::ClockAhead,
        Standing::LogAhead { .. } => port::Phase::LogAhead,
        Standing::NotAMember => port::Phase::NotAMember,
        Standing::Convicted => port::Phase::Convicted,
    };
    port::Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        member: key(&status.me),
        peer_id: peer_id(&status.me),
        addresses: network.listening.iter().map(ToString::to_string).collect(),
        community: snapshot.community.0,
        charter: snapshot.charter_id.0,
        phase,
        now: crate::drivers::clock::now(),
        started_at,
        log: status.own_head.as_ref().map(log_head),
        members: count(snapshot.charter.members.len()),
        peers_connected: count(snapshot.peers.values().filter(|peer| peer.is_connected).count()),
        book_digest: status.book.0,
        open_requests: count(status.live_requests),
        proposals_in_doubt: count(status.in_doubt),
    }
}

fn log_head(head: &Head) -> port::LogHead {
    port::LogHead { incarnation: head.log.incarnation.to_string(), seq: head.seq, id: head.id.0 }
}

/// The key as libp2p writes it; the text of a key that no node can have is empty.
fn peer_id(key: &MemberKey) -> String {
    crate::drivers::network::identity::peer_id(key).map(|id| id.to_string()).unwrap_or_default()
}

pub(super) fn peer(member: &MemberKey, snapshot: &Snapshot, network: &View) -> Option<port::Peer> {
    let view = snapshot.peers.get(member)?;
    let connection = network.connected.get(member).filter(|_| view.is_connected);
    let addresses = connection.map(|connection| connection.addresses.as_slice()).unwrap_or_default();
    Some(port::Peer {
        member: key(member),
        is_member: view.is_member,
        peer_id: peer_id(member),
        name: snapshot.charter.member(member).map(|member| member.name.clone()).unwrap_or_default(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
        connected_since: connection.map(|connection| connection.since),
        last_heard: view.last_word,
        logs: view.heads.iter().map(log_head).collect(),
        convicted_of: view.convicted_of.map(contradiction),
    })
}

pub(super) fn contradiction(of: Contradiction) -> port::Contradiction {
    match of {
        Contradiction::Fork => port::Contradiction::Fork,
        Contradiction::BrokenBeacon => port::Contradiction::BrokenBeacon,
        Contradiction::TwoAcceptances => port::Contradiction::TwoAcceptances,
        Contradiction::AcceptedAndRefused => port::Contradiction::AcceptedAndRefused,
        Contradiction::Overfilled => port::Contradiction::Overfilled,
        Contradiction::GivenTwice => port::Contradiction::GivenTwice,
        Contradiction::AcceptedAfterCancel => port::Contradiction::AcceptedAfterCancel,
        Contradiction::TooManyLogs => port::Contradiction::TooManyLogs,
    }
}

/// A peer as it is right after it came or went, which the snapshot may not show yet.
pub(super) fn connected(peer: port::Peer, is_connected: bool, now: UtcMillis) -> port::Peer {
    let connected_since = if is_connected { peer.connected_since.or(Some(now)) } else { None };
    port::Peer { connected_since, ..peer }
}

pub(super) fn charter(snapshot: &Snapshot) -> port::Charter {
    let charter = &snapshot.charter;
    let shape = &charter.shape;
    let decimal = |price: Price| PricePerKwh(shape.price_scale().decimal(price));
    let fees = shape.fees.iter().map(|fee| port::Fee { name: fee.name.clone(), per_kwh: decimal(fee.per_kwh) });
    let members = charter.members.iter().map(|member| port::Member {
        key: key(&member.key),
        name: member.name.clone(),
        import_limit: member.import,
        export_limit: member.export,
    });
    port::Charter {
        hash: snapshot.charter_id.0,
        height: snapshot.height,
        community: snapshot.community.0,
        rules: u32::from(charter.rules),
        currency: shape.currency.clone(),
        slot_length: shape.slot_length,
        delivery: shape.delivery_time,
        opens_before: shape.opening,
        gate_after_ms: shape.gate_millis,
        price_tick: PricePerKwh(Decimal::from(1) * shape.price_tick),
        quantity_tick: shape.quantity_tick,
        smallest_fill: shape.smallest_fill,
        floor: decimal(shape.floor),
        cap: decimal(shape.cap),
        fees: fees.collect(),
        members: members.collect(),
        operators: charter.operators.iter().map(key).collect(),
        proposal_lifetime: charter.proposal_lifetime,
        clock_skew: charter.clock_skew,
    }
}

// As many of the longest records as a request may hold, in base64 with quotes and commas, fit into a body.
const _: () = assert!(MAX_RECORDS_PER_REQUEST * (MAX_GOVERNANCE_BYTES.div_ceil(3) * 4 + 8) < MAX_BODY_BYTES);

pub(super) fn record_refusal(error: CommandError) -> port::RecordRefusal {
    match error {
        CommandError::Governance(BadRecord::Malformed(wrong)) => port::RecordRefusal::Unreadable(wrong.to_string()),
        CommandError::Governance(BadRecord::OtherCommunity) => port::RecordRefusal::OtherCommunity,
        CommandError::Governance(BadRecord::NotASuccessor(wrong)) => match wrong {
            NotASuccessor::NoMajority { good, needed } => port::RecordRefusal::NotSigned { good, needed },
            NotASuccessor::UnknownRules(_) => port::RecordRefusal::NotSupported(wrong.to_string()),
            _ => port::RecordRefusal::NotNext(wrong.to_string()),
        },
        other => unreachable!("a governance record is never refused with {other:?}"),
    }
}

pub(super) fn listing<T, U>(listing: store::Listing<T>, item: impl Fn(&T) -> U) -> port::Listing<U> {
    port::Listing { items: listing.items.iter().map(item).collect(), next: listing.next.map(port::Position) }
}

pub(super) fn token(token: &port::NewToken, created_at: UtcMillis) -> Token {
    let role = match token.role {
        port::Role::Owner => TokenRole::Owner,
        port::Role::Meter => TokenRole::Meter,
        port::Role::Viewer => TokenRole::Viewer,
    };
    let (label, last_four) = (token.label.clone(), token.last_four.clone());
    Token { hash: token.hash.0, role, label, last_four, created_at }
}

pub(super) fn token_record(token: Token) -> port::TokenRecord {
    let role = match token.role {
        TokenRole::Owner => port::Role::Owner,
        TokenRole::Meter => port::Role::Meter,
        TokenRole::Viewer => port::Role::Viewer,
    };
    let created_at = token.created_at;
    let token =
        port::NewToken { hash: port::TokenHash(token.hash), role, label: token.label, last_four: token.last_four };
    port::TokenRecord { token, created_at }
}

pub(super) fn add_token_error(error: TokenError) -> port::AddTokenError {
    match error {
        TokenError::TooMany => port::AddTokenError::TooMany { limit: store::MAX_TOKENS },
        other => port::AddTokenError::Unavailable(port::Unavailable::Store(other.to_string())),
    }
}

/// Counts of what is bounded far below the limit of the type.
fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
