//! 7.9: memory, storage and work stay bounded, and what is over goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::{Output, Record};
use wattswap_node::protocol::ids::LogId;
use wattswap_node::protocol::limits::{
    MAX_ENTRY_BYTES, MAX_GOSSIP_BYTES, MAX_INCARNATIONS, MAX_MESSAGE_BYTES, MAX_OPS, MAX_REFUSALS, MAX_WORD_BYTES,
};

use super::{Checker, Chronicle, require};
use crate::network::Street;
use crate::network::Turn;

/// Outputs of one turn: a turn of a thousand inputs answers each, and sends its own news to each neighbour.
const MAX_OUTPUTS: usize = 20_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// What an entry says is over a day after the gates of its slots, and is kept for one more; a household looks once an hour.
const OVER_AFTER: Duration = Duration::from_secs(50 * 3600);
/// Events on the way for each household: more are a flood that feeds itself.
const MAX_WAITING_EVENTS: usize = 20_000;

/// Measures what comes out of each turn.
pub(super) struct Bounds;

impl Checker for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let home = turn.home;
        let within = |what: &str, is: usize, most: usize| {
            require(is <= most, || format!("home {home}: {is} {what}, where {most} is the most"))
        };
        within("outputs of one turn", turn.outputs.len(), MAX_OUTPUTS)?;
        within("events on their way", street.waiting_events(), MAX_WAITING_EVENTS * street.homes())?;
        for record in &turn.records {
            if let Record::Entry(entry) = record {
                within("ops of an entry", entry.ops.len(), MAX_OPS)?;
                within("bytes of an entry", entry.bytes().len(), MAX_ENTRY_BYTES)?;
            }
            if let Record::Reservation(reservation) = record {
                within("bytes of a proposal", reservation.proposal.bytes().len(), MAX_WORD_BYTES)?;
                let makers: Vec<_> =
                    street.disk(home).reservations().values().map(|kept| kept.proposal.maker.author).collect();
                let different: BTreeSet<_> = makers.iter().collect();
                require(makers.len() == different.len(), || format!("home {home} is in doubt with one maker twice"))?;
            }
        }
        for output in &turn.outputs {
            match output {
                Output::Publish(bytes) => within("bytes of gossip", bytes.len(), MAX_GOSSIP_BYTES)?,
                Output::Send { message, .. } => {
                    within("bytes of a message", message.encode().len(), MAX_MESSAGE_BYTES)?
                }
                _ => {}
            }
        }
        within("refusals on the disk", street.disk(home).refusals().len(), MAX_REFUSALS)?;
        let remembered = street.household(home).map(|household| household.remembered());
        remembered.into_iter().flatten().try_for_each(|(what, count, most)| within(what, count, most))
    }

    fn when_all_is_over(&mut self, _: &Chronicle, street: &mut Street) -> Result<(), String> {
        for home in 0..street.homes() {
            let disk = street.disk(home);
            let (doubts, refusals) = (street.doubts_among_members(home), disk.refusals().len());
            // Who can sign nothing promises nothing either, by which it could forget.
            let member = street.is_honest_member(home);
            require(!member || refusals == 0, || format!("home {home} still remembers {refusals} refusals"))?;
            require(!member || doubts == 0, || format!("home {home} is still in doubt about {doubts} takes"))?;
            if member && street.is_running(home) {
                has_let_go(street, home)?;
            }
        }
        Ok(())
    }
}

/// No author has more logs than count; and where a log goes on after a day that is over, it was cut behind that day.
fn has_let_go(street: &Street, home: usize) -> Result<(), String> {
    let disk = street.disk(home);
    for author in (0..street.homes()).map(|author| street.key(author)) {
        let logs = disk.logs_by(author);
        require(logs <= MAX_INCARNATIONS, || format!("home {home} keeps {logs} logs of one author"))?;
    }
    let over_since = street.now.before(OVER_AFTER);
    let mut begins: BTreeMap<LogId, UtcMillis> = BTreeMap::new();
    for entry in disk.entries().filter(|entry| entry.at < over_since) {
        let begins_at = *begins.entry(entry.log).or_insert(entry.at);
        let (seq, log) = (entry.seq, entry.log);
        require(entry.at.since(begins_at) <= DAY, || {
            format!("home {home} keeps what is before entry {seq} of {log:?}")
        })?;
    }
    Ok(())
}
