//! What a household must offer to be reached over HTTP, in domain terms.
//!
//! This is a port: this crate owns the trait, the node implements it, a test may implement it in memory. It knows
//! no HTTP and no JSON. Every method that waits for a disk or for the node's loop is a future; a method that is
//! not a future answers from memory and never blocks.

mod autopilot;
mod community;
mod live;
mod order;
mod page;
mod reading;
mod token;
mod trade;

pub use autopilot::{Autopilot, AutopilotError, AutopilotRefusal};
pub use community::{
    Charter, Check, Contradiction, Fee, LogHead, Member, Peer, Phase, PublishError, Readiness, RecordRefusal, Status,
};
pub use live::{Event, ReadingsPushed};
pub use order::{
    CancelError, Depth, Idempotency, Level, NewOrder, OrderId, PlaceError, PlacedOrder, Placement, PricePerKwh,
    Refusal, RefusalReason, Request, RequestFilter, RequestId, RequestState, SlotSummary,
};
pub use page::{ListError, Listing, Page, Position};
pub use reading::{MeterId, QuarantineReason, Reading, StoredReading, Verdict};
pub use token::{AddTokenError, NewToken, RevokeError, Role, TokenHash, TokenId, TokenRecord};
pub use trade::{MemberKey, Trade, TradeId};

use std::time::Duration;

use futures::future::BoxFuture;
use wattswap_matching::units::Slot;

/// What a method of the port gives: a future of an answer or of that operation's own error.
pub type Answer<'a, T, E> = BoxFuture<'a, Result<T, E>>;

/// One household: its orders, its market, its meters and its node.
///
/// Reads come from snapshots and never wait for the node's loop. What changes something is durable when its future
/// resolves with `Ok`; a future that is dropped half-way may or may not have changed it.
pub trait Household: Send + Sync + 'static {
    /// Takes a batch of orders as requests of this household: all of them or, with an error, none.
    ///
    /// `Ok` means that every order is durable as a request with an id of its own, in the order of the batch; the
    /// node then takes what rests at its price and posts the rest. The same idempotency key with the
    /// same orders gives the same answer again and places nothing.
    fn place(&self, placement: Placement) -> Answer<'_, Vec<PlacedOrder>, PlaceError>;

    /// The household's requests, newest first.
    fn requests(&self, filter: RequestFilter, page: Page) -> Answer<'_, Listing<Request>, ListError>;

    /// One request; `None` if there is none with this id.
    fn request(&self, id: RequestId) -> Answer<'_, Option<Request>, Unavailable>;

    /// Cancels what is left of a request and gives it as it stands then. What own takes still have in doubt stays
    /// reserved and may yet become a trade. Cancelling a cancelled request again is no error.
    fn cancel(&self, id: RequestId) -> Answer<'_, Request, CancelError>;

    /// The slots that are open now, earliest first.
    fn slots(&self) -> Answer<'_, Vec<SlotSummary>, Unavailable>;

    /// Both sides of a slot's book, best price first, at most `levels` a side; `None` unless the slot is open.
    fn depth(&self, slot: Slot, levels: usize) -> Answer<'_, Option<Depth>, Unavailable>;

    /// The household's trades, newest first; with `slot`, only those in it.
    fn trades(&self, slot: Option<Slot>, page: Page) -> Answer<'_, Listing<Trade>, ListError>;

    /// One trade; `None` if the household has none with this id.
    fn trade(&self, id: TradeId) -> Answer<'_, Option<Trade>, Unavailable>;

    /// Judges and stores meter readings. One verdict a row, in the order of the rows; no row costs another.
    fn push_readings(&self, rows: Vec<Reading>) -> Answer<'_, Vec<Verdict>, Unavailable>;

    /// Stored readings, newest instant first, quarantined ones included; with `meter`, only its own.
    fn readings(&self, meter: Option<MeterId>, page: Page) -> Answer<'_, Listing<StoredReading>, ListError>;

    /// How the node is.
    fn status(&self) -> Answer<'_, Status, Unavailable>;

    /// Every other member of the community, as this node sees it, by key.
    fn peers(&self) -> Answer<'_, Vec<Peer>, Unavailable>;

    /// The charter in force.
    fn charter(&self) -> Answer<'_, Charter, Unavailable>;

    /// Takes signed governance records, oldest first, puts them into force and passes them on to the other members;
    /// gives the charter in force then.
    ///
    /// Records that are held already are skipped. With an error, the records before the one that was refused are in
    /// force, and none after it.
    fn publish_charter(&self, records: Vec<Vec<u8>>) -> Answer<'_, Charter, PublishError>;

    /// The autopilot's settings.
    fn autopilot(&self) -> Answer<'_, Autopilot, Unavailable>;

    /// Replaces the autopilot's settings, durably.
    fn set_autopilot(&self, settings: Autopilot) -> Answer<'_, Autopilot, AutopilotError>;

    /// Every token that is not revoked, oldest first. Asked once, when the router is made.
    fn tokens(&self) -> Answer<'_, Vec<TokenRecord>, Unavailable>;

    /// Stores a token's hash and stamps it with the time.
    fn add_token(&self, token: NewToken) -> Answer<'_, TokenRecord, AddTokenError>;

    /// Forgets a token.
    fn revoke_token(&self, id: TokenId) -> Answer<'_, (), RevokeError>;

    /// 32 fresh bytes from the operating system's randomness.
    ///
    /// # Errors
    /// [`Unavailable`] if the system gives none.
    fn new_secret(&self) -> Result<[u8; 32], Unavailable>;

    /// Whether the node can serve now. From memory.
    fn readiness(&self) -> Readiness;
}

/// Why the household can't answer at all just now. Nothing was changed unless a variant says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Its queue is full.
    #[error("the node has more to do than it can hold; ask again in {} s", retry_after.as_secs())]
    Overloaded {
        /// How long to wait before the next try.
        retry_after: Duration,
    },
    /// It is shutting down.
    #[error("the node is stopping; ask again once it runs")]
    Stopping,
    /// Its store failed, a full disk included. Whether the change is durable is not known.
    #[error("the node's store failed ({0}); see its log, and free space if the disk is full")]
    Store(String),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness ({0})")]
    Randomness(String),
}
