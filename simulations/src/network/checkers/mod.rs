//! What must always hold (`docs/protocol.md`, section 7), one checker a file, run while a simulation goes on.
//!
//! A checker looks at what households made durable and said, never at what they believe. What all of them need to know,
//! the [`Chronicle`] notes in the plainest way: it shares no code with the protocol's own fold.

mod answers;
mod both_hold;
mod bound;
mod bounds;
pub(crate) mod chronicle;
mod contradictions;
mod convictions;
mod dealings;
mod final_slots;
mod limits;
pub(crate) mod one_history;
mod overfill;
mod price;
mod readings;
mod releases;
mod reported;
pub(crate) mod said;
mod same_book;
mod same_set;
mod statements;
mod sums;

use std::collections::BTreeMap;

pub use self::chronicle::Chronicle;
use super::street::Street;
use super::turn::Turn;

/// Watches a street for one thing that must hold.
pub trait Checker {
    /// What it is called in reports: the name of its file.
    fn name(&self) -> &'static str;

    /// A household has ended a turn, which the chronicle knows already.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn after_turn(&mut self, _seen: &Chronicle, _street: &mut Street, _turn: &Turn) -> Result<(), String> {
        Ok(())
    }

    /// All faults have ended and the street has come to rest.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn at_rest(&mut self, _seen: &Chronicle, _street: &mut Street) -> Result<(), String> {
        Ok(())
    }

    /// All slots are over, and the time until nothing of them counts any more.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn when_all_is_over(&mut self, _seen: &Chronicle, _street: &mut Street) -> Result<(), String> {
        Ok(())
    }
}

/// What a checker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which checker.
    pub checker: &'static str,
    /// What is wrong.
    pub what: String,
}

/// All checkers with what they need to know.
pub struct Checkers {
    chronicle: Chronicle,
    checkers: Vec<Box<dyn Checker>>,
}

impl Checkers {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(street: &Street) -> Self {
        let checkers: Vec<Box<dyn Checker>> = vec![
            Box::new(overfill::Overfill),
            Box::new(bound::Bound::default()),
            Box::new(reported::Reported::default()),
            Box::new(releases::Releases::default()),
            Box::new(answers::Answers::default()),
            Box::new(said::Said),
            Box::new(price::Prices),
            Box::new(limits::Limits::default()),
            Box::new(readings::Readings::default()),
            Box::new(one_history::OneHistory::default()),
            Box::new(convictions::Convictions),
            Box::new(contradictions::Contradictions),
            Box::new(dealings::Dealings::default()),
            Box::new(bounds::Bounds),
            Box::new(same_book::SameBook::default()),
            Box::new(same_set::SameSet),
            Box::new(both_hold::BothHold),
            Box::new(sums::Sums),
            Box::new(final_slots::FinalSlots::default()),
            Box::new(statements::Statements),
        ];
        Self { chronicle: Chronicle::new(street.charter_id(), street.charter()), checkers }
    }

    /// What was seen.
    #[must_use]
    pub fn chronicle(&self) -> &Chronicle {
        &self.chronicle
    }

    /// A household has ended a turn.
    ///
    /// # Errors
    /// The first violation.
    pub fn after_turn(&mut self, street: &mut Street, turn: &Turn) -> Result<(), Violation> {
        let is_honest = street.is_honest(turn.home);
        self.chronicle.note(turn.home, street.key(turn.home), is_honest, &turn.records);
        if !is_honest {
            return Ok(());
        }
        self.each(|checker, seen| checker.after_turn(seen, street, turn))
    }

    /// The street has come to rest.
    ///
    /// # Errors
    /// The first violation.
    pub fn at_rest(&mut self, street: &mut Street) -> Result<(), Violation> {
        self.each(|checker, seen| checker.at_rest(seen, street))
    }

    /// Nothing counts any more.
    ///
    /// # Errors
    /// The first violation.
    pub fn when_all_is_over(&mut self, street: &mut Street) -> Result<(), Violation> {
        self.each(|checker, seen| checker.when_all_is_over(seen, street))
    }

    fn each(
        &mut self,
        mut check: impl FnMut(&mut dyn Checker, &Chronicle) -> Result<(), String>,
    ) -> Result<(), Violation> {
        for checker in &mut self.checkers {
            check(&mut **checker, &self.chronicle).map_err(|what| Violation { checker: checker.name(), what })?;
        }
        Ok(())
    }
}

/// Notices that a household's disk was replaced by an older one: what it knew is gone, and comes back bit by bit.
#[derive(Default)]
struct Restores(BTreeMap<usize, u32>);

impl Restores {
    /// Whether it was since the last call.
    fn is_new(&mut self, street: &Street, home: usize) -> bool {
        let restores = street.restores(home);
        self.0.insert(home, restores).unwrap_or(0) != restores
    }
}

/// An error with this text unless it holds.
fn require(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
