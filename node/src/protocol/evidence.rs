//! Is it proved that somebody cheated? Answered by the evidence alone, the same for everyone.
//!
//! Each kind of proof holds words of one key that no honest software ever signs together, whatever crashes, restores and
//! clocks do to it. Nobody is convicted by another's doing.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::agreement::words::{Acceptance, Proposal, Refusal};
use super::entry::{Beacon, Entry, Op};
use super::ids::{CommunityId, EntryId, LogId, MemberKey, OrderId, ProposalId};
use super::limits::{MAX_CHAIN, MAX_INCARNATIONS};
use super::logs::verify_range;
use super::message::{Answered, Bytes, Proof};
use super::signed::{Signed, Statement, Verified};

/// Why evidence proves nothing. Whoever sent it made it up, or passes on what it did not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// A word is not authentic: malformed, not linked, or not signed at its end.
    #[error("one of the words is not authentic")]
    NotAuthentic,
    /// The words do not contradict each other.
    #[error("the words do not contradict each other")]
    NoContradiction,
    /// It is about another community.
    #[error("the words belong to another community")]
    OtherCommunity,
}

/// Whose key the proof convicts.
///
/// # Errors
/// [`NoProof`] if it convicts nobody.
pub fn convicts(proof: &Proof, community: CommunityId) -> Result<MemberKey, NoProof> {
    let of_here = |words: &[CommunityId]| {
        if words.iter().all(|word| *word == community) { Ok(()) } else { Err(NoProof::OtherCommunity) }
    };
    let (key, contradicts) = match proof {
        Proof::Fork { one, other } => {
            let (one, other) = (authentic(one)?, authentic(other)?);
            of_here(&[one.community, other.community])?;
            (one.log.author, one.log == other.log && exclude_each_other(&one, &other))
        }
        Proof::BrokenBeacon { beacon, entry } => {
            let (beacon, entry) = (word::<Beacon>(beacon)?, authentic(entry)?);
            of_here(&[beacon.community, entry.community])?;
            (entry.log.author, breaks(&entry, &beacon))
        }
        Proof::TwoAcceptances { one, other } => {
            let (one, other) = (word::<Acceptance>(one)?, word::<Acceptance>(other)?);
            let same = (one.proposal, one.maker, one.incarnation) == (other.proposal, other.maker, other.incarnation);
            (one.maker, same && one.hash() != other.hash())
        }
        Proof::AcceptedAndRefused { acceptance, refusal } => {
            let (yes, no) = (word::<Acceptance>(acceptance)?, word::<Refusal>(refusal)?);
            (yes.maker, (yes.proposal, yes.maker, yes.incarnation) == (no.proposal, no.maker, no.incarnation))
        }
        Proof::Overfilled { placed, answered } => {
            let (entry, given) = (authentic(placed)?, Given::of(answered)?);
            of_here(&[entry.community, given.proposal.community])?;
            (given.log.author, entry.log == given.log && is_overfilled(&entry, &given))
        }
        Proof::GivenTwice { one, other } => {
            let (one, other) = (Given::of(one)?, Given::of(other)?);
            of_here(&[one.proposal.community, other.proposal.community])?;
            (
                one.log.author,
                one.log == other.log && one.order == other.order && overlap(&one.acceptance, &other.acceptance),
            )
        }
        Proof::AcceptedAfterCancel { cancelled, answered } => {
            let (entry, given) = (authentic(cancelled)?, Given::of(answered)?);
            of_here(&[entry.community, given.proposal.community])?;
            let cancels = |op: &Op| matches!(op, Op::Cancel { order, .. } if *order == given.order);
            let later = given.acceptance.seq > entry.seq;
            (given.log.author, entry.log == given.log && later && entry.ops.iter().any(cancels))
        }
        Proof::TooManyLogs(entries) => {
            let entries: Vec<_> = entries.iter().map(word::<Entry>).collect::<Result<_, _>>()?;
            of_here(&entries.iter().map(|entry| entry.community).collect::<Vec<_>>())?;
            let author = entries.first().ok_or(NoProof::NoContradiction)?.log.author;
            let logs: BTreeSet<LogId> = entries.iter().map(|entry| entry.log).collect();
            (author, logs.len() > MAX_INCARNATIONS && logs.iter().all(|log| log.author == author))
        }
    };
    if contradicts { Ok(key) } else { Err(NoProof::NoContradiction) }
}

/// Whether no log can hold both: two versions of one entry, or a later one that is dated earlier.
fn exclude_each_other(one: &Verified<Entry>, other: &Verified<Entry>) -> bool {
    match one.seq.cmp(&other.seq) {
        Ordering::Less => one.at > other.at,
        Ordering::Equal => one.hash() != other.hash(),
        Ordering::Greater => one.at < other.at,
    }
}

/// Whether `beacon` says that this entry does not exist.
#[must_use]
pub fn breaks(entry: &Verified<Entry>, beacon: &Beacon) -> bool {
    let denied = match beacon.last {
        Some((last, id)) if entry.seq == last => EntryId(entry.hash()) != id,
        Some((last, _)) if entry.seq < last => false,
        _ => entry.at <= beacon.at,
    };
    entry.log == beacon.log && denied
}

/// A part of an order that its owner gave to a taker.
struct Given {
    /// The owner's log.
    log: LogId,
    order: OrderId,
    proposal: Signed<Proposal>,
    acceptance: Verified<Acceptance>,
}

impl Given {
    fn of(answered: &Answered) -> Result<Self, NoProof> {
        let acceptance = word::<Acceptance>(&answered.acceptance)?;
        let proposal = Signed::<Proposal>::parse(answered.proposal.clone()).map_err(|_| NoProof::NotAuthentic)?;
        let log = LogId { author: acceptance.maker, incarnation: acceptance.incarnation };
        if acceptance.proposal != ProposalId(proposal.hash()) || proposal.maker != log {
            return Err(NoProof::NoContradiction);
        }
        Ok(Self { log, order: proposal.order, proposal, acceptance })
    }
}

/// Whether two acceptances of one order give the same part of it away. Each counts what is filled of the order, and so
/// stands for a piece of it; honest ones never overlap.
#[must_use]
pub fn overlap(one: &Acceptance, other: &Acceptance) -> bool {
    let piece = |acceptance: &Acceptance| {
        let end = acceptance.filled_total.0;
        (end.saturating_sub(acceptance.quantity.0), end)
    };
    let ((start, end), (other_start, other_end)) = (piece(one), piece(other));
    one.proposal != other.proposal && start < other_end && other_start < end
}

fn is_overfilled(entry: &Verified<Entry>, given: &Given) -> bool {
    let is_placed = given.order.entry == EntryId(entry.hash());
    match entry.ops.get(usize::from(given.order.index)) {
        Some(Op::Place(order)) => is_placed && given.acceptance.filled_total > order.quantity,
        _ => false,
    }
}

/// A proof of two entries that no log can hold both of: each with the successors that it takes to reach a good signature.
#[must_use]
pub fn fork(one: &[Signed<Entry>], other: &[Signed<Entry>]) -> Proof {
    Proof::Fork { one: up_to_good_signature(one), other: up_to_good_signature(other) }
}

/// An entry with the successors that it takes to reach a good signature.
#[must_use]
pub fn up_to_good_signature(entries: &[Signed<Entry>]) -> Vec<Bytes> {
    let good = entries.iter().take(MAX_CHAIN).position(Signed::has_good_signature);
    entries.iter().take(good.map_or(0, |at| at + 1)).map(|entry| entry.bytes().clone()).collect()
}

/// The first entry of a chain whose last one is signed well.
fn authentic(chain: &[Bytes]) -> Result<Verified<Entry>, NoProof> {
    if chain.len() > MAX_CHAIN {
        return Err(NoProof::NotAuthentic);
    }
    let entries: Result<Vec<_>, _> = chain.iter().map(|bytes| Signed::<Entry>::parse(bytes.clone())).collect();
    let entries = entries.map_err(|_| NoProof::NotAuthentic)?;
    let length = entries.len();
    let verified = verify_range(entries).map_err(|_| NoProof::NotAuthentic)?;
    if verified.len() < length {
        Err(NoProof::NotAuthentic)
    } else {
        verified.into_iter().next().ok_or(NoProof::NotAuthentic)
    }
}

fn word<T: Statement>(bytes: &Bytes) -> Result<Verified<T>, NoProof> {
    let word = Signed::<T>::parse(bytes.clone()).map_err(|_| NoProof::NotAuthentic)?;
    word.verify().map_err(|_| NoProof::NotAuthentic)
}
