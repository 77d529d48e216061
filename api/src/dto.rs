//! The JSON types: what goes over HTTP, and nothing else. They convert to and from the port's types at the edge.
//!
//! Each type describes itself for the OpenAPI document right beside the code that reads it, so that the document
//! is as strict as the code. Types that come in refuse unknown fields; types that go out may gain fields.

pub mod autopilot;
pub mod community;
pub mod event;
pub mod ids;
pub mod many;
pub mod market;
pub mod number;
pub mod order;
pub mod page;
pub mod reading;
pub mod text;
pub mod token;
pub mod trade;
pub mod values;

#[cfg(test)]
mod strictness;
