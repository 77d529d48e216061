//! A fingerprint of all that happened: the same seed gives the same one on every machine.
//!
//! Multiply and rotate over 64-bit words, as FNV and xxHash do: fast, and the same everywhere. It shows that two runs
//! went apart; it is no defence against anybody.

/// A running hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace(u64);

const PRIME: u64 = 0x9e37_79b1_85eb_ca87;

impl Default for Trace {
    fn default() -> Self {
        Self(0x27d4_eb2f_1656_67c5)
    }
}

impl Trace {
    /// Notes a number.
    pub fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(PRIME).rotate_left(29);
    }

    /// Notes bytes and how many there are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.number(u64::from_le_bytes(last));
    }

    /// The fingerprint of all that was noted.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(PRIME);
        mixed ^ (mixed >> 29)
    }
}

/// The fingerprint of some bytes.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut trace = Trace::default();
    trace.bytes(bytes);
    trace.hash()
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn what_differs_has_another_fingerprint() {
        let cases: [&[u8]; 6] = [b"", b"\0", b"abcdefgh", b"abcdefg\0", b"abcdefgh\0", b"hgfedcba"];
        for (index, one) in cases.iter().enumerate() {
            for other in &cases[..index] {
                assert_ne!(fingerprint(one), fingerprint(other));
            }
        }
        assert_eq!(fingerprint(b"the same on every machine"), GOLDEN, "on every machine");
    }

    const GOLDEN: u64 = 16_006_236_186_289_510_567;
}
