//! What a simulated household has made durable.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Refusal;
use wattswap_node::protocol::charter::{Act, Charter};
use wattswap_node::protocol::entry::{Beacon, Entry};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::io::{OwnTrade, Record, Request, RequestId, Reservation};
use wattswap_node::protocol::ids::{CharterId, EntryId, Head, Incarnation, LogId, MemberKey, ProposalId};
use wattswap_node::protocol::limits::MAX_RANGE_BYTES;
use wattswap_node::protocol::logs::LogStart;
use wattswap_node::protocol::message::{Bytes, Proof};
use wattswap_node::protocol::metering::MeterId;
use wattswap_node::protocol::signed::Verified;
use wattswap_node::protocol::{autopilot, metering};

/// Entries that any household holds, once each: a thousand disks share them.
pub type Library = BTreeMap<EntryId, Verified<Entry>>;

/// The consecutive entries that are kept of a log.
#[derive(Clone, Debug, Default)]
struct Log {
    start: u64,
    entries: Vec<Verified<Entry>>,
}

/// The durable records of one household, as a store would hold them.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    governance: Vec<SignedRecord>,
    incarnation: Option<Incarnation>,
    logs: BTreeMap<LogId, Log>,
    beacon: Option<Verified<Beacon>>,
    fences: BTreeMap<LogId, Verified<Beacon>>,
    requests: BTreeMap<RequestId, Request>,
    reservations: BTreeMap<ProposalId, Reservation>,
    refusals: BTreeMap<ProposalId, (Verified<Refusal>, UtcMillis)>,
    trades: BTreeMap<ProposalId, OwnTrade>,
    proofs: BTreeMap<MemberKey, Proof>,
    readings: BTreeMap<(MeterId, UtcMillis), metering::Reading>,
    autopilot: Option<autopilot::Settings>,
}

impl Disk {
    /// A disk that holds a community's first charter.
    #[must_use]
    pub fn new(charter: SignedRecord) -> Self {
        Self { governance: vec![charter], ..Self::default() }
    }

    /// Makes records durable, all of them.
    pub fn commit(&mut self, records: Vec<Record>) {
        records.into_iter().for_each(|record| self.write(record));
    }

    /// Makes records durable, all of them, and keeps no second copy of an entry that the library holds.
    pub(crate) fn commit_shared(&mut self, records: &[Record], library: &mut Library) {
        for record in records {
            match record {
                Record::Entry(entry) => {
                    let shared = library.entry(EntryId(entry.hash())).or_insert_with(|| entry.clone());
                    self.append(shared.clone());
                }
                other => self.write(other.clone()),
            }
        }
    }

    fn append(&mut self, entry: Verified<Entry>) {
        let log = self.logs.entry(entry.log).or_default();
        let place = entry.seq.checked_sub(log.start).and_then(|place| usize::try_from(place).ok());
        match place {
            Some(place) if place == log.entries.len() => log.entries.push(entry),
            Some(place) if place < log.entries.len() => log.entries[place] = entry,
            _ => panic!("a household keeps the entries of a log without gaps"),
        }
    }

    fn start_log(&mut self, LogStart { log, seq }: LogStart) {
        let log = self.logs.entry(log).or_default();
        let gone = usize::try_from(seq.saturating_sub(log.start)).unwrap_or(usize::MAX).min(log.entries.len());
        log.entries.drain(..gone);
        log.start = seq;
    }

    fn write(&mut self, record: Record) {
        match record {
            Record::Incarnation(incarnation) => self.incarnation = Some(incarnation),
            Record::LogStart(start) => self.start_log(start),
            Record::Entry(entry) => self.append(entry),
            Record::Governance(record) => self.governance.push(record),
            Record::Beacon(beacon) => self.beacon = Some(beacon),
            Record::Request(request) => {
                self.requests.insert(request.id, request);
            }
            Record::Reservation(reservation) => {
                self.reservations.insert(ProposalId(reservation.proposal.hash()), reservation);
            }
            Record::Released(id) => {
                self.reservations.remove(&id);
            }
            Record::Fence(beacon) => {
                self.fences.insert(beacon.log, beacon);
            }
            Record::Refusal { refusal, closes_at } => {
                self.refusals.insert(refusal.proposal, (refusal, closes_at));
            }
            Record::Forgotten(id) => {
                self.refusals.remove(&id);
            }
            Record::Trade(trade) => {
                self.trades.insert(trade.trade.id(), trade);
            }
            Record::Proof { key, proof } => {
                self.proofs.insert(key, proof);
            }
            Record::Reading(reading) => {
                self.readings.insert((reading.row.meter.clone(), reading.row.at), reading);
            }
            Record::Autopilot(settings) => self.autopilot = Some(settings),
        }
    }

    /// Everything, in the order in which a household wants it back.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let governance = self.governance.iter().cloned().map(Record::Governance);
        let incarnation = self.incarnation.map(Record::Incarnation).into_iter();
        let starts = self.logs.iter().filter(|(_, kept)| kept.start > 0);
        let starts = starts.map(|(log, kept)| Record::LogStart(LogStart { log: *log, seq: kept.start }));
        let entries = self.entries().cloned().map(Record::Entry);
        let fences = self.fences.values().cloned().map(Record::Fence);
        let beacon = self.beacon.clone().map(Record::Beacon).into_iter();
        let requests = self.requests.values().cloned().map(Record::Request);
        let reservations = self.reservations.values().cloned().map(Record::Reservation);
        let refusals = self.refusals.values().cloned();
        let refusals = refusals.map(|(refusal, closes_at)| Record::Refusal { refusal, closes_at });
        let trades = self.trades.values().cloned().map(Record::Trade);
        let proofs = self.proofs.iter().map(|(key, proof)| Record::Proof { key: *key, proof: proof.clone() });
        let readings = self.readings.values().cloned().map(Record::Reading);
        let autopilot = self.autopilot.map(Record::Autopilot).into_iter();
        let log =
            governance.chain(incarnation).chain(reservations).chain(starts).chain(entries).chain(beacon).chain(fences);
        let own = requests.chain(refusals).chain(trades);
        log.chain(own).chain(proofs).chain(readings).chain(autopilot)
    }

    /// Logs that have an entry in their middle, and how many entries each holds.
    pub(super) fn logs_with_a_middle(&self) -> impl Iterator<Item = (LogId, usize)> {
        self.logs.iter().map(|(log, kept)| (*log, kept.entries.len())).filter(|(_, entries)| *entries > 1)
    }

    /// How many logs of one author it holds.
    #[must_use]
    pub fn logs_by(&self, author: MemberKey) -> usize {
        self.logs.range(LogId::first_of(author)..).take_while(|(log, _)| log.author == author).count()
    }

    /// Damages the disk: an entry is gone, and those behind it are not.
    pub(super) fn lose_entry(&mut self, log: &LogId, place: usize) {
        if let Some(kept) = self.logs.get_mut(log) {
            kept.entries.remove(place);
        }
    }

    /// Signed bytes of consecutive entries.
    #[must_use]
    pub fn range(&self, log: LogId, from: u64, count: u16) -> Vec<Bytes> {
        let Some(kept) = self.logs.get(&log) else { return Vec::new() };
        let first = usize::try_from(from.saturating_sub(kept.start)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |entry: &&Verified<Entry>| {
            bytes += entry.bytes().len();
            bytes <= MAX_RANGE_BYTES
        };
        let entries = kept.entries.iter().skip(first).take(usize::from(count)).take_while(fits);
        entries.map(|entry| entry.bytes().clone()).collect()
    }

    /// An entry, if it is held.
    #[must_use]
    pub fn entry(&self, log: LogId, seq: u64) -> Option<&Verified<Entry>> {
        let kept = self.logs.get(&log)?;
        let place = usize::try_from(seq.checked_sub(kept.start)?).ok()?;
        kept.entries.get(place)
    }

    /// The household's trades.
    #[must_use]
    pub fn trades(&self) -> &BTreeMap<ProposalId, OwnTrade> {
        &self.trades
    }

    /// The household's requests.
    #[must_use]
    pub fn requests(&self) -> &BTreeMap<RequestId, Request> {
        &self.requests
    }

    /// Refusals that are still remembered.
    pub fn refusals(&self) -> impl ExactSizeIterator<Item = &Verified<Refusal>> {
        self.refusals.values().map(|(refusal, _)| refusal)
    }

    /// Who was convicted, and by what.
    pub fn proofs(&self) -> impl Iterator<Item = (&MemberKey, &Proof)> {
        self.proofs.iter()
    }

    /// Takes in doubt.
    #[must_use]
    pub fn reservations(&self) -> &BTreeMap<ProposalId, Reservation> {
        &self.reservations
    }

    /// Every entry held.
    pub fn entries(&self) -> impl Iterator<Item = &Verified<Entry>> {
        self.logs.values().flat_map(|log| &log.entries)
    }

    /// Every entry of one author.
    pub fn entries_by(&self, author: MemberKey) -> impl DoubleEndedIterator<Item = &Verified<Entry>> {
        let logs = self.logs.range(LogId::first_of(author)..).take_while(move |(log, _)| log.author == author);
        let logs: Vec<&Log> = logs.map(|(_, log)| log).collect();
        logs.into_iter().flat_map(|log| &log.entries)
    }

    /// The newest charter.
    #[must_use]
    pub fn charter(&self) -> Option<&Charter> {
        self.governance.iter().rev().find_map(|record| match &record.record.act {
            Act::Charter(charter) => Some(&**charter),
            Act::Seals(_) => None,
        })
    }

    /// Where the operators say that logs end.
    pub fn seals(&self) -> impl Iterator<Item = &Head> {
        self.governance.iter().flat_map(|record| match &record.record.act {
            Act::Seals(ends) => ends.iter(),
            Act::Charter(_) => [].iter(),
        })
    }

    /// Whether a charter or a record of seals is held.
    #[must_use]
    pub fn holds_record(&self, id: &CharterId) -> bool {
        self.governance.iter().any(|record| record.id == *id)
    }

    /// The household's own current log; none if it never ran.
    #[must_use]
    pub fn incarnation(&self) -> Option<Incarnation> {
        self.incarnation
    }
}
