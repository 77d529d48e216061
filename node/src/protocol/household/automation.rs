//! Lets the autopilot trade, by the same doors as the owner.

use std::collections::BTreeMap;

use wattswap_matching::{Level, Side, Slot};

use super::Household;
use super::io::{Origin, Request, RequestId, RequestState, Wish};
use crate::protocol::autopilot::{
    Action, Depth, Live, Need, Needs, Position, PriceLimits, Quote, Situation, next_wake, own_number, plan,
};
use crate::protocol::metering::Metering;

/// What the autopilot sees of its household.
struct Desk<'h> {
    household: &'h Household,
    /// Its live requests in the slots that the household has taken up.
    live: BTreeMap<Slot, Vec<Live<RequestId>>>,
    needs: Needs<'h, &'h Metering>,
}

impl Situation for Desk<'_> {
    type Id = RequestId;

    fn position(&self, slot: Slot) -> Position<'_, RequestId> {
        self.live.get(&slot).map_or(Position::default(), |live| self.household.position(slot, live))
    }

    fn need(&self, slot: Slot) -> Option<Need> {
        self.needs.of(slot)
    }

    fn depth(&self, slot: Slot) -> Depth {
        self.household.depth_in_all(slot)
    }

    fn limits(&self, _: Slot) -> PriceLimits {
        self.household.autopilot.price_limits()
    }
}

impl Household {
    /// Asks the autopilot what to change, when its time has come.
    pub(super) fn run_autopilot(&mut self) {
        if self.now < self.autopilot_wakes {
            return;
        }
        let (_, charter) = self.chain.in_force();
        let charter = charter.clone();
        self.autopilot_wakes = next_wake(self.now, &charter.shape, own_number(&self.me));
        let needs = Needs::new(self.now, &charter.shape, &self.metering);
        let desk = Desk { household: self, live: self.live_by_slot(), needs };
        let taken_up = desk.live.keys().copied();
        for action in plan(self.now, &charter.shape, self.metering.limits(), taken_up, &desk, &self.autopilot) {
            match action {
                Action::Cancel(id) => self.requests.end(&id, RequestState::Cancelled),
                Action::Place(quote) => self.quote(quote),
            }
        }
    }

    fn quote(&mut self, quote: Quote) {
        let Quote { slot, side, quantity, price, expires_at } = quote;
        let id = RequestId(self.nonces.bytes());
        self.admit(id, Wish { slot, side, quantity, price, expires_at: Some(expires_at) }, 1, Origin::Autopilot);
    }

    /// What is open in the book of a slot.
    fn depth_in_all(&self, slot: Slot) -> Depth {
        let (bids, asks) = self.depth(slot, usize::MAX);
        let sum = |levels: Vec<Level>| levels.iter().map(|level| level.quantity).sum();
        Depth { bids: sum(bids), asks: sum(asks) }
    }

    /// The autopilot's live requests in all slots that are taken up and still open.
    fn live_by_slot(&self) -> BTreeMap<Slot, Vec<Live<RequestId>>> {
        let (_, charter) = self.chain.in_force();
        let slots = self.requests.pending_slots().into_iter().chain(self.recorded.slots());
        let open = slots.filter(|slot| charter.shape.gate(*slot) > self.now);
        open.map(|slot| (slot, self.live(slot))).collect()
    }

    fn live(&self, slot: Slot) -> Vec<Live<RequestId>> {
        let own = self.requests.live_in(slot).filter(|request| request.origin == Origin::Autopilot);
        own.map(live).collect()
    }

    /// What the household has in a slot in which the autopilot has these live requests.
    fn position<'l>(&self, slot: Slot, live: &'l [Live<RequestId>]) -> Position<'l, RequestId> {
        let pending = |side: Side| {
            let open = live.iter().filter(|live| live.side == side).map(|live| live.open).sum();
            self.requests.pending(slot, side) - open
        };
        Position {
            bought: self.traded(slot, Side::Buy),
            sold: self.traded(slot, Side::Sell),
            pending_buys: pending(Side::Buy),
            pending_sells: pending(Side::Sell),
            live,
        }
    }
}

fn live(request: &Request) -> Live<RequestId> {
    let wish = &request.wish;
    let open = wish.quantity - request.filled - request.in_doubt;
    Live { id: request.id, side: wish.side, price: wish.price, open }
}
