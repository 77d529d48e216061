//! Households' secret keys, in memory, and Ed25519 as simulations need it: the same signatures as anybody's, made fast.
//!
//! Signing can't be remembered and was a fifth of a simulation. Nearly all of it is to multiply the base point by a secret
//! number, which real software does in the same time whatever that number is. Nobody listens here, so the multiples are
//! looked up in a large table. Nothing else may use this.

use std::sync::LazyLock;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha512};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::signed::Signer;

/// For each byte of a number what each of its values comes to, times the base point: 1.3 MB.
static MULTIPLES: LazyLock<Vec<Vec<EdwardsPoint>>> = LazyLock::new(|| {
    let mut base = ED25519_BASEPOINT_POINT;
    let row = |_| {
        let multiples = std::iter::successors(Some(EdwardsPoint::identity()), |multiple| Some(multiple + base));
        let mut row: Vec<EdwardsPoint> = multiples.take(257).collect();
        base = row.pop().expect("it has 257 multiples");
        row
    };
    (0..32).map(row).collect()
});

/// A household's secret key.
#[derive(Clone)]
pub(crate) struct Key {
    public: MemberKey,
    secret: Scalar,
    /// What makes the secret number of each signature.
    prefix: [u8; 32],
}

impl Key {
    /// The key that these random bytes stand for, RFC 8032, 5.1.5.
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let hash: [u8; 64] = Sha512::digest(seed).into();
        let prefix = std::array::from_fn(|byte| hash[32 + byte]);
        Self { public: MemberKey(key.verifying_key().to_bytes()), secret: key.to_scalar(), prefix }
    }
}

impl Signer for Key {
    fn key(&self) -> MemberKey {
        self.public
    }

    /// RFC 8032, 5.1.6.
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let nonce = number(&[&self.prefix, message]);
        let point = times_base(&nonce).compress();
        let challenge = number(&[point.as_bytes(), &self.public.0, message]);
        let answer = challenge * self.secret + nonce;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(point.as_bytes());
        signature[32..].copy_from_slice(answer.as_bytes());
        signature
    }
}

fn number(parts: &[&[u8]]) -> Scalar {
    let hash = parts.iter().fold(Sha512::new(), |hash, part| hash.chain_update(part));
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

fn times_base(number: &Scalar) -> EdwardsPoint {
    number.as_bytes().iter().zip(&*MULTIPLES).map(|(byte, multiples)| &multiples[usize::from(*byte)]).sum()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::Signer as _;

    use super::*;
    use crate::network::random::Random;

    #[test]
    fn signatures_are_the_same_as_anybodys() {
        let mut random = Random::new(7);
        for length in 0..300 {
            let seed = random.bytes();
            let message: Vec<u8> = (0..length).map(|_| random.number().to_le_bytes()[0]).collect();
            let (key, real) = (Key::from_bytes(&seed), SigningKey::from_bytes(&seed));
            assert_eq!(key.key().0, real.verifying_key().to_bytes());
            assert_eq!(key.sign(&message), real.sign(&message).to_bytes(), "a message of {length} bytes");
        }
    }
}
