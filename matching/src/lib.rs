//! The market as arithmetic.
//!
//! Units, slots, orders, the one rule that says who is served first, the book of a slot, and the continuous double
//! auction on it. Nothing in here knows a key, a clock, a network, a disk or a file format: times come in as
//! values, traders and orders as opaque tokens of the caller.
//!
//! Read upwards: [`units`], [`order`], [`priority`], [`book`], [`auction`].

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod auction;
pub mod band;
pub mod book;
mod ladder;
pub mod order;
pub mod plan;
pub mod priority;
pub mod rejection;
mod slab;
pub mod units;

pub use auction::Trade;
pub use band::{BandError, PriceBand};
pub use book::{Book, Level};
pub use order::{Limit, Order, Trader};
pub use plan::{Plan, Take};
pub use priority::Arrival;
pub use rejection::Rejection;
pub use slab::Handle;
pub use units::{Money, Price, PriceError, PriceScale, Side, Slot, UtcMillis, WattHours, Watts};
