//! What the HTTP face asks for: single records, and pages of them, newest first.
//!
//! A page starts behind the key at which the one before ended, so it costs the same however far down it is.

use rocksdb::ReadOptions;
use wattswap_matching::{Slot, UtcMillis};

use super::layout::{self, Family};
use super::{ReadError, Store, read, records};
use crate::protocol::household::io::{OwnTrade, Request, RequestId, RequestState};
use crate::protocol::ids::ProposalId;
use crate::protocol::metering::{MeterId, Reading};
use crate::protocol::wire::Malformed;

/// Which part of a listing is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Page<'p> {
    /// Where the page before ended; none for the first.
    pub after: Option<&'p [u8]>,
    /// At most so many items.
    pub limit: usize,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page starts; none if this is the last.
    pub next: Option<Vec<u8>>,
}

/// Which requests are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requests {
    /// Only those in this slot.
    pub slot: Option<Slot>,
    /// Only those that still trade, or only those that don't.
    pub live: Option<bool>,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The position is no key of this listing.
    #[error("this position does not belong to this listing")]
    BadPosition,
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Store {
    /// One request.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn request(&self, id: RequestId) -> Result<Option<Request>, ReadError> {
        self.get(Family::Requests, &id.0, |value| records::read_request(id, value))
    }

    /// One trade.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn trade(&self, id: ProposalId) -> Result<Option<OwnTrade>, ReadError> {
        self.get(Family::Trades, &id.0, records::read_trade)
    }

    /// The household's requests. Passes over at most as many as can be live at a time to find those that are over.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn requests(&self, wanted: Requests, page: Page<'_>) -> Result<Listing<Request>, ListError> {
        let slot = wanted.slot.map(layout::slot);
        let (family, prefix) = match (&slot, wanted.live) {
            (Some(slot), _) => (Family::RequestsBySlot, slot.as_slice()),
            (None, Some(true)) => (Family::RequestsOpen, [].as_slice()),
            (None, _) => (Family::RequestsByTime, [].as_slice()),
        };
        self.newest(family, prefix, 8 + 16, page, |key| {
            let request = self.indexed_request(RequestId(tail(key, prefix.len() + 8).and_then(array)?))?;
            let is_wanted = wanted.live.is_none_or(|live| live == (request.state == RequestState::Live));
            Ok(is_wanted.then_some(request))
        })
    }

    /// The household's trades; with `slot`, only those in it.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn trades(&self, slot: Option<Slot>, page: Page<'_>) -> Result<Listing<OwnTrade>, ListError> {
        let slot = slot.map(layout::slot);
        let (family, prefix) = match &slot {
            Some(slot) => (Family::TradesBySlot, slot.as_slice()),
            None => (Family::TradesByTime, [].as_slice()),
        };
        self.newest(family, prefix, 8 + 32, page, |key| {
            let id = tail(key, prefix.len() + 8).and_then(array)?;
            Ok(Some(self.indexed_trade(ProposalId(id))?))
        })
    }

    /// Stored readings; with `meter`, only its own.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn readings(&self, meter: Option<&MeterId>, page: Page<'_>) -> Result<Listing<Reading>, ListError> {
        let Some(meter) = meter else {
            return self.newest(Family::ReadingsByTime, &[], ANY, page, |key| {
                let at = key.get(..8).ok_or(Malformed::Broken("a time has 8 bytes")).and_then(time)?;
                self.reading(self::meter_name(tail(key, 8)?)?, at).map(Some)
            });
        };
        let prefix = layout::meter(meter);
        self.newest(Family::Readings, &prefix, 8, page, |key| {
            self.reading(meter.clone(), tail(key, prefix.len()).and_then(time)?).map(Some)
        })
    }

    fn reading(&self, meter: MeterId, at: UtcMillis) -> Result<Reading, Problem> {
        let key = layout::reading(&meter, at);
        let reading = self.get(Family::Readings, &key, |value| records::read_reading(meter, at, value))?;
        reading.ok_or_else(|| ReadError::Damaged("an indexed reading is missing".to_owned()).into())
    }

    /// A page of the keys that start with `prefix`, from the last one back; `rest` is how long they are behind it.
    fn newest<T>(
        &self,
        family: Family,
        prefix: &[u8],
        rest: usize,
        page: Page<'_>,
        mut item: impl FnMut(&[u8]) -> Result<Option<T>, Problem>,
    ) -> Result<Listing<T>, ListError> {
        let mut scan = self.scan(family, prefix, ReadOptions::default());
        match page.after {
            None => scan.seek_to_last(),
            Some(after) => {
                let is_key = after.starts_with(prefix) && (rest == ANY || after.len() == prefix.len() + rest);
                if !is_key {
                    return Err(ListError::BadPosition);
                }
                scan.seek_for_prev(after);
                if scan.key() == Some(after) {
                    scan.prev();
                }
            }
        }
        let mut listing = Listing { items: Vec::new(), next: None };
        let mut last = Vec::new();
        while let Some(key) = read(&mut scan, |key, _| Ok(key.to_vec()))? {
            let found = item(&key).map_err(|problem| problem.at(&key))?;
            if let Some(found) = found {
                if listing.items.len() == page.limit {
                    listing.next = Some(last);
                    break;
                }
                listing.items.push(found);
                last = key;
            }
            scan.prev();
        }
        Ok(listing)
    }
}

/// Keys of any length.
const ANY: usize = usize::MAX;

/// What can go wrong with one item of a page.
enum Problem {
    Read(ReadError),
    Malformed(Malformed),
}

impl Problem {
    fn at(self, key: &[u8]) -> ReadError {
        match self {
            Self::Read(error) => error,
            Self::Malformed(malformed) => super::senseless(key, malformed),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// What follows the first `at` bytes of a key.
pub(super) fn tail(key: &[u8], at: usize) -> Result<&[u8], Malformed> {
    key.get(at..).ok_or(Malformed::Broken("a key is too short"))
}

/// A fixed number of bytes out of a key.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed::Broken("a key has another length"))
}

/// A time out of a key.
pub(super) fn time(bytes: &[u8]) -> Result<UtcMillis, Malformed> {
    array(bytes).map(|bytes| UtcMillis(u64::from_be_bytes(bytes)))
}

/// The meter that a reading's key names.
pub(super) fn meter(key: &[u8]) -> Result<MeterId, Malformed> {
    let end = key.iter().position(|byte| *byte == 0).ok_or(Malformed::Broken("a reading's key has a zero byte"))?;
    meter_name(&key[..end])
}

fn meter_name(bytes: &[u8]) -> Result<MeterId, Malformed> {
    let broken = Malformed::Broken("a reading's key names a meter");
    std::str::from_utf8(bytes).ok().and_then(|name| MeterId::new(name).ok()).ok_or(broken)
}
