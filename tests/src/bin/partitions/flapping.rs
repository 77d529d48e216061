//! One cable after the other is cut while something is under way on it, in one direction or both, and mended: mostly at
//! once, sometimes when the proposals that are still under way have expired.

use fastrand::Rng;
use wattswap_node::client::Client;
use wattswap_tests::load::Load;
use wattswap_tests::load::ledger::Ledger;
use wattswap_tests::load::settle::settle;
use wattswap_tests::market::{Reports, SOON};
use wattswap_tests::neighbourhood::Neighbourhood;
use wattswap_tests::node::Node;
use wattswap_tests::street::Street;
use wattswap_tests::wait;

use super::{Outcome, found, in_doubt, until_expired};

const NAMES: [&str; 4] = ["Ada", "Ben", "Cleo", "Dan"];
/// How often a cable is cut.
const CUTS: usize = 40;
/// One cut of so many lasts longer than a proposal lives.
const LONG: usize = 10;
/// Orders from one cut to the next, at most.
const ORDERS: usize = 12;

/// See the module's text.
pub(crate) fn run() -> Outcome {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut lane, street) = found(&NAMES)?;
    let reports = lane.nodes().iter().map(Reports::of).collect::<Result<Vec<_>, _>>()?;
    let clients: Vec<Client> = lane.nodes().iter().map(Node::client).collect();
    let ledgers = NAMES.map(|_| Ledger::default());
    let load = Load::on(&lane)?;
    load.during(&clients, &ledgers, &mut rng.fork(), || -> Outcome {
        (1..=CUTS).try_for_each(|cut| flap(&lane, &street, &load, &mut rng, cut.is_multiple_of(LONG)))
    })?;
    let total = settle(&mut lane, &ledgers, reports)?;
    assert!(total.trades > CUTS, "the load has hardly traded: {total:?}");
    eprintln!("{total:?}");
    Ok(())
}

fn flap(lane: &Neighbourhood, street: &Street, load: &Load, rng: &mut Rng, is_long: bool) -> Outcome {
    load.until_more(1 + rng.usize(..ORDERS))?;
    let one = rng.usize(..NAMES.len());
    let other = (one + 1 + rng.usize(..NAMES.len() - 1)) % NAMES.len();
    let both = [(one, other), (other, one)];
    let cut = if rng.bool() { &both[..] } else { &both[..1] };
    cut.iter().try_for_each(|(from, to)| street.cut(*from, *to))?;
    let ends = [one, other].map(|end| &lane.nodes()[end]);
    wait::until("something is under way at an end of the cable", SOON, || -> Result<(), String> {
        load.until_more(1).map_err(|error| error.to_string())?;
        let in_doubt = ends.map(in_doubt).into_iter().sum::<Outcome<u32>>().map_err(|error| error.to_string())?;
        if in_doubt > 0 { Ok(()) } else { Err("nothing is in doubt".to_owned()) }
    })?;
    if is_long {
        until_expired(ends[0])?;
    }
    cut.iter().try_for_each(|(from, to)| street.mend(*from, *to))?;
    Ok(())
}
