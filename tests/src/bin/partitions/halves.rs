//! Two halves of a neighbourhood under load hear nothing of each other, until each has noticed. Then they come together.

use std::collections::BTreeSet;

use fastrand::Rng;
use wattswap_matching::WattHours;
use wattswap_node::client::Client;
use wattswap_tests::load::Load;
use wattswap_tests::load::ledger::Ledger;
use wattswap_tests::load::settle::settle;
use wattswap_tests::market::{Market as _, Reports, SOON, Wish};
use wattswap_tests::neighbourhood::Neighbourhood;
use wattswap_tests::node::Node;
use wattswap_tests::records::Record;
use wattswap_tests::wait;

use super::{Outcome, found, in_doubt, until_in_doubt};

/// One half...
const ADA: usize = 0;
const BEN: usize = 1;
/// ...and the other.
const CLEO: usize = 2;
const DAN: usize = 3;
const HALVES: [[usize; 2]; 2] = [[ADA, BEN], [CLEO, DAN]];
/// Orders of the load before the cut, and again after it was mended.
const ORDERS: usize = 60;
/// Trades that each half has to make during the cut.
const TRADES: usize = 20;
/// What is offered once and wanted in both halves.
const CONTESTED: WattHours = WattHours(500);
/// What is offered in one half and wanted in the other.
const ACROSS: WattHours = WattHours(300);

/// See the module's text.
pub(crate) fn run() -> Outcome {
    let (mut lane, street) = found(&["Ada", "Ben", "Cleo", "Dan"])?;
    let reports = lane.nodes().iter().map(Reports::of).collect::<Result<Vec<_>, _>>()?;
    let clients: Vec<Client> = lane.nodes().iter().map(Node::client).collect();
    // The last ones, in which the load has no orders.
    let [.., contested, across] = &clients[ADA].slots()?[..] else { return Err("too few slots".into()) };
    let sale = clients[ADA].place("contested", &Wish::sell(contested, CONTESTED.0, "0.2"))?;
    clients.iter().try_for_each(|client| client.until_asked(contested, CONTESTED))?;

    let ledgers = [(); 4].map(|()| Ledger::default());
    let load = Load::on(&lane)?;
    let loser = load.during(&clients, &ledgers, &mut Rng::new(), || -> Outcome<String> {
        load.until_more(ORDERS)?;
        street.part(&HALVES[0], &HALVES[1])?;
        // Both have seen the offer, and only one of them is heard.
        let loser = clients[CLEO].place("contested", &Wish::buy(contested, CONTESTED.0, "0.2"))?;
        let winner = clients[BEN].place("contested", &Wish::buy(contested, CONTESTED.0, "0.2"))?;
        clients[BEN].until_filled(&winner, CONTESTED)?;
        clients[ADA].until_filled(&sale, CONTESTED)?;
        until_in_doubt(&clients[CLEO], &loser, CONTESTED)?;
        clients[ADA].place("across", &Wish::sell(across, ACROSS.0, "0.2"))?;
        clients[DAN].place("across", &Wish::buy(across, ACROSS.0, "0.2"))?;
        until_both_have_noticed(&lane)?;
        until_both_trade(&lane, &load)?;
        assert_eq!(clients[BEN].depth(across)?, (WattHours::ZERO, ACROSS), "the bid came through the cut");
        assert_eq!(clients[CLEO].depth(across)?, (ACROSS, WattHours::ZERO), "the offer came through the cut");
        let doubts = lane.nodes().iter().map(in_doubt).collect::<Outcome<Vec<u32>>>()?;
        eprintln!("proposals in doubt before the cables are mended: {doubts:?}");
        assert!(doubts.iter().sum::<u32>() > 0, "what was under way across the cut is in doubt");
        street.join(&HALVES[0], &HALVES[1])?;
        load.until_more(ORDERS)?;
        Ok(loser)
    })?;
    lane.until_connected()?;
    let total = settle(&mut lane, &ledgers, reports)?;
    let lost = clients[CLEO].order(&loser)?;
    assert_eq!((lost.filled_wh.0, lost.open_wh.0), (WattHours::ZERO, CONTESTED), "sold twice: {lost:?}");
    let crossed = Record::of(&lane.nodes()[DAN])?.trades.into_iter().filter(|trade| trade.slot.to_string() == *across);
    assert_eq!(crossed.map(|trade| trade.quantity_wh.0).sum::<WattHours>(), ACROSS);
    eprintln!("{total:?}");
    Ok(())
}

/// A cut is noticed when a connection has been silent for long enough.
fn until_both_have_noticed(lane: &Neighbourhood) -> Outcome {
    for node in lane.nodes() {
        wait::until("it is connected to its own half alone", SOON, || match node.status() {
            Ok(status) if status.peers_connected == 1 => Ok(()),
            Ok(status) => Err(format!("{} connected", status.peers_connected)),
            Err(error) => Err(error.to_string()),
        })?;
    }
    Ok(())
}

/// Waits until each half has traded some more within itself. Nothing is traded across meanwhile.
fn until_both_trade(lane: &Neighbourhood, load: &Load) -> Outcome {
    let before = HALVES.map(|half| traded(lane, half)).into_iter().collect::<Outcome<Vec<_>>>()?;
    wait::until("both halves trade", SOON, || -> Result<(), String> {
        load.until_more(TRADES).map_err(|error| error.to_string())?;
        for (half, before) in HALVES.into_iter().zip(&before) {
            let now = traded(lane, half).map_err(|error| error.to_string())?;
            assert_eq!(now.across, before.across, "a trade across the cut");
            if now.within.len() < before.within.len() + TRADES {
                return Err(format!("{} trades, and now {}", before.within.len(), now.within.len()));
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// The trades of a half, by their ids.
#[derive(Default)]
struct Traded {
    within: BTreeSet<String>,
    across: BTreeSet<String>,
}

fn traded(lane: &Neighbourhood, half: [usize; 2]) -> Outcome<Traded> {
    let nodes = half.map(|number| &lane.nodes()[number]);
    let mut traded = Traded::default();
    for trade in
        nodes.map(Record::of).into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flat_map(|all| all.trades)
    {
        let is_within = nodes.iter().any(|node| node.member() == trade.counterparty.to_string());
        (if is_within { &mut traded.within } else { &mut traded.across }).insert(trade.id.to_string());
    }
    Ok(traded)
}
