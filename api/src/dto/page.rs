//! Pages of a listing: how many, after what, and where the next one starts.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

use super::number::parse_whole;
use super::text::{Malformed, Text, TextValue};
use crate::port::{Page, Position};

/// An opaque place in a listing.
pub type Cursor = Text<Position>;

/// The longest position that a household may give: room for a key of its store.
const MAX_POSITION_BYTES: usize = 128;

/// How many items or levels a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(usize);

impl Count {
    /// The most in one answer: a page of trades with their signatures then stays near a megabyte.
    pub const MAX: usize = 1000;
    /// What a query without a number gets.
    pub const DEFAULT: usize = 100;

    /// The number, or the default.
    #[must_use]
    pub fn or_default(count: Option<Self>) -> usize {
        count.map_or(Self::DEFAULT, |count| count.0)
    }
}

/// The page that a query asks for.
#[must_use]
pub fn page(after: Option<Cursor>, limit: Option<Count>) -> Page {
    Page { after: after.map(|cursor| cursor.0), limit: Count::or_default(limit) }
}

impl TextValue for Position {
    const NAME: &'static str = "Cursor";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some(
                "A place in a listing. Take it from `next` of the page before; what is in it is the household's own.",
            ))
            .pattern(Some(format!("^([0-9a-f]{{2}}){{1,{MAX_POSITION_BYTES}}}$")))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::because("expected a cursor as `next` of a page gave it");
        let fits = (2..=2 * MAX_POSITION_BYTES).contains(&text.len());
        if !fits || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(EXPECTED);
        }
        hex::decode(text).map(Self).map_err(|_| EXPECTED)
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let number = parse_whole(&text).ok().and_then(|number| usize::try_from(number).ok());
        let within = number.filter(|number| (1..=Self::MAX).contains(number));
        within.map(Self).ok_or_else(|| Error::custom(format_args!("expected a number from 1 to {}", Self::MAX)))
    }
}

impl utoipa::PartialSchema for Count {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(Self::MAX))
            .default(Some(Self::DEFAULT.into()))
            .description(Some("How many at most."))
            .into()
    }
}

impl utoipa::ToSchema for Count {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Count")
    }
}
