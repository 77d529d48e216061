//! Households on a simulated network: one event queue, a virtual clock, one seed.
//!
//! It decides nothing itself: it delivers, delays, loses and repeats messages, keeps what was made durable, and
//! crashes households at any point of a turn. The same seed gives the same run on every machine. Not in here: real
//! disks, sockets and clocks, which the tests on real processes cover.

pub mod adversaries;
pub mod bare;
pub mod checkers;
pub mod clock;
mod damage;
pub mod disk;
pub(crate) mod founding;
mod home;
mod links;
mod market;
pub mod options;
mod people;
pub mod queue;
pub(crate) mod random;
mod seals;
pub mod settlements;
pub mod shrink;
pub mod simulation;
mod street;
pub mod trace;
pub mod traffic;
mod troubles;
mod turn;

pub use founding::usual_shape;
pub use home::Crash;
pub use options::Options;
pub use random::Random;
pub use street::{Faults, Step, Street};
pub use turn::Turn;
