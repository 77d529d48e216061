//! Access tokens in JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::ids::TokenName;
use super::text::{Malformed, Text, TextValue};
use super::values::{Instant, RoleName};
use crate::port;

/// A token's label.
pub type LabelText = Text<Label>;

/// What the owner calls a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(pub String);

/// The longest label, in characters: one line of a table.
const MAX_LABEL_CHARACTERS: usize = 64;

/// A token to make.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What its bearer may do.
    pub role: RoleName,
    /// What you call it.
    pub label: LabelText,
}

/// A token that was just made.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct MintedToken {
    /// The token itself. It is shown this once and stored only as a hash: keep it.
    pub token: String,
    /// Its public id.
    pub id: TokenName,
    /// What its bearer may do.
    pub role: RoleName,
    /// What you call it.
    pub label: String,
    /// When it was made.
    pub created_at: Instant,
    /// Its last four characters.
    pub last_four: String,
}

/// The tokens that are not revoked.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Tokens {
    /// Oldest first.
    pub tokens: Vec<Token>,
}

/// A token as its owner sees it later.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Token {
    /// Its public id.
    pub id: TokenName,
    /// What its bearer may do.
    pub role: RoleName,
    /// What you call it.
    pub label: String,
    /// When it was made.
    pub created_at: Instant,
    /// Its last four characters.
    pub last_four: String,
}

impl TextValue for Label {
    const NAME: &'static str = "Label";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some("What you call it: 1 to 64 characters, none of them a control character."))
            .min_length(Some(1))
            .max_length(Some(MAX_LABEL_CHARACTERS))
            .pattern(Some("^[^\\u0000-\\u001f\\u007f]*$"))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        let length = text.chars().count();
        let fits = (1..=MAX_LABEL_CHARACTERS).contains(&length) && !text.bytes().any(|byte| byte.is_ascii_control());
        fits.then(|| Self(text.to_owned()))
            .ok_or(Malformed::because("expected a label of 1 to 64 characters without control characters"))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<port::TokenRecord> for Token {
    fn from(record: port::TokenRecord) -> Self {
        Self {
            id: Text(record.token.hash.id()),
            role: Text(record.token.role),
            label: record.token.label,
            created_at: Text(record.created_at),
            last_four: record.token.last_four,
        }
    }
}

impl MintedToken {
    /// The answer that shows a token once.
    #[must_use]
    pub fn new(token: String, record: port::TokenRecord) -> Self {
        let Token { id, role, label, created_at, last_four } = record.into();
        Self { token, id, role, label, created_at, last_four }
    }
}
