//! The rules of a community as its founders write them down, in TOML, and how they become a charter.

use std::time::Duration;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde::Deserialize;
use wattswap_matching::units::PriceError;
use wattswap_matching::{PriceScale, Side, WattHours, Watts};

use crate::protocol::charter::{Charter, Fee, Member, RULES, Shape};
use crate::protocol::ids::{MemberKey, NotHex32};
use crate::protocol::wire::Malformed;

/// A template to start from, with every default written beside its key.
pub(crate) const EXAMPLE: &str = include_str!("template.toml");

/// The key that stands in [`EXAMPLE`] until somebody writes their own.
pub(crate) const NO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a household's grid connection carries if nobody says otherwise: three phases at 43 A.
pub(crate) const USUAL_CONNECTION: Watts = Watts(30_000);

/// The rules as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    name: String,
    #[serde(default = "euro")]
    currency: String,
    #[serde(default)]
    slots: Slots,
    #[serde(default)]
    prices: Prices,
    #[serde(default)]
    quantities: Quantities,
    #[serde(default)]
    times: Times,
    #[serde(default)]
    fees: Vec<FeeEntry>,
    #[serde(default)]
    pub(crate) members: Vec<MemberEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Slots {
    length: SignedDuration,
    delivery: SignedDuration,
    opening: SignedDuration,
    gate: SignedDuration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Prices {
    tick: String,
    floor: String,
    cap: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Quantities {
    tick: i64,
    smallest_fill: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Times {
    proposal_lifetime: SignedDuration,
    clock_skew: SignedDuration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeEntry {
    name: String,
    payer: Payer,
    per_kwh: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Payer {
    Buyer,
    Seller,
}

/// A household as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberEntry {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) operator: bool,
    #[serde(default = "usual_connection")]
    pub(crate) import_w: u32,
    #[serde(default = "usual_connection")]
    pub(crate) export_w: u32,
}

/// Why a template is no charter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    /// Unknown keys, values of the wrong kind; the text names line and key.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// The key of the example, or none at all.
    #[error("members: {0:?} is no key; `wattswap init` prints a household's key, 64 hexadecimal digits")]
    NotAKey(String),
    /// Two entries with one key.
    #[error("members: {0} is there twice; a household is one member")]
    Twice(MemberKey),
    /// A price that is no decimal number.
    #[error("{key} = {text:?} is not a decimal number, for example \"0.0001\"")]
    NotADecimal {
        /// Which.
        key: &'static str,
        /// What stands there.
        text: String,
    },
    /// A price that is not on the tick.
    #[error("{key}: {source}")]
    Price {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        source: PriceError,
    },
    /// A time that can't be negative.
    #[error("{key} must not be negative")]
    Negative {
        /// Which.
        key: &'static str,
    },
    /// A rule that ties several values together.
    #[error(transparent)]
    Rule(#[from] Malformed),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(toml::from_str(text)?)
    }

    /// The usual rules for a community of this name, without members.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            currency: euro(),
            slots: Slots::default(),
            prices: Prices::default(),
            quantities: Quantities::default(),
            times: Times::default(),
            fees: Vec::new(),
            members: Vec::new(),
        }
    }

    /// The charter that says this, checked.
    ///
    /// # Errors
    /// [`TemplateError`] names the key whose value can't be.
    pub(crate) fn charter(&self) -> Result<Charter, TemplateError> {
        let mut members = self.members.iter().map(MemberEntry::member).collect::<Result<Vec<_>, _>>()?;
        members.sort_by_key(|member| member.key);
        if let Some(pair) = members.windows(2).find(|pair| pair[0].key == pair[1].key) {
            return Err(TemplateError::Twice(pair[0].key));
        }
        let operators = self.members.iter().filter(|entry| entry.operator);
        let mut operators = operators.map(MemberEntry::parse_key).collect::<Result<Vec<_>, _>>()?;
        operators.sort_unstable();
        let charter = Charter {
            rules: RULES,
            name: self.name.clone(),
            shape: self.shape()?,
            members,
            operators,
            proposal_lifetime: time("times.proposal_lifetime", self.times.proposal_lifetime)?,
            clock_skew: time("times.clock_skew", self.times.clock_skew)?,
        };
        charter.check()?;
        Ok(charter)
    }

    fn shape(&self) -> Result<Shape, TemplateError> {
        let price_tick = decimal("prices.tick", &self.prices.tick)?;
        let scale =
            PriceScale::new(price_tick).map_err(|source| TemplateError::Price { key: "prices.tick", source })?;
        let price =
            |key, text: &str| scale.price(decimal(key, text)?).map_err(|source| TemplateError::Price { key, source });
        let fees = self.fees.iter().map(|fee| {
            let per_kwh = price("fees.per_kwh", &fee.per_kwh)?;
            Ok::<_, TemplateError>(Fee { name: fee.name.clone(), payer: fee.payer.side(), per_kwh })
        });
        Ok(Shape {
            currency: self.currency.clone(),
            slot_length: time("slots.length", self.slots.length)?,
            delivery_time: time("slots.delivery", self.slots.delivery)?,
            opening: time("slots.opening", self.slots.opening)?,
            gate_millis: i64::try_from(self.slots.gate.as_millis()).unwrap_or(i64::MAX),
            price_tick: scale.tick(),
            quantity_tick: WattHours(self.quantities.tick),
            smallest_fill: WattHours(self.quantities.smallest_fill),
            floor: price("prices.floor", &self.prices.floor)?,
            cap: price("prices.cap", &self.prices.cap)?,
            fees: fees.collect::<Result<_, _>>()?,
        })
    }
}

impl MemberEntry {
    fn parse_key(&self) -> Result<MemberKey, TemplateError> {
        let no_key = || TemplateError::NotAKey(self.key.clone());
        if self.key == NO_KEY { Err(no_key()) } else { self.key.parse().map_err(|NotHex32| no_key()) }
    }

    fn member(&self) -> Result<Member, TemplateError> {
        let (import, export) = (Watts(self.import_w), Watts(self.export_w));
        Ok(Member { key: self.parse_key()?, name: self.name.clone(), import, export })
    }
}

impl Payer {
    fn side(self) -> Side {
        match self {
            Self::Buyer => Side::Buy,
            Self::Seller => Side::Sell,
        }
    }
}

impl Default for Slots {
    fn default() -> Self {
        let quarter_hour = SignedDuration::from_mins(15);
        Self {
            length: quarter_hour,
            delivery: quarter_hour,
            opening: SignedDuration::from_hours(48),
            gate: SignedDuration::from_mins(60),
        }
    }
}

impl Default for Prices {
    fn default() -> Self {
        Self { tick: "0.0001".to_owned(), floor: "-0.50".to_owned(), cap: "1.00".to_owned() }
    }
}

impl Default for Quantities {
    fn default() -> Self {
        Self { tick: 1, smallest_fill: 10 }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self { proposal_lifetime: SignedDuration::from_secs(15), clock_skew: SignedDuration::from_secs(5) }
    }
}

fn euro() -> String {
    "EUR".to_owned()
}

fn usual_connection() -> u32 {
    USUAL_CONNECTION.0
}

fn time(key: &'static str, time: SignedDuration) -> Result<Duration, TemplateError> {
    Duration::try_from(time).map_err(|_| TemplateError::Negative { key })
}

fn decimal(key: &'static str, text: &str) -> Result<Decimal, TemplateError> {
    let not_one = |_| TemplateError::NotADecimal { key, text: text.to_owned() };
    Decimal::from_str_exact(text).map(|number| number.normalize()).map_err(not_one)
}

#[cfg(test)]
mod tests {
    use wattswap_matching::Price;

    use super::*;

    /// Two valid Ed25519 public keys (RFC 8032, 7.1, tests 1 and 2).
    const ONE: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const TWO: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

    fn charter(text: &str) -> Result<Charter, TemplateError> {
        Template::parse(text)?.charter()
    }

    fn with_member(text: &str) -> String {
        format!("name = \"A\"\n{text}\n[[members]]\nkey = \"{ONE}\"\noperator = true\n")
    }

    #[test]
    fn the_example_gives_the_defaults_with_or_without_its_comments() {
        let example = EXAMPLE.replace(NO_KEY, ONE);
        let spelled_out: String = example
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let short = charter(&example).unwrap();
        let mut long = charter(&spelled_out).unwrap();
        assert_eq!(long.shape.fees.len(), 1, "the example shows a fee");
        long.shape.fees.clear();
        assert_eq!(long, short);
        let mut named = Template::named("Sunny Lane");
        named.members = Template::parse(&example).unwrap().members;
        assert_eq!(named.charter().unwrap(), short);
    }

    #[test]
    fn what_is_written_becomes_the_charter() {
        let text = format!(
            "name = \"B\"\ncurrency = \"CHF\"\n[slots]\nlength = \"10s\"\ngate = \"-2s\"\nopening = \"1 min\"\n\
             [prices]\ntick = \"0.01\"\nfloor = \"0\"\ncap = \"0.40\"\n[quantities]\ntick = 5\nsmallest_fill = 10\n\
             [[fees]]\nname = \"grid\"\npayer = \"seller\"\nper_kwh = \"0.02\"\n\
             [[members]]\nkey = \"{ONE}\"\nname = \"North\"\nimport_w = 11000\n\
             [[members]]\nkey = \"{TWO}\"\noperator = true\n"
        );
        let charter = charter(&text).unwrap();
        assert_eq!(charter.shape.slot_length, Duration::from_secs(10));
        assert_eq!(charter.shape.delivery_time, Duration::from_secs(15 * 60));
        assert_eq!(charter.shape.gate_millis, -2_000);
        assert_eq!((charter.shape.floor, charter.shape.cap), (Price(0), Price(40)));
        assert_eq!(charter.shape.fees[0], Fee { name: "grid".to_owned(), payer: Side::Sell, per_kwh: Price(2) });
        let names: Vec<&str> = charter.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["", "North"], "members are in the order of their keys");
        assert_eq!(charter.members[1].import, Watts(11_000));
        assert_eq!(charter.members[1].export, USUAL_CONNECTION);
        assert_eq!(charter.operators, [TWO.parse().unwrap()]);
    }

    #[test]
    fn what_is_wrong_names_itself() {
        for (text, named) in [
            (String::new(), "name"),
            (with_member("sluts = 1"), "sluts"),
            (with_member("[slots]\nlength = \"soon\""), "length"),
            (with_member("[slots]\nlength = \"-15 min\""), "slots.length must not be negative"),
            (with_member("[prices]\ntick = \"0\""), "prices.tick"),
            (with_member("[prices]\ntick = 0.01"), "tick"),
            (with_member("[prices]\ncap = \"0.00001\""), "prices.cap"),
            (with_member("[prices]\nfloor = \"cheap\""), "prices.floor"),
            (with_member("[prices]\nfloor = \"1\"\ncap = \"0.5\""), "floor price"),
            (with_member("[quantities]\ntick = 0"), "quantity tick"),
            (with_member("[times]\nproposal_lifetime = \"1 s\""), "proposal lifetime"),
            (with_member("currency = \"euro\""), "currency"),
            ("name = \"A\"\n[[members]]\nkey = \"abc\"".to_owned(), "abc"),
            (EXAMPLE.to_owned(), "wattswap init"),
            (with_member(&format!("[[members]]\nkey = \"{ONE}\"")), "twice"),
            (format!("name = \"A\"\n[[members]]\nkey = \"{ONE}\""), "operators"),
        ] {
            let error = charter(&text).unwrap_err().to_string();
            assert!(error.contains(named), "{text}\ngave: {error}");
        }
    }
}
