//! What goes wrong on a street, and what its operator changes: each kind from a stream of its own, so that leaving one
//! out changes nothing of the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::{Price, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::charter::{Act, Charter};
use wattswap_node::protocol::household::io::Command;

use super::disk::Disk;
use super::founding;
use super::home::{Crash, USUAL_INBOX};
use super::options::{Options, Trouble};
use super::random::Random;
use super::street::Street;

/// The household whose people may change the charter. It stays a member.
pub const OPERATOR: usize = 0;
/// Members that stay: fewer could not compare their stores with three others.
const FEWEST_MEMBERS: usize = 4;
/// Outputs after which a crash may come where it is not drawn as a part of them: more than most turns have.
const MOST_OUTPUTS: u64 = 12;

/// What ends a trouble.
#[derive(Clone, Debug)]
pub enum End {
    /// These directions reach again.
    Reach(Vec<(usize, usize)>),
    /// These directions are cut once more: a link that flaps.
    Cut(Vec<(usize, usize)>),
    /// The household is switched on.
    Start(usize),
    /// Its clock is set right.
    SetRight(usize),
    /// Its disk is fast and its queue long again.
    Pace(usize),
    /// The operator ends its logs, see `seals.rs`.
    Seal(usize),
    /// Its disk is damaged, see `damage.rs`.
    Damage(usize),
    /// Its owner sees to that.
    Repair(usize),
}

/// Where troubles draw from.
pub struct Troubles {
    streams: BTreeMap<Trouble, Random>,
    options: Options,
    /// Copies of disks that may turn up again.
    pub(super) backups: BTreeMap<usize, Disk>,
    /// Copies of disks for the case of damage.
    pub(super) copies: BTreeMap<usize, Disk>,
}

/// What follows from a trouble, and when.
pub type Later = Vec<(Duration, End)>;

impl Troubles {
    /// All kinds that the options name.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let stream = |trouble: &Trouble| Random::new(options.seed.wrapping_mul(31) ^ (0xbad << 32) ^ *trouble as u64);
        let streams = options.troubles.keys().map(|trouble| (*trouble, stream(trouble))).collect();
        Self { streams, options: options.clone(), backups: BTreeMap::new(), copies: BTreeMap::new() }
    }

    /// How long until the next trouble of this kind.
    pub fn pause(&mut self, trouble: Trouble) -> Duration {
        let mean = self.options.troubles.get(&trouble).map_or(0, Duration::as_millis);
        let mean = u64::try_from(mean).expect("troubles come within hours");
        Duration::from_millis(1 + self.stream(trouble).below(2 * mean))
    }

    /// It happens.
    pub fn happen(&mut self, trouble: Trouble, street: &mut Street) -> Later {
        let home = self.stream(trouble).index(street.homes());
        let lasts = self.lasts(trouble);
        match trouble {
            Trouble::Partition => self.partition(street, lasts),
            Trouble::OneWay => {
                let cut = vec![(home, self.other(trouble, home))];
                cut.iter().for_each(|(from, to)| street.cut(*from, *to));
                vec![(lasts, End::Reach(cut))]
            }
            Trouble::Flapping => self.flap(home),
            Trouble::Clog => {
                let until = street.now.after(lasts);
                (0..street.homes()).for_each(|to| street.clog(home, to, until));
                Vec::new()
            }
            Trouble::Crash => {
                let crash = self.crash();
                street.crash_at(home, crash);
                vec![(lasts / 4, End::Start(home))]
            }
            Trouble::Away => {
                let was_running = street.is_running(home);
                street.stop(home);
                if was_running { vec![(lasts * 3, End::Start(home))] } else { Vec::new() }
            }
            Trouble::ClockJump => self.jump(home, street, lasts),
            Trouble::SlowDisk => {
                let slow = u64::try_from(self.options.slowest_write.as_millis()).expect("seconds");
                street.set_pace(home, slow, USUAL_INBOX);
                vec![(lasts, End::Pace(home))]
            }
            Trouble::FullQueue => {
                let slow = u64::try_from(self.options.slowest_write.as_millis()).expect("seconds");
                street.set_pace(home, slow, self.options.smallest_inbox);
                vec![(lasts, End::Pace(home))]
            }
            Trouble::Join => join(home, street),
            Trouble::Leave => leave(home, street),
            Trouble::Charter => self.change_charter(home, street),
            Trouble::Restore => self.restore(home, street),
            Trouble::Seal => self.seal(home, street),
            Trouble::Damage => self.damage(home, street),
            // People do that.
            Trouble::Burst => Vec::new(),
        }
    }

    /// A trouble ends, or goes on in another way.
    pub fn end(&mut self, end: End, street: &mut Street) -> Later {
        match end {
            End::Reach(links) => links.into_iter().for_each(|(from, to)| street.mend(from, to)),
            End::Cut(links) => links.into_iter().for_each(|(from, to)| street.cut(from, to)),
            End::Start(home) => street.switch_on(home),
            End::SetRight(home) => self.set_right(home, street),
            End::Pace(home) => street.set_pace(home, 0, USUAL_INBOX),
            End::Seal(home) => street.seal_logs(home),
            End::Damage(home) => return self.strike(home, street),
            End::Repair(home) => {
                // The start says what is wrong.
                street.switch_on(home);
                self.repair(home, street);
                street.switch_on(home);
            }
        }
        Vec::new()
    }

    /// A household of this street, drawn for a burst.
    pub fn who(&mut self, trouble: Trouble, homes: usize) -> usize {
        self.stream(trouble).index(homes)
    }

    /// Every clock is off by a constant and drifts, from the start.
    pub fn set_clocks(&mut self, street: &mut Street) {
        let mut random = Random::new(self.options.seed ^ 0xc10c);
        let off = i64::try_from(self.options.clock_offset.as_millis()).expect("seconds");
        let ppm = i64::try_from(self.options.clock_drift_ppm).expect("hundreds");
        for home in 0..street.homes() {
            let draw = |random: &mut Random, most: i64| {
                i64::try_from(random.below(2 * most.unsigned_abs() + 1)).expect("it is small") - most
            };
            let (jump, drift) = (draw(&mut random, off), draw(&mut random, ppm));
            street.set_clock(home, |clock, now| {
                clock.jump(now, jump);
                clock.drift(now, drift);
            });
        }
    }

    pub(super) fn stream(&mut self, trouble: Trouble) -> &mut Random {
        self.streams.get_mut(&trouble).expect("only troubles that have a stream come")
    }

    pub(super) fn lasts(&mut self, trouble: Trouble) -> Duration {
        let most = u64::try_from(self.options.longest_trouble.as_millis()).expect("minutes");
        Duration::from_millis(self.stream(trouble).below(most))
    }

    fn other(&mut self, trouble: Trouble, home: usize) -> usize {
        let homes = self.options.homes;
        (home + 1 + self.stream(trouble).index(homes - 1)) % homes
    }

    fn partition(&mut self, street: &mut Street, lasts: Duration) -> Later {
        let random = self.stream(Trouble::Partition);
        let sides: Vec<bool> = (0..street.homes()).map(|_| random.chance(500)).collect();
        let homes = street.homes();
        let pairs = (0..homes).flat_map(|from| (0..homes).map(move |to| (from, to)));
        let cut: Vec<_> = pairs.filter(|(from, to)| sides[*from] != sides[*to]).collect();
        cut.iter().for_each(|(from, to)| street.cut(*from, *to));
        vec![(lasts, End::Reach(cut))]
    }

    fn flap(&mut self, home: usize) -> Later {
        let other = self.other(Trouble::Flapping, home);
        let link = vec![(home, other), (other, home)];
        let mut at = Duration::ZERO;
        let mut later = Vec::new();
        for _ in 0..self.stream(Trouble::Flapping).between(2, 10) {
            for end in [End::Cut(link.clone()), End::Reach(link.clone())] {
                later.push((at, end));
                at += Duration::from_millis(self.stream(Trouble::Flapping).below(2_000));
            }
        }
        later
    }

    fn crash(&mut self) -> Crash {
        let random = self.stream(Trouble::Crash);
        match random.below(4) {
            0 => Crash::BeforePersist,
            1 => Crash::AfterPersist,
            2 => Crash::AfterPart(u16::try_from(random.below(1_000)).expect("thousandths")),
            _ => Crash::AfterOutputs(usize::try_from(random.below(MOST_OUTPUTS)).expect("a dozen")),
        }
    }

    fn jump(&mut self, home: usize, street: &mut Street, lasts: Duration) -> Later {
        let most = u64::try_from(self.options.longest_jump.as_millis()).expect("minutes");
        let random = self.stream(Trouble::ClockJump);
        let millis = i64::try_from(random.below(most)).expect("minutes");
        let millis = if random.chance(500) { millis } else { -millis };
        street.set_clock(home, |clock, now| clock.jump(now, millis));
        vec![(lasts, End::SetRight(home))]
    }

    fn set_right(&mut self, home: usize, street: &mut Street) {
        let right: UtcMillis = street.now;
        street.set_clock(home, |clock, now| {
            let off = i64::try_from(right.0).unwrap_or(0) - i64::try_from(clock.shows(now).0).unwrap_or(0);
            clock.jump(now, off);
        });
    }

    fn change_charter(&mut self, home: usize, street: &mut Street) -> Later {
        let random = self.stream(Trouble::Charter);
        let (what, watts) = (random.below(6), u32::try_from(random.between(2_000, 30_000)).expect("thousands"));
        let (price, fill) = (i32::try_from(random.below(20)).expect("a few"), random.between(1, 50));
        let key = street.key(home);
        street.amend(|charter| match what {
            0 => charter.shape.smallest_fill = WattHours(i64::try_from(fill).expect("dozens")),
            1 => charter.shape.cap = Price(1_030 + price),
            2 => charter.shape.floor = Price(990 + price),
            3 => charter.proposal_lifetime += Duration::from_millis(500),
            4 => {
                charter.shape.fees = if charter.shape.fees.is_empty() { vec![founding::grid_fee()] } else { Vec::new() }
            }
            _ => {
                for member in charter.members.iter_mut().filter(|member| member.key == key) {
                    (member.import, member.export) = (Watts(watts), Watts(watts));
                }
            }
        });
        Vec::new()
    }

    /// Takes a copy of the disk, or puts the copy that was taken last in its place; the disk that was replaced may turn up
    /// again in the same way. Not of the one operator: who forgets a charter that it signed, and signs another in its
    /// place, splits the community, which is not defended against.
    fn restore(&mut self, home: usize, street: &mut Street) -> Later {
        if home == OPERATOR {
            return Vec::new();
        }
        match self.backups.remove(&home) {
            Some(backup) => {
                if street.is_sound(home) && self.stream(Trouble::Restore).chance(500) {
                    self.backups.insert(home, street.disk(home).clone());
                }
                street.restore_disk_openly(home, backup);
                vec![(self.lasts(Trouble::Restore), End::Start(home))]
            }
            None if street.is_sound(home) => {
                self.backups.insert(home, street.disk(home).clone());
                Vec::new()
            }
            None => Vec::new(),
        }
    }
}

fn join(home: usize, street: &mut Street) -> Later {
    let key = street.key(home);
    street.amend(|charter| {
        if charter.member(&key).is_none() {
            charter.members.extend(founding::members([key].into_iter()));
            charter.members.sort_by_key(|member| member.key);
        }
    });
    // It may start before anybody else has heard that it is a member.
    vec![(Duration::from_millis(10), End::Start(home))]
}

pub(super) fn leave(home: usize, street: &mut Street) -> Later {
    let key = street.key(home);
    street.amend(|charter| {
        if home != OPERATOR && charter.members.len() > FEWEST_MEMBERS {
            charter.members.retain(|member| member.key != key);
        }
    });
    Vec::new()
}

impl Street {
    /// Starts a household that does not run; one that runs is not going to crash any more.
    pub fn switch_on(&mut self, home: usize) {
        self.homes[home].crash = None;
        self.start(home);
    }

    /// The operator changes the charter, if its household runs and the change is one.
    pub fn amend(&mut self, change: impl FnOnce(&mut Charter)) {
        let Some(household) = self.household(OPERATOR) else { return };
        let before = household.charter().1.clone();
        let mut charter = Charter::clone(&before);
        change(&mut charter);
        if charter != *before && charter.check().is_ok() {
            self.sign_record(Act::Charter(Arc::new(charter)));
        }
    }

    /// The operator signs the next record of the chain, and gives it to its household, if that runs.
    pub fn sign_record(&mut self, act: Act) {
        let at = self.wall_clock(OPERATOR);
        let operator = self.homes[OPERATOR].key.clone();
        let Some(household) = self.household(OPERATOR) else { return };
        let record = founding::sign(Some(household.chain().newest()), act, at, &operator);
        self.ask(OPERATOR, Command::Governance(record.bytes.to_vec()));
    }
}
