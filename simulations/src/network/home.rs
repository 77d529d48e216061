//! One household of a street: its process, its disk, its wall clock, and the inputs that wait for it.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::Household;
use wattswap_node::protocol::household::io::{Command, Halt, Input, Output, Record, Ticket};
use wattswap_node::protocol::ids::{MemberKey, ProposalId};
use wattswap_node::protocol::message::Bytes;

use super::adversaries::Adversary;
use super::clock::Clock;
use super::damage::Damage;
use super::disk::Disk;
use super::founding::Key;
use super::queue::Place;
use super::trace::fingerprint;
use super::traffic::Cargo;

/// Inputs that wait for a household that writes, unless a fault lowers it: as many as the real node's door holds.
pub const USUAL_INBOX: usize = 1_024;
/// Gossip that a household remembers as seen, as libp2p remembers a minute or two. Far more than are on their
/// way at a time: what is forgotten while it still goes round would go round for ever.
const SEEN: usize = 4_096;

/// Where in a turn a household crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nothing of the turn is durable, nothing was sent.
    BeforePersist,
    /// All is durable, nothing was sent.
    AfterPersist,
    /// All is durable, and this many outputs were carried out.
    AfterOutputs(usize),
    /// After such a part of the outputs, in thousandths: turns may have thousands.
    AfterPart(u16),
}

/// Bytes on their way, with their fingerprint.
#[derive(Clone)]
pub(super) struct Parcel {
    pub bytes: Arc<[u8]>,
    pub print: u64,
    pub cargo: Cargo,
}

impl Parcel {
    pub fn new(bytes: Vec<u8>, cargo: Cargo) -> Self {
        Self { print: fingerprint(&bytes), bytes: bytes.into(), cargo }
    }
}

/// What comes in at a household's door. Most of it is on its way from others, millions at a time on a large street: what is
/// rare takes no room there.
pub(super) enum Incoming {
    Gossip { from: usize, parcel: Parcel },
    Message { from: usize, parcel: Parcel },
    Loaded { ticket: Ticket, entries: Vec<Bytes> },
    Command { ticket: Ticket, command: Box<Command> },
    Other(Box<Input>),
}

impl Incoming {
    pub fn other(input: Input) -> Self {
        Self::Other(Box::new(input))
    }

    /// Whether it may get lost: the contract in `household::io` says that messages and gossip may, the rest not.
    pub fn may_be_lost(&self) -> bool {
        matches!(self, Self::Gossip { .. } | Self::Message { .. })
    }
}

/// A turn that is being made durable.
pub(super) struct Pending {
    pub records: Vec<Record>,
    pub outputs: Vec<Output>,
    pub crash: Option<Crash>,
}

pub(super) struct Home {
    pub key: Key,
    pub me: MemberKey,
    pub household: Option<Household>,
    /// Counts its starts and stops: what was on its way to an earlier process is lost.
    pub life: u32,
    pub disk: Disk,
    pub clock: Clock,
    /// Where its next turn crashes.
    pub crash: Option<Crash>,
    /// How often its disk was replaced by an older one.
    pub restores: u32,
    /// Until its household has begun a new log.
    pub owner_says_restored: bool,
    /// What is wrong with its disk: it can't start until its owner has seen to that.
    pub damage: Option<Damage>,
    /// Takes that were in doubt on a disk that is gone, and of which the present one knows nothing.
    pub lost_takes: BTreeSet<ProposalId>,
    pub halted: Option<Halt>,
    /// It cheats, or did.
    pub is_cheat: bool,
    /// Stands between the household and the street.
    pub adversary: Option<Adversary>,
    /// Whom it lets in; by number.
    pub admits: Vec<bool>,
    /// Writing a turn takes up to this many milliseconds.
    pub slow_disk: u64,
    pub writing: Option<Pending>,
    pub inbox: VecDeque<Incoming>,
    /// Inputs that may wait.
    pub room: usize,
    /// Gossip of the turn under way, until it is judged.
    pub judging: Vec<(Ticket, usize, Parcel)>,
    pub seen: Seen,
    /// When it is woken next.
    pub alarm: Option<Place>,
    /// When it was woken last, and how often at that instant.
    pub woken_at: UtcMillis,
    pub wakes_at_once: u32,
    /// The latest time that this process has been told.
    pub latest: UtcMillis,
}

impl Home {
    pub fn new(key: Key, me: MemberKey, disk: Disk, homes: usize) -> Self {
        Self {
            key,
            me,
            household: None,
            life: 0,
            disk,
            clock: Clock::right(),
            crash: None,
            restores: 0,
            owner_says_restored: false,
            damage: None,
            lost_takes: BTreeSet::new(),
            halted: None,
            is_cheat: false,
            adversary: None,
            admits: vec![false; homes],
            slow_disk: 0,
            writing: None,
            inbox: VecDeque::new(),
            room: USUAL_INBOX,
            judging: Vec::new(),
            seen: Seen::default(),
            alarm: None,
            woken_at: UtcMillis(0),
            wakes_at_once: 0,
            latest: UtcMillis(0),
        }
    }

    pub fn is_running(&self) -> bool {
        self.household.is_some()
    }

    /// The process is gone, with all that was in memory.
    pub fn lose_process(&mut self) {
        self.household = None;
        self.life += 1;
        self.writing = None;
        self.inbox.clear();
        self.judging.clear();
        self.seen = Seen::default();
        self.latest = UtcMillis(0);
    }
}

/// Fingerprints of gossip that came lately; the oldest go first.
#[derive(Default)]
pub(super) struct Seen {
    /// Never iterated: its order is random.
    known: HashSet<u64>,
    in_order: VecDeque<u64>,
}

impl Seen {
    /// Notes it; false if it was there already.
    pub fn insert(&mut self, print: u64) -> bool {
        if !self.known.insert(print) {
            return false;
        }
        self.in_order.push_back(print);
        if self.in_order.len() > SEEN
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
