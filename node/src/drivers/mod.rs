//! What connects the protocol to the world: clock, keys, disk, network, HTTP, and the one loop between them.
//!
//! Drivers decide nothing: a branch on market data belongs in [`crate::protocol`].

pub mod clock;
pub mod keys;
pub mod store;
