//! The agreement under a model checker: every interleaving of a small scenario, within stated bounds.
//!
//! The households are those that ship ([`wattswap_node::protocol::household::Household`]); small are only their inputs.
//! [`world`] says what may happen next, [`properties`] what must hold, [`scenarios`] which streets are looked at, and
//! [`search`] looks. The search itself is stateright's. Random runs of whole neighbourhoods are in [`crate::network`].

mod atlas;
mod home;
mod message;
mod play;
pub mod properties;
mod said;
pub mod scenario;
pub mod scenarios;
pub mod search;
mod words;
pub mod world;

use std::time::Duration;

/// For how long proposals live here: all that the agreement does comes before the next regular beacon and summary, 10
/// and 15 s after the start, so that these need not be explored.
const LIFETIME: Duration = Duration::from_secs(3);
/// By how much clocks may differ here.
const SKEW: Duration = Duration::from_secs(1);
/// By how many milliseconds a clock may step: forward or back, by more than clocks may differ.
const CLOCK_STEPS: [i64; 2] = [4_000, -4_000];
