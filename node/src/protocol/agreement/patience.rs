//! Requests that wait a moment for a counterparty, rather than take at a worse price or show their limit.
//!
//! With each counterparty one take is in doubt at a time. Whoever wants a second order of the same one, and went on to
//! the next best at once, would pay more for the time of a round trip. But no counterparty may hold a request up for
//! long, whatever it answers: hence a time of their own.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::UtcMillis;

use crate::protocol::household::io::RequestId;
use crate::protocol::limits::PATIENCE;

/// Who waits, and until when at the latest.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    until: BTreeMap<RequestId, UtcMillis>,
    /// Those whose time is not over yet.
    ends: BTreeSet<(UtcMillis, RequestId)>,
}

impl Patience {
    /// Whether a request may wait, or wait on.
    #[must_use]
    pub fn lasts(&self, request: &RequestId, now: UtcMillis) -> bool {
        self.until.get(request).is_none_or(|until| now < *until)
    }

    /// A request waits. Its time runs from the first time that this is said.
    pub fn wait(&mut self, request: RequestId, now: UtcMillis) {
        self.until.entry(request).or_insert_with(|| {
            let until = now.after(PATIENCE);
            self.ends.insert((until, request));
            until
        });
    }

    /// A request waits no more.
    pub fn end(&mut self, request: &RequestId) {
        if let Some(until) = self.until.remove(request) {
            self.ends.remove(&(until, *request));
        }
    }

    /// Requests whose time is over, each once.
    pub fn take_over(&mut self, now: UtcMillis) -> Vec<RequestId> {
        let mut over = Vec::new();
        while let Some((_, request)) = self.ends.first().copied().filter(|(until, _)| *until <= now) {
            self.ends.pop_first();
            over.push(request);
        }
        over
    }

    /// When the next one's time is over.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcMillis> {
        self.ends.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_from_the_first_wait_and_is_over_once() {
        let (request, start) = (RequestId([7; 16]), UtcMillis(1_000));
        let end = start.after(PATIENCE);
        let mut patience = Patience::default();
        assert!(patience.lasts(&request, start));
        patience.wait(request, start);
        patience.wait(request, UtcMillis(end.0 - 1));
        assert_eq!(patience.next_deadline(), Some(end));
        assert!(patience.lasts(&request, UtcMillis(end.0 - 1)) && !patience.lasts(&request, end));
        assert_eq!(patience.take_over(UtcMillis(end.0 - 1)), []);
        assert_eq!(patience.take_over(end), [request]);
        assert_eq!((patience.take_over(end), patience.next_deadline()), (vec![], None));
        assert!(!patience.lasts(&request, end), "it is over until the wait is");
        patience.end(&request);
        assert!(patience.lasts(&request, end));
    }
}
