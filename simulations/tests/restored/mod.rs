//! A street of which one household has its disk put back.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::time::Duration;

use wattswap_matching::{Side, WattHours};
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::{RequestId, Standing};
use wattswap_node::protocol::ids::{Head, LogId};
use wattswap_simulations::network::Street;
use wattswap_simulations::network::disk::Disk;

/// The one that is restored.
pub const HOME: usize = 0;
pub const NEIGHBOUR: usize = 1;
pub const WITNESS: usize = 2;
pub const HOMES: usize = 5;
pub const SECOND: Duration = Duration::from_secs(1);
/// Longer than a proposal lives, with the clocks' difference.
pub const QUIET: Duration = Duration::from_secs(30);

pub fn street(seed: u64) -> Street {
    let mut street = Street::new(HOMES, seed);
    street.run(SECOND);
    street
}

pub fn place(street: &mut Street, home: usize, side: Side, quantity: i64) -> RequestId {
    let wish = street.wish(side, quantity, 1_000);
    street.place(home, wish).unwrap()
}

pub fn restore(street: &mut Street, disk: &Disk) {
    street.restore_disk(HOME, disk.clone());
    street.start(HOME);
}

pub fn log_of(street: &mut Street, home: usize) -> LogId {
    street.household(home).unwrap().status().log
}

/// The seals that a household has signed.
pub fn seals(street: &Street, home: usize) -> Vec<Head> {
    let ops = street.entries_of(home).flat_map(|entry| entry.ops.iter());
    ops.filter_map(|op| if let Op::Seal(end) = op { Some(*end) } else { None }).collect()
}

/// Bids and asks of the next slot, as a household shows them.
pub fn shown(street: &mut Street, home: usize) -> [WattHours; 2] {
    let slot = street.next_slot();
    let (bids, asks) = street.household(home).unwrap().depth(slot, 10);
    [bids, asks].map(|levels| levels.iter().map(|level| level.quantity).sum())
}

/// All run, trade, hold and show the same, and nobody is convicted.
pub fn assert_well(street: &mut Street) {
    let statuses: Vec<_> = (0..HOMES).map(|home| street.household(home).unwrap().status()).collect();
    for status in &statuses {
        assert_eq!(status.standing, Standing::Trading);
        assert!(status.convicted.is_empty(), "nobody has cheated");
        assert_eq!(status.in_doubt, 0);
    }
    assert!(statuses.windows(2).all(|pair| pair[0].heads == pair[1].heads), "all hold the same entries");
    assert!(statuses.windows(2).all(|pair| pair[0].book == pair[1].book), "all show the same book");
    for home in 0..HOMES {
        for (id, own) in street.disk(home).trades() {
            let proposal = &own.trade.proposal;
            for party in [proposal.taker.author, proposal.maker.author] {
                let party = (0..HOMES).find(|home| street.key(*home) == party).unwrap();
                let other = street.disk(party).trades().get(id).map(|other| &other.trade);
                assert_eq!(other, Some(&own.trade), "both know of the trade");
            }
        }
    }
}

pub fn traded(street: &Street, home: usize) -> WattHours {
    street.disk(home).trades().values().map(|own| own.trade.acceptance.quantity).sum()
}
