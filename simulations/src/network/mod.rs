//! Households on a simulated network: one event queue, a virtual clock, one seed.
//!
//! It decides nothing itself: it delivers, delays, loses and repeats messages, keeps what was made durable, and
//! crashes households at any point of a turn. The same seed gives the same run on every machine. Not in here: real
//! disks, sockets and clocks, which the tests on real processes cover.

pub mod disk;
mod market;
mod random;
mod street;

pub use random::Random;
pub use street::{Crash, Faults, Street};
