//! One run from one seed: people act and things go wrong, then everything heals, and checkers watch all of it.

use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::checkers::{Checkers, Violation};
use super::founding;
use super::options::{Options, Trouble};
use super::people::Person;
use super::random::Random;
use super::settlements::books;
use super::street::{Faults, Step, Street};
use super::troubles::{End, Later, Troubles};

/// Members start within this time of each other.
const STARTS_WITHIN: u64 = 2_000;
/// After a fault ended, households need no longer than this until they agree: a summary (15 s), what it shows to be
/// missing, in ranges that may be asked of somebody who is gone (10 s each), and a beacon (10 s) that ends the last doubt.
const AGREE_WITHIN: Duration = Duration::from_secs(120);
/// From one look at whether they agree to the next.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From when the gates closed until nothing that is said of the slots counts any more, and logs may be cut.
const UNTIL_ALL_IS_OVER: Duration = Duration::from_secs(3 * 24 * 3600);
/// After such a jump households have heard each other's clocks again, and have done what was due.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);
/// An eclipse begins when its victim has found the others.
const ECLIPSED_AFTER: Duration = Duration::from_secs(20);
/// Logs are kept this long: the least that the protocol allows.
const KEEP_LOGS: Duration = Duration::from_secs(24 * 3600);

/// Something that the simulation itself does at a time.
enum Call {
    /// The people of this household do something.
    Act(usize),
    /// Its meter is read.
    Read(usize),
    /// Something goes wrong.
    Trouble(Trouble),
    /// What went wrong is over.
    End(End),
}

/// A run that goes on.
pub struct Simulation {
    options: Options,
    street: Street,
    people: Vec<Person>,
    troubles: Troubles,
    checkers: Checkers,
    calls: BTreeMap<u64, Call>,
    next_call: u64,
    /// Things that people or troubles did.
    steps: u64,
    most_steps: u64,
    healed: bool,
    settled: usize,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Fingerprint of all that happened.
    pub trace_hash: u64,
    /// Events of the heap.
    pub events: u64,
    /// Things that people or troubles did.
    pub steps: u64,
    /// Households, times how long the run lasted.
    pub household_time: Duration,
    /// Entries that were written.
    pub entries: u64,
    /// Trades that were agreed.
    pub trades: usize,
    /// Slots that were settled, by all members together: final, traded in, and counted by the meters.
    pub settled: usize,
    /// Cheats that every honest member had convicted at the end.
    pub convicted: usize,
    /// What was found, if anything.
    pub finding: Option<Finding>,
}

/// Something that must not happen, and when it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub violation: Violation,
    /// After how many steps.
    pub step: u64,
    /// After how many events.
    pub event: u64,
    /// Since the start.
    pub after: Duration,
}

/// Runs a seed's options to the end; people and troubles do nothing after `most_steps`.
#[must_use]
pub fn run(options: &Options, most_steps: u64) -> Outcome {
    wattswap_node::protocol::memo::remember();
    let mut simulation = Simulation::new(options.clone(), most_steps);
    let started = simulation.street.now;
    let violation = simulation.run_or_panic().err();
    let after = simulation.street.now.since(started);
    let (steps, events) = (simulation.steps, simulation.street.events());
    let homes = u32::try_from(options.homes).expect("a street has fewer homes");
    let convicted = simulation.street.convicted();
    let chronicle = simulation.checkers.chronicle();
    Outcome {
        trace_hash: simulation.street.trace_hash(),
        events,
        steps,
        household_time: after.min(options.lasts + AGREE_WITHIN) * homes,
        entries: chronicle.entries,
        trades: chronicle.trades.len(),
        settled: simulation.settled,
        convicted,
        finding: violation.map(|violation| Finding { violation, step: steps, event: events, after }),
    }
}

impl Simulation {
    fn new(options: Options, most_steps: u64) -> Self {
        let mut street = found(&options);
        set_cheats(&options, &mut street);
        let mut seeds = Random::new(options.seed ^ 0x9e0_97e);
        let person = |home| {
            let random = Random::new(seeds.number());
            Person::new(home, options.act_every, home < options.autopilots, random)
        };
        let people = (0..options.homes).map(person).collect();
        let (troubles, checkers) = (Troubles::new(&options), Checkers::new(&street));
        let calls = BTreeMap::new();
        Self {
            options,
            street,
            people,
            troubles,
            checkers,
            calls,
            next_call: 0,
            steps: 0,
            most_steps,
            healed: false,
            settled: 0,
        }
    }

    /// A panic of the protocol is a finding too.
    fn run_or_panic(&mut self) -> Result<(), Violation> {
        let run = std::panic::AssertUnwindSafe(|| self.run_to_the_end());
        std::panic::catch_unwind(run).unwrap_or_else(|panic| {
            let text = words_of(&*panic);
            Err(Violation { checker: "panic", what: format!("the protocol or the simulator panicked: {text}") })
        })
    }

    fn run_to_the_end(&mut self) -> Result<(), Violation> {
        self.begin();
        let end = self.street.now.after(self.options.lasts);
        self.run_until(end)?;
        self.heal();
        self.come_to_rest()?;
        self.checkers.at_rest(&mut self.street)?;
        self.let_all_be_over()
    }

    fn begin(&mut self) {
        self.troubles.set_clocks(&mut self.street);
        let mut random = Random::new(self.options.seed ^ 0x57a2);
        for home in 0..self.options.homes - self.options.joining {
            self.call_in(Duration::from_millis(random.below(STARTS_WITHIN)), Call::End(End::Start(home)));
        }
        for home in 0..self.options.homes {
            let pause = self.people[home].pause();
            self.call_in(pause, Call::Act(home));
            self.call_in(Person::reading_pause(self.options.slot_length), Call::Read(home));
        }
        for trouble in self.options.troubles.keys().copied().collect::<Vec<_>>() {
            let pause = self.troubles.pause(trouble);
            self.call_in(pause, Call::Trouble(trouble));
        }
        if let Some(links) = self.street.eclipsed_links() {
            self.call_in(ECLIPSED_AFTER, Call::End(End::Cut(links)));
        }
    }

    fn call_in(&mut self, pause: Duration, call: Call) {
        self.next_call += 1;
        self.calls.insert(self.next_call, call);
        self.street.call_at(self.street.now.after(pause), self.next_call);
    }

    fn run_until(&mut self, end: UtcMillis) -> Result<(), Violation> {
        while let Some(step) = self.street.step(end) {
            if let Some(home) = self.street.sleepless() {
                let what = format!("home {home} asks to be woken again and again at one instant");
                return Err(Violation { checker: "bounds", what });
            }
            match step {
                Step::Nothing => {}
                Step::Turn(turn) => {
                    turn.news().for_each(|news| self.people[turn.home].hear(news));
                    self.checkers.after_turn(&mut self.street, &turn)?;
                }
                Step::Call(name) => self.called(name),
            }
        }
        Ok(())
    }

    fn called(&mut self, name: u64) {
        let Some(call) = self.calls.remove(&name).filter(|_| !self.healed) else { return };
        match call {
            Call::End(end) => {
                let later = self.troubles.end(end, &mut self.street);
                self.call_all_in(later);
            }
            _ if self.steps >= self.most_steps => {}
            Call::Act(home) => {
                self.steps += 1;
                self.people[home].act(&mut self.street);
                let pause = self.people[home].pause();
                self.call_in(pause, Call::Act(home));
            }
            Call::Read(home) => {
                self.steps += 1;
                self.people[home].read_meter(&mut self.street);
                self.call_in(Person::reading_pause(self.options.slot_length), Call::Read(home));
            }
            Call::Trouble(trouble) => {
                self.steps += 1;
                self.trouble(trouble);
                let pause = self.troubles.pause(trouble);
                self.call_in(pause, Call::Trouble(trouble));
            }
        }
    }

    fn trouble(&mut self, trouble: Trouble) {
        if trouble == Trouble::Burst {
            let home = self.troubles.who(trouble, self.options.homes);
            return self.people[home].burst(&mut self.street);
        }
        let later = self.troubles.happen(trouble, &mut self.street);
        self.call_all_in(later);
    }

    fn call_all_in(&mut self, later: Later) {
        later.into_iter().for_each(|(pause, end)| self.call_in(pause, Call::End(end)));
    }

    /// Nothing goes wrong any more, and nobody wants anything new.
    fn heal(&mut self) {
        self.healed = true;
        self.street.end_cheating();
        self.troubles.repair_all(&mut self.street);
        self.street.heal();
        for person in &mut self.people {
            person.rest(&mut self.street);
        }
    }

    /// Until they agree, but for no longer than they may take.
    fn come_to_rest(&mut self) -> Result<(), Violation> {
        let latest = self.street.now.after(AGREE_WITHIN);
        loop {
            self.run_until(self.street.now.after(LOOK_EVERY))?;
            if self.street.now >= latest || self.street.is_agreed().is_ok() {
                return Ok(());
            }
        }
    }

    /// Days later everything is over. They go on, and days after that logs are without their beginnings: from those all
    /// start, and agree again.
    fn let_all_be_over(&mut self) -> Result<(), Violation> {
        self.let_days_pass()?;
        self.settled = self.settle();
        self.go_on()?;
        self.let_days_pass()?;
        for home in (0..self.options.homes).filter(|home| self.street.is_running(*home)).collect::<Vec<_>>() {
            self.street.stop(home);
            self.street.start(home);
        }
        self.go_on()?;
        self.checkers.at_rest(&mut self.street)
    }

    fn go_on(&mut self) -> Result<(), Violation> {
        self.run_until(self.street.now.after(SETTLES_WITHIN))?;
        for person in &mut self.people {
            person.go_on(&mut self.street);
        }
        self.come_to_rest()
    }

    fn let_days_pass(&mut self) -> Result<(), Violation> {
        self.street.now = self.street.now.after(UNTIL_ALL_IS_OVER);
        self.run_until(self.street.now.after(SETTLES_WITHIN))?;
        self.checkers.when_all_is_over(&mut self.street)
    }

    fn settle(&mut self) -> usize {
        let chronicle = self.checkers.chronicle();
        let books = (0..self.options.homes).filter_map(|home| books(&mut self.street, home, chronicle));
        books.map(|books| books.settled.len()).sum()
    }
}

/// What a panic said.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// Those members that cheat, never the operator.
fn set_cheats(options: &Options, street: &mut Street) {
    let last = options.homes - options.joining - 1;
    for (number, kind) in options.cheats.iter().enumerate() {
        street.make_cheat(last - number, *kind, options.seed ^ number as u64);
    }
}

/// The street of a run, on which nobody runs yet.
fn found(options: &Options) -> Street {
    let shape = wattswap_node::protocol::charter::Shape {
        slot_length: options.slot_length,
        opening: options.opening,
        gate_millis: options.gate_millis,
        fees: if options.fees { vec![founding::grid_fee()] } else { Vec::new() },
        ..founding::usual_shape()
    };
    let members = options.homes - options.joining;
    let amend = |charter: &mut wattswap_node::protocol::charter::Charter| {
        charter.clock_skew = options.clock_skew;
        charter.proposal_lifetime = options.proposal_lifetime;
    };
    let mut street = Street::founded(options.homes, members, shape, amend, options.seed);
    let (loss, repeat, longest_delay) = (options.loss, options.repeat, options.longest_delay);
    street.faults = Faults { loss, repeat, longest_delay };
    street.shortest_delay = options.shortest_delay;
    street.notice_after = options.notice_after;
    street.keep_logs = KEEP_LOGS;
    street
}
