//! Plays what happens in a street: turns, and the messages that come at once because of them.

use std::collections::VecDeque;
use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::atlas::{Atlas, Cue, HomeId, Incoming, LetterId};
use super::home::Crash;
use super::message::Pace;
use super::world::State;

/// After faults ended, households need no longer than this until they agree; as in the random simulations.
const AGREE_WITHIN: Duration = Duration::from_secs(120);
/// Wakes until a street comes to rest: more are a loop that makes no progress.
const MAX_WAKES: usize = 10_000;

/// Which messages come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivers {
    /// Those whose pace says so.
    ByPace,
    /// All, in the order in which they were sent.
    All,
}

/// A street in which something happens.
pub struct Play<'a> {
    pub atlas: &'a mut Atlas,
    pub state: State,
    /// The true time.
    pub now: UtcMillis,
    pub delivers: Delivers,
    restarting: VecDeque<usize>,
}

impl<'a> Play<'a> {
    /// Goes on from a state at this time.
    pub fn new(atlas: &'a mut Atlas, state: State, now: UtcMillis, delivers: Delivers) -> Self {
        Self { atlas, state, now, delivers, restarting: VecDeque::new() }
    }
}

impl Play<'_> {
    /// What a household's clock shows.
    pub fn wall(&self, home: usize) -> UtcMillis {
        UtcMillis(self.now.0.saturating_add_signed(self.state.clocks[home]))
    }

    /// Whether a household's process runs.
    pub fn runs(&self, home: usize) -> bool {
        self.atlas.home(self.state.homes[home]).home.household.is_some()
    }

    /// A household has a turn, and may crash in it.
    pub fn turn(&mut self, home: usize, cue: Cue, crash: Option<Crash>) {
        let sent = self.one_turn(home, cue, crash);
        self.deliver(sent, false);
        self.start_again();
    }

    /// A message is on its way no more.
    pub fn take_off(&mut self, letter: LetterId) {
        if let Ok(place) = self.state.letters.binary_search(&letter) {
            self.state.letters.remove(place);
        }
    }

    /// A household's process starts; its neighbours see the old connection break and a new one open.
    pub fn start(&mut self, home: usize) {
        let mut sent = self.one_turn(home, Cue::Start, None);
        for other in (0..self.state.homes.len()).filter(|other| *other != home) {
            if self.runs(other) {
                sent.extend(self.one_turn(home, Cue::One(Incoming::Connected(other)), None));
                sent.extend(self.one_turn(other, Cue::One(Incoming::Disconnected(home)), None));
                sent.extend(self.one_turn(other, Cue::One(Incoming::Connected(home)), None));
            }
        }
        self.deliver(sent, true);
        self.start_again();
    }

    /// Those that asked for it begin again. Connections stay, so that their neighbours notice nothing.
    fn start_again(&mut self) {
        while let Some(home) = self.restarting.pop_front() {
            let mut sent = self.one_turn(home, Cue::Start, None);
            for other in (0..self.state.homes.len()).filter(|other| *other != home) {
                if self.runs(other) {
                    sent.extend(self.one_turn(home, Cue::One(Incoming::Connected(other)), None));
                }
            }
            self.deliver(sent, true);
        }
    }

    fn one_turn(&mut self, home: usize, cue: Cue, crash: Option<Crash>) -> VecDeque<LetterId> {
        let done = self.atlas.turn(self.state.homes[home], self.wall(home), cue, crash);
        self.state.homes[home] = done.home;
        // Until it is answered, an owner asks again.
        self.state.deeds[home] += usize::from(done.replied);
        if done.restarts {
            self.restarting.push_back(home);
        }
        done.sent.iter().copied().collect()
    }

    /// Sends messages on their way; some come at once, with all that comes of them.
    fn deliver(&mut self, mut sent: VecDeque<LetterId>, is_greeting: bool) {
        while let Some(letter) = sent.pop_front() {
            let to = self.atlas.letter(letter).to;
            if !self.runs(to) {
                continue;
            }
            let at_once = match self.atlas.pace(letter) {
                _ if self.delivers == Delivers::All => true,
                Pace::AtOnce => true,
                Pace::AtOnceInGreeting => is_greeting,
                Pace::Whenever => false,
            };
            if at_once {
                sent.extend(self.one_turn(to, Cue::One(Incoming::Letter(letter)), None));
            } else {
                let place = self.state.letters.partition_point(|other| *other < letter);
                self.state.letters.insert(place, letter);
            }
        }
    }

    /// What has not come by now is lost, clocks are right, whoever is down starts, and from now on every message comes.
    /// It is good once both logs hold every trade and nobody is in doubt; else what is missing.
    pub fn come_to_rest(&mut self) -> Result<(), String> {
        self.state.letters.clear();
        self.state.clocks.fill(0);
        self.delivers = Delivers::All;
        let end = self.now.after(AGREE_WITHIN);
        for home in 0..self.state.homes.len() {
            if !self.runs(home) {
                self.start(home);
            }
        }
        for _ in 0..MAX_WAKES {
            let Err(missing) = self.atlas.at_rest(&self.state.homes) else { return Ok(()) };
            let deadline = |home: &HomeId| self.atlas.home(*home).deadline;
            let next = self.state.homes.iter().filter_map(deadline).min().unwrap_or(end);
            if next >= end {
                return Err(missing);
            }
            self.now = self.now.max(next);
            for home in 0..self.state.homes.len() {
                let deadline = self.atlas.home(self.state.homes[home]).deadline;
                if deadline.is_some_and(|deadline| deadline <= self.now) {
                    self.turn(home, Cue::One(Incoming::Wake), None);
                }
            }
        }
        Err(format!("a household wakes {MAX_WAKES} times and gets nowhere"))
    }
}
