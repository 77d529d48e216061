//! Is it proved that somebody cheated? Answered by the evidence alone, the same for everyone.

use super::entry::Entry;
use super::ids::{CommunityId, MemberKey};
use super::limits::MAX_CHAIN;
use super::logs::verify_range;
use super::message::{Bytes, Proof};
use super::signed::{Signed, Verified};

/// Why evidence proves nothing. Whoever sent it made it up, or passes on what it did not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProof {
    /// One side is not authentic: malformed, not linked, or not signed at its end.
    #[error("one version of the log is not authentic")]
    NotAuthentic,
    /// The two sides do not contradict each other.
    #[error("the two versions do not contradict each other")]
    NoContradiction,
    /// It is about another community.
    #[error("the entries belong to another community")]
    OtherCommunity,
}

/// Whose key the proof convicts.
///
/// # Errors
/// [`NoProof`] if it convicts nobody.
pub fn convicts(proof: &Proof, community: CommunityId) -> Result<MemberKey, NoProof> {
    let Proof::Fork { one, other } = proof;
    let (one, other) = (authentic(one)?, authentic(other)?);
    if one.community != community || other.community != community {
        return Err(NoProof::OtherCommunity);
    }
    let fork = one.log == other.log && one.seq == other.seq && one.hash() != other.hash();
    if fork { Ok(one.log.author) } else { Err(NoProof::NoContradiction) }
}

/// A proof of two versions of one entry: each with the successors that it takes to reach a good signature.
#[must_use]
pub fn fork(one: &[Signed<Entry>], other: &[Signed<Entry>]) -> Proof {
    Proof::Fork { one: up_to_good_signature(one), other: up_to_good_signature(other) }
}

fn up_to_good_signature(entries: &[Signed<Entry>]) -> Vec<Bytes> {
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
