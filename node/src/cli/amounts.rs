//! Energy and power as people write them: `500Wh`, `1.5kWh`, `11kW`. Exact, never rounded.

use rust_decimal::Decimal;
use wattswap_matching::{WattHours, Watts};

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AmountError {
    /// No unit, another unit, or no number.
    #[error("`{text}` is not an amount of {what}: give it with its unit, for example {example}")]
    NotUnderstood {
        /// What was written.
        text: String,
        /// What it should be.
        what: &'static str,
        /// How that looks.
        example: &'static str,
    },
    /// A part of the smallest unit.
    #[error("`{text}` is not a whole number of {unit}")]
    Fraction {
        /// What was written.
        text: String,
        /// The smallest unit.
        unit: &'static str,
    },
    /// Nothing, or less.
    #[error("`{0}` is not above zero")]
    NotPositive(String),
}

/// A unit and its thousandfold.
struct Unit {
    what: &'static str,
    unit: &'static str,
    thousand: &'static str,
    example: &'static str,
}

/// An amount of energy above zero.
///
/// # Errors
/// [`AmountError`].
pub(super) fn energy(text: &str) -> Result<WattHours, AmountError> {
    let unit = Unit { what: "energy", unit: "Wh", thousand: "kWh", example: "500Wh or 1.5kWh" };
    unit.parse(text).map(WattHours)
}

/// A power above zero.
///
/// # Errors
/// [`AmountError`].
pub(super) fn power(text: &str) -> Result<Watts, AmountError> {
    let unit = Unit { what: "power", unit: "W", thousand: "kW", example: "800W or 11kW" };
    unit.parse(text).map(Watts)
}

impl Unit {
    /// The number of units.
    fn parse<T: TryFrom<Decimal>>(&self, text: &str) -> Result<T, AmountError> {
        let text_owned = || text.to_owned();
        let not_understood =
            || AmountError::NotUnderstood { text: text_owned(), what: self.what, example: self.example };
        let lower = text.trim().to_ascii_lowercase();
        let (number, factor) = match lower.strip_suffix(&self.thousand.to_ascii_lowercase()) {
            Some(number) => (number, Decimal::ONE_THOUSAND),
            None => (lower.strip_suffix(&self.unit.to_ascii_lowercase()).ok_or_else(not_understood)?, Decimal::ONE),
        };
        let number = Decimal::from_str_exact(number.trim()).map_err(|_| not_understood())?;
        let units = number.checked_mul(factor).ok_or_else(not_understood)?;
        if !units.fract().is_zero() {
            return Err(AmountError::Fraction { text: text_owned(), unit: self.unit });
        }
        if units <= Decimal::ZERO {
            return Err(AmountError::NotPositive(text_owned()));
        }
        T::try_from(units).map_err(|_| not_understood())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_needs_its_unit() {
        let cases = [
            ("500Wh", Ok(500)),
            ("500 wh", Ok(500)),
            ("1.5kWh", Ok(1500)),
            ("0.001 kWh", Ok(1)),
            ("2KWH", Ok(2000)),
            ("500", Err("with its unit")),
            ("500W", Err("with its unit")),
            ("kWh", Err("with its unit")),
            ("1e3Wh", Err("with its unit")),
            ("1,5kWh", Err("with its unit")),
            ("0.0005kWh", Err("whole number")),
            ("0Wh", Err("above zero")),
            ("-1kWh", Err("above zero")),
            ("99999999999999999999Wh", Err("with its unit")),
        ];
        for (text, expected) in cases {
            match (energy(text), expected) {
                (Ok(WattHours(found)), Ok(expected)) => assert_eq!(found, expected, "{text:?}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{text:?}: {error}"),
                (found, _) => panic!("{text:?} gave {found:?}"),
            }
        }
    }

    #[test]
    fn power_needs_its_unit() {
        for (text, expected) in [
            ("11kW", Some(11_000)),
            ("800 W", Some(800)),
            ("4.6kW", Some(4_600)),
            ("11", None),
            ("11kWh", None),
            ("0W", None),
            ("5000000kW", None),
        ] {
            assert_eq!(power(text).ok(), expected.map(Watts), "{text:?}");
        }
    }
}
