//! Access tokens as the household stores them: by hash, never the token itself.

use std::fmt;

use wattswap_matching::units::UtcMillis;

use super::Unavailable;

/// What a token's bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Push meter readings, and nothing else.
    Meter,
    /// Read, and change nothing.
    Viewer,
}

/// SHA-256 of a token's whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// A token's public name: the first 8 bytes of its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub [u8; 8]);

impl TokenHash {
    /// The token's public name.
    #[must_use]
    pub fn id(&self) -> TokenId {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        TokenId([a, b, c, d, e, f, g, h])
    }
}

/// A token to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its hash; the id follows from it.
    pub hash: TokenHash,
    /// What its bearer may do.
    pub role: Role,
    /// What the owner calls it.
    pub label: String,
    /// The last four characters of the token, so that its holder can recognise it.
    pub last_four: String,
}

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// As it was given.
    pub token: NewToken,
    /// When it was stored.
    pub created_at: UtcMillis,
}

/// Why a token was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddTokenError {
    /// There are as many as the household keeps.
    #[error("there are {limit} tokens already; revoke one that is no longer used")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a token was not revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// There is none with this id.
    #[error("there is no such token")]
    Unknown,
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
