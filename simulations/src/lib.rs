//! Neighbourhoods from one seed.
//!
//! [`network`] runs real households, the production protocol itself, over a network and disks that lose, repeat,
//! reorder and crash. [`exhaustive`] looks at every interleaving of small scenarios instead of random ones. [`cost`]
//! compares a neighbourhood with one central book. [`scenario`] says which homes trade how, [`homes`] what they need and
//! yield, [`devices`] what batteries and cars make of it; [`market`] measures traders and whole weeks of homes without a
//! network, and [`grid`] what the feeder makes of it. [`run`] takes a scenario through all of them, [`answers`] says what
//! it came to, [`sweep`] runs it with many values of its keys, and [`output`] writes tables.

pub mod answers;
pub mod cost;
pub mod devices;
pub mod exhaustive;
pub mod grid;
pub mod homes;
pub mod market;
pub mod network;
pub mod output;
pub mod run;
pub mod scenario;
pub mod sweep;
