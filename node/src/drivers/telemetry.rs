//! What the node says about its own work: a log on standard error, and figures for Prometheus.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

use crate::protocol::household::io::Record;

/// Seconds of a turn: from a lookup in memory to a full range on a slow disk.
const TURN_BUCKETS: [f64; 10] = [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];

/// Parts of libp2p that warn of what is ordinary here, like being alone, or tell of whatever somebody in the home network
/// announces. What the owner says of them comes later and
/// wins.
const QUIET: &str = "libp2p_kad=error,libp2p_gossipsub=error,libp2p_mdns=warn";

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is none.
    #[error("log.level {level:?} is not understood ({reason}); say for example info, or info,wattswap_node=debug")]
    BadLevel {
        /// What was configured.
        level: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Starts the log. Once only for a process: a second call changes nothing.
///
/// # Errors
/// [`LogError::BadLevel`].
pub fn start_log(level: &str) -> Result<(), LogError> {
    let bad = |error: tracing_subscriber::filter::ParseError| LogError::BadLevel {
        level: level.to_owned(),
        reason: error.to_string(),
    };
    let filter = EnvFilter::builder().parse(format!("{QUIET},{level}")).map_err(bad)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // An error says that a log is set up already, as in a process that runs several nodes.
    let _ = log.with_ansi(io::stderr().is_terminal()).try_init();
    Ok(())
}

/// The node's figures. Clones count into the same figures.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Turns of the loop.
    pub turns: Counter,
    /// How long a turn took, the commit included.
    pub turn_seconds: Histogram,
    /// How long its commit took.
    pub commit_seconds: Histogram,
    /// Inputs that the loop handled.
    pub inputs: Counter,
    /// Records made durable.
    pub records: Counter,
    /// Entries made durable, own ones included.
    pub entries: Counter,
    /// Trades recorded.
    pub trades: Counter,
    /// Peers with an open stream.
    pub peers: Gauge,
    /// Messages to peers that were lost: to a slow peer, or to one that is not connected.
    pub lost_messages: Counter,
    /// Gossip that was dropped because the loop was busy.
    pub dropped_gossip: Counter,
    /// Gossip that was refused because no honest node would have passed it on.
    pub rejected_gossip: Counter,
    /// Commands that were turned away because the loop was busy.
    pub refused_commands: Counter,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            turns: Counter::default(),
            turn_seconds: Histogram::new(TURN_BUCKETS),
            commit_seconds: Histogram::new(TURN_BUCKETS),
            inputs: Counter::default(),
            records: Counter::default(),
            entries: Counter::default(),
            trades: Counter::default(),
            peers: Gauge::default(),
            lost_messages: Counter::default(),
            dropped_gossip: Counter::default(),
            rejected_gossip: Counter::default(),
            refused_commands: Counter::default(),
        }
    }
}

impl Figures {
    /// Shows them in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("turns", "Turns of the loop", self.turns.clone());
        registry.register("turn_seconds", "Time for a turn, commit included", self.turn_seconds.clone());
        registry.register("commit_seconds", "Time for a turn's commit", self.commit_seconds.clone());
        registry.register("inputs", "Inputs handled", self.inputs.clone());
        registry.register("records", "Records made durable", self.records.clone());
        registry.register("entries", "Entries made durable", self.entries.clone());
        registry.register("trades", "Trades recorded", self.trades.clone());
        registry.register("peers", "Peers with an open stream", self.peers.clone());
        registry.register("lost_messages", "Messages that did not reach their peer", self.lost_messages.clone());
        registry.register("dropped_gossip", "Gossip dropped by a busy loop", self.dropped_gossip.clone());
        registry.register("rejected_gossip", "Gossip refused as bad", self.rejected_gossip.clone());
        registry.register("refused_commands", "Commands refused by a busy loop", self.refused_commands.clone());
    }

    /// Counts a turn that begins with so many inputs.
    pub fn turn(&self, inputs: usize) {
        self.turns.inc();
        self.inputs.inc_by(inputs as u64);
    }

    /// Counts how long a turn took.
    pub fn turned(&self, took: Duration) {
        self.turn_seconds.observe(took.as_secs_f64());
    }

    /// Counts what a turn made durable.
    pub fn committed(&self, records: &[Record], took: Duration) {
        let count = |is_one: fn(&Record) -> bool| records.iter().filter(|record| is_one(record)).count() as u64;
        self.commit_seconds.observe(took.as_secs_f64());
        self.records.inc_by(records.len() as u64);
        self.entries.inc_by(count(|record| matches!(record, Record::Entry(_))));
        self.trades.inc_by(count(|record| matches!(record, Record::Trade(_))));
    }
}
