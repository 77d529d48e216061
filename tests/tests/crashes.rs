//! `kill -9` at each step of the agreement, on either side, and at random moments under load: once both nodes are back,
//! each trade is whole, and nothing that was acknowledged or reported is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;
use wattswap_api::dto::order::{Order, OrderPage};
use wattswap_matching::WattHours;
use wattswap_node::client::{Client, RequestError};
use wattswap_tests::command;
use wattswap_tests::crash::CRASH_BEFORE;
use wattswap_tests::market::{Market as _, Reports, SOON, Wish};
use wattswap_tests::neighbourhood::{CONNECT, Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::records::Record;
use wattswap_tests::wait;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Neighbourhoods that are there at the same time: most of the time they wait.
const SIDE_BY_SIDE: usize = 4;
const SELLER: usize = 0;
const BUYER: usize = 1;

/// A crash of one side at one step. The seller's order rests, and the buyer takes from it.
#[derive(Clone, Copy, Debug)]
struct Case {
    side: usize,
    before: &'static str,
    /// Kill the other side as well, once this one is dead.
    both: bool,
}

#[test]
fn a_crash_of_the_seller_at_any_step_leaves_the_trade_whole() -> Outcome {
    run_all(
        SELLER,
        &[
            "persist request",
            "persisted request",
            "reply placed",
            "publish entry",
            "persist trade",
            "persisted trade",
            "send acceptance",
            "publish entry 2",
            "tell trade",
        ],
    )
}

#[test]
fn a_crash_of_the_buyer_at_any_step_leaves_the_trade_whole() -> Outcome {
    run_all(
        BUYER,
        &[
            "persist reservation",
            "persisted reservation",
            "reply placed",
            "send proposal",
            "persist trade",
            "persisted trade",
            "publish entry",
            "tell trade",
        ],
    )
}

/// Runs each case once with a crash of that side alone, and once with the other side killed too.
fn run_all(side: usize, steps: &[&'static str]) -> Outcome {
    let cases: Vec<Case> = steps
        .iter()
        .enumerate()
        // Killed both at every other step: twice as many cases would show little more.
        .map(|(index, before)| Case { side, before, both: index % 2 == 1 })
        .collect();
    let next = AtomicUsize::new(0);
    let work = || -> Outcome {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(*case).map_err(|error| format!("{case:?}: {error}"))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a case fails by an error, not a panic"))
    })
}

/// What one side wants, under a name that makes a second try harmless, and what it was told of it.
struct OneOrder {
    wish: Wish,
    key: &'static str,
    acknowledged: Option<String>,
}

impl OneOrder {
    /// Places it, again if need be, and gives its id. None if the node died: it may have taken the order on all the same.
    fn place(&mut self, client: &Client) -> Outcome<Option<String>> {
        let id = match client.place(self.key, &self.wish) {
            Ok(id) => id,
            Err(RequestError::NoAnswer { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match self.acknowledged.replace(id.clone()) {
            Some(before) if before != id => {
                Err(format!("{} was acknowledged as {before} and is now {id}", self.key).into())
            }
            _ => Ok(Some(id)),
        }
    }
}

fn run(case: Case) -> Outcome {
    let real = command::wattswap()?;
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.node(case.side).use_program(command::beside("crashing_node")?);
    lane.node(case.side).start_with(&[(CRASH_BEFORE, case.before)])?;
    lane.start()?;
    lane.until_connected()?;
    let reports = lane.nodes().iter().map(Reports::of).collect::<Result<Vec<_>, _>>()?;
    let (seller, buyer) = (lane.nodes()[SELLER].client(), lane.nodes()[BUYER].client());
    let slot = seller.slots()?.swap_remove(100);
    let mut sale = OneOrder { wish: Wish::sell(&slot, 500, "0.2"), key: "sale", acknowledged: None };
    let mut purchase = OneOrder { wish: Wish::buy(&slot, 500, "0.2"), key: "purchase", acknowledged: None };

    sale.place(&seller)?;
    // Either it is seen, or the seller died before anybody could.
    wait::until("the offer is seen, or the seller dead", SOON, || match buyer.depth(&slot) {
        Ok((_, WattHours(500))) => Ok(()),
        _ if !lane.node(SELLER).is_running() => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    purchase.place(&buyer)?;
    wait::until("it crashes", SOON, || match lane.node(case.side).is_running() {
        true => Err("the step never came"),
        false => Ok(()),
    })?;
    let status = lane.node(case.side).stop()?;
    if status.signal() != Some(Signal::KILL.as_raw()) {
        return Err(format!("it ended by itself: {status}; {}", lane.node(case.side).log_end()).into());
    }
    if case.both {
        lane.node(1 - case.side).kill();
    }

    lane.node(case.side).use_program(real);
    lane.start()?;
    for (order, client) in [(&mut sale, &seller), (&mut purchase, &buyer)] {
        order.place(client)?.ok_or_else(|| format!("a node that is ready does not answer: {}", order.key))?;
    }
    for (order, client) in [(&sale, &seller), (&purchase, &buyer)] {
        client.until_filled(order.acknowledged.as_deref().unwrap_or_default(), WattHours(500))?;
    }
    let total = lane.until_agreed(SOON)?;
    if total.energy != WattHours(500) {
        return Err(format!("500 Wh were offered and wanted, and this was traded: {total:?}").into());
    }
    let held = held(lane.nodes())?;
    // Ends the live streams, so that all that was reported is known.
    lane.stop()?;
    let reported: BTreeSet<String> = reports.into_iter().flat_map(Reports::all).collect();
    match reported.difference(&held).next() {
        Some(lost) => Err(format!("trade {lost} was reported and is lost").into()),
        None => Ok(()),
    }
}

/// The ids of all trades that are in any record.
fn held(nodes: &[Node]) -> Outcome<BTreeSet<String>> {
    let mut held = BTreeSet::new();
    for node in nodes {
        held.extend(Record::of(node)?.trades.iter().map(|trade| trade.id.to_string()));
    }
    Ok(held)
}

/// The environment variable for more kills than usual.
const KILLS: &str = "KILLS";
/// Kills if nothing is said.
const USUAL_KILLS: usize = 12;
/// Wh of an order of the load.
const PIECE: i64 = 20;
/// Orders of each side in a slot: what a connection carries, and no more.
const ORDERS_PER_SLOT: usize = 300;
/// Slots of the load.
const SLOTS: usize = 150;

#[test]
fn kills_at_random_moments_under_load_lose_nothing() -> Outcome {
    let kills = std::env::var(KILLS).map_or(Ok(USUAL_KILLS), |text| text.parse())?;
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.start()?;
    lane.until_connected()?;
    let clients: Vec<Client> = lane.nodes().iter().map(Node::client).collect();
    let slots: Vec<String> = clients[SELLER].slots()?.into_iter().skip(20).take(SLOTS).collect();
    let load = Load { slots, acknowledged: AtomicUsize::new(0), stop: AtomicBool::new(false) };
    let mut reports = lane.nodes().iter().map(Reports::of).collect::<Result<Vec<_>, _>>()?;
    let orders = thread::scope(|scope| {
        let load = &load;
        let sides = clients.iter().enumerate();
        let sides: Vec<_> = sides.map(|(side, client)| scope.spawn(move || load.run(side, client))).collect();
        let killed = kill_often(&mut lane, kills, load, &mut reports);
        load.stop.store(true, Ordering::Relaxed);
        let orders = sides.into_iter().map(|side| side.join().expect("the load fails by an error, not a panic"));
        let orders = orders.collect::<Outcome<Vec<_>>>();
        killed.and(orders)
    })?;
    let all = lane.nodes().iter().map(orders_of).collect::<Outcome<Vec<_>>>()?;
    // Everything that crosses ends up traded, and nothing else.
    let wanted = |side: usize, slot: &String| -> WattHours {
        let of_slot = all[side].values().filter(|order| order.slot.to_string() == *slot);
        of_slot.map(|order| order.quantity_wh.0).sum()
    };
    let crossing: WattHours = load.slots.iter().map(|slot| wanted(SELLER, slot).min(wanted(BUYER, slot))).sum();
    let total = wait::until("all that crosses is traded", SOON, || {
        let total = lane.until_agreed(SOON).map_err(|error| error.to_string())?;
        if total.energy == crossing { Ok(total) } else { Err(format!("{total:?} of {} Wh", crossing.0)) }
    })?;
    assert!(total.trades > kills, "the load has hardly traded: {total:?}");
    for (node, orders) in lane.nodes().iter().zip(&orders) {
        let all = orders_of(node)?;
        let lost: Vec<&String> = orders.iter().filter(|id| !all.contains_key(*id)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let too_much = all.values().find(|order| order.filled_wh.0 > WattHours(PIECE));
        assert!(too_much.is_none(), "{too_much:?}");
        let filled: WattHours = all.values().map(|order| order.filled_wh.0).sum();
        let traded: WattHours = Record::of(node)?.trades.iter().map(|trade| trade.quantity_wh.0).sum();
        assert_eq!(filled, traded, "the orders of {} say what its trades say", node.member());
    }
    let held = held(lane.nodes())?;
    lane.stop()?;
    let reported: BTreeSet<String> = reports.into_iter().flat_map(Reports::all).collect();
    let lost: Vec<&String> = reported.difference(&held).collect();
    assert!(lost.is_empty(), "reported and lost: {lost:?}");
    assert!(!reported.is_empty(), "nothing was reported");
    eprintln!("{kills} kills, {} orders acknowledged, {total:?}", orders.iter().map(Vec::len).sum::<usize>());
    Ok(())
}

/// All orders of a household, by their ids.
fn orders_of(node: &Node) -> Outcome<BTreeMap<String, Order>> {
    let all = node.client().list("/orders", usize::MAX, |page: OrderPage| (page.orders, page.next))?;
    Ok(all.into_iter().map(|order| (order.id.to_string(), order)).collect())
}

/// Kills one node after the other, or both at once, each time after some more orders have been acknowledged.
fn kill_often(lane: &mut Neighbourhood, kills: usize, load: &Load, reports: &mut Vec<Reports>) -> Outcome {
    for kill in 1..=kills {
        let random = random();
        let after = load.acknowledged.load(Ordering::Relaxed) + 10 + random / 6 % 50;
        wait::until(&format!("the load goes on, before kill {kill}"), SOON, || {
            let count = load.acknowledged.load(Ordering::Relaxed);
            if count >= after { Ok(()) } else { Err(format!("{count} of {after} orders")) }
        })?;
        let both = random % 6 / 2 == 0;
        for (side, node) in lane.nodes_mut().iter_mut().enumerate() {
            if both || side == random % 2 {
                node.kill();
                node.launch(&[])?;
            }
        }
        for node in lane.nodes_mut() {
            node.until_ready(CONNECT)?;
            reports.push(Reports::of(node)?);
        }
    }
    Ok(())
}

/// Small orders of two sides that cross each other.
struct Load {
    slots: Vec<String>,
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// Places orders until it is told to stop, each again until it is acknowledged. Gives their ids.
    fn run(&self, side: usize, client: &Client) -> Outcome<Vec<String>> {
        let mut ids = Vec::new();
        // Bounded by what the connection carries, in case nobody says stop.
        for number in 0..self.slots.len() * ORDERS_PER_SLOT {
            let slot = &self.slots[number % self.slots.len()];
            let wish = if side == SELLER { Wish::sell(slot, PIECE, "0.1") } else { Wish::buy(slot, PIECE, "0.1") };
            let id =
                wait::until("the order is acknowledged", SOON, || match client.place(&number.to_string(), &wish) {
                    Ok(id) => Ok(Some(id)),
                    Err(error) if !error.is_passing() || self.stop.load(Ordering::Relaxed) => Ok(None),
                    Err(error) => Err(error),
                })?;
            // None if it is no use to try again, or time to stop; what was not acknowledged may be lost.
            let Some(id) = id else { break };
            ids.push(id);
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(ids)
    }
}

/// Fresh at every call: each run of the tests kills at other moments.
fn random() -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() >> 8).unwrap_or_default()
}
