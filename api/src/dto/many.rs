//! Strict shapes: an object that is really an object, and a list that is neither empty nor too long. A field of one of
//! these says its schema itself.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use utoipa::openapi::schema::{ArrayBuilder, ArrayItems};
use utoipa::openapi::{RefOr, Schema};

/// A JSON object. Serde's derived types would also read an array of their fields, which no schema admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<T>(pub T);

/// 1 to `MAX` items. Reading stops at the first one too many, so that a body can't make us hold more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many<T, const MAX: usize>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Many<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ManyVisitor(PhantomData))
    }
}

/// The schema of a [`Many`] of `item`.
pub(super) fn schema_of_many(item: impl Into<ArrayItems>, most: usize, about: &str) -> RefOr<Schema> {
    ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(most)).description(Some(about)).into()
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

struct ManyVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ManyVisitor<T, MAX> {
    type Value = Many<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of 1 to {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut taken = Vec::new();
        while let Some(item) = items.next_element()? {
            if taken.len() == MAX {
                return Err(Error::custom(format_args!("more than {MAX} items; split the batch")));
            }
            taken.push(item);
        }
        if taken.is_empty() { Err(Error::invalid_length(0, &self)) } else { Ok(Many(taken)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        a: u8,
        b: u8,
    }

    #[test]
    fn only_objects_and_only_so_many() {
        for (text, fits) in [
            (r#"[{"a":1,"b":2}]"#, true),
            (r#"[{"a":1,"b":2},{"a":3,"b":4}]"#, true),
            (r#"[{"a":1,"b":2},{"a":3,"b":4},{"a":5,"b":6}]"#, false),
            (r"[[1,2]]", false),
            (r#"[{"a":1,"b":2,"c":3}]"#, false),
            (r#"[{"a":1,"a":1,"b":2}]"#, false),
            (r"[]", false),
            (r"{}", false),
            (r"null", false),
        ] {
            assert_eq!(serde_json::from_str::<Many<Object<Pair>, 2>>(text).is_ok(), fits, "{text}");
        }
    }
}
