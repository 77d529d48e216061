//! Sees contradictions in what comes in, gathers the evidence from the store, and proves them to everybody.

use super::Household;
use super::io::{Output, Ticket, Verdict};
use crate::protocol::agreement::words::Acceptance;
use crate::protocol::entry::{Beacon, Entry, Fill, Trade};
use crate::protocol::evidence::{self, overlap, up_to_good_signature};
use crate::protocol::ids::{Head, LogId, MemberKey};
use crate::protocol::limits::{MAX_CHAIN, MAX_HUNTS};
use crate::protocol::message::{Answered, Bytes, Gossip, Proof};
use crate::protocol::signed::{Signed, Verified};

/// A contradiction, one side of which is still in the store.
#[derive(Clone, Debug)]
pub(super) enum Hunt {
    /// The other version of an entry that is held.
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
        self.compare_with_refusal(acceptance);
        let known = self.fold.trade(&id).map(|bound| &bound.trade.acceptance);
        if let Some(other) = known.filter(|other| other.hash() != acceptance.hash()) {
            let (one, other) = (acceptance.bytes().clone(), other.bytes().clone());
            return self.prove(Proof::TwoAcceptances { one, other });
        }
        self.examine_order(fill, before);
    }

    fn examine_order(&mut self, fill: &Fill, before: &[&Fill]) {
        let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
        let maker = proposal.maker;
        let Some(resting) = self.fold.order(&proposal.order).filter(|order| self.fold.log_of(order) == maker) else {
            return;
        };
        let this = answered(fill);
        let placed_in = self.logs.seq_of(&maker, proposal.order.entry);
        if let Some(seq) = placed_in.filter(|_| acceptance.filled_total > resting.quantity) {
            return self.hunt(Hunt::Overfilled(maker.author, this), maker, seq);
        }
        if let Some(seq) = resting.cancelled_in().filter(|seq| *seq < acceptance.seq) {
            return self.hunt(Hunt::AcceptedAfterCancel(maker.author, this), maker, seq);
        }
        let known = self.fold.trades_of(&resting.book, proposal.order).map(Trade::to_fill);
        let same_entry =
            before.iter().filter(|other| other.proposal.order == proposal.order).map(|other| (*other).clone());
        let twice = known.chain(same_entry).find(|other| overlap(acceptance, &other.acceptance));
        if let Some(other) = twice {
            self.prove(Proof::GivenTwice { one: this, other: answered(&other) });
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
        let Some(first) = other.first() else { return };
        let (log, seq) = (first.log, first.seq);
        self.hunt(Hunt::Fork(other.iter().map(|entry| Signed::clone(entry)).collect()), log, seq);
    }

    /// One log more than an author may have: fetches an entry of each of the others.
    pub(super) fn found_too_many_logs(&mut self, entry: &Verified<Entry>) {
        let author = entry.log.author;
        let mut heads: Vec<Head> = self.logs.of(&author).filter_map(|log| self.logs.head(log)).collect();
        let Some(next) = heads.pop().filter(|_| entry.has_good_signature()) else { return };
        self.hunt(Hunt::TooManyLogs(author, vec![entry.bytes().clone()], heads), next.log, next.seq);
    }

    /// Whether evidence against this key is being gathered.
    pub(super) fn is_hunted(&self, key: &MemberKey) -> bool {
        self.hunts.values().any(|hunt| hunt.suspect() == Some(*key))
    }

    /// Reads what is missing: an entry of this log, with its successors up to a good signature.
    fn hunt(&mut self, hunt: Hunt, log: LogId, from: u64) {
        if self.hunts.len() >= MAX_HUNTS || log.author == self.me || self.fold.is_convicted(&log.author) {
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

fn answered(fill: &Fill) -> Answered {
    Answered { proposal: fill.proposal.bytes().clone(), acceptance: fill.acceptance.bytes().clone() }
}
