//! What the owner is told of trades, and when that is taken back: the same for taker and maker.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::{Side, Slot, UtcMillis, WattHours};

use crate::protocol::entry::Trade;
use crate::protocol::fold::Bound;
use crate::protocol::household::Household;
use crate::protocol::household::io::{Event, OwnTrade, Record, RequestId};
use crate::protocol::ids::ProposalId;

/// Own trades that the owner was told of, each until its slot is over.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    told: BTreeMap<ProposalId, Told>,
    by_slot: BTreeMap<(Slot, Side), BTreeSet<ProposalId>>,
}

/// What the owner was told of one.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// That it may still turn out not to bind.
    provisional: bool,
    /// When it was first told.
    at: UtcMillis,
    /// Nothing new is said of it from then on.
    over: UtcMillis,
    /// The slot, and the household's own side.
    of: (Slot, Side),
    quantity: WattHours,
}

impl Recorded {
    /// Slots in which something was traded.
    #[must_use]
    pub fn slots(&self) -> BTreeSet<Slot> {
        self.by_slot.keys().map(|(slot, _)| *slot).collect()
    }

    /// Nothing new is said of trades in slots that are over.
    pub fn forget_over(&mut self, now: UtcMillis) {
        self.told.retain(|_, told| told.over > now);
        let told = &self.told;
        self.by_slot.retain(|_, trades| {
            trades.retain(|id| told.contains_key(id));
            !trades.is_empty()
        });
    }

    fn note(&mut self, id: ProposalId, told: Told) {
        self.told.insert(id, told);
        self.by_slot.entry(told.of).or_default().insert(id);
    }
}

impl Household {
    /// A trade that is ours and that some log holds came to be known. If we hold its reservation it is completed with
    /// the doubts; otherwise the owner should know that it binds, or may bind.
    pub(in crate::protocol) fn learn(&mut self, id: ProposalId) {
        let Some(bound) = self.fold.trade(&id) else { return };
        let takes = bound.trade.proposal.taker.author == self.me;
        let ours = takes || bound.trade.proposal.maker.author == self.me;
        let held = if takes { bound.held_by_taker() } else { bound.held_by_maker() };
        let is_news = match self.recorded.told.get(&id) {
            Some(told) if told.provisional => held,
            // A seal has taken away what held it, unless the clock was set back to before that.
            Some(_) => !bound.binds() && !self.fold.is_held_unjudged(&id, &self.me),
            None => bound.binds(),
        };
        if ours && self.doubts.get(&id).is_none() && is_news {
            let trade = bound.trade.clone();
            let order = if takes { trade.proposal.own_order } else { Some(trade.proposal.order) };
            let request = order.and_then(|order| self.requests.of_order(&order));
            let is_new = !self.recorded.told.contains_key(&id);
            // One that is live would end by it; but what comes up then is a cheat's, and may yet turn out to bind nobody.
            let ended = request.filter(|id| is_new && !self.requests.is_live(id));
            if let Some(ended) = ended {
                self.requests.fill(&ended, trade.acceptance.quantity);
            }
            self.record(trade, request, !held);
        }
    }

    /// What the household has traded on one side of a slot, by whichever request and log, also what its store had forgotten. What
    /// is known to bind nobody does not count.
    pub(in crate::protocol) fn traded(&self, slot: Slot, side: Side) -> WattHours {
        let trades = self.recorded.by_slot.get(&(slot, side)).into_iter().flatten();
        let told = trades.filter_map(|id| Some((id, self.recorded.told.get(id)?)));
        let counts = |id| self.fold.trade(id).is_none_or(Bound::binds);
        told.filter(|(id, _)| counts(id)).map(|(_, told)| told.quantity).sum()
    }

    /// Records a trade for the owner.
    pub(in crate::protocol) fn record(&mut self, trade: Trade, request: Option<RequestId>, provisional: bool) {
        let recorded_at = self.recorded.told.get(&trade.id()).map_or(self.now, |before| before.at);
        let own = OwnTrade { trade, request, provisional, recorded_at };
        self.note_recorded(&own);
        self.persist(Record::Trade(own.clone()));
        self.tell(Event::Trade(Box::new(own)));
    }

    /// The owner knows of this trade.
    pub(in crate::protocol) fn note_recorded(&mut self, own: &OwnTrade) {
        let proposal = &own.trade.proposal;
        let charter = self.fold.charter(&proposal.charter);
        let side = if proposal.taker.author == self.me { proposal.side } else { proposal.side.opposite() };
        let told = Told {
            provisional: own.provisional,
            at: own.recorded_at,
            over: charter.map_or(UtcMillis(u64::MAX), |charter| charter.shape.over(proposal.slot)),
            of: (proposal.slot, side),
            quantity: own.trade.acceptance.quantity,
        };
        self.recorded.note(own.trade.id(), told);
    }
}
