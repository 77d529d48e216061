//! A scenario, from its first slot to its last.
//!
//! The homes' devices make flows of what they need and yield; the market trades them; each slot is settled. What a slot
//! came to is a [`record::SettledSlot`], which is told to observers, in the order of delivery: those that add it up,
//! write it down, or look at what it does to the wires. An observer changes nothing.

pub mod record;
pub mod tables;
