//! The street as a state machine for the model checker: which things may happen next, and what each leads to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stateright::{Model, Property};

use super::CLOCK_STEPS;
use super::atlas::{Atlas, Cue, DiskId, HomeId, Incoming, LetterId};
use super::home::Crash;
use super::play::{Delivers, Play};
use super::properties::{Broken, Verdict};
use super::scenario::{Bounds, Scenario};

/// What holds in every state.
pub const ALWAYS: &str = "always";
/// What holds once nothing goes wrong any more.
pub const AT_REST: &str = "at rest";

/// What is true at one moment of one path.
///
/// Households, disks and messages go by names that only equals share. So equal moments are one state, and different ones
/// are different states, but for a collision among the 64-bit fingerprints that stateright keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The households.
    pub homes: Vec<HomeId>,
    /// Messages on their way, ascending; one that was sent twice is there twice. What never comes is lost.
    pub letters: Vec<LetterId>,
    /// Which of the scenario's instants it is.
    pub instant: usize,
    /// Milliseconds by which each household's clock is ahead.
    pub clocks: Vec<i64>,
    /// How much of the scenario each owner has done.
    pub deeds: Vec<usize>,
    /// An older copy of each disk.
    pub copies: Vec<Option<DiskId>>,
    /// What may still go wrong.
    pub left: Bounds,
}

/// Something that may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A household has a turn, and may crash in it.
    Turn {
        /// Who.
        home: usize,
        /// What it gets to know.
        cue: Cue,
        /// Where it crashes.
        crash: Option<Crash>,
    },
    /// A message comes, and will come once more.
    Repeated(LetterId),
    /// A household that is down starts.
    Start(usize),
    /// Time passes until the next instant.
    Time,
    /// A household's clock steps by so many milliseconds.
    Clock {
        /// Whose.
        home: usize,
        /// How far.
        by: i64,
    },
    /// Somebody copies a household's disk.
    Copy(usize),
    /// The copy takes the disk's place; the household is down then.
    Restore(usize),
}

/// A scenario within its bounds.
pub struct World {
    scenario: Arc<Scenario>,
    bounds: Bounds,
    atlas: Mutex<Atlas>,
    first: State,
    /// The first state in which something does not hold.
    found: Mutex<Option<(State, Violation)>>,
    /// States in which everything was looked at so far.
    looked_at: AtomicUsize,
}

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which property.
    pub property: &'static str,
    /// What is wrong.
    pub what: String,
    /// States that were looked at before.
    pub states: usize,
}

impl World {
    /// The street once its households have met, and what is done before the search has been done.
    #[must_use]
    pub fn new(scenario: &Arc<Scenario>, bounds: Bounds) -> Self {
        let mut atlas = Atlas::new(Arc::clone(scenario));
        let homes = scenario.homes;
        let state = State {
            homes: (0..).take(homes).collect(),
            letters: Vec::new(),
            instant: 0,
            clocks: vec![0; homes],
            deeds: vec![0; homes],
            copies: vec![None; homes],
            left: bounds,
        };
        let mut play = Play::new(&mut atlas, state, scenario.begins(), Delivers::All);
        (0..homes).for_each(|home| play.start(home));
        for (home, deeds) in scenario.before.iter().enumerate() {
            (0..*deeds).for_each(|place| play.turn(home, Cue::One(Incoming::Deed(place)), None));
        }
        let first = play.state;
        Self {
            scenario: Arc::clone(scenario),
            bounds,
            atlas: Mutex::new(atlas),
            first,
            found: Mutex::new(None),
            looked_at: AtomicUsize::new(0),
        }
    }

    /// What was met so far.
    pub fn atlas(&self) -> MutexGuard<'_, Atlas> {
        self.atlas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first violation.
    #[must_use]
    pub fn found(&self) -> Option<Violation> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().map(|(_, violation)| violation.clone())
    }

    /// In how many states everything was looked at so far.
    pub fn looked_at(&self) -> usize {
        self.looked_at.load(Ordering::Relaxed)
    }

    /// Whether a property holds here. Only the first violation counts: the path to it is the shortest.
    fn holds(&self, state: &State, broken: impl FnOnce() -> Option<Broken>) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((first, _)) = &*found {
            return first != state;
        }
        let Some((property, what)) = broken() else { return true };
        *found = Some((state.clone(), Violation { property, what, states: self.looked_at() }));
        false
    }

    fn play<'a>(&self, atlas: &'a mut Atlas, state: &State) -> Play<'a> {
        let now = self.scenario.instant(state.instant);
        Play::new(atlas, state.clone(), now, Delivers::ByPace)
    }

    /// What all that was written and said so far comes to.
    #[must_use]
    pub fn verdict(&self, state: &State) -> Arc<Verdict> {
        let mut atlas = self.atlas();
        let known = atlas.verdicts.get(&state.homes).cloned();
        known.unwrap_or_else(|| {
            let verdict = Arc::new(atlas.judge(&state.homes));
            atlas.verdicts.insert(state.homes.clone(), Arc::clone(&verdict));
            verdict
        })
    }

    /// What is missing although nothing goes wrong any more; asked where the scenario's time is over.
    #[must_use]
    pub fn unrest(&self, state: &State) -> Option<Broken> {
        if state.instant + 1 < self.instants() {
            return None;
        }
        let mut atlas = self.atlas();
        let known = atlas.rests.get(&state.homes).cloned();
        known.unwrap_or_else(|| {
            let mut play = self.play(&mut atlas, state);
            let missing = play.come_to_rest().err().map(|missing| ("both_hold", missing));
            let homes = play.state.homes;
            // What went wrong on the way says more than what is missing because of it.
            let unrest = atlas.judge(&homes).broken.or(missing);
            atlas.rests.insert(state.homes.clone(), unrest.clone());
            unrest
        })
    }

    fn instants(&self) -> usize {
        self.bounds.instants.min(self.scenario.instants.len())
    }

    fn turns(&self, play: &mut Play<'_>, home: usize, actions: &mut Vec<Action>) {
        let mut incoming: Vec<Incoming> = Vec::new();
        let deed = play.state.deeds[home];
        if play.atlas.can_do(play.state.homes[home], deed) {
            incoming.push(Incoming::Deed(deed));
        }
        let mut letters = play.state.letters.clone();
        letters.dedup();
        letters.retain(|letter| play.atlas.letter(*letter).to == home);
        incoming.extend(letters.iter().map(|letter| Incoming::Letter(*letter)));
        let mut cues: Vec<Cue> = Vec::new();
        if play.state.left.pairs > 0 {
            let others = |first: Incoming| incoming.iter().filter(move |second| **second != first);
            cues.extend(incoming.iter().flat_map(|first| others(*first).map(|second| Cue::Two(*first, *second))));
        }
        let deadline = play.atlas.home(play.state.homes[home]).deadline;
        if deadline.is_some_and(|deadline| deadline <= play.wall(home)) {
            incoming.push(Incoming::Wake);
        }
        cues.extend(incoming.into_iter().map(Cue::One));
        for cue in cues {
            actions.push(Action::Turn { home, cue, crash: None });
            if play.state.left.crashes > 0 {
                let done = play.atlas.turn(play.state.homes[home], play.wall(home), cue, None);
                actions.extend(done.crashes.iter().map(|crash| Action::Turn { home, cue, crash: Some(*crash) }));
            }
        }
        if play.state.left.repeats > 0 {
            actions.extend(letters.into_iter().map(Action::Repeated));
        }
    }

    fn mishaps(&self, play: &Play<'_>, home: usize, actions: &mut Vec<Action>) {
        let left = play.state.left;
        if left.clock_steps > 0 {
            actions.extend(CLOCK_STEPS.map(|by| Action::Clock { home, by }));
        }
        if left.restores > 0 {
            let disk = play.atlas.home(play.state.homes[home]).disk;
            match play.state.copies[home] {
                None => actions.push(Action::Copy(home)),
                Some(copy) if copy != disk => actions.push(Action::Restore(home)),
                Some(_) => {}
            }
        }
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.first.clone()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut atlas = self.atlas();
        let mut play = self.play(&mut atlas, state);
        for home in 0..state.homes.len() {
            if play.runs(home) {
                self.turns(&mut play, home, actions);
            } else {
                actions.push(Action::Start(home));
            }
            self.mishaps(&play, home, actions);
        }
        if state.instant + 1 < self.instants() {
            actions.push(Action::Time);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut atlas = self.atlas();
        let mut play = self.play(&mut atlas, before);
        match action {
            Action::Turn { home, cue, crash } => {
                for incoming in cue.incoming() {
                    if let Incoming::Letter(letter) = incoming {
                        play.take_off(letter);
                    }
                }
                play.state.left.pairs -= u8::from(matches!(cue, Cue::Two(..)));
                play.state.left.crashes -= u8::from(crash.is_some());
                play.turn(home, cue, crash);
            }
            Action::Repeated(letter) => {
                let home = play.atlas.letter(letter).to;
                play.state.left.repeats -= 1;
                play.turn(home, Cue::One(Incoming::Letter(letter)), None);
            }
            Action::Start(home) => play.start(home),
            Action::Time => play.state.instant += 1,
            Action::Clock { home, by } => {
                play.state.left.clock_steps -= 1;
                play.state.clocks[home] += by;
            }
            Action::Copy(home) => play.state.copies[home] = Some(play.atlas.home(before.homes[home]).disk),
            Action::Restore(home) => {
                play.state.left.restores -= 1;
                if let Some(copy) = play.state.copies[home].take() {
                    play.turn(home, Cue::Restore(copy), None);
                }
            }
        }
        Some(play.state).filter(|after| after != before)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ALWAYS, |world, state| {
                world.looked_at.fetch_add(1, Ordering::Relaxed);
                world.holds(state, || world.verdict(state).broken.clone())
            }),
            Property::always(AT_REST, |world, state| world.holds(state, || world.unrest(state))),
        ]
    }
}
