//! Numbers that nobody can guess, drawn from one seed that the driver took from the operating system.
//!
//! With the seed as an input the household stays deterministic: a simulation hands in a seed of its own.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// SHA-256 in counter mode over a secret seed.
#[derive(Clone)]
pub struct Nonces {
    seed: [u8; 32],
    drawn: u64,
}

impl Nonces {
    /// A stream of its own for every seed.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 16 bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let block = Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize();
        self.drawn += 1;
        std::array::from_fn(|at| block[at])
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        let bytes = self.bytes();
        u64::from_be_bytes(std::array::from_fn(|at| bytes[at]))
    }
}

/// Without the seed: what is printed of a household must not tell what it will draw.
impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}
