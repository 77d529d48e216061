//! What a simulated household has made durable.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Refusal;
use wattswap_node::protocol::entry::{Beacon, Entry};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::io::{OwnTrade, Record, Request, RequestId, Reservation};
use wattswap_node::protocol::ids::{Incarnation, LogId, MemberKey, ProposalId};
use wattswap_node::protocol::logs::LogStart;
use wattswap_node::protocol::message::{Bytes, Proof};
use wattswap_node::protocol::signed::Verified;
use wattswap_node::protocol::{autopilot, metering};

/// The durable records of one household, as a store would hold them.
#[derive(Clone, Default)]
pub struct Disk {
    governance: Vec<SignedRecord>,
    incarnation: Option<Incarnation>,
    log_starts: BTreeMap<LogId, u64>,
    entries: BTreeMap<(LogId, u64), Verified<Entry>>,
    beacon: Option<Verified<Beacon>>,
    requests: BTreeMap<RequestId, Request>,
    reservations: BTreeMap<ProposalId, Reservation>,
    refusals: BTreeMap<ProposalId, (Verified<Refusal>, UtcMillis)>,
    trades: BTreeMap<ProposalId, OwnTrade>,
    proofs: BTreeMap<MemberKey, Proof>,
    readings: Vec<metering::Reading>,
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

    fn write(&mut self, record: Record) {
        match record {
            Record::Incarnation(incarnation) => self.incarnation = Some(incarnation),
            Record::LogStart(LogStart { log, seq }) => {
                self.log_starts.insert(log, seq);
                self.entries.retain(|(of, number), _| *of != log || *number >= seq);
            }
            Record::Entry(entry) => {
                self.entries.insert((entry.log, entry.seq), entry);
            }
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
            Record::Reading(reading) => self.readings.push(reading),
            Record::Autopilot(settings) => self.autopilot = Some(settings),
        }
    }

    /// Everything, in the order in which a household wants it back.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let governance = self.governance.iter().cloned().map(Record::Governance);
        let incarnation = self.incarnation.map(Record::Incarnation).into_iter();
        let starts = self.log_starts.iter().map(|(log, seq)| Record::LogStart(LogStart { log: *log, seq: *seq }));
        let entries = self.entries.values().cloned().map(Record::Entry);
        let beacon = self.beacon.clone().map(Record::Beacon).into_iter();
        let requests = self.requests.values().cloned().map(Record::Request);
        let reservations = self.reservations.values().cloned().map(Record::Reservation);
        let refusals = self.refusals.values().cloned();
        let refusals = refusals.map(|(refusal, closes_at)| Record::Refusal { refusal, closes_at });
        let trades = self.trades.values().cloned().map(Record::Trade);
        let proofs = self.proofs.iter().map(|(key, proof)| Record::Proof { key: *key, proof: proof.clone() });
        let readings = self.readings.iter().cloned().map(Record::Reading);
        let autopilot = self.autopilot.map(Record::Autopilot).into_iter();
        let log = governance.chain(incarnation).chain(reservations).chain(starts).chain(entries).chain(beacon);
        let own = requests.chain(refusals).chain(trades);
        log.chain(own).chain(proofs).chain(readings).chain(autopilot)
    }

    /// Signed bytes of consecutive entries.
    #[must_use]
    pub fn range(&self, log: LogId, from: u64, count: u16) -> Vec<Bytes> {
        let entries = self.entries.range((log, from)..(log, from.saturating_add(u64::from(count))));
        entries.map(|(_, entry)| entry.bytes().clone()).collect()
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
    pub fn refusals(&self) -> impl Iterator<Item = &Verified<Refusal>> {
        self.refusals.values().map(|(refusal, _)| refusal)
    }

    /// Takes in doubt.
    #[must_use]
    pub fn reservations(&self) -> &BTreeMap<ProposalId, Reservation> {
        &self.reservations
    }

    /// Every entry held.
    pub fn entries(&self) -> impl Iterator<Item = &Verified<Entry>> {
        self.entries.values()
    }
}
