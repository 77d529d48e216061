//! The end of a load: once all is quiet, every record, book and promise has to agree.

use std::collections::BTreeMap;

use wattswap_api::dto::order::Order;
use wattswap_matching::{Side, WattHours};
use wattswap_node::client::RequestError;

use super::ledger::{Broken, CheckError, Ledger, orders_of};
use crate::market::{Market as _, Reports, SOON};
use crate::neighbourhood::Neighbourhood;
use crate::node::{Node, NodeError};
use crate::records::Total;
use crate::wait::{self, InVain};

/// Bids and asks.
type Depth = (WattHours, WattHours);

/// Why a neighbourhood does not settle: each of these is a finding.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// What crosses is not traded, or the records do not agree.
    #[error(transparent)]
    InVain(#[from] InVain),
    /// A node does not do what it should.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A node could not be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// See [`CheckError`].
    #[error(transparent)]
    Check(#[from] CheckError),
    /// See [`Broken`].
    #[error(transparent)]
    Broken(#[from] Broken),
    /// What is left in the book is not what has not been traded.
    #[error("{node} shows {shown:?} in {slot}, and {left:?} is left of bids and asks")]
    OtherDepth {
        /// Which household.
        node: String,
        /// Which slot.
        slot: String,
        /// In its book.
        shown: Depth,
        /// Ordered and not traded.
        left: Depth,
    },
}

/// Waits until all that crosses is traded and nothing is in doubt. Then the records of both parties agree, all nodes
/// show the same book, what rests there is what was ordered and did not cross, and every promise was kept. The nodes
/// are stopped for a moment, so that all `reports`, one of each node, come to their end.
///
/// # Errors
/// [`SettleError`].
pub fn settle(lane: &mut Neighbourhood, ledgers: &[Ledger], reports: Vec<Reports>) -> Result<Total, SettleError> {
    let wanted = wanted(lane)?;
    let crossing: WattHours = wanted.values().map(|(bid, asked)| *bid.min(asked)).sum();
    wait::until("all that crosses is traded", SOON, || {
        let total = lane.until_agreed(SOON).map_err(|error| error.to_string())?;
        if total.energy == crossing { Ok(()) } else { Err(format!("{total:?} of {crossing}")) }
    })?;
    // A take that came to nothing, since somebody else was faster, ends a little later than those that were traded.
    wait::until("nothing is in doubt", SOON, || {
        let doubtful = |node: &Node| Ok(orders_of(node)?.into_values().find(|order| order.in_doubt_wh.0.is_positive()));
        let orders: Result<Vec<_>, RequestError> = lane.nodes().iter().map(doubtful).collect();
        match orders.map_err(|error| error.to_string())?.into_iter().flatten().next() {
            None => Ok(()),
            Some(order) => Err(format!("{order:?}")),
        }
    })?;
    lane.stop()?;
    for (ledger, reports) in ledgers.iter().zip(reports) {
        reports.all().into_iter().try_for_each(|trade| ledger.report(trade))?;
    }
    lane.start()?;
    lane.until_same_book(SOON)?;
    for (node, ledger) in lane.nodes().iter().zip(ledgers) {
        ledger.check(node)?;
        ledger.check_sums(node)?;
        ledger.check_signatures()?;
        check_depth(node, &wanted)?;
    }
    Ok(lane.until_agreed(SOON)?)
}

/// All that was ordered in each slot: what was taken on without an answer, too.
fn wanted(lane: &Neighbourhood) -> Result<BTreeMap<String, Depth>, RequestError> {
    let mut wanted: BTreeMap<String, Depth> = BTreeMap::new();
    for node in lane.nodes() {
        for Order { slot, side, quantity_wh, .. } in orders_of(node)?.into_values() {
            let (bid, asked) = wanted.entry(slot.to_string()).or_default();
            *(if side.0 == Side::Buy { bid } else { asked }) += quantity_wh.0;
        }
    }
    Ok(wanted)
}

fn check_depth(node: &Node, wanted: &BTreeMap<String, Depth>) -> Result<(), SettleError> {
    for (slot, (bid, asked)) in wanted {
        let traded = *bid.min(asked);
        let (shown, left) = (node.client().depth(slot)?, (*bid - traded, *asked - traded));
        if shown != left {
            let (node, slot) = (node.member().to_owned(), slot.clone());
            return Err(SettleError::OtherDepth { node, slot, shown, left });
        }
    }
    Ok(())
}
