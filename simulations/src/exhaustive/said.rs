//! All that a household ever said and wrote, even if its disk has lost it: what the properties are judged by.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_node::protocol::agreement::words::{Acceptance, Refusal};
use wattswap_node::protocol::entry::Entry;
use wattswap_node::protocol::household::io::{Event, Output, Record, Reply, Request, RequestId, Reservation};
use wattswap_node::protocol::ids::ProposalId;
use wattswap_node::protocol::message::{Bytes, Message};
use wattswap_node::protocol::signed::{Signed, Signer as _, Verified};

use crate::network::checkers::one_history::OneHistory;
use crate::network::checkers::said::is_durable;
use crate::network::disk::Disk;
use crate::network::founding::Key;

use super::properties::Broken;

/// What one household said and wrote.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Own entries that were ever durable, in the order of writing.
    entries: Vec<Verified<Entry>>,
    /// How each request stood last, with all orders that ever stood for it.
    requests: BTreeMap<RequestId, Request>,
    /// Takes that were ever reserved.
    reservations: BTreeMap<ProposalId, Reservation>,
    /// Names of requests that its owner was told, in the order in which they were asked for.
    pub placed: Vec<RequestId>,
    /// The first answer to each proposal that left the house.
    pub answers: BTreeMap<ProposalId, Answer>,
    /// Takes that were let go without a trade.
    pub let_go: BTreeSet<ProposalId>,
    /// Trades that the owner was told are done.
    pub reported: BTreeSet<ProposalId>,
    /// An old disk was put in the place of the disk.
    pub was_restored: bool,
    /// Proposals that came too late to be answered.
    pub too_late: bool,
    /// What must not happen and can be seen at one household alone: which property, and what is wrong.
    pub objection: Option<Broken>,
    history: OneHistory,
}

/// An answer as it travelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Yes.
    pub accepts: bool,
    bytes: Bytes,
}

impl Said {
    /// Something must not have happened; the first such thing counts.
    pub fn object(&mut self, property: &'static str, what: String) {
        self.objection.get_or_insert((property, what));
    }

    /// Notes what became durable in a turn.
    pub(super) fn note_records(&mut self, home: usize, key: &Key, disk: &Disk, records: &[Record]) {
        if let Err(what) = self.history.note(key.key(), records) {
            self.object("one_history", what);
        }
        for record in records {
            match record {
                Record::Entry(entry) if entry.log.author == key.key() => self.note_entry(entry),
                Record::Request(request) => self.note_request(request),
                Record::Reservation(reservation) => {
                    self.reservations.insert(ProposalId(reservation.proposal.hash()), reservation.clone());
                }
                Record::Released(id) if !disk.trades().contains_key(id) => {
                    self.let_go.insert(*id);
                }
                Record::Proof { .. } => self.object("convictions", format!("home {home} has convicted a neighbour")),
                _ => {}
            }
        }
    }

    /// An order stands for its request for good, though a restored disk may have forgotten it.
    fn note_request(&mut self, request: &Request) {
        let mut request = request.clone();
        let before = self.requests.get(&request.id).map(|before| before.orders.as_slice()).unwrap_or_default();
        let gone: Vec<_> = before.iter().filter(|order| !request.orders.contains(order)).copied().collect();
        request.orders.extend(gone);
        self.requests.insert(request.id, request);
    }

    fn note_entry(&mut self, entry: &Verified<Entry>) {
        // A restored household fetches back what it wrote: that is nothing new.
        if !self.entries.contains(entry) {
            self.entries.push(entry.clone());
        }
    }

    /// Own entries, requests and takes, as records.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let entries = self.entries.iter().cloned().map(Record::Entry);
        let requests = self.requests.values().cloned().map(Record::Request);
        entries.chain(requests).chain(self.reservations.values().cloned().map(Record::Reservation))
    }

    /// Notes what was carried out; `records` became durable in the same turn.
    pub fn note_output(&mut self, home: usize, disk: &Disk, records: &[Record], output: &Output) {
        if !is_durable(output, records, disk, |acceptance| self.has_written(acceptance)) {
            self.object("said", format!("home {home} said what is not on its disk: {output:?}"));
        }
        match output {
            Output::Send { message: Message::Acceptance(bytes), .. } => {
                let word = Signed::<Acceptance>::parse(bytes.clone());
                self.answer(home, word.ok().map(|word| word.proposal), bytes, true);
            }
            Output::Send { message: Message::Refusal(bytes), .. } => {
                let word = Signed::<Refusal>::parse(bytes.clone());
                self.answer(home, word.ok().map(|word| word.proposal), bytes, false);
            }
            Output::Send { message: Message::TooLate { .. }, .. } => self.too_late = true,
            Output::Reply { reply: Ok(Reply::Placed(requests)), .. } => {
                for request in requests {
                    if !self.placed.contains(&request.id) {
                        self.placed.push(request.id);
                    }
                }
            }
            Output::Event(Event::Trade(own)) if !own.provisional => {
                self.reported.insert(own.trade.id());
            }
            Output::Event(Event::Convicted { .. }) => {
                self.object("convictions", format!("home {home} tells of a cheat"))
            }
            Output::Drop(_) => self.object("convictions", format!("home {home} drops a neighbour for misconduct")),
            Output::Load { .. } => self.object("convictions", format!("home {home} looks for evidence")),
            Output::Halt(halt) => self.object("convictions", format!("home {home} stops: {halt}")),
            _ => {}
        }
    }

    fn answer(&mut self, home: usize, proposal: Option<ProposalId>, bytes: &Bytes, accepts: bool) {
        let Some(id) = proposal else { return self.object("answers", "an answer that nobody can read".to_owned()) };
        let answer = Answer { accepts, bytes: bytes.clone() };
        if *self.answers.entry(id).or_insert_with(|| answer.clone()) != answer {
            self.object("answers", format!("home {home} gave two answers to proposal {id}"));
        }
    }

    fn has_written(&self, acceptance: &Acceptance) -> bool {
        self.entries.iter().flat_map(|entry| entry.fills()).any(|fill| *fill.acceptance == *acceptance)
    }
}
