//! The neighbourhood of the demo: its nodes, and the meters that are replayed to them.

use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use jiff::Timestamp;
use wattswap_node::client::RequestError;
use wattswap_tests::command::CallError;
use wattswap_tests::neighbourhood::{Neighbourhood, NeighbourhoodError, Rules};
use wattswap_tests::node::{Node, NodeError};
use wattswap_tests::records::{self, Contradictions, Record, Total};
use wattswap_tests::wait::{self, InVain};

use super::news::Newsroom;
use super::profiles;

/// The currency of the demo's charter.
pub(crate) const CURRENCY: &str = "EUR";
/// What the supplier pays for what is fed in, per kWh: nobody sells below.
const FEED_IN: &str = "0.08";
/// What the supplier charges, per kWh: nobody buys above.
const RETAIL: &str = "0.32";
/// The past that the autopilots learn from.
const HISTORY: &str = "24 h";
/// Proposals that are in doubt when trading stops are settled within their lifetime; a busy machine gets its time.
const SETTLE: Duration = Duration::from_secs(60);
/// From here to the first reading.
const LEAD: u64 = 2;

/// The neighbourhood and its meters.
pub(crate) struct Stage {
    /// Dropped before the nodes that they talk to.
    meters: Vec<Child>,
    neighbourhood: Neighbourhood,
    names: Vec<String>,
    slot_seconds: u32,
    start: Option<Timestamp>,
}

/// Who takes part, and how time is lapsed.
pub(crate) struct Cast {
    /// Name, key and address of each household.
    pub(crate) households: Vec<Household>,
    /// This instant of the recording...
    pub(crate) recorded: Timestamp,
    /// ...is played at this one...
    pub(crate) start: Timestamp,
    /// ...and a quarter of an hour takes so many seconds.
    pub(crate) slot_seconds: u32,
}

/// A household, as the audience sees it.
pub(crate) struct Household {
    pub(crate) name: String,
    pub(crate) member: String,
    pub(crate) url: String,
}

/// Why the demo failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Neighbourhood(#[from] NeighbourhoodError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("there is no profile {}", .0.display())]
    NoProfile(PathBuf),
    #[error("the meter of {0} stopped; see its log")]
    MeterStopped(String),
    #[error("the records of both parties do not agree: {0}")]
    Records(#[from] InVain),
    #[error("nobody traded")]
    NobodyTraded,
    #[error("{error}\nThe households' folders, with their logs, are kept in {}", folder.display())]
    Kept { error: Box<StageError>, folder: PathBuf },
}

impl Stage {
    /// Makes households, their keys and their charter. Nothing runs yet.
    pub(crate) fn set(households: u64, slot_seconds: u32) -> Result<Self, StageError> {
        let names: Vec<String> = (1..=households).map(|number| format!("Number {number}")).collect();
        let missing = (0..names.len()).map(profiles::path).find(|path| !path.is_file());
        if let Some(path) = missing {
            return Err(StageError::NoProfile(path));
        }
        let rules = Rules::time_lapse(slot_seconds);
        let mut neighbourhood = Neighbourhood::found(&rules, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        // Ctrl-C is for the demo: it needs the nodes until the records are compared.
        neighbourhood.nodes_mut().iter_mut().for_each(Node::keep_apart);
        Ok(Self { meters: Vec::new(), neighbourhood, names, slot_seconds, start: None })
    }

    /// Starts nodes, autopilots and meters.
    pub(crate) fn open(&mut self, newsroom: &Newsroom) -> Result<(), StageError> {
        self.neighbourhood.start()?;
        self.neighbourhood.until_connected()?;
        let start = first_slot(Timestamp::now(), self.slot_seconds);
        self.start = Some(start);
        for (index, node) in self.neighbourhood.nodes().iter().enumerate() {
            newsroom.follow(index, node.client());
            node.call(&["autopilot", "on", "--sell-at-least", FEED_IN, "--buy-at-most", RETAIL])?;
            let (profile, start) = (profiles::path(index), start.to_string());
            let profile = profile.to_string_lossy();
            let replay = ["meter", "replay", &profile, "--meter", "main", "--time-lapse", "--start", &start];
            let past = ["--from", profiles::FROM, "--history", HISTORY, "--quiet"];
            self.meters.push(node.spawn(&[&replay[..], &past[..]].concat())?);
        }
        Ok(())
    }

    /// Who takes part.
    pub(crate) fn cast(&self) -> Cast {
        let household = |(name, node): (&String, &Node)| Household {
            name: name.clone(),
            member: node.member().to_owned(),
            url: node.client().url().to_owned(),
        };
        Cast {
            households: self.names.iter().zip(self.neighbourhood.nodes()).map(household).collect(),
            recorded: profiles::FROM.parse().expect("a literal instant"),
            start: self.start.unwrap_or_default(),
            slot_seconds: self.slot_seconds,
        }
    }

    /// Whether everybody is still there.
    pub(crate) fn check(&mut self) -> Result<(), StageError> {
        for (index, meter) in self.meters.iter_mut().enumerate() {
            if meter.try_wait()?.is_some_and(|status| !status.success()) {
                return Err(StageError::MeterStopped(self.names[index].clone()));
            }
        }
        for index in 0..self.names.len() {
            let node = self.neighbourhood.node(index);
            if !node.is_running() {
                node.until_ready(Duration::ZERO)?;
            }
        }
        Ok(())
    }

    /// Ends trading, waits until nothing is in doubt, compares all records and stops the nodes.
    pub(crate) fn close(&mut self) -> Result<Total, StageError> {
        self.stop_meters();
        for node in self.neighbourhood.nodes() {
            node.call(&["autopilot", "off"])?;
        }
        let total = wait::until("the records of both parties to agree", SETTLE, || self.compare())?;
        self.neighbourhood.stop()?;
        Ok(total)
    }

    fn compare(&self) -> Result<Total, String> {
        let nodes = self.neighbourhood.nodes();
        let in_doubt = nodes.iter().map(|node| node.status().map(|status| status.proposals_in_doubt));
        let in_doubt: u32 = in_doubt.sum::<Result<u32, _>>().map_err(|error| error.to_string())?;
        if in_doubt > 0 {
            return Err(format!("{in_doubt} proposals are in doubt"));
        }
        let records = nodes.iter().map(Record::of).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        records::compare(&records).map_err(|contradictions: Contradictions| contradictions.to_string())
    }

    fn stop_meters(&mut self) {
        for mut meter in self.meters.drain(..) {
            // It may have ended by itself; either way it is gone after the wait.
            let _ = meter.kill();
            let _ = meter.wait();
        }
    }

    /// After a failure the logs are what counts: they stay.
    pub(crate) fn keep_folder(mut self, error: StageError) -> StageError {
        let folder = self.neighbourhood.keep_folder().to_owned();
        StageError::Kept { error: Box::new(error), folder }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop_meters();
    }
}

/// The start of a slot, a moment ahead.
fn first_slot(now: Timestamp, slot_seconds: u32) -> Timestamp {
    let slot = i64::from(slot_seconds);
    let ahead = now.as_second() + i64::try_from(LEAD).unwrap_or_default();
    Timestamp::from_second((ahead / slot + 1) * slot).unwrap_or(now)
}
