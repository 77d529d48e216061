//! Statements with a signature: parsed once, checked once, and from then on the type carries the proof.
//!
//! A [`Signed`] has the one allowed framing and a well-formed payload, but nobody has looked at its signature yet.
//! A [`Verified`] is what may be believed. How bytes look is in `wire`; who may say what is judged elsewhere.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::ids::MemberKey;
use super::wire::{self, Malformed, Wire};

/// A guess at the bytes of a payload, above all but the batches: a right one saves growing.
const USUAL_PAYLOAD: usize = 384;

/// Something that a household signs: an entry, a beacon, a proposal...
pub trait Statement: Wire + Send + Sync + 'static {
    /// External AAD of the signature: a signature over one kind of statement is worth nothing for another.
    const DOMAIN: &'static str;
    /// A longer message is refused before it is parsed.
    const MAX_BYTES: usize;

    /// Whose signature it takes.
    fn signer(&self) -> MemberKey;
    /// Whether the statement is within the bounds that hold in any state of any community.
    ///
    /// # Errors
    /// [`Malformed`] says which bound is broken; no node would read such a statement.
    fn check(&self) -> Result<(), Malformed>;

    /// The payload, deterministic CBOR.
    #[must_use]
    fn encode(&self) -> Vec<u8> {
        wire::encode(self, USUAL_PAYLOAD)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`Malformed`] unless `payload` is within all bounds, and exactly what [`Statement::encode`] makes of the result.
    fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let statement: Self = wire::decode(payload)?;
        statement.check().map(|()| statement)
    }
}

/// Whoever holds the household's secret key. Ed25519 signatures are deterministic, so signing is no randomness.
pub trait Signer: Send + Sync {
    /// The public key.
    fn key(&self) -> MemberKey;
    /// The signature over `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// The public key alone, whatever holds the secret one.
impl fmt::Debug for dyn Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.key()).finish()
    }
}

/// A well-formed statement whose signature has not been checked. Copies are the same one: a statement is kept in several
/// places, and never changed.
pub struct Signed<T>(Arc<Parsed<T>>);

/// What a message says, and the message.
struct Parsed<T> {
    statement: T,
    hash: [u8; 32],
    bytes: Arc<[u8]>,
    /// Whether the signature is good, once somebody has asked.
    verdict: OnceLock<bool>,
}

/// The signature does not belong to the statement, or the key is not one that anybody may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not the author's; drop the message")]
pub struct BadSignature;

/// A statement that may be believed: signed by its signer, or tied by hashes to one that is.
#[derive(Debug)]
pub struct Verified<T>(Signed<T>);

impl<T: Statement> Signed<T> {
    /// Reads a COSE_Sign1 message in the one allowed framing.
    ///
    /// # Errors
    /// [`Malformed`] for any other framing, a payload out of bounds or one that is not deterministic CBOR.
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        let (payload, _) = wire::cose::open(&bytes, T::MAX_BYTES)?;
        let hash = Sha256::digest(payload).into();
        let decode = || Ok(Self::new(T::decode(payload)?, hash, Arc::clone(&bytes)));
        #[cfg(feature = "memo")]
        return super::memo::parsed(hash, |known: &Parsed<T>| known.bytes == bytes, || decode().map(|signed| signed.0))
            .map(Self);
        #[cfg(not(feature = "memo"))]
        decode()
    }

    /// Reads a statement back from this node's own store, which keeps its hash beside it: a start hashes nothing.
    ///
    /// # Errors
    /// [`Malformed`], see [`Signed::parse`].
    #[cfg_attr(not(feature = "daemon"), expect(dead_code, reason = "only a store recalls"))]
    pub(crate) fn recalled(bytes: impl Into<Arc<[u8]>>, hash: [u8; 32]) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        let (payload, _) = wire::cose::open(&bytes, T::MAX_BYTES)?;
        Ok(Self::new(T::decode(payload)?, hash, Arc::clone(&bytes)))
    }

    /// Checks the signature, the same on every node for ever: strict verification, small-order keys refused.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(self) -> Result<Verified<T>, BadSignature> {
        if self.has_good_signature() { Ok(Verified(self)) } else { Err(BadSignature) }
    }

    /// Whether the signature is its signer's.
    #[must_use]
    pub fn has_good_signature(&self) -> bool {
        *self.0.verdict.get_or_init(|| self.check_signature())
    }

    fn check_signature(&self) -> bool {
        let Ok((payload, signature)) = wire::cose::open(self.bytes(), T::MAX_BYTES) else { return false };
        let check = || self.is_signed(payload, signature);
        #[cfg(feature = "memo")]
        return super::memo::verdict(T::DOMAIN, self.hash(), signature, check);
        #[cfg(not(feature = "memo"))]
        check()
    }

    fn is_signed(&self, payload: &[u8], signature: &[u8; 64]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.signer().0) else { return false };
        let message = wire::cose::to_be_signed(T::DOMAIN, payload);
        key.verify_strict(&message, &Signature::from_bytes(signature)).is_ok()
    }

    /// Takes the statement for authentic without a look at its signature: a verified successor names its hash, or
    /// it comes from this node's own store, where only verified statements go.
    #[must_use]
    pub(crate) fn trusted(self) -> Verified<T> {
        Verified(self)
    }
}

impl<T> Signed<T> {
    fn new(statement: T, hash: [u8; 32], bytes: Arc<[u8]>) -> Self {
        Self(Arc::new(Parsed { statement, hash, bytes, verdict: OnceLock::new() }))
    }

    /// SHA-256 of the payload: the statement's identity, framing and signature left out.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash
    }

    /// The whole message, as it travels and is stored.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0.bytes
    }
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Signed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0.statement
    }
}

/// What is said and its name; the bytes say nothing else, and are long.
impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = hex::encode(self.hash());
        f.debug_struct("Signed").field("statement", &**self).field("hash", &hash).finish_non_exhaustive()
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl<T> Eq for Signed<T> {}

impl<T: Statement> Verified<T> {
    /// Signs a statement of our own.
    ///
    /// # Panics
    /// If the statement names another signer than `signer`, or nobody could read it, see [`Statement::check`]: that is
    /// a bug of ours, and better found here than by peers who refuse our log for ever.
    #[must_use]
    pub fn sign(statement: T, signer: &dyn Signer) -> Self {
        assert_eq!(statement.signer(), signer.key(), "a household signs only its own statements");
        let payload = statement.encode();
        let signature = signer.sign(&wire::cose::to_be_signed(T::DOMAIN, &payload));
        let bytes = wire::cose::seal(&payload, &signature);
        let is_readable = statement.check().is_ok() && bytes.len() <= T::MAX_BYTES;
        assert!(is_readable, "a household signs only what its peers can read: {:?}", statement.check());
        let hash = Sha256::digest(&payload).into();
        // What the key has just signed is good: simulations need not find that out again.
        #[cfg(feature = "memo")]
        super::memo::verdict(T::DOMAIN, hash, &signature, || true);
        Self(Signed::new(statement, hash, bytes.into()))
    }
}

impl<T> Clone for Verified<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Verified<T> {
    type Target = Signed<T>;
    fn deref(&self) -> &Signed<T> {
        &self.0
    }
}

impl<T> PartialEq for Verified<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Verified<T> {}
