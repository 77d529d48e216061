//! The one loop: inputs in, one turn of the household, everything durable, and only then outputs.
//!
//! It runs on a thread of its own, since it waits for the disk. While it waits, inputs gather, and the next turn takes
//! all of them: many commands share one signature and one synced write. Whoever reads does so from the store or from
//! the [`Snapshot`] that the loop publishes, and never waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use wattswap_matching::UtcMillis;

use super::clock;
use super::snapshot::{Published, Snapshot};
use super::store::{CommitError, ReadError, Store};
use super::telemetry::NodeMetrics;
use crate::protocol::household::Household;
use crate::protocol::household::io::{
    Command, CommandError, Event, Halt, Input, Output, Record, Reply, Ticket, Verdict,
};
use crate::protocol::ids::MemberKey;
use crate::protocol::limits::MAX_RANGE_BYTES;
use crate::protocol::message::Message;

/// Inputs that may wait for the loop: some turns' worth, a few megabytes at most.
const MAX_WAITING: usize = 4_096;
/// Inputs of one turn: bounds how long its one write can take.
const MAX_PER_TURN: usize = 1_024;
/// Things for the network that must not be lost and found no room: two a peer would be many.
const MAX_RETRIED: usize = 1_024;
/// The snapshot follows the household at this distance at most; walking over all books costs too much for every turn.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);

/// What the loop is given to do.
enum Work {
    Input(Input),
    Command(Command, oneshot::Sender<Result<Reply, CommandError>>),
    Stop,
}

/// The way into the loop; cheap to clone.
#[derive(Clone)]
pub struct Inbox(mpsc::Sender<Work>);

/// Why a command got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The loop has more to do than it can hold.
    #[error("the node has more to do than it can hold")]
    Full,
    /// The loop has ended, perhaps while it carried the command out.
    #[error("the node is stopping")]
    Stopped,
}

/// What the loop asks of the network.
#[derive(Clone, Debug)]
pub enum ToNetwork {
    /// Publish to the community.
    Publish(Vec<u8>),
    /// Send an encoded message to one peer, if it is connected.
    Send {
        /// The peer.
        to: MemberKey,
        /// The message.
        message: Vec<u8>,
    },
    /// What to do with a gossiped message.
    Judge {
        /// From its [`Input::Gossip`].
        ticket: Ticket,
        /// Pass it on or not.
        verdict: Verdict,
    },
    /// Close all connections to this peer.
    Drop(MemberKey),
    /// These members may connect, nobody else.
    Admit(Vec<MemberKey>),
}

/// Why the loop ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A turn could not be made durable; nothing of it left the house.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The household refuses to go on.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// Watches each step of a turn. The node's own does nothing; a test that crashes the process at a step has its own.
pub trait Steps: Send {
    /// Called before a turn's records are made durable.
    fn before_commit(&mut self, _records: &[Record]) {}
    /// Called before an output is carried out; all records of its turn are durable.
    fn before_output(&mut self, _output: &Output) {}
}

/// Watches nothing.
pub struct NoSteps;

impl Steps for NoSteps {}

/// Where the loop tells news and publishes its snapshot.
pub struct Outlets {
    /// To the network.
    pub network: mpsc::Sender<ToNetwork>,
    /// News for the owner.
    pub news: Box<dyn FnMut(Event, &Snapshot) + Send>,
    /// What readers see.
    pub published: Arc<Published>,
    /// Figures.
    pub metrics: NodeMetrics,
}

/// The loop's own state.
pub struct Loop {
    household: Household,
    store: Arc<Store>,
    work: mpsc::Receiver<Work>,
    outlets: Outlets,
    steps: Box<dyn Steps>,
    replies: BTreeMap<Ticket, oneshot::Sender<Result<Reply, CommandError>>>,
    next_ticket: u64,
    /// Inputs that outputs of the last turn led to.
    follow_up: Vec<Input>,
    /// For the network, and found no room.
    retried: Vec<ToNetwork>,
    published_at: UtcMillis,
    is_published: bool,
}

impl Inbox {
    /// An inbox and the work that comes through it.
    fn new() -> (Self, mpsc::Receiver<Work>) {
        let (sender, work) = mpsc::channel(MAX_WAITING);
        (Self(sender), work)
    }

    /// Gives an input to the loop; waits while the loop has no room. False once the loop has ended.
    pub async fn give(&self, input: Input) -> bool {
        self.0.send(Work::Input(input)).await.is_ok()
    }

    /// Gives a command to the loop and waits for the reply.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn command(&self, command: Command) -> Result<Result<Reply, CommandError>, NoAnswer> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Work::Command(command, reply)).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => NoAnswer::Full,
            mpsc::error::TrySendError::Closed(_) => NoAnswer::Stopped,
        })?;
        answer.await.map_err(|_| NoAnswer::Stopped)
    }

    /// Ends the loop after the turn at hand.
    pub async fn stop(&self) {
        let _ended_already = self.0.send(Work::Stop).await;
    }
}

impl Loop {
    /// A loop that is ready to run, and the way into it. `make_outlets` gets that way, since the network needs it.
    pub fn new<E>(
        household: Household,
        store: Arc<Store>,
        steps: Box<dyn Steps>,
        make_outlets: impl FnOnce(&Inbox) -> Result<Outlets, E>,
    ) -> Result<(Self, Inbox), E> {
        let (inbox, work) = Inbox::new();
        let this = Self {
            household,
            store,
            work,
            outlets: make_outlets(&inbox)?,
            steps,
            replies: BTreeMap::new(),
            next_ticket: 0,
            follow_up: Vec::new(),
            retried: Vec::new(),
            published_at: UtcMillis(0),
            is_published: false,
        };
        Ok((this, inbox))
    }

    /// Runs until it is stopped. Blocks: give it a thread of its own.
    ///
    /// # Errors
    /// [`RunError`] if it can't go on.
    pub fn run(mut self) -> Result<(), RunError> {
        // A runtime of its own, so that waiting for the disk holds up nobody else's timers and sockets.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime without I/O needs nothing that could be missing");
        self.turn()?;
        loop {
            let mut batch = Vec::new();
            runtime.block_on(self.wait(&mut batch));
            let now = clock::now();
            let inputs = std::mem::take(&mut self.follow_up);
            inputs.into_iter().for_each(|input| self.household.handle(now, input));
            let mut stop = false;
            for work in batch {
                match work {
                    Work::Input(input) => self.household.handle(now, input),
                    Work::Command(command, reply) => self.command(now, command, reply),
                    Work::Stop => stop = true,
                }
            }
            self.household.handle(now, Input::Wake);
            self.turn()?;
            if stop {
                return Ok(());
            }
        }
    }

    /// Waits for work or the next deadline, whichever comes first.
    async fn wait(&mut self, batch: &mut Vec<Work>) {
        if !self.follow_up.is_empty() {
            while batch.len() < MAX_PER_TURN
                && let Ok(work) = self.work.try_recv()
            {
                batch.push(work);
            }
            return;
        }
        let mut deadline = self.household.next_deadline();
        if !self.is_published {
            deadline = deadline.min(self.published_at.after(SNAPSHOT_INTERVAL));
        }
        let patience = deadline.since(clock::now());
        // An error says that the deadline came first. The loop holds a sender of its own work nowhere, so a closed
        // channel means that everybody has gone: that is a stop too.
        if let Ok(0) = tokio::time::timeout(patience, self.work.recv_many(batch, MAX_PER_TURN)).await {
            batch.push(Work::Stop);
        }
    }

    fn command(&mut self, now: UtcMillis, command: Command, reply: oneshot::Sender<Result<Reply, CommandError>>) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.replies.insert(ticket, reply);
        self.household.handle(now, Input::Command { ticket, command });
    }

    /// Ends the household's turn: everything durable first, then the outputs.
    fn turn(&mut self) -> Result<(), RunError> {
        let started = std::time::Instant::now();
        let mut records = Vec::new();
        let mut outputs = Vec::new();
        while let Some(output) = self.household.poll() {
            match output {
                Output::Persist(record) => records.push(record),
                output => outputs.push(output),
            }
        }
        self.steps.before_commit(&records);
        self.store.commit(&records)?;
        self.outlets.metrics.turn(&records, started.elapsed());
        for retried in std::mem::take(&mut self.retried) {
            self.to_network(retried);
        }
        for output in outputs {
            self.steps.before_output(&output);
            self.carry_out(output)?;
        }
        self.publish();
        Ok(())
    }

    fn carry_out(&mut self, output: Output) -> Result<(), RunError> {
        match output {
            Output::Persist(_) => unreachable!("the turn has made all records durable before"),
            Output::Reply { ticket, reply } => {
                if let Some(waiting) = self.replies.remove(&ticket) {
                    // Whoever asked may have gone; the command is done all the same.
                    let _ = waiting.send(reply);
                }
            }
            Output::Publish(bytes) => self.to_network(ToNetwork::Publish(bytes)),
            Output::Send { to, message } => self.to_network(ToNetwork::Send { to, message: message.encode() }),
            Output::SendRange { to, log, from, count } => {
                let entries = self.store.range(&log, from, count, MAX_RANGE_BYTES)?;
                let message = Message::Range { log, from, entries }.encode();
                self.to_network(ToNetwork::Send { to, message });
            }
            Output::Load { ticket, log, from, count } => {
                let entries = self.store.range(&log, from, count, MAX_RANGE_BYTES)?;
                self.follow_up.push(Input::Loaded { ticket, entries });
            }
            Output::Judge { ticket, verdict } => self.to_network(ToNetwork::Judge { ticket, verdict }),
            Output::Drop(peer) => self.to_network(ToNetwork::Drop(peer)),
            Output::Admit(members) => self.to_network(ToNetwork::Admit(members)),
            Output::Event(event) => {
                self.is_published = false;
                (self.outlets.news)(event, &self.outlets.published.get());
            }
            Output::Halt(halt) => return Err(halt.into()),
        }
        Ok(())
    }

    /// Never waits for the network: it may be waiting for us. Messages may be lost, the contract says; what must not be
    /// lost is tried again after the next turn.
    fn to_network(&mut self, command: ToNetwork) {
        let Err(mpsc::error::TrySendError::Full(command)) = self.outlets.network.try_send(command) else { return };
        self.outlets.metrics.network_full();
        let must_arrive = matches!(command, ToNetwork::Drop(_) | ToNetwork::Admit(_));
        if must_arrive && self.retried.len() < MAX_RETRIED {
            self.retried.push(command);
        }
    }

    /// Publishes what readers see, unless that was done a moment ago: then a later turn, or the next deadline, does it.
    fn publish(&mut self) {
        let now = clock::now();
        let is_due = now.since(self.published_at) >= SNAPSHOT_INTERVAL || now < self.published_at;
        if is_due {
            self.outlets.published.update(&mut self.household, now);
            (self.published_at, self.is_published) = (now, true);
        } else {
            self.is_published = false;
        }
    }
}
