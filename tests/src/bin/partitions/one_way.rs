//! Packets get through in one direction only: one that is not heard, and one that does not hear.

use wattswap_matching::WattHours;
use wattswap_node::client::Client;
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::Neighbourhood;
use wattswap_tests::node::Node;
use wattswap_tests::street::Street;
use wattswap_tests::wait;

use super::{Outcome, found, in_doubt, until_expired, until_in_doubt};

const ADA: usize = 0;
const BEN: usize = 1;
const CLEO: usize = 2;
/// What is offered, and wanted.
const LOT: WattHours = WattHours(500);

/// See the module's text.
pub(crate) fn run() -> Outcome {
    let (mut lane, street) = found(&["Ada", "Ben", "Cleo"])?;
    let clients: Vec<Client> = lane.nodes().iter().map(Node::client).collect();
    let [.., first, second, third] = &clients[ADA].slots()?[..] else { return Err("too few slots".into()) };
    one_is_not_heard(&mut lane, &street, &clients, first)?;
    one_does_not_hear(&mut lane, &street, &clients, [second, third])?;
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
    until_expired(&lane.nodes()[BEN])?;
    until_in_doubt(&clients[BEN], &purchase, LOT)?;
    assert_eq!(in_doubt(&lane.nodes()[BEN])?, 1);
    assert_eq!(clients[BEN].order(&purchase)?.filled_wh.0, WattHours::ZERO);
    street.mend(ADA, BEN)?;
    street.mend(ADA, CLEO)?;
    clients[BEN].until_filled(&purchase, LOT)?;
    until_all_see(lane, clients, slot, (WattHours::ZERO, LOT), LOT)
}

/// Ada does not hear Ben, who wants what she offers. Once he hears that she can't accept any more, he buys elsewhere;
/// and when his words reach her after all, they are too old.
fn one_does_not_hear(lane: &mut Neighbourhood, street: &Street, clients: &[Client], slots: [&str; 2]) -> Outcome {
    let [slot, other_slot] = slots;
    offer_to_all(clients, slot)?;
    street.cut(BEN, ADA)?;
    let purchase = clients[BEN].place("unheard", &Wish::buy(slot, LOT.0, "0.2"))?;
    until_in_doubt(&clients[BEN], &purchase, LOT)?;
    until_in_doubt(&clients[BEN], &purchase, WattHours::ZERO)?;
    clients[CLEO].place("instead", &Wish::sell(slot, LOT.0, "0.2"))?;
    clients[BEN].until_filled(&purchase, LOT)?;
    street.mend(BEN, ADA)?;
    // His words come in their order: when she has answered this, she has read the old ones.
    offer_to_all(clients, other_slot)?;
    let later = clients[BEN].place("heard-again", &Wish::buy(other_slot, LOT.0, "0.2"))?;
    clients[BEN].until_filled(&later, LOT)?;
    until_all_see(lane, clients, slot, (WattHours::ZERO, LOT), LOT + LOT + LOT)
}

fn offer_to_all(clients: &[Client], slot: &str) -> Outcome<String> {
    let sale = clients[ADA].place(slot, &Wish::sell(slot, LOT.0, "0.2"))?;
    clients.iter().try_for_each(|client| client.until_asked(slot, LOT))?;
    Ok(sale)
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
