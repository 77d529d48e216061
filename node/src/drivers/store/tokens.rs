//! Access tokens: kept by hash, never as such. They belong to the HTTP face, not to the protocol, so they are written
//! by themselves and not with a turn.

use rocksdb::WriteBatch;
use wattswap_matching::UtcMillis;

use super::layout::Family;
use super::{CommitError, ReadError, Store, read};
use crate::protocol::wire::Malformed;
use crate::protocol::wire::cbor::{self, Reader, Wire, Writer};

/// Tokens of one household: every person and meter of a home with a device each, several times over.
pub const MAX_TOKENS: usize = 128;
/// About the bytes of an encoded token.
const USUAL: usize = 128;

/// A stored token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token's text; its first 8 bytes name it.
    pub hash: [u8; 32],
    /// What its bearer may do.
    pub role: TokenRole,
    /// What the owner calls it.
    pub label: String,
    /// How the token ends, so that its holder can recognise it.
    pub last_four: String,
    /// When it was stored.
    pub created_at: UtcMillis,
}

/// What a token's bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRole {
    /// Everything.
    Owner,
    /// Push readings.
    Meter,
    /// Read.
    Viewer,
}

/// Why tokens were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// See [`MAX_TOKENS`].
    #[error("there are {MAX_TOKENS} tokens already; revoke one that is no longer used")]
    TooMany,
    /// See [`CommitError`].
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Token {
    /// Its name: the first 8 bytes of its hash.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        *self.hash.first_chunk().expect("8 bytes are less than 32")
    }
}

impl Store {
    /// Every token, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn tokens(&self) -> Result<Vec<Token>, ReadError> {
        let mut scan = self.scan(Family::Tokens, &[], rocksdb::ReadOptions::default());
        scan.seek_to_first();
        let mut tokens = Vec::new();
        while let Some(token) = read(&mut scan, |_, value| cbor::decode::<Token>(value))? {
            tokens.push(token);
            scan.next();
        }
        tokens.sort_by_key(|token| (token.created_at, token.hash));
        Ok(tokens)
    }

    /// Stores a token, durably.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn add_token(&self, token: &Token) -> Result<(), TokenError> {
        if self.tokens()?.len() >= MAX_TOKENS {
            return Err(TokenError::TooMany);
        }
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(Family::Tokens), token.id(), cbor::encode(token, USUAL));
        Ok(self.write(batch)?)
    }

    /// Forgets a token, durably. False if there was none of this name.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn revoke_token(&self, id: [u8; 8]) -> Result<bool, TokenError> {
        if self.get(Family::Tokens, &id, |_| Ok(()))?.is_none() {
            return Ok(false);
        }
        let mut batch = WriteBatch::default();
        batch.delete_cf(self.family(Family::Tokens), id);
        self.write(batch)?;
        Ok(true)
    }
}

impl Wire for Token {
    fn write(&self, out: &mut Writer) {
        let role = match self.role {
            TokenRole::Owner => 0_u64,
            TokenRole::Meter => 1,
            TokenRole::Viewer => 2,
        };
        out.map(5).key(1).bytes(&self.hash).field(2, &role).key(3).text(&self.label).key(4).text(&self.last_four);
        out.field(5, &self.created_at);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let hash = map.field(1)?.bytes()?.try_into().map_err(|_| Malformed::Broken("a token's hash has 32 bytes"))?;
        let role = match map.required::<u64>(2)? {
            0 => TokenRole::Owner,
            1 => TokenRole::Meter,
            2 => TokenRole::Viewer,
            _ => return Err(Malformed::Broken("an unknown role of a token")),
        };
        let (label, last_four) = (map.required(3)?, map.required(4)?);
        let token = Self { hash, role, label, last_four, created_at: map.required(5)? };
        map.end().map(|()| token)
    }
}
