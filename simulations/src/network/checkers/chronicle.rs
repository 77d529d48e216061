//! All that households wrote, noted in the plainest way: what checkers compare the protocol with.
//!
//! A household's words are noted once they are durable on its own disk. Nothing is ever forgotten, and nothing judged
//! but by the rules of `docs/protocol.md` as they are written there.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::charter::{Act, Charter};
use wattswap_node::protocol::entry::{Entry, Fill, Op, Order};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::io::{Record, RequestId, Wish};
use wattswap_node::protocol::ids::{CharterId, EntryId, Head, LogId, MemberKey, OrderId, ProposalId};
use wattswap_node::protocol::limits::COPY_COUNTS_FOR;
use wattswap_node::protocol::signed::Verified;

use crate::network::disk::Disk;

/// An order that somebody placed.
pub struct Placed {
    /// What it says.
    pub order: Order,
    /// Where it stands.
    pub log: LogId,
    /// Number of its entry.
    pub seq: u64,
    /// When it was placed.
    pub at: UtcMillis,
    /// When it was cancelled first: number of the entry.
    pub cancelled_in: Option<u64>,
    /// By all trades, whoever's log holds them, but for those that no log holds up to its seal.
    pub filled: WattHours,
}

/// Where a trade stands.
#[derive(Clone, Copy)]
pub struct Copied {
    /// In this log.
    pub log: LogId,
    /// Number of the entry.
    pub seq: u64,
    /// Time of the entry.
    pub at: UtcMillis,
}

/// A trade that stands in some log.
pub struct Agreed {
    /// What was proposed.
    pub proposal: Proposal,
    /// What was accepted.
    pub acceptance: Acceptance,
    /// Where in the maker's log.
    pub by_maker: Option<Copied>,
    /// Where in logs of the taker: who lost its disk may write it again.
    pub by_taker: Vec<Copied>,
}

impl Agreed {
    /// The resting order, and the taker's own if it had posted one.
    fn orders(&self) -> impl Iterator<Item = OrderId> + use<> {
        std::iter::once(self.proposal.order).chain(self.proposal.own_order)
    }
}

impl Placed {
    /// Whether a proposal that names this order takes of it: not if it is another member's, or in another slot.
    #[must_use]
    pub fn is_taken_by(&self, id: &OrderId, proposal: &Proposal) -> bool {
        let Proposal { order, own_order, maker, taker, slot, side, .. } = proposal;
        let is_makers = id == order && self.log == *maker && self.order.side != *side;
        let is_takers = Some(*id) == *own_order && self.log.author == taker.author && self.order.side == *side;
        self.order.slot == *slot && (is_makers || is_takers)
    }
}

/// A wish of a household's people, or of its autopilot.
pub type Whose = (usize, RequestId);

/// Everything that was written so far.
pub struct Chronicle {
    /// Charters by their names.
    pub charters: BTreeMap<CharterId, Charter>,
    /// All orders.
    pub orders: BTreeMap<OrderId, Placed>,
    /// All trades.
    pub trades: BTreeMap<ProposalId, Agreed>,
    /// Which of them fill an order.
    trades_of: BTreeMap<OrderId, Vec<ProposalId>>,
    /// What was wished.
    pub wishes: BTreeMap<Whose, Wish>,
    /// For which wish an order stands.
    pub order_of: BTreeMap<OrderId, Whose>,
    /// For which wish a proposal was made.
    pub proposal_of: BTreeMap<ProposalId, Whose>,
    /// Trades that a log held for the first time in the turn that was noted last, and whether it was the maker's.
    pub fresh: Vec<(ProposalId, bool)>,
    /// Entries that were written.
    pub entries: u64,
    /// Where logs were said to end, and by whom.
    pub seals: Vec<Sealed>,
    /// A restored household fetches back what it wrote: that is nothing new.
    noted: BTreeSet<EntryId>,
}

/// A log's end.
#[derive(Clone, Copy, Debug)]
pub struct Sealed {
    /// The end.
    pub end: Head,
    /// Who says so.
    pub by: Sealer,
}

/// Whose word ends a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealer {
    /// Its author's, in an entry of a newer log.
    Author {
        /// The newer log.
        log: LogId,
        /// Number of the entry.
        seq: u64,
    },
    /// The operators', in this record.
    Operators(CharterId),
}

impl Sealed {
    /// Whether a household with this disk knows of it.
    #[must_use]
    pub fn is_known_to(&self, disk: &Disk) -> bool {
        match self.by {
            Sealer::Author { log, seq } => disk.entry(log, seq).is_some(),
            Sealer::Operators(record) => disk.holds_record(&record),
        }
    }

    fn ends_before(&self, copy: &Copied) -> bool {
        self.end.log == copy.log && self.end.seq < copy.seq
    }
}

impl Chronicle {
    /// Only the founding charter is known.
    #[must_use]
    pub fn new(id: CharterId, charter: Charter) -> Self {
        Self {
            charters: BTreeMap::from([(id, charter)]),
            orders: BTreeMap::new(),
            trades: BTreeMap::new(),
            trades_of: BTreeMap::new(),
            wishes: BTreeMap::new(),
            order_of: BTreeMap::new(),
            proposal_of: BTreeMap::new(),
            fresh: Vec::new(),
            entries: 0,
            seals: Vec::new(),
            noted: BTreeSet::new(),
        }
    }

    /// Notes what became durable in a turn of this household. What a cheat says of trades is not believed.
    pub fn note<'a>(
        &mut self,
        home: usize,
        key: MemberKey,
        is_honest: bool,
        records: impl IntoIterator<Item = &'a Record>,
    ) {
        self.fresh.clear();
        // Orders name entries, and requests name orders: whatever the order of records, each is noted by its own name.
        for record in records {
            match record {
                Record::Entry(entry) if entry.log.author == key => self.entry(entry, is_honest),
                Record::Request(request) => {
                    let whose = (home, request.id);
                    self.wishes.insert(whose, request.wish);
                    self.order_of.extend(request.orders.iter().map(|order| (*order, whose)));
                }
                Record::Reservation(reservation) => {
                    let id = ProposalId(reservation.proposal.hash());
                    self.proposal_of.insert(id, (home, reservation.request));
                }
                Record::Governance(record) => self.governance(record),
                _ => {}
            }
        }
    }

    fn governance(&mut self, record: &SignedRecord) {
        let by = Sealer::Operators(record.id);
        match &record.record.act {
            Act::Charter(charter) => {
                self.charters.entry(record.id).or_insert_with(|| Charter::clone(charter));
            }
            Act::Seals(_) if self.seals.iter().any(|sealed| sealed.by == by) => {}
            Act::Seals(ends) => ends.iter().for_each(|end| self.seal(Sealed { end: *end, by })),
        }
    }

    /// What a log holds beyond its end counts no more, though it may have been counted.
    fn seal(&mut self, sealed: Sealed) {
        self.seals.push(sealed);
        let mut filled: BTreeMap<OrderId, WattHours> = BTreeMap::new();
        for agreed in self.trades.values().filter(|agreed| self.stands(agreed)) {
            let orders = agreed.orders().filter(|order| self.takes_of(agreed, order));
            for order in orders {
                *filled.entry(order).or_default() += agreed.acceptance.quantity;
            }
        }
        for (order, placed) in &mut self.orders {
            placed.filled = filled.get(order).copied().unwrap_or_default();
        }
    }

    /// What a cheat says of trades counts only where an honest log holds it: it may be convicted.
    fn entry(&mut self, entry: &Verified<Entry>, honest: bool) {
        if !self.noted.insert(EntryId(entry.hash())) {
            return;
        }
        self.entries += 1;
        for (index, op) in entry.ops.iter().enumerate() {
            match op {
                Op::Place(order) => {
                    let index = u16::try_from(index).expect("ops of an entry are bounded");
                    let id = OrderId { entry: EntryId(entry.hash()), index };
                    let (order, log, seq, at, filled) = (*order, entry.log, entry.seq, entry.at, WattHours::ZERO);
                    let mut placed = Placed { order, log, seq, at, cancelled_in: None, filled };
                    placed.filled = self.filled_early(&id, &placed);
                    self.orders.insert(id, placed);
                }
                Op::Cancel { order, .. } => {
                    if let Some(placed) = self.orders.get_mut(order) {
                        placed.cancelled_in.get_or_insert(entry.seq);
                    }
                }
                Op::Fill(fill) if honest => self.fill(entry, fill),
                Op::Fill(_) => {}
                Op::Seal(end) => {
                    self.seal(Sealed { end: *end, by: Sealer::Author { log: entry.log, seq: entry.seq } });
                }
            }
        }
    }

    /// What was filled of an order whose own entry is only noted now.
    fn filled_early(&self, id: &OrderId, placed: &Placed) -> WattHours {
        // An order that did not exist can't be filled, but for a bug.
        let trades = self.trades_of.get(id).into_iter().flatten().map(|trade| &self.trades[trade]);
        let trades = trades.filter(|agreed| placed.is_taken_by(id, &agreed.proposal));
        trades.filter(|agreed| self.stands(agreed)).map(|agreed| agreed.acceptance.quantity).sum()
    }

    fn fill(&mut self, entry: &Entry, fill: &Fill) {
        let id = fill.id();
        let stood = self.trades.get(&id).is_some_and(|agreed| self.stands(agreed));
        let agreed = self.trades.entry(id).or_insert_with(|| {
            let (proposal, acceptance) = (*fill.proposal, *fill.acceptance);
            let agreed = Agreed { proposal, acceptance, by_maker: None, by_taker: Vec::new() };
            agreed.orders().for_each(|order| self.trades_of.entry(order).or_default().push(id));
            agreed
        });
        let by_maker = entry.log == fill.proposal.maker;
        let copied = Copied { log: entry.log, seq: entry.seq, at: entry.at };
        if by_maker {
            agreed.by_maker = Some(copied);
        } else {
            agreed.by_taker.push(copied);
        }
        self.fresh.push((id, by_maker));
        let agreed = &self.trades[&id];
        if !stood && self.stands(agreed) {
            let orders: Vec<OrderId> = agreed.orders().filter(|order| self.takes_of(agreed, order)).collect();
            for order in orders {
                if let Some(placed) = self.orders.get_mut(&order) {
                    placed.filled += fill.acceptance.quantity;
                }
            }
        }
    }

    fn takes_of(&self, agreed: &Agreed, order: &OrderId) -> bool {
        self.orders.get(order).is_some_and(|placed| placed.is_taken_by(order, &agreed.proposal))
    }

    /// Whether a log holds it, and up to its seal if it is sealed.
    fn stands(&self, agreed: &Agreed) -> bool {
        agreed.by_maker.iter().chain(&agreed.by_taker).any(|copy| !self.is_beyond_seal(copy))
    }

    /// Whether an order is one that can be traded under the charter that it names: one that was wished under another
    /// charter may not be.
    #[must_use]
    pub fn counts(&self, order: &Order) -> bool {
        let Some(charter) = self.charters.get(&order.charter) else { return false };
        let shape = &charter.shape;
        shape.floor <= order.price && order.price <= shape.cap && order.quantity.0 % shape.quantity_tick.0 == 0
    }

    /// Whether the maker's own copy counts, by its own time and log.
    #[must_use]
    pub fn makers_counts(&self, agreed: &Agreed) -> bool {
        let (proposal, acceptance) = (&agreed.proposal, &agreed.acceptance);
        let Some(Copied { seq, at, .. }) = agreed.by_maker.filter(|copy| !self.is_beyond_seal(copy)) else {
            return false;
        };
        let Some(placed) = self.orders.get(&proposal.order) else { return false };
        let Some(charter) = self.charters.get(&proposal.charter) else { return false };
        let gate = charter.shape.gate(proposal.slot);
        placed.log == proposal.maker
            && placed.seq < seq
            && placed.cancelled_in.is_none_or(|cancelled| seq <= cancelled)
            && (acceptance.seq, acceptance.at) == (seq, at)
            && charter.shape.opens(proposal.slot) <= at
            && at < proposal.expires_at.min(placed.order.expires_at).min(gate)
            && acceptance.quantity <= proposal.up_to
            && proposal.slot == placed.order.slot
            && proposal.side == placed.order.side.opposite()
    }

    /// Whether a copy of the taker's counts alone.
    #[must_use]
    pub fn takers_counts(&self, agreed: &Agreed) -> bool {
        agreed.by_taker.iter().any(|copy| self.copy_counts(agreed, copy))
    }

    fn copy_counts(&self, agreed: &Agreed, copy: &Copied) -> bool {
        let Some(charter) = self.charters.get(&agreed.proposal.charter) else { return false };
        let slot = agreed.proposal.slot;
        let in_time = charter.shape.opens(slot) <= copy.at && copy.at < charter.shape.gate(slot).after(COPY_COUNTS_FOR);
        in_time && !self.is_beyond_seal(copy)
    }

    /// Where a trade stands so that it counts.
    pub fn counting_copies<'a>(&'a self, agreed: &'a Agreed) -> impl Iterator<Item = &'a Copied> {
        let by_maker = agreed.by_maker.iter().filter(|_| self.makers_counts(agreed));
        by_maker.chain(agreed.by_taker.iter().filter(|copy| self.copy_counts(agreed, copy)))
    }

    /// Whether a log was said to end.
    #[must_use]
    pub fn is_sealed(&self, log: &LogId) -> bool {
        self.seals.iter().any(|sealed| sealed.end.log == *log)
    }

    fn is_beyond_seal(&self, copy: &Copied) -> bool {
        self.seals.iter().any(|sealed| sealed.ends_before(copy))
    }

    /// Whether the operators have sealed the log before this entry, and word of it has not come to who has this disk.
    #[must_use]
    pub fn is_beyond_seal_unheard(&self, copy: &Copied, disk: &Disk) -> bool {
        let is_unheard = |sealed: &Sealed| matches!(sealed.by, Sealer::Operators(_)) && !sealed.is_known_to(disk);
        self.seals.iter().any(|sealed| sealed.ends_before(copy) && is_unheard(sealed))
    }

    /// Whether the trade binds.
    #[must_use]
    pub fn binds(&self, agreed: &Agreed) -> bool {
        self.makers_counts(agreed) || self.takers_counts(agreed)
    }

    /// Whether both parties' logs hold a trade so that it counts.
    #[must_use]
    pub fn is_held_by_both(&self, agreed: &Agreed) -> bool {
        self.makers_counts(agreed) && self.takers_counts(agreed)
    }

    /// For which wishes a trade was made: the maker's and the taker's.
    #[must_use]
    pub fn wishes_of(&self, id: &ProposalId, agreed: &Agreed) -> [Option<Whose>; 2] {
        [self.order_of.get(&agreed.proposal.order).copied(), self.proposal_of.get(id).copied()]
    }
}
