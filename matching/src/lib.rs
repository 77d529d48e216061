//! The market as arithmetic.
//!
//! Units, slots, orders, the one rule that says who is served first, the book of a slot, and the continuous double
//! auction on it. Nothing in here knows a key, a clock, a network, a disk or a file format: times come in as
//! values, traders and orders as opaque tokens of the caller.

pub mod units;

pub use units::{Money, Price, PriceScale, Side, Slot, UtcMillis, WattHours, Watts};
