//! `kill -9` of real nodes at random moments under load, any number of times: what was acknowledged or reported stays.
//!
//! Four nodes on loopback; `load` has clients place crossing orders with all of them; this kills one node, or two, or
//! all at once, and starts them again; `ledger` remembers what the households were promised, and holds the restarted
//! nodes to it; `tally` counts what the kills have hit. At the end all is left to settle, and every record has to
//! agree. The seed decides whom it hits, after how many orders, and what is ordered. When exactly the blow falls
//! decides the machine: a seed does not bring a run back.

mod ledger;
mod load;
mod tally;

use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

use fastrand::Rng;
use wattswap_matching::{Side, WattHours};
use wattswap_node::client::RequestError;

pub use self::ledger::{Broken, CheckError};
use self::ledger::{Ledger, orders_of};
use self::load::Load;
pub use self::load::LoadError;
pub use self::tally::Tally;
use crate::market::{Market as _, Reports, SOON};
use crate::neighbourhood::{CONNECT, Neighbourhood, NeighbourhoodError, Rules};
use crate::node::{Node, NodeError};
use crate::records::Total;
use crate::wait::{self, InVain};

/// The households: each compares its log with all others before it trades.
const NAMES: [&str; 4] = ["Ada", "Ben", "Cleo", "Dan"];
/// Clients of each household.
const CLIENTS: usize = 2;
/// Slots that are over, or soon would be, are left out.
const SKIPPED_SLOTS: usize = 20;
/// Slots of the load.
const SLOTS: usize = 150;
/// Orders between two blows: so many at least, and...
const ORDERS_BEFORE: usize = 10;
/// ...up to so many more.
const MORE_ORDERS: usize = 50;
/// Orders that may come beyond that: the load goes on while the blow falls, and rests when the nodes take long to come
/// back.
const ORDERS_BEYOND: usize = 40;
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
    /// What is left in the book is not what has not been traded.
    #[error("{node} shows {shown:?} in {slot}, and {left:?} is left of bids and asks")]
    OtherDepth {
        /// Which household.
        node: String,
        /// Which slot.
        slot: String,
        /// Bids and asks in its book.
        shown: (WattHours, WattHours),
        /// Bids and asks that were ordered and not traded.
        left: (WattHours, WattHours),
    },
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
    let clients: Vec<_> = lane.nodes().iter().map(Node::client).collect();
    let load = Load::new(clients[0].slots()?.into_iter().skip(SKIPPED_SLOTS).take(SLOTS).collect());
    let ledgers = NAMES.map(|_| Ledger::default());
    let mut storm = Storm { lane, ledgers: &ledgers, reports: BTreeMap::new() };
    let mut tally = Tally { seed, ..Tally::default() };
    let mut rng = Rng::with_seed(seed);
    thread::scope(|scope| {
        let mut running = Vec::new();
        for (number, (client, ledger)) in clients.iter().zip(&ledgers).enumerate() {
            for which in 0..CLIENTS {
                let (load, rng) = (&load, rng.fork());
                running.push(scope.spawn(move || load.run(&format!("client-{which}"), number, client, ledger, rng)));
            }
        }
        let raged = storm.rage(kills, &load, &mut rng, &mut tally, &mut show);
        load.stop();
        let ended = running.into_iter().map(|client| client.join().expect("a client does not panic"));
        ended.collect::<Result<(), _>>().map_err(KillsError::from).and(raged)
    })?;
    tally.total = storm.settle(load.slots())?;
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
            let after = load.acknowledged() + ORDERS_BEFORE + rng.usize(..=MORE_ORDERS);
            load.grant(after + ORDERS_BEYOND);
            wait::until("the load goes on", SOON, || match load.acknowledged() {
                count if count >= after => Ok(()),
                count => Err(format!("{count} of {after} orders, after {} kills", tally.kills)),
            })?;
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

    /// Waits until all that crosses is traded and nothing is in doubt; then everything has to agree.
    fn settle(&mut self, slots: &[String]) -> Result<Total, KillsError> {
        let wanted = self.wanted()?;
        let crossing: WattHours = wanted.values().map(|(bid, asked)| *bid.min(asked)).sum();
        wait::until("all that crosses is traded", SOON, || {
            let total = self.lane.until_agreed(SOON).map_err(|error| error.to_string())?;
            if total.energy == crossing { Ok(()) } else { Err(format!("{total:?} of {crossing}")) }
        })?;
        // Ends the live streams, so that all that was reported is known.
        self.lane.stop()?;
        (0..NAMES.len()).try_for_each(|number| self.hear_out(number))?;
        self.lane.start()?;
        self.lane.until_same_book(SOON)?;
        for (node, ledger) in self.lane.nodes().iter().zip(self.ledgers) {
            ledger.check(node)?;
            ledger.check_sums(node)?;
            ledger.check_signatures()?;
            check_depth(node, slots, &wanted)?;
        }
        Ok(self.lane.until_agreed(SOON)?)
    }

    /// All that was ordered in each slot, bids and asks: what was taken on without an answer, too.
    fn wanted(&self) -> Result<BTreeMap<String, (WattHours, WattHours)>, RequestError> {
        let mut wanted: BTreeMap<String, (WattHours, WattHours)> = BTreeMap::new();
        for node in self.lane.nodes() {
            for order in orders_of(node)?.into_values() {
                let (bid, asked) = wanted.entry(order.slot.to_string()).or_default();
                *(if order.side.0 == Side::Buy { bid } else { asked }) += order.quantity_wh.0;
            }
        }
        Ok(wanted)
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

/// What rests in the book is what was ordered and did not cross.
fn check_depth(
    node: &Node,
    slots: &[String],
    wanted: &BTreeMap<String, (WattHours, WattHours)>,
) -> Result<(), KillsError> {
    for slot in slots {
        let (bid, asked) = wanted.get(slot).copied().unwrap_or_default();
        let traded = bid.min(asked);
        let (shown, left) = (node.client().depth(slot)?, (bid - traded, asked - traded));
        if shown != left {
            let (node, slot) = (node.member().to_owned(), slot.clone());
            return Err(KillsError::OtherDepth { node, slot, shown, left });
        }
    }
    Ok(())
}
