//! What connects the protocol to the world: clock, keys, disk, network, HTTP, and the one loop between them.
//!
//! [`daemon`] starts all of them; [`run`] is the loop. Drivers decide nothing: a branch on market data belongs in
//! [`crate::protocol`].

pub mod clock;
pub mod daemon;
pub mod http;
pub mod inbox;
pub mod keys;
pub mod network;
pub mod run;
pub mod snapshot;
pub mod store;
pub mod telemetry;
