//! Runs the model checker over a scenario and says what it saw.

use std::collections::BTreeSet;
use std::sync::Arc;

use stateright::{Checker as _, HasDiscoveries, Model as _};

use super::properties::Mark;
use super::scenario::{Bounds, Scenario};
use super::words::words;
use super::world::{ALWAYS, AT_REST, Violation, World};

/// What a search saw.
#[derive(Debug)]
pub struct Outcome {
    /// States that were come to, each as often as it was; beyond the last action that the bounds allow, too.
    pub visited: usize,
    /// Different states in which it was looked at whether everything holds.
    pub unique: usize,
    /// Actions of the longest path that was looked at, among the shortest to each state.
    pub depth: usize,
    /// Households, as they are between two turns, that were met.
    pub households: usize,
    /// Turns that were run: each once, however many paths contain it.
    pub turns: usize,
    /// What happened on some path.
    pub reached: BTreeSet<Mark>,
    /// Whether every state within the bounds was seen.
    pub is_complete: bool,
    /// What does not hold, if anything.
    pub found: Option<Found>,
}

/// A violation, and how it comes to that.
#[derive(Debug)]
pub struct Found {
    /// What.
    pub violation: Violation,
    /// The shortest path to it, in words.
    pub path: Vec<String>,
}

/// Looks at every interleaving of a scenario within bounds, the shortest paths first; it stops before it has seen
/// everything once it has come to `most` states, if there is such a limit.
///
/// # Panics
/// If the search's own thread does, which is a bug of the search.
#[must_use]
pub fn search(scenario: &Scenario, bounds: Bounds, most: Option<usize>) -> Outcome {
    let scenario = Arc::new(scenario.clone());
    let world = World::new(&scenario, bounds);
    let mut builder = world.checker().finish_when(HasDiscoveries::AnyFailures);
    if let Some(depth) = bounds.depth {
        // It counts states, the first one too, and looks at none at the limit.
        builder = builder.target_max_depth(depth + 2);
    }
    if let Some(most) = most {
        builder = builder.target_state_count(most);
    }
    let checker = builder.spawn_bfs().join();
    let world = checker.model();
    let found = world.found().map(|violation| {
        let path = [ALWAYS, AT_REST].into_iter().find_map(|property| checker.discovery(property));
        let steps = path.map(|path| path.into_vec()).unwrap_or_default();
        let atlas = world.atlas();
        let steps = steps.iter().filter_map(|(state, action)| Some((state, action.as_ref()?)));
        Found { violation, path: steps.map(|(state, action)| words(&scenario, &atlas, state, action)).collect() }
    });
    let atlas = world.atlas();
    let (households, turns) = atlas.size();
    let depth = checker.max_depth().saturating_sub(1);
    let depth = bounds.depth.map_or(depth, |most| depth.min(most));
    Outcome {
        visited: checker.state_count(),
        unique: world.looked_at(),
        depth,
        households,
        turns,
        reached: atlas.verdicts.values().flat_map(|verdict| verdict.marks.iter().copied()).collect(),
        is_complete: found.is_none() && most.is_none_or(|most| checker.state_count() < most),
        found,
    }
}
