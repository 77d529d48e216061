//! A node that dies at a chosen step of its loop: for tests of what survives. Never in the command that ships.

use std::str::FromStr;
use std::thread;

use rustix::process::{Signal, getpid, kill_process};
use wattswap_node::drivers::run::Steps;
use wattswap_node::protocol::household::io::{Event, Output, Record};
use wattswap_node::protocol::message::{Gossip, Message};

/// The environment variable that says where the `crashing_node` dies.
pub const CRASH_BEFORE: &str = "CRASH_BEFORE";

/// A step of the loop: "persist trade", say, or "publish entry 2" for the second time that this is about to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    step: String,
    nth: u32,
}

/// Watches the loop and ends the process, as `kill -9` does, before the step comes.
pub struct Crash {
    point: CrashPoint,
    seen: u32,
    /// What this turn has made durable.
    durable: Vec<String>,
}

/// Not a step and, perhaps, a number.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0:?} is no step such as \"persist trade\" or \"publish entry 2\"")]
pub struct NotAPoint(String);

impl FromStr for CrashPoint {
    type Err = NotAPoint;

    fn from_str(text: &str) -> Result<Self, NotAPoint> {
        let not = || NotAPoint(text.to_owned());
        match text.split(' ').collect::<Vec<_>>()[..] {
            [when, what] => Ok(Self { step: format!("{when} {what}"), nth: 1 }),
            [when, what, nth] => Ok(Self { step: format!("{when} {what}"), nth: nth.parse().map_err(|_| not())? }),
            _ => Err(not()),
        }
    }
}

impl From<CrashPoint> for Crash {
    fn from(point: CrashPoint) -> Self {
        Self { point, seen: 0, durable: Vec::new() }
    }
}

impl Steps for Crash {
    fn before_commit(&mut self, records: &[Record]) {
        self.durable = records.iter().map(|record| format!("persisted {}", record_name(record))).collect();
        for record in records {
            self.comes(&format!("persist {}", record_name(record)));
        }
    }

    fn before_output(&mut self, output: &Output) {
        // Before the first output of a turn: all is durable, and nothing of it has left the house.
        for step in std::mem::take(&mut self.durable) {
            self.comes(&step);
        }
        if let Some(step) = output_name(output) {
            self.comes(step);
        }
    }
}

impl Crash {
    fn comes(&mut self, step: &str) {
        if step != self.point.step {
            return;
        }
        self.seen += 1;
        if self.seen == self.point.nth {
            let killed = kill_process(getpid(), Signal::KILL);
            // The signal may take a moment to come; nothing may be done in it.
            while killed.is_ok() {
                thread::park();
            }
            panic!("a process may always kill itself");
        }
    }
}

fn record_name(record: &Record) -> &'static str {
    match record {
        Record::Entry(_) => "entry",
        Record::Request(_) => "request",
        Record::Reservation(_) => "reservation",
        Record::Released(_) => "release",
        Record::Refusal { .. } => "refusal",
        Record::Trade(_) => "trade",
        Record::Beacon(_) => "beacon",
        _ => "something",
    }
}

fn output_name(output: &Output) -> Option<&'static str> {
    Some(match output {
        Output::Reply { .. } => "reply placed",
        Output::Send { message: Message::Proposal(_), .. } => "send proposal",
        Output::Send { message: Message::Acceptance(_), .. } => "send acceptance",
        Output::Send { message: Message::Refusal(_), .. } => "send refusal",
        Output::Publish(bytes) => match Gossip::decode(bytes) {
            Ok(Gossip::Entry(_)) => "publish entry",
            _ => return None,
        },
        Output::Event(Event::Trade(_)) => "tell trade",
        _ => return None,
    })
}
