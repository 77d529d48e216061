//! A household in memory: it keeps what it is given, and judges just enough to make every answer happen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt;
use rust_decimal::Decimal;
use wattswap_api::port::*;
use wattswap_matching::units::{Money, Side, Slot, UtcMillis, WattHours, Watts};

/// 2026-03-29T01:00:00Z, the household's one instant.
pub const NOW: UtcMillis = UtcMillis(1_774_746_000_000);
const SLOT_MILLIS: u64 = 900_000;
const MAX_TOKENS: usize = 6;

/// A household that keeps everything in memory.
#[derive(Default)]
pub struct Home {
    kept: Mutex<Kept>,
}

#[derive(Default)]
pub struct Kept {
    pub requests: Vec<Request>,
    pub placements: BTreeMap<String, Vec<PlacedOrder>>,
    pub trades: Vec<Trade>,
    pub readings: BTreeMap<(UtcMillis, MeterId), StoredReading>,
    pub tokens: Vec<TokenRecord>,
    pub autopilot: Option<Autopilot>,
    /// How many charters have come into force since the household started.
    pub new_charters: u64,
    /// What every operation answers instead of serving.
    pub failure: Option<Unavailable>,
    pub unready: Option<String>,
}

impl Home {
    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Runs an operation on what is kept, unless the household is to fail.
    fn serve<T, E>(&self, operation: impl FnOnce(&mut Kept) -> Result<T, E>) -> Answer<'_, T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let mut kept = self.kept();
        let answer = match kept.failure.clone() {
            Some(failure) => Err(failure.into()),
            None => operation(&mut kept),
        };
        std::future::ready(answer).boxed()
    }
}

impl Household for Home {
    fn place(&self, placement: Placement) -> Answer<'_, Vec<PlacedOrder>, PlaceError> {
        self.serve(|kept| kept.place(placement))
    }

    fn requests(&self, filter: RequestFilter, page: Page) -> Answer<'_, Listing<Request>, ListError> {
        self.serve(|kept| {
            let wanted = |request: &&Request| {
                filter.slot.is_none_or(|slot| request.placed.order.slot == slot)
                    && filter.open.is_none_or(|open| request.open.is_positive() == open)
            };
            let newest_first: Vec<_> = kept.requests.iter().rev().filter(wanted).cloned().collect();
            paged(newest_first, page)
        })
    }

    fn request(&self, id: RequestId) -> Answer<'_, Option<Request>, Unavailable> {
        self.serve(|kept| Ok(kept.requests.iter().find(|request| request.placed.id == id).cloned()))
    }

    fn cancel(&self, id: RequestId) -> Answer<'_, Request, CancelError> {
        self.serve(|kept| {
            let request = kept.requests.iter_mut().find(|request| request.placed.id == id);
            let request = request.ok_or(CancelError::Unknown)?;
            match request.state {
                RequestState::Taking | RequestState::Posted | RequestState::Cancelled => {
                    request.state = RequestState::Cancelled;
                    request.open = WattHours::ZERO;
                    Ok(request.clone())
                }
                RequestState::Filled | RequestState::Expired | RequestState::Rejected(_) => Err(CancelError::Ended),
            }
        })
    }

    fn slots(&self) -> Answer<'_, Vec<SlotSummary>, Unavailable> {
        self.serve(|kept| {
            let depth = kept.depth(open_slot(), usize::MAX);
            let total = |levels: &[Level]| levels.iter().map(|level| level.quantity).sum();
            Ok(vec![SlotSummary {
                slot: depth.slot,
                opens_at: NOW.before(Duration::from_secs(60)),
                closes_at: NOW.after(Duration::from_secs(3_600)),
                best_bid: depth.bids.first().copied(),
                best_ask: depth.asks.first().copied(),
                bid_total: total(&depth.bids),
                ask_total: total(&depth.asks),
            }])
        })
    }

    fn depth(&self, slot: Slot, levels: usize) -> Answer<'_, Option<Depth>, Unavailable> {
        self.serve(|kept| Ok((slot == open_slot()).then(|| kept.depth(slot, levels))))
    }

    fn trades(&self, slot: Option<Slot>, page: Page) -> Answer<'_, Listing<Trade>, ListError> {
        self.serve(|kept| {
            let wanted = |trade: &&Trade| slot.is_none_or(|slot| trade.slot == slot);
            paged(kept.trades.iter().rev().filter(wanted).cloned().collect(), page)
        })
    }

    fn trade(&self, id: TradeId) -> Answer<'_, Option<Trade>, Unavailable> {
        self.serve(|kept| Ok(kept.trades.iter().find(|trade| trade.id == id).cloned()))
    }

    fn push_readings(&self, rows: Vec<Reading>) -> Answer<'_, Vec<Verdict>, Unavailable> {
        self.serve(|kept| Ok(rows.into_iter().map(|row| kept.judge(row)).collect()))
    }

    fn readings(&self, meter: Option<MeterId>, page: Page) -> Answer<'_, Listing<StoredReading>, ListError> {
        self.serve(|kept| {
            let wanted = |stored: &&StoredReading| meter.as_ref().is_none_or(|meter| stored.reading.meter == *meter);
            paged(kept.readings.values().rev().filter(wanted).cloned().collect(), page)
        })
    }

    fn status(&self) -> Answer<'_, Status, Unavailable> {
        self.serve(|kept| {
            Ok(Status {
                version: "1.2.3".to_owned(),
                member: MemberKey([1; 32]),
                peer_id: "12D3KooW".to_owned(),
                addresses: vec!["/ip4/127.0.0.1/tcp/4001".to_owned()],
                community: [2; 32],
                charter: [3; 32],
                phase: Phase::Trading,
                now: NOW,
                started_at: NOW,
                log: Some(LogHead { incarnation: "1-a".to_owned(), seq: 0, id: [4; 32] }),
                members: 3,
                peers_connected: 1,
                book_digest: [5; 32],
                open_requests: kept.requests.len() as u32,
                proposals_in_doubt: 0,
            })
        })
    }

    fn peers(&self) -> Answer<'_, Vec<Peer>, Unavailable> {
        self.serve(|_| Ok(vec![peer()]))
    }

    fn charter(&self) -> Answer<'_, Charter, Unavailable> {
        self.serve(|kept| Ok(kept.charter()))
    }

    fn publish_charter(&self, records: Vec<Vec<u8>>) -> Answer<'_, Charter, PublishError> {
        self.serve(|kept| {
            for (index, record) in records.iter().enumerate() {
                kept.take_record(record).map_err(|reason| PublishError::Refused { index, reason })?;
            }
            Ok(kept.charter())
        })
    }

    fn autopilot(&self) -> Answer<'_, Autopilot, Unavailable> {
        self.serve(|kept| {
            let off = Autopilot {
                on: false,
                sell_at_least: price("0.08"),
                buy_at_most: price("0.3"),
                trade_ahead: 8,
                slot_limit: None,
            };
            Ok(kept.autopilot.unwrap_or(off))
        })
    }

    fn set_autopilot(&self, settings: Autopilot) -> Answer<'_, Autopilot, AutopilotError> {
        self.serve(|kept| {
            if settings.buy_at_most > price("1") {
                let refusal = AutopilotRefusal::PriceOutOfBounds { floor: price("-1"), cap: price("1") };
                return Err(AutopilotError::Refused(refusal));
            }
            Ok(*kept.autopilot.insert(settings))
        })
    }

    fn tokens(&self) -> Answer<'_, Vec<TokenRecord>, Unavailable> {
        self.serve(|kept| Ok(kept.tokens.clone()))
    }

    fn add_token(&self, token: NewToken) -> Answer<'_, TokenRecord, AddTokenError> {
        self.serve(|kept| {
            if kept.tokens.len() == MAX_TOKENS {
                return Err(AddTokenError::TooMany { limit: MAX_TOKENS });
            }
            let record = TokenRecord { token, created_at: NOW };
            kept.tokens.push(record.clone());
            Ok(record)
        })
    }

    fn revoke_token(&self, id: TokenId) -> Answer<'_, (), RevokeError> {
        self.serve(|kept| {
            let before = kept.tokens.len();
            kept.tokens.retain(|record| record.token.hash.id() != id);
            if kept.tokens.len() < before { Ok(()) } else { Err(RevokeError::Unknown) }
        })
    }

    fn new_secret(&self) -> Result<[u8; 32], Unavailable> {
        let kept = self.kept();
        kept.failure.clone().map_or(Ok([kept.tokens.len() as u8 + 1; 32]), Err)
    }

    fn readiness(&self) -> Readiness {
        let store = self.kept().unready.clone().map_or(Check::Passed, Check::Failed);
        Readiness { store, compared: Check::Passed, clock: Check::Passed }
    }
}

impl Kept {
    fn charter(&self) -> Charter {
        Charter {
            hash: [3; 32],
            height: 1 + self.new_charters,
            community: [2; 32],
            rules: 1,
            currency: "EUR".to_owned(),
            slot_length: Duration::from_millis(SLOT_MILLIS),
            delivery: Duration::from_millis(SLOT_MILLIS),
            opens_before: Duration::from_secs(48 * 3_600),
            gate_after_ms: -300_000,
            price_tick: price("0.01"),
            quantity_tick: WattHours(1),
            smallest_fill: WattHours(10),
            floor: price("-1"),
            cap: price("1"),
            fees: vec![Fee { name: "association".to_owned(), per_kwh: price("0.002") }],
            members: vec![Member {
                key: MemberKey([1; 32]),
                name: "Anna".to_owned(),
                import_limit: Watts(13_800),
                export_limit: Watts(10_000),
            }],
            operators: vec![MemberKey([1; 32])],
            proposal_lifetime: Duration::from_secs(15),
            clock_skew: Duration::from_secs(5),
        }
    }

    /// A record is a byte with its height; a second one says what is wrong with it: `s`ignatures, `v`ersion, `o`thers.
    fn take_record(&mut self, record: &[u8]) -> Result<(), RecordRefusal> {
        let newest = self.charter().height;
        match record {
            [height] if u64::from(*height) <= newest => Ok(()),
            [height] if u64::from(*height) == newest + 1 => {
                self.new_charters += 1;
                Ok(())
            }
            [_] => Err(RecordRefusal::NotNext("a record is missing in between; send that first".to_owned())),
            [_, b's'] => Err(RecordRefusal::NotSigned { good: 1, needed: 2 }),
            [_, b'v'] => Err(RecordRefusal::NotSupported("install a newer version".to_owned())),
            [_, b'o'] => Err(RecordRefusal::OtherCommunity),
            _ => Err(RecordRefusal::Unreadable("one or two bytes are expected".to_owned())),
        }
    }

    fn place(&mut self, placement: Placement) -> Result<Vec<PlacedOrder>, PlaceError> {
        if let Some(placed) = placement.idempotency.as_ref().and_then(|given| self.placements.get(&given.key)) {
            let same = placed.iter().map(|placed| &placed.order).eq(&placement.orders);
            return if same { Ok(placed.clone()) } else { Err(PlaceError::KeyReused) };
        }
        let refusals: Vec<_> = placement
            .orders
            .iter()
            .enumerate()
            .filter_map(|(index, order)| Some(Refusal { index, reason: refusal(order)? }))
            .collect();
        if !refusals.is_empty() {
            return Err(PlaceError::Refused(refusals));
        }
        let placed: Vec<_> = placement.orders.into_iter().map(|order| self.take_on(order)).collect();
        if let Some(given) = placement.idempotency {
            self.placements.insert(given.key, placed.clone());
        }
        Ok(placed)
    }

    fn take_on(&mut self, order: NewOrder) -> PlacedOrder {
        let number = self.requests.len() as u128;
        let placed = PlacedOrder { id: RequestId(number.to_be_bytes()), order, placed_at: NOW };
        self.requests.push(Request {
            placed,
            state: RequestState::Posted,
            filled: WattHours::ZERO,
            in_doubt: WattHours::ZERO,
            open: order.quantity,
            book_orders: vec![OrderId { entry: [9; 32], index: number as u32 }],
        });
        placed
    }

    fn depth(&self, slot: Slot, most: usize) -> Depth {
        let side = |side: Side| {
            let open = self.requests.iter().filter(|request| request.open.is_positive());
            let mut levels: Vec<Level> = Vec::new();
            for request in open.filter(|request| request.placed.order.slot == slot && request.placed.order.side == side)
            {
                let price = request.placed.order.price;
                match levels.iter_mut().find(|level| level.price == price) {
                    Some(level) => {
                        level.quantity += request.open;
                        level.orders += 1;
                    }
                    None => levels.push(Level { price, quantity: request.open, orders: 1 }),
                }
            }
            levels.sort_by_key(|level| level.price);
            if side == Side::Buy {
                levels.reverse();
            }
            levels.truncate(most);
            levels
        };
        Depth { slot, bids: side(Side::Buy), asks: side(Side::Sell) }
    }

    fn judge(&mut self, row: Reading) -> Verdict {
        let key = (row.at, row.meter.clone());
        if let Some(StoredReading { reading: kept, .. }) = self.readings.get(&key) {
            return if *kept == row {
                Verdict::Duplicate
            } else {
                Verdict::Conflict { kept_import: kept.import, kept_export: kept.export }
            };
        }
        let earlier = self.readings.range(..&key).rfind(|(_, stored)| stored.reading.meter == row.meter);
        let went_back = earlier.is_some_and(|(_, stored)| stored.reading.import > row.import);
        let reason = if row.at > NOW {
            Some(QuarantineReason::ClockAhead)
        } else {
            went_back.then_some(QuarantineReason::WentBack)
        };
        self.readings.insert(key, StoredReading { reading: row, quarantined: reason });
        reason.map_or(Verdict::Accepted, Verdict::Quarantined)
    }
}

/// The only slot that is open.
pub fn open_slot() -> Slot {
    Slot(NOW.after(Duration::from_millis(SLOT_MILLIS)))
}

/// A neighbour.
pub fn peer() -> Peer {
    Peer {
        member: MemberKey([6; 32]),
        is_member: true,
        peer_id: "12D3KooX".to_owned(),
        name: "Ben".to_owned(),
        addresses: Vec::new(),
        connected_since: None,
        last_heard: Some(NOW),
        logs: Vec::new(),
        convicted_of: None,
    }
}

/// The `number`th trade.
pub fn trade(number: u8) -> Trade {
    Trade {
        id: TradeId([number; 32]),
        slot: open_slot(),
        side: Side::Sell,
        counterparty: MemberKey([6; 32]),
        price: price("-0.01"),
        quantity: WattHours(1_500),
        amount: Money("-0.015".parse().unwrap()),
        at: NOW,
        provisional: false,
        request: None,
        resting_order: OrderId { entry: [9; 32], index: 3 },
        proposal: vec![0xd2, 0x84],
        acceptance: vec![0xd2],
    }
}

fn price(text: &str) -> PricePerKwh {
    PricePerKwh(text.parse().unwrap())
}

fn refusal(order: &NewOrder) -> Option<RefusalReason> {
    if !order.slot.0.0.is_multiple_of(SLOT_MILLIS) {
        Some(RefusalReason::NoSuchSlot { slot_length: Duration::from_millis(SLOT_MILLIS) })
    } else if order.slot < open_slot() {
        Some(RefusalReason::SlotClosed { closed_at: order.slot.0 })
    } else if order.slot > open_slot() {
        Some(RefusalReason::SlotNotOpen { opens_at: order.slot.0 })
    } else if !(order.price.0 * Decimal::ONE_HUNDRED).fract().is_zero() {
        Some(RefusalReason::PriceBetweenTicks { tick: price("0.01") })
    } else if order.price > price("1") || order.price < price("-1") {
        Some(RefusalReason::PriceOutOfBounds { floor: price("-1"), cap: price("1") })
    } else if order.expires_at.is_some_and(|at| at <= NOW) {
        Some(RefusalReason::AlreadyExpired)
    } else {
        None
    }
}

/// A page whose positions are the number of items before it.
fn paged<T: Clone>(items: Vec<T>, page: Page) -> Result<Listing<T>, ListError> {
    let start = match page.after {
        None => 0,
        Some(Position(bytes)) => {
            let bytes: [u8; 4] = bytes.try_into().map_err(|_| ListError::BadPosition)?;
            let start = u32::from_be_bytes(bytes) as usize;
            if start < items.len() { start } else { return Err(ListError::BadPosition) }
        }
    };
    let end = items.len().min(start + page.limit);
    let next = (end < items.len()).then(|| Position((end as u32).to_be_bytes().to_vec()));
    Ok(Listing { items: items[start..end].to_vec(), next })
}
