//! One household: routes what happens outside to the part of the protocol that it concerns.
//!
//! The state machine of the whole protocol. [`io`] holds its two closed enums and the contract of whoever drives it;
//! start reading there. The way of an order through this folder: `commands` makes it a request, `turn` says what is
//! done at the end of each turn and in which order, and `agreement` takes, posts and agrees. `inbox` is what peers
//! say, `recovery` how a household comes back from its store.

mod automation;
mod commands;
mod inbox;
mod incarnations;
pub mod io;
pub mod recovery;
mod requests;
mod standing;
mod turn;
pub mod view;
mod witness;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::UtcMillis;

use self::incarnations::Quiet;
use self::io::{Event, Input, Output, Record, RequestId, Standing, Ticket};
use self::requests::Requests;
use self::witness::Hunt;
use super::agreement::words::{Acceptance, Proposal};
use super::agreement::{Answers, Calls, Doubts, Patience, Recorded, Shunned};
use super::autopilot;
use super::chain::Chain;
use super::fold::{BookId, Fold, ShapeNo};
use super::ids::{MemberKey, ProposalId};
use super::logs::Logs;
use super::message::{Gossip, Message, Proof};
use super::metering::Metering;
use super::nonces::Nonces;
use super::own_log::OwnLog;
use super::peers::Peers;
use super::signed::{Signer, Verified};
use super::sync::Sync;

/// More outputs than a turn usually has.
const USUAL_OUTPUTS: usize = 64;

/// One household's side of the protocol. See [`io`] for the contract.
///
/// Whoever clones it must not let both go on under one key: two that sign differently convict themselves. Model checkers
/// do, to look at what may happen next one way after the other; what `Debug` shows is all that it is, but for secrets.
#[derive(Clone, Debug)]
pub struct Household {
    pub(super) me: MemberKey,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) now: UtcMillis,
    pub(super) chain: Chain,
    pub(super) logs: Logs,
    pub(super) fold: Fold,
    pub(super) own: OwnLog,
    pub(super) sync: Sync,
    pub(super) peers: Peers,
    pub(super) requests: Requests,
    pub(super) doubts: Doubts,
    /// What we refused.
    pub(super) answers: Answers,
    /// What others refused us, for as long as they could break their word.
    pub(super) refused_us: Answers,
    pub(super) nonces: Nonces,
    /// Proposals of this turn, each from its signer.
    pub(super) proposals: Vec<Verified<Proposal>>,
    /// Acceptances of this turn, each of a take in doubt.
    pub(super) acceptances: Vec<Verified<Acceptance>>,
    /// Orders that gave us nothing for no reason that the book shows, and are left alone for a while.
    pub(super) shunned: Shunned,
    /// Requests that wait a moment for a counterparty.
    pub(super) patience: Patience,
    /// Members that were called because their orders suit us.
    pub(super) calls: Calls,
    /// Requests that may have something to take or to post.
    pub(super) to_serve: BTreeSet<RequestId>,
    /// Books that changed since the driver asked.
    pub(super) changed_books: BTreeSet<BookId>,
    /// The shape in force.
    shape: ShapeNo,
    /// One proof for each convicted key.
    proofs: BTreeMap<MemberKey, Proof>,
    metering: Metering,
    autopilot: autopilot::Settings,
    standing: Standing,
    /// Peers that have shown which entries of ours they hold, since we started or were to compare again.
    compared_with: BTreeSet<MemberKey>,
    /// Peers that said that they hold an entry of ours that we lack, and until when each may show it.
    claims: BTreeMap<MemberKey, UtcMillis>,
    /// An earlier log of ours may have proposed something that is still accepted.
    quiet: Quiet,
    /// For own logs that peers hold more of, nothing waits any longer.
    fetch_until: Option<UtcMillis>,
    /// Peers of which one was the first to show that an own log is to be fetched.
    awaited: BTreeSet<MemberKey>,
    /// What each peer has had of us in this turn.
    served: BTreeMap<MemberKey, Served>,
    /// Own trades that the owner was told of.
    pub(super) recorded: Recorded,
    next_beacon: UtcMillis,
    next_summary: UtcMillis,
    /// For how long logs are kept when all that they say is over.
    keep_logs: Duration,
    next_cut: UtcMillis,
    autopilot_wakes: UtcMillis,
    /// Evidence that is being read from the store.
    hunts: BTreeMap<Ticket, Hunt>,
    next_ticket: u64,
    turn_is_open: bool,
    /// When the driver promised to call again at the latest.
    wake_by: UtcMillis,
    /// The clock has stepped in this turn.
    clock_stepped: bool,
    /// The driver was asked to start the household again.
    is_restarting: bool,
    /// Who asked for a beacon, and which proposal it answers.
    pub(super) beacon_wanted_by: BTreeSet<(MemberKey, Option<ProposalId>)>,
    out: VecDeque<Output>,
}

/// What one peer has had in a turn: whoever asks without end gets no more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Served {
    /// Ranges that it was given.
    pub ranges_given: usize,
    /// Ranges of its that were looked at.
    pub ranges_taken: usize,
    /// Whether it was told where logs end.
    pub heads: bool,
    /// Whether it was given proofs.
    pub proofs: bool,
    /// Whether it was given governance records.
    pub governance: bool,
}

impl Household {
    /// Takes note of something that happened outside. See the contract in [`io`].
    pub fn handle(&mut self, now: UtcMillis, input: Input) {
        let before = std::mem::replace(&mut self.now, now);
        self.watch_clock(before);
        self.turn_is_open = true;
        match input {
            Input::Command { ticket, command } => {
                let reply = self.command(command);
                self.out.push_back(Output::Reply { ticket, reply });
            }
            Input::Gossip { ticket, from, bytes } => {
                let verdict = self.gossip(from, &bytes);
                self.out.push_back(Output::Judge { ticket, verdict });
            }
            Input::Message { from, bytes } => self.message(from, &bytes),
            Input::Connected(peer) => self.connected(peer),
            Input::Disconnected(peer) => self.disconnected(&peer),
            Input::Loaded { ticket, entries } => self.loaded(ticket, &entries),
            Input::Wake => {}
        }
    }

    /// The next thing to do outside; none once the turn is over.
    pub fn poll(&mut self) -> Option<Output> {
        if std::mem::take(&mut self.turn_is_open) {
            self.close_turn();
            self.wake_by = self.find_deadline();
        }
        let next = self.out.pop_front();
        if next.is_none() {
            // Now and then all members are told something at once: the room for that is not kept.
            self.out.shrink_to(USUAL_OUTPUTS);
        }
        next
    }

    /// When to call `handle(now, Input::Wake)` at the latest. Nothing changes that between turns.
    #[must_use]
    pub fn next_deadline(&self) -> UtcMillis {
        if self.turn_is_open { self.find_deadline() } else { self.wake_by }
    }

    fn find_deadline(&self) -> UtcMillis {
        let (_, charter) = self.chain.in_force();
        let deadlines = [
            Some(self.next_summary),
            self.fold.next_deadline(),
            self.requests.next_deadline().filter(|_| self.is_clock_confirmed()),
            self.sync.next_deadline(),
            self.sync.next_heads(charter.members.len()),
            self.doubts.next_deadline(self.now),
            self.shunned.next_deadline(),
            self.patience.next_deadline().filter(|_| self.can_sign()),
            self.requests.next_to_post().filter(|_| self.can_sign()),
            self.claims_end(),
            self.restoring_until(),
            self.log_is_due(),
            self.can_sign().then_some(self.next_beacon),
            self.can_sign().then_some(self.next_cut),
            self.can_sign().then_some(self.autopilot_wakes),
        ];
        deadlines.into_iter().flatten().min().expect("summaries always come again")
    }

    /// A clock that steps by more than clocks may differ is not trusted before a peer's was heard. After a step back,
    /// what time has taken out of the books must be put back, which only a new start does.
    fn watch_clock(&mut self, before: UtcMillis) {
        let (_, charter) = self.chain.in_force();
        let skew = charter.clock_skew;
        let stepped_back = self.now.after(skew) < before;
        if stepped_back && !self.is_restarting {
            self.is_restarting = true;
            self.out.push_back(Output::Restart);
        }
        let stepped_ahead = self.now > self.wake_by.after(skew) && !self.clock_stepped;
        if stepped_ahead {
            self.wait_on(before);
        }
        if !self.clock_stepped && (stepped_back || stepped_ahead) {
            self.clock_stepped = true;
            self.peers.forget_when();
        }
    }

    /// Asks all peers for the time, once in a turn in which the clock has stepped. What came in that turn tells nothing:
    /// it may have waited as long as the clock was away.
    fn ask_for_the_time(&mut self) {
        if std::mem::take(&mut self.clock_stepped) {
            self.peers.forget_when();
            let peers: Vec<MemberKey> = self.peers.connected().copied().collect();
            peers.into_iter().for_each(|peer| self.send(peer, Message::GetBeacon));
        }
    }

    pub(super) fn persist(&mut self, record: Record) {
        self.out.push_back(Output::Persist(record));
    }

    pub(super) fn send(&mut self, to: MemberKey, message: Message) {
        self.out.push_back(Output::Send { to, message });
    }

    /// Asks for a connection to a member that is wanted, unless that was done lately.
    pub(super) fn call(&mut self, member: MemberKey) {
        if self.calls.make(member, self.now) {
            self.out.push_back(Output::Call(member));
        }
    }

    pub(super) fn publish(&mut self, gossip: &Gossip) {
        self.out.push_back(Output::Publish(gossip.encode()));
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}
