//! Damaged stored bytes: what a start makes of them, and what the owner does then.
//!
//! As in the real node. Flipped bits, a file that is cut off or missing: the store's checksums find it, and it does not
//! open. An entry that is missing in the middle of a log: the household finds it, and does not start. The owner brings
//! back the newest copy, or begins with nothing but the charter file, and says so (`run --restored`). An old state of the
//! whole disk looks sound: only peers can tell, by entries or beacons that they hold. A message that shows a beacon may get
//! lost here, so an old state comes only where an entry is missing; `docs/threat-model.md` says what nobody can tell.

use wattswap_node::protocol::household::Household;
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::household::recovery::RecoveryError;
use wattswap_node::protocol::ids::{LogId, ProposalId};
use wattswap_node::protocol::limits::PEERS_TO_COMPARE;

use super::disk::Disk;
use super::options::Trouble;
use super::seals::MOST_LOGS;
use super::street::Street;
use super::troubles::{End, Later, OPERATOR, Troubles};

/// Peers that may lose what a rolled-back household has forgotten before it has compared its heads with theirs.
const MAY_FORGET_TOO: usize = 1;

/// What is wrong with a disk, so that nobody starts from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Checksums don't agree, or a file is missing: the store does not open.
    Bytes,
    /// This log lacks an entry before its last one.
    Entry(LogId),
}

impl Troubles {
    /// The owner makes a copy now, or does not, and something becomes of the disk later.
    pub(super) fn damage(&mut self, home: usize, street: &Street) -> Later {
        if self.stream(Trouble::Damage).chance(600) && street.is_sound(home) {
            self.copies.insert(home, street.disk(home).clone());
        }
        vec![(self.lasts(Trouble::Damage), End::Damage(home))]
    }

    /// It happens to the disk, while its household is down. Not to the one operator's, which would forget what it has
    /// signed.
    pub(super) fn strike(&mut self, home: usize, street: &mut Street) -> Later {
        let has_many_logs = street.disk(OPERATOR).logs_by(street.key(home)) > MOST_LOGS;
        if home == OPERATOR || has_many_logs || !street.is_sound(home) || street.disk(home).incarnation().is_none() {
            return Vec::new();
        }
        match self.stream(Trouble::Damage).below(5) {
            0 => street.damage_disk(home, Damage::Bytes),
            1 | 2 => {
                let Some((log, place)) = self.entry_to_lose(home, street) else { return Vec::new() };
                street.damage_disk(home, Damage::Entry(log));
                street.homes[home].disk.lose_entry(&log, place);
            }
            _ if self.would_be_noticed(home, street) => {
                let copy = self.copies[&home].clone();
                street.restore_disk(home, copy);
            }
            _ => return Vec::new(),
        }
        let repaired = self.lasts(Trouble::Damage);
        let asks = self.stream(Trouble::Damage).chance(500) && !self.copies.contains_key(&home);
        // Who has no copy is told to have its logs sealed, and may do so.
        let seal = asks.then(|| (repaired + self.lasts(Trouble::Damage), End::Seal(home)));
        std::iter::once((repaired, End::Repair(home))).chain(seal).collect()
    }

    /// One in the middle of a log, every other time of the household's own.
    fn entry_to_lose(&mut self, home: usize, street: &Street) -> Option<(LogId, usize)> {
        let logs: Vec<(LogId, usize)> = street.disk(home).logs_with_a_middle().collect();
        let random = self.stream(Trouble::Damage);
        let own = logs.iter().find(|(log, _)| log.author == street.key(home)).filter(|_| random.chance(500));
        let (log, entries) = match own {
            Some(own) => *own,
            None if logs.is_empty() => return None,
            None => *random.pick(&logs),
        };
        Some((log, random.index(entries - 1)))
    }

    /// What the owner does about a disk from which the node did not start.
    pub(super) fn repair(&mut self, home: usize, street: &mut Street) {
        if !street.is_sound(home) {
            let copy = self.copies.get(&home).cloned();
            street.restore_disk_openly(home, copy.unwrap_or_else(|| Disk::new(street.first_charter())));
        }
    }

    /// All owners do.
    pub(super) fn repair_all(&mut self, street: &mut Street) {
        (0..street.homes()).for_each(|home| self.repair(home, street));
    }

    /// Whether an old copy in a disk's place is noticed by comparing heads: an entry of the own log would be missing that
    /// all others hold but for fewer than are compared with. Without that a key would contradict itself, which is not
    /// defended against.
    fn would_be_noticed(&self, home: usize, street: &Street) -> bool {
        let (disk, Some(copy)) = (street.disk(home), self.copies.get(&home)) else { return false };
        let Some(log) = street.log(home).filter(|_| copy.incarnation() == disk.incarnation()) else { return false };
        let Some(lost) =
            disk.entries_by(log.author).find(|entry| entry.log == log && copy.entry(log, entry.seq).is_none())
        else {
            return false;
        };
        let holds = |disk: &Disk| disk.entry(log, lost.seq).is_some();
        let keeps = |other: &usize| {
            let copies = [self.backups.get(other), self.copies.get(other), Some(street.disk(*other))];
            street.is_honest(*other) && street.is_sound(*other) && copies.into_iter().flatten().all(holds)
        };
        let others = (0..street.homes()).filter(|other| *other != home);
        others.filter(|other| !keeps(other)).count() + MAY_FORGET_TOO < PEERS_TO_COMPARE
    }
}

impl Street {
    /// Replaces a disk, as a restored backup would.
    pub fn restore_disk(&mut self, home: usize, disk: Disk) {
        self.stop(home);
        let home = &mut self.homes[home];
        home.lost_takes.extend(home.disk.reservations().keys());
        home.lost_takes.retain(|id| !disk.reservations().contains_key(id));
        home.disk = disk;
        home.damage = None;
        home.restores += 1;
    }

    /// Whether a household has lost this take in doubt with a disk, so that it could not copy the trade.
    #[must_use]
    pub fn was_lost_with_disk(&self, home: usize, take: &ProposalId) -> bool {
        self.homes[home].lost_takes.contains(take)
    }

    /// The same, and its owner says so when it starts again: needed where those who know better may be away.
    pub fn restore_disk_openly(&mut self, home: usize, disk: Disk) {
        self.restore_disk(home, disk);
        self.homes[home].owner_says_restored = true;
    }

    /// Whether a household has ever lost what it had made durable.
    #[must_use]
    pub fn was_restored(&self, home: usize) -> bool {
        self.restores(home) > 0
    }

    /// How often it has.
    #[must_use]
    pub fn restores(&self, home: usize) -> u32 {
        self.homes[home].restores
    }

    /// Whether nothing is wrong with a disk that its owner has not seen to.
    pub(super) fn is_sound(&self, home: usize) -> bool {
        self.homes[home].damage.is_none()
    }

    fn damage_disk(&mut self, home: usize, damage: Damage) {
        self.stop(home);
        self.homes[home].damage = Some(damage);
    }

    /// Whether a start from this disk ends at its damage.
    ///
    /// # Panics
    /// If the household would start from a log that lacks an entry.
    pub(super) fn is_refused(&self, home: usize) -> bool {
        match self.homes[home].damage {
            None => false,
            Some(Damage::Bytes) => true,
            Some(Damage::Entry(log)) => {
                let records: Vec<Record> = self.homes[home].disk.records().collect();
                let wall = self.wall_clock(home);
                let start = Household::recover(self.signer(home), [0; 32], records, self.keep_logs, wall);
                let found = matches!(start, Err(RecoveryError::BrokenLog { author, .. }) if author == log.author);
                assert!(found, "home {home} starts although an entry of {} is missing", log.author);
                true
            }
        }
    }
}
