//! Who may do what: bearer tokens, their roles and their rates.
//!
//! A token is `ws_o_`, `ws_m_` or `ws_v_` (owner, meter, viewer) and 32 random bytes in base64url. The household
//! stores its SHA-256 alone; with 256 random bits a slow hash would protect nothing more. The keyring holds all
//! hashes in memory, so that a request costs one hash and one look-up.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use governor::DefaultDirectRateLimiter;
use governor::clock::{Clock, DefaultClock};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Shared;
use crate::limits::{MAX_TOKEN_BYTES, Rates};
use crate::port::{
    AddTokenError, Household, NewToken, RevokeError, Role, TokenHash, TokenId, TokenRecord, Unavailable,
};
use crate::problem::{Code, Problem};

/// A new token: its text, which nobody stores, and what the household stores of it.
///
/// The random bytes are the caller's to get; `wattswap init` makes a household's first token with this.
#[must_use]
pub fn mint(role: Role, label: String, secret: [u8; 32]) -> (String, NewToken) {
    let prefix = match role {
        Role::Owner => "ws_o_",
        Role::Meter => "ws_m_",
        Role::Viewer => "ws_v_",
    };
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(secret));
    let last_four = text[text.len() - 4..].to_owned();
    let token = NewToken { hash: hash(text.as_bytes()), role, label, last_four };
    (text, token)
}

fn hash(token: &[u8]) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

/// One token as a request meets it.
#[derive(Debug)]
pub(crate) struct Key {
    hash: TokenHash,
    role: Role,
    limiter: DefaultDirectRateLimiter,
    revoked: AtomicBool,
}

impl Key {
    /// Whether it was revoked since it was shown; a live stream asks this before every event.
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }
}

/// Every token that is not revoked.
pub(crate) struct Keyring {
    keys: RwLock<HashMap<TokenId, Arc<Key>>>,
    rates: Rates,
    /// Held while tokens are added or revoked, so that two owners can't revoke each other's last token.
    changing: tokio::sync::Mutex<()>,
}

impl Keyring {
    /// Reads the household's tokens.
    pub(crate) async fn load(household: &dyn Household, rates: Rates) -> Result<Self, Unavailable> {
        let keyring = Self { keys: RwLock::default(), rates, changing: tokio::sync::Mutex::default() };
        for record in household.tokens().await? {
            keyring.insert(&record);
        }
        Ok(keyring)
    }

    /// Makes a token: stored first, valid then, shown last.
    pub(crate) async fn add(&self, household: &dyn Household, token: NewToken) -> Result<TokenRecord, AddTokenError> {
        let _changing = self.changing.lock().await;
        let record = household.add_token(token).await?;
        self.insert(&record);
        Ok(record)
    }

    /// Revokes a token: forgotten by the store first, invalid then.
    pub(crate) async fn revoke(&self, household: &dyn Household, id: TokenId) -> Result<(), Problem> {
        let _changing = self.changing.lock().await;
        if self.is_last_owner(id) {
            let detail = "make another owner's token first, or nobody could make one again";
            return Err(Problem::new(Code::LastOwnerToken, detail));
        }
        household.revoke_token(id).await.or_else(|error| match error {
            // Not stored, yet perhaps still on the ring: take it off all the same.
            RevokeError::Unknown if self.find(id).is_some() => Ok(()),
            error => Err(error),
        })?;
        if let Some(key) = self.keys.write().unwrap_or_else(PoisonError::into_inner).remove(&id) {
            key.revoked.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn insert(&self, record: &TokenRecord) {
        let NewToken { hash, role, .. } = record.token;
        let limiter = DefaultDirectRateLimiter::direct(self.rates.of(role).quota());
        let key = Arc::new(Key { hash, role, limiter, revoked: AtomicBool::new(false) });
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(hash.id(), key);
    }

    fn find(&self, id: TokenId) -> Option<Arc<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn is_last_owner(&self, id: TokenId) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut owners = keys.iter().filter(|(_, key)| key.role == Role::Owner).map(|(id, _)| *id);
        owners.next() == Some(id) && owners.next().is_none()
    }

    /// The key that a token's text opens. The look-up is by a prefix of the hash, which tells a guesser nothing;
    /// the rest is compared in constant time.
    fn open(&self, token: &[u8]) -> Option<Arc<Key>> {
        let hash = hash(token);
        self.find(hash.id()).filter(|key| bool::from(key.hash.0.ct_eq(&hash.0)))
    }
}

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permission {
    Read,
    PushReadings,
    Own,
}

impl Permission {
    fn is_given_to(self, role: Role) -> bool {
        match role {
            Role::Owner => true,
            Role::Meter => self == Self::PushReadings,
            Role::Viewer => self == Self::Read,
        }
    }

    fn needed(self) -> &'static str {
        match self {
            Self::Read => "a viewer's or an owner's token is needed",
            Self::PushReadings => "a meter's or an owner's token is needed",
            Self::Own => "an owner's token is needed",
        }
    }
}

/// A caller that may read.
pub(crate) struct Reader(pub(crate) Arc<Key>);
/// A caller that may push meter readings.
pub(crate) struct Pusher;
/// A caller that may do everything.
pub(crate) struct Owner;

impl FromRequestParts<Shared> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        authorize(parts, &app.keyring, Permission::Read).map(Self)
    }
}

impl FromRequestParts<Shared> for Pusher {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        authorize(parts, &app.keyring, Permission::PushReadings).map(|_| Self)
    }
}

impl FromRequestParts<Shared> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        authorize(parts, &app.keyring, Permission::Own).map(|_| Self)
    }
}

fn authorize(parts: &Parts, keyring: &Keyring, permission: Permission) -> Result<Arc<Key>, Problem> {
    let key = bearer(parts).and_then(|token| keyring.open(token)).ok_or_else(Problem::unauthenticated)?;
    if let Err(refused) = key.limiter.check() {
        let wait = refused.wait_time_from(DefaultClock::default().now());
        return Err(Problem::new(Code::RateLimited, "this token makes too many requests").with_retry_after(wait));
    }
    if permission.is_given_to(key.role) { Ok(key) } else { Err(Problem::new(Code::Forbidden, permission.needed())) }
}

fn bearer(parts: &Parts) -> Option<&[u8]> {
    let value = parts.headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    (scheme.eq_ignore_ascii_case(b"Bearer ") && token.len() <= MAX_TOKEN_BYTES).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_token_is_what_its_hash_says() {
        let (text, token) = mint(Role::Meter, "roof".to_owned(), [7; 32]);
        assert_eq!(text, "ws_m_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
        assert_eq!(token.hash, hash(text.as_bytes()));
        assert_eq!(token.last_four, "BwcHBwc"[3..]);
    }

    #[test]
    fn roles_and_permissions() {
        for (role, permissions) in [
            (Role::Owner, [true, true, true]),
            (Role::Meter, [false, true, false]),
            (Role::Viewer, [true, false, false]),
        ] {
            let given = [Permission::Read, Permission::PushReadings, Permission::Own].map(|p| p.is_given_to(role));
            assert_eq!(given, permissions, "{role:?}");
        }
    }
}
