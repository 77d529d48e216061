//! A street of households, the messages on their way, and the clock: one event queue, and one turn at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::charter::{Act, Charter, Shape};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::Household;
use wattswap_node::protocol::household::io::{Command, CommandError, Halt, Input, Reply, Ticket};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::signed::Signer;

use super::clock::Clock;
use super::disk::{Disk, Library};
use super::founding::{self, Key};
use super::home::{Crash, Home, Incoming, USUAL_INBOX};
use super::links::Links;
use super::queue::Queue;
use super::random::Random;
use super::trace::Trace;
use super::traffic::Traffic;
use super::troubles::OPERATOR;
use super::turn::Turn;

/// For how long households keep logs when all that they say is over.
const KEEP_LOGS: Duration = Duration::from_secs(30 * 24 * 3600);
/// Neighbours to whom a household passes gossip on: libp2p's mesh has 6 to 12.
const MESH: usize = 8;

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

/// What the heap holds.
pub(super) enum Event {
    /// Something comes in at a household's door, if that process still lives. `sent_by`: over this link.
    Comes { to: usize, life: u32, sent_by: Option<usize>, incoming: Incoming },
    /// A deadline of a household, or inputs that waited.
    Alarm { home: usize },
    /// A household's turn is on its disk.
    Written { home: usize, life: u32 },
    /// One side finds out how the connection to the other is.
    Notice { home: usize, other: usize },
    /// A call of one household reaches the other.
    Answers { home: usize, other: usize },
    /// A connection that was cut for long enough breaks.
    Breaks { one: usize, other: usize },
    /// Whoever drives the street wanted to be called.
    Call(u64),
}

/// What came of one step.
pub enum Step {
    /// Nothing that anybody could see.
    Nothing,
    /// A household ended a turn.
    Turn(Turn),
    /// The time came for which [`Street::call_at`] asked.
    Call(u64),
}

/// Some households, all connected unless a link is cut.
pub struct Street {
    /// The virtual clock: the true time.
    pub now: UtcMillis,
    /// How the network behaves from now on.
    pub faults: Faults,
    /// Shortest time on the way. As long as the longest: nothing overtakes anything.
    pub shortest_delay: Duration,
    /// Until a broken connection is noticed.
    pub notice_after: Duration,
    /// For how long households that start from now on keep logs.
    pub keep_logs: Duration,
    pub(super) charter: SignedRecord,
    pub(super) homes: Vec<Home>,
    pub(super) numbers: BTreeMap<MemberKey, usize>,
    pub(super) links: Links,
    /// By household: to whom it passes gossip on.
    pub(super) mesh: Vec<Vec<usize>>,
    pub(super) queue: Queue<Event>,
    pub(super) random: Random,
    pub(super) trace: Trace,
    pub(super) library: Library,
    pub(super) traffic: Traffic,
    /// The reply to the command that is being given.
    pub(super) reply: Option<Result<Reply, CommandError>>,
    pub(super) next_ticket: u64,
    pub(super) events: u64,
    pub(super) sleepless: Option<usize>,
}

impl Street {
    /// Households in a community of their own, with 15-minute slots, 1 Wh and 0.0001 EUR ticks. All of them run.
    #[must_use]
    pub fn new(homes: usize, seed: u64) -> Self {
        let mut street = Self::founded(homes, homes, founding::usual_shape(), |_| {}, seed);
        (0..homes).for_each(|home| street.start(home));
        street
    }

    /// Households of which the first `members` are members of a community of this shape; `amend` may change the rest of
    /// its charter. None of them runs.
    #[must_use]
    pub fn founded(homes: usize, members: usize, shape: Shape, amend: impl FnOnce(&mut Charter), seed: u64) -> Self {
        let mut random = Random::new(seed);
        let keys: Vec<Key> = (0..homes).map(|_| Key(SigningKey::from_bytes(&random.bytes()))).collect();
        let now = UtcMillis(1_800_000_000_000);
        let mut charter = founding::charter(&keys[..members], shape);
        amend(&mut charter);
        let charter = founding::sign(None, Act::Charter(Arc::new(charter)), now, &keys[0]);
        let numbers: BTreeMap<MemberKey, usize> = keys.iter().map(Signer::key).zip(0..).collect();
        let home = |key: Key| Home::new(key.clone(), key.key(), Disk::new(charter.clone()), homes);
        let mesh = mesh(homes, &mut random);
        Self {
            now,
            faults: Faults { loss: 0, repeat: 0, longest_delay: Duration::from_millis(20) },
            shortest_delay: Duration::from_millis(1),
            notice_after: Duration::ZERO,
            keep_logs: KEEP_LOGS,
            homes: keys.into_iter().map(home).collect(),
            numbers,
            charter,
            links: Links::new(homes),
            mesh,
            queue: Queue::default(),
            random,
            trace: Trace::default(),
            library: Library::default(),
            traffic: Traffic::default(),
            reply: None,
            next_ticket: 0,
            events: 0,
            sleepless: None,
        }
    }

    /// How many households there are, running or not.
    #[must_use]
    pub fn homes(&self) -> usize {
        self.homes.len()
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
        self.homes[home].me
    }

    /// The household with this key.
    #[must_use]
    pub fn number(&self, key: &MemberKey) -> Option<usize> {
        self.numbers.get(key).copied()
    }

    /// A household that runs.
    pub fn household(&mut self, home: usize) -> Option<&mut Household> {
        self.homes[home].household.as_mut()
    }

    /// Whether a household runs.
    #[must_use]
    pub fn is_running(&self, home: usize) -> bool {
        self.homes[home].is_running()
    }

    /// A household's pen, to sign what its own software never would.
    #[must_use]
    pub fn signer(&self, home: usize) -> Box<dyn Signer> {
        Box::new(self.homes[home].key.clone())
    }

    /// Gives a household an input that no honest neighbour has sent.
    pub fn inject(&mut self, home: usize, input: Input) {
        let _turn = self.take_in(home, Incoming::other(input));
    }

    /// What a household has made durable.
    #[must_use]
    pub fn disk(&self, home: usize) -> &Disk {
        &self.homes[home].disk
    }

    /// Why a household refused to go on.
    #[must_use]
    pub fn halted(&self, home: usize) -> Option<Halt> {
        self.homes[home].halted
    }

    /// Whether a household is a member by the charter that the operator's household knows last.
    #[must_use]
    pub fn is_member(&self, home: usize) -> bool {
        let newest = self.homes[OPERATOR].disk.charter();
        newest.is_some_and(|charter| charter.member(&self.homes[home].me).is_some())
    }

    /// Whether a household waits for its disk.
    #[must_use]
    pub fn is_writing(&self, home: usize) -> bool {
        self.homes[home].writing.is_some()
    }

    /// A household that was woken again and again at one instant, and is left asleep for that.
    #[must_use]
    pub fn sleepless(&self) -> Option<usize> {
        self.sleepless
    }

    /// Events that are yet to happen.
    #[must_use]
    pub fn waiting_events(&self) -> usize {
        self.queue.len()
    }

    /// What a household's wall clock shows.
    #[must_use]
    pub fn wall_clock(&self, home: usize) -> UtcMillis {
        self.homes[home].clock.shows(self.now)
    }

    /// The latest time that a household's process was told; the clock may have been set back since.
    #[must_use]
    pub fn latest_told(&self, home: usize) -> UtcMillis {
        self.homes[home].latest
    }

    /// Changes a household's wall clock. What it waits for comes when the clock shows it.
    pub fn set_clock(&mut self, home: usize, change: impl FnOnce(&mut Clock, UtcMillis)) {
        change(&mut self.homes[home].clock, self.now);
        self.stop_alarm(home);
        self.set_alarm(home);
    }

    /// From now on each write takes up to this many milliseconds, and so many inputs may wait for it.
    pub fn set_pace(&mut self, home: usize, slow_disk: u64, room: usize) {
        self.homes[home].slow_disk = slow_disk;
        self.homes[home].room = room;
    }

    /// Crashes the household in its next turn that puts something out.
    pub fn crash_at(&mut self, home: usize, crash: Crash) {
        self.homes[home].crash = Some(crash);
    }

    /// Ends all faults: links are mended, clocks and disks are right, no crash is pending, and every household runs that
    /// ever did.
    pub fn heal(&mut self) {
        self.faults = Faults { loss: 0, repeat: 0, longest_delay: Duration::from_millis(50) };
        self.shortest_delay = Duration::from_millis(1);
        self.links.mend();
        for home in 0..self.homes.len() {
            self.homes[home].crash = None;
            if let Some(pending) = &mut self.homes[home].writing {
                pending.crash = None;
            }
            self.set_pace(home, 0, USUAL_INBOX);
            self.set_clock(home, |clock, _| *clock = Clock::right());
            if self.homes[home].life > 0 {
                self.start(home);
            }
            (0..home).for_each(|other| self.connect(home, other));
        }
    }

    /// Starts a household that does not run, from its disk. Nothing happens if that is damaged.
    pub fn start(&mut self, home: usize) {
        if self.homes[home].is_running() || self.is_refused(home) {
            return;
        }
        let seed = self.random.bytes();
        let signer = self.signer(home);
        let wall = self.wall_clock(home);
        let household = Household::recover(signer, seed, self.homes[home].disk.records(), self.keep_logs, wall);
        let mut household = household.expect("a simulated disk is not damaged");
        if self.homes[home].owner_says_restored {
            household.was_restored();
        }
        self.homes[home].household = Some(household);
        self.homes[home].latest = wall;
        self.homes[home].halted = None;
        for other in 0..self.homes.len() {
            self.links.get_mut(home, other).told = false;
        }
        // Its first turn is a step like any other, so that what it writes and says is seen.
        let life = self.homes[home].life;
        let incoming = Incoming::other(Input::Wake);
        self.queue.push(self.now, Event::Comes { to: home, life, sent_by: None, incoming });
        for other in (0..self.homes.len()).filter(|other| *other != home) {
            self.connect(home, other);
        }
    }

    /// Stops a household; what is on its way to it is lost.
    pub fn stop(&mut self, home: usize) {
        if !self.homes[home].is_running() {
            return;
        }
        self.stop_alarm(home);
        self.homes[home].lose_process();
        for other in (0..self.homes.len()).filter(|other| *other != home) {
            if self.links.set_connected(home, other, false) {
                self.queue.push(self.now.after(self.notice_after), Event::Notice { home: other, other: home });
            }
        }
    }

    /// Cuts or mends the link between two households, both ways, and tells them.
    pub fn set_link(&mut self, one: usize, other: usize, up: bool) {
        let cuts = u16::from(!up);
        self.links.get_mut(one, other).cuts = cuts;
        self.links.get_mut(other, one).cuts = cuts;
        if up { self.connect(one, other) } else { self.disconnect(one, other) }
    }

    /// Leaves each household about so many others that it can connect to, its neighbours in the mesh among them. Before
    /// any of them runs.
    pub fn thin_out(&mut self, peers: usize) {
        let homes = self.homes.len();
        if homes <= peers + 1 {
            return;
        }
        let mut keep: Vec<(usize, usize)> = Vec::new();
        for (home, mesh) in self.mesh.iter().enumerate() {
            keep.extend(mesh.iter().map(|other| (home, *other)));
            // Each is chosen by as many as it chooses.
            keep.extend((mesh.len() / 2..peers / 2).map(|_| (home, self.random.index(homes))));
        }
        self.links.keep_only(&keep);
    }

    /// Ends the connection between two households; they have no reason to open one again until one calls the other.
    pub fn part(&mut self, one: usize, other: usize) {
        self.links.get_mut(one, other).apart = true;
        self.links.get_mut(other, one).apart = true;
        self.disconnect(one, other);
    }

    /// What went over the links.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Counts what goes over the links from now on.
    pub fn forget_traffic(&mut self) {
        self.traffic = Traffic::default();
    }

    /// Cuts one direction until [`Street::mend`] is called as often; the connection breaks if that takes long.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.links.get_mut(from, to).cuts += 1;
        self.queue.push(self.now.after(self.notice_after), Event::Breaks { one: from, other: to });
    }

    /// Ends one cut.
    pub fn mend(&mut self, from: usize, to: usize) {
        let link = self.links.get_mut(from, to);
        link.cuts = link.cuts.saturating_sub(1);
        self.connect(from, to);
    }

    /// Holds back what is sent in one direction until then.
    pub fn clog(&mut self, from: usize, to: usize, until: UtcMillis) {
        let link = self.links.get_mut(from, to);
        link.clogged_until = link.clogged_until.max(until);
    }

    /// Gives a command and runs the household's turn; the reply, unless it crashed, does not run, or is writing.
    pub fn command(&mut self, home: usize, command: Command) -> Option<Result<Reply, CommandError>> {
        self.command_turn(home, command).1
    }

    /// The same, with the turn itself.
    pub fn command_turn(
        &mut self,
        home: usize,
        command: Command,
    ) -> (Option<Turn>, Option<Result<Reply, CommandError>>) {
        self.reply = None;
        let ticket = self.ticket();
        let turn = self.take_in(home, Incoming::Command { ticket, command: Box::new(command) });
        (turn, self.reply.take())
    }

    /// Gives a command at once, and does not wait for what comes of it. Nothing happens if the household does not run.
    pub fn ask(&mut self, home: usize, command: Command) {
        let ticket = self.ticket();
        let life = self.homes[home].life;
        let incoming = Incoming::Command { ticket, command: Box::new(command) };
        self.queue.push(self.now, Event::Comes { to: home, life, sent_by: None, incoming });
    }

    /// Calls whoever drives the street at that time, see [`Step::Call`].
    pub fn call_at(&mut self, at: UtcMillis, name: u64) {
        self.queue.push(at, Event::Call(name));
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.step(end).is_some() {}
    }

    /// The next thing that happens until `end`; none if nothing does, and then it is `end`.
    pub fn step(&mut self, end: UtcMillis) -> Option<Step> {
        if self.queue.next_at().is_none_or(|next| next > end) {
            self.now = self.now.max(end);
            return None;
        }
        let (at, event) = self.queue.pop()?;
        self.now = self.now.max(at);
        self.events += 1;
        Some(self.happen(event))
    }

    fn happen(&mut self, event: Event) -> Step {
        let turn = match event {
            Event::Comes { to, life, sent_by, incoming } => {
                let is_lost = sent_by.is_some_and(|from| self.links.get(from, to).cuts > 0);
                if is_lost || self.homes[to].life != life { None } else { self.take_in(to, incoming) }
            }
            Event::Alarm { home } => self.wake(home),
            Event::Written { home, life } => self.written(home, life),
            Event::Notice { home, other } => self.notice(home, other),
            Event::Answers { home, other } => {
                self.links.let_try(home, other);
                self.connect(home, other);
                None
            }
            Event::Breaks { one, other } => {
                if self.links.is_cut(one, other) {
                    self.disconnect(one, other);
                }
                None
            }
            Event::Call(name) => return Step::Call(name),
        };
        turn.map_or(Step::Nothing, Step::Turn)
    }

    /// Opens a connection, if both run, let each other in, and nothing is cut.
    pub(super) fn connect(&mut self, one: usize, other: usize) {
        let admitted = self.homes[one].admits[other] && self.homes[other].admits[one];
        let running = self.homes[one].is_running() && self.homes[other].is_running();
        if one != other && admitted && running && self.links.is_possible(one, other) {
            self.links.set_connected(one, other, true);
            self.notice_both(one, other);
        }
    }

    pub(super) fn disconnect(&mut self, one: usize, other: usize) {
        if self.links.set_connected(one, other, false) {
            self.notice_both(one, other);
        }
    }

    fn notice_both(&mut self, one: usize, other: usize) {
        for (home, other) in [(one, other), (other, one)] {
            self.queue.push(self.now, Event::Notice { home, other });
        }
    }

    /// A household's own side of the connection says how it is.
    fn notice(&mut self, home: usize, other: usize) -> Option<Turn> {
        let key = self.key(other);
        let running = self.homes[home].is_running();
        let link = self.links.get_mut(home, other);
        if link.told == link.connected || !running {
            return None;
        }
        link.told = link.connected;
        let input = if link.connected { Input::Connected(key) } else { Input::Disconnected(key) };
        self.take_in(home, Incoming::other(input))
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    /// Events so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The fingerprint of all that happened so far.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.trace.hash()
    }
}

/// For each household some others, both ways; everybody in a small street.
fn mesh(homes: usize, random: &mut Random) -> Vec<Vec<usize>> {
    let mut mesh: Vec<Vec<usize>> = vec![Vec::new(); homes];
    for one in 0..homes {
        let all = (one + 1..homes).collect::<Vec<usize>>();
        let drawn: Vec<usize> = if homes - 1 <= MESH {
            all
        } else {
            (0..MESH / 2).map(|_| random.index(homes)).filter(|other| *other != one).collect()
        };
        for other in drawn {
            if !mesh[one].contains(&other) {
                mesh[one].push(other);
                mesh[other].push(one);
            }
        }
    }
    mesh
}
