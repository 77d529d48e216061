//! A household's HTTP face: routes, JSON types, live events, and the document that describes them.
//!
//! Read [`port`] first: it says what a household must offer, in the market's own words. The node implements it and
//! serves what [`router`] makes. This crate knows nothing of keys, disks, peers, sockets or TLS, and never depends
//! on the node.
//!
//! Then `routes`: one file for each resource; [`dto`]: the JSON types; `problem`: the one place that picks a
//! status code; [`auth`]: who may do what; [`events`]: the live stream; [`openapi`]: the document.

pub mod auth;
mod docs;
pub mod dto;
pub mod events;
mod extract;
pub mod limits;
pub mod metrics;
pub mod openapi;
pub mod port;
mod problem;
mod routes;

pub use problem::{Code, FieldError, ProblemJson};

use std::sync::Arc;

use axum::Router;

use auth::Keyring;
use events::Events;
use limits::Settings;
use metrics::Metrics;
use port::{Household, Unavailable};

/// What every handler shares.
struct App {
    household: Arc<dyn Household>,
    keyring: Keyring,
    events: Arc<Events>,
    metrics: Arc<Metrics>,
    settings: Settings,
}

type Shared = Arc<App>;

/// The whole HTTP face of `household`, ready to be served.
///
/// The node publishes what happens to `events` and registers its own figures in `metrics`.
///
/// # Errors
/// [`Unavailable`] if the household can't say which tokens it has.
pub async fn router(
    household: Arc<dyn Household>,
    events: Arc<Events>,
    metrics: Arc<Metrics>,
    settings: Settings,
) -> Result<Router, Unavailable> {
    let keyring = Keyring::load(&*household, settings.rates).await?;
    Ok(routes::router(Arc::new(App { household, keyring, events, metrics, settings })))
}
