//! `kill -9` at each step of the agreement, on either side, and at random moments under load: once both nodes are back,
//! each trade is whole, and nothing that was acknowledged or reported is lost.

use std::collections::BTreeSet;
use std::error::Error;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;
use wattswap_matching::WattHours;
use wattswap_node::client::{Client, RequestError};
use wattswap_tests::command;
use wattswap_tests::crash::CRASH_BEFORE;
use wattswap_tests::kills;
use wattswap_tests::market::{Market as _, Reports, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
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
            // The first one begins its log.
            "publish entry 2",
            "persist trade",
            "persisted trade",
            "send acceptance",
            "publish entry 3",
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
            "publish entry 2",
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
    let reported: BTreeSet<String> =
        reports.into_iter().flat_map(Reports::all).map(|trade| trade.id.to_string()).collect();
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

/// Few, as this is to be quick: `./dev kills` is the long form.
const KILLS: usize = 15;

#[test]
fn kills_at_random_moments_under_load_lose_nothing() -> Outcome {
    // Fresh: each run of the tests hits others.
    let seed = fastrand::u64(..);
    eprintln!("{}", kills::run(seed, KILLS, |_| ())?);
    Ok(())
}
