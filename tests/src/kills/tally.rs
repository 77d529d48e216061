//! What a run of kills has hit: a figure without it would not say whether anything was at stake.

use std::fmt;
use std::time::Duration;

use wattswap_api::dto::community::{Phase, Status};
use wattswap_node::client::RequestError;

use crate::records::Total;

/// Counts of one run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// From this the run draws whom it kills, and when, and what the clients order.
    pub seed: u64,
    /// Processes killed.
    pub kills: usize,
    /// Of these, nodes that said a moment before that they trade.
    pub trading: usize,
    /// Of these, nodes with proposals of their own in doubt.
    pub in_doubt: usize,
    /// All those proposals.
    pub proposals: usize,
    /// Nodes that answered, but did not trade yet.
    pub starting: usize,
    /// Nodes that did not answer yet.
    pub silent: usize,
    /// Times that two were killed at once.
    pub pairs: usize,
    /// Times that all were killed at once.
    pub blackouts: usize,
    /// Orders acknowledged.
    pub orders: usize,
    /// Trades that were reported, or seen as done, by each of both parties.
    pub reported: usize,
    /// What was traded, once all is quiet.
    pub total: Total,
    /// How long it took.
    pub took: Duration,
}

impl Tally {
    /// A node is about to be killed, and has just said this of itself.
    pub fn note(&mut self, said: &Result<Status, RequestError>) {
        self.kills += 1;
        match said {
            Ok(status) if status.phase == Phase::Trading => {
                self.trading += 1;
                self.in_doubt += usize::from(status.proposals_in_doubt > 0);
                self.proposals += status.proposals_in_doubt as usize;
            }
            Ok(_) => self.starting += 1,
            Err(_) => self.silent += 1,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {} kills in {} s", self.seed, self.kills, self.took.as_secs())?;
        writeln!(
            f,
            "  of nodes that traded {} (with proposals in doubt {}, {} proposals), that compared {}, that did not \
             answer yet {}",
            self.trading, self.in_doubt, self.proposals, self.starting, self.silent
        )?;
        writeln!(f, "  two at once {} times, all at once {} times", self.pairs, self.blackouts)?;
        let Total { trades, energy, .. } = self.total;
        write!(
            f,
            "  {} orders acknowledged, {trades} trades over {energy}, reported {} times by the two parties",
            self.orders, self.reported
        )
    }
}
