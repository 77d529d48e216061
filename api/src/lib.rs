//! A household's HTTP face: routes, JSON types, live events, the document that describes them.
//!
//! Read [`port`] first: it says what a household must offer, in the market's own words. The node implements it;
//! this crate knows nothing of keys, disks or networks, and never depends on the node.

pub mod port;
