//! The wire format: golden vectors, agreement with an independent COSE implementation, and hostile bytes.
//!
//! Needs no feature: what is tested is the protocol that simulations and other programs share.

mod bounds;
mod chain;
mod coset;
mod explain;
mod golden;
mod invalid;
mod random;
mod sample;
mod valid;
