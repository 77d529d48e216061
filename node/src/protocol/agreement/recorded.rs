//! What the owner is told of trades, and when that is taken back: the same for taker and maker.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::{Side, Slot, UtcMillis, WattHours};

use crate::protocol::agreement::words::Proposal;
use crate::protocol::entry::Trade;
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

    /// Nothing new is said of trades in slots that started before this.
    pub fn forget_before(&mut self, start: UtcMillis) {
        self.told.retain(|_, told| told.of.0.start() >= start);
        self.by_slot.retain(|(slot, _), _| slot.start() >= start);
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

    /// What the household has traded on one side of a slot, by whichever request and log, also what its store had forgotten. One
    /// that binds nobody as far as is known here counts too, for its counterparty may yet show that it does; and so does what
    /// own logs hold that can't be judged yet.
    pub(in crate::protocol) fn traded(&self, slot: Slot, side: Side) -> WattHours {
        let told = self.recorded.by_slot.get(&(slot, side)).into_iter().flatten();
        let told = told.filter_map(|id| self.recorded.told.get(id)).map(|told| told.quantity);
        let unjudged = self.fold.unjudged_fills(&self.me).map(|(_, fill)| fill);
        let unjudged = unjudged.filter(|fill| self.of(&fill.proposal) == (slot, side));
        let news: BTreeMap<ProposalId, WattHours> = unjudged
            .filter(|fill| !self.recorded.told.contains_key(&fill.id()))
            .map(|fill| (fill.id(), fill.acceptance.quantity))
            .collect();
        told.chain(news.into_values()).sum()
    }

    /// The slot of an own trade, and the household's side.
    fn of(&self, proposal: &Proposal) -> (Slot, Side) {
        let takes = proposal.taker.author == self.me;
        (proposal.slot, if takes { proposal.side } else { proposal.side.opposite() })
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
        let told = Told {
            provisional: own.provisional,
            at: own.recorded_at,
            of: self.of(&own.trade.proposal),
            quantity: own.trade.acceptance.quantity,
        };
        self.recorded.note(own.trade.id(), told);
    }
}
