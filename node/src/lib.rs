//! One household's node.
//!
//! [`protocol`] is the market protocol as a pure state machine: no clock, no randomness, no disk, no network.
//! `drivers` (feature `daemon`) connects it to the world, and the `wattswap` binary to people.

#[cfg(feature = "daemon")]
pub mod charter_file;
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod client;
#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod drivers;
#[cfg(feature = "daemon")]
pub mod folder;
pub mod protocol;
