//! A street of households, the messages on their way, and the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use rust_decimal::Decimal;
use wattswap_matching::{Price, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::charter::{Act, Charter, GovernanceRecord, Member, RULES, Shape};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::Household;
use wattswap_node::protocol::household::io::{Command, CommandError, Halt, Input, Output, Record, Reply, Ticket};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Signer;

use super::disk::Disk;
use super::random::Random;

/// For how long households keep logs when all that they say is over.
const KEEP_LOGS: Duration = Duration::from_secs(30 * 24 * 3600);

/// How the network treats messages. All chances are in a thousand.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// A message is lost.
    pub loss: u64,
    /// A message comes twice.
    pub repeat: u64,
    /// Longest time on the way; each message draws its own, so that they overtake each other.
    pub longest_delay: Duration,
}

/// Where in a turn a household crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Nothing of the turn is durable, nothing was sent.
    BeforePersist,
    /// All is durable, nothing was sent.
    AfterPersist,
    /// All is durable, and this many outputs were carried out.
    AfterOutputs(usize),
}

/// One household and its disk.
struct Home {
    key: SigningKey,
    household: Option<Household>,
    disk: Disk,
    crash: Option<Crash>,
    halted: Option<Halt>,
}

/// A signer in memory.
struct Key(SigningKey);

impl Signer for Key {
    fn key(&self) -> MemberKey {
        MemberKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Some households, all connected unless a link is cut.
pub struct Street {
    /// The virtual clock.
    pub now: UtcMillis,
    /// How the network behaves from now on.
    pub faults: Faults,
    pub(super) charter: SignedRecord,
    homes: Vec<Home>,
    cut: BTreeSet<(usize, usize)>,
    /// Ordered by arrival, then by the order of sending.
    on_the_way: BTreeMap<(UtcMillis, u64), (usize, Input)>,
    sent: u64,
    random: Random,
    replies: BTreeMap<Ticket, Result<Reply, CommandError>>,
    next_ticket: u64,
}

impl Street {
    /// Households in a community of their own, with 15-minute slots, 1 Wh and 0.0001 EUR ticks.
    #[must_use]
    pub fn new(homes: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let keys: Vec<SigningKey> = (0..homes).map(|_| SigningKey::from_bytes(&random.bytes())).collect();
        let now = UtcMillis(1_800_000_000_000);
        let charter = found(&keys, now);
        let home = |key: SigningKey| Home {
            key,
            household: None,
            disk: Disk::new(charter.clone()),
            crash: None,
            halted: None,
        };
        let mut street = Self {
            now,
            faults: Faults { loss: 0, repeat: 0, longest_delay: Duration::from_millis(20) },
            homes: keys.into_iter().map(home).collect(),
            charter,
            cut: BTreeSet::new(),
            on_the_way: BTreeMap::new(),
            sent: 0,
            random,
            replies: BTreeMap::new(),
            next_ticket: 0,
        };
        (0..homes).for_each(|home| street.start(home));
        street
    }

    /// The first charter.
    #[must_use]
    pub fn charter(&self) -> Charter {
        match &self.charter.record.act {
            Act::Charter(charter) => Charter::clone(charter),
            Act::Seals(_) => unreachable!("a street is founded with a charter"),
        }
    }

    /// A household's key.
    #[must_use]
    pub fn key(&self, home: usize) -> MemberKey {
        MemberKey(self.homes[home].key.verifying_key().to_bytes())
    }

    /// A household that runs.
    pub fn household(&mut self, home: usize) -> Option<&mut Household> {
        self.homes[home].household.as_mut()
    }

    /// A household's pen, to sign what its own software never would.
    #[must_use]
    pub fn signer(&self, home: usize) -> Box<dyn Signer> {
        Box::new(Key(self.homes[home].key.clone()))
    }

    /// Gives a household an input that no honest neighbour has sent.
    pub fn inject(&mut self, home: usize, input: Input) {
        self.input(home, input);
    }

    /// What a household has made durable.
    #[must_use]
    pub fn disk(&self, home: usize) -> &Disk {
        &self.homes[home].disk
    }

    /// Replaces a disk, as a restored backup would.
    pub fn restore_disk(&mut self, home: usize, disk: Disk) {
        self.stop(home);
        self.homes[home].disk = disk;
    }

    /// Why a household refused to go on.
    #[must_use]
    pub fn halted(&self, home: usize) -> Option<Halt> {
        self.homes[home].halted
    }

    /// Crashes the household in its next turn that puts something out.
    pub fn crash_at(&mut self, home: usize, crash: Crash) {
        self.homes[home].crash = Some(crash);
    }

    /// Ends all faults: every link is mended, no crash is pending, every household runs.
    pub fn heal(&mut self) {
        self.faults = Faults { loss: 0, repeat: 0, longest_delay: Duration::from_millis(50) };
        for home in 0..self.homes.len() {
            self.homes[home].crash = None;
            (0..home).for_each(|other| self.set_link(home, other, true));
            self.start(home);
        }
    }

    /// Starts a household that does not run, from its disk.
    pub fn start(&mut self, home: usize) {
        if self.homes[home].household.is_some() {
            return;
        }
        let signer = Box::new(Key(self.homes[home].key.clone()));
        let seed = self.random.bytes();
        let records: Vec<Record> = self.homes[home].disk.records().collect();
        let household = Household::recover(signer, seed, records, KEEP_LOGS, self.now);
        self.homes[home].household = Some(household.expect("a simulated disk is not damaged"));
        self.homes[home].halted = None;
        for other in 0..self.homes.len() {
            if other != home && self.homes[other].household.is_some() && !self.is_cut(home, other) {
                self.connect(home, other);
            }
        }
        self.input(home, Input::Wake);
    }

    /// Stops a household; what is on its way to it is lost.
    pub fn stop(&mut self, home: usize) {
        if self.homes[home].household.take().is_none() {
            return;
        }
        self.on_the_way.retain(|_, (to, _)| *to != home);
        let key = self.key(home);
        for other in (0..self.homes.len()).filter(|other| *other != home) {
            self.input(other, Input::Disconnected(key));
        }
    }

    /// Cuts or mends the link between two households.
    pub fn set_link(&mut self, one: usize, other: usize, up: bool) {
        let link = (one.min(other), one.max(other));
        let changed = if up { self.cut.remove(&link) } else { self.cut.insert(link) };
        if !changed {
            return;
        }
        if up {
            self.connect(one, other);
        } else {
            let (key, other_key) = (self.key(one), self.key(other));
            self.input(one, Input::Disconnected(other_key));
            self.input(other, Input::Disconnected(key));
        }
    }

    /// Gives a command and runs the household's turn; the reply, unless it crashed or does not run.
    pub fn command(&mut self, home: usize, command: Command) -> Option<Result<Reply, CommandError>> {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.input(home, Input::Command { ticket, command });
        self.replies.remove(&ticket)
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.step();
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<UtcMillis> {
        let arrival = self.on_the_way.keys().next().map(|(at, _)| *at);
        let deadlines = self.homes.iter().filter_map(|home| home.household.as_ref()).map(Household::next_deadline);
        arrival.into_iter().chain(deadlines).min()
    }

    fn step(&mut self) {
        if let Some(first) = self.on_the_way.first_entry().filter(|first| first.key().0 <= self.now) {
            let (home, input) = first.remove();
            return self.input(home, input);
        }
        let due = |home: &Home| home.household.as_ref().is_some_and(|household| household.next_deadline() <= self.now);
        if let Some(home) = self.homes.iter().position(due) {
            self.input(home, Input::Wake);
        }
    }

    /// One turn of one household.
    fn input(&mut self, home: usize, input: Input) {
        let Some(household) = &mut self.homes[home].household else { return };
        household.handle(self.now, input);
        let outputs: Vec<Output> = std::iter::from_fn(|| household.poll()).collect();
        let crash = if outputs.is_empty() { None } else { self.homes[home].crash.take() };
        if crash == Some(Crash::BeforePersist) {
            return self.stop(home);
        }
        let persisted = outputs.iter().filter_map(|output| match output {
            Output::Persist(record) => Some(record.clone()),
            _ => None,
        });
        let persisted = persisted.collect();
        self.homes[home].disk.commit(persisted);
        let outputs = outputs.into_iter().filter(|output| !matches!(output, Output::Persist(_)));
        let most = match crash {
            Some(Crash::AfterPersist) => 0,
            Some(Crash::AfterOutputs(most)) => most,
            _ => usize::MAX,
        };
        let outputs: Vec<Output> = outputs.take(most).collect();
        outputs.into_iter().for_each(|output| self.carry_out(home, output));
        if crash.is_some() {
            self.stop(home);
        }
    }

    fn carry_out(&mut self, home: usize, output: Output) {
        let from = self.key(home);
        match output {
            Output::Reply { ticket, reply } => {
                self.replies.insert(ticket, reply);
            }
            Output::Publish(bytes) => {
                for to in (0..self.homes.len()).filter(|to| *to != home) {
                    self.next_ticket += 1;
                    let ticket = Ticket(self.next_ticket);
                    self.send(home, to, &Input::Gossip { ticket, from, bytes: bytes.clone() });
                }
            }
            Output::Send { to, message } => self.send_to_key(home, to, &message),
            Output::SendRange { to, log, from, count } => {
                let entries = self.homes[home].disk.range(log, from, count);
                self.send_to_key(home, to, &Message::Range { log, from, entries });
            }
            Output::Load { ticket, log, from, count } => {
                let entries = self.homes[home].disk.range(log, from, count);
                self.deliver(home, Duration::ZERO, Input::Loaded { ticket, entries });
            }
            Output::Restart => {
                self.stop(home);
                self.start(home);
            }
            Output::Halt(halt) => {
                self.homes[home].halted = Some(halt);
                self.stop(home);
            }
            Output::Persist(_) | Output::Judge { .. } | Output::Drop(_) | Output::Admit(_) | Output::Event(_) => {}
        }
    }

    fn send_to_key(&mut self, from: usize, to: MemberKey, message: &Message) {
        let Some(to) = (0..self.homes.len()).find(|home| self.key(*home) == to) else { return };
        self.send(from, to, &Input::Message { from: self.key(from), bytes: message.encode() });
    }

    fn send(&mut self, from: usize, to: usize, input: &Input) {
        let copies = if self.random.chance(self.faults.repeat) { 2 } else { 1 };
        for _ in 0..copies {
            let lost = self.random.chance(self.faults.loss);
            let longest = u64::try_from(self.faults.longest_delay.as_millis()).unwrap_or(u64::MAX);
            let delay = Duration::from_millis(1 + self.random.below(longest.max(1)));
            if !lost && !self.is_cut(from, to) && self.homes[to].household.is_some() {
                self.deliver(to, delay, input.clone());
            }
        }
    }

    fn deliver(&mut self, to: usize, delay: Duration, input: Input) {
        self.sent += 1;
        self.on_the_way.insert((self.now.after(delay), self.sent), (to, input));
    }

    fn connect(&mut self, one: usize, other: usize) {
        let (key, other_key) = (self.key(one), self.key(other));
        self.deliver(one, Duration::ZERO, Input::Connected(other_key));
        self.deliver(other, Duration::ZERO, Input::Connected(key));
    }

    fn is_cut(&self, one: usize, other: usize) -> bool {
        self.cut.contains(&(one.min(other), one.max(other)))
    }
}

/// A charter for these keys, signed by the first of them.
fn found(keys: &[SigningKey], at: UtcMillis) -> SignedRecord {
    let hour = Duration::from_secs(3600);
    let member = |key: &SigningKey| Member {
        key: MemberKey(key.verifying_key().to_bytes()),
        name: String::new(),
        import: Watts(17_000),
        export: Watts(10_000),
    };
    let mut members: Vec<Member> = keys.iter().map(member).collect();
    members.sort_by_key(|member| member.key);
    let shape = Shape {
        currency: "EUR".into(),
        slot_length: hour / 4,
        delivery_time: hour / 4,
        opening: hour * 48,
        gate_millis: 3_600_000,
        price_tick: Decimal::new(1, 4),
        quantity_tick: WattHours(1),
        smallest_fill: WattHours(10),
        floor: Price(-5_000),
        cap: Price(10_000),
        fees: Vec::new(),
    };
    let charter = Charter {
        rules: RULES,
        name: "Street".into(),
        shape,
        members,
        operators: vec![MemberKey(keys[0].verifying_key().to_bytes())],
        proposal_lifetime: Duration::from_secs(15),
        clock_skew: Duration::from_secs(5),
    };
    let record = GovernanceRecord { height: 0, prev: None, at, act: Act::Charter(Box::new(charter)) };
    let mut record = SignedRecord::unsigned(record).expect("the charter above is within bounds");
    record.co_sign(&Key(keys[0].clone())).expect("nobody has signed before");
    record
}
