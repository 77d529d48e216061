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
/// Inputs of one peer that may wait, long ones counting for several: whoever sends without end leaves room for the others, and
/// for gossip.
const MAX_WAITING_OF_ONE: usize = 64;
/// One more place for each so many bytes: the longest message takes most of them.
const BYTES_A_PLACE: u32 = 32 << 10;
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
    _place: Option<OwnedSemaphorePermit>,
}

/// The places of one peer, whatever streams it opens.
#[derive(Clone)]
pub struct Places(Arc<Semaphore>);

impl Default for Places {
    /// All of them free.
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_WAITING_OF_ONE)))
    }
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
        self.queue.send(Waiting { input, _room: room, _place: None }).await.map_err(|_| NotTaken::Closed)
    }

    /// Puts an input of a peer in, as soon as there is room and one of that peer's `places` is free.
    ///
    /// # Errors
    /// [`NotTaken::Closed`].
    pub async fn put_of(&self, places: &Places, input: Input) -> Result<(), NotTaken> {
        let wanted = 1 + size(&input) / BYTES_A_PLACE;
        let place = places.0.clone().acquire_many_owned(wanted).await.map_err(|_| NotTaken::Closed)?;
        let room = self.room.clone().acquire_many_owned(size(&input)).await.map_err(|_| NotTaken::Closed)?;
        let waiting = Waiting { input, _room: room, _place: Some(place) };
        self.queue.send(waiting).await.map_err(|_| NotTaken::Closed)
    }

    /// Puts an input in if there is room now.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn try_put(&self, input: Input) -> Result<(), NotTaken> {
        let room = self.room.clone().try_acquire_many_owned(size(&input)).map_err(|_| NotTaken::Full)?;
        self.queue.try_send(Waiting { input, _room: room, _place: None }).map_err(|error| match error {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::MemberKey;
    use crate::protocol::limits::MAX_MESSAGE_BYTES;

    #[tokio::test]
    async fn whoever_sends_without_end_leaves_room_for_others() {
        let (inbox, mut inputs) = inbox();
        let message = || Input::Message { from: MemberKey([1; 32]), bytes: Vec::new() };
        let places = Places::default();
        let flood = async {
            loop {
                inbox.put_of(&places, message()).await.unwrap();
            }
        };
        let others = async {
            for _ in MAX_WAITING_OF_ONE..MAX_WAITING {
                assert_eq!(inbox.try_put(message()), Ok(()));
            }
        };
        let mut flood = std::pin::pin!(flood);
        for _ in 0..2 * MAX_WAITING_OF_ONE {
            tokio::select! {
                biased;
                () = &mut flood => unreachable!("it has no end"),
                () = tokio::task::yield_now() => {}
            }
        }
        others.await;
        assert_eq!(inbox.try_put(message()), Err(NotTaken::Full));
        let mut taken = Vec::new();
        assert_eq!(inputs.take(&mut taken, 2 * MAX_WAITING).await, Some(MAX_WAITING));
        assert_eq!(places.0.available_permits(), 0);
        drop(taken);
        assert_eq!(
            places.0.available_permits(),
            MAX_WAITING_OF_ONE - 1,
            "they come free, and who waits gets the first"
        );
    }

    #[tokio::test]
    async fn long_messages_count_for_several() {
        let (inbox, mut inputs) = inbox();
        let places = Places::default();
        let long = || Input::Message { from: MemberKey([1; 32]), bytes: vec![0; MAX_MESSAGE_BYTES] };
        assert_eq!(inbox.put_of(&places, long()).await, Ok(()));
        let mut second = std::pin::pin!(inbox.put_of(&places, long()));
        tokio::select! {
            biased;
            _ = &mut second => unreachable!("there is room for one"),
            () = tokio::task::yield_now() => {}
        }
        drop(inputs.next_if_there());
        assert_eq!(second.await, Ok(()), "as soon as the first one is done");
    }
}
