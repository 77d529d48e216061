//! Values that JSON writes as strings: prices, money, instants, ids. One wrapper, one way to read and write them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

/// A domain value as a JSON string. Write a field's type as one of the names in [`super::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<T>(pub T);

/// A text that is not a value of its kind; says what one looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub Cow<'static, str>);

/// A domain value that JSON writes as a string.
pub trait TextValue: Sized {
    /// The schema's name in the document.
    const NAME: &'static str;

    /// Adds description, pattern and whatever else a reader needs to a string schema.
    fn describe(schema: ObjectBuilder) -> ObjectBuilder;

    /// Reads the value; accepts exactly what the schema accepts.
    ///
    /// # Errors
    /// [`Malformed`] if the text is not such a value.
    fn parse(text: &str) -> Result<Self, Malformed>;

    /// Writes the value in its one canonical form.
    ///
    /// # Errors
    /// Only those of the formatter.
    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Malformed {
    /// From a fixed text.
    #[must_use]
    pub const fn because(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }
}

impl<T: TextValue> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f)
    }
}

impl<T: TextValue> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: TextValue> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

impl<T: TextValue> utoipa::PartialSchema for Text<T> {
    fn schema() -> RefOr<Schema> {
        T::describe(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))).into()
    }
}

impl<T: TextValue> utoipa::ToSchema for Text<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: TextValue> Visitor<'_> for TextVisitor<T> {
    type Value = Text<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string ({})", T::NAME)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::parse(text).map(Text).map_err(E::custom)
    }
}
