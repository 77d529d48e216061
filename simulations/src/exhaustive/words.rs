//! A path in words, for people.

use super::atlas::{Atlas, Cue, Incoming};
use super::home::Crash;
use super::scenario::{Deed, Scenario};
use super::world::{Action, State};

/// What an action does, in a line.
pub fn words(scenario: &Scenario, atlas: &Atlas, before: &State, action: &Action) -> String {
    match action {
        Action::Turn { home, cue, crash } => {
            let what = cue_words(scenario, atlas, *home, *cue);
            let crash = match crash {
                None => String::new(),
                Some(Crash::BeforePersist) => ", and crashes before that is durable".to_owned(),
                Some(Crash::AfterOutputs(0)) => ", and crashes when that is durable".to_owned(),
                Some(Crash::AfterOutputs(count)) => format!(", and crashes after {count} outputs"),
            };
            format!("home {home} {what}{crash}")
        }
        Action::Repeated(letter) => {
            let letter = atlas.letter(*letter);
            format!("home {} gets {}, which will come once more", letter.to, letter.words())
        }
        Action::Start(home) => format!("home {home} starts"),
        Action::Time => {
            let instants = &scenario.instants;
            format!("it is {} ms after the start", instants[before.instant + 1])
        }
        Action::Clock { home, by } => format!("the clock of home {home} steps by {by} ms"),
        Action::Copy(home) => format!("the disk of home {home} is copied"),
        Action::Restore(home) => format!("home {home} goes down, and the copy takes the place of its disk"),
    }
}

fn cue_words(scenario: &Scenario, atlas: &Atlas, home: usize, cue: Cue) -> String {
    let all: Vec<String> = cue.incoming().map(|incoming| incoming_words(scenario, atlas, home, incoming)).collect();
    match all.as_slice() {
        [one] => one.clone(),
        all => format!("in one turn {}", all.join(" and ")),
    }
}

fn incoming_words(scenario: &Scenario, atlas: &Atlas, home: usize, incoming: Incoming) -> String {
    match incoming {
        Incoming::Letter(letter) => format!("gets {}", atlas.letter(letter).words()),
        Incoming::Deed(place) => match &scenario.deeds[home][place] {
            Deed::Place(order) => {
                let side = format!("{:?}", order.side).to_lowercase();
                format!("wants to {side} {} Wh at {}", order.quantity, order.price)
            }
            Deed::Cancel(which) => format!("cancels what it wanted with number {which}"),
        },
        Incoming::Wake => "is woken by a deadline".to_owned(),
        Incoming::Connected(other) => format!("is connected to home {other}"),
        Incoming::Disconnected(other) => format!("is cut off from home {other}"),
    }
}
