//! What peers say to each other over the stream between them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wattswap_node::protocol::message::Message;

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = Message::decode(data) {
        assert_eq!(message.encode(), data);
    }
});
