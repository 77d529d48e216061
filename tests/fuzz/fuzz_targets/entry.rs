//! Entries: the longest of the signed statements, with statements inside.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wattswap_node::protocol::entry::Entry;

fuzz_target!(|data: &[u8]| wattswap_fuzz::statement::<Entry>(data));
