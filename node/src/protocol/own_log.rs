//! The log that this household writes: what is staged for its next entry, and the promises that its beacons made.

use wattswap_matching::{Side, Slot, UtcMillis, WattHours};

use super::entry::{Beacon, Entry, Fill, Op, Order};
use super::fold::Place;
use super::household::io::RequestId;
use super::ids::{CommunityId, EntryId, Head, LogId, OrderId};
use super::limits::{MAX_ENTRY_BYTES, MAX_OPS};
use super::pace::Pace;
use super::signed::{Signer, Verified};

/// Bytes that a `Place`, `Cancel` or `Seal` takes at most (measured: 76 and 52; a `Seal`: 95).
const SMALL_OP_BYTES: usize = 100;
/// Bytes around the ops: framing, signature, and the fields of the entry.
const ENVELOPE_BYTES: usize = 400;

/// The end of the own log, and what the next entry will say.
///
/// Fills and cancels come before places in an entry, whatever the order of staging: they free what places need, and
/// every node must judge them in the same order.
#[derive(Clone, Debug)]
pub struct OwnLog {
    community: CommunityId,
    id: LogId,
    next_seq: u64,
    prev: Option<EntryId>,
    /// Nothing may be dated before this any more: the last entry's time, or just after the last beacon's.
    not_before: UtcMillis,
    pace: Pace,
    ops: Vec<Op>,
    places: Vec<(Order, RequestId)>,
    bytes: usize,
}

/// An entry that was just closed, with the orders that it placed.
pub struct Closed {
    /// The entry.
    pub entry: Verified<Entry>,
    /// For each request its new order's name.
    pub placed: Vec<(RequestId, OrderId)>,
}

impl OwnLog {
    /// An empty log.
    #[must_use]
    pub fn new(community: CommunityId, id: LogId) -> Self {
        // Its name may be dated ahead of the clock, if that of an older log was: the newest must be the greatest.
        let (not_before, pace) = (UtcMillis(0), Pace::default());
        Self { community, id, next_seq: 0, prev: None, not_before, pace, ops: Vec::new(), places: Vec::new(), bytes: 0 }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Where the next op stands.
    #[must_use]
    pub fn next_place(&self, now: UtcMillis) -> Place {
        Place { log: self.id, seq: self.next_seq, at: self.entry_time(now) }
    }

    /// How many orders are staged to be placed on one side of a slot, and for how much energy.
    #[must_use]
    pub fn staged(&self, slot: Slot, side: Side) -> (usize, WattHours) {
        let same = self.places.iter().filter(|(order, _)| order.slot == slot && order.side == side);
        same.fold((0, WattHours::ZERO), |(count, sum), (order, _)| (count + 1, sum + order.quantity))
    }

    /// Energy of the orders that are staged for a request.
    #[must_use]
    pub fn staged_for(&self, request: &RequestId) -> WattHours {
        self.places.iter().filter(|(_, staged_for)| staged_for == request).map(|(order, _)| order.quantity).sum()
    }

    /// Time of the entry that is being staged if it is closed at `now`.
    #[must_use]
    pub fn entry_time(&self, now: UtcMillis) -> UtcMillis {
        now.max(self.not_before)
    }

    /// Nothing is dated before this any more, whatever the clock does.
    #[must_use]
    pub fn not_before(&self) -> UtcMillis {
        self.not_before
    }

    /// When the log can grow on, if it has grown as much in this hour as it may.
    #[must_use]
    pub fn waits_until(&self, now: UtcMillis) -> Option<UtcMillis> {
        self.pace.waits_until(self.entry_time(now))
    }

    /// Takes note of an entry that is in the log already.
    pub fn recover_entry(&mut self, entry: &Verified<Entry>) {
        self.pace.grow(entry.at, entry.bytes().len());
        self.next_seq = entry.seq + 1;
        self.prev = Some(EntryId(entry.hash()));
        self.not_before = self.not_before.max(entry.at);
    }

    /// Takes note of a promise that was made before.
    pub fn recover_beacon(&mut self, beacon: &Beacon) {
        self.not_before = self.not_before.max(beacon.goes_on_at());
    }

    /// Its first entry is not dated before this.
    pub fn begin_no_earlier(&mut self, promised: UtcMillis) {
        self.not_before = self.not_before.max(promised);
    }

    /// Whether the staged entry has room for another op of any kind; if not, close it first.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.ops.len() + self.places.len() < MAX_OPS && self.bytes + fill_bytes_at_most() <= MAX_ENTRY_BYTES
    }

    /// Stages a cancel.
    pub fn stage_cancel(&mut self, order: OrderId, leaves: WattHours) {
        self.bytes += SMALL_OP_BYTES;
        self.ops.push(Op::Cancel { order, leaves });
    }

    /// Stages the end of an older log.
    pub fn stage_seal(&mut self, end: Head) {
        self.bytes += SMALL_OP_BYTES;
        self.ops.push(Op::Seal(end));
    }

    /// Stages a fill, as maker or as the taker's copy.
    pub fn stage_fill(&mut self, fill: Fill) {
        self.bytes += fill.proposal.bytes().len() + fill.acceptance.bytes().len() + SMALL_OP_BYTES;
        self.ops.push(Op::Fill(Box::new(fill)));
    }

    /// Stages an order for a request.
    pub fn stage_place(&mut self, order: Order, request: RequestId) {
        self.bytes += SMALL_OP_BYTES;
        self.places.push((order, request));
    }

    /// Signs what is staged as the next entry; none if nothing is, unless it is the first one.
    pub fn close(&mut self, now: UtcMillis, signer: &dyn Signer) -> Option<Closed> {
        if self.next_seq > 0 && self.ops.is_empty() && self.places.is_empty() {
            return None;
        }
        let (orders, requests): (Vec<Order>, Vec<RequestId>) = std::mem::take(&mut self.places).into_iter().unzip();
        let mut ops = std::mem::take(&mut self.ops);
        let first_place = ops.len();
        ops.extend(orders.into_iter().map(Op::Place));
        let at = self.entry_time(now);
        let entry = Entry { community: self.community, log: self.id, seq: self.next_seq, prev: self.prev, at, ops };
        let entry = Verified::sign(entry, signer);
        self.bytes = 0;
        self.recover_entry(&entry);
        let order = |index: usize| u16::try_from(index).expect("ops of an entry are bounded");
        let name = |index: usize| OrderId { entry: EntryId(entry.hash()), index: order(index) };
        let placed = requests.into_iter().enumerate().map(|(at, request)| (request, name(first_place + at))).collect();
        Some(Closed { entry, placed })
    }

    /// "My log ends here." Nothing must be staged.
    pub fn beacon(&mut self, now: UtcMillis, signer: &dyn Signer) -> Verified<Beacon> {
        let last = self.prev.map(|id| (self.next_seq - 1, id));
        let beacon = Beacon { community: self.community, log: self.id, last, at: self.entry_time(now) };
        self.recover_beacon(&beacon);
        Verified::sign(beacon, signer)
    }
}

/// Room that one more op and the envelope may need.
fn fill_bytes_at_most() -> usize {
    2 * super::limits::MAX_WORD_BYTES + SMALL_OP_BYTES + ENVELOPE_BYTES
}
