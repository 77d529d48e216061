//! Packets get through in one direction only: one that is not heard, and one that does not hear.

use wattswap_matching::WattHours;
use wattswap_node::client::Client;
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::Neighbourhood;
use wattswap_tests::node::Node;
use wattswap_tests::street::Street;
use wattswap_tests::wait;

use super::{Outcome, found, in_doubt, until_in_doubt};

const ADA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;
/// What is offered, and wanted.
const LOT: WattHours = WattHours(500);
/// A proposal lives for three seconds from the newest time that is known of the other side; clocks may differ by one.
const EXPIRED: u64 = 8_000;

/// See the module's text.
pub(crate) fn run() -> Outcome {
    let (mut lane, street) = found(&["Ada", "Ben", "Cleo"])?;
    let clients: Vec<Client> = lane.nodes().iter().map(Node::client).collect();
    let [.., first, second] = &clients[ADA].slots()?[..] else { return Err("too few slots".into()) };
    one_is_not_heard(&mut lane, &street, &clients, first)?;
    one_does_not_hear(&mut lane, &street, &clients, second)?;
    Ok(())
}

/// Ada hears everybody and nobody hears her. She sells, and her buyer does not know: what it wanted stays reserved for
/// as long as that takes, whoever else offers it.
fn one_is_not_heard(lane: &mut Neighbourhood, street: &Street, clients: &[Client], slot: &str) -> Outcome {
    let sale = offer_to_all(clients, slot)?;
    street.cut(ADA, BEN)?;
    street.cut(ADA, CLEO)?;
    let purchase = clients[BEN].place("heard", &Wish::buy(slot, LOT.0, "0.2"))?;
    clients[ADA].until_filled(&sale, LOT)?;
    clients[CLEO].place("cheaper", &Wish::sell(slot, LOT.0, "0.1"))?;
    // Beside Ada's, which nobody knows to be sold.
    clients[BEN].until_asked(slot, LOT + LOT)?;
    until_later(&lane.nodes()[BEN], EXPIRED)?;
    until_in_doubt(&clients[BEN], &purchase, LOT)?;
    assert_eq!(in_doubt(&lane.nodes()[BEN])?, 1);
    assert_eq!(clients[BEN].order(&purchase)?.filled_wh.0, WattHours::ZERO);
    street.mend(ADA, BEN)?;
    street.mend(ADA, CLEO)?;
    clients[BEN].until_filled(&purchase, LOT)?;
    until_all_see(lane, clients, slot, (WattHours::ZERO, LOT), LOT)
}

/// Ada does not hear Ben, who wants what she offers; Cleo gets it. Ben learns that it was not for him, while his own
/// words still don't get through.
fn one_does_not_hear(lane: &mut Neighbourhood, street: &Street, clients: &[Client], slot: &str) -> Outcome {
    let sale = offer_to_all(clients, slot)?;
    street.cut(BEN, ADA)?;
    let in_vain = clients[BEN].place("unheard", &Wish::buy(slot, LOT.0, "0.2"))?;
    until_in_doubt(&clients[BEN], &in_vain, LOT)?;
    let purchase = clients[CLEO].place("heard", &Wish::buy(slot, LOT.0, "0.2"))?;
    clients[CLEO].until_filled(&purchase, LOT)?;
    clients[ADA].until_filled(&sale, LOT)?;
    until_in_doubt(&clients[BEN], &in_vain, WattHours::ZERO)?;
    street.mend(BEN, ADA)?;
    until_all_see(lane, clients, slot, (LOT, WattHours::ZERO), LOT + LOT)?;
    assert_eq!(clients[BEN].order(&in_vain)?.filled_wh.0, WattHours::ZERO, "sold twice");
    Ok(())
}

fn offer_to_all(clients: &[Client], slot: &str) -> Outcome<String> {
    let sale = clients[ADA].place(slot, &Wish::sell(slot, LOT.0, "0.2"))?;
    clients.iter().try_for_each(|client| client.until_asked(slot, LOT))?;
    Ok(sale)
}

/// Waits until so many milliseconds have passed by a node's clock.
fn until_later(node: &Node, millis: u64) -> Outcome {
    let end = node.status()?.now.0.0 + millis;
    wait::until("time passes", SOON, || match node.status() {
        Ok(status) if status.now.0.0 > end => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    Ok(())
}

/// Once everything is mended: so much rests in the slot at every node, and so much was traded in all, both parties say.
fn until_all_see(
    lane: &mut Neighbourhood,
    clients: &[Client],
    slot: &str,
    depth: (WattHours, WattHours),
    traded: WattHours,
) -> Outcome {
    lane.until_connected()?;
    lane.until_same_book(SOON)?;
    for client in clients {
        wait::until("the slot shows what is left", SOON, || match client.depth(slot) {
            Ok(shown) if shown == depth => Ok(()),
            other => Err(format!("{other:?} and not {depth:?}")),
        })?;
    }
    let total = lane.until_agreed(SOON)?;
    assert_eq!(total.energy, traded, "{total:?}");
    Ok(())
}
