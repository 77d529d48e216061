//! How two households agree on a trade, so that neither sells a watt-hour twice.
//!
//! [`words`] is what they say to each other. `taker` is the side that proposes and reserves, `maker` the side that
//! answers for its resting order; every household is both.

mod answers;
mod calls;
mod doubts;
mod maker;
mod patience;
mod recorded;
mod shunned;
mod taker;
pub mod words;

pub use answers::Answers;
pub use calls::Calls;
pub use doubts::Doubts;
pub use patience::Patience;
pub use recorded::Recorded;
pub use shunned::Shunned;
