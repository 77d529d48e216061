//! Who is away, who joins late, who joins anew, and who does not belong.

use std::error::Error;
use std::fs;

use wattswap_api::dto::community::Phase;
use wattswap_matching::WattHours;
use wattswap_node::client::{Client, RequestError};
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::records::Record;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ADA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;
const DAN: usize = 3;

#[test]
fn who_was_away_catches_up_and_who_joins_late_shows_the_same_book_and_trades() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo", "Dan", "Eve"])?;
    // Eve is a member from the start, but comes late: the other four are enough for each other.
    for index in [ADA, BEN, CLEO, DAN] {
        lane.node(index).launch(&[])?;
    }
    for index in [ADA, BEN, CLEO, DAN] {
        lane.node(index).until_ready(SOON)?;
    }
    lane.until_connected()?;
    let slots = lane.nodes()[ADA].client().slots()?;
    trade(&lane, &slots, "with-cleo")?;
    lane.until_same_book(SOON)?;
    let before = digest(&lane.nodes()[ADA])?;

    lane.node(CLEO).stop()?;
    trade(&lane, &slots, "without-cleo")?;
    lane.until_same_book(SOON)?;
    assert_ne!(digest(&lane.nodes()[ADA])?, before, "Cleo has missed nothing");
    lane.node(CLEO).start()?;
    lane.until_same_book(SOON)?;

    // Eve's first start.
    lane.start()?;
    lane.until_same_book(SOON)?;

    // Fay is not in the charter yet; then Ada, the operator, adds her.
    let fay = lane.add()?.member().to_owned();
    let charter = lane.nodes()[ADA].folder().charter().to_string_lossy().into_owned();
    lane.nodes()[ADA].call(&["charter", "add", &fay, "--name", "Fay"])?;
    let newcomer = lane.nodes().len() - 1;
    lane.nodes()[newcomer].call(&["init", "--charter", &charter])?;
    lane.node(ADA).stop()?;
    lane.start()?;
    lane.until_connected()?;
    lane.until_same_book(SOON)?;
    let in_force = lane.nodes()[newcomer].client().charter()?.hash.to_string();
    for node in lane.nodes_mut() {
        node.until("it knows the new charter", SOON, |node| match node.client().charter() {
            Ok(charter) if charter.hash.to_string() == in_force => Ok(()),
            other => Err(format!("{:?}", other.map(|charter| charter.height))),
        })?;
    }
    let sale = lane.nodes()[BEN].client().place("to-fay", &Wish::sell(&slots[120], 700, "0.1"))?;
    let fay = lane.nodes()[newcomer].client();
    fay.until_asked(&slots[120], WattHours(700))?;
    let purchase = fay.place("of-fay", &Wish::buy(&slots[120], 700, "0.1"))?;
    fay.until_filled(&purchase, WattHours(700))?;
    lane.nodes()[BEN].client().until_filled(&sale, WattHours(700))?;
    lane.until_agreed(SOON)?;
    lane.until_same_book(SOON)?;
    Ok(())
}

/// Ada offers in some slots, and Ben takes a part of each offer.
fn trade(lane: &Neighbourhood, slots: &[String], name: &str) -> Outcome {
    let (ada, ben) = (lane.nodes()[ADA].client(), lane.nodes()[BEN].client());
    for (number, slot) in slots[100..110].iter().enumerate() {
        let offered = ada.depth(slot)?.1 + WattHours(300);
        ada.place(&format!("{name}-sale-{number}"), &Wish::sell(slot, 300, "0.2"))?;
        ben.until_asked(slot, offered)?;
        let purchase = ben.place(&format!("{name}-purchase-{number}"), &Wish::buy(slot, 100, "0.2"))?;
        ben.until_filled(&purchase, WattHours(100))?;
    }
    lane.until_agreed(SOON)?;
    Ok(())
}

fn digest(node: &Node) -> Result<String, RequestError> {
    Ok(node.status()?.book_digest.to_string())
}

#[test]
fn who_does_not_belong_is_not_served() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.start()?;
    lane.until_connected()?;
    let charter = lane.nodes()[ADA].folder().charter().to_string_lossy().into_owned();

    // One that has the charter and the addresses, but is not listed.
    let stranger = lane.add()?;
    stranger.call(&["init", "--charter", &charter])?;
    stranger.start()?;
    stranger.until("it knows that it is no member", SOON, |node| match node.status() {
        Ok(status) if status.phase == Phase::NotAMember => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    let client = stranger.client();
    let slot = client.slots()?.swap_remove(100);
    let refused = client.place("order", &Wish::buy(&slot, 100, "0.2")).map_err(|error| error.to_string());
    assert!(refused.as_ref().is_err_and(|error| error.contains("not a member")), "{refused:?}");
    let addresses = lane.nodes()[ADA].status()?.addresses;

    // And a whole community of others, who call at the same addresses.
    let mut others = Neighbourhood::found(&Rules::usual(), &["Gus", "Hal"])?;
    for node in others.nodes() {
        let config = fs::read_to_string(node.folder().config())?;
        let config = config.replace("bootstrap = [", &format!("bootstrap = [\"{}\", ", addresses[0]));
        fs::write(node.folder().config(), config)?;
    }
    others.start()?;
    others.until_connected()?;
    sell_and_buy(&others.nodes()[0].client(), &others.nodes()[1].client(), &slot)?;

    // Both have called by now, and nobody has heard of them: the members trade among themselves.
    sell_and_buy(&lane.nodes()[ADA].client(), &lane.nodes()[BEN].client(), &slot)?;
    for node in &lane.nodes()[..2] {
        let status = node.status()?;
        assert_eq!((status.members, status.peers_connected), (2, 1));
        assert_eq!(Record::of(node)?.trades.len(), 1);
    }
    let stranger = &lane.nodes()[2];
    assert_eq!(stranger.status()?.peers_connected, 0);
    assert_eq!(stranger.client().depth(&slot)?, (WattHours::ZERO, WattHours::ZERO), "the book was shown to a stranger");
    assert!(Record::of(stranger)?.trades.is_empty());
    Ok(())
}

fn sell_and_buy(seller: &Client, buyer: &Client, slot: &str) -> Outcome {
    let sale = seller.place("sale", &Wish::sell(slot, 600, "0.2"))?;
    buyer.until_asked(slot, WattHours(600))?;
    let purchase = buyer.place("purchase", &Wish::buy(slot, 500, "0.2"))?;
    buyer.until_filled(&purchase, WattHours(500))?;
    seller.until_filled(&sale, WattHours(500))?;
    Ok(())
}
