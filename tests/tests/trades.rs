//! Households that trade: two over TCP and over QUIC, with signatures that anybody can check, and two that race for
//! one seller's last watt-hours.

use std::error::Error;
use std::fs;
use std::sync::Barrier;
use std::thread;

use rust_decimal::Decimal;
use wattswap_api::dto::trade::Trade;
use wattswap_matching::{PriceScale, Side, WattHours};
use wattswap_node::client::{Client, RequestError};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::signed::{Signed, Statement, Verified};
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::records::Record;
use wattswap_tests::wait;

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn two_nodes_trade_over_tcp() -> Outcome {
    two_nodes_trade(&mut Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?)
}

#[test]
fn two_nodes_trade_over_quic() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    for node in lane.nodes() {
        let config = fs::read_to_string(node.folder().config())?;
        let lines = config.lines().map(|line| match line.contains("/tcp/") {
            true => line.replace("/tcp/", "/udp/").replace("\"]", "/quic-v1\"]"),
            false => line.to_owned(),
        });
        fs::write(node.folder().config(), lines.collect::<Vec<_>>().join("\n"))?;
    }
    two_nodes_trade(&mut lane)?;
    let addresses = lane.nodes()[0].status()?.addresses;
    assert!(addresses.iter().all(|address| address.contains("/quic-v1")), "{addresses:?}");
    Ok(())
}

fn two_nodes_trade(lane: &mut Neighbourhood) -> Outcome {
    lane.start()?;
    lane.until_connected()?;
    let [seller, buyer] = lane.nodes() else { unreachable!("two were founded") };
    let (seller, buyer) = (seller.client(), buyer.client());
    let slots = seller.slots()?;
    // A price below zero is an ordinary price.
    for (round, (slot, price)) in [(&slots[100], "0.2"), (&slots[101], "-0.05")].into_iter().enumerate() {
        let sale = seller.place(&format!("sale-{round}"), &Wish::sell(slot, 1_500, price))?;
        buyer.until_asked(slot, WattHours(1_500))?;
        // The limit is higher, but the resting order's price counts.
        let purchase = buyer.place(&format!("purchase-{round}"), &Wish::buy(slot, 1_000, "0.3"))?;
        seller.until_filled(&sale, WattHours(1_000))?;
        buyer.until_filled(&purchase, WattHours(1_000))?;
        assert_eq!(seller.order(&sale)?.open_wh.0, WattHours(500));
    }
    let total = lane.until_agreed(SOON)?;
    assert_eq!((total.trades, total.energy), (2, WattHours(2_000)));
    assert_eq!(total.amount.0, Decimal::new(15, 2), "1 kWh at 0.20 and 1 kWh at -0.05");
    for node in lane.nodes() {
        for trade in Record::of(node)?.trades {
            assert_is_proved(node, &trade)?;
        }
    }
    lane.until_same_book(SOON)?;
    Ok(())
}

/// From the signed bytes alone: who has agreed with whom on what, as the API says it.
fn assert_is_proved(node: &Node, trade: &Trade) -> Outcome {
    let proposal: Verified<Proposal> = signed(&trade.proposal.0.0)?;
    let acceptance: Verified<Acceptance> = signed(&trade.acceptance.0.0)?;
    let (own, other) = (node.member().to_owned(), trade.counterparty.to_string());
    let (taker, maker) = if trade.side.0 == Side::Buy { (own, other) } else { (other, own) };
    let scale = PriceScale::new(node.client().charter()?.price_tick_per_kwh.0.0)?;
    assert_eq!(proposal.taker.author.to_string(), taker, "in these tests the buyer takes");
    assert_eq!((proposal.maker.author.to_string(), acceptance.maker.to_string()), (maker.clone(), maker));
    assert_eq!(proposal.hash(), acceptance.proposal.0, "one is the answer to the other");
    assert_eq!(trade.id.to_string(), acceptance.proposal.to_string());
    assert_eq!(trade.resting_order.to_string(), proposal.order.to_string());
    assert_eq!((trade.quantity_wh.0, trade.slot.0), (acceptance.quantity, proposal.slot));
    assert_eq!((trade.price_per_kwh.0.0, trade.at.0), (scale.decimal(proposal.price), acceptance.at));
    assert_eq!(proposal.community.to_string(), node.status()?.community.to_string());

    // Any other bytes prove nothing.
    let mut forged = trade.acceptance.0.0.clone();
    *forged.last_mut().ok_or("a signature has bytes")? ^= 1;
    assert!(signed::<Acceptance>(&forged).is_err());
    Ok(())
}

fn signed<T: Statement>(bytes: &[u8]) -> Result<Verified<T>, Box<dyn Error>> {
    Ok(Signed::<T>::parse(bytes)?.verify()?)
}

/// Rounds of the race.
const ROUNDS: i64 = 60;
/// What the seller has in each round, and what each of the buyers wants: the smallest fill, so that both want all of it.
const LAST: i64 = 10;

#[test]
fn two_buyers_race_for_a_sellers_last_watt_hours() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo"])?;
    lane.start()?;
    lane.until_connected()?;
    let clients: Vec<Client> = lane.nodes().iter().map(Node::client).collect();
    let [seller, buyers @ ..] = clients.as_slice() else { unreachable!("three were founded") };
    let slots: Vec<String> = seller.slots()?.into_iter().skip(8).take(ROUNDS as usize).collect();
    for (round, slot) in slots.iter().enumerate() {
        seller.place(&format!("offer-{round}"), &Wish::sell(slot, LAST, "0.1"))?;
    }
    buyers.iter().try_for_each(|buyer| slots.iter().try_for_each(|slot| buyer.until_asked(slot, WattHours(LAST))))?;
    let start = Barrier::new(buyers.len());
    let race = |buyer: &Client| -> Vec<Result<String, RequestError>> {
        let bids = slots.iter().enumerate().map(|(round, slot)| {
            // Every racer gets here in every round, whatever came of the last one.
            start.wait();
            buyer.place(&format!("bid-{round}"), &Wish::buy(slot, LAST, "0.1"))
        });
        bids.collect()
    };
    let bids: Vec<_> = thread::scope(|scope| {
        let race = &race;
        let racers: Vec<_> = buyers.iter().map(|buyer| scope.spawn(move || race(buyer))).collect();
        racers.into_iter().map(|racer| racer.join().expect("a racer does not panic")).collect()
    });
    let bids = bids.into_iter().map(|bids| bids.into_iter().collect::<Result<Vec<_>, _>>());
    let bids = bids.collect::<Result<Vec<_>, _>>()?;

    wait::until("all that was offered is sold", SOON, || {
        let sold = lane.until_agreed(SOON).map_err(|error| error.to_string())?.energy;
        if sold == WattHours(LAST * ROUNDS) { Ok(()) } else { Err(format!("{} Wh", sold.0)) }
    })?;
    for (round, slot) in slots.iter().enumerate() {
        let mut filled = WattHours::ZERO;
        for (buyer, bids) in buyers.iter().zip(&bids) {
            filled += wait::until("no bid is in doubt", SOON, || match buyer.order(&bids[round]) {
                Ok(order) if order.in_doubt_wh.0 == WattHours::ZERO => Ok(order.filled_wh.0),
                other => Err(format!("{other:?}")),
            })?;
        }
        assert_eq!(filled, WattHours(LAST), "round {round}, in {slot}");
    }
    Ok(())
}
