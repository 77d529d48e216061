//! `kill -9` of real nodes at random moments under load, any number of times: what was acknowledged or reported stays.
//!
//! Four nodes on loopback, under [load](crate::load); this kills one of them, or two, or all at once, starts them again
//! and holds them to what they had promised; `tally` counts what the kills have hit. At the end all is left to settle,
//! and every record has to agree. The seed decides whom it hits, after how many orders, and what is ordered. When exactly
//! the blow falls decides the machine: a seed does not bring a run back.

mod tally;

use std::collections::BTreeMap;
use std::time::Instant;

use fastrand::Rng;
use wattswap_node::client::RequestError;

pub use self::tally::Tally;
use crate::load::ledger::{Broken, CheckError, Ledger};
use crate::load::settle::{SettleError, settle};
use crate::load::{Load, LoadError};
use crate::market::{Market as _, Reports};
use crate::neighbourhood::{CONNECT, Neighbourhood, NeighbourhoodError, Rules};
use crate::node::{Node, NodeError};
use crate::wait::InVain;

/// The households: each compares its log with all others before it trades.
const NAMES: [&str; 4] = ["Ada", "Ben", "Cleo", "Dan"];
/// Orders between two blows: so many at least, and...
const ORDERS_BEFORE: usize = 10;
/// ...up to so many more.
const MORE_ORDERS: usize = 50;
/// After one blow of so many, one of its victims is killed again while it starts.
const KILLED_AGAIN: u8 = 8;
/// Kills of the longest run: after that the connections could carry no more orders.
pub const MAX_KILLS: usize = 1_000;

/// Why a run has failed: each of these is a finding.
#[derive(Debug, thiserror::Error)]
pub enum KillsError {
    /// See [`NeighbourhoodError`].
    #[error(transparent)]
    Neighbourhood(#[from] NeighbourhoodError),
    /// A node ended by itself, or did not come back.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A node could not be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Something that had to come did not.
    #[error(transparent)]
    InVain(#[from] InVain),
    /// See [`LoadError`].
    #[error(transparent)]
    Load(#[from] LoadError),
    /// See [`CheckError`].
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A promise was broken.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A retry got another answer than the first try.
    #[error("{key} was acknowledged as {before} and is now {now}")]
    AnotherAnswer {
        /// The name of the order.
        key: String,
        /// The first answer.
        before: String,
        /// The second one.
        now: String,
    },
    /// See [`SettleError`].
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// Hardly anything was at stake.
    #[error("the load has hardly traded: {} trades", .0.total.trades)]
    HardlyTraded(Box<Tally>),
    /// With what the nodes have left behind.
    #[error("{error}\nseed {seed}; the households' folders, with their logs, are kept in {folder}")]
    Kept {
        /// What was wrong.
        error: Box<KillsError>,
        /// The seed of the run.
        seed: u64,
        /// Where the folders are.
        folder: String,
    },
}

/// How far a restarted node has come when it is killed again.
#[derive(Clone, Copy)]
enum Stage {
    Launched,
    Listening,
    Answering,
}

/// The nodes, what each has promised, and what each reports.
struct Storm<'a> {
    lane: &'a mut Neighbourhood,
    ledgers: &'a [Ledger],
    reports: BTreeMap<usize, Reports>,
}

/// Kills so many times and checks all that has to hold. `show` is given the counts after every blow.
///
/// # Errors
/// [`KillsError`].
pub fn run(seed: u64, kills: usize, show: impl FnMut(&Tally)) -> Result<Tally, KillsError> {
    let mut lane = Neighbourhood::found(&Rules::usual(), &NAMES)?;
    storm(&mut lane, seed, kills, show).map_err(|error| {
        let folder = lane.keep_folder().display().to_string();
        KillsError::Kept { error: Box::new(error), seed, folder }
    })
}

fn storm(lane: &mut Neighbourhood, seed: u64, kills: usize, mut show: impl FnMut(&Tally)) -> Result<Tally, KillsError> {
    let started = Instant::now();
    lane.start()?;
    lane.until_connected()?;
    let load = Load::on(lane)?;
    let ledgers = NAMES.map(|_| Ledger::default());
    let clients: Vec<_> = lane.nodes().iter().map(Node::client).collect();
    let mut storm = Storm { lane, ledgers: &ledgers, reports: BTreeMap::new() };
    let mut tally = Tally { seed, ..Tally::default() };
    let mut rng = Rng::with_seed(seed);
    load.during(&clients, &ledgers, &mut rng.fork(), || storm.rage(kills, &load, &mut rng, &mut tally, &mut show))?;
    let reports = storm.reports.into_values().collect();
    tally.total = settle(lane, &ledgers, reports)?;
    tally.orders = ledgers.iter().map(Ledger::acknowledged).sum();
    tally.reported = ledgers.iter().map(Ledger::reported).sum();
    tally.took = started.elapsed();
    if tally.total.trades > tally.kills { Ok(tally) } else { Err(KillsError::HardlyTraded(Box::new(tally))) }
}

impl Storm<'_> {
    /// One blow after the other, each when some more orders have been acknowledged.
    fn rage(
        &mut self,
        kills: usize,
        load: &Load,
        rng: &mut Rng,
        tally: &mut Tally,
        show: &mut impl FnMut(&Tally),
    ) -> Result<(), KillsError> {
        (0..NAMES.len()).try_for_each(|number| self.listen(number))?;
        while tally.kills < kills {
            load.until_more(ORDERS_BEFORE + rng.usize(..=MORE_ORDERS))?;
            self.blow(rng, tally)?;
            tally.orders = load.acknowledged();
            show(tally);
        }
        Ok(())
    }

    /// Kills some, perhaps one of them again while it starts, and waits until all trade again.
    fn blow(&mut self, rng: &mut Rng, tally: &mut Tally) -> Result<(), KillsError> {
        let victims = victims(rng);
        tally.pairs += usize::from(victims.len() == 2);
        tally.blackouts += usize::from(victims.len() == NAMES.len());
        self.kill(&victims, tally)?;
        while rng.u8(..KILLED_AGAIN) == 0 {
            let again = victims[rng.usize(..victims.len())];
            self.until_started(again, [Stage::Launched, Stage::Listening, Stage::Answering][rng.usize(..3)])?;
            self.kill(&[again], tally)?;
        }
        for victim in victims {
            self.until_started(victim, Stage::Answering)?;
            self.listen(victim)?;
            self.ledgers[victim].check(&self.lane.nodes()[victim])?;
            self.asks_again(victim)?;
        }
        self.lane.nodes_mut().iter_mut().try_for_each(|node| node.until_ready(CONNECT))?;
        Ok(())
    }

    /// Kills, takes down what had been reported by then, and launches again.
    fn kill(&mut self, victims: &[usize], tally: &mut Tally) -> Result<(), KillsError> {
        for victim in victims {
            tally.note(&self.lane.nodes()[*victim].status());
        }
        for victim in victims {
            self.lane.node(*victim).kill();
        }
        for victim in victims {
            self.hear_out(*victim)?;
            self.lane.node(*victim).launch(&[])?;
        }
        Ok(())
    }

    fn until_started(&mut self, number: usize, stage: Stage) -> Result<(), NodeError> {
        let node = self.lane.node(number);
        match stage {
            Stage::Launched => Ok(()),
            Stage::Listening => node.until("it listens", CONNECT, |node| match node.folder().url().exists() {
                true => Ok(()),
                false => Err("not yet"),
            }),
            Stage::Answering => node.until("it answers", CONNECT, |node| node.status().map(drop)),
        }
    }

    /// A retry of what was acknowledged before the kill gets the same answer.
    fn asks_again(&self, number: usize) -> Result<(), KillsError> {
        let Some((before, promise)) = self.ledgers[number].any_order() else { return Ok(()) };
        let now = self.lane.nodes()[number].client().place(&promise.key, &promise.wish)?;
        if now == before { Ok(()) } else { Err(KillsError::AnotherAnswer { key: promise.key, before, now }) }
    }

    fn listen(&mut self, number: usize) -> Result<(), RequestError> {
        let reports = Reports::of(&self.lane.nodes()[number])?;
        self.reports.insert(number, reports);
        Ok(())
    }

    /// The node has ended: all that it has reported is promised.
    fn hear_out(&mut self, number: usize) -> Result<(), Broken> {
        let reported = self.reports.remove(&number).map(Reports::all).unwrap_or_default();
        reported.into_iter().try_for_each(|trade| self.ledgers[number].report(trade))
    }
}

/// Mostly one; sometimes two, seldom all.
fn victims(rng: &mut Rng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..NAMES.len()).collect();
    rng.shuffle(&mut all);
    all.truncate(match rng.u8(..20) {
        0 => NAMES.len(),
        1..=4 => 2,
        _ => 1,
    });
    all
}
