//! The HTTP contract, against the router in this process and a household in memory.
//!
//! Every answer that any test gets is compared with the OpenAPI document: its status and media type have to be
//! declared for that operation. No sockets, no sleeps.

mod access;
mod client;
mod document;
mod errors;
mod home;
mod listings;
mod live;
mod orders;
mod readings;
mod resources;
