//! What the owner asked for, and what stands for it in the book.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};

use super::io::{Request, RequestId, RequestState};
use crate::protocol::chain::Chain;
use crate::protocol::ids::OrderId;

/// Requests that are over are remembered for this long, so that a command that comes again is recognised.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// All requests that are live or were so lately.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    all: BTreeMap<RequestId, Request>,
    /// Ascending by limit price.
    live: BTreeMap<(Slot, Side), BTreeSet<(Price, RequestId)>>,
    /// What a slot's requests of one side may yet trade.
    pending: BTreeMap<(Slot, Side), WattHours>,
    live_count: usize,
    by_order: BTreeMap<OrderId, RequestId>,
    /// When a live request expires, or one that is over is forgotten.
    deadlines: BTreeSet<(UtcMillis, RequestId)>,
    /// When a live request can be posted that can't be yet, since its slot opens later by a charter that came after it.
    to_post: BTreeSet<(UtcMillis, RequestId)>,
    /// From the start of a slot until it is over, at the longest.
    slots_last: Duration,
    /// Changed since they were last reported.
    changed: BTreeSet<RequestId>,
}

impl Requests {
    /// Adds a request, new or recovered.
    pub fn insert(&mut self, request: Request) {
        let (id, wish) = (request.id, request.wish);
        for order in &request.orders {
            self.by_order.insert(*order, id);
        }
        let live = request.state == RequestState::Live;
        self.deadlines.insert((if live { expiry(&request) } else { self.forgotten_at(&request, UtcMillis(0)) }, id));
        if live {
            self.live.entry((wish.slot, wish.side)).or_default().insert((wish.price, id));
            self.live_count += 1;
        }
        *self.pending.entry((wish.slot, wish.side)).or_default() += pending(&request);
        self.all.insert(id, request);
        self.changed.insert(id);
    }

    /// A request by its name.
    #[must_use]
    pub fn get(&self, id: &RequestId) -> Option<&Request> {
        self.all.get(id)
    }

    /// The request that an order stands for.
    #[must_use]
    pub fn of_order(&self, order: &OrderId) -> Option<RequestId> {
        self.by_order.get(order).copied()
    }

    /// Whether the request still trades.
    #[must_use]
    pub fn is_live(&self, id: &RequestId) -> bool {
        self.all.get(id).is_some_and(|request| request.state == RequestState::Live)
    }

    /// How many are live.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.live_count
    }

    /// How many are live on one side of a slot.
    #[must_use]
    pub fn live_on(&self, slot: Slot, side: Side) -> usize {
        self.live.get(&(slot, side)).map_or(0, BTreeSet::len)
    }

    /// Live requests of one side of a slot that would trade at `price`.
    pub fn crossing(&self, slot: Slot, side: Side, price: Price) -> impl Iterator<Item = RequestId> {
        let live = self.live.get(&(slot, side)).into_iter().flatten();
        live.filter(move |(limit, _)| side.accepts(*limit, price)).map(|(_, id)| *id)
    }

    /// Live requests of a slot.
    pub fn live_in(&self, slot: Slot) -> impl Iterator<Item = &Request> {
        let sides = [Side::Buy, Side::Sell].into_iter().filter_map(move |side| self.live.get(&(slot, side)));
        sides.flatten().filter_map(|(_, id)| self.all.get(id))
    }

    /// Slots with live requests.
    #[must_use]
    pub fn live_slots(&self) -> BTreeSet<Slot> {
        self.live.keys().map(|(slot, _)| *slot).collect()
    }

    /// All live requests.
    pub fn live(&self) -> impl Iterator<Item = &Request> {
        self.live.values().flatten().filter_map(|(_, id)| self.all.get(id))
    }

    /// What the requests of one side of a slot may yet trade.
    #[must_use]
    pub fn pending(&self, slot: Slot, side: Side) -> WattHours {
        self.pending.get(&(slot, side)).copied().unwrap_or_default()
    }

    /// Slots of the requests that are remembered.
    pub fn pending_slots(&self) -> BTreeSet<Slot> {
        self.pending.keys().map(|(slot, _)| *slot).collect()
    }

    /// A request got filled by this much.
    pub fn fill(&mut self, id: &RequestId, quantity: WattHours) {
        self.change(id, |request| request.filled += quantity);
        if self.all.get(id).is_some_and(|request| request.filled >= request.wish.quantity) {
            self.end(id, RequestState::Filled);
        }
    }

    /// What is proposed and not answered for this request.
    pub fn set_in_doubt(&mut self, id: &RequestId, in_doubt: WattHours) {
        self.change(id, |request| request.in_doubt = in_doubt);
    }

    /// An order stands for this request from now on.
    pub fn add_order(&mut self, id: &RequestId, order: OrderId) {
        self.by_order.insert(order, *id);
        self.change(id, |request| request.orders.push(order));
    }

    /// The request trades no more. Nothing happens if it was over already.
    pub fn end(&mut self, id: &RequestId, state: RequestState) {
        let Some(request) = self.all.get(id).filter(|request| request.state == RequestState::Live) else { return };
        let (wish, over, forgotten_at) = (request.wish, expiry(request), self.forgotten_at(request, UtcMillis(0)));
        self.live_count -= 1;
        if let Some(live) = self.live.get_mut(&(wish.slot, wish.side)) {
            live.remove(&(wish.price, *id));
            if live.is_empty() {
                self.live.remove(&(wish.slot, wish.side));
            }
        }
        self.deadlines.remove(&(over, *id));
        self.deadlines.insert((forgotten_at, *id));
        self.change(id, |request| request.state = state);
    }

    /// The request can be posted from then on.
    pub fn post_at(&mut self, at: UtcMillis, id: RequestId) {
        self.to_post.insert((at, id));
    }

    /// Requests that can be posted now, and could not before.
    pub fn take_to_post(&mut self, now: UtcMillis) -> Vec<RequestId> {
        let later = self.to_post.split_off(&(UtcMillis(now.0 + 1), RequestId([0; 16])));
        std::mem::replace(&mut self.to_post, later).into_iter().map(|(_, id)| id).collect()
    }

    /// When [`Requests::take_to_post`] has something to give.
    #[must_use]
    pub fn next_to_post(&self) -> Option<UtcMillis> {
        self.to_post.first().map(|(at, _)| *at)
    }

    /// The request of this side of a slot that was placed last.
    #[must_use]
    pub fn newest_live(&self, slot: Slot, side: Side) -> Option<RequestId> {
        let live = self.live.get(&(slot, side)).into_iter().flatten().filter_map(|(_, id)| self.all.get(id));
        live.max_by_key(|request| (request.placed_at, request.id)).map(|request| request.id)
    }

    /// Reports the request at the end of the turn.
    pub fn touch(&mut self, id: RequestId) {
        self.changed.insert(id);
    }

    fn change(&mut self, id: &RequestId, change: impl FnOnce(&mut Request)) {
        let Some(request) = self.all.get_mut(id) else { return };
        let sum = self.pending.entry((request.wish.slot, request.wish.side)).or_default();
        *sum -= pending(request);
        change(request);
        *sum += pending(request);
        self.changed.insert(*id);
    }

    /// Requests that are over, with orders that once stood for them.
    pub fn ended_with_orders(&self) -> impl Iterator<Item = &Request> {
        self.all.values().filter(|request| request.state != RequestState::Live && !request.orders.is_empty())
    }

    /// Slots last as long as charters say. What was traded in one is remembered until it is over.
    pub fn set_life_of_slots(&mut self, chain: &Chain) {
        self.slots_last = chain.charters().map(|(_, charter)| charter.shape.lasts()).max().unwrap_or_default();
    }

    /// When one that is over can be forgotten, as far as is known at `now`.
    fn forgotten_at(&self, request: &Request, now: UtcMillis) -> UtcMillis {
        let over = expiry(request).max(request.wish.slot.start().after(self.slots_last));
        if request.in_doubt.is_positive() { over.max(now) } else { over }.after(REMEMBERED_FOR)
    }

    /// Ends what has expired and forgets what is long over.
    pub fn advance(&mut self, now: UtcMillis) {
        // What ends now is forgotten in a later turn at the earliest: it has to be reported first.
        let due: Vec<_> = self.deadlines.range(..=(now, RequestId([0xff; 16]))).copied().collect();
        for (at, id) in due {
            match self.all.get(&id).map(|request| (request.state, self.forgotten_at(request, now))) {
                Some((RequestState::Live, _)) => self.end(&id, RequestState::Expired),
                Some((_, later)) if later > now => {
                    self.deadlines.remove(&(at, id));
                    self.deadlines.insert((later, id));
                }
                _ => {
                    self.deadlines.remove(&(at, id));
                    self.forget(&id);
                }
            }
        }
    }

    /// When [`Requests::advance`] has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcMillis> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Requests that changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<RequestId> {
        std::mem::take(&mut self.changed)
    }

    /// Requests that changed and are yet to be reported.
    pub fn changed(&self) -> impl Iterator<Item = &Request> {
        self.changed.iter().filter_map(|id| self.all.get(id))
    }

    fn forget(&mut self, id: &RequestId) {
        let Some(request) = self.all.remove(id) else { return };
        let key = (request.wish.slot, request.wish.side);
        if let Some(sum) = self.pending.get_mut(&key) {
            *sum -= pending(&request);
            if *sum == WattHours::ZERO {
                self.pending.remove(&key);
            }
        }
        for order in request.orders {
            self.by_order.remove(&order);
        }
    }
}

/// What a request may yet trade: what is left of it while it is live, and what is in doubt afterwards.
fn pending(request: &Request) -> WattHours {
    let is_live = request.state == RequestState::Live;
    if is_live { request.wish.quantity - request.filled } else { request.in_doubt }
}

fn expiry(request: &Request) -> UtcMillis {
    request.wish.expires_at.expect("a request that was accepted always has an expiry")
}
