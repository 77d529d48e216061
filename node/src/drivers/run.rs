//! The one loop: inputs in, one turn of the household, everything durable, and only then outputs.
//!
//! It runs on a thread of its own, since it waits for the disk. While it waits, inputs gather, and the next turn takes
//! all of them: many commands share one signature and one synced write. Whoever reads does so from the store or from
//! what the loop has [`Published`], and never waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use wattswap_matching::{Slot, UtcMillis};

use super::clock;
use super::inbox::{Inputs, Waiting};
use super::keys::{KeyError, NoRandomness};
use super::network::Network;
use super::snapshot::Published;
use super::store::{CommitError, ReadError, Store};
use super::telemetry::Figures;
use crate::protocol::household::Household;
use crate::protocol::household::io::{Command, CommandError, Event, Halt, Input, Output, Record, Reply, Ticket};
use crate::protocol::household::recovery::RecoveryError;
use crate::protocol::ids::MemberKey;
use crate::protocol::limits::MAX_RANGE_BYTES;
use crate::protocol::message::Message;

/// Commands that may wait for the loop: a few turns' worth.
const MAX_WAITING: usize = 2_048;
/// Inputs of one turn, and commands of one turn: bounds how long its one write can take.
const MAX_PER_TURN: usize = 1_024;
/// The longest sleep: the wall clock may be set in the meantime.
const MAX_SLEEP: Duration = Duration::from_secs(1);
/// A snapshot is taken this often at most: walking over all books costs too much for every turn.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// And so rarely that it takes no more than a hundredth of the time, however large the community is.
const SNAPSHOT_SHARE: u32 = 100;

/// What the loop is given to do by this household's own people and devices, and where it says what came of it.
type Work = (Command, oneshot::Sender<Result<Reply, CommandError>>);

/// The owner's way into the loop; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    work: mpsc::Sender<Work>,
    figures: Figures,
}

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
    /// It could not be made anew after the clock was set back.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// A fault of this program.
    #[error("a part of the node broke off, which is a fault of this program: please report it with the log above")]
    BrokeOff,
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

/// Told of news for the owner as they happen, with what readers see at that time.
pub trait Watch: Send {
    /// Something happened to the household.
    fn event(&mut self, event: &Event, published: &Published);
    /// These slots opened or closed, or their books changed.
    fn slots(&mut self, changed: &BTreeSet<Slot>, published: &Published);
}

/// Makes the household anew of what is durable.
pub type Recover = Box<dyn Fn(&Store, UtcMillis) -> Result<Household, RecoverError> + Send>;

/// A household, and the way to make it anew.
pub struct Recovered {
    /// As it was made of what is durable.
    pub household: Household,
    /// Makes it once more.
    pub again: Recover,
}

/// Why a household can't be made of what is durable.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is stored does not fit together.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The key file is gone.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No seed for the household's nonces.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// The loop's own state.
pub struct Loop {
    household: Household,
    recover: Recover,
    /// The household asked for it.
    restarts: bool,
    store: Arc<Store>,
    network: Network,
    inputs: Inputs,
    work: mpsc::Receiver<Work>,
    published: Arc<Published>,
    watch: Box<dyn Watch>,
    figures: Figures,
    steps: Box<dyn Steps>,
    replies: BTreeMap<Ticket, oneshot::Sender<Result<Reply, CommandError>>>,
    next_ticket: u64,
    /// Inputs that outputs of the last turn led to.
    follow_up: Vec<Input>,
    /// Slots whose books changed since the last snapshot.
    changed: BTreeSet<Slot>,
    /// When the next snapshot may be taken.
    next_snapshot: Instant,
    /// Whether something happened since the last one.
    is_stale: bool,
}

/// What one turn has to do.
#[derive(Default)]
struct Batch {
    inputs: Vec<Waiting>,
    work: Vec<Work>,
    is_last: bool,
}

impl Desk {
    /// Gives a command to the loop and waits for the reply.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn command(&self, command: Command) -> Result<Result<Reply, CommandError>, NoAnswer> {
        let (reply, answer) = oneshot::channel();
        self.work.try_send((command, reply)).map_err(|not_sent| match not_sent {
            mpsc::error::TrySendError::Full(_) => {
                self.figures.refused_commands.inc();
                NoAnswer::Full
            }
            mpsc::error::TrySendError::Closed(_) => NoAnswer::Stopped,
        })?;
        answer.await.map_err(|_| NoAnswer::Stopped)
    }
}

impl Loop {
    /// A loop that is ready to run, and the owner's way into it.
    #[must_use]
    pub fn new(
        Recovered { mut household, again: recover }: Recovered,
        store: Arc<Store>,
        network: Network,
        inputs: Inputs,
        figures: Figures,
        watch: Box<dyn Watch>,
        steps: Box<dyn Steps>,
    ) -> (Self, Desk) {
        let (sender, work) = mpsc::channel(MAX_WAITING);
        let now = clock::now();
        let published = Arc::new(Published::new(&mut household, now));
        let desk = Desk { work: sender, figures: figures.clone() };
        let this = Self {
            household,
            recover,
            restarts: false,
            store,
            network,
            inputs,
            work,
            watch,
            published,
            figures,
            steps,
            replies: BTreeMap::new(),
            next_ticket: 0,
            follow_up: Vec::new(),
            changed: BTreeSet::new(),
            next_snapshot: Instant::now(),
            is_stale: false,
        };
        (this, desk)
    }

    /// What readers see.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }

    /// Runs until the other end of `stop` sends or is dropped, and then for one more turn. Blocks: give it a thread of
    /// its own.
    ///
    /// # Errors
    /// [`RunError`] if it can't go on.
    pub fn run(mut self, stop: oneshot::Receiver<()>) -> Result<(), RunError> {
        let outcome = self.run_until_stopped(stop);
        if let Err(error) = &outcome {
            // Before whoever waits for an answer is let go, so that it can be told why there is none.
            self.published.fail(error.to_string());
        }
        outcome
    }

    fn run_until_stopped(&mut self, mut stop: oneshot::Receiver<()>) -> Result<(), RunError> {
        // A runtime of its own, so that waiting for the disk holds up nobody else's timers and sockets.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime without I/O needs nothing that could be missing");
        let mut batch = Batch::default();
        self.turn()?;
        loop {
            runtime.block_on(self.wait(&mut batch, &mut stop))?;
            let started = Instant::now();
            let count = batch.inputs.len() + batch.work.len();
            // Before anybody is answered, so that whoever got an answer finds the turn counted.
            self.figures.turn(count);
            self.handle(&mut batch);
            self.is_stale |= count > 0;
            self.turn()?;
            self.figures.turned(started.elapsed());
            if batch.is_last {
                return Ok(());
            }
        }
    }

    /// Hands everything that waits to the household.
    fn handle(&mut self, batch: &mut Batch) {
        let now = clock::now();
        for input in std::mem::take(&mut self.follow_up) {
            self.household.handle(now, input);
        }
        for waiting in batch.inputs.drain(..) {
            self.household.handle(now, waiting.input);
        }
        for (command, reply) in batch.work.drain(..) {
            self.command(now, command, reply);
        }
        self.household.handle(now, Input::Wake);
    }

    /// Waits for something to do or the next deadline, whichever comes first.
    async fn wait(&mut self, batch: &mut Batch, stop: &mut oneshot::Receiver<()>) -> Result<(), RunError> {
        let deadline = self.household.next_deadline().since(clock::now());
        let snapshot = self.next_snapshot.saturating_duration_since(Instant::now());
        let patience = match () {
            () if !self.follow_up.is_empty() => Duration::ZERO,
            () if self.is_stale => deadline.min(snapshot),
            () => deadline,
        };
        tokio::select! {
            biased;
            _ = stop => batch.is_last = true,
            // With nobody at the desk the node goes on trading.
            Some(work) = self.work.recv() => batch.work.push(work),
            taken = self.inputs.take(&mut batch.inputs, MAX_PER_TURN) => {
                // The network holds the other end as long as it lives.
                taken.ok_or(RunError::BrokeOff)?;
            }
            () = tokio::time::sleep(patience.min(MAX_SLEEP)) => {}
        }
        // Whatever woke the loop, the turn takes what else is there: one signature and one write serve all of it.
        while batch.work.len() < MAX_PER_TURN
            && let Ok(work) = self.work.try_recv()
        {
            batch.work.push(work);
        }
        while batch.inputs.len() < MAX_PER_TURN
            && let Some(waiting) = self.inputs.next_if_there()
        {
            batch.inputs.push(waiting);
        }
        Ok(())
    }

    fn command(&mut self, now: UtcMillis, command: Command, reply: oneshot::Sender<Result<Reply, CommandError>>) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        self.replies.insert(ticket, reply);
        self.household.handle(now, Input::Command { ticket, command });
    }

    /// Ends the household's turn: everything durable first, then the outputs.
    fn turn(&mut self) -> Result<(), RunError> {
        let mut records = Vec::new();
        let mut outputs = Vec::new();
        while let Some(output) = self.household.poll() {
            match output {
                Output::Persist(record) => records.push(record),
                output => outputs.push(output),
            }
        }
        self.commit(&records)?;
        self.is_stale |= !records.is_empty() || !outputs.is_empty();
        if outputs.iter().any(|output| matches!(output, Output::Reply { .. } | Output::Event(_))) {
            // Whoever is told something finds it in the books. Other turns' books wait for the snapshot: while a node
            // catches up, every turn changes every book.
            self.changed.extend(self.published.show_books(&mut self.household));
        }
        if records.iter().any(|record| matches!(record, Record::Governance(_))) {
            self.changed.extend(self.published.show_all_books(&self.household, clock::now()));
        }
        if records.iter().any(|record| matches!(record, Record::Autopilot(_) | Record::Governance(_))) {
            // Whoever set this and asks a moment later must not be shown what was before: they would write it back.
            self.next_snapshot = Instant::now();
            self.publish();
        }
        for output in outputs {
            self.steps.before_output(&output);
            self.carry_out(output)?;
        }
        if std::mem::take(&mut self.restarts) {
            self.restart()?;
        }
        self.publish();
        Ok(())
    }

    /// Makes the household anew, and tells it who is connected: the network has not noticed anything.
    fn restart(&mut self) -> Result<(), RunError> {
        tracing::warn!("the clock was set back: the books are made anew");
        let now = clock::now();
        let peers: Vec<MemberKey> = self.household.connected_peers().collect();
        self.household = (self.recover)(&self.store, now)?;
        self.follow_up.extend(peers.into_iter().map(Input::Connected));
        Ok(())
    }

    fn commit(&mut self, records: &[Record]) -> Result<(), RunError> {
        self.steps.before_commit(records);
        let started = Instant::now();
        self.store.commit(records)?;
        if !records.is_empty() {
            self.figures.committed(records, started.elapsed());
        }
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
            Output::Publish(bytes) => self.network.publish(bytes),
            Output::Send { to, message } => self.network.send(&to, message.encode()),
            Output::SendRange { to, log, from, count } => {
                let entries = self.store.range(&log, from, count, MAX_RANGE_BYTES)?;
                self.network.send(&to, Message::Range { log, from, entries }.encode());
            }
            Output::Load { ticket, log, from, count } => {
                let entries = self.store.range(&log, from, count, MAX_RANGE_BYTES)?;
                self.follow_up.push(Input::Loaded { ticket, entries });
            }
            Output::Judge { ticket, verdict } => self.network.judge(ticket, verdict),
            Output::Drop(peer) => self.network.drop_member(peer),
            Output::Call(member) => self.network.call(member),
            Output::Admit(members) => self.network.admit(members),
            Output::Event(event) => self.watch.event(&event, &self.published),
            Output::Restart => self.restarts = true,
            Output::Halt(halt) => return Err(halt.into()),
        }
        Ok(())
    }

    /// Takes a snapshot, unless that was done a moment ago: then a later turn does it, or `wait` wakes up for it.
    fn publish(&mut self) {
        let started = Instant::now();
        if !self.is_stale || started < self.next_snapshot {
            return;
        }
        let mut changed = std::mem::take(&mut self.changed);
        changed.extend(self.published.show_books(&mut self.household));
        changed.extend(self.published.update(&mut self.household, clock::now()));
        self.watch.slots(&changed, &self.published);
        self.next_snapshot = Instant::now() + SNAPSHOT_INTERVAL.max(started.elapsed() * SNAPSHOT_SHARE);
        self.is_stale = false;
    }
}
