//! The door between the network and the loop: bounded in messages and in bytes.
//!
//! Peers' streams wait at it, each in turn, until there is room, and so does TCP behind them: a flood from one peer
//! slows that peer down. Gossip does not wait: what finds no room is dropped, since sync brings it again.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::protocol::household::io::Input;

/// Inputs that may wait: some milliseconds of the loop's work.
const MAX_WAITING: usize = 1_024;
/// Bytes that may wait: a few dozen full ranges, or thousands of entries.
const MAX_BYTES: u32 = 16 << 20;

/// Where inputs are put.
#[derive(Clone)]
pub struct Inbox {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// Where the loop takes them from.
pub struct Inputs(mpsc::Receiver<Waiting>);

/// An input with the room that it takes; dropping it gives the room back.
pub struct Waiting {
    /// The input.
    pub input: Input,
    _room: OwnedSemaphorePermit,
}

/// Why an input was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// No room just now.
    Full,
    /// The loop has ended.
    Closed,
}

/// A new door.
#[must_use]
pub fn inbox() -> (Inbox, Inputs) {
    let (queue, inputs) = mpsc::channel(MAX_WAITING);
    (Inbox { queue, room: Arc::new(Semaphore::new(MAX_BYTES as usize)) }, Inputs(inputs))
}

impl Inbox {
    /// Puts an input in, as soon as there is room.
    ///
    /// # Errors
    /// [`NotTaken::Closed`].
    pub async fn put(&self, input: Input) -> Result<(), NotTaken> {
        let room = self.room.clone().acquire_many_owned(size(&input)).await.map_err(|_| NotTaken::Closed)?;
        self.queue.send(Waiting { input, _room: room }).await.map_err(|_| NotTaken::Closed)
    }

    /// Puts an input in if there is room now.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn try_put(&self, input: Input) -> Result<(), NotTaken> {
        let room = self.room.clone().try_acquire_many_owned(size(&input)).map_err(|_| NotTaken::Full)?;
        self.queue.try_send(Waiting { input, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Closed,
        })
    }
}

impl Inputs {
    /// Waits for at least one input and takes those that are there, at most `most`. None once all doors are shut.
    pub async fn take(&mut self, into: &mut Vec<Waiting>, most: usize) -> Option<usize> {
        Some(self.0.recv_many(into, most).await).filter(|count| *count > 0)
    }

    /// The next input, if one is there.
    pub fn next_if_there(&mut self) -> Option<Waiting> {
        self.0.try_recv().ok()
    }
}

/// Bytes that an input holds: what a peer can make large.
fn size(input: &Input) -> u32 {
    let bytes = match input {
        Input::Gossip { bytes, .. } | Input::Message { bytes, .. } => bytes.len(),
        _ => 0,
    };
    u32::try_from(bytes).unwrap_or(MAX_BYTES).min(MAX_BYTES)
}
