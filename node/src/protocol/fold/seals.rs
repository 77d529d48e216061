//! Where logs end for good. What lies beyond a seal does not count, in whatever order seal and entries came.
//!
//! The lowest seal of a log wins. All orders of a sealed log are out of the market, since nobody answers for them any
//! more; its trades up to the seal stand. A seal counts even if the entry that holds it lies beyond another seal: else
//! it would matter which of the two came first.

use super::{Fold, LogNo};
use crate::protocol::entry::{Entry, Op};
use crate::protocol::ids::{Head, LogId, OrderId, ProposalId};
use crate::protocol::limits::MAX_INCARNATIONS;
use crate::protocol::signed::Verified;

impl Fold {
    /// This log ends there, by the word of its author's newer log or of the operators.
    pub fn seal(&mut self, end: &Head) {
        let log = end.log;
        if self.seals.get(&log).is_some_and(|seq| *seq <= end.seq) {
            return;
        }
        let is_sealed_already = self.seals.insert(log, end.seq).is_some();
        if let Some(number) = self.log_numbers.get(&log).copied() {
            if !is_sealed_already {
                self.withdraw_orders(number);
            }
            self.drop_trades_beyond(number, end.seq);
        }
        self.let_go_of_unjudged_beyond(end);
    }

    /// The last entry of a sealed log that counts.
    #[must_use]
    pub fn sealed_at(&self, log: &LogId) -> Option<u64> {
        self.seals.get(log).copied()
    }

    /// The ends of older logs that an entry names hold as soon as the entry is held, though nothing else in it can be judged
    /// yet: else its author, whose clock was set back, would believe what it has sealed away itself.
    pub(super) fn heed_seals(&mut self, entry: &Verified<Entry>) {
        for op in &entry.ops {
            if let Op::Seal(end) = op {
                let log = self.log_number(entry.log);
                self.seal_by(log, end);
            }
        }
    }

    /// A log says that an older one of its author ends there. As many of its seals count as an author may have logs, for each
    /// may cost a look at all orders and trades.
    pub(super) fn seal_by(&mut self, sealer: LogNo, end: &Head) {
        let by = self.logs[sealer.0 as usize].id;
        if end.log.author != by.author || end.log.incarnation >= by.incarnation {
            return;
        }
        let seals = self.sealed_by.entry(sealer).or_default();
        let says_nothing_new = seals.iter().any(|before| before.log == end.log && before.seq <= end.seq);
        if seals.len() < MAX_INCARNATIONS && !says_nothing_new {
            seals.push(*end);
            self.seal(end);
        }
    }

    pub(super) fn is_beyond_seal(&self, log: &LogId, seq: u64) -> bool {
        self.sealed_at(log).is_some_and(|last| seq > last)
    }

    /// What stands beyond a log's seal counts nowhere. Its trades are known all the same, as those are that a seal took
    /// away: their parties were told of them before the seal came, and the entry may only be folded after it, by
    /// somebody whose clock was behind.
    pub(super) fn hear_of_trades(&mut self, entry: &Verified<Entry>) {
        for fill in entry.fills() {
            // One that would not count either way is nobody's news.
            let _void = self.hear_of(fill);
        }
    }

    /// Takes all orders of a log out of the market.
    pub(super) fn withdraw_orders(&mut self, log: LogNo) {
        let of_log = self.orders.iter().filter(|(_, order)| order.log == log);
        let orders: Vec<OrderId> = of_log.map(|(id, _)| *id).collect();
        for id in orders {
            self.withdraw(id);
        }
    }

    /// What waits beyond the end will never count.
    fn let_go_of_unjudged_beyond(&mut self, end: &Head) {
        let Some(waiting) = self.waiting.get_mut(&end.log) else { return };
        let first = waiting.partition_point(|entry| entry.seq <= end.seq);
        let beyond = waiting.split_off(first);
        if waiting.is_empty() {
            self.waiting.remove(&end.log);
        }
        for entry in beyond {
            self.note_ahead(&entry);
            self.hear_of_trades(&entry);
        }
    }

    /// An entry beyond its log's end does not wait, but how many there are whose time has not come is counted.
    pub(super) fn note_ahead(&mut self, entry: &Entry) {
        if self.is_due(entry) {
            return;
        }
        let mut times = self.ahead.remove(&entry.log).unwrap_or_default();
        times.retain(|at| !self.is_time(*at));
        times.push(entry.at);
        self.ahead.insert(entry.log, times);
    }

    fn drop_trades_beyond(&mut self, log: LogNo, last: u64) {
        let id = self.logs[log.0 as usize].id;
        let touched: Vec<ProposalId> =
            self.trades.iter().filter(|(_, bound)| bound.names(&id.author)).map(|(id, _)| *id).collect();
        for trade in touched {
            self.rebind(trade, |bound| bound.drop_beyond(&id, log, last));
        }
    }
}
