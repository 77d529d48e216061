//! The electric grid: power flow on radial low-voltage feeders. See `docs/powerflow.md`.
//!
//! Here powers are floats, which energy and money are nowhere. A [`feeder::Feeder`] comes from a reader ([`ieee`],
//! [`simbench`]), is made to measure ([`generated`]) or by hand; a [`solver::Solver`] is built from it once and answers
//! for eight time steps at a time. It knows no market: power in, voltages, currents and losses out.

mod check;
mod coordinates;
pub mod feeder;
mod field;
pub mod folder;
pub mod generated;
pub mod ieee;
mod layout;
pub mod output;
mod parquet_rows;
pub mod places;
pub mod profiles;
mod reduction;
pub mod series;
pub mod simbench;
pub mod solution;
pub mod solver;
mod sweep;
pub mod table;
mod tree;

pub use check::BadFeeder;
pub use field::LANES;
