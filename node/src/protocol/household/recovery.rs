//! How a household comes back from what it had made durable, or starts for the first time.
//!
//! A driver feeds back every [`Record`] that it holds: governance records first, by height; then the incarnation; then
//! the reservations, which entries may settle; then where logs start, and the rest, with the entries of each log in
//! order. Nothing is verified again, since only verified things are stored; but what does not fit together is refused,
//! because to go on with a damaged store could fork the own log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::{UtcMillis, Watts};

use super::Household;
use super::incarnations::Quiet;
use super::io::{Output, Record, Standing};
use super::requests::Requests;
use crate::protocol::agreement::{Answers, Calls, Doubts, Patience, Recorded, Shunned};
use crate::protocol::autopilot;
use crate::protocol::chain::Chain;
use crate::protocol::charter::{Charter, Member};
use crate::protocol::entry::Entry;
use crate::protocol::fold::Fold;
use crate::protocol::governance::{NotASuccessor, SignedRecord};
use crate::protocol::ids::{Incarnation, LogId, MemberKey};
use crate::protocol::limits::{KEEP_LOGS_AT_LEAST, PEERS_TO_COMPARE};
use crate::protocol::logs::{Fit, Logs};
use crate::protocol::metering::{Limits, Metering};
use crate::protocol::nonces::Nonces;
use crate::protocol::own_log::OwnLog;
use crate::protocol::peers::Peers;
use crate::protocol::signed::{Signer, Verified};
use crate::protocol::sync::Sync;

/// Why a household can't start from these records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// No first charter.
    #[error("there is no charter; found a community or take the charter file of one first")]
    NoCharter,
    /// The governance chain does not hold together.
    #[error(
        "the stored charters do not form a chain ({0}); the store is damaged: bring back the newest copy \
             of it, and start with `run --restored`"
    )]
    BrokenChain(#[from] NotASuccessor),
    /// A log does not hold together.
    #[error(
        "the stored log of {author} is broken at entry {seq}; the store is damaged. Keep the folder as it is; bring back \
         the newest copy of the store, or move the store away and begin an empty one with `wattswap init`, and start with \
         `run --restored`: what others hold is fetched from them"
    )]
    BrokenLog {
        /// Whose log.
        author: MemberKey,
        /// Which entry.
        seq: u64,
    },
}

impl Household {
    /// Starts from what was made durable; see the module's text for the order of `records`. `seed` must be fresh
    /// randomness at every start. Logs are kept for `keep_logs` after all that they say is over, or for
    /// [`KEEP_LOGS_AT_LEAST`] if that is longer.
    ///
    /// # Errors
    /// [`RecoveryError`] if the records do not fit together.
    pub fn recover(
        signer: Box<dyn Signer>,
        seed: [u8; 32],
        records: impl IntoIterator<Item = Record>,
        keep_logs: Duration,
        now: UtcMillis,
    ) -> Result<Self, RecoveryError> {
        let mut records = records.into_iter().peekable();
        let mut chain: Option<Chain> = None;
        while let Some(record) = next_governance(&mut records) {
            match &mut chain {
                None => chain = Some(Chain::found(record)?),
                Some(chain) => chain.extend(record)?,
            }
        }
        let stored = match records.peek() {
            Some(Record::Incarnation(incarnation)) => Some(*incarnation),
            _ => None,
        };
        let mut household = Self::new(signer, seed, chain.ok_or(RecoveryError::NoCharter)?, stored, now);
        household.keep_logs = keep_logs.max(KEEP_LOGS_AT_LEAST);
        let mut promised = None;
        records.try_for_each(|record| {
            if let Record::Beacon(beacon) = &record {
                promised = Some(beacon.goes_on_at());
            }
            household.take_back(record)
        })?;
        let written = household.logs.of(&household.me).map(|log| household.logs.fenced_until(log));
        let promises: Vec<UtcMillis> = written.chain(promised).collect();
        // Each by itself: one that is too far ahead to be kept takes no other with it.
        promises.into_iter().for_each(|promised| household.keep_older_promise(promised));
        household.requests.take_changed();
        Ok(household)
    }

    fn new(signer: Box<dyn Signer>, seed: [u8; 32], chain: Chain, stored: Option<Incarnation>, now: UtcMillis) -> Self {
        let me = signer.key();
        let mut nonces = Nonces::new(seed);
        let incarnation = stored.unwrap_or_else(|| Incarnation { opened: now, nonce: nonces.number() });
        let log = LogId { author: me, incarnation };
        let (community, charter) = (chain.community(), chain.in_force().1.clone());
        let needed = PEERS_TO_COMPARE.min(charter.members.len().saturating_sub(1));
        let mut fold = Fold::new(community);
        for (id, charter) in chain.charters() {
            fold.know(id, charter.clone());
        }
        chain.seals().for_each(|end| fold.seal(end));
        fold.advance(now);
        let shape = fold.shape(&chain.in_force().0).expect("the fold has just been told of it");
        let mut household = Self {
            me,
            signer: Arc::from(signer),
            now,
            logs: Logs::default(),
            fold,
            own: OwnLog::new(community, log),
            sync: Sync::default(),
            peers: Peers::default(),
            requests: Requests::default(),
            doubts: Doubts::default(),
            answers: Answers::default(),
            refused_us: Answers::default(),
            nonces,
            proposals: Vec::new(),
            acceptances: Vec::new(),
            shunned: Shunned::default(),
            patience: Patience::default(),
            calls: Calls::default(),
            to_serve: BTreeSet::new(),
            changed_books: BTreeSet::new(),
            shape,
            proofs: BTreeMap::new(),
            metering: Metering::new(meter_limits(&charter, &me)),
            autopilot: autopilot::Settings::off(&charter.shape),
            standing: Standing::Comparing { missing: needed },
            compared_with: BTreeSet::new(),
            claims: BTreeMap::new(),
            quiet: Quiet::Never,
            fetch_until: None,
            awaited: BTreeSet::new(),
            served: BTreeMap::new(),
            recorded: Recorded::default(),
            next_beacon: now,
            next_summary: now,
            keep_logs: KEEP_LOGS_AT_LEAST,
            next_cut: now,
            autopilot_wakes: now,
            hunts: BTreeMap::new(),
            next_ticket: 0,
            turn_is_open: true,
            wake_by: now,
            clock_stepped: false,
            is_restarting: false,
            beacon_wanted_by: BTreeSet::new(),
            out: VecDeque::new(),
            chain,
        };
        if stored.is_none() {
            household.persist(Record::Incarnation(incarnation));
        }
        household.peers.expect(charter.members.len());
        household.requests.set_life_of_slots(&household.chain);
        let members = charter.members.iter().map(|member| member.key).collect();
        household.out.push_back(Output::Admit(members));
        household
    }

    fn take_back(&mut self, record: Record) -> Result<(), RecoveryError> {
        match record {
            Record::LogStart(start) => self.logs.start_at(start),
            Record::Entry(entry) => self.take_back_entry(&entry)?,
            Record::Beacon(beacon) if beacon.log == self.own.id() => self.own.recover_beacon(&beacon),
            Record::Request(request) => self.requests.insert(request),
            Record::Reservation(reservation) => self.doubts.insert(reservation, self.now),
            Record::Refusal { refusal, closes_at } if refusal.maker == self.me => {
                self.answers.refuse(refusal, closes_at);
            }
            Record::Refusal { refusal, closes_at } => self.refused_us.refuse(refusal, closes_at),
            Record::Fence(beacon) => {
                self.logs.hear(&beacon);
                self.logs.rely_on(&beacon);
            }
            Record::Proof { key, proof } => self.convict(key, proof),
            Record::Reading(reading) => self.metering.restore(&reading),
            Record::Autopilot(settings) => self.autopilot = settings,
            Record::Trade(own) => self.note_recorded(&own),
            // Governance and incarnation came first; a beacon of an older log promises nothing here; the rest undoes records.
            Record::Governance(_)
            | Record::Incarnation(_)
            | Record::Beacon(_)
            | Record::Released(_)
            | Record::Forgotten(_) => {}
        }
        Ok(())
    }

    fn take_back_entry(&mut self, entry: &Verified<Entry>) -> Result<(), RecoveryError> {
        if self.fold.is_convicted(&entry.log.author) {
            return Ok(());
        }
        if self.logs.fit(entry) != Fit::Next {
            return Err(RecoveryError::BrokenLog { author: entry.log.author, seq: entry.seq });
        }
        self.take_in(entry);
        if entry.log == self.own.id() {
            self.own.recover_entry(entry);
        }
        Ok(())
    }
}

fn next_governance(records: &mut std::iter::Peekable<impl Iterator<Item = Record>>) -> Option<SignedRecord> {
    match records.next_if(|record| matches!(record, Record::Governance(_)))? {
        Record::Governance(record) => Some(record),
        _ => None,
    }
}

/// What readings are judged by. Of somebody who is no member, not yet or no more, the charter does not know the connection:
/// then it is believed to carry what the largest one does.
pub(super) fn meter_limits(charter: &Charter, me: &MemberKey) -> Limits {
    let largest = |watts: fn(&Member) -> Watts| charter.members.iter().map(watts).max().unwrap_or_default();
    let (import, export) = match charter.member(me) {
        Some(member) => (member.import, member.export),
        None => (largest(|member| member.import), largest(|member| member.export)),
    };
    Limits::new(import, export, &charter.shape)
}
