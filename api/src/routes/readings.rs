//! Meter readings: push a batch, list what is stored.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Shared;
use crate::auth::{Pusher, Reader};
use crate::dto::page::{self, Count, Cursor};
use crate::dto::reading::{self, NewReadings, ReadingPage, Verdict, Verdicts};
use crate::dto::values::MeterName;
use crate::extract::{Body, Query};
use crate::problem::{Problem, ProblemJson};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadingQuery {
    /// Only this meter's readings.
    #[param(nullable = false)]
    meter: Option<MeterName>,
    /// Where the page before ended.
    #[param(nullable = false)]
    after: Option<Cursor>,
    /// How many at most.
    #[param(nullable = false)]
    limit: Option<Count>,
}

/// Push meter readings.
///
/// Every row gets a verdict of its own, in the order of the rows, and no row costs another. The first reading of a
/// meter at an instant is the one that counts: sending it again is a `duplicate`, sending another one a `conflict`.
/// A register that goes back, or grows faster than the connection can carry, is `quarantined` and never becomes
/// energy.
#[utoipa::path(
    post, path = "/api/v1/readings", operation_id = "push_readings", tag = "readings",
    security(("token" = ["owner", "meter"])), request_body = NewReadings,
    responses((status = 200, description = "Every row has its verdict; what was accepted is durable.", body = Verdicts))
)]
pub(crate) async fn push(
    State(app): State<Shared>,
    _: Pusher,
    Body(batch): Body<NewReadings>,
) -> Result<Json<Verdicts>, Problem> {
    let rows: Vec<_> = batch.readings.0.iter().map(|row| reading::Reading::parse(row)).collect();
    let readings: Vec<_> = rows.iter().filter_map(|row| row.as_ref().ok()).cloned().collect();
    let judged = if readings.is_empty() { Vec::new() } else { app.household.push_readings(readings).await? };
    let mut judged = judged.into_iter().map(Verdict::from);
    let verdicts = rows.into_iter().filter_map(|row| match row {
        Ok(_) => judged.next(),
        Err(detail) => Some(Verdict::Malformed { detail }),
    });
    Ok(Json(Verdicts { verdicts: verdicts.collect() }))
}

/// List stored readings, newest first, suspect ones included.
#[utoipa::path(
    get, path = "/api/v1/readings", operation_id = "list_readings", tag = "readings",
    security(("token" = ["owner", "viewer"])), params(ReadingQuery),
    responses(
        (status = 200, description = "One page of readings.", body = ReadingPage),
        (status = 404, description = "The cursor is unknown.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    _: Reader,
    Query(query): Query<ReadingQuery>,
) -> Result<Json<ReadingPage>, Problem> {
    let page = page::page(query.after, query.limit);
    Ok(Json(app.household.readings(query.meter.map(|meter| meter.0), page).await?.into()))
}
