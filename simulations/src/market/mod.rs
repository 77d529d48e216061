//! The market by itself: how much of what trading could be worth is realised, by which mechanism and which traders.
//!
//! [`mechanism`] clears a slot: continuously, by a call, not at all, or as well as can be. [`strategies`] say at which
//! price somebody quotes. [`laboratory`] lets them trade one unit each, as economists do to compare traders. [`season`]
//! lets homes trade what their meters count, day after day, and settles it. All is exact integers: watt-hours, price
//! ticks, and their product; only what is printed is divided.
//!
//! Not in here: the network between the homes ([`network`](crate::network)), and what their trades do to the wires
//! ([`grid`](crate::grid)).

pub mod laboratory;
pub mod mechanism;
pub mod season;
pub mod strategies;
