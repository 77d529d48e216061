//! Who is away, who joins late, who joins anew, who does not belong, and who no longer does.

use std::error::Error;
use std::fs;

use wattswap_api::dto::community::Phase;
use wattswap_matching::WattHours;
use wattswap_node::client::{Client, RequestError};
use wattswap_node::drivers::keys::HouseholdKey;
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::records::Record;
use wattswap_tests::rogue::is_served;
use wattswap_tests::wait;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ADA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;
const DAN: usize = 3;

#[test]
fn who_was_away_catches_up_and_who_joins_late_shows_the_same_book_and_trades() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo", "Dan", "Eve"])?;
    // Eve is a member from the start, but comes late: the other four are enough for each other.
    lane.start_some(DAN + 1)?;
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
    let newcomer = lane.nodes().len() - 1;
    change_charter(&mut lane, &["add", &fay, "--name", "Fay"])?;
    lane.nodes()[newcomer].call(&["init", "--charter", &charter_of_ada(&lane)])?;
    lane.start()?;
    lane.until_connected()?;
    lane.until_same_book(SOON)?;
    let members = lane.nodes().len();
    until_members(lane.nodes_mut(), members)?;
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

#[test]
fn a_charter_is_published_while_everybody_runs() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.start()?;
    lane.until_connected()?;
    let processes: Vec<Option<u32>> = lane.nodes().iter().map(Node::pid).collect();

    // As the file stands, and again: what is in force already does no harm.
    for _ in 0..2 {
        let said = lane.nodes()[ADA].call(&["charter", "publish"])?;
        assert!(said.contains("number 0 is in force already"), "{said}");
    }
    // Cleo is added. Ada's node takes the charter from the command, Ben's from Ada's node.
    let cleo = lane.add()?.member().to_owned();
    let ada = &lane.nodes()[ADA];
    ada.call(&["charter", "add", &cleo, "--name", "Cleo"])?;
    assert_eq!(ada.client().charter()?.height, 0, "the file alone changes nothing");
    let said = ada.call(&["charter", "publish"])?;
    assert!(said.contains("number 1 is in force: 3 member(s)"), "{said}");
    assert_eq!(ada.client().charter()?.members.len(), 3, "who published it is shown it at once");
    assert!(ada.call(&["charter", "publish"])?.contains("number 1 is in force already"));
    until_members(&mut lane.nodes_mut()[..CLEO], 3)?;

    // Cleo gets the file, and trades with both.
    lane.nodes()[CLEO].call(&["init", "--charter", &charter_of_ada(&lane)])?;
    lane.start()?;
    lane.until_connected()?;
    let [ada, ben, cleo] = [ADA, BEN, CLEO].map(|index| lane.nodes()[index].client());
    let slots = ada.slots()?;
    sell_and_buy(&ada, &cleo, &slots[100])?;
    sell_and_buy(&cleo, &ben, &slots[101])?;
    assert_eq!(lane.until_agreed(SOON)?.trades, 2);
    lane.until_same_book(SOON)?;

    // What was published outlives the process; the two that were there first have had no other.
    let still: Vec<Option<u32>> = lane.nodes()[..CLEO].iter().map(Node::pid).collect();
    assert_eq!(still, processes, "a node was started again");
    lane.node(BEN).kill();
    lane.start()?;
    assert_eq!(lane.nodes()[BEN].client().charter()?.height, 1);
    Ok(())
}

#[test]
fn the_log_of_a_member_that_vanished_is_sealed_and_it_comes_back_in_a_new_one() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo"])?;
    lane.start()?;
    lane.until_connected()?;
    let [ada, ben, cleo] = [ADA, BEN, CLEO].map(|index| lane.nodes()[index].client());
    let slot = ada.slots()?.swap_remove(100);
    ben.place("offer", &Wish::sell(&slot, 500, "0.2"))?;
    cleo.until_asked(&slot, WattHours(500))?;
    ada.until_asked(&slot, WattHours(500))?;
    lane.node(BEN).kill();

    let ben = lane.nodes()[BEN].member().to_owned();
    let said = lane.nodes()[ADA].call(&["charter", "seal", &ben])?;
    assert!(said.contains("charter publish"), "{said}");
    assert_eq!(ada.depth(&slot)?.1, WattHours(500), "the file alone changes nothing");
    let said = lane.nodes()[ADA].call(&["charter", "publish"])?;
    assert!(said.contains("The seals of record number 1 are in force"), "{said}");
    let shown = lane.nodes()[ADA].call(&["charter", "show", "--json"])?;
    assert!(shown.contains("\"seals\"") && shown.contains(&ben), "{shown}");
    for neighbour in [&ada, &cleo] {
        neighbour.until_asked(&slot, WattHours(0))?;
    }
    // Ben's wish still stands: his node posts it again, in a log of its own.
    lane.start()?;
    for neighbour in [&ada, &cleo] {
        neighbour.until_asked(&slot, WattHours(500))?;
    }
    sell_and_buy(&lane.nodes()[BEN].client(), &cleo, &lane.nodes()[ADA].client().slots()?[101])?;
    lane.until_same_book(SOON)?;
    Ok(())
}

/// Ada, the operator, changes the charter, and starts again with it.
fn change_charter(lane: &mut Neighbourhood, change: &[&str]) -> Outcome {
    let ada = lane.node(ADA);
    ada.call(&[&["charter"], change].concat())?;
    ada.stop()?;
    ada.start()?;
    Ok(())
}

fn charter_of_ada(lane: &Neighbourhood) -> String {
    lane.nodes()[ADA].folder().charter().to_string_lossy().into_owned()
}

/// Waits until all of these nodes know a charter with so many members.
fn until_members(nodes: &mut [Node], members: usize) -> Outcome {
    for node in nodes {
        node.until("it knows the new charter", SOON, |node| match node.client().charter() {
            Ok(charter) if charter.members.len() == members => Ok(()),
            other => Err(format!("{:?}", other.map(|charter| charter.height))),
        })?;
    }
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

    // One that has the charter and the addresses, but is not listed.
    lane.add()?;
    let stranger = lane.nodes().len() - 1;
    lane.nodes()[stranger].call(&["init", "--charter", &charter_of_ada(&lane)])?;
    let stranger = lane.node(stranger);
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

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_stays_out_and_keeps_what_it_traded() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben", "Cleo"])?;
    lane.start()?;
    lane.until_connected()?;
    let [ada, ben, cleo] = [ADA, BEN, CLEO].map(|index| lane.nodes()[index].client());
    let slots = ada.slots()?;
    let [before, after] = [&slots[100], &slots[101]];
    sell_and_buy(&cleo, &ben, before)?;
    let traded = lane.until_agreed(SOON)?;
    lane.until_same_book(SOON)?;
    let key = lane.nodes()[CLEO].member().to_owned();
    change_charter(&mut lane, &["remove", &key])?;
    until_members(&mut lane.nodes_mut()[..CLEO], 2)?;
    for (index, peers) in [(ADA, 1), (BEN, 1), (CLEO, 0)] {
        lane.node(index).until("its connections are those of the new charter", SOON, |node| match node.status() {
            Ok(status) if status.peers_connected == peers => Ok(()),
            other => Err(format!("{other:?}")),
        })?;
    }

    // What Cleo offered is still there to see, but there is nobody to take it from: a bid at her price rests.
    let bid = ada.place("bid", &Wish::buy(before, 100, "0.2"))?;
    wait::until("the bid rests beside Cleo's offer", SOON, || match ben.depth(before) {
        Ok((WattHours(100), WattHours(100))) => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    assert_eq!(ada.order(&bid)?.in_doubt_wh.0, WattHours::ZERO);
    // She may say what she wants: nobody hears her. The others trade.
    cleo.place("unheard", &Wish::sell(after, 100, "0.1"))?;
    sell_and_buy(&ada, &ben, after)?;
    lane.node(CLEO).stop()?;
    for index in [ADA, BEN] {
        let (_, asked) = lane.nodes()[index].client().depth(after)?;
        assert_eq!(asked, WattHours(100), "what is left of Ada's own offer, and nothing of Cleo's");
    }
    let record = Record::of(&lane.nodes()[BEN])?;
    assert_eq!(record.trades.len(), traded.trades + 1, "the trade with Cleo stays");

    // Nor is she served if she calls, not even by a node that has started again since.
    lane.node(BEN).stop()?;
    lane.node(BEN).start()?;
    let key = HouseholdKey::load(&lane.nodes()[CLEO].folder().key())?;
    for index in [ADA, BEN] {
        let status = lane.nodes()[index].status()?;
        let (community, address) = (status.community.to_string(), &status.addresses[0]);
        assert!(!is_served(key.identity(), &community, address).await?, "a former member was served");
    }
    Ok(())
}

fn sell_and_buy(seller: &Client, buyer: &Client, slot: &str) -> Outcome {
    let sale = seller.place(&format!("sale-{slot}"), &Wish::sell(slot, 600, "0.2"))?;
    buyer.until_asked(slot, WattHours(600))?;
    let purchase = buyer.place(&format!("purchase-{slot}"), &Wish::buy(slot, 500, "0.2"))?;
    buyer.until_filled(&purchase, WattHours(500))?;
    seller.until_filled(&sale, WattHours(500))?;
    Ok(())
}
