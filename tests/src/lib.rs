//! Neighbourhoods of real processes on loopback, for tests, the demo and benches.
//!
//! A [`Neighbourhood`](neighbourhood::Neighbourhood) is made by the command itself, as a user would: `wattswap init`
//! for each household, `wattswap charter make`, `wattswap run`. Each [`Node`](node::Node) is a process with a folder,
//! a key and ports of its own; it can be started, stopped, killed and asked over HTTP. Nothing in here looks into a
//! node: what can't be seen from outside is not tested here.

pub mod attacked;
pub mod bad_member;
pub mod command;
pub mod crash;
pub mod disk;
pub mod http;
pub mod kills;
pub mod live;
pub mod load;
pub mod market;
pub mod neighbourhood;
pub mod node;
pub mod partitions;
pub mod ports;
pub mod process;
pub mod records;
pub mod rogue;
pub mod silent;
pub mod street;
pub mod wait;
pub mod wall_clock;
