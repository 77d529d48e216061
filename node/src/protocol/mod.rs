//! The market protocol of one household, sans-IO.
//!
//! Signed logs, the book that they fold into, and the agreement on trades: `docs/protocol.md` in code. Nothing in here
//! reads a clock, draws randomness, starts a task or does I/O; the whole outside world is in [`household::io`]. The
//! same code runs in the node and in simulations.
//!
//! From the ground up: [`ids`], [`charter`] and [`entry`] are the nouns, [`signed`] and [`wire`] their bytes; [`logs`],
//! [`fold`] and [`sync`] keep what is held; [`agreement`] trades; [`metering`], [`settlement`] and [`ledger`] say what
//! it comes to; [`household`] routes inputs to all of them.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod agreement;
pub mod autopilot;
pub mod chain;
pub mod charter;
pub mod entry;
pub mod evidence;
pub mod fold;
pub mod governance;
pub mod household;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod logs;
#[cfg(feature = "memo")]
pub mod memo;
pub mod message;
pub mod metering;
pub mod nonces;
pub mod own_log;
pub mod pace;
pub mod peers;
pub mod settlement;
pub mod signed;
pub mod sync;
pub mod wire;
