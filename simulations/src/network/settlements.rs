//! What a street's households come to owe: the production ledger, fed with their own records.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use wattswap_matching::Slot;
use wattswap_node::protocol::ids::ProposalId;
use wattswap_node::protocol::ledger::Ledger;
use wattswap_node::protocol::settlement::{Deal, Settlement, Tariff, settle};

use super::Street;
use super::checkers::Chronicle;

/// The books of one household.
#[derive(Default)]
pub struct Books {
    /// All trades that are not provisional, and what the supplier settled.
    pub ledger: Ledger,
    /// Slots that are final and that the meters have counted.
    pub settled: Vec<Settlement>,
}

/// Draws up the books of a household from what it has on its disk and what its meters counted; none if it does not run.
pub fn books(street: &mut Street, home: usize, seen: &Chronicle) -> Option<Books> {
    let me = street.key(home);
    let mut books = Books::default();
    let mut by_slot: BTreeMap<Slot, Vec<Deal>> = BTreeMap::new();
    // What only one of the logs holds that count, because the other was sealed or lost, is for people to settle.
    let is_held = |id: &ProposalId| seen.trades.get(id).is_some_and(|trade| seen.is_held_by_both(trade));
    for (_, own) in street.disk(home).trades().iter().filter(|(id, own)| !own.provisional && is_held(id)) {
        let deal = Deal::of(&me, &own.trade).expect("a household records its own trades");
        books.ledger.book(&deal, &seen.charters.get(&own.trade.proposal.charter)?.shape);
        by_slot.entry(deal.slot).or_default().push(deal);
    }
    let household = street.household(home)?;
    for (slot, deals) in by_slot.into_iter().filter(|(slot, _)| household.is_final(*slot)) {
        let end = household.charter().1.shape.next(slot).start();
        if let Some(measured) = household.metering().energy(slot.start(), end) {
            let settlement = settle(slot, &deals, measured, &supplier());
            books.ledger.book_supplier(&settlement);
            books.settled.push(settlement);
        }
    }
    Some(books)
}

/// A usual supplier, in EUR per kWh.
fn supplier() -> Tariff {
    Tariff { retail: Decimal::new(3_217, 4), feed_in: Decimal::new(786, 4) }
}
