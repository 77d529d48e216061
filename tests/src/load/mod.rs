//! A neighbourhood under load: clients of all households place small orders, which cross each other, as fast as they
//! are let. `ledger` remembers what the households were promised meanwhile; `settle` is how it has to end.

pub mod ledger;
pub mod settle;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use fastrand::Rng;
use wattswap_matching::{Side, WattHours};
use wattswap_node::client::{Client, RequestError};

use self::ledger::{Ledger, Promise};
use crate::market::{Market as _, SOON, Wish};
use crate::neighbourhood::Neighbourhood;
use crate::wait::{self, InVain};

/// Clients of each household.
const CLIENTS: [&str; 2] = ["one", "other"];
/// The first slots are left out: time goes on.
const SKIPPED_SLOTS: usize = 20;
/// Slots of the load.
const SLOTS: usize = 150;
/// Slots in which orders are placed at the same time: few, so that several takers want the same order.
const SLOTS_AT_ONCE: usize = 8;
/// After so many orders the first of these slots makes room for the next one.
const ORDERS_A_SLOT: usize = 200;
/// Wh of an order: the smallest fill, so that nothing of what crosses is too little to be traded, times up to six.
const PIECE: i64 = 10;
/// Orders that may come beyond those that are waited for: so that the load goes on meanwhile, and rests when the nodes
/// take long to come back.
const ORDERS_BEYOND: usize = 40;
/// What sellers want, and...
const ASKS: [&str; 3] = ["0.1", "0.11", "0.12"];
/// ...what buyers give: every order crosses every other.
const BIDS: [&str; 3] = ["0.12", "0.13", "0.14"];

/// What all clients share.
pub struct Load {
    slots: Vec<String>,
    granted: AtomicUsize,
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

/// Ends all clients when it goes, also by a panic: else the scope of their threads would wait for them.
struct Stop<'a>(&'a AtomicBool);

/// Why a client could not go on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A node did not answer for too long.
    #[error(transparent)]
    InVain(#[from] InVain),
    /// A node said no.
    #[error("the load was refused: {0}")]
    Refused(RequestError),
}

impl Load {
    /// Orders in the slots that are open at the first node; none before they are granted.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn on(lane: &Neighbourhood) -> Result<Self, RequestError> {
        let open = lane.nodes()[0].client().slots()?;
        let slots = open.into_iter().skip(SKIPPED_SLOTS).take(SLOTS).collect();
        let (granted, acknowledged) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Ok(Self { slots, granted, acknowledged, stop: AtomicBool::new(false) })
    }

    /// How many orders have been acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Lets the clients place orders until that many have been acknowledged, by all of them together.
    pub fn grant(&self, total: usize) {
        self.granted.store(total, Ordering::Relaxed);
    }

    /// Waits until so many more orders have been acknowledged, and lets some more follow.
    ///
    /// # Errors
    /// [`InVain`].
    pub fn until_more(&self, orders: usize) -> Result<(), InVain> {
        let after = self.acknowledged() + orders;
        self.granted.store(after + ORDERS_BEYOND, Ordering::Relaxed);
        wait::until("the load goes on", SOON, || match self.acknowledged() {
            count if count >= after => Ok(()),
            count => Err(format!("{count} of {after} orders")),
        })
    }

    /// Has clients of all households place orders, as many as are granted, while something else is done.
    ///
    /// # Errors
    /// What `meanwhile` or [`LoadError`] says.
    pub fn during<T, E: From<LoadError>>(
        &self,
        clients: &[Client],
        ledgers: &[Ledger],
        rng: &mut Rng,
        meanwhile: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        thread::scope(|scope| {
            let mut running = Vec::new();
            for (number, (client, ledger)) in clients.iter().zip(ledgers).enumerate() {
                for name in CLIENTS {
                    let rng = rng.fork();
                    running.push(scope.spawn(move || self.run(name, number, client, ledger, rng)));
                }
            }
            let stop = Stop(&self.stop);
            let done = meanwhile();
            drop(stop);
            let ended = running.into_iter().map(|client| client.join().expect("a client does not panic"));
            ended.collect::<Result<(), _>>()?;
            done
        })
    }

    /// A client of the household `number`: places orders until it is told to stop, each again until it is acknowledged.
    fn run(&self, name: &str, number: usize, client: &Client, ledger: &Ledger, mut rng: Rng) -> Result<(), LoadError> {
        for count in 0_u64.. {
            self.until_granted()?;
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let promise = Promise { key: format!("{name}-{count}"), wish: self.wish(number, &mut rng) };
            let Some(id) = self.place(client, &promise)? else { break };
            ledger.acknowledge(id, promise);
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// In every slot one half of the households sells to the other, and in the next one it is the other way round.
    fn wish(&self, number: usize, rng: &mut Rng) -> Wish {
        let slot = (self.acknowledged() / ORDERS_A_SLOT + rng.usize(..SLOTS_AT_ONCE)) % self.slots.len();
        let side = if (number + slot).is_multiple_of(2) { Side::Sell } else { Side::Buy };
        let prices = if side == Side::Sell { ASKS } else { BIDS };
        let price = prices[rng.usize(..prices.len())];
        Wish { slot: self.slots[slot].clone(), side, quantity: WattHours(PIECE * rng.i64(1..=6)), price }
    }

    fn until_granted(&self) -> Result<(), InVain> {
        wait::until("more orders are wanted", SOON, || {
            let is_granted = self.acknowledged() < self.granted.load(Ordering::Relaxed);
            if is_granted || self.stop.load(Ordering::Relaxed) { Ok(()) } else { Err("none are granted") }
        })
    }

    /// None if it is time to stop: what has not been acknowledged may be lost.
    fn place(&self, client: &Client, promise: &Promise) -> Result<Option<String>, LoadError> {
        let placed =
            wait::until("the order is acknowledged", SOON, || match client.place(&promise.key, &promise.wish) {
                Err(error) if error.is_passing() && !self.stop.load(Ordering::Relaxed) => Err(error),
                // It worked, or it is no use to try again.
                settled => Ok(settled),
            })?;
        match placed {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.is_passing() => Ok(None),
            Err(error) => Err(LoadError::Refused(error)),
        }
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
