//! For whoever watches over the node: is it alive, is it ready, what are its figures.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};

use crate::Shared;
use crate::auth::Reader;
use crate::dto::community::Readiness;
use crate::metrics::OPEN_METRICS;

/// Tell that the process is alive.
#[utoipa::path(
    get, path = "/healthz", operation_id = "is_alive", tag = "operations",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain; charset=utf-8"))
)]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Tell whether the node can serve: its store is open, its log was compared with its peers', its clock is sane.
#[utoipa::path(
    get, path = "/readyz", operation_id = "is_ready", tag = "operations",
    responses(
        (status = 200, description = "It can.", body = Readiness),
        (status = 503, description = "It can't; the checks say why.", body = Readiness),
    )
)]
pub(crate) async fn ready(State(app): State<Shared>) -> (StatusCode, Json<Readiness>) {
    let readiness = Readiness::from(app.household.readiness());
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Show all figures for Prometheus (OpenMetrics text).
#[utoipa::path(
    get, path = "/metrics", operation_id = "show_metrics", tag = "operations",
    security(("token" = ["owner", "viewer"])),
    responses((
        status = 200, description = "The figures.", body = String,
        content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ))
)]
pub(crate) async fn figures(State(app): State<Shared>, _: Reader) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], app.metrics.text())
}
