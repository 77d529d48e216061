//! Keyset pages: "what comes after this position", never "skip n rows".

use super::Unavailable;

/// Which part of a listing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the page before ended; `None` for the first page.
    pub after: Option<Position>,
    /// The most items to give; at least 1.
    pub limit: usize,
}

/// A place in a listing, in bytes that only the household understands (the last item's key in its store, say). It
/// comes back from outside, so it may hold anything: an unknown or malformed one is [`ListError::BadPosition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub Vec<u8>);

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// At most as many as asked for.
    pub items: Vec<T>,
    /// Where the next page starts; `None` if this is the last.
    pub next: Option<Position>,
}

/// Why a listing can't be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The position is none that this listing gave.
    #[error("this cursor does not belong to this listing; start again without it")]
    BadPosition,
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
