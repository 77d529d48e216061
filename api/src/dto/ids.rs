//! Ids, keys, hashes and signed bytes as JSON strings.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa::openapi::schema::ObjectBuilder;

use super::text::{Malformed, Text, TextValue};
use crate::port::{MemberKey, OrderId, RequestId, TokenId, TradeId};

/// A request's id.
pub type RequestName = Text<RequestId>;
/// An order's id in the signed book.
pub type BookOrderName = Text<OrderId>;
/// A trade's id.
pub type TradeName = Text<TradeId>;
/// A member's public key.
pub type MemberName = Text<MemberKey>;
/// A token's public id.
pub type TokenName = Text<TokenId>;
/// A SHA-256 hash.
pub type Hash = Text<Digest>;
/// Signed bytes in base64.
pub type SignedBytes = Text<Signed>;

/// A SHA-256 hash of no more special kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

/// The exact bytes of a signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed(pub Vec<u8>);

/// Implements [`TextValue`] for an id that is written as lower-case hex digits, two a byte.
macro_rules! hex_value {
    ($type:ident, $length:literal, $name:literal, $description:literal) => {
        impl TextValue for $type {
            const NAME: &'static str = $name;

            fn describe(schema: ObjectBuilder) -> ObjectBuilder {
                schema.description(Some($description)).pattern(Some(format!("^[0-9a-f]{{{}}}$", 2 * $length)))
            }

            fn parse(text: &str) -> Result<Self, Malformed> {
                parse_hex(text)
                    .map($type)
                    .ok_or(Malformed(format!("expected {} lower-case hex digits", 2 * $length).into()))
            }

            fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 2 * $length];
                hex::encode_to_slice(self.0, &mut digits).expect("two digits a byte are what was made room for");
                out.write_str(std::str::from_utf8(&digits).expect("hex digits are ASCII"))
            }
        }
    };
}

hex_value!(RequestId, 16, "OrderId", "An order's id, given by this household when it took the order.");
hex_value!(TradeId, 32, "TradeId", "A trade's id: the SHA-256 of the proposal's payload.");
hex_value!(MemberKey, 32, "MemberKey", "A member's Ed25519 public key.");
hex_value!(TokenId, 8, "TokenId", "A token's public id: the start of its hash.");
hex_value!(Digest, 32, "Hash", "A SHA-256 hash.");

impl TextValue for OrderId {
    const NAME: &'static str = "BookOrderId";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some("An order in the signed book: the log entry that placed it, and its place in there."))
            .pattern(Some("^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})$"))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        let parts = text.split_once(':').and_then(|(entry, index)| Some((parse_hex(entry)?, index.parse().ok()?)));
        parts
            .map(|(entry, index)| Self { entry, index })
            .ok_or(Malformed::because("expected 64 lower-case hex digits, a colon and a number"))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl TextValue for Signed {
    const NAME: &'static str = "SignedBytes";

    fn describe(schema: ObjectBuilder) -> ObjectBuilder {
        schema
            .description(Some("A signed COSE message, byte for byte, in base64 with padding (RFC 4648)."))
            .content_encoding("base64")
            // The last digit before the padding has no bits to spare: each message has one text.
            .pattern(Some("^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"))
    }

    fn parse(text: &str) -> Result<Self, Malformed> {
        STANDARD.decode(text).map(Self).map_err(|_| Malformed::because("expected base64 with padding"))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", base64::display::Base64Display::new(&self.0, &STANDARD))
    }
}

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_read() {
        let id = "00ff".repeat(4);
        for (text, fits) in [
            (id.clone(), true),
            (id.to_uppercase(), false),
            (id[1..].to_owned(), false),
            (format!("{id}00"), false),
            (id.replace('f', "g"), false),
            (String::new(), false),
        ] {
            let got = TokenId::parse(&text).ok().map(|value| Text(value).to_string());
            assert_eq!(got, fits.then_some(text.clone()), "{text:?}");
        }
    }

    #[test]
    fn book_orders_name_entry_and_index() {
        let entry = "ab".repeat(32);
        for (text, fits) in [
            (format!("{entry}:0"), true),
            (format!("{entry}:4294967295"), true),
            (format!("{entry}:4294967296"), false),
            (format!("{entry}:"), false),
            (format!("{entry}:-1"), false),
            (entry.clone(), false),
        ] {
            let got = OrderId::parse(&text).ok().map(|value| Text(value).to_string());
            assert_eq!(got, fits.then_some(text.clone()), "{text:?}");
        }
    }

    #[test]
    fn signed_bytes_survive() {
        let signed = Signed((0..=255).collect());
        assert_eq!(Signed::parse(&Text(signed.clone()).to_string()), Ok(signed));
        for text in ["a b", "AA", "AA=", "AB==", "AAB=", "AAA==", "===="] {
            assert!(Signed::parse(text).is_err(), "{text}");
        }
    }
}
