//! What readers see of the household: a picture that the loop replaces now and then, and that nobody waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use wattswap_matching::{Level, Slot, UtcMillis};

use crate::protocol::autopilot;
use crate::protocol::charter::Charter;
use crate::protocol::household::Household;
use crate::protocol::household::view::Status;
use crate::protocol::ids::{CharterId, CommunityId, Head, MemberKey};

/// Price levels of each side of a slot that readers can see.
pub const MAX_LEVELS: usize = 1_000;

/// The household at one moment.
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
    /// What the owner allows the autopilot.
    pub autopilot: autopilot::Settings,
    /// Every other member, by key.
    pub peers: Arc<BTreeMap<MemberKey, PeerView>>,
    /// Books that are not empty.
    pub slots: BTreeMap<Slot, Arc<SlotView>>,
}

/// Another member.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// The newest instant that it signed; none if it was never heard.
    pub last_word: Option<UtcMillis>,
    /// Where its newest log ends.
    pub head: Option<Head>,
    /// Whether a stream to it is open.
    pub is_connected: bool,
    /// Whether it was convicted of cheating.
    pub is_convicted: bool,
}

/// Both sides of a book, best price first.
#[derive(Clone, Debug)]
pub struct SlotView {
    /// Who wants energy.
    pub bids: Vec<Level>,
    /// Who offers energy.
    pub asks: Vec<Level>,
}

/// The newest snapshot.
pub struct Published(RwLock<Arc<Snapshot>>);

impl Published {
    /// Starts with the household as it is now.
    #[must_use]
    pub fn new(household: &mut Household, now: UtcMillis) -> Self {
        Self(RwLock::new(Arc::new(Snapshot::take(household, now, BTreeMap::new()))))
    }

    /// The newest snapshot.
    #[must_use]
    pub fn get(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the snapshot. Books that did not change are shared with the one before.
    pub fn update(&self, household: &mut Household, now: UtcMillis) {
        let slots = self.get().slots.clone();
        let snapshot = Arc::new(Snapshot::take(household, now, slots));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

impl Snapshot {
    fn take(household: &mut Household, now: UtcMillis, mut slots: BTreeMap<Slot, Arc<SlotView>>) -> Self {
        for slot in household.take_changed_slots() {
            let (bids, asks) = household.depth(slot, MAX_LEVELS);
            if bids.is_empty() && asks.is_empty() {
                slots.remove(&slot);
            } else {
                slots.insert(slot, Arc::new(SlotView { bids, asks }));
            }
        }
        let status = household.status();
        let (charter_id, charter) = household.charter();
        Self {
            at: now,
            community: household.chain().community(),
            charter: Arc::clone(charter),
            charter_id,
            height: household.chain().newest().record.height,
            autopilot: *household.autopilot(),
            peers: Arc::new(peers(household, charter, &status)),
            slots,
            status,
        }
    }
}

fn peers(household: &Household, charter: &Charter, status: &Status) -> BTreeMap<MemberKey, PeerView> {
    // A member's logs come in order, so the newest one stays.
    let heads: BTreeMap<MemberKey, Head> = household.heads().map(|head| (head.log.author, head)).collect();
    let others = charter.members.iter().map(|member| member.key).filter(|key| *key != status.me);
    let view = |key: MemberKey| PeerView {
        last_word: household.last_word(&key),
        head: heads.get(&key).copied(),
        is_connected: household.is_connected(&key),
        is_convicted: status.convicted.contains(&key),
    };
    others.map(|key| (key, view(key))).collect()
}
