//! Figures as they are written down: exact decimals, never floats.
//!
//! A [`Figure`] is a number in JSON, an [`Amount`] of money a text, as everywhere in wattswap. What is undefined is
//! `None`, which JSON writes as `null`; no zero ever stands for it.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use wattswap_matching::{Money, WattHours};

/// So many places after the point have shares and other quotients: 0.0001 is a hundredth of a per cent.
pub const PLACES: u32 = 4;

/// A number: a share, a price, a mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Figure(pub Decimal);

/// Money in the scenario's currency, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Decimal);

/// `part / whole`, rounded to [`PLACES`], halves away from zero; none of nothing.
#[must_use]
pub fn ratio(part: impl Into<Decimal>, whole: impl Into<Decimal>) -> Option<Figure> {
    rounded(part.into().checked_div(whole.into())?)
}

/// A figure with [`PLACES`].
fn rounded(exact: Decimal) -> Option<Figure> {
    Some(Figure(exact.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero).normalize()))
}

impl Figure {
    /// The share as a percentage with one place, such as `43.2 %`.
    #[must_use]
    pub fn percent(self) -> String {
        let percent = self.0 * Decimal::ONE_HUNDRED;
        format!("{:.1} %", percent.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
    }
}

impl Amount {
    /// With two places, such as `12.30 EUR`.
    #[must_use]
    pub fn euros(self) -> String {
        format!("{:.2} EUR", self.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }
}

/// Energy in kWh with one place, such as `12.3 kWh`.
#[must_use]
pub fn kwh(energy: WattHours) -> String {
    let exact = Decimal::from_i128_with_scale(energy.0.into(), 3);
    format!("{:.1} kWh", exact.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self(money.0.normalize())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).expect("a decimal is a number of JSON").serialize(serializer)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotient_is_rounded_and_of_nothing_there_is_none() {
        for (part, whole, expected) in [
            (1, 3, Some("0.3333")),
            (2, 3, Some("0.6667")),
            (-1, 8, Some("-0.125")),
            (5, 100_000, Some("0.0001")),
            (-5, 100_000, Some("-0.0001")),
            (0, 7, Some("0")),
            (7, 0, None),
            (0, 0, None),
        ] {
            assert_eq!(ratio(part, whole).map(|figure| figure.to_string()).as_deref(), expected, "{part}/{whole}");
        }
    }

    #[test]
    fn json_holds_the_same_digits() {
        let share = ratio(4_321, 10_000);
        let amount = Amount(Decimal::new(-12_345_678, 7));
        let written = serde_json::to_string(&(share, amount, None::<Figure>)).unwrap();
        assert_eq!(written, r#"[0.4321,"-1.2345678",null]"#);
        assert_eq!((share.unwrap().percent(), amount.euros()), ("43.2 %".to_owned(), "-1.23 EUR".to_owned()));
        assert_eq!(kwh(WattHours(12_350)), "12.4 kWh");
    }
}
