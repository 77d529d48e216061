//! Values of a scenario that are more than a number or a text: each says what to write where it can't be read.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// More than that for a kWh is a slip of the pen.
const MOST_EUR: Decimal = Decimal::TEN;

/// An amount of EUR per kWh: a decimal number in quotes, exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eur(pub Decimal);

/// A whole number from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percent(pub u8);

/// A day, as `"2016-06-08"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub Date);

/// A time zone of the IANA data base, as `"Europe/Berlin"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

/// Two whole numbers, the least and the most: each home's own value lies evenly between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// The least.
    pub least: u32,
    /// The most.
    pub most: u32,
}

/// Reads a text that stands for something, and says what to write where it does not.
struct Text<T> {
    expected: &'static str,
    read: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self.expected))
    }
}

impl<'de> Deserialize<'de> for Eur {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "EUR per kWh as a decimal number in quotes, such as \"0.32\", from -10 to 10";
        let read = |text: &str| text.parse().ok().filter(|eur: &Decimal| eur.abs() <= MOST_EUR).map(Self);
        deserializer.deserialize_str(Text { expected, read })
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a day in quotes, such as \"2016-06-08\"";
        deserializer.deserialize_str(Text { expected, read: |text| text.parse().ok().map(Self) })
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a time zone in quotes, such as \"Europe/Berlin\"";
        deserializer.deserialize_str(Text { expected, read: |text| TimeZone::get(text).ok().map(Self) })
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        let percent = u8::try_from(number).ok().filter(|percent| *percent <= 100);
        let expected = "a whole number from 0 to 100";
        percent.map(Self).ok_or_else(|| D::Error::invalid_value(Unexpected::Signed(number), &expected))
    }
}

impl<'de> Deserialize<'de> for Between {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [least, most] = <[u32; 2]>::deserialize(deserializer)?;
        if least > most {
            let what = format_args!("{least} is more than {most}: write the least first, [{most}, {least}]");
            return Err(D::Error::custom(what));
        }
        Ok(Self { least, most })
    }
}

/// The schema of a type, by hand where reading it is.
macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Eur, "Eur", { "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$" });
schema!(Day, "Day", { "type": "string", "format": "date" });
schema!(Zone, "Zone", { "type": "string" });
schema!(Percent, "Percent", { "type": "integer", "minimum": 0, "maximum": 100 });
schema!(Between, "Between", {
    "type": "array",
    "minItems": 2,
    "maxItems": 2,
    "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX }
});
