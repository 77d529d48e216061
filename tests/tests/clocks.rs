//! Wall clocks that are wrong, and are set right, while real nodes run: whoever has one signs nothing by it, trades
//! again once it is right, and no watt-hour is sold twice meanwhile.

use std::error::Error;
use std::io;
use std::time::Duration;

use wattswap_api::dto::community::{LogHead, Phase, Status};
use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::client::Client;
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::records::Record;
use wattswap_tests::wait;
use wattswap_tests::wall_clock::{Shows, WallClock};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ADA: usize = 0;
const BEN: usize = 1;
/// Whose clock is wrong. The clocks of the two others tell.
const CLEO: usize = 2;

const HOUR: Duration = Duration::from_secs(3_600);
/// What is proposed lives for 3 s here, and clocks may differ by 1 s.
const EXPIRED: Duration = Duration::from_secs(5);
/// What Cleo offers before anything happens to her clock.
const OFFERED: WattHours = WattHours(300);

#[test]
fn a_clock_that_is_set_ahead_dates_nothing() -> Outcome {
    let Some((mut lane, clock)) = lane_with_a_clock()? else { return Ok(()) };
    let [ada, ben, cleo] = clients(&lane);
    let Offer { slot, id: before, head } = offer(&lane)?;

    clock.set(Shows::Ahead(HOUR))?;
    until_phase(lane.node(CLEO), Phase::ClockAhead)?;
    let meanwhile = cleo.place("meanwhile", &Wish::sell(&slot, 200, "0.2"))?;
    // All of it is wanted: what rests, and what can't be posted yet.
    let wanted = ben.place("wanted", &Wish::buy(&slot, 500, "0.2"))?;
    wait::until("Ben has asked for what rests", SOON, || match ben.order(&wanted) {
        Ok(order) if order.in_doubt_wh.0.is_positive() => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    // The others go on, by their own clocks.
    sell_and_buy(&ada, &ben, &ada.slots()?[101])?;
    assert_waits(&lane, Phase::ClockAhead, &head)?;

    clock.set(Shows::RightTime)?;
    lane.node(CLEO).until_ready(SOON)?;
    cleo.until_filled(&before, OFFERED)?;
    cleo.until_filled(&meanwhile, WattHours(200))?;
    ben.until_filled(&wanted, WattHours(500))?;
    assert_agreed(&mut lane, WattHours(500 + 100), &head)
}

#[test]
fn a_machine_that_starts_without_the_time_goes_on_once_it_has_it() -> Outcome {
    let Some((mut lane, clock)) = lane_with_a_clock()? else { return Ok(()) };
    let [ada, ben, cleo] = clients(&lane);
    let Offer { slot, id, head } = offer(&lane)?;

    lane.node(CLEO).stop()?;
    let since_1970 = Duration::from_millis(ada.get::<Status>("/status")?.now.0.0);
    clock.set(Shows::Behind(since_1970))?;
    lane.node(CLEO).start_with(&clock.environment())?;
    until_phase(lane.node(CLEO), Phase::LogAhead)?;
    let wanted = ben.place("wanted", &Wish::buy(&slot, OFFERED.0, "0.2"))?;
    sell_and_buy(&ada, &ben, &ada.slots()?[101])?;
    assert_waits(&lane, Phase::LogAhead, &head)?;

    clock.set(Shows::RightTime)?;
    lane.node(CLEO).until_ready(SOON)?;
    cleo.until_filled(&id, OFFERED)?;
    ben.until_filled(&wanted, OFFERED)?;
    assert_agreed(&mut lane, OFFERED + WattHours(100), &head)
}

#[test]
fn a_machine_that_slept_through_a_proposal_sells_once() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo"])?;
    lane.start()?;
    lane.until_connected()?;
    let [_, ben, cleo] = clients(&lane);
    let Offer { slot, id, head } = offer(&lane)?;

    // Time passes for everybody but for the code of this process, which then finds all clocks later by that.
    lane.node(CLEO).suspend()?;
    let wanted = ben.place("wanted", &Wish::buy(&slot, OFFERED.0, "0.2"))?;
    let placed = ben.get::<Status>("/status")?.now.0;
    wait::until("what Ben proposed has expired", SOON, || match ben.get::<Status>("/status") {
        Ok(status) if status.now.0 > placed.after(EXPIRED) => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    assert_eq!(ben.order(&wanted)?.in_doubt_wh.0, OFFERED, "nobody has told Ben that it was not accepted");

    lane.node(CLEO).resume()?;
    cleo.until_filled(&id, OFFERED)?;
    ben.until_filled(&wanted, OFFERED)?;
    assert_agreed(&mut lane, OFFERED, &head)
}

/// Three households that trade, the last of them by a clock of its own; none if there are no such clocks here.
fn lane_with_a_clock() -> Outcome<Option<(Neighbourhood, WallClock)>> {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo"])?;
    let clock = match WallClock::new(lane.folder()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("skipped: {error}");
            return Ok(None);
        }
        clock => clock?,
    };
    lane.node(CLEO).launch(&clock.environment())?;
    lane.start()?;
    lane.until_connected()?;
    Ok(Some((lane, clock)))
}

fn clients(lane: &Neighbourhood) -> [Client; 3] {
    [ADA, BEN, CLEO].map(|index| lane.nodes()[index].client())
}

/// What Cleo offers, and where her log ends with that.
struct Offer {
    slot: String,
    id: String,
    head: LogHead,
}

/// Cleo offers something, and Ben sees it.
fn offer(lane: &Neighbourhood) -> Outcome<Offer> {
    let [ada, ben, cleo] = clients(lane);
    let slot = ada.slots()?.swap_remove(100);
    let id = cleo.place("offer", &Wish::sell(&slot, OFFERED.0, "0.2"))?;
    ben.until_asked(&slot, OFFERED)?;
    Ok(Offer { slot, id, head: head_of_cleo(lane)? })
}

fn head_of_cleo(lane: &Neighbourhood) -> Outcome<LogHead> {
    Ok(lane.nodes()[CLEO].status()?.log.ok_or("she has placed an order")?)
}

/// Cleo's node says what is wrong, and her log still ends where it did.
fn assert_waits(lane: &Neighbourhood, phase: Phase, head: &LogHead) -> Outcome {
    assert_eq!(lane.nodes()[CLEO].status()?.phase, phase);
    assert_eq!(head_of_cleo(lane)?.seq, head.seq, "she has signed something by that clock");
    Ok(())
}

fn until_phase(node: &mut Node, phase: Phase) -> Outcome {
    node.until(&format!("it is {phase:?}"), SOON, |node| match node.status() {
        Ok(status) if status.phase == phase => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    Ok(())
}

fn sell_and_buy(seller: &Client, buyer: &Client, slot: &str) -> Outcome {
    let sale = seller.place("others-sale", &Wish::sell(slot, 100, "0.2"))?;
    let purchase = buyer.place("others-purchase", &Wish::buy(slot, 100, "0.2"))?;
    seller.until_filled(&sale, WattHours(100))?;
    buyer.until_filled(&purchase, WattHours(100))?;
    Ok(())
}

/// So much was traded and no more, all say the same of it, no trade is dated by a wrong clock, and Cleo's log is still
/// the one that it was.
fn assert_agreed(lane: &mut Neighbourhood, energy: WattHours, before: &LogHead) -> Outcome {
    assert_eq!(lane.until_agreed(SOON)?.energy, energy);
    lane.until_same_book(SOON)?;
    assert_eq!(head_of_cleo(lane)?.incarnation, before.incarnation, "her clock has cost her her log");
    let status = lane.nodes()[ADA].status()?;
    for node in lane.nodes() {
        for trade in Record::of(node)?.trades {
            let UtcMillis(at) = trade.at.0;
            assert!((status.started_at.0.0..=status.now.0.0).contains(&at), "{trade:?}");
        }
    }
    Ok(())
}
