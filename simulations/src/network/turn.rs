//! A household's turn: inputs in, everything durable, and only then outputs, with a crash wherever one is due.
//!
//! This is what the real node's loop does (`drivers/run.rs`), over a simulated disk and network.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::{Event as News, Input, Output, Record, Verdict};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::message::Message;

use super::home::{Crash, Incoming, Parcel, Pending};
use super::random::Random;
use super::street::{Event, Street};
use super::traffic::Cargo;

/// Inputs of one turn, as in the real node.
const MAX_PER_TURN: usize = 1_024;
/// Wakes of one household at one instant: more are a loop that makes no progress.
const MAX_WAKES_AT_ONCE: u32 = 1_000;

/// Messages one after the other until a connection is open: TCP, Noise, and the streams' own words.
const HANDSHAKE: u32 = 6;

/// What a household did in a turn, as far as it happened.
pub struct Turn {
    /// Who.
    pub home: usize,
    /// When, by its own clock.
    pub at: UtcMillis,
    /// What became durable, in this order.
    pub records: Vec<Record>,
    /// What was carried out after that, in this order.
    pub outputs: Vec<Output>,
}

impl Street {
    /// Something comes in at the door: a turn at once, or it waits until the disk is done.
    pub(super) fn take_in(&mut self, to: usize, incoming: Incoming) -> Option<Turn> {
        let home = &mut self.homes[to];
        if !home.is_running() {
            return None;
        }
        if home.writing.is_none() {
            return self.turn(to, std::iter::once(incoming));
        }
        if home.inbox.len() < home.room || !incoming.may_be_lost() {
            home.inbox.push_back(incoming);
        }
        None
    }

    /// A deadline came, or the disk is free for what waited.
    pub(super) fn wake(&mut self, at: usize) -> Option<Turn> {
        let home = &mut self.homes[at];
        home.alarm = None;
        home.wakes_at_once = if home.woken_at == self.now { home.wakes_at_once + 1 } else { 1 };
        home.woken_at = self.now;
        if home.wakes_at_once > MAX_WAKES_AT_ONCE {
            self.sleepless = Some(at);
            return None;
        }
        if home.writing.is_some() || !home.is_running() {
            return None;
        }
        let waiting = home.inbox.len().min(MAX_PER_TURN);
        let inputs: Vec<Incoming> = home.inbox.drain(..waiting).chain([Incoming::other(Input::Wake)]).collect();
        self.turn(at, inputs.into_iter())
    }

    fn turn(&mut self, at: usize, inputs: impl Iterator<Item = Incoming>) -> Option<Turn> {
        let wall = self.wall_clock(at);
        self.homes[at].latest = wall.max(self.homes[at].latest);
        for incoming in inputs {
            if let Some(mut input) = self.open(at, incoming)
                && self.overhear(at, &mut input)
            {
                self.homes[at].household.as_mut()?.handle(wall, input);
            }
        }
        let household = self.homes[at].household.as_mut()?;
        let (mut records, mut outputs) = (Vec::new(), Vec::new());
        while let Some(output) = household.poll() {
            match output {
                Output::Persist(record) => records.push(record),
                output => outputs.push(output),
            }
        }
        let idle = records.is_empty() && outputs.is_empty();
        let crash = if idle { None } else { self.homes[at].crash.take() };
        let pending = Pending { records, outputs, crash };
        if crash == Some(Crash::BeforePersist) {
            self.stop(at);
            return None;
        }
        let slow = self.homes[at].slow_disk;
        if slow == 0 || pending.records.is_empty() {
            return self.finish(at, pending);
        }
        let done = self.now.after(Duration::from_millis(self.random.below(slow)));
        self.homes[at].writing = Some(pending);
        self.queue.push(done, Event::Written { home: at, life: self.homes[at].life });
        None
    }

    /// The input that a household gets; none for gossip that it has seen.
    fn open(&mut self, to: usize, incoming: Incoming) -> Option<Input> {
        self.trace.number(self.now.0);
        self.trace.number(to as u64);
        match incoming {
            Incoming::Gossip { from, parcel } => {
                self.trace.number(parcel.print);
                if !self.homes[to].seen.insert(parcel.print) {
                    return None;
                }
                let ticket = self.ticket();
                let bytes = parcel.bytes.to_vec();
                self.homes[to].judging.push((ticket, from, parcel));
                Some(Input::Gossip { ticket, from: self.key(from), bytes })
            }
            Incoming::Message { from, parcel } => {
                self.trace.number(parcel.print);
                Some(Input::Message { from: self.key(from), bytes: parcel.bytes.to_vec() })
            }
            Incoming::Loaded { ticket, entries } => Some(Input::Loaded { ticket, entries }),
            Incoming::Command { ticket, command } => Some(Input::Command { ticket, command: *command }),
            Incoming::Other(input) => {
                let kind = match &*input {
                    Input::Connected(_) => 1,
                    Input::Disconnected(_) => 2,
                    _ => 3,
                };
                self.trace.number(kind);
                Some(*input)
            }
        }
    }

    /// The disk has done its work.
    pub(super) fn written(&mut self, at: usize, life: u32) -> Option<Turn> {
        if self.homes[at].life != life {
            return None;
        }
        let pending = self.homes[at].writing.take()?;
        self.finish(at, pending)
    }

    /// All records of the turn become durable, and then its outputs are carried out.
    fn finish(&mut self, at: usize, pending: Pending) -> Option<Turn> {
        let Pending { records, mut outputs, crash } = pending;
        self.homes[at].disk.commit_shared(&records, &mut self.library);
        records.iter().for_each(|record| note(record, &mut self.trace));
        if records.iter().any(|record| matches!(record, Record::Incarnation(_))) {
            self.homes[at].owner_says_restored = false;
        }
        let most = match crash {
            Some(Crash::AfterPersist) => 0,
            Some(Crash::AfterOutputs(most)) => most,
            Some(Crash::AfterPart(thousandths)) => outputs.len() * usize::from(thousandths) / 1_000,
            _ => usize::MAX,
        };
        outputs.truncate(most);
        self.falsify(at, &mut outputs);
        for output in &outputs {
            self.carry_out(at, output);
        }
        self.homes[at].judging.clear();
        if crash.is_some() {
            self.stop(at);
        }
        self.set_alarm(at);
        if records.is_empty() && outputs.is_empty() {
            return None;
        }
        Some(Turn { home: at, at: self.wall_clock(at), records, outputs })
    }

    /// Wakes the household at its next deadline, or at once if inputs wait.
    pub(super) fn set_alarm(&mut self, at: usize) {
        let home = &mut self.homes[at];
        let Some(household) = home.household.as_ref().filter(|_| home.writing.is_none()) else { return };
        let due = if home.inbox.is_empty() { home.clock.when(household.next_deadline(), self.now) } else { self.now };
        if home.alarm.is_none_or(|set| set.at != due) {
            self.stop_alarm(at);
            self.homes[at].alarm = Some(self.queue.set_alarm(due, Event::Alarm { home: at }));
        }
    }

    pub(super) fn stop_alarm(&mut self, at: usize) {
        if let Some(alarm) = self.homes[at].alarm.take() {
            self.queue.take_back(alarm);
        }
    }

    fn carry_out(&mut self, home: usize, output: &Output) {
        match output {
            Output::Reply { reply, .. } => {
                self.trace.number(u64::from(reply.is_ok()));
                self.reply = Some(reply.clone());
            }
            Output::Publish(bytes) => {
                let parcel = Parcel::new(bytes.clone(), Cargo::of_gossip(bytes));
                self.trace.number(parcel.print);
                self.homes[home].seen.insert(parcel.print);
                self.spread(home, None, &parcel);
            }
            Output::Judge { ticket, verdict } => {
                let judging = &self.homes[home].judging;
                let judged =
                    judging.iter().find(|(judged, ..)| judged == ticket).filter(|_| *verdict == Verdict::Accept);
                if let Some((_, from, parcel)) = judged.cloned() {
                    self.spread(home, Some(from), &parcel);
                }
            }
            Output::Send { to, message } => self.send_message(home, to, message),
            Output::SendRange { to, log, from, count } => {
                let entries = self.homes[home].disk.range(*log, *from, *count);
                self.send_message(home, to, &Message::Range { log: *log, from: *from, entries });
            }
            Output::Load { ticket, log, from, count } => {
                let entries = self.homes[home].disk.range(*log, *from, *count);
                let incoming = Incoming::Loaded { ticket: *ticket, entries };
                let life = self.homes[home].life;
                self.queue.push(self.now, Event::Comes { to: home, life, sent_by: None, incoming });
            }
            Output::Drop(peer) => {
                if let Some(peer) = self.number(peer) {
                    self.disconnect(home, peer);
                }
            }
            Output::Call(member) => self.call(home, member),
            Output::Admit(members) => self.admit(home, members),
            Output::Restart => {
                self.stop(home);
                self.start(home);
            }
            Output::Halt(halt) => {
                self.homes[home].halted = Some(*halt);
                self.stop(home);
            }
            Output::Persist(_) | Output::Event(_) => {}
        }
    }

    /// The household's driver calls another one, which takes some messages back and forth.
    fn call(&mut self, home: usize, member: &MemberKey) {
        if let Some(other) = self.number(member) {
            let shakes_hands_for = self.faults.longest_delay.max(self.shortest_delay) * HANDSHAKE;
            self.queue.push(self.now.after(shakes_hands_for), Event::Answers { home, other });
        }
    }

    /// From now on the household's driver lets in these, and nobody else.
    fn admit(&mut self, home: usize, members: &[MemberKey]) {
        let mut admits = vec![false; self.homes.len()];
        for other in members.iter().filter_map(|member| self.number(member)) {
            admits[other] = true;
        }
        let before = std::mem::replace(&mut self.homes[home].admits, admits);
        for (other, was_in) in before.into_iter().enumerate() {
            match (was_in, self.homes[home].admits[other]) {
                (false, true) => self.connect(home, other),
                (true, false) => self.disconnect(home, other),
                _ => {}
            }
        }
    }

    /// Gossips to the neighbours in the mesh.
    fn spread(&mut self, from: usize, source: Option<usize>, parcel: &Parcel) {
        for index in 0..self.mesh[from].len() {
            let to = self.mesh[from][index];
            if Some(to) != source {
                self.send(from, to, parcel, |from, parcel| Incoming::Gossip { from, parcel });
            }
        }
    }

    fn send_message(&mut self, from: usize, to: &MemberKey, message: &Message) {
        if let Some(to) = self.number(to) {
            let parcel = Parcel::new(message.encode(), Cargo::of(message));
            self.trace.number(parcel.print);
            self.send(from, to, &parcel, |from, parcel| Incoming::Message { from, parcel });
        }
    }

    pub(super) fn send(&mut self, from: usize, to: usize, parcel: &Parcel, as_what: fn(usize, Parcel) -> Incoming) {
        let mut fate = Random::new(self.random.number() ^ parcel.print);
        let link = *self.links.get(from, to);
        if !link.connected {
            return;
        }
        let copies = if fate.chance(self.faults.repeat) { 2 } else { 1 };
        let spread = self.faults.longest_delay.saturating_sub(self.shortest_delay);
        for _ in 0..copies {
            let lost = fate.chance(self.faults.loss);
            let extra = fate.below(u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).saturating_add(1));
            let at = self.now.max(link.clogged_until).after(self.shortest_delay + Duration::from_millis(extra));
            if !lost && link.cuts == 0 {
                let incoming = as_what(from, parcel.clone());
                let life = self.homes[to].life;
                self.traffic.count(parcel.cargo, parcel.bytes.len());
                self.queue.push(at, Event::Comes { to, life, sent_by: Some(from), incoming });
            }
        }
    }
}

impl Turn {
    /// News that its owner was told.
    pub fn news(&self) -> impl Iterator<Item = &News> {
        self.outputs.iter().filter_map(|output| match output {
            Output::Event(news) => Some(news),
            _ => None,
        })
    }
}

/// Notes what became durable: by the names of what is signed, since those tell all that it says.
fn note(record: &Record, trace: &mut super::trace::Trace) {
    match record {
        Record::Incarnation(own) => trace.number(own.nonce),
        Record::Entry(entry) => trace.bytes(&entry.hash()),
        Record::LogStart(start) => {
            trace.bytes(&start.log.author.0);
            trace.number(start.log.incarnation.nonce);
            trace.number(start.seq);
        }
        Record::Governance(record) => trace.bytes(&record.id.0),
        Record::Beacon(beacon) | Record::Fence(beacon) => trace.bytes(&beacon.hash()),
        Record::Request(request) => {
            trace.bytes(&request.id.0);
            trace.number(request.filled.0.unsigned_abs());
            trace.number(request.in_doubt.0.unsigned_abs());
        }
        Record::Reservation(reservation) => trace.bytes(&reservation.proposal.hash()),
        Record::Released(id) => trace.bytes(&id.0),
        Record::Forgotten(id) => {
            trace.number(1);
            trace.bytes(&id.0);
        }
        Record::Refusal { refusal, .. } => trace.bytes(&refusal.hash()),
        Record::Trade(own) => {
            trace.bytes(&own.trade.id().0);
            trace.bytes(&own.trade.acceptance.hash());
            trace.number(u64::from(own.provisional));
        }
        Record::Proof { key, .. } => trace.bytes(&key.0),
        Record::Reading(reading) => trace.bytes(format!("{reading:?}").as_bytes()),
        Record::Autopilot(settings) => trace.bytes(format!("{settings:?}").as_bytes()),
    }
}
