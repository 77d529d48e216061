//! All that a seed decides about a run: how large it is, how bad the network, how often what goes wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use super::adversaries::{KINDS, Kind};
use super::random::Random;

/// Something that goes wrong, or that people change, again and again at random times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Two groups that don't reach each other for a while.
    Partition,
    /// One household's words don't reach another one for a while, though it hears the other.
    OneWay,
    /// A link that comes and goes every second or so.
    Flapping,
    /// What a household sends waits for a while, and then comes all at once.
    Clog,
    /// A crash at any output boundary of the next turn, with the turn's write done or lost, and a restart.
    Crash,
    /// A household that is switched off, for longer than a crash takes.
    Away,
    /// A wall clock that is set to a wrong time, and set right later.
    ClockJump,
    /// A disk that takes long for every write.
    SlowDisk,
    /// A household that drops what comes while it writes, but for a few messages.
    FullQueue,
    /// Somebody joins, or comes back.
    Join,
    /// Somebody leaves, or is expelled: a charter without it. It goes on running.
    Leave,
    /// A charter with other rules.
    Charter,
    /// Somebody places dozens of orders at once.
    Burst,
    /// A disk is replaced by an old copy of itself.
    Restore,
    /// The operator ends the logs of a member that left, that has to go, or that keeps silent and may turn up again.
    Seal,
    /// Bytes on a disk are damaged while its household is down, or an old state of the disk comes back unnoticed.
    Damage,
}

/// Each trouble with its name in commands.
pub const TROUBLES: [(&str, Trouble); 16] = [
    ("partition", Trouble::Partition),
    ("one-way", Trouble::OneWay),
    ("flapping", Trouble::Flapping),
    ("clog", Trouble::Clog),
    ("crash", Trouble::Crash),
    ("away", Trouble::Away),
    ("clock-jump", Trouble::ClockJump),
    ("slow-disk", Trouble::SlowDisk),
    ("full-queue", Trouble::FullQueue),
    ("join", Trouble::Join),
    ("leave", Trouble::Leave),
    ("charter", Trouble::Charter),
    ("burst", Trouble::Burst),
    ("restore", Trouble::Restore),
    ("seal", Trouble::Seal),
    ("damage", Trouble::Damage),
];

/// What goes wrong all the time, with its name in commands, and how to be without it.
const ALWAYS: [(&str, fn(&mut Options)); 6] = [
    ("loss", |options| options.loss = 0),
    ("repeat", |options| options.repeat = 0),
    ("overtaking", |options| options.shortest_delay = options.longest_delay),
    ("clock-offset", |options| options.clock_offset = Duration::ZERO),
    ("clock-drift", |options| options.clock_drift_ppm = 0),
    ("autopilot", |options| options.autopilots = 0),
];

/// A run, but for what people and troubles draw while it goes on. Chances are in a thousand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Decides everything else, and all that happens.
    pub seed: u64,
    /// Households, five or more.
    pub homes: usize,
    /// How many of them are no members at first, and may join.
    pub joining: usize,
    /// For how long people trade and things go wrong.
    pub lasts: Duration,

    /// Length of a slot on the clock; it stands for 15 minutes of delivery.
    pub slot_length: Duration,
    /// How long before delivery a slot opens.
    pub opening: Duration,
    /// When the gate closes after delivery; negative: before it ends.
    pub gate_millis: i64,
    /// Whether buyers pay a grid fee.
    pub fees: bool,
    /// How far clocks may be apart.
    pub clock_skew: Duration,
    /// For how long a proposal can be accepted.
    pub proposal_lifetime: Duration,

    /// Shortest time of a message on its way.
    pub shortest_delay: Duration,
    /// Longest time; the more it differs from the shortest, the more overtake each other.
    pub longest_delay: Duration,
    /// A message is lost.
    pub loss: u64,
    /// A message comes twice.
    pub repeat: u64,
    /// Until a broken connection is noticed.
    pub notice_after: Duration,

    /// Wall clocks are off by up to so much from the start.
    pub clock_offset: Duration,
    /// Wall clocks gain or lose up to so much.
    pub clock_drift_ppm: u64,
    /// The farthest that a clock jumps.
    pub longest_jump: Duration,

    /// Mean time between troubles of each kind, all households together; those that are missing never come.
    pub troubles: BTreeMap<Trouble, Duration>,
    /// For how long a partition, a clog or a slow disk lasts at most. Who is away stays so three times as long.
    pub longest_trouble: Duration,
    /// A write on a slow disk takes up to so long.
    pub slowest_write: Duration,
    /// Inputs that wait at a full queue.
    pub smallest_inbox: usize,

    /// Mean time between two things that a household's people do.
    pub act_every: Duration,
    /// Households whose meters are read and whose autopilot trades.
    pub autopilots: usize,

    /// Members that cheat: the last ones of the street, one of each kind named here.
    pub cheats: Vec<Kind>,
}

/// There is no such fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault(pub String);

impl std::fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = Options::fault_names().collect();
        write!(f, "there is no fault {:?}; there are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownFault {}

impl Options {
    /// What this seed decides. Most seeds have most faults, at rates that differ by a factor of ten or more; some have
    /// hardly any, since a bug may need one fault and a calm street.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let small = random.between(5, 8);
        let homes = if is_large(seed) { Random::new(seed ^ 0x1_a29e).between(12, 40) } else { small };
        let joining = random.below(3);
        let slot_length = Duration::from_secs(*random.pick(&[20, 30, 60]));
        let slot_millis = i64::try_from(slot_length.as_millis()).expect("a minute at the most");
        let clock_skew = Duration::from_millis(*random.pick(&[500, 1_000, 2_000, 5_000]));
        let longest_delay = Duration::from_millis(*random.pick(&[5, 20, 50, 200, 800, 2_000]));
        // Clocks are compared by words that took their time: a community allows for that.
        let clock_skew = clock_skew.max(longest_delay);
        let bad_network = random.chance(700);
        Self {
            seed,
            homes: usize::try_from(homes + joining).expect("42 at the most"),
            joining: usize::try_from(joining).expect("two at the most"),
            lasts: Duration::from_secs(600),
            slot_length,
            opening: slot_length * u32::try_from(random.between(1, 4)).expect("four at the most"),
            // Before delivery begins, at its end, or after it.
            gate_millis: *random.pick(&[
                -slot_millis,
                -slot_millis / 2,
                0,
                slot_millis / 2,
                slot_millis,
                2 * slot_millis,
            ]),
            fees: random.chance(300),
            clock_skew,
            proposal_lifetime: clock_skew * 2 + longest_delay * 2 + Duration::from_millis(random.below(5_000)),
            shortest_delay: if random.chance(200) { longest_delay } else { Duration::from_millis(1) },
            longest_delay,
            loss: if bad_network { *random.pick(&[1, 10, 50, 200]) } else { 0 },
            repeat: if bad_network { *random.pick(&[0, 10, 100]) } else { 0 },
            notice_after: Duration::from_millis(*random.pick(&[0, 1_000, 10_000])),
            clock_offset: clock_skew * u32::try_from(random.below(3)).expect("two at the most") / 4,
            clock_drift_ppm: *random.pick(&[0, 50, 500]),
            longest_jump: Duration::from_millis(*random.pick(&[1_000, 10_000, 60_000])),
            troubles: drawn_troubles(seed, &mut random),
            longest_trouble: Duration::from_secs(*random.pick(&[2, 10, 40])),
            slowest_write: Duration::from_millis(*random.pick(&[20, 200, 3_000])),
            smallest_inbox: usize::try_from(random.below(8)).expect("seven at the most"),
            // On a large street each does less, so that all together do about as much as on a small one.
            act_every: Duration::from_millis(*random.pick(&[1_000, 2_000, 5_000]) * (homes / small)),
            autopilots: usize::try_from(random.below(4)).expect("three at the most"),
            cheats: Vec::new(),
        }
    }

    /// The same, with one member that cheats, or two that do.
    #[must_use]
    pub fn drawn_with_cheats(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0xc4ea7);
        let cheats = if random.chance(300) { 2 } else { 1 };
        let cheats = (0..cheats).map(|_| random.pick(&KINDS).1).collect();
        Self { cheats, ..Self::drawn(seed) }
    }

    /// The names of all faults that can be left out.
    pub fn fault_names() -> impl Iterator<Item = &'static str> {
        ALWAYS.iter().map(|(name, _)| *name).chain(TROUBLES.iter().map(|(name, _)| *name))
    }

    /// Leaves a fault out. All other draws stay as they are.
    ///
    /// # Errors
    /// [`UnknownFault`].
    pub fn leave_out(&mut self, name: &str) -> Result<(), UnknownFault> {
        if let Some((_, calm)) = ALWAYS.iter().find(|(known, _)| *known == name) {
            calm(self);
        } else if let Some((_, trouble)) = TROUBLES.iter().find(|(known, _)| *known == name) {
            self.troubles.remove(trouble);
        } else {
            return Err(UnknownFault(name.to_owned()));
        }
        Ok(())
    }
}

/// One seed in sixteen has a large street, by a stream of its own.
fn is_large(seed: u64) -> bool {
    Random::new(seed ^ 0x5_7ee7).below(16) == 0
}

/// Each kind at a rate of its own, and some not at all.
fn drawn_troubles(seed: u64, random: &mut Random) -> BTreeMap<Trouble, Duration> {
    let share = *random.pick(&[150, 500, 850]);
    let mut troubles = BTreeMap::new();
    for (_, trouble) in TROUBLES {
        let mut own = Random::new(seed ^ (0x5ea1 << 32) ^ trouble as u64);
        let random = if is_from_own_stream(trouble) { &mut own } else { &mut *random };
        let seconds = match trouble {
            Trouble::Join | Trouble::Leave | Trouble::Charter => random.between(60, 400),
            Trouble::Restore | Trouble::Seal | Trouble::Damage => random.between(60, 400),
            _ => *random.pick(&[5, 15, 60, 200]),
        };
        let comes = random.chance(share);
        if comes {
            troubles.insert(trouble, Duration::from_secs(seconds));
        }
    }
    troubles
}

/// Kinds that came later draw from streams of their own, so that nothing else of a seed changed with them.
fn is_from_own_stream(trouble: Trouble) -> bool {
    matches!(trouble, Trouble::Seal | Trouble::Damage)
}

#[cfg(test)]
mod tests {
    use super::{Options, UnknownFault};

    #[test]
    fn each_fault_can_be_left_out_and_nothing_else_changes() {
        for name in Options::fault_names() {
            // With some seed it makes a difference.
            let changes = (0..200).filter(|seed| {
                let options = Options::drawn(*seed);
                let mut without = options.clone();
                without.leave_out(name).expect("it is one of the names");
                let changed = without != options;
                without.leave_out(name).expect("it is one of the names");
                changed
            });
            assert!(changes.count() > 0, "{name}");
        }
        assert_eq!(Options::drawn(0).leave_out("gremlins"), Err(UnknownFault("gremlins".into())));
    }

    #[test]
    fn seeds_differ_in_everything() {
        let all: Vec<Options> = (0..300).map(Options::drawn).collect();
        let differ = |what: fn(&Options) -> u128| all.iter().any(|options| what(options) != what(&all[0]));
        let fields: [fn(&Options) -> u128; 12] = [
            |options| options.homes as u128,
            |options| options.joining as u128,
            |options| options.slot_length.as_millis(),
            |options| options.opening.as_millis(),
            |options| u128::from(options.gate_millis.unsigned_abs()),
            |options| options.clock_skew.as_millis(),
            |options| options.longest_delay.as_millis(),
            |options| u128::from(options.loss),
            |options| options.troubles.len() as u128,
            |options| options.longest_trouble.as_millis(),
            |options| options.act_every.as_millis(),
            |options| options.autopilots as u128,
        ];
        assert!(fields.into_iter().all(differ));
        assert!(all.iter().all(|options| options.homes - options.joining >= 5));
        let large = all.iter().filter(|options| options.homes >= 12).count();
        assert!((10..30).contains(&large), "about one in sixteen of 300 is a large street, not {large}");
    }
}
