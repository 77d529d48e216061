//! What is published to the whole community.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wattswap_node::protocol::message::Gossip;

fuzz_target!(|data: &[u8]| {
    if let Ok(gossip) = Gossip::decode(data) {
        assert_eq!(gossip.encode(), data);
    }
});
