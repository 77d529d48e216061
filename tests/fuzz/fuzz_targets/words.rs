//! Beacons, proposals, acceptances and refusals.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wattswap_fuzz::statement;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::entry::Beacon;

fuzz_target!(|data: &[u8]| {
    statement::<Beacon>(data);
    statement::<Proposal>(data);
    statement::<Acceptance>(data);
    statement::<Refusal>(data);
});
