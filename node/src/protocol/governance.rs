//! The chain of charters and operators' seals: how a record is signed by several, and which may follow which.
//!
//! A record is a COSE_Sign message (RFC 9052, 4.1) in exactly one framing. Its id is the hash of its payload, so the
//! same record with more signatures is still the same record. What the charter in force means for orders is not
//! decided here but in the fold.

use std::collections::BTreeSet;
use std::sync::Arc;

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::charter::{Act, GovernanceRecord, RULES};
use super::ids::{CharterId, CommunityId, MemberKey};
use super::limits::MAX_OPERATORS;
use super::signed::Signer;
use super::wire::{Malformed, cosign};

/// External AAD of the operators' signatures.
pub const DOMAIN: &str = "wattswap/1/governance";

/// A well-formed governance record; what its signatures are worth is for [`SignedRecord::good_signers`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRecord {
    /// What it says.
    pub record: GovernanceRecord,
    /// SHA-256 of its payload.
    pub id: CharterId,
    /// Who signed, ascending by key, one signature each.
    pub signatures: Vec<(MemberKey, [u8; 64])>,
    /// The whole message, as it travels and is stored.
    pub bytes: Arc<[u8]>,
}

/// The record has as many signatures as one can hold, and this signer's is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_OPERATORS} have signed already, and no record holds more: start again from the unsigned record")]
pub struct TooManySignatures;

/// Why a record can't follow another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASuccessor {
    /// A community does not start like this.
    #[error("a community starts with a charter at height 0; ask its operators for the first charter's file")]
    NotAFirst,
    /// Records are missing in between, or it belongs elsewhere, or it competes with one that is held.
    #[error("the record follows another one than the newest that is held here; fetch what lies in between")]
    AnotherPredecessor,
    /// Time would run backwards along the chain.
    #[error("the record is dated before the one that it follows; its operators have to make it anew")]
    Earlier,
    /// A newer protocol.
    #[error("the charter needs version {0} of the rules, and this program knows {RULES}; install a newer one")]
    UnknownRules(u16),
    /// Orders, limits and records are numbers of these units.
    #[error("the charter changes the {0}, in which orders, limits and records are counted: that takes a new community")]
    OtherUnits(&'static str),
    /// Too few operators agree.
    #[error("{good} operators have signed and it takes {needed}; have more of them co-sign")]
    NoMajority {
        /// Operators whose signature is good.
        good: usize,
        /// A strict majority.
        needed: usize,
    },
}

impl SignedRecord {
    /// A record that nobody has signed yet: nobody else can read it before the first [`SignedRecord::co_sign`].
    ///
    /// # Errors
    /// [`Malformed`] if the record breaks a rule, for example a floor above the cap.
    pub fn unsigned(record: GovernanceRecord) -> Result<Self, Malformed> {
        record.check()?;
        let payload = record.encode();
        let bytes = cosign::seal(&payload, &[]).into();
        Ok(Self { record, id: id_of(&payload), signatures: Vec::new(), bytes })
    }

    /// Reads a record in the one allowed framing, with one signature or more.
    ///
    /// # Errors
    /// [`Malformed`] for any other framing, and for a payload that is out of bounds or not deterministic.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        let (payload, signatures) = cosign::open(&bytes)?;
        let (record, id) = (GovernanceRecord::decode(payload)?, id_of(payload));
        Ok(Self { record, id, signatures, bytes })
    }

    /// Adds or replaces this signer's signature.
    ///
    /// # Errors
    /// [`TooManySignatures`].
    pub fn co_sign(&mut self, signer: &dyn Signer) -> Result<(), TooManySignatures> {
        let payload = self.record.encode();
        let signature = signer.sign(&cosign::to_be_signed(DOMAIN, &signer.key(), &payload));
        match self.signatures.binary_search_by_key(&signer.key(), |(key, _)| *key) {
            Ok(at) => self.signatures[at].1 = signature,
            Err(_) if self.signatures.len() == MAX_OPERATORS => return Err(TooManySignatures),
            Err(at) => self.signatures.insert(at, (signer.key(), signature)),
        }
        self.bytes = cosign::seal(&payload, &self.signatures).into();
        Ok(())
    }

    /// Everybody whose signature is good, operator or not; strict verification, the same on every node for ever.
    #[must_use]
    pub fn good_signers(&self) -> BTreeSet<MemberKey> {
        let payload = self.record.encode();
        let is_good = |(signer, signature): &&(MemberKey, [u8; 64])| {
            let message = cosign::to_be_signed(DOMAIN, signer, &payload);
            let check = || {
                VerifyingKey::from_bytes(&signer.0)
                    .is_ok_and(|key| key.verify_strict(&message, &Signature::from_bytes(signature)).is_ok())
            };
            #[cfg(feature = "memo")]
            return super::memo::verdict(DOMAIN, Sha256::digest(&message).into(), signature, check);
            #[cfg(not(feature = "memo"))]
            check()
        };
        self.signatures.iter().filter(is_good).map(|(signer, _)| *signer).collect()
    }

    /// The community that starts with this record; none if it is a later one.
    #[must_use]
    pub fn founds(&self) -> Option<CommunityId> {
        (self.record.height == 0).then_some(CommunityId(self.id.0))
    }
}

/// Whether `next` may follow `prev`, under whose chain `operators` are those of the charter in force. Without `prev`:
/// whether it is a first charter, signed by a strict majority of its own operators.
///
/// # Errors
/// [`NotASuccessor`] says what is missing.
pub fn check_successor(prev: Option<(&SignedRecord, &[MemberKey])>, next: &SignedRecord) -> Result<(), NotASuccessor> {
    let record = &next.record;
    if let Act::Charter(charter) = &record.act
        && charter.rules != RULES
    {
        return Err(NotASuccessor::UnknownRules(charter.rules));
    }
    let operators = match (prev, &record.act) {
        (None, Act::Charter(charter)) if record.height == 0 => &charter.operators,
        (None, _) => return Err(NotASuccessor::NotAFirst),
        (Some((prev, operators)), _) => {
            check_link(prev, record)?;
            operators
        }
    };
    check_majority(operators, next)
}

fn check_link(prev: &SignedRecord, next: &GovernanceRecord) -> Result<(), NotASuccessor> {
    if next.height != prev.record.height + 1 || next.prev != Some(prev.id) {
        return Err(NotASuccessor::AnotherPredecessor);
    }
    if next.at < prev.record.at { Err(NotASuccessor::Earlier) } else { Ok(()) }
}

fn check_majority(operators: &[MemberKey], record: &SignedRecord) -> Result<(), NotASuccessor> {
    let signers = record.good_signers();
    let good = operators.iter().filter(|operator| signers.contains(operator)).count();
    let needed = operators.len() / 2 + 1;
    if good >= needed { Ok(()) } else { Err(NotASuccessor::NoMajority { good, needed }) }
}

fn id_of(payload: &[u8]) -> CharterId {
    CharterId(Sha256::digest(payload).into())
}
