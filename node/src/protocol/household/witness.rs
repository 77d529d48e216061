//! Sees contradictions in what comes in, gathers the evidence from the store, and proves them to everybody.

use std::collections::BTreeSet;
use std::mem::discriminant;

use super::Household;
use super::io::{Output, Ticket, Verdict};
use crate::protocol::agreement::words::{Acceptance, Refusal};
use crate::protocol::entry::{Beacon, Entry, Fill, Op, Trade};
use crate::protocol::evidence::{self, overlap, up_to_good_signature};
use crate::protocol::ids::{Head, LogId, MemberKey};
use crate::protocol::limits::MAX_CHAIN;
use crate::protocol::message::{Answered, Bytes, Gossip, Proof};
use crate::protocol::signed::{Signed, Verified};

/// A contradiction, one side of which is still in the store.
#[derive(Clone, Debug)]
pub(super) enum Hunt {
    /// An entry that excludes one that is held, with its successors up to a good signature.
    Fork(Vec<Signed<Entry>>),
    /// A beacon that an entry breaks.
    BrokenBeacon(Verified<Beacon>),
    /// What was accepted of an order beyond its quantity; the entry that placed it is missing.
    Overfilled(MemberKey, Answered),
    /// What was accepted of an order after its cancel, which is missing.
    AcceptedAfterCancel(MemberKey, Answered),
    /// Entries of different logs of one author, and where to find more.
    TooManyLogs(MemberKey, Vec<Bytes>, Vec<Head>),
}

impl Hunt {
    fn suspect(&self) -> Option<MemberKey> {
        match self {
            Self::Fork(other) => other.first().map(|entry| entry.log.author),
            Self::BrokenBeacon(beacon) => Some(beacon.log.author),
            Self::Overfilled(author, _) | Self::AcceptedAfterCancel(author, _) | Self::TooManyLogs(author, ..) => {
                Some(*author)
            }
        }
    }
}

impl Household {
    /// Looks for contradictions between a new entry and what is known, before it is taken in.
    pub(super) fn examine(&mut self, entry: &Verified<Entry>) {
        if let Some(beacon) = self.logs.broken_by(entry).cloned() {
            self.hunt(Hunt::BrokenBeacon(beacon), entry.log, entry.seq);
        }
        let fills: Vec<&Fill> = entry.fills().collect();
        for (index, fill) in fills.iter().enumerate() {
            self.examine_fill(fill, &fills[..index]);
        }
    }

    /// An order may have been given away after a cancel that comes only now.
    pub(super) fn examine_cancels(&mut self, entry: &Verified<Entry>) {
        if entry.log.author == self.me {
            return;
        }
        let mut seen = BTreeSet::new();
        for op in &entry.ops {
            let Op::Cancel { order, .. } = op else { continue };
            // The first one closes it.
            let closed_here = self.fold.order(order).filter(|resting| resting.cancelled_in() == Some(entry.seq));
            let Some(book) = closed_here.filter(|_| seen.insert(*order)).map(|resting| resting.book) else { continue };
            let fills: Vec<Fill> = self.fold.trades_of(&book, *order).map(Trade::to_fill).collect();
            for fill in fills.iter().filter(|fill| fill.proposal.maker == entry.log) {
                self.examine_order(fill, &[]);
            }
        }
    }

    /// Entries that had to wait: when they came, nothing could be seen of what they say of orders.
    pub(super) fn examine_released(&mut self) {
        for entry in self.fold.take_released() {
            let fills: Vec<&Fill> = entry.fills().collect();
            for (index, fill) in fills.iter().enumerate() {
                self.examine_fill(fill, &fills[..index]);
            }
            self.examine_cancels(&entry);
        }
    }

    /// A beacon came after an entry that it denies.
    pub(super) fn examine_beacon(&mut self, beacon: &Verified<Beacon>) {
        if let Some(seq) = self.logs.breaks(beacon) {
            self.hunt(Hunt::BrokenBeacon(beacon.clone()), beacon.log, seq);
        }
    }

    /// Compares an acceptance with what its signer said before: of the proposal, and of the order.
    fn examine_fill(&mut self, fill: &Fill, before: &[&Fill]) {
        let (id, acceptance) = (fill.id(), &fill.acceptance);
        if acceptance.maker == self.me || acceptance.proposal != id {
            return;
        }
        if !self.contradicts_known(acceptance) {
            self.examine_order(fill, before);
        }
    }

    fn examine_order(&mut self, fill: &Fill, before: &[&Fill]) {
        let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
        let maker = proposal.maker;
        let Some(resting) = self.fold.order(&proposal.order).filter(|order| self.fold.log_of(order) == maker) else {
            return;
        };
        let this = answered(fill);
        // Anybody may make up an acceptance in another's name, and no evidence is looked for because of it.
        if acceptance.filled_total > resting.quantity && acceptance.has_good_signature() {
            if let Some(seq) = self.logs.seq_of(&maker, proposal.order.entry) {
                self.hunt(Hunt::Overfilled(maker.author, this), maker, seq);
            }
            return;
        }
        if let Some(seq) = resting.cancelled_in().filter(|seq| *seq < acceptance.seq && acceptance.has_good_signature())
        {
            return self.hunt(Hunt::AcceptedAfterCancel(maker.author, this), maker, seq);
        }
        let known = self.fold.trades_of(&resting.book, proposal.order).map(Trade::to_fill);
        let same_entry =
            before.iter().filter(|other| other.proposal.order == proposal.order).map(|other| (*other).clone());
        // Anybody may name the order in a trade with somebody else.
        let is_again = |other: &Fill| other.proposal.maker == maker && overlap(acceptance, &other.acceptance);
        let twice = known.chain(same_entry).find(is_again);
        if let Some(other) = twice {
            self.prove(Proof::GivenTwice { one: this, other: answered(&other) });
        }
    }

    /// Whether its signer has said something else of the proposal, as far as is known; proves it then.
    pub(in crate::protocol) fn contradicts_known(&mut self, acceptance: &Signed<Acceptance>) -> bool {
        self.compare_with_refusal(acceptance);
        let known = self.fold.trade(&acceptance.proposal).map(|bound| &bound.trade.acceptance);
        let proof =
            known.filter(|known| known.hash() != acceptance.hash()).map(|known| two_acceptances(acceptance, known));
        let contradicts = proof.is_some();
        proof.into_iter().for_each(|proof| self.prove(proof));
        contradicts
    }

    /// Whether the maker's log, or our copy, holds what it refuses: then the refusal frees nothing, and proves the lie.
    pub(in crate::protocol) fn is_accepted_all_the_same(&mut self, refusal: &Verified<Refusal>) -> bool {
        let known = self.fold.trade(&refusal.proposal).map(|bound| bound.trade.acceptance.clone());
        let unjudged =
            || self.fold.unjudged_trade(&refusal.proposal, &refusal.maker).map(|(trade, _)| trade.acceptance);
        let told = || self.acceptances.iter().find(|told| told.proposal == refusal.proposal).cloned();
        let accepted = known.or_else(unjudged).or_else(told);
        let by_whom = |accepted: &Verified<Acceptance>| (accepted.maker, accepted.incarnation);
        let accepted = accepted.filter(|accepted| by_whom(accepted) == (refusal.maker, refusal.incarnation));
        let Some(accepted) = accepted else { return false };
        let (acceptance, refusal) = (accepted.bytes().clone(), refusal.bytes().clone());
        self.prove(Proof::AcceptedAndRefused { acceptance, refusal });
        true
    }

    /// What could not be compared when it came, since it had to wait.
    pub(super) fn prove_contradictions(&mut self) {
        for [one, other] in self.fold.take_contradictions() {
            if self.fold.is_convicted(&one.maker) {
                continue;
            }
            self.prove(two_acceptances(&one, &other));
        }
    }

    /// An acceptance, whose signature may be unproved yet, of what was refused to us.
    pub(in crate::protocol) fn compare_with_refusal(&mut self, acceptance: &Signed<Acceptance>) {
        if let Some(refusal) = self.refused_us.refusal(&acceptance.proposal) {
            let (acceptance, refusal) = (acceptance.bytes().clone(), refusal.bytes().clone());
            self.prove(Proof::AcceptedAndRefused { acceptance, refusal });
        }
    }

    /// Two versions of an entry: fetches our own version from the store.
    pub(super) fn found_fork(&mut self, other: &[Verified<Entry>]) {
        if let Some(first) = other.first() {
            self.hunt(fork_of(other), first.log, first.seq);
        }
    }

    /// An entry that is dated before the newest one that is held, which comes before it.
    pub(super) fn found_time_running_back(&mut self, later: &[Verified<Entry>]) {
        if let Some(newest) = later.first().and_then(|first| self.logs.head(&first.log)) {
            self.hunt(fork_of(later), newest.log, newest.seq);
        }
    }

    /// One log more than an author may have: fetches an entry of each of the others.
    pub(super) fn found_too_many_logs(&mut self, entries: &[Verified<Entry>]) {
        let Some(entry) = entries.iter().find(|entry| entry.has_good_signature()) else { return };
        let author = entry.log.author;
        let mut heads: Vec<Head> = self.logs.of(&author).filter_map(|log| self.logs.head(log)).collect();
        let Some(next) = heads.pop() else { return };
        self.hunt(Hunt::TooManyLogs(author, vec![entry.bytes().clone()], heads), next.log, next.seq);
    }

    /// Whether evidence against this key is being gathered.
    pub(super) fn is_hunted(&self, key: &MemberKey) -> bool {
        self.hunts.values().any(|hunt| hunt.suspect() == Some(*key))
    }

    /// Reads what is missing: an entry of this log, with its successors up to a good signature. One of a kind and suspect is
    /// enough; what is passed over for another suspect's sake might never show again.
    fn hunt(&mut self, hunt: Hunt, log: LogId, from: u64) {
        let is_same = |other: &Hunt| discriminant(other) == discriminant(&hunt) && other.suspect() == Some(log.author);
        if self.hunts.values().any(is_same) || log.author == self.me || self.fold.is_convicted(&log.author) {
            return;
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.hunts.insert(ticket, hunt);
        let count = u16::try_from(MAX_CHAIN).unwrap_or(u16::MAX);
        self.out.push_back(Output::Load { ticket, log, from, count });
    }

    pub(super) fn loaded(&mut self, ticket: Ticket, entries: &[Bytes]) {
        let Some(hunt) = self.hunts.remove(&ticket) else { return };
        let held: Vec<_> = entries.iter().filter_map(|bytes| Signed::<Entry>::parse(bytes.clone()).ok()).collect();
        let chain = up_to_good_signature(&held);
        match hunt {
            Hunt::Fork(other) => self.prove(evidence::fork(&held, &other)),
            Hunt::BrokenBeacon(beacon) => {
                self.prove(Proof::BrokenBeacon { beacon: beacon.bytes().clone(), entry: chain });
            }
            Hunt::Overfilled(_, answered) => self.prove(Proof::Overfilled { placed: chain, answered }),
            Hunt::AcceptedAfterCancel(_, answered) => {
                self.prove(Proof::AcceptedAfterCancel { cancelled: chain, answered });
            }
            Hunt::TooManyLogs(author, mut found, mut missing) => {
                found.extend(entries.first().cloned());
                match missing.pop() {
                    Some(next) => self.hunt(Hunt::TooManyLogs(author, found, missing), next.log, next.seq),
                    None => self.prove(Proof::TooManyLogs(found)),
                }
            }
        }
    }

    /// Convicts, if the evidence is sound, and tells everybody.
    fn prove(&mut self, proof: Proof) {
        if self.take_proof(proof.clone()) == Verdict::Accept && proof.fits_gossip() {
            self.publish(&Gossip::Proof(proof));
        }
    }
}

fn fork_of(other: &[Verified<Entry>]) -> Hunt {
    let good = other.iter().position(|entry| entry.has_good_signature()).unwrap_or(other.len());
    Hunt::Fork(other.iter().take(good + 1).map(|entry| Signed::clone(entry)).collect())
}

fn two_acceptances(one: &Signed<Acceptance>, other: &Signed<Acceptance>) -> Proof {
    Proof::TwoAcceptances { one: one.bytes().clone(), other: other.bytes().clone() }
}

fn answered(fill: &Fill) -> Answered {
    Answered { proposal: fill.proposal.bytes().clone(), acceptance: fill.acceptance.bytes().clone() }
}
