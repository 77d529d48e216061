//! A cheat's second log, and its signature under whatever it likes.

use std::collections::BTreeMap;
use std::sync::Arc;

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::Charter;
use wattswap_node::protocol::entry::{Beacon, Entry, Fill, Op, Order};
use wattswap_node::protocol::ids::{CharterId, CommunityId, EntryId, Incarnation, LogId, OrderId, ProposalId};
use wattswap_node::protocol::message::Bytes;
use wattswap_node::protocol::signed::{Signed, Statement, Verified};

use crate::network::founding::Key;
use crate::network::random::Random;

/// What a cheat offers at a time.
pub const OFFERED: WattHours = WattHours(500);
/// Better than anybody else asks or bids.
const ASK: Price = Price(1_000);
const BID: Price = Price(1_040);

/// What was signed, with the last byte of the signature another one.
pub fn badly_signed(bytes: &[u8]) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
    bytes.into()
}

/// The cheat's hand.
pub struct Pen {
    key: Key,
    community: CommunityId,
    /// Its second log.
    pub log: LogId,
    /// What it wrote there, and stands by.
    pub entries: Vec<Verified<Entry>>,
    /// Those that it signed badly, by number.
    bad: BTreeMap<u64, Bytes>,
    /// What it gave away of each order.
    pub given: BTreeMap<OrderId, i64>,
}

impl Pen {
    /// Nothing is written. The log is a little newer than the one of its own software: takers ask only the newest.
    pub fn new(key: Key, community: CommunityId, own: LogId) -> Self {
        let Incarnation { opened, nonce } = own.incarnation;
        let incarnation = Incarnation { opened: UtcMillis(opened.0 + 1), nonce };
        let log = LogId { author: own.author, incarnation };
        Self { key, community, log, entries: Vec::new(), bad: BTreeMap::new(), given: BTreeMap::new() }
    }

    /// What would come next.
    pub fn draft(&self, at: UtcMillis, ops: Vec<Op>) -> Verified<Entry> {
        let last = self.entries.last();
        let entry = Entry {
            community: self.community,
            log: self.log,
            seq: self.entries.len() as u64,
            prev: last.map(|last| EntryId(last.hash())),
            at: last.map_or(at, |last| last.at.max(at)),
            ops,
        };
        Verified::sign(entry, &self.key)
    }

    /// Writes the next entry.
    pub fn write(&mut self, at: UtcMillis, ops: Vec<Op>) -> Verified<Entry> {
        let entry = self.draft(at, ops);
        self.entries.push(entry.clone());
        entry
    }

    /// The first entry of a log of its own, older than the second one; each number is another log.
    pub fn open(&self, number: u64, at: UtcMillis) -> Verified<Entry> {
        let Incarnation { opened, nonce } = self.log.incarnation;
        let incarnation = Incarnation { opened: UtcMillis(opened.0.saturating_sub(number + 1)), nonce };
        let log = LogId { author: self.log.author, incarnation };
        let order = OrderId { entry: EntryId([0; 32]), index: 0 };
        let ops = vec![Op::Cancel { order, leaves: WattHours::ZERO }];
        let entry = Entry { community: self.community, log, seq: 0, prev: None, at, ops };
        Verified::sign(entry, &self.key)
    }

    /// Whether the cheat's own software knows nothing of this log.
    pub fn holds(&self, log: &LogId) -> bool {
        let (theirs, mine) = (log.incarnation, self.log.incarnation);
        let is_opened = theirs.nonce == mine.nonce && theirs.opened.0 + 1 < mine.opened.0;
        log.author == self.log.author && (*log == self.log || is_opened)
    }

    /// Writes the next entry with a signature that is not good; whoever asks gets it like that.
    pub fn write_badly(&mut self, at: UtcMillis, ops: Vec<Op>) -> Bytes {
        let entry = self.write(at, ops);
        let bytes = badly_signed(entry.bytes());
        self.bad.insert(entry.seq, bytes.clone());
        bytes
    }

    /// "My log ends here."
    pub fn beacon(&self, at: UtcMillis) -> Verified<Beacon> {
        let last = self.entries.last().map(|last| (last.seq, EntryId(last.hash())));
        Verified::sign(Beacon { community: self.community, log: self.log, last, at }, &self.key)
    }

    /// An order in the slot that opened last; none if no slot is open.
    pub fn order(&self, now: UtcMillis, charter: &(CharterId, Arc<Charter>), random: &mut Random) -> Option<Order> {
        let shape = &charter.1.shape;
        let slot = shape.open_slots(now).last()?;
        let (side, price) = if random.chance(500) { (Side::Sell, ASK) } else { (Side::Buy, BID) };
        let price = price.clamp(shape.floor, shape.cap);
        let expires_at = shape.gate(slot);
        Some(Order { slot, side, quantity: OFFERED, price, expires_at, charter: charter.0 })
    }

    /// Its signature under a word of its own.
    pub fn sign<T: Statement>(&self, word: T) -> Verified<T> {
        Verified::sign(word, &self.key)
    }

    /// An acceptance of all that is proposed, in the next entry.
    pub fn accept(&self, proposal: &Signed<Proposal>, total: i64, at: UtcMillis) -> Verified<Acceptance> {
        let at = self.entries.last().map_or(at, |last| last.at.max(at));
        let acceptance = Acceptance {
            proposal: ProposalId(proposal.hash()),
            maker: self.log.author,
            quantity: proposal.up_to,
            filled_total: WattHours(total),
            incarnation: self.log.incarnation,
            seq: self.entries.len() as u64,
            at,
        };
        Verified::sign(acceptance, &self.key)
    }

    /// A refusal.
    pub fn refuse(&self, proposal: &Signed<Proposal>, at: UtcMillis) -> Verified<Refusal> {
        let (maker, incarnation) = (self.log.author, self.log.incarnation);
        Verified::sign(Refusal { proposal: ProposalId(proposal.hash()), maker, incarnation, at }, &self.key)
    }

    /// Writes a fill, in which this acceptance stands.
    pub fn fill(&mut self, proposal: &Signed<Proposal>, acceptance: &Verified<Acceptance>) -> Verified<Entry> {
        let fill = Fill { proposal: proposal.clone(), acceptance: Signed::clone(acceptance) };
        self.write(acceptance.at, vec![Op::Fill(Box::new(fill))])
    }

    /// All fills that it wrote.
    pub fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.entries.iter().flat_map(|entry| entry.fills())
    }

    /// Whether an honest maker would accept all of it: it comes in time, for the first time, and so much is left.
    pub fn may_accept(&self, proposal: &Signed<Proposal>, now: UtcMillis) -> bool {
        let given = self.given.get(&proposal.order).copied().unwrap_or_default();
        let is_filled = self.fills().any(|fill| fill.proposal == *proposal);
        !is_filled && now < proposal.expires_at && given + proposal.up_to.0 <= OFFERED.0
    }

    /// Counts what is given away of an order, as an honest maker would.
    pub fn count(&mut self, proposal: &Signed<Proposal>) -> i64 {
        let given = self.given.entry(proposal.order).or_default();
        *given += proposal.up_to.0;
        *given
    }

    /// Its entries from a number on.
    pub fn range(&self, from: u64, count: u16) -> Vec<Bytes> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let shown = |entry: &Verified<Entry>| self.bad.get(&entry.seq).unwrap_or(entry.bytes()).clone();
        self.entries.iter().skip(from).take(usize::from(count)).map(shown).collect()
    }
}
