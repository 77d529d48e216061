//! Whole numbers in JSON. JSON Schema calls `1234.0` and `1e3` integers too, and meters do send such; so both are
//! read, exactly and without a float on the way.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use wattswap_matching::units::WattHours;

use super::text::Malformed;

/// The most energy that one number may state: a terawatt-hour, which no household's meter ever reaches. Far below
/// what 64 bits hold, so that sums can't overflow.
pub const MAX_WATT_HOURS: i64 = 1_000_000_000_000;

/// Energy of an order: at least 1 Wh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity(pub WattHours);

/// Energy that may be none: a total, a remainder, a meter's register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Energy(pub WattHours);

/// The farthest that the autopilot trades ahead: a day of quarter-hours.
pub const MAX_SLOTS_AHEAD: u16 = 96;

/// Slots that are traded on a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotsAhead(pub u16);

/// Reads the text of a JSON number that is whole, however it is written.
///
/// # Errors
/// [`Malformed`] if it is no number, not whole, or beyond 64 bits.
pub fn parse_whole(text: &str) -> Result<i64, Malformed> {
    const EXPECTED: Malformed = Malformed::because("expected a whole number");
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (negative, unsigned) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, fraction].concat();
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(EXPECTED);
    }
    if digits.bytes().all(|byte| byte == b'0') {
        return Ok(0);
    }
    // Where the point lies among the digits; beyond 20 places no 64 bits hold the number.
    let length = i64::try_from(whole.len()).map_err(|_| EXPECTED)?;
    let point = exponent.parse::<i64>().ok().and_then(|shift| length.checked_add(shift)).ok_or(EXPECTED)?;
    let point = usize::try_from(point).map_err(|_| EXPECTED)?;
    let (before, after) = digits.split_at(point.min(digits.len()));
    let before = before.trim_start_matches('0');
    let zeros = point.saturating_sub(digits.len());
    if before.len() + zeros > 20 || !after.bytes().all(|byte| byte == b'0') {
        return Err(EXPECTED);
    }
    let sign = if negative { "-" } else { "" };
    format!("{sign}{before}{}", "0".repeat(zeros)).parse().map_err(|_| EXPECTED)
}

/// Reads a whole number within these bounds.
fn whole_from<'de, D: Deserializer<'de>>(deserializer: D, bounds: [i64; 2], what: &str) -> Result<i64, D::Error> {
    let [least, most] = bounds;
    let number = Box::<RawValue>::deserialize(deserializer)?;
    let number = parse_whole(number.get()).ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| Error::custom(format_args!("expected whole {what} from {least} to {most}")))
}

fn whole_schema([least, most]: [i64; 2], format: KnownFormat, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(format)))
        .minimum(Some(least))
        .maximum(Some(most))
        .description(Some(description))
        .into()
}

/// Implements JSON and its schema for a whole number within bounds, with the ways to and from an `i64`.
macro_rules! whole_number {
    ($type:ident, $bounds:expr, $what:literal, $format:ident, $description:literal, $to:expr, $from:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64($to(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                whole_from(deserializer, $bounds, $what).map($from).map(Self)
            }
        }

        impl utoipa::PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                whole_schema($bounds, KnownFormat::$format, $description)
            }
        }

        impl utoipa::ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    };
}

/// The same for energy of at least so many watt-hours.
macro_rules! energy_number {
    ($type:ident, $least:literal, $description:literal) => {
        whole_number!(
            $type,
            [$least, MAX_WATT_HOURS],
            "watt-hours",
            Int64,
            $description,
            |energy: WattHours| energy.0,
            WattHours
        );
    };
}

energy_number!(Quantity, 1, "Energy in whole watt-hours, above zero.");
energy_number!(Energy, 0, "Energy in whole watt-hours.");
whole_number!(
    SlotsAhead,
    [0, i64::from(MAX_SLOTS_AHEAD)],
    "slots",
    Int32,
    "Slots that are traded on a forecast: 0 trades only what the meter has counted, 1 also the slot that is being \
     delivered, 2 the next one too.",
    i64::from,
    |slots| u16::try_from(slots).expect("the bound is far below")
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_however_written() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0", Some(0)),
            ("0e999999999999", Some(0)),
            ("1234", Some(1234)),
            ("1234.0", Some(1234)),
            ("-15459.0", Some(-15459)),
            ("1e3", Some(1000)),
            ("1.5E+1", Some(15)),
            ("1200e-2", Some(12)),
            ("1.000000000000000000000000000000000000000000", Some(1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808.0", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e19", None),
            ("1e400", None),
            ("1e99999999999999999999", None),
            ("1.5", None),
            ("1e-1", None),
            ("1e-400", None),
            ("1000000000000.00001", None),
            ("\"12\"", None),
            ("null", None),
            ("true", None),
            ("[]", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1.2.3", None),
        ] {
            assert_eq!(parse_whole(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn slots_ahead_are_bounded() {
        for (text, expected) in [("-1", None), ("0", Some(0)), ("8.0", Some(8)), ("96", Some(96)), ("97", None)] {
            let slots = serde_json::from_str::<SlotsAhead>(text).ok();
            assert_eq!(slots.map(|slots| slots.0), expected, "{text}");
        }
    }

    #[test]
    fn energy_is_bounded() {
        for (text, quantity, energy) in [
            ("-1", false, false),
            ("0", false, true),
            ("1", true, true),
            ("1000000000000", true, true),
            ("1000000000001", false, false),
            ("0.5", false, false),
        ] {
            assert_eq!(serde_json::from_str::<Quantity>(text).is_ok(), quantity, "{text}");
            assert_eq!(serde_json::from_str::<Energy>(text).is_ok(), energy, "{text}");
        }
    }
}
