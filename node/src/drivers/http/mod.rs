//! The household as the HTTP face wants it: commands go through the loop, reads come from the store and the snapshot.
//!
//! Translates and nothing more; what is allowed is decided in the protocol, what a status code is in `api`.

mod convert;
mod live;
mod seats;
mod serve;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use wattswap_api::events::Events;
use wattswap_api::port::{
    self, AddTokenError, Answer, Autopilot, AutopilotError, CancelError, Charter, Check, Depth, Household, ListError,
    Listing, MeterId, NewToken, Page, Peer, PlaceError, PlacedOrder, Placement, PublishError, Readiness, Reading,
    Request, RequestFilter, RequestId, RevokeError, SlotSummary, Status, StoredReading, TokenId, TokenRecord, Trade,
    TradeId, Unavailable, Verdict,
};
use wattswap_matching::{Slot, UtcMillis};

pub use self::live::News;
pub use self::seats::MAX_CONNECTIONS;
pub use self::serve::{ServeError, Server};
use super::network::View;
use super::run::{Desk, NoAnswer};
use super::snapshot::{Published, Snapshot};
use super::store::{self, ReadError, Store};
use super::{clock, keys};
use crate::protocol::household::io::{self, Command, CommandError, Reply, Standing};
use crate::protocol::ids::ProposalId;

/// When to ask again if the loop has no room: a few turns later it has.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A running household, for the HTTP face.
pub struct LocalHousehold {
    desk: Desk,
    store: Arc<Store>,
    published: Arc<Published>,
    network: watch::Receiver<Arc<View>>,
    events: Arc<Events>,
    started_at: UtcMillis,
    stopping: AtomicBool,
}

impl LocalHousehold {
    /// The household behind this loop, store and network. What it does by itself it tells `events`.
    #[must_use]
    pub fn new(
        desk: Desk,
        store: Arc<Store>,
        published: Arc<Published>,
        network: watch::Receiver<Arc<View>>,
        events: Arc<Events>,
    ) -> Self {
        Self { desk, store, published, network, events, started_at: clock::now(), stopping: AtomicBool::new(false) }
    }

    /// From now on the node says that it is stopping.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.published.get()
    }

    /// Reads from the store away from the threads that serve sockets.
    async fn read<T: Send + 'static, E: From<Unavailable> + Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let store = Arc::clone(&self.store);
        let read = tokio::task::spawn_blocking(move || read(&store)).await;
        read.map_err(|_| Unavailable::Stopping)?
    }

    async fn command(&self, command: Command) -> Result<Result<Reply, CommandError>, Unavailable> {
        self.desk.command(command).await.map_err(|no_answer| match no_answer {
            NoAnswer::Full => Unavailable::Overloaded { retry_after: RETRY_AFTER },
            NoAnswer::Stopped => match self.published.failure() {
                Some(why) => Unavailable::Store(why.to_owned()),
                None => Unavailable::Stopping,
            },
        })
    }

    async fn place_orders(&self, placement: Placement) -> Result<Vec<PlacedOrder>, PlaceError> {
        let snapshot = self.snapshot();
        let wishes = convert::wishes(&placement.orders, &snapshot.charter).map_err(PlaceError::Refused)?;
        let key = placement.idempotency.map(|idempotency| Sha256::digest(idempotency.key).into());
        match self.command(Command::Place { wishes, key }).await? {
            Ok(Reply::Placed(requests)) => {
                Ok(requests.iter().map(|request| convert::placed(request, &snapshot.charter)).collect())
            }
            Ok(other) => unreachable!("a placement is answered by requests, not by {other:?}"),
            Err(refused) => Err(convert::place_error(refused, &placement.orders, &snapshot)),
        }
    }

    async fn cancel_request(&self, id: RequestId) -> Result<Request, CancelError> {
        match self.command(Command::Cancel(io::RequestId(id.0))).await? {
            Ok(Reply::Cancelled(request)) => Ok(convert::request(&request, &self.snapshot().charter)),
            Ok(other) => unreachable!("a cancel is answered by its request, not by {other:?}"),
            Err(CommandError::NotLive) => Err(CancelError::Ended),
            // The loop forgets requests a day after they ended; the store does not.
            Err(_) => {
                let stored = self.read(move |store| store.request(io::RequestId(id.0)).map_err(unavailable)).await?;
                Err(if stored.is_some() { CancelError::Ended } else { CancelError::Unknown })
            }
        }
    }

    async fn push(&self, readings: Vec<Reading>) -> Result<Vec<Verdict>, Unavailable> {
        let rows: Vec<_> = readings.iter().map(convert::row).collect();
        let verdicts: Vec<Verdict> = match self.command(Command::Readings(rows)).await? {
            Ok(Reply::Readings(verdicts)) => verdicts.into_iter().map(convert::verdict).collect(),
            other => unreachable!("readings are answered by verdicts, not by {other:?}"),
        };
        for pushed in convert::pushed(&readings, &verdicts) {
            self.events.publish(port::Event::Readings(pushed));
        }
        Ok(verdicts)
    }

    async fn change_autopilot(&self, settings: Autopilot) -> Result<Autopilot, AutopilotError> {
        let snapshot = self.snapshot();
        let wanted = convert::settings(&settings, &snapshot).map_err(AutopilotError::Refused)?;
        match self.command(Command::SetAutopilot(wanted)).await? {
            Ok(_) => Ok(settings),
            Err(_) => Err(AutopilotError::Refused(convert::out_of_band(&snapshot.charter))),
        }
    }

    async fn publish(&self, records: Vec<Vec<u8>>) -> Result<Charter, PublishError> {
        for (index, record) in records.into_iter().enumerate() {
            let taken = self.command(Command::Governance(record)).await?;
            taken.map_err(|refused| PublishError::Refused { index, reason: convert::record_refusal(refused) })?;
        }
        Ok(convert::charter(&self.snapshot()))
    }

    fn summaries(&self) -> Vec<SlotSummary> {
        let snapshot = self.snapshot();
        let slots = snapshot.charter.shape.open_slots(clock::now());
        slots.map(|slot| convert::summary(slot, &snapshot.charter, &self.published.book(slot))).collect()
    }

    fn depth_of(&self, slot: Slot, levels: usize) -> Option<Depth> {
        let snapshot = self.snapshot();
        let is_open = snapshot.charter.shape.is_open(slot, clock::now());
        is_open.then(|| convert::depth(slot, levels, &snapshot.charter, &self.published.book(slot)))
    }
}

impl Household for LocalHousehold {
    fn place(&self, placement: Placement) -> Answer<'_, Vec<PlacedOrder>, PlaceError> {
        self.place_orders(placement).boxed()
    }

    fn requests(&self, filter: RequestFilter, page: Page) -> Answer<'_, Listing<Request>, ListError> {
        async move {
            let charter = Arc::clone(&self.snapshot().charter);
            let wanted = store::Requests { slot: filter.slot, live: filter.open };
            self.read(move |store| {
                let listing = store.requests(wanted, page_of(&page)).map_err(list_error)?;
                Ok(convert::listing(listing, |request| convert::request(request, &charter)))
            })
            .await
        }
        .boxed()
    }

    fn request(&self, id: RequestId) -> Answer<'_, Option<Request>, Unavailable> {
        async move {
            let charter = Arc::clone(&self.snapshot().charter);
            let request = self.read(move |store| store.request(io::RequestId(id.0)).map_err(unavailable)).await?;
            Ok(request.map(|request| convert::request(&request, &charter)))
        }
        .boxed()
    }

    fn cancel(&self, id: RequestId) -> Answer<'_, Request, CancelError> {
        self.cancel_request(id).boxed()
    }

    fn slots(&self) -> Answer<'_, Vec<SlotSummary>, Unavailable> {
        futures::future::ready(Ok(self.summaries())).boxed()
    }

    fn depth(&self, slot: Slot, levels: usize) -> Answer<'_, Option<Depth>, Unavailable> {
        futures::future::ready(Ok(self.depth_of(slot, levels))).boxed()
    }

    fn trades(&self, slot: Option<Slot>, page: Page) -> Answer<'_, Listing<Trade>, ListError> {
        async move {
            let snapshot = self.snapshot();
            self.read(move |store| {
                let listing = store.trades(slot, page_of(&page)).map_err(list_error)?;
                Ok(convert::listing(listing, |trade| convert::trade(trade, &snapshot)))
            })
            .await
        }
        .boxed()
    }

    fn trade(&self, id: TradeId) -> Answer<'_, Option<Trade>, Unavailable> {
        async move {
            let snapshot = self.snapshot();
            let trade = self.read(move |store| store.trade(ProposalId(id.0)).map_err(unavailable)).await?;
            Ok(trade.map(|trade| convert::trade(&trade, &snapshot)))
        }
        .boxed()
    }

    fn push_readings(&self, rows: Vec<Reading>) -> Answer<'_, Vec<Verdict>, Unavailable> {
        self.push(rows).boxed()
    }

    fn readings(&self, meter: Option<MeterId>, page: Page) -> Answer<'_, Listing<StoredReading>, ListError> {
        async move {
            let meter = meter.map(|meter| convert::meter(&meter));
            self.read(move |store| {
                let listing = store.readings(meter.as_ref(), page_of(&page)).map_err(list_error)?;
                Ok(convert::listing(listing, convert::stored_reading))
            })
            .await
        }
        .boxed()
    }

    fn status(&self) -> Answer<'_, Status, Unavailable> {
        let network = self.network.borrow().clone();
        let stopping = self.stopping.load(Ordering::Relaxed);
        let status = convert::status(&self.snapshot(), &network, self.started_at, stopping);
        futures::future::ready(Ok(status)).boxed()
    }

    fn peers(&self) -> Answer<'_, Vec<Peer>, Unavailable> {
        let (snapshot, network) = (self.snapshot(), self.network.borrow().clone());
        let peers = snapshot.peers.keys().filter_map(|key| convert::peer(key, &snapshot, &network)).collect();
        futures::future::ready(Ok(peers)).boxed()
    }

    fn charter(&self) -> Answer<'_, Charter, Unavailable> {
        futures::future::ready(Ok(convert::charter(&self.snapshot()))).boxed()
    }

    fn publish_charter(&self, records: Vec<Vec<u8>>) -> Answer<'_, Charter, PublishError> {
        self.publish(records).boxed()
    }

    fn autopilot(&self) -> Answer<'_, Autopilot, Unavailable> {
        futures::future::ready(Ok(convert::autopilot(&self.snapshot()))).boxed()
    }

    fn set_autopilot(&self, settings: Autopilot) -> Answer<'_, Autopilot, AutopilotError> {
        self.change_autopilot(settings).boxed()
    }

    fn tokens(&self) -> Answer<'_, Vec<TokenRecord>, Unavailable> {
        self.read(|store| Ok(store.tokens().map_err(unavailable)?.into_iter().map(convert::token_record).collect()))
            .boxed()
    }

    fn add_token(&self, token: NewToken) -> Answer<'_, TokenRecord, AddTokenError> {
        async move {
            let stored = convert::token(&token, clock::now());
            let record = TokenRecord { token, created_at: stored.created_at };
            self.read(move |store| store.add_token(&stored).map_err(convert::add_token_error)).await?;
            Ok(record)
        }
        .boxed()
    }

    fn revoke_token(&self, id: TokenId) -> Answer<'_, (), RevokeError> {
        async move {
            let failed = |error: store::TokenError| RevokeError::Unavailable(Unavailable::Store(error.to_string()));
            let was_there = self.read(move |store| store.revoke_token(id.0).map_err(failed)).await?;
            if was_there { Ok(()) } else { Err(RevokeError::Unknown) }
        }
        .boxed()
    }

    fn new_secret(&self) -> Result<[u8; 32], Unavailable> {
        keys::random().map_err(|none| Unavailable::Randomness(none.to_string()))
    }

    fn readiness(&self) -> Readiness {
        let check = |problem: Option<String>| problem.map_or(Check::Passed, Check::Failed);
        let standing = self.snapshot().status.standing;
        let stopping = self.stopping.load(Ordering::Relaxed);
        Readiness {
            store: check(match self.published.failure() {
                Some(why) => Some(why.to_owned()),
                None => stopping.then(|| "the node is stopping".to_owned()),
            }),
            compared: check(match standing {
                Standing::Comparing { missing } => Some(format!(
                    "not yet compared with {missing} more neighbours; orders are kept and wait until then"
                )),
                Standing::Restoring { .. } => Some(
                    "the store lacks what this household once signed, as after a restored backup; its open orders were \
                     cancelled, and it trades on in a new log soon"
                        .to_owned(),
                ),
                Standing::Alone => Some("no other member is heard; orders are kept and wait until then".to_owned()),
                Standing::NotAMember => Some("this household is not a member under the charter in force".to_owned()),
                Standing::Convicted => Some("this household's key was convicted of cheating".to_owned()),
                Standing::Trading | Standing::ClockAhead { .. } | Standing::LogAhead { .. } => None,
            }),
            clock: check(match standing {
                Standing::ClockAhead { millis } => Some(format!(
                    "the clock is {millis} ms ahead of the neighbours'; set it right, nothing is signed until then"
                )),
                Standing::LogAhead { until } => Some(format!(
                    "the clock was ahead when this household signed last, or is behind now: if so, set it right; or as much \
                     was signed as may be in an hour; nothing is signed before {}",
                    until.0
                )),
                _ => None,
            }),
        }
    }
}

fn page_of(page: &Page) -> store::Page<'_> {
    store::Page { after: page.after.as_ref().map(|position| position.0.as_slice()), limit: page.limit }
}

fn unavailable(error: ReadError) -> Unavailable {
    Unavailable::Store(error.to_string())
}

fn list_error(error: store::ListError) -> ListError {
    match error {
        store::ListError::BadPosition => ListError::BadPosition,
        store::ListError::Read(error) => ListError::Unavailable(unavailable(error)),
    }
}
