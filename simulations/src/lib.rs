//! Neighbourhoods from one seed.
//!
//! [`network`] runs real households, the production protocol itself, over a network and disks that lose, repeat,
//! reorder and crash. [`cost`] compares such a neighbourhood with one central book. Seasons of trading and the electric
//! grid come later.

pub mod cost;
pub mod network;
