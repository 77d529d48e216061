//! How far a voltage is from nominal, in steps that have a colour.

/// A step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Up to so far from nominal, in pu.
    up_to: f64,
    /// Its colour.
    pub class: &'static str,
    /// For legends.
    pub name: &'static str,
}

/// The steps; the last one has no end.
pub const STEPS: [Step; 4] = [
    Step { up_to: 0.03, class: "f3", name: "up to 3 % off" },
    Step { up_to: 0.06, class: "f1", name: "up to 6 %" },
    Step { up_to: 0.1, class: "f5", name: "up to 10 %" },
    Step { up_to: f64::INFINITY, class: "f2", name: "more than 10 %" },
];

/// The number of the step of a voltage in pu.
#[must_use]
pub fn step(pu: f64) -> usize {
    STEPS.iter().position(|step| (pu - 1.0).abs() <= step.up_to).unwrap_or(STEPS.len() - 1)
}

/// Whichever is farther from nominal.
#[must_use]
pub fn worse(one: f64, other: f64) -> f64 {
    if (one - 1.0).abs() > (other - 1.0).abs() { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_symmetric_and_the_last_one_is_for_all_else() {
        for (pu, expected) in [
            (1.0, 0),
            (1.029, 0),
            (0.971, 0),
            (1.031, 1),
            (0.95, 1),
            (1.07, 2),
            (0.91, 2),
            (0.89, 3),
            (1.2, 3),
            (f64::NAN, 3),
        ] {
            assert_eq!(step(pu), expected, "{pu}");
        }
        for (low, high, expected) in [(0.95, 1.02, 0.95), (0.99, 1.02, 1.02), (1.02, 1.04, 1.04)] {
            assert_eq!((worse(low, high), worse(high, low)), (expected, expected));
        }
    }
}
