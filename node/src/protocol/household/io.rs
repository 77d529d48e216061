//! The whole outside world of a household, as two closed enums, and the contract that goes with them.
//!
//! # Contract
//! Whoever drives a [`Household`](super::Household):
//! 1. calls `handle(now, input)` for one or more inputs, then `poll()` until it gives `None`: together that is one
//!    **turn**. Nothing happens between turns; everything that many inputs ask for becomes one signed entry and one
//!    durable write;
//! 2. makes every [`Output::Persist`] of the turn durable, all of them or none, **before** it carries out any other
//!    output of that turn. If it can't, it stops: nothing of that turn may leave the house;
//! 3. carries out the others in their order. Messages and gossip may get lost, repeated or reordered, the rest not;
//! 4. calls `handle(now, Input::Wake)` once `next_deadline()` has come;
//! 5. at start feeds back what it persisted, see [`super::recovery`].
//!
//! `now` is the household's wall clock. It may step and drift; the protocol expects that.

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};

use crate::protocol::agreement::words::{Proposal, Refusal};
use crate::protocol::autopilot;
use crate::protocol::entry::{Beacon, Entry, Trade};
use crate::protocol::governance::{NotASuccessor, SignedRecord};
use crate::protocol::ids::{Incarnation, LogId, MemberKey, OrderId, ProposalId};
use crate::protocol::logs::LogStart;
use crate::protocol::message::{Bytes, Contradiction, Message, Proof};
use crate::protocol::metering;
use crate::protocol::signed::Verified;
use crate::protocol::wire::Malformed;

/// Pairs a command with its reply; chosen by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The owner or a meter wants something. Answered by one [`Output::Reply`].
    Command {
        /// Comes back with the reply.
        ticket: Ticket,
        /// What is wanted.
        command: Command,
    },
    /// A gossiped message came. Answered by one [`Output::Judge`].
    Gossip {
        /// Comes back with the verdict.
        ticket: Ticket,
        /// The member that passed it on.
        from: MemberKey,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A message came on the stream of a peer.
    Message {
        /// The member at the other end.
        from: MemberKey,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A stream to this member is open; messages can be sent to it.
    Connected(MemberKey),
    /// The last stream to this member is gone.
    Disconnected(MemberKey),
    /// Answers [`Output::Load`].
    Loaded {
        /// From the request.
        ticket: Ticket,
        /// The entries that the store holds of the range, in order.
        entries: Vec<Bytes>,
    },
    /// A deadline came.
    Wake,
}

/// Something that the driver has to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Make durable, before anything else of this turn is done.
    Persist(Record),
    /// Answer a command.
    Reply {
        /// From the command.
        ticket: Ticket,
        /// What came of it.
        reply: Result<Reply, CommandError>,
    },
    /// Publish an encoded [`crate::protocol::message::Gossip`].
    Publish(Vec<u8>),
    /// Send to one peer; if it is not connected the message is lost.
    Send {
        /// The peer.
        to: MemberKey,
        /// The message.
        message: Message,
    },
    /// Send entries out of the store to one peer, as [`Message::Range`].
    SendRange {
        /// The peer.
        to: MemberKey,
        /// The log.
        log: LogId,
        /// The first entry.
        from: u64,
        /// At most this many, and at most [`crate::protocol::limits::MAX_RANGE_BYTES`].
        count: u16,
    },
    /// Read entries out of the store; answered by [`Input::Loaded`].
    Load {
        /// Comes back with the entries.
        ticket: Ticket,
        /// The log.
        log: LogId,
        /// The first entry.
        from: u64,
        /// At most this many.
        count: u16,
    },
    /// What to do with a gossiped message.
    Judge {
        /// From the message.
        ticket: Ticket,
        /// Pass it on or not.
        verdict: Verdict,
    },
    /// The peer broke the protocol in a way that no honest software does: close its connections.
    Drop(MemberKey),
    /// An order of this member suits us, and no connection to it is open: try to open one. A hint, which may come to
    /// nothing.
    Call(MemberKey),
    /// From now on these members may connect, nobody else.
    Admit(Vec<MemberKey>),
    /// Tell the owner.
    Event(Event),
    /// Begin again: once this turn is done, drop the household, [recover](super::recovery) it from what is durable, and
    /// tell it who is connected.
    Restart,
    /// The household can't go on; tell why and stop.
    Halt(Halt),
}

/// Whether a gossiped message is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good: pass it on.
    Accept,
    /// Useless here and now, but nobody's fault.
    Ignore,
    /// Bad: whoever passed it on should have known.
    Reject,
}

/// What survives a crash.
#[derive(Clone, Debug)]
pub enum Record {
    /// This household's own current log is this one.
    Incarnation(Incarnation),
    /// An entry of any log: append it.
    Entry(Verified<Entry>),
    /// A log is kept from this entry on: forget what it holds before.
    LogStart(LogStart),
    /// The next link of the governance chain.
    Governance(SignedRecord),
    /// The newest promise of the own log: replaces the one before.
    Beacon(Verified<Beacon>),
    /// A request of the owner, as it stands now: replaces the one with its id.
    Request(Request),
    /// A take is in doubt.
    Reservation(Reservation),
    /// The take with this proposal is in doubt no longer.
    Released(ProposalId),
    /// A take was given up because of this beacon: replaces the one of the same log.
    Fence(Verified<Beacon>),
    /// A proposal was refused, by this household or to it.
    Refusal {
        /// The signed word.
        refusal: Verified<Refusal>,
        /// From then on nobody can ask for it again, or break it.
        closes_at: UtcMillis,
    },
    /// The refusal of this proposal is not needed any more.
    Forgotten(ProposalId),
    /// A trade of this household, as it stands now: replaces the one with its id. Kept for good.
    Trade(OwnTrade),
    /// A key is convicted by this proof.
    Proof {
        /// Whose.
        key: MemberKey,
        /// Why.
        proof: Proof,
    },
    /// A meter reading, as it was judged.
    Reading(metering::Reading),
    /// What the owner allows the autopilot.
    Autopilot(autopilot::Settings),
}

/// What the owner or a meter can ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Trade these, all or none.
    Place {
        /// The wishes.
        wishes: Vec<Wish>,
        /// A name that the owner gave to this command: the same name and wishes again give the same answer.
        key: Option<[u8; 32]>,
    },
    /// Close a request. What is in doubt may still trade.
    Cancel(RequestId),
    /// Judge and keep these readings.
    Readings(Vec<metering::Row>),
    /// Let the autopilot trade within these limits, or not at all.
    SetAutopilot(autopilot::Settings),
    /// Take the next record of the community's governance chain into force, and tell the others. One that is held already
    /// is fine.
    Governance(Vec<u8>),
}

/// What the owner wants to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The delivery interval.
    pub slot: Slot,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// The limit per kWh.
    pub price: Price,
    /// Until when; the gate closure of the slot if nothing is said.
    pub expires_at: Option<UtcMillis>,
}

/// Names a request of this household; means nothing to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

/// A wish that was accepted, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// What is wanted; `expires_at` is always set.
    pub wish: Wish,
    /// Who wants it.
    pub origin: Origin,
    /// When it was accepted.
    pub placed_at: UtcMillis,
    /// How many wishes came in the same command; so that a command that comes again can be recognised.
    pub batch: u16,
    /// Traded so far.
    pub filled: WattHours,
    /// Proposed to somebody who has not answered yet.
    pub in_doubt: WattHours,
    /// The orders that stand for it in the book, oldest first.
    pub orders: Vec<OrderId>,
    /// Whether it still trades.
    pub state: RequestState,
}

/// Who made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The owner, over the API.
    Owner,
    /// The autopilot.
    Autopilot,
}

/// Where a request is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It trades: takes what suits, and what is left rests in the book.
    Live,
    /// All of it was traded.
    Filled,
    /// The owner closed it.
    Cancelled,
    /// Its time, or the slot's, is over.
    Expired,
}

/// A take whose outcome is not known yet.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// What was proposed.
    pub proposal: Verified<Proposal>,
    /// For which request.
    pub request: RequestId,
    /// The earliest of the proposal's expiry, the resting order's expiry and the gate: nothing fills it after that.
    pub closes_at: UtcMillis,
    /// The store has forgotten what was done after this was reserved. So it may have been let go, and the same have been
    /// traded elsewhere.
    pub forgotten: bool,
}

/// A trade of this household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTrade {
    /// What both signed.
    pub trade: Trade,
    /// The request that it serves, if that is still known.
    pub request: Option<RequestId>,
    /// True while the own log does not hold it: it was learned late and may still turn out not to bind.
    pub provisional: bool,
    /// When this household first recorded it.
    pub recorded_at: UtcMillis,
}

/// The answer to a command that worked.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The requests are durable.
    Placed(Vec<Request>),
    /// The request as it stands now.
    Cancelled(Box<Request>),
    /// One verdict for each row, in order.
    Readings(Vec<metering::Verdict>),
    /// Done.
    Done,
}

/// Why a command was not carried out. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// One of the wishes can't be traded.
    #[error("order {index}: {reason}")]
    BadWish {
        /// Which, counted from 0.
        index: usize,
        /// Why.
        reason: BadWish,
    },
    /// The key was used for a command with other wishes.
    #[error("this idempotency key was used for other orders; use a new one")]
    KeyReused,
    /// No such request.
    #[error("there is no such order")]
    UnknownRequest,
    /// The request is over.
    #[error("the order is no longer open")]
    NotLive,
    /// Too much at once.
    #[error("too many open orders ({limit} at most); cancel some or wait for some to end")]
    TooManyLive {
        /// The bound.
        limit: usize,
    },
    /// The governance record was not taken.
    #[error("the charter was not accepted: {0}")]
    Governance(#[from] BadRecord),
    /// The autopilot settings contradict themselves or the charter.
    #[error("these autopilot settings can't be used: {0}")]
    Autopilot(String),
}

/// Why a governance record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// The bytes are no record.
    #[error("it can't be read ({0})")]
    Malformed(#[from] Malformed),
    /// It is the first of another chain.
    #[error("it founds another community")]
    OtherCommunity,
    /// It does not continue the chain.
    #[error(transparent)]
    NotASuccessor(#[from] NotASuccessor),
}

/// Why a wish can't be traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWish {
    /// No slot starts then.
    #[error("no slot starts then; slots start on multiples of the slot length (UTC)")]
    NotASlot,
    /// Too early.
    #[error("the slot does not open before {opens}", opens = opens.0)]
    NotYetOpen {
        /// When it opens.
        opens: UtcMillis,
    },
    /// Too late.
    #[error("the slot's gate has closed")]
    GateClosed,
    /// The expiry lies in the past.
    #[error("it would expire before it can trade")]
    AlreadyExpired,
    /// Nothing, or less than nothing.
    #[error("the quantity must be above zero")]
    NoQuantity,
    /// Not a multiple of the quantity tick.
    #[error("the quantity must be a multiple of {tick}")]
    BetweenTicks {
        /// The tick.
        tick: WattHours,
    },
    /// Outside floor and cap.
    #[error("the price must lie between the community's floor and cap")]
    OutsideBand {
        /// Lowest.
        floor: Price,
        /// Highest.
        cap: Price,
    },
    /// More than the connection carries.
    #[error("with what is already open and traded this exceeds the connection limit by {by}")]
    OverConnectionLimit {
        /// By how much.
        by: WattHours,
    },
    /// The own log has placed as many orders on this side of the slot as count.
    #[error("at most {limit} orders may be placed on one side of a slot")]
    TooManyInSlot {
        /// The bound.
        limit: usize,
    },
    /// The charter in force does not list this household.
    #[error("this household is not a member of the community")]
    NotAMember,
}

/// News for the owner.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request changed.
    Request(Request),
    /// A trade was recorded, or is no longer provisional.
    Trade(Box<OwnTrade>),
    /// A peer came or went.
    Peer {
        /// Which.
        key: MemberKey,
        /// Came or went.
        connected: bool,
    },
    /// Somebody was convicted of cheating.
    Convicted {
        /// Who.
        key: MemberKey,
        /// Of what.
        of: Contradiction,
    },
    /// A new charter is in force.
    Charter,
    /// The household's ability to trade changed.
    Standing(Standing),
}

/// Whether the household can trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not before it has compared its store with this many more peers.
    Comparing {
        /// How many are missing.
        missing: usize,
    },
    /// Its store lacks what it once signed. It fetches that, waits until nobody can accept any more what it may have
    /// forgotten to have proposed, and goes on in a new log.
    Restoring {
        /// When it goes on at the latest.
        until: UtcMillis,
    },
    /// Not while no other member is heard: nobody could trade with it, and nobody could tell that its clock is wrong.
    Alone,
    /// It trades.
    Trading,
    /// Its clock is ahead of its peers' by this many milliseconds: it signs nothing until the clock is right.
    ClockAhead {
        /// How far.
        millis: u64,
    },
    /// It has dated the last word of its log later than its clock shows, since that was ahead then or is behind now: it
    /// signs nothing that is earlier. Or it has written as much as it may in this hour.
    LogAhead {
        /// When it goes on, by its clock.
        until: UtcMillis,
    },
    /// The charter in force does not list it.
    NotAMember,
    /// It was convicted.
    Convicted,
}

/// Why the household stops for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// It would need another log, and nobody takes entries of so many.
    #[error(
        "this household has begun a new log as often as it can, which happens if its store is restored from backups \
         again and again, or if it runs twice. It needs a new key, which the operators have to put into the charter"
    )]
    TooManyLogs,
}
