//! The domain's values as JSON strings: how each is written, read and described.

use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat};
use wattswap_matching::units::{Money, Side, Slot, UtcMillis};

use super::text::{Malformed, Text, TextValue};
use crate::port::{MeterId, PricePerKwh, Role};

/// A price per kWh.
pub type Price = Text<PricePerKwh>;
/// An exact amount of money.
pub type Amount = Text<Money>;
/// An instant in UTC.
pub type Instant = Text<UtcMillis>;
/// A delivery slot, by the instant at which it starts.
pub type SlotStart = Text<Slot>;
/// Which way the energy goes.
pub type Direction = Text<Side>;
/// A meter's name.
pub type MeterName = Text<MeterId>;
/// A token's role.
pub type RoleName = Text<Role>;

/// Digits that a price may have before and after its point: more than any tick needs, few enough to multiply by
/// any energy without rounding.
const PRICE_DIGITS: (usize, usize) = (10, 9);

const INSTANT_PATTERN: &str = concat!(
    "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?Z$"
);

impl TextValue for PricePerKwh {
    const NAME: &'static str = "Price";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some(
                "A price in the community's currency per kWh, as an exact decimal; negative and zero prices are real.",
            ))
            .pattern(Some("^-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?$"))
            .examples(["0.1825", "-0.01"])
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::because("expected a decimal price per kWh such as \"0.1825\"");
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if leading_zero || !digits(whole, PRICE_DIGITS.0) || !digits(fraction, PRICE_DIGITS.1) {
            return Err(EXPECTED);
        }
        Decimal::from_str_exact(text).map(|price| Self(price.normalize())).map_err(|_| EXPECTED)
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.normalize())
    }
}

impl TextValue for Money {
    const NAME: &'static str = "Amount";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some("Money in the community's currency, as an exact decimal that is never rounded."))
            .pattern(Some("^-?(0|[1-9][0-9]{0,28})(\\.[0-9]{1,28})?$"))
            .examples(["0.27375"])
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        Decimal::from_str_exact(text).map(Self).map_err(|_| Malformed::because("expected a decimal amount of money"))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0.normalize())
    }
}

impl TextValue for UtcMillis {
    const NAME: &'static str = "Instant";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        instant_schema(schema).description(Some("An instant in UTC (RFC 3339, ending in Z), at most to milliseconds."))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed =
            Malformed::because("expected an instant in UTC such as \"2026-03-29T01:15:00Z\", at most to milliseconds");
        if !has_instant_shape(text.as_bytes()) {
            return Err(EXPECTED);
        }
        let instant: Timestamp = text.parse().map_err(|_| EXPECTED)?;
        u64::try_from(instant.as_millisecond()).map(Self).map_err(|_| EXPECTED)
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        // Beyond the year 9999 RFC 3339 has no way to write an instant; the last one it has stands for all.
        write!(out, "{}", Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX))
    }
}

impl TextValue for Slot {
    const NAME: &'static str = "SlotStart";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        instant_schema(schema).description(Some("A delivery slot, named by the instant in UTC at which it starts."))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        UtcMillis::parse(text).map(Self)
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(out)
    }
}

/// Whether the text is `YYYY-MM-DDThh:mm:ss[.fff]Z`. The calendar itself is the parser's to judge.
fn has_instant_shape(text: &[u8]) -> bool {
    let Some((seconds, rest)) = text.split_at_checked(19) else { return false };
    let fits = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let fraction = match rest {
        [b'Z'] => true,
        [b'.', digits @ .., b'Z'] => (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // RFC 3339 knows leap seconds, the schema's pattern does not: one way to write an instant is enough.
    fraction && seconds.iter().enumerate().all(fits) && &seconds[17..] != b"60"
}

fn instant_schema(schema: ObjectBuilder) -> ObjectBuilder {
    schema
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .pattern(Some(INSTANT_PATTERN))
        .examples(["2026-03-29T01:15:00Z"])
}

impl TextValue for Side {
    const NAME: &'static str = "Side";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some("`buy` for energy wanted (a bid), `sell` for energy offered (an ask)."))
            .enum_values(Some(["buy", "sell"]))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        match text {
            "buy" => Ok(Self::Buy),
            "sell" => Ok(Self::Sell),
            _ => Err(Malformed::because("expected \"buy\" or \"sell\"")),
        }
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl TextValue for Role {
    const NAME: &'static str = "Role";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some(
                "`owner` may do everything, `meter` may push readings and nothing else, `viewer` may read and change \
                 nothing.",
            ))
            .enum_values(Some(["owner", "meter", "viewer"]))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        match text {
            "owner" => Ok(Self::Owner),
            "meter" => Ok(Self::Meter),
            "viewer" => Ok(Self::Viewer),
            _ => Err(Malformed::because("expected \"owner\", \"meter\" or \"viewer\"")),
        }
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Owner => "owner",
            Self::Meter => "meter",
            Self::Viewer => "viewer",
        })
    }
}

impl TextValue for MeterId {
    const NAME: &'static str = "MeterName";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some("What the household calls a meter. A replaced meter needs a new name."))
            .pattern(Some(format!("^[A-Za-z0-9._:-]{{1,{}}}$", Self::MAX_LENGTH)))
            .examples(["main"])
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
            .ok_or(Malformed::because("expected a meter's name: 1 to 64 letters, digits, '.', '_', ':' or '-'"))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text is read as a value that is written as the second text, or is refused.
    fn check<T: TextValue>(cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            let got = T::parse(text).ok().map(|value| Text(value).to_string());
            assert_eq!(got.as_deref(), *expected, "{} from {text:?}", T::NAME);
        }
    }

    #[test]
    fn prices() {
        check::<PricePerKwh>(&[
            ("0", Some("0")),
            ("-0", Some("0")),
            ("-0.000", Some("0")),
            ("0.1825", Some("0.1825")),
            ("0.10", Some("0.1")),
            ("-12.5", Some("-12.5")),
            ("9999999999.999999999", Some("9999999999.999999999")),
            ("10000000000", None),
            ("0.1234567891", None),
            ("", None),
            ("-", None),
            (".5", None),
            ("5.", None),
            ("05", None),
            ("+1", None),
            ("1e3", None),
            ("1_000", None),
            (" 1", None),
            ("0,5", None),
            ("٣", None),
            ("NaN", None),
        ]);
    }

    #[test]
    fn instants() {
        check::<UtcMillis>(&[
            ("2026-03-29T01:15:00Z", Some("2026-03-29T01:15:00Z")),
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("2026-03-29T01:15:00.5Z", Some("2026-03-29T01:15:00.5Z")),
            ("2026-03-29T01:15:00.500Z", Some("2026-03-29T01:15:00.5Z")),
            ("2026-03-29T01:15:00.123Z", Some("2026-03-29T01:15:00.123Z")),
            ("2028-02-29T00:00:00Z", Some("2028-02-29T00:00:00Z")),
            ("9999-12-30T22:00:00Z", Some("9999-12-30T22:00:00Z")),
            ("2026-02-29T00:00:00Z", None),
            ("2026-02-30T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-03-29T24:00:00Z", None),
            ("2026-03-29T01:15:60Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2026-03-29T01:15:00.1234Z", None),
            ("2026-03-29T01:15:00.Z", None),
            ("2026-03-29T01:15:00+00:00", None),
            ("2026-03-29t01:15:00z", None),
            ("2026-03-29 01:15:00Z", None),
            ("2026-03-29T01:15Z", None),
            ("2026-03-29", None),
            ("", None),
            ("٢٠٢٦-03-29T01:15:00Z", None),
        ]);
    }

    #[test]
    fn an_instant_beyond_the_calendar_is_its_last() {
        assert!(Text(UtcMillis(u64::MAX)).to_string().starts_with("9999-12-30T"));
    }

    #[test]
    fn words() {
        check::<Side>(&[("buy", Some("buy")), ("sell", Some("sell")), ("Buy", None), ("", None)]);
        check::<Role>(&[
            ("owner", Some("owner")),
            ("meter", Some("meter")),
            ("viewer", Some("viewer")),
            ("root", None),
        ]);
        let longest = "m".repeat(64);
        check::<MeterId>(&[
            ("main", Some("main")),
            ("DE:0123.4_a-b", Some("DE:0123.4_a-b")),
            (&longest, Some(&longest)),
            (&"m".repeat(65), None),
            ("", None),
            ("a b", None),
            ("é", None),
        ]);
    }
}
