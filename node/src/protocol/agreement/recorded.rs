//! What the owner is told of trades, and when that is taken back: the same for taker and maker.

use wattswap_matching::UtcMillis;

use crate::protocol::entry::Trade;
use crate::protocol::household::io::{Event, OwnTrade, Record, RequestId};
use crate::protocol::household::{Household, Recorded};
use crate::protocol::ids::ProposalId;

impl Household {
    /// A trade that is ours and that some log holds came to be known. If we hold its reservation it is completed with
    /// the doubts; otherwise the owner should know that it binds, or may bind.
    pub(in crate::protocol) fn learn(&mut self, id: ProposalId) {
        let Some(bound) = self.fold.trade(&id) else { return };
        let takes = bound.trade.proposal.taker.author == self.me;
        let ours = takes || bound.trade.proposal.maker.author == self.me;
        let held = if takes { bound.held_by_taker() } else { bound.held_by_maker() };
        let is_news = match self.recorded.get(&id) {
            Some(recorded) if recorded.provisional => held,
            // A seal has taken away what held it, unless the clock was set back to before that.
            Some(_) => !bound.binds() && !self.fold.is_held_unjudged(&id, &self.me),
            None => bound.binds(),
        };
        if ours && self.doubts.get(&id).is_none() && is_news {
            let trade = bound.trade.clone();
            let order = if takes { trade.proposal.own_order } else { Some(trade.proposal.order) };
            let request = order.and_then(|order| self.requests.of_order(&order));
            self.record(trade, request, !held);
        }
    }

    /// Records a trade for the owner.
    pub(in crate::protocol) fn record(&mut self, trade: Trade, request: Option<RequestId>, provisional: bool) {
        let recorded_at = self.recorded.get(&trade.id()).map_or(self.now, |before| before.at);
        let own = OwnTrade { trade, request, provisional, recorded_at };
        self.note_recorded(&own);
        self.persist(Record::Trade(own.clone()));
        self.tell(Event::Trade(Box::new(own)));
    }

    /// The owner knows of this trade.
    pub(in crate::protocol) fn note_recorded(&mut self, own: &OwnTrade) {
        let proposal = &own.trade.proposal;
        let charter = self.fold.charter(&proposal.charter);
        let over = charter.map_or(UtcMillis(u64::MAX), |charter| charter.shape.over(proposal.slot));
        self.recorded.insert(own.trade.id(), Recorded { provisional: own.provisional, at: own.recorded_at, over });
    }
}
