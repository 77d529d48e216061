//! What peers say. Everything is parsed and verified in here, or goes no further.

use sha2::{Digest as _, Sha256};

use super::Household;
use super::io::{Event, Output, Record, Verdict};
use crate::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use crate::protocol::entry::{Beacon, Entry};
use crate::protocol::evidence;
use crate::protocol::governance::SignedRecord;
use crate::protocol::ids::{Digest, Head, LogId, MemberKey};
use crate::protocol::limits::{
    FETCH_OWN_LOGS_FOR, MAX_ENTRY_BYTES, MAX_GOVERNANCE_RECORDS, MAX_HEADS, MAX_MESSAGE_BYTES, MAX_PROOFS,
    MAX_PROPOSALS_PER_TURN, MAX_RANGE, MAX_RANGE_BYTES, MAX_RANGES_PER_TURN,
};
use crate::protocol::logs::{Fit, LogStart, verify_range};
use crate::protocol::message::{Bytes, Gossip, Message, Proof, Summary};
use crate::protocol::pace::Pace;
use crate::protocol::signed::{Signed, Statement, Verified};
use crate::protocol::sync::Worth;

/// The peer sent what no honest software sends.
struct Misconduct;

impl Household {
    pub(super) fn connected(&mut self, peer: MemberKey) {
        self.peers.connect(peer);
        self.calls.came(&peer);
        self.tell(Event::Peer { key: peer, connected: true });
        self.send_summary(peer);
        if !self.compared_with.contains(&peer) {
            self.send(peer, Message::GetHeads);
        }
        // Its beacon tells that it is alive before the next one is gossiped.
        self.send(peer, Message::GetBeacon);
        self.serve_all_crossing();
    }

    pub(super) fn disconnected(&mut self, peer: &MemberKey) {
        self.peers.disconnect(peer);
        self.sync.lose(peer);
        self.tell(Event::Peer { key: *peer, connected: false });
    }

    pub(super) fn gossip(&mut self, from: MemberKey, bytes: &[u8]) -> Verdict {
        match Gossip::decode(bytes) {
            Ok(Gossip::Entry(bytes)) => self.gossiped_entry(from, &bytes),
            Ok(Gossip::Beacon(bytes)) => self.gossiped_beacon(from, &bytes),
            Ok(Gossip::Proof(proof)) => self.take_proof(proof),
            Ok(Gossip::Governance(bytes)) => self.gossiped_governance(from, &bytes),
            Err(_) => Verdict::Reject,
        }
    }

    pub(super) fn message(&mut self, from: MemberKey, bytes: &[u8]) {
        let handled = match Message::decode(bytes) {
            Ok(message) => self.take_message(from, message),
            Err(_) => Err(Misconduct),
        };
        if let Err(Misconduct) = handled {
            self.out.push_back(Output::Drop(from));
        }
    }

    fn take_message(&mut self, from: MemberKey, message: Message) -> Result<(), Misconduct> {
        match message {
            Message::Summary(summary) => self.take_summary(from, &summary),
            Message::GetHeads => {
                if std::mem::replace(&mut self.served.entry(from).or_default().heads, true) {
                    return Ok(());
                }
                // First what it promised last, as far as is known here: heads alone don't show that its store has lost that.
                if let Some(beacon) = self.logs.of(&from).last().and_then(|log| self.logs.beacon(log)) {
                    self.send(from, Message::Beacon(beacon.bytes().clone()));
                }
                let heads = self.logs.heads().take(MAX_HEADS).collect();
                self.send(from, Message::Heads(heads));
            }
            Message::Heads(heads) => self.take_heads(from, &heads),
            Message::GetRange { log, from: first, count } => {
                let served = self.served.entry(from).or_default();
                served.ranges_given += 1;
                if served.ranges_given <= MAX_RANGES_PER_TURN {
                    let first = first.max(self.logs.start(&log));
                    self.out.push_back(Output::SendRange { to: from, log, from: first, count: count.min(MAX_RANGE) });
                }
            }
            Message::Range { log, from: first, entries } => self.take_range(from, log, first, &entries)?,
            Message::GetGovernance { from: height } => {
                if std::mem::replace(&mut self.served.entry(from).or_default().governance, true) {
                    return Ok(());
                }
                let records = self.chain.from_height(height).iter().take(MAX_GOVERNANCE_RECORDS);
                let records = records.map(|record| record.bytes.clone()).collect();
                self.send(from, Message::Governance(records));
            }
            Message::Governance(records) => self.take_governance_records(&records)?,
            Message::GetProofs => {
                if std::mem::replace(&mut self.served.entry(from).or_default().proofs, true) {
                    return Ok(());
                }
                let proofs = self.some_proofs();
                self.send(from, Message::Proofs(proofs));
            }
            Message::Proofs(proofs) => {
                if proofs.into_iter().any(|proof| self.take_proof(proof) == Verdict::Reject) {
                    return Err(Misconduct);
                }
            }
            Message::Proposal(bytes) => self.take_proposal(from, &bytes)?,
            Message::Acceptance(bytes) => {
                let acceptance: Verified<Acceptance> = believe(&bytes)?;
                self.accepted(from, acceptance);
            }
            Message::Refusal(bytes) => {
                let refusal: Verified<Refusal> = believe(&bytes)?;
                self.refused(from, &refusal);
            }
            Message::TooLate { beacon, .. } | Message::Beacon(beacon) => {
                let beacon: Verified<Beacon> = believe(&beacon)?;
                self.take_beacon(from, &beacon);
            }
            Message::Clock(at) => {
                if self.peers.hear_clock(from, at, self.now) {
                    self.serve_all_crossing();
                }
            }
            Message::GetBeacon => {
                self.beacon_wanted_by.insert((from, None));
            }
        }
        Ok(())
    }

    fn take_summary(&mut self, from: MemberKey, summary: &Summary) {
        if summary.community != self.chain.community() {
            return;
        }
        if summary.governance.0 > self.chain.newest().record.height {
            let height = self.chain.newest().record.height + 1;
            self.send(from, Message::GetGovernance { from: height });
        }
        if summary.heads == self.logs.digest() {
            self.sync.agrees(&from);
            // What it was promised comes with its heads alone: the answer may have been lost.
            if !self.compared_with.contains(&from) {
                self.send(from, Message::GetHeads);
            }
        } else {
            self.sync.differs(from);
        }
        if summary.convicted != self.convicted_digest() {
            self.send(from, Message::GetProofs);
        }
    }

    fn take_heads(&mut self, from: MemberKey, heads: &[Head]) {
        self.compare_own(from, heads);
        for head in heads {
            let is_at_hand = head.log == self.own.id();
            if !is_at_hand && self.is_author(&head.log) && self.logs.next_seq(&head.log) <= head.seq {
                self.offered(from, head);
            } else if !is_at_hand && self.logs.id(&head.log, head.seq).is_some_and(|id| id != head.id) {
                // Two versions of one entry: the other one is fetched as evidence.
                let (log, from_seq) = (head.log, head.seq);
                self.send(from, Message::GetRange { log, from: from_seq, count: MAX_RANGE });
            }
        }
    }

    /// A peer holds more of a log. If it is one of our own, there is so much time to fetch it.
    fn offered(&mut self, by: MemberKey, head: &Head) {
        // Once a peer: it may lie.
        let is_awaited = self.fetch_until.is_some_and(|until| until > self.now);
        if head.log.author == self.me && !is_awaited && self.awaited.insert(by) {
            self.fetch_until = Some(self.now.after(FETCH_OWN_LOGS_FOR));
        }
        self.sync.offer(by, head);
    }

    /// Whether entries of this log are taken at all: of members, past ones too, who were not convicted.
    fn is_author(&self, log: &LogId) -> bool {
        !self.fold.is_convicted(&log.author)
            && self.chain.charters().any(|(_, charter)| charter.member(&log.author).is_some())
    }

    fn take_range(&mut self, from: MemberKey, log: LogId, first: u64, entries: &[Bytes]) -> Result<(), Misconduct> {
        if entries.len() > usize::from(MAX_RANGE) {
            return Err(Misconduct);
        }
        let entries: Result<Vec<_>, _> = entries.iter().map(|bytes| Signed::<Entry>::parse(bytes.clone())).collect();
        let entries = entries.map_err(|_| Misconduct)?;
        let fits = entries.first().is_none_or(|entry| entry.log == log && entry.seq == first);
        let ours = entries.iter().all(|entry| entry.community == self.chain.community());
        if !fits || !ours {
            return Err(Misconduct);
        }
        let before = self.logs.next_seq(&log);
        let bytes: usize = entries.iter().map(|entry| entry.bytes().len()).sum();
        let is_full = entries.len() == usize::from(MAX_RANGE) || bytes + MAX_ENTRY_BYTES > MAX_RANGE_BYTES;
        let served = self.served.entry(from).or_default();
        served.ranges_taken += 1;
        // Each can cost as many checks of signatures as it has entries.
        let is_worth_it = served.ranges_taken <= MAX_RANGES_PER_TURN
            && !entries.iter().all(|entry| self.logs.fit(entry) == Fit::Held);
        if is_worth_it && self.is_author(&log) {
            let entries = verify_range(entries).map_err(|_| Misconduct)?;
            if log.author == self.me {
                self.shown_own(from, &entries);
            }
            if log != self.own.id() {
                self.take_entries(&entries);
            }
        }
        let next = self.logs.next_seq(&log);
        let worth = match () {
            // Less than before, if it has convicted its author.
            () if next <= before => Worth::Nothing,
            () if is_full => Worth::Full,
            () => Worth::Little(next - 1),
        };
        self.sync.came(&from, &log, first, worth);
        Ok(())
    }

    /// Takes consecutive authentic entries of one log.
    fn take_entries(&mut self, entries: &[Verified<Entry>]) {
        let there_is_room_for = self.how_many_to_keep(entries);
        for (index, entry) in entries.iter().enumerate() {
            match self.logs.fit(entry) {
                Fit::TooManyLogs => return self.found_too_many_logs(&entries[index..]),
                Fit::Held => {}
                Fit::Fork => return self.found_fork(&entries[index..]),
                Fit::TimeRunsBack => return self.found_time_running_back(&entries[index..]),
                _ if index >= there_is_room_for => return,
                Fit::Gap { .. } | Fit::TooFast if index == 0 && self.is_over(entry) => self.skip_to(entry),
                Fit::Next => self.keep(entry),
                _ => return,
            }
        }
    }

    /// So many of them can be stored, up to the last one that is signed well: what a node holds, it can prove to others.
    fn how_many_to_keep(&self, entries: &[Verified<Entry>]) -> usize {
        let Some(first) = entries.first() else { return 0 };
        let held = self.logs.next_seq(&first.log);
        let begins_anew = first.seq > held || self.logs.fit(first) == Fit::TooFast;
        let mut pace = if begins_anew { Pace::default() } else { self.logs.pace(&first.log) };
        let mut waiting = self.fold.waiting(&first.log);
        let fits = |entry: &&Verified<Entry>| {
            if entry.seq < held {
                return true;
            }
            let bytes = entry.bytes().len();
            let room = self.room_for(entry, waiting).filter(|_| pace.has_room(entry.at, bytes));
            pace.grow(entry.at, bytes);
            waiting = room.unwrap_or(waiting);
            room.is_some()
        };
        let fitting = entries.iter().take_while(fits).count();
        if fitting == entries.len() {
            return fitting;
        }
        entries[..fitting].iter().rposition(|entry| entry.has_good_signature()).map_or(0, |last| last + 1)
    }

    /// See [`Fold::room_for`](crate::protocol::fold::Fold::room_for). What we have signed ourselves always has room: a clock that is
    /// behind must not make a new log end the older ones before what peers hold.
    fn room_for(&self, entry: &Entry, waiting: usize) -> Option<usize> {
        if entry.log.author == self.me { Some(waiting) } else { self.fold.room_for(entry, waiting) }
    }

    /// Whether all that an entry says is over, by a clock that peers have confirmed.
    fn is_over(&self, entry: &Entry) -> bool {
        let (_, charter) = self.chain.in_force();
        let is_right = self.peers.clock_ahead().is_some_and(|ahead| ahead <= charter.clock_skew);
        is_right && entry.at < self.chain.horizon(self.now)
    }

    /// Takes a log up at an entry behind a gap, since all that the gap and what was before it can say is over.
    fn skip_to(&mut self, entry: &Verified<Entry>) {
        let start = LogStart { log: entry.log, seq: entry.seq };
        self.logs.start_at(start);
        self.persist(Record::LogStart(start));
        self.keep(entry);
    }

    fn keep(&mut self, entry: &Verified<Entry>) {
        self.examine(entry);
        if self.fold.is_convicted(&entry.log.author) {
            return;
        }
        self.persist(Record::Entry(entry.clone()));
        self.take_in(entry);
        self.examine_cancels(entry);
    }

    /// Takes the next entry of a log that is durable, or will be before anything else happens.
    pub(super) fn take_in(&mut self, entry: &Verified<Entry>) {
        self.logs.append(entry);
        self.fold.add(entry);
        self.notice_late_trades(entry);
        self.peers.hear(entry.log.author, entry.at);
    }

    fn gossiped_entry(&mut self, from: MemberKey, bytes: &Bytes) -> Verdict {
        let Ok(entry) = Signed::<Entry>::parse(bytes.clone()) else { return Verdict::Reject };
        if entry.community != self.chain.community() {
            return Verdict::Reject;
        }
        if !self.is_author(&entry.log) {
            return Verdict::Ignore;
        }
        let fit = self.logs.fit(&entry);
        if fit == Fit::Held || (fit == Fit::TooManyLogs && self.is_hunted(&entry.log.author)) {
            return Verdict::Ignore;
        }
        // A good successor may still prove an entry with a bad signature; but that is sync's business.
        let Ok(entry) = entry.verify() else { return Verdict::Reject };
        if entry.log.author == self.me {
            self.shown_own(from, std::slice::from_ref(&entry));
            if entry.log == self.own.id() {
                return Verdict::Ignore;
            }
        }
        match fit {
            Fit::Next if self.room_for(&entry, self.fold.waiting(&entry.log)).is_some() => self.keep(&entry),
            Fit::Gap { .. } => {
                self.offered(from, &head_of(&entry));
                return self.pass_on(&entry.log);
            }
            Fit::Fork => self.found_fork(std::slice::from_ref(&entry)),
            Fit::TimeRunsBack => {
                self.found_time_running_back(std::slice::from_ref(&entry));
                return Verdict::Ignore;
            }
            Fit::TooManyLogs => {
                self.found_too_many_logs(std::slice::from_ref(&entry));
                return Verdict::Ignore;
            }
            Fit::OtherPast => {
                let before = entry.seq.saturating_sub(1);
                self.send(from, Message::GetRange { log: entry.log, from: before, count: MAX_RANGE });
                return self.pass_on(&entry.log);
            }
            _ => return Verdict::Ignore,
        }
        Verdict::Accept
    }

    fn pass_on(&mut self, log: &LogId) -> Verdict {
        if self.logs.may_pass_on(log) { Verdict::Accept } else { Verdict::Ignore }
    }

    fn gossiped_beacon(&mut self, from: MemberKey, bytes: &Bytes) -> Verdict {
        let Ok(beacon) = Signed::<Beacon>::parse(bytes.clone()) else { return Verdict::Reject };
        if beacon.community != self.chain.community() {
            return Verdict::Reject;
        }
        let newer = self.peers.newest_word(&beacon.log.author).is_none_or(|at| at < beacon.at);
        if !self.is_author(&beacon.log) || !newer || beacon.log.author == self.me {
            return Verdict::Ignore;
        }
        let Ok(beacon) = beacon.verify() else { return Verdict::Reject };
        self.take_beacon(from, &beacon);
        // One that speaks up more often than it has to is heard, and goes no further.
        if self.peers.is_due_for_gossip(beacon.log.author, self.now) { Verdict::Accept } else { Verdict::Ignore }
    }

    fn take_beacon(&mut self, from: MemberKey, beacon: &Verified<Beacon>) {
        if beacon.community != self.chain.community() || !self.is_author(&beacon.log) {
            return;
        }
        if beacon.log.author == self.me {
            return self.shown_own_promise(beacon);
        }
        self.examine_beacon(beacon);
        self.logs.hear(beacon);
        if self.peers.hear_live(beacon.log.author, beacon.at, self.now) {
            self.serve_all_crossing();
        }
        if let Some((seq, id)) = beacon.last {
            let head = Head { log: beacon.log, seq, id };
            if self.logs.next_seq(&head.log) <= seq {
                self.sync.offer(from, &head);
            }
        }
    }

    fn take_proposal(&mut self, from: MemberKey, bytes: &Bytes) -> Result<(), Misconduct> {
        let proposal = Signed::<Proposal>::parse(bytes.clone()).map_err(|_| Misconduct)?;
        let to_us = proposal.maker.author == self.me && proposal.community == self.chain.community();
        if proposal.taker.author != from || !to_us {
            return Err(Misconduct);
        }
        let proposal = proposal.verify().map_err(|_| Misconduct)?;
        if self.proposals.len() < MAX_PROPOSALS_PER_TURN && !self.proposals.contains(&proposal) {
            self.proposals.push(proposal);
        }
        Ok(())
    }

    fn gossiped_governance(&mut self, from: MemberKey, bytes: &Bytes) -> Verdict {
        let Ok(record) = SignedRecord::parse(bytes.clone()) else { return Verdict::Reject };
        let next = self.chain.newest().record.height + 1;
        if record.record.height < next {
            return Verdict::Ignore;
        }
        if record.record.height > next {
            self.send(from, Message::GetGovernance { from: next });
            return Verdict::Ignore;
        }
        if self.extend_chain(record).is_ok() { Verdict::Accept } else { Verdict::Reject }
    }

    fn take_governance_records(&mut self, records: &[Bytes]) -> Result<(), Misconduct> {
        for bytes in records {
            let record = SignedRecord::parse(bytes.clone()).map_err(|_| Misconduct)?;
            if record.record.height == self.chain.newest().record.height + 1 && self.extend_chain(record).is_err() {
                return Err(Misconduct);
            }
        }
        Ok(())
    }

    /// Convicts whom the proof convicts. One proof per key is kept.
    pub(super) fn take_proof(&mut self, proof: Proof) -> Verdict {
        // What could not be passed on would convict for some and not for others.
        if proof.bytes_in_message() > MAX_MESSAGE_BYTES {
            return Verdict::Reject;
        }
        match evidence::convicts(&proof, self.chain.community()) {
            Err(_) => Verdict::Reject,
            Ok(key) if self.fold.is_convicted(&key) || self.chain_never_listed(&key) => Verdict::Ignore,
            Ok(key) => {
                let of = proof.contradiction();
                self.convict(key, proof.clone());
                self.persist(Record::Proof { key, proof });
                self.tell(Event::Convicted { key, of });
                Verdict::Accept
            }
        }
    }

    /// As many as fit into a message, beginning anywhere: whoever lacks one gets it sooner or later, however many there are.
    fn some_proofs(&mut self) -> Vec<Proof> {
        if self.proofs.is_empty() {
            return Vec::new();
        }
        let first =
            usize::try_from(self.nonces.number() % self.proofs.len() as u64).expect("it counts what is in memory");
        let mut bytes = 0;
        let fits = |proof: &&Proof| {
            bytes += proof.bytes_in_message();
            bytes <= MAX_MESSAGE_BYTES
        };
        let all = self.proofs.values().cycle().skip(first).take(self.proofs.len().min(MAX_PROOFS));
        all.take_while(fits).cloned().collect()
    }

    fn chain_never_listed(&self, key: &MemberKey) -> bool {
        !self.chain.charters().any(|(_, charter)| charter.member(key).is_some())
    }

    /// From now on nothing of this key counts.
    pub(super) fn convict(&mut self, key: MemberKey, proof: Proof) {
        self.proofs.insert(key, proof);
        self.fold.convict(key);
        self.logs.forget(&key);
    }

    pub(super) fn convicted_digest(&self) -> Digest {
        let hash = |hasher: Sha256, key: &MemberKey| hasher.chain_update(key.0);
        Digest(self.proofs.keys().fold(Sha256::new(), hash).finalize().into())
    }
}

/// Parses and verifies a signed word that came to us directly.
fn believe<T: Statement>(bytes: &Bytes) -> Result<Verified<T>, Misconduct> {
    Signed::<T>::parse(bytes.clone()).map_err(|_| Misconduct)?.verify().map_err(|_| Misconduct)
}

fn head_of(entry: &Verified<Entry>) -> Head {
    Head { log: entry.log, seq: entry.seq, id: crate::protocol::ids::EntryId(entry.hash()) }
}
