//! What readers see of the household, published by the loop; nobody waits for it.
//!
//! Books are shown after each turn in which they changed, before anybody is told of that turn. The rest is a picture
//! that is taken now and then, since it costs a walk over all that is open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use wattswap_matching::{Level, PriceScale, Slot, UtcMillis, WattHours};

use crate::protocol::autopilot;
use crate::protocol::charter::Charter;
use crate::protocol::household::Household;
use crate::protocol::household::view::Status;
use crate::protocol::ids::{CharterId, CommunityId, Head, MemberKey};
use crate::protocol::message::Contradiction;

/// Price levels of each side of a slot that readers can see.
pub const MAX_LEVELS: usize = 1_000;

/// The household at one moment, all but its books.
#[derive(Clone)]
pub struct Snapshot {
    /// When it was taken.
    pub at: UtcMillis,
    /// How the household is.
    pub status: Status,
    /// The community.
    pub community: CommunityId,
    /// The charter in force.
    pub charter: Arc<Charter>,
    /// Its name.
    pub charter_id: CharterId,
    /// How many governance records came before the newest.
    pub height: u64,
    /// What a tick is worth under each charter that there has been.
    pub scales: BTreeMap<CharterId, PriceScale>,
    /// What the owner allows the autopilot.
    pub autopilot: autopilot::Settings,
    /// Every other member, and whoever was one and left a log, by key.
    pub peers: Arc<BTreeMap<MemberKey, PeerView>>,
}

/// Another member, or one that was.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// Whether the charter in force lists it.
    pub is_member: bool,
    /// The newest instant that it signed; none if it was never heard.
    pub last_word: Option<UtcMillis>,
    /// Where its logs end, oldest first.
    pub heads: Vec<Head>,
    /// Whether a stream to it is open.
    pub is_connected: bool,
    /// What it was convicted of.
    pub convicted_of: Option<Contradiction>,
}

/// Both sides of a book, best price first.
#[derive(Clone, Debug, Default)]
pub struct SlotView {
    /// Who wants energy; at most [`MAX_LEVELS`].
    pub bids: Vec<Level>,
    /// Who offers energy; at most [`MAX_LEVELS`].
    pub asks: Vec<Level>,
    /// All energy wanted, at whatever price.
    pub bid_total: WattHours,
    /// All energy offered, at whatever price.
    pub ask_total: WattHours,
}

/// What is published.
pub struct Published {
    snapshot: RwLock<Arc<Snapshot>>,
    /// Books that are not empty.
    books: RwLock<BTreeMap<Slot, Arc<SlotView>>>,
    failure: OnceLock<String>,
}

impl Published {
    /// Starts with the household as it is now.
    #[must_use]
    pub fn new(household: &mut Household, now: UtcMillis) -> Self {
        let snapshot = RwLock::new(Arc::new(Snapshot::take(household, now)));
        let this = Self { snapshot, books: RwLock::default(), failure: OnceLock::new() };
        // What came back from the store did not change, and is there all the same.
        this.show_all_books(household, now);
        this
    }

    /// The newest snapshot.
    #[must_use]
    pub fn get(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The book of a slot, as it is now.
    #[must_use]
    pub fn book(&self, slot: Slot) -> Arc<SlotView> {
        self.books.read().unwrap_or_else(PoisonError::into_inner).get(&slot).cloned().unwrap_or_default()
    }

    /// Why the loop can't go on; none as long as it does.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Shows the books that changed, and gives their slots.
    pub(super) fn show_books(&self, household: &mut Household) -> Vec<Slot> {
        let changed = household.take_changed_slots();
        self.show(household, &changed);
        changed
    }

    /// Shows the books of all open slots, and gives these. Under another charter they may be others, though none changed.
    pub(super) fn show_all_books(&self, household: &Household, now: UtcMillis) -> Vec<Slot> {
        let open: Vec<Slot> = household.charter().1.shape.open_slots(now).collect();
        self.show(household, &open);
        open
    }

    fn show(&self, household: &Household, slots: &[Slot]) {
        let views: Vec<SlotView> = slots.iter().map(|slot| SlotView::of(household, *slot)).collect();
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        for (slot, view) in slots.iter().zip(views) {
            if view.is_empty() {
                books.remove(slot);
            } else {
                books.insert(*slot, Arc::new(view));
            }
        }
    }

    /// Takes a new snapshot, and books of closed slots away. Gives the slots that opened or closed since the last one.
    pub(super) fn update(&self, household: &mut Household, now: UtcMillis) -> BTreeSet<Slot> {
        let (before, after) = (self.get(), Arc::new(Snapshot::take(household, now)));
        let shape = &after.charter.shape;
        self.books.write().unwrap_or_else(PoisonError::into_inner).retain(|slot, _| shape.is_open(*slot, now));
        let open = |snapshot: &Snapshot| snapshot.charter.shape.open_slots(snapshot.at).collect::<BTreeSet<Slot>>();
        let turned = open(&before).symmetric_difference(&open(&after)).copied().collect();
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = after;
        turned
    }

    pub(super) fn fail(&self, why: String) {
        // The first reason is the one that counts.
        let _ = self.failure.set(why);
    }
}

impl SlotView {
    fn of(household: &Household, slot: Slot) -> Self {
        let (mut bids, mut asks) = household.depth(slot, usize::MAX);
        let total = |side: &[Level]| side.iter().map(|level| level.quantity).sum();
        let (bid_total, ask_total) = (total(&bids), total(&asks));
        bids.truncate(MAX_LEVELS);
        asks.truncate(MAX_LEVELS);
        Self { bids, asks, bid_total, ask_total }
    }

    fn is_empty(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }
}

impl Snapshot {
    fn take(household: &mut Household, now: UtcMillis) -> Self {
        let status = household.status();
        let (charter_id, charter) = household.charter();
        let chain = household.chain();
        Self {
            at: now,
            community: chain.community(),
            charter: Arc::clone(charter),
            charter_id,
            height: chain.newest().record.height,
            scales: chain.charters().map(|(id, charter)| (id, charter.shape.price_scale())).collect(),
            autopilot: *household.autopilot(),
            peers: Arc::new(peers(household, charter, &status)),
            status,
        }
    }
}

fn peers(household: &Household, charter: &Charter, status: &Status) -> BTreeMap<MemberKey, PeerView> {
    let mut heads: BTreeMap<MemberKey, Vec<Head>> = BTreeMap::new();
    for head in household.heads() {
        heads.entry(head.log.author).or_default().push(head);
    }
    let mut others: BTreeSet<MemberKey> = heads.keys().copied().collect();
    others.extend(charter.members.iter().map(|member| member.key));
    others.remove(&status.me);
    let mut view = |key: MemberKey| PeerView {
        is_member: charter.member(&key).is_some(),
        last_word: household.last_word(&key),
        heads: heads.remove(&key).unwrap_or_default(),
        is_connected: household.is_connected(&key),
        convicted_of: household.convicted_of(&key),
    };
    others.into_iter().map(|key| (key, view(key))).collect()
}
