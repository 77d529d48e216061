//! The names of what the program `partitions` does, for itself and for the tests that call it.

use clap::ValueEnum;

/// Its exit code where the system lets it have no networks of its own: not a failure.
pub const NOT_ALLOWED: u8 = 77;

/// What happens to the cables of a street.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Scenario {
    /// Two halves hear nothing of each other, trade among themselves, and come together again
    Halves,
    /// Packets get through in one direction only
    OneWay,
    /// One cable after the other is cut in the middle of agreements, and soon mended
    Flapping,
}
