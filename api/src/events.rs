//! Live events: one ring for replay, one bounded queue for each reader, and nobody who waits for anybody.
//!
//! The node publishes; readers come over HTTP. Publishing never blocks and never fails: a reader whose queue runs
//! over is cut, and comes back with the id of the last event that it saw.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use crate::dto::event::NoticeReason;
use crate::limits::{MAX_EVENT_READERS, MAX_REPLAYED_EVENTS, MAX_WAITING_EVENTS};
use crate::port::Event;

/// What happens in the household, for all who watch.
#[derive(Debug)]
pub struct Events {
    run: u64,
    inner: Mutex<Inner>,
    readers: Arc<Semaphore>,
}

#[derive(Debug)]
struct Inner {
    next: u64,
    ring: VecDeque<Numbered>,
    /// `None` once closed.
    live: Option<broadcast::Sender<Numbered>>,
}

/// An event with its place in the stream.
#[derive(Clone, Debug)]
pub(crate) struct Numbered {
    pub(crate) id: EventId,
    pub(crate) event: Arc<Event>,
}

/// An event's name: the run of the node, and a number in it that counts from 0. Written `<run in hex>-<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    run: u64,
    number: u64,
}

/// What a reader of the stream gets next.
#[derive(Debug)]
pub(crate) enum Step {
    /// An event.
    Event(Numbered),
    /// Events before the next one are no longer kept.
    Gap,
    /// The stream ends.
    End(NoticeReason),
}

/// One reader's place in the stream.
#[derive(Debug)]
pub(crate) struct Reading {
    gap: bool,
    replay: VecDeque<Numbered>,
    live: Option<broadcast::Receiver<Numbered>>,
    _seat: OwnedSemaphorePermit,
}

impl Events {
    /// An empty stream. `run` tells this run of the node from every other (the instant of its start will do), so
    /// that an id of an earlier run is never mistaken for one of this.
    #[must_use]
    pub fn new(run: u64) -> Self {
        let (live, _) = broadcast::channel(MAX_WAITING_EVENTS);
        Self {
            run,
            inner: Mutex::new(Inner { next: 0, ring: VecDeque::new(), live: Some(live) }),
            readers: Arc::new(Semaphore::new(MAX_EVENT_READERS as usize)),
        }
    }

    /// Tells everybody who watches. Never blocks.
    pub fn publish(&self, event: Event) {
        let mut inner = self.lock();
        let numbered = Numbered { id: EventId { run: self.run, number: inner.next }, event: Arc::new(event) };
        inner.next += 1;
        if inner.ring.len() == MAX_REPLAYED_EVENTS {
            inner.ring.pop_front();
        }
        inner.ring.push_back(numbered.clone());
        if let Some(live) = &inner.live {
            // An error only says that nobody watches.
            let _ = live.send(numbered);
        }
    }

    /// Ends every reader's stream, so that a server that shuts down need not wait for them.
    pub fn close(&self) {
        self.lock().live = None;
    }

    /// What happened after the event `last`, and then what happens; without `last` only what happens. `None` if
    /// there are too many readers.
    pub(crate) fn subscribe(&self, last: Option<&str>) -> Option<Reading> {
        let seat = Arc::clone(&self.readers).try_acquire_owned().ok()?;
        let inner = self.lock();
        let live = inner.live.as_ref().map(broadcast::Sender::subscribe);
        let (gap, replay) = match last {
            None => (false, VecDeque::new()),
            Some(last) => self.replay(&inner, last),
        };
        Some(Reading { gap, replay, live, _seat: seat })
    }

    /// What the ring holds after the event `last`, and whether something is missing before it.
    fn replay(&self, inner: &Inner, last: &str) -> (bool, VecDeque<Numbered>) {
        let first_kept = inner.next - inner.ring.len() as u64;
        match EventId::parse(last) {
            Some(id) if id.run == self.run && (first_kept..=inner.next).contains(&(id.number.saturating_add(1))) => {
                let seen = usize::try_from(id.number + 1 - first_kept).expect("no more than the ring's length");
                (false, inner.ring.iter().skip(seen).cloned().collect())
            }
            _ => (true, inner.ring.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// What comes next. Not to be asked again after [`Step::End`].
    pub(crate) async fn next(&mut self) -> Step {
        if std::mem::take(&mut self.gap) {
            return Step::Gap;
        }
        if let Some(numbered) = self.replay.pop_front() {
            return Step::Event(numbered);
        }
        let Some(live) = &mut self.live else { return Step::End(NoticeReason::Stopping) };
        match live.recv().await {
            Ok(numbered) => Step::Event(numbered),
            Err(RecvError::Lagged(_)) => Step::End(NoticeReason::TooSlow),
            Err(RecvError::Closed) => Step::End(NoticeReason::Stopping),
        }
    }
}

impl EventId {
    fn parse(text: &str) -> Option<Self> {
        let (run, number) = text.split_once('-')?;
        Some(Self { run: u64::from_str_radix(run, 16).ok()?, number: number.parse().ok()? })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run, self.number)
    }
}
