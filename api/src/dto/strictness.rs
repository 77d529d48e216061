//! The document and the code agree: what a schema's pattern admits the code reads, and what the code writes it reads.

use proptest::prelude::*;
use proptest::string::string_regex;
use rust_decimal::Decimal;
use utoipa::openapi::schema::ObjectBuilder;
use wattswap_matching::units::UtcMillis;

use super::ids::Signed;
use super::number::parse_whole;
use super::text::{Text, TextValue};
use crate::port::{MemberKey, MeterId, Position, PricePerKwh, RequestId, TokenId, TradeId};

/// The pattern in the document, as a source of texts.
fn texts<T: TextValue>() -> impl Strategy<Value = String> {
    let schema = serde_json::to_value(T::describe(ObjectBuilder::new()).build()).unwrap();
    let pattern = schema["pattern"].as_str().unwrap().trim_start_matches('^').trim_end_matches('$').to_owned();
    string_regex(&pattern).unwrap()
}

/// Writing what was read and reading that again changes nothing.
fn is_read<T: TextValue + PartialEq>(text: &str) -> Result<(), TestCaseError> {
    let value = T::parse(text).map_err(|error| TestCaseError::fail(format!("{} {text:?}: {error}", T::NAME)))?;
    let written = Text(value).to_string();
    let again = T::parse(&written).map(|value| Text(value).to_string());
    prop_assert_eq!(again, Ok(written));
    Ok(())
}

proptest! {
    #[test]
    fn what_the_document_admits_is_read(
        price in texts::<PricePerKwh>(), request in texts::<RequestId>(), trade in texts::<TradeId>(),
        member in texts::<MemberKey>(), token in texts::<TokenId>(), meter in texts::<MeterId>(),
        position in texts::<Position>(), signed in texts::<Signed>(),
    ) {
        is_read::<PricePerKwh>(&price)?;
        is_read::<RequestId>(&request)?;
        is_read::<TradeId>(&trade)?;
        is_read::<MemberKey>(&member)?;
        is_read::<TokenId>(&token)?;
        is_read::<MeterId>(&meter)?;
        is_read::<Position>(&position)?;
        is_read::<Signed>(&signed)?;
    }

    /// All but the days that a month does not have: a pattern knows no calendar.
    #[test]
    fn instants_that_the_document_admits_are_read(text in texts::<UtcMillis>()) {
        let day: u8 = text[8..10].parse().unwrap();
        prop_assume!(day <= 28);
        is_read::<UtcMillis>(&text)?;
    }

    #[test]
    fn instants_come_back(millis in 0..253_370_764_800_000_u64) {
        prop_assert_eq!(UtcMillis::parse(&Text(UtcMillis(millis)).to_string()), Ok(UtcMillis(millis)));
    }

    /// Whole numbers are read as decimal arithmetic reads them.
    #[test]
    fn whole_numbers_are_exact(text in "-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,6})?([eE][+-]?[0-9])?") {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let power = Decimal::from(10_u64.pow(exponent.trim_start_matches(['+', '-']).parse().unwrap()));
        let mantissa: Decimal = mantissa.parse().unwrap();
        let value = if exponent.starts_with('-') { mantissa / power } else { mantissa * power };
        let expected = value.is_integer().then(|| i64::try_from(value).ok()).flatten();
        prop_assert_eq!(parse_whole(&text).ok(), expected);
    }
}
