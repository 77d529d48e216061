//! The book as a pure function of what is held: entries, charters, convicted keys, and the time.
//!
//! The fold reads each log in its own order and never depends on the order in which logs, or pieces of them, came in.
//! An op that does not count is skipped, the same on every node; an entry that can't be judged yet waits in here, with
//! those behind it, while the log itself goes on. Ops are judged in `judge`, trades in `trades`; what is open in a
//! slot is kept in `slot`.

mod judge;
mod seals;
mod slot;
mod trades;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wattswap_matching::{Book, Handle, Level, Side, Slot, Trader, UtcMillis, WattHours};

pub use self::judge::Void;
pub use self::slot::Resting;
use self::slot::SlotFold;
use self::trades::Part;
pub use self::trades::{Bound, EntryNo, Place};
use super::agreement::words::Acceptance;
use super::charter::{Charter, Shape};
use super::entry::{Entry, Fill, Op, Trade};
use super::ids::{CharterId, CommunityId, Digest, EntryId, Head, LogId, MemberKey, OrderId, ProposalId, ShapeId};
use super::limits::MAX_WAITING_ENTRIES;
use super::signed::Verified;

/// A log's number in this node's memory; small, where a [`LogId`] has 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LogNo(u32);

/// A log, with its author's token.
#[derive(Clone, Copy, Debug)]
struct Log {
    id: LogId,
    trader: Trader,
}

/// A shape's number in this node's memory; small, where a [`ShapeId`] has 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShapeNo(u32);

/// Names a book: the same slot under another shape is another book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BookId {
    /// The delivery interval.
    pub slot: Slot,
    /// What is traded in it.
    pub shape: ShapeNo,
}

/// A charter that is known, with its shape's name beside it.
#[derive(Clone, Debug)]
struct Known {
    charter: Arc<Charter>,
    shape: ShapeNo,
}

/// Everything that the entries held so far amount to at this time.
#[derive(Clone, Debug)]
pub struct Fold {
    community: CommunityId,
    /// Entries that are further ahead of the clock than this wait.
    skew: Duration,
    now: UtcMillis,
    charters: BTreeMap<CharterId, Known>,
    /// By number.
    shapes: Vec<ShapeId>,
    /// By number.
    logs: Vec<Log>,
    log_numbers: BTreeMap<LogId, LogNo>,
    traders: BTreeMap<MemberKey, Trader>,
    convicted: BTreeSet<MemberKey>,
    /// Number of the last entry that counts, of each log that was sealed.
    seals: BTreeMap<LogId, u64>,
    /// The seals in each log that count.
    sealed_by: BTreeMap<LogNo, Vec<Head>>,
    slots: BTreeMap<BookId, SlotFold>,
    orders: BTreeMap<OrderId, Resting>,
    trades: BTreeMap<ProposalId, Bound>,
    /// What was filled of orders whose own entry has not come yet.
    early: BTreeMap<Part, WattHours>,
    waiting: BTreeMap<LogId, VecDeque<Verified<Entry>>>,
    /// Times of entries beyond a log's end that were ahead of the clock when they came, or when the end did.
    ahead: BTreeMap<LogId, Vec<UtcMillis>>,
    /// Books that changed since somebody asked.
    changed: BTreeSet<BookId>,
    /// Trades that a log was found to hold since somebody asked.
    new_trades: Vec<ProposalId>,
    /// Pairs of different acceptances of one proposal that were met since somebody asked.
    contradictions: Vec<[Verified<Acceptance>; 2]>,
    /// Entries that waited until they could be judged, since somebody asked.
    released: Vec<Verified<Entry>>,
}

impl Fold {
    /// An empty market.
    #[must_use]
    pub fn new(community: CommunityId) -> Self {
        Self {
            community,
            skew: Duration::ZERO,
            now: UtcMillis(0),
            charters: BTreeMap::new(),
            shapes: Vec::new(),
            logs: Vec::new(),
            log_numbers: BTreeMap::new(),
            traders: BTreeMap::new(),
            convicted: BTreeSet::new(),
            seals: BTreeMap::new(),
            sealed_by: BTreeMap::new(),
            slots: BTreeMap::new(),
            orders: BTreeMap::new(),
            trades: BTreeMap::new(),
            early: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ahead: BTreeMap::new(),
            changed: BTreeSet::new(),
            new_trades: Vec::new(),
            contradictions: Vec::new(),
            released: Vec::new(),
        }
    }

    /// A charter that orders may name from now on. Entries that waited for it are folded.
    pub fn know(&mut self, id: CharterId, charter: Arc<Charter>) {
        self.skew = charter.clock_skew;
        let shape = self.shape_number(charter.shape.id());
        self.charters.insert(id, Known { charter, shape });
        self.release();
    }

    fn shape_number(&mut self, shape: ShapeId) -> ShapeNo {
        let known = self.shapes.iter().position(|known| *known == shape);
        let number = known.unwrap_or_else(|| {
            self.shapes.push(shape);
            self.shapes.len() - 1
        });
        ShapeNo(u32::try_from(number).expect("there are fewer shapes than charters, and those come one by one"))
    }

    /// The number of a known charter's shape.
    #[must_use]
    pub fn shape(&self, charter: &CharterId) -> Option<ShapeNo> {
        self.charters.get(charter).map(|known| known.shape)
    }

    /// How many entries of a log wait, those included that lie beyond its end and whose time has not come: nodes that heard
    /// of the end before and after them hold the same.
    #[must_use]
    pub fn waiting(&self, log: &LogId) -> usize {
        let ahead = self.ahead.get(log).map_or(0, |times| times.iter().filter(|at| !self.is_time(**at)).count());
        self.waiting.get(log).map_or(0, VecDeque::len) + ahead
    }

    /// How many entries of its log wait once `entry` is there too, if so many do before it. None if there is no room for it:
    /// then it must not be stored either, and can be asked for again later.
    #[must_use]
    pub fn room_for(&self, entry: &Entry, waiting: usize) -> Option<usize> {
        match () {
            () if self.is_beyond_seal(&entry.log, entry.seq) && self.is_due(entry) => Some(waiting),
            () if waiting == 0 && self.can_judge(entry) => Some(0),
            () => (waiting < MAX_WAITING_ENTRIES).then_some(waiting + 1),
        }
    }

    /// Whether any entry waits.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Folds the next entry of a log, or keeps it until it can be judged.
    pub fn add(&mut self, entry: &Verified<Entry>) {
        if self.convicted.contains(&entry.log.author) {
            return;
        }
        self.heed_seals(entry);
        // What lies beyond an end never counts, whenever it could be judged.
        let is_beyond = self.is_beyond_seal(&entry.log, entry.seq);
        if !is_beyond && (self.waiting.contains_key(&entry.log) || !self.can_judge(entry)) {
            self.waiting.entry(entry.log).or_default().push_back(entry.clone());
        } else {
            if is_beyond {
                self.note_ahead(entry);
            }
            self.fold(entry);
        }
    }

    /// Lets time pass: entries that were ahead of it are folded, orders expire, books close.
    pub fn advance(&mut self, now: UtcMillis) {
        self.now = now;
        self.release();
        let due: Vec<BookId> =
            self.slots.iter().filter(|(_, slot)| slot.next_change() <= now).map(|(book, _)| *book).collect();
        let over: Vec<BookId> = due.into_iter().filter(|book| !self.advance_slot(book)).collect();
        self.forget(&over);
    }

    /// When [`Fold::advance`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcMillis> {
        let due = self.waiting.values().filter_map(VecDeque::front).map(|entry| entry.at.before(self.skew));
        let due = due.filter(|due| *due > self.now);
        due.chain(self.slots.values().map(SlotFold::next_change)).min()
    }

    /// From now on nothing that this key wrote contributes; its trades stand where the counterparty's log holds them.
    pub fn convict(&mut self, key: MemberKey) {
        if !self.convicted.insert(key) {
            return;
        }
        self.waiting.retain(|log, _| log.author != key);
        self.ahead.retain(|log, _| log.author != key);
        let logs: Vec<LogNo> =
            self.log_numbers.iter().filter(|(log, _)| log.author == key).map(|(_, number)| *number).collect();
        for log in logs {
            self.withdraw_orders(log);
        }
        self.drop_trades_held_by(&key);
    }

    /// Whether this key was convicted.
    #[must_use]
    pub fn is_convicted(&self, key: &MemberKey) -> bool {
        self.convicted.contains(key)
    }

    /// The convicted keys.
    #[must_use]
    pub fn convicted(&self) -> &BTreeSet<MemberKey> {
        &self.convicted
    }

    /// A charter by its name.
    #[must_use]
    pub fn charter(&self, id: &CharterId) -> Option<&Charter> {
        self.charters.get(id).map(|known| &*known.charter)
    }

    /// An order that counts, until its slot is forgotten.
    #[must_use]
    pub fn order(&self, id: &OrderId) -> Option<&Resting> {
        self.orders.get(id)
    }

    /// The log that holds an order.
    #[must_use]
    pub fn log_of(&self, order: &Resting) -> LogId {
        self.logs[order.log.0 as usize].id
    }

    /// A trade that some log held here contains.
    #[must_use]
    pub fn trade(&self, id: &ProposalId) -> Option<&Bound> {
        self.trades.get(id)
    }

    /// Trades in a slot that take from this resting order.
    pub fn trades_of(&self, book: &BookId, order: OrderId) -> impl Iterator<Item = &Trade> {
        let beginnings = self.slots.get(book).into_iter().flat_map(move |slot| slot.trades_of(order));
        let trades = beginnings.flat_map(|beginning| self.trades.range(ProposalId::beginning_with(beginning)));
        trades.map(|(_, bound)| &bound.trade).filter(move |trade| trade.proposal.order == order)
    }

    /// The book of an open slot; none while nobody has placed an order.
    #[must_use]
    pub fn book(&self, id: &BookId) -> Option<&Book<OrderId>> {
        self.slots.get(id).and_then(SlotFold::book)
    }

    /// The order behind a book's handle.
    #[must_use]
    pub fn order_at(&self, book: &BookId, handle: Handle) -> Option<(OrderId, &Resting)> {
        let id = self.book(book)?.resting(handle)?.id;
        Some((id, self.orders.get(&id)?))
    }

    /// Both sides of a book, best price first.
    #[must_use]
    pub fn depth(&self, id: &BookId, most: usize) -> (Vec<Level>, Vec<Level>) {
        self.book(id).map_or_else(Default::default, |book| (book.depth(Side::Buy, most), book.depth(Side::Sell, most)))
    }

    /// The market's token for a member.
    pub fn trader(&mut self, key: &MemberKey) -> Trader {
        let next = Trader(u32::try_from(self.traders.len()).expect("members and past members are bounded"));
        *self.traders.entry(*key).or_insert(next)
    }

    /// How many orders a log has placed on one side of a slot.
    #[must_use]
    pub fn places(&self, log: &LogId, book: &BookId, side: Side) -> usize {
        let account = self.slots.get(book).zip(self.log_numbers.get(log));
        account.and_then(|(slot, log)| slot.account(*log, side)).map_or(0, |account| account.placed)
    }

    /// What a member has open and filled on one side of a slot, by its own logs, at this time.
    #[must_use]
    pub fn exposure(&self, member: &MemberKey, book: &BookId, side: Side) -> WattHours {
        let Some(slot) = self.slots.get(book) else { return WattHours::ZERO };
        let logs = self.log_numbers.range(LogId::first_of(*member)..).take_while(|(log, _)| log.author == *member);
        logs.map(|(_, number)| self.account_total(slot, *number, side)).sum()
    }

    /// Books that changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<BookId> {
        std::mem::take(&mut self.changed)
    }

    /// Trades that a log was found to hold since the last call.
    pub fn take_new_trades(&mut self) -> Vec<ProposalId> {
        std::mem::take(&mut self.new_trades)
    }

    /// Over all open books: who wants what at which price, in the order of priority. Nodes that hold the same
    /// entries have the same digest at the same time.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let books = self.slots.iter().filter_map(|(id, slot)| {
            let book = slot.book().filter(|book| !book.is_empty())?;
            Some((id.slot.start(), self.shapes[id.shape.0 as usize], book))
        });
        // By slot already; by the shape's name here, since its number depends on which charter came first.
        let mut books: Vec<_> = books.collect();
        books.sort_by_key(|(slot, shape, _)| (*slot, *shape));
        let mut hasher = Sha256::new();
        for (slot, shape, book) in books {
            hasher.update(slot.0.to_be_bytes());
            hasher.update(shape.0);
            for (_, order) in [Side::Buy, Side::Sell].into_iter().flat_map(|side| book.orders(side)) {
                hasher.update(order.id.entry.0);
                hasher.update(order.id.index.to_be_bytes());
                hasher.update(order.limit.quantity.0.to_be_bytes());
            }
        }
        Digest(hasher.finalize().into())
    }

    /// Entries that waited, and were folded since the last call.
    pub fn take_released(&mut self) -> Vec<Verified<Entry>> {
        std::mem::take(&mut self.released)
    }

    /// Different acceptances of one proposal that were met since the last call: of entries that had to wait, nothing could be
    /// seen when they came.
    pub fn take_contradictions(&mut self) -> Vec<[Verified<Acceptance>; 2]> {
        std::mem::take(&mut self.contradictions)
    }

    fn can_judge(&self, entry: &Entry) -> bool {
        self.is_due(entry) && entry.ops.iter().all(|op| self.knows_charter_of(op))
    }

    fn is_due(&self, entry: &Entry) -> bool {
        self.is_time(entry.at)
    }

    fn is_time(&self, at: UtcMillis) -> bool {
        at <= self.now.after(self.skew)
    }

    fn knows_charter_of(&self, op: &Op) -> bool {
        match op {
            Op::Place(order) => self.charters.contains_key(&order.charter),
            Op::Fill(fill) => self.charters.contains_key(&fill.proposal.charter),
            Op::Cancel { .. } | Op::Seal(_) => true,
        }
    }

    fn release(&mut self) {
        let logs: Vec<LogId> = self.waiting.keys().copied().collect();
        for log in logs {
            while let Some(entry) = self.next_judgeable(&log) {
                self.fold(&entry);
                self.released.push(entry);
            }
        }
        self.waiting.retain(|_, entries| !entries.is_empty());
    }

    fn next_judgeable(&mut self, log: &LogId) -> Option<Verified<Entry>> {
        let can_judge = self.can_judge(self.waiting.get(log)?.front()?);
        self.waiting.get_mut(log).filter(|_| can_judge)?.pop_front()
    }

    /// Folds a cancel of our own while its entry is still being staged.
    ///
    /// # Errors
    /// [`Void`] if it would not count: then it must not be staged.
    pub fn cancel_own(&mut self, place: Place, order: OrderId, leaves: WattHours) -> Result<(), Void> {
        let log = self.log_number(place.log);
        self.cancel(log, place.seq, order, leaves)
    }

    /// Folds a fill of our own while its entry is still being staged.
    ///
    /// # Errors
    /// [`Void`] if it would not count: then it must not be staged.
    pub fn fill_own(&mut self, place: Place, fill: &Fill) -> Result<(), Void> {
        let log = self.log_number(place.log);
        self.fill(log, place, fill)
    }

    /// Folds a seal of our own while its entry is still being staged.
    pub fn seal_own(&mut self, log: LogId, end: &Head) {
        let log = self.log_number(log);
        self.seal_by(log, end);
    }

    /// Folds the places of an own entry that was just closed; its other ops were folded when they were staged.
    pub fn place_own(&mut self, entry: &Verified<Entry>) {
        self.fold_ops(entry, |op| matches!(op, Op::Place(_)));
    }

    fn fold(&mut self, entry: &Verified<Entry>) {
        if self.is_beyond_seal(&entry.log, entry.seq) {
            self.hear_of_trades(entry);
        } else {
            self.fold_ops(entry, |_| true);
        }
    }

    fn fold_ops(&mut self, entry: &Verified<Entry>, which: impl Fn(&Op) -> bool) {
        let log = self.log_number(entry.log);
        let id = EntryId(entry.hash());
        let place = Place { log: entry.log, seq: entry.seq, at: entry.at };
        for (index, op) in entry.ops.iter().enumerate().filter(|(_, op)| which(op)) {
            let index = u16::try_from(index).expect("ops of an entry are bounded");
            // What does not count is skipped: nodes agree on it, and its author harms only itself.
            let _void = match op {
                Op::Place(order) => self.place(log, OrderId { entry: id, index }, entry.at, order),
                Op::Cancel { order, leaves } => self.cancel(log, entry.seq, *order, *leaves),
                Op::Fill(fill) => self.fill(log, place, fill),
                // Heeded when the entry came.
                Op::Seal(_) => Ok(()),
            };
        }
    }

    fn log_number(&mut self, log: LogId) -> LogNo {
        if let Some(number) = self.log_numbers.get(&log) {
            return *number;
        }
        let number = LogNo(u32::try_from(self.logs.len()).expect("members and their logs are bounded"));
        let trader = self.trader(&log.author);
        self.logs.push(Log { id: log, trader });
        self.log_numbers.insert(log, number);
        number
    }

    /// Whether nothing that is said of this slot is folded any more.
    #[must_use]
    pub fn has_forgotten(&self, charter: &CharterId, slot: Slot) -> bool {
        self.charter(charter).is_some_and(|charter| is_over(&charter.shape, slot, self.now))
    }

    /// False once the slot can be forgotten.
    fn advance_slot(&mut self, book: &BookId) -> bool {
        self.changed.insert(*book);
        self.slots.get_mut(book).is_some_and(|slot| slot.advance(self.now))
    }

    fn forget(&mut self, over: &[BookId]) {
        if over.is_empty() {
            return;
        }
        for book in over {
            self.slots.remove(book);
        }
        // Slots don't list what is theirs: a slot is forgotten once, and holds thousands.
        self.orders.retain(|_, order| self.slots.contains_key(&order.book));
        self.trades.retain(|_, trade| {
            let is_kept = self.slots.contains_key(&trade.book);
            for part in trade.parts().into_iter().flatten().filter(|_| !is_kept) {
                // Of an order that never came.
                self.early.remove(&part);
            }
            is_kept
        });
    }

    /// Brings the book in line with what is left of an order.
    fn refresh(&mut self, id: OrderId) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let Some(slot) = self.slots.get_mut(&order.book) else { return };
        slot.refresh(id, order, self.now);
        self.changed.insert(order.book);
    }

    /// Takes an order out of the market altogether.
    fn withdraw(&mut self, id: OrderId) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.withdrawn = true;
        }
        self.refresh(id);
    }
}

impl Known {
    fn book(&self, slot: Slot) -> BookId {
        BookId { slot, shape: self.shape }
    }
}

/// Whether nothing that is said of this slot is folded any more.
fn is_over(shape: &Shape, slot: Slot, now: UtcMillis) -> bool {
    shape.over(slot) <= now
}

/// The slot's state, made when it is first needed; none if it is too old to matter.
fn slot_mut<'s>(
    slots: &'s mut BTreeMap<BookId, SlotFold>,
    book: BookId,
    shape: &Shape,
    now: UtcMillis,
) -> Option<&'s mut SlotFold> {
    if is_over(shape, book.slot, now) {
        return None;
    }
    let gate = shape.gate(book.slot);
    Some(slots.entry(book).or_insert_with(|| SlotFold::new(shape, gate, gate > now)))
}
