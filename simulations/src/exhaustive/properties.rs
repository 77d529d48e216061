//! What must hold in every state, judged by what is durable and what was said, never by what households believe.
//!
//! Trades and orders are noted by the same chronicle that the random simulations use, which shares no code with the
//! protocol's fold.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::WattHours;
use wattswap_node::protocol::ids::LogId;

use crate::network::checkers::Chronicle;

use super::atlas::{Atlas, HomeId};

/// Something that has to happen on some path, so that a search is known to have looked at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A trade stands in a log.
    Traded,
    /// Both parties' logs hold a trade.
    BothHold,
    /// A proposal was refused.
    Refused,
    /// A proposal came too late to be answered.
    TooLate,
    /// A take was let go without a trade.
    LetGo,
    /// A household started again with a take in doubt.
    DoubtSurvived,
    /// A household goes on in a new log, since its disk was an old one.
    Restored,
    /// A maker has filled an order while a take of its own for it was in doubt.
    FilledInDoubt,
}

/// All of them, with their names.
pub const MARKS: [(Mark, &str); 8] = [
    (Mark::Traded, "a trade stands in a log"),
    (Mark::BothHold, "both logs hold a trade"),
    (Mark::Refused, "a proposal was refused"),
    (Mark::TooLate, "a proposal came too late"),
    (Mark::LetGo, "a take was let go"),
    (Mark::DoubtSurvived, "a take in doubt survived a crash"),
    (Mark::Restored, "an old disk was put back and its owner trades in a new log"),
    (Mark::FilledInDoubt, "an order was filled while its owner's take was in doubt"),
];

/// What does not hold: the checker of the random simulations that looks for the same, and what is wrong.
pub type Broken = (&'static str, String);

/// What was found of some households together.
pub struct Verdict {
    /// The first property that does not hold, and why.
    pub broken: Option<Broken>,
    /// What has happened.
    pub marks: BTreeSet<Mark>,
}

impl Atlas {
    /// What all that these households wrote and said comes to.
    pub fn chronicle(&self, homes: &[HomeId]) -> Chronicle {
        let mut seen = Chronicle::new(self.charter_id, self.charter.clone());
        for id in homes {
            let home = &self.home(*id).home;
            let records: Vec<_> = home.said.records().collect();
            seen.note(home.number, self.key(home.number), true, &records);
        }
        seen
    }

    /// Judges these households together.
    pub fn judge(&self, homes: &[HomeId]) -> Verdict {
        let seen = self.chronicle(homes);
        let broken = self.alone(homes).and_then(|()| overfill(&seen)).and_then(|()| bound(&seen));
        let broken = broken.and_then(|()| self.reported(homes, &seen)).and_then(|()| self.releases(homes, &seen));
        Verdict { broken: broken.err(), marks: self.marks(homes, &seen) }
    }

    /// What one household alone did wrong.
    fn alone(&self, homes: &[HomeId]) -> Result<(), Broken> {
        homes.iter().find_map(|id| self.home(*id).home.said.objection.clone()).map_or(Ok(()), Err)
    }

    /// 7.2: what was reported stands in the own log and, unless that was lost, on the disk.
    fn reported(&self, homes: &[HomeId], seen: &Chronicle) -> Result<(), Broken> {
        for id in homes {
            let home = &self.home(*id).home;
            for trade in &home.said.reported {
                let agreed = seen.trades.get(trade);
                let is_maker = |maker| maker == self.key(home.number);
                let held = agreed.is_some_and(|agreed| match is_maker(agreed.proposal.maker.author) {
                    true => seen.makers_counts(agreed),
                    false => seen.takers_counts(agreed),
                });
                let kept = home.disk.trades().get(trade).is_some_and(|own| !own.provisional);
                // The loss of a disk is another matter: then what the counterparty holds stands.
                if !(held && kept || home.said.was_restored) {
                    let number = home.number;
                    return Err(("reported", format!("trade {trade} was reported to home {number}, which lacks it")));
                }
            }
        }
        Ok(())
    }

    /// 5: who let go of a take is bound by it neither before nor after.
    fn releases(&self, homes: &[HomeId], seen: &Chronicle) -> Result<(), Broken> {
        for id in homes {
            let home = &self.home(*id).home;
            let bound = |trade: &&_| seen.trades.get(trade).is_some_and(|agreed| seen.binds(agreed));
            if let Some(trade) = home.said.let_go.iter().find(bound) {
                return Err(("releases", format!("home {} let go of trade {trade}, which binds", home.number)));
            }
        }
        Ok(())
    }

    /// 7.3, once all are connected and time has passed: both logs hold what binds, and nobody is in doubt.
    pub fn at_rest(&self, homes: &[HomeId]) -> Result<(), String> {
        let seen = self.chronicle(homes);
        for (trade, agreed) in seen.trades.iter().filter(|(_, agreed)| seen.binds(agreed)) {
            let lost = [agreed.proposal.maker, agreed.proposal.taker].iter().any(|log| self.is_given_up(homes, log));
            let (maker, taker) = (agreed.by_maker.is_some(), !agreed.by_taker.is_empty());
            // What a log held that its household lost, nobody can bring back.
            if !(maker && taker || lost) {
                return Err(format!("trade {trade} binds; the maker's log holds it: {maker}, the taker's: {taker}"));
            }
        }
        for id in homes {
            let home = &self.home(*id).home;
            if let Some(doubt) = home.disk.reservations().keys().next() {
                return Err(format!("home {} is still in doubt about {doubt}", home.number));
            }
        }
        Ok(())
    }

    /// Whether a log's author has lost its disk and goes on in another log.
    fn is_given_up(&self, homes: &[HomeId], log: &LogId) -> bool {
        let author = homes.iter().map(|id| &self.home(*id).home).find(|home| self.key(home.number) == log.author);
        author.is_some_and(|home| home.said.was_restored && home.disk.incarnation() != Some(log.incarnation))
    }

    fn marks(&self, homes: &[HomeId], seen: &Chronicle) -> BTreeSet<Mark> {
        let mut marks = BTreeSet::new();
        let mut mark = |mark, holds: bool| {
            if holds {
                marks.insert(mark);
            }
        };
        mark(Mark::Traded, !seen.trades.is_empty());
        mark(
            Mark::BothHold,
            seen.trades.values().any(|agreed| agreed.by_maker.is_some() && !agreed.by_taker.is_empty()),
        );
        for home in homes.iter().map(|id| &self.home(*id).home) {
            mark(Mark::Refused, home.said.answers.values().any(|answer| !answer.accepts));
            mark(Mark::TooLate, home.said.too_late);
            mark(Mark::LetGo, !home.said.let_go.is_empty());
            let is_back = home.starts > 1 && home.household.is_some();
            mark(Mark::DoubtSurvived, is_back && !home.disk.reservations().is_empty());
            let me = self.key(home.number);
            mark(Mark::Restored, seen.seals.iter().any(|sealed| sealed.end.log.author == me));
            let in_doubt: BTreeSet<_> =
                home.disk.reservations().values().filter_map(|doubt| doubt.proposal.own_order).collect();
            let filled = |order| seen.trades.values().any(|agreed| agreed.proposal.order == order);
            mark(Mark::FilledInDoubt, in_doubt.into_iter().any(filled));
        }
        marks
    }
}

/// 7.1: no order is filled beyond its quantity, by all logs together.
fn overfill(seen: &Chronicle) -> Result<(), Broken> {
    for (order, placed) in &seen.orders {
        if placed.filled > placed.order.quantity {
            let (filled, quantity) = (placed.filled, placed.order.quantity);
            return Err(("overfill", format!("{filled} are filled of order {order} over {quantity}")));
        }
    }
    Ok(())
}

/// 7.1: nobody is bound to more than it wished, by all logs together.
fn bound(seen: &Chronicle) -> Result<(), Broken> {
    let mut bound: BTreeMap<_, WattHours> = BTreeMap::new();
    for (trade, agreed) in seen.trades.iter().filter(|(_, agreed)| seen.binds(agreed)) {
        let quantity = agreed.acceptance.quantity;
        if quantity > agreed.proposal.up_to {
            return Err(("bound", format!("trade {trade} is over more than was proposed")));
        }
        for whose in seen.wishes_of(trade, agreed) {
            let Some(whose) = whose else { return Err(("bound", format!("trade {trade} serves nobody's wish"))) };
            let sum = bound.entry(whose).or_default();
            *sum += quantity;
            let wished = seen.wishes[&whose].quantity;
            if *sum > wished {
                return Err(("bound", format!("home {} is bound to {sum}, but wished {wished}", whose.0)));
            }
        }
    }
    Ok(())
}
