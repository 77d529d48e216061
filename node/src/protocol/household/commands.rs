//! What the owner and the meters ask for.

use sha2::{Digest as _, Sha256};
use wattswap_matching::{Side, Slot, WattHours};

use super::Household;
use super::io::{
    BadRecord, BadWish, Command, CommandError, Event, Origin, Output, Record, Reply, Request, RequestId, RequestState,
    Wish,
};
use crate::protocol::autopilot;
use crate::protocol::charter::{Act, Charter};
use crate::protocol::governance::{NotASuccessor, SignedRecord};
use crate::protocol::limits::{MAX_ENERGY, MAX_LIVE_REQUESTS, MAX_ORDERS_PER_REQUEST, MAX_PLACES_PER_SLOT};
use crate::protocol::message::Gossip;
use crate::protocol::metering::{self, Judgement, Reading};

impl Household {
    pub(super) fn command(&mut self, command: Command) -> Result<Reply, CommandError> {
        match command {
            Command::Place { wishes, key } => self.place(&wishes, key).map(Reply::Placed),
            Command::Cancel(id) => self.cancel(id).map(|request| Reply::Cancelled(Box::new(request))),
            Command::Readings(rows) => Ok(Reply::Readings(self.read(rows))),
            Command::SetAutopilot(settings) => self.set_autopilot(settings),
            Command::Governance(bytes) => Ok(self.take_governance(&bytes).map(|()| Reply::Done)?),
        }
    }

    fn place(&mut self, wishes: &[Wish], key: Option<[u8; 32]>) -> Result<Vec<Request>, CommandError> {
        let ids: Vec<RequestId> = (0..wishes.len()).map(|index| self.request_id(key, index)).collect();
        if let Some(known) = self.known_batch(&ids, wishes) {
            return known;
        }
        if self.requests.live_count() + wishes.len() > MAX_LIVE_REQUESTS {
            return Err(CommandError::TooManyLive { limit: MAX_LIVE_REQUESTS });
        }
        self.check_wishes(wishes)?;
        let batch = u16::try_from(wishes.len()).unwrap_or(u16::MAX);
        let made: Vec<Request> =
            ids.into_iter().zip(wishes).map(|(id, wish)| self.admit(id, *wish, batch, Origin::Owner)).collect();
        Ok(made)
    }

    /// The same key gives the same names, so a command that comes again is found by them.
    fn request_id(&mut self, key: Option<[u8; 32]>, index: usize) -> RequestId {
        let Some(key) = key else { return RequestId(self.nonces.bytes()) };
        let hash = Sha256::new().chain_update(key).chain_update((index as u64).to_be_bytes()).finalize();
        RequestId(std::array::from_fn(|at| hash[at]))
    }

    fn known_batch(&self, ids: &[RequestId], wishes: &[Wish]) -> Option<Result<Vec<Request>, CommandError>> {
        let first = self.requests.get(ids.first()?)?;
        let known: Vec<Request> = ids.iter().filter_map(|id| self.requests.get(id)).cloned().collect();
        let same = usize::from(first.batch) == wishes.len()
            && known.len() == wishes.len()
            && known.iter().zip(wishes).all(|(known, wish)| self.with_expiry(*wish) == known.wish);
        Some(if same { Ok(known) } else { Err(CommandError::KeyReused) })
    }

    fn check_wishes(&self, wishes: &[Wish]) -> Result<(), CommandError> {
        let mut asked: Vec<(Slot, Side, WattHours)> = Vec::new();
        for (index, wish) in wishes.iter().enumerate() {
            let bad = |reason| CommandError::BadWish { index, reason };
            let same = |(slot, side, _): &&(Slot, Side, WattHours)| *slot == wish.slot && *side == wish.side;
            let earlier: WattHours = asked.iter().filter(same).map(|(_, _, quantity)| *quantity).sum();
            self.check_wish(wish, earlier).map_err(bad)?;
            self.check_count(wish, asked.iter().filter(same).count()).map_err(bad)?;
            asked.push((wish.slot, wish.side, wish.quantity));
        }
        Ok(())
    }

    /// Whether the own log may place another order on this side of the slot, after `earlier` ones of the same command.
    fn check_count(&self, wish: &Wish, earlier: usize) -> Result<(), BadWish> {
        let placed = self.fold.places(&self.own.id(), &self.book_in_force(wish.slot), wish.side);
        // Those that can't be posted yet, as after a start, are among the live ones only.
        let used = placed.max(self.requests.live_on(wish.slot, wish.side)) + earlier;
        if used < MAX_PLACES_PER_SLOT { Ok(()) } else { Err(BadWish::TooManyInSlot { limit: MAX_PLACES_PER_SLOT }) }
    }

    fn check_wish(&self, wish: &Wish, earlier: WattHours) -> Result<(), BadWish> {
        let (_, charter) = self.chain.in_force();
        let shape = &charter.shape;
        let limit = charter.slot_limit(&self.me, wish.side).ok_or(BadWish::NotAMember)?;
        let most = MAX_ENERGY.min(limit);
        let committed = self.committed(wish.slot, wish.side) + earlier;
        match () {
            () if !shape.is_aligned(wish.slot) => Err(BadWish::NotASlot),
            () if self.now < shape.opens(wish.slot) => Err(BadWish::NotYetOpen { opens: shape.opens(wish.slot) }),
            () if shape.gate(wish.slot) <= self.now => Err(BadWish::GateClosed),
            () if wish.expires_at.is_some_and(|at| at <= self.now) => Err(BadWish::AlreadyExpired),
            () if !wish.quantity.is_positive() => Err(BadWish::NoQuantity),
            () if wish.quantity.0 % shape.quantity_tick.0 != 0 => {
                Err(BadWish::BetweenTicks { tick: shape.quantity_tick })
            }
            () if wish.price < shape.floor || wish.price > shape.cap => {
                Err(BadWish::OutsideBand { floor: shape.floor, cap: shape.cap })
            }
            () if committed + wish.quantity > most => {
                Err(BadWish::OverConnectionLimit { by: committed + wish.quantity - most })
            }
            () => Ok(()),
        }
    }

    /// What the household has traded on one side of a slot, and may yet trade.
    fn committed(&self, slot: Slot, side: Side) -> WattHours {
        self.traded(slot, side) + self.requests.pending(slot, side)
    }

    /// A wish as it is kept: it ends with its slot's gate at the latest.
    fn with_expiry(&self, wish: Wish) -> Wish {
        let (_, charter) = self.chain.in_force();
        let gate = charter.shape.gate(wish.slot);
        Wish { expires_at: Some(wish.expires_at.map_or(gate, |at| at.min(gate))), ..wish }
    }

    /// Makes a checked wish a request.
    pub(super) fn admit(&mut self, id: RequestId, wish: Wish, batch: u16, origin: Origin) -> Request {
        let request = Request {
            id,
            wish: self.with_expiry(wish),
            origin,
            placed_at: self.now,
            batch,
            filled: WattHours::ZERO,
            in_doubt: WattHours::ZERO,
            orders: Vec::new(),
            state: RequestState::Live,
        };
        self.requests.insert(request.clone());
        self.to_serve.insert(id);
        request
    }

    fn cancel(&mut self, id: RequestId) -> Result<Request, CommandError> {
        let request = self.requests.get(&id).ok_or(CommandError::UnknownRequest)?;
        match request.state {
            RequestState::Live => self.requests.end(&id, RequestState::Cancelled),
            RequestState::Cancelled => {}
            RequestState::Filled | RequestState::Expired => return Err(CommandError::NotLive),
        }
        self.requests.get(&id).cloned().ok_or(CommandError::UnknownRequest)
    }

    fn read(&mut self, rows: Vec<metering::Row>) -> Vec<metering::Verdict> {
        let mut verdicts = Vec::with_capacity(rows.len());
        for row in rows {
            let Judgement { verdict, withdrawn } = self.metering.judge(self.now, &row);
            withdrawn.into_iter().for_each(|reading| self.persist(Record::Reading(reading)));
            if verdict.is_worth_storing() {
                self.persist(Record::Reading(Reading { row, verdict }));
            }
            verdicts.push(verdict);
        }
        verdicts
    }

    fn set_autopilot(&mut self, settings: autopilot::Settings) -> Result<Reply, CommandError> {
        let (_, charter) = self.chain.in_force();
        settings.check(&charter.shape).map_err(|wrong| CommandError::Autopilot(wrong.to_string()))?;
        self.autopilot = settings;
        self.autopilot_wakes = self.now;
        self.persist(Record::Autopilot(settings));
        Ok(Reply::Done)
    }

    fn take_governance(&mut self, bytes: &[u8]) -> Result<(), BadRecord> {
        let record = SignedRecord::parse(bytes)?;
        if record.founds().is_some_and(|community| community != self.chain.community()) {
            return Err(BadRecord::OtherCommunity);
        }
        let held = self.chain.from_height(record.record.height).first();
        if held.is_some_and(|held| held.id == record.id) {
            return Ok(());
        }
        self.extend_chain(record)?;
        let bytes = self.chain.newest().bytes.clone();
        self.publish(&Gossip::Governance(bytes));
        Ok(())
    }

    /// A new charter comes into force, or logs are sealed.
    pub(super) fn extend_chain(&mut self, record: SignedRecord) -> Result<(), NotASuccessor> {
        self.chain.extend(record.clone())?;
        match &record.record.act {
            Act::Charter(_) => {
                self.charter_changed();
                self.tell(Event::Charter);
            }
            Act::Seals(ends) => ends.iter().for_each(|end| self.fold.seal(end)),
        }
        self.persist(Record::Governance(record));
        Ok(())
    }

    /// Ends requests that no order can stand for under the new rules: their owner can ask for others.
    fn end_what_cannot_trade(&mut self, charter: &Charter) {
        let shape = &charter.shape;
        let fits = |request: &Request| {
            let wish = &request.wish;
            let is_posted_elsewhere = request.orders.iter().any(|id| self.rests_out_of_force(id));
            let can_be_posted = !is_posted_elsewhere || request.orders.len() < MAX_ORDERS_PER_REQUEST;
            let ticks = wish.quantity.0 % shape.quantity_tick.0 == 0;
            shape.floor <= wish.price && wish.price <= shape.cap && ticks && can_be_posted
        };
        let ended: Vec<RequestId> =
            self.requests.live().filter(|request| !fits(request)).map(|request| request.id).collect();
        for id in ended {
            self.requests.end(&id, RequestState::Cancelled);
        }
    }

    /// Ends what the connection does not carry any more, the newest request first.
    pub(super) fn end_what_is_too_much(&mut self, charter: &Charter) {
        if charter.member(&self.me).is_none() {
            return;
        }
        let slots = self.requests.live_slots().into_iter();
        for (slot, side) in slots.flat_map(|slot| [Side::Buy, Side::Sell].map(|side| (slot, side))) {
            let limit = charter.slot_limit(&self.me, side).unwrap_or_default();
            while self.committed(slot, side) > limit
                && let Some(newest) = self.requests.newest_live(slot, side)
            {
                self.requests.end(&newest, RequestState::Cancelled);
            }
        }
    }

    /// Brings what depends on the charter in line with the one in force.
    pub(super) fn charter_changed(&mut self) {
        let (id, charter) = self.chain.in_force();
        let charter = charter.clone();
        self.fold.know(id, charter.clone());
        let shape = self.fold.shape(&id).expect("the fold has just been told of it");
        if std::mem::replace(&mut self.shape, shape) != shape {
            self.serve_everything_again();
        }
        self.requests.set_life_of_slots(&self.chain);
        self.stay_quiet_for_longer();
        self.metering.set_limits(super::recovery::meter_limits(&charter, &self.me));
        self.end_what_cannot_trade(&charter);
        self.end_what_is_too_much(&charter);
        self.peers.expect(charter.members.len());
        self.out.push_back(Output::Admit(charter.members.iter().map(|member| member.key).collect()));
    }
}
