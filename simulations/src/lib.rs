//! Neighbourhoods from one seed.
//!
//! [`network`] runs real households, the production protocol itself, over a network and disks that lose, repeat,
//! reorder and crash. [`exhaustive`] looks at every interleaving of small scenarios instead of random ones. [`cost`]
//! compares a neighbourhood with one central book. [`market`] measures traders and weeks of homes without a network;
//! [`grid`] is the electric grid.
//! compares a neighbourhood with one central book. [`scenario`] says which homes trade how, [`homes`] what they need and
//! yield, and [`grid`] what that does to the feeder's voltages and currents.

pub mod cost;
pub mod exhaustive;
pub mod grid;
pub mod market;
pub mod homes;
pub mod network;
pub mod scenario;
