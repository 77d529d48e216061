//! What waits to be written to each peer: bounded a peer and in all. A slow peer loses messages and blocks nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::protocol::ids::MemberKey;
use crate::protocol::limits::{MAX_MESSAGE_BYTES, MAX_RANGE_BYTES, MAX_RANGES_IN_FLIGHT};

/// Messages that may wait for one peer.
const MAX_WAITING: usize = 1_024;
/// Bytes that may wait for one peer: all ranges that it may have asked for, and a longest message.
const MAX_BYTES: usize = MAX_RANGES_IN_FLIGHT * MAX_RANGE_BYTES + 2 * MAX_MESSAGE_BYTES;
/// Bytes that may wait for all peers together.
const MAX_BYTES_IN_ALL: usize = 64 << 20;
/// A message that is no longer than this, as proposals, their answers and beacons are...
const SHORT: usize = 2 << 10;
/// ...finds so much room for its peer alone, when peers that read nothing have filled the rest.
const MAX_SHORT_BYTES: usize = 64 << 10;

/// The outboxes of all peers with an open stream. Clones share them.
#[derive(Clone)]
pub struct Outboxes {
    open: Arc<Mutex<Open>>,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Open {
    peers: BTreeMap<MemberKey, Outbox>,
    opened: u64,
}

struct Outbox {
    /// Tells an outbox from the one that the same peer had before.
    number: u64,
    messages: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
    /// For short messages when there is none left in all.
    short_room: Arc<Semaphore>,
}

/// A message with the room that it takes; dropping it gives the room back.
pub struct Outgoing {
    /// The message.
    pub bytes: Vec<u8>,
    _room: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It waits for its turn on the stream.
    Queued,
    /// No stream to the peer is open.
    NotConnected,
    /// The peer is too slow, or all are together.
    Lost,
}

impl Outboxes {
    /// No peer has one yet.
    #[must_use]
    pub fn new() -> Self {
        Self { open: Arc::default(), room: Arc::new(Semaphore::new(MAX_BYTES_IN_ALL)) }
    }

    /// Opens an outbox for a peer, in place of the one that it may have. Gives its number.
    pub fn open(&self, peer: MemberKey) -> (u64, mpsc::Receiver<Outgoing>) {
        let (messages, receiver) = mpsc::channel(MAX_WAITING);
        let mut open = self.lock();
        open.opened += 1;
        let number = open.opened;
        let room = Arc::new(Semaphore::new(MAX_BYTES));
        let short_room = Arc::new(Semaphore::new(MAX_SHORT_BYTES));
        open.peers.insert(peer, Outbox { number, messages, room, short_room });
        (number, receiver)
    }

    /// Closes a peer's outbox, unless another one has taken its place.
    pub fn close(&self, peer: &MemberKey, number: u64) {
        let mut open = self.lock();
        if open.peers.get(peer).is_some_and(|outbox| outbox.number == number) {
            open.peers.remove(peer);
        }
    }

    /// Puts a message into a peer's outbox. Never waits.
    pub fn send(&self, to: &MemberKey, bytes: Vec<u8>) -> Sent {
        let open = self.lock();
        let Some(outbox) = open.peers.get(to) else { return Sent::NotConnected };
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let take = |room: &Arc<Semaphore>| room.clone().try_acquire_many_owned(size).ok();
        let common = take(&outbox.room).zip(take(&self.room)).map(|(own, common)| (own, Some(common)));
        let short = || (bytes.len() <= SHORT).then(|| take(&outbox.short_room)).flatten().map(|own| (own, None));
        let Some(room) = common.or_else(short) else { return Sent::Lost };
        match outbox.messages.try_send(Outgoing { bytes, _room: room }) {
            Ok(()) => Sent::Queued,
            Err(mpsc::error::TrySendError::Full(_)) => Sent::Lost,
            Err(mpsc::error::TrySendError::Closed(_)) => Sent::NotConnected,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        // Nothing panics while it holds the lock; and if it did, the map would still be whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MemberKey = MemberKey([1; 32]);
    const B: MemberKey = MemberKey([2; 32]);

    #[test]
    fn a_slow_peer_loses_messages_and_no_other_peer_does() {
        let outboxes = Outboxes::new();
        let (_, mut slow) = outboxes.open(A);
        let (_, _other) = outboxes.open(B);
        let long = vec![0; MAX_MESSAGE_BYTES];
        let queued =
            std::iter::repeat_with(|| outboxes.send(&A, long.clone())).take_while(|sent| *sent == Sent::Queued);
        assert_eq!(queued.count(), MAX_BYTES / MAX_MESSAGE_BYTES);
        assert_eq!(outboxes.send(&A, long.clone()), Sent::Lost);
        assert_eq!(outboxes.send(&B, long.clone()), Sent::Queued);
        drop(slow.try_recv().unwrap());
        assert_eq!(outboxes.send(&A, long), Sent::Queued, "room comes back once a message is written");
        let short = std::iter::repeat_with(|| outboxes.send(&B, vec![1])).take_while(|sent| *sent == Sent::Queued);
        assert_eq!(short.count(), MAX_WAITING - 1);
    }

    #[test]
    fn many_slow_peers_together_are_bounded_too() {
        let outboxes = Outboxes::new();
        let peers = (0..40).map(|seed| MemberKey([seed; 32]));
        let kept: Vec<_> = peers.map(|peer| (peer, outboxes.open(peer))).collect();
        let fill = |peer| (0..).take_while(|_| outboxes.send(peer, vec![0; MAX_MESSAGE_BYTES]) == Sent::Queued).count();
        let queued: usize = kept.iter().map(|(peer, _)| fill(peer)).sum();
        assert_eq!(queued, MAX_BYTES_IN_ALL / MAX_MESSAGE_BYTES);
        // Whoever reads is spoken to all the same.
        let reads = MemberKey([0xff; 32]);
        let (_, _reader) = outboxes.open(reads);
        assert_eq!(outboxes.send(&reads, vec![0; MAX_MESSAGE_BYTES]), Sent::Lost);
        let words = std::iter::repeat_with(|| outboxes.send(&reads, vec![0; SHORT]));
        let taken = words.take_while(|sent| *sent == Sent::Queued).count() * SHORT;
        assert_eq!(taken, MAX_BYTES_IN_ALL % MAX_MESSAGE_BYTES + MAX_SHORT_BYTES);
    }

    #[test]
    fn an_outbox_is_closed_by_the_stream_that_opened_it_and_by_no_other() {
        let outboxes = Outboxes::new();
        assert_eq!(outboxes.send(&A, vec![1]), Sent::NotConnected);
        let (first, _old) = outboxes.open(A);
        let (second, mut new) = outboxes.open(A);
        outboxes.close(&A, first);
        assert_eq!(outboxes.send(&A, vec![1]), Sent::Queued);
        assert_eq!(new.try_recv().map(|message| message.bytes), Ok(vec![1]));
        outboxes.close(&A, second);
        assert_eq!(outboxes.send(&A, vec![1]), Sent::NotConnected);
    }
}
