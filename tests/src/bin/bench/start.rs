//! What a node costs that has a long past or a large community: how long it takes to come back with a million entries,
//! what it holds in memory among a thousand members with two days of open slots, and what it uses when nothing
//! happens. Held against guides, not against limits that could be measured.

use std::time::{Duration, Instant};

use wattswap_matching::UtcMillis;
use wattswap_tests::node::Node;
use wattswap_tests::process;

use crate::Outcome;
use crate::community;
use crate::figure::{Better, Figure};
use crate::history::{self, Author, Lane};
use crate::sample::Samples;

/// Members with a past, and the entries of each: a million.
const AUTHORS: usize = 200;
const ENTRIES_EACH: u64 = 5_000;
/// About four weeks of quarter-hours, two entries in each.
const ENTRY_EVERY: Duration = Duration::from_secs(450);
/// How far ahead of delivery they ordered.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
const STARTS: usize = 3;

/// Members of the largest community, those with a node left out.
const ABSENT: usize = 996;
/// An order for every slot of the next 48 hours.
const OPEN_SLOTS: usize = 192;
/// Time to settle after the start, and time over which idling is measured.
const SETTLE: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(30);

const GUIDE_START_SECONDS: f64 = 3.0;
const GUIDE_MEMORY_MB: f64 = 150.0;
const GUIDE_IDLE_PERCENT: f64 = 1.0;

pub fn run() -> Outcome<Vec<Figure>> {
    let start = start_with_a_past()?;
    let (memory, idle) = idle_in_a_crowd()?;
    let figure = |name, ours, limit, unit| Figure { name, ours, limit, unit, better: Better::Lower, target: Some(1.0) };
    Ok(vec![
        figure("start: with 1,000,000 entries", start, GUIDE_START_SECONDS, "s"),
        figure("start: memory with 192,000 open orders of 1,000 members", memory, GUIDE_MEMORY_MB, "MB"),
        figure("start: idle, the same, three peers", idle, GUIDE_IDLE_PERCENT, "% of a core"),
    ])
}

/// Seconds from the start of the process to its first answer.
fn start_with_a_past() -> Outcome<f64> {
    let authors = Author::several(AUTHORS);
    let (mut lane, shared) = community::found(&["Old-timer"], &authors)?;
    write_past(&lane.nodes()[0], &shared, &authors)?;
    let node = lane.node(0);
    let mut seconds = Samples::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        node.start()?;
        seconds.add(started.elapsed().as_secs_f64());
        node.stop()?;
    }
    Ok(seconds.median())
}

fn write_past(node: &Node, lane: &Lane, authors: &[Author]) -> Outcome<()> {
    let store = community::store(node)?;
    let now = community::now();
    let at = |back: u64| now.before(ENTRY_EVERY * u32::try_from(back).unwrap_or(u32::MAX));
    for author in authors {
        let order = |back: u64| (at(back), lane.charter.shape.slot_at(at(back).after(AHEAD)));
        history::write(&store, &author.log(lane, (1..=ENTRIES_EACH).rev().map(order)))?;
    }
    Ok(())
}

/// Megabytes in memory and per cent of a core.
fn idle_in_a_crowd() -> Outcome<(f64, f64)> {
    let authors = Author::several(ABSENT);
    let (mut lane, shared) = community::found(&["North", "East", "South", "West"], &authors)?;
    let now = community::now();
    let logs: Vec<_> = authors.iter().map(|author| author.log(&shared, open_orders(&shared, now))).collect();
    for node in lane.nodes() {
        let store = community::store(node)?;
        logs.iter().try_for_each(|log| history::write(&store, log))?;
    }
    drop(logs);
    lane.start()?;
    lane.until_connected()?;
    let pid = lane.nodes()[0].pid().ok_or("the node has just started")?;
    std::thread::sleep(SETTLE);
    let (before, started) = (process::cpu_time(pid)?, Instant::now());
    std::thread::sleep(IDLE);
    let used = (process::cpu_time(pid)? - before).as_secs_f64() / started.elapsed().as_secs_f64();
    let memory = process::resident_bytes(pid)? as f64 / 1e6;
    lane.stop()?;
    Ok((memory, used * 100.0))
}

fn open_orders(lane: &Lane, now: UtcMillis) -> Vec<(UtcMillis, wattswap_matching::Slot)> {
    let placed = now.before(Duration::from_secs(1800));
    let slots = lane.slots(placed, Duration::from_secs(2 * 3600)).into_iter().take(OPEN_SLOTS).enumerate();
    slots.map(|(seq, slot)| (placed.after(Duration::from_millis(seq as u64)), slot)).collect()
}
