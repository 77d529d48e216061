//! The autopilot's settings: show and replace.

use axum::Json;
use axum::extract::State;

use crate::Shared;
use crate::auth::{Owner, Reader};
use crate::dto::autopilot::Autopilot;
use crate::extract::Body;
use crate::problem::{Problem, ProblemJson};

/// Show the autopilot's settings.
#[utoipa::path(
    get, path = "/api/v1/autopilot", operation_id = "show_autopilot", tag = "autopilot",
    security(("token" = ["owner", "viewer"])),
    responses((status = 200, description = "The settings.", body = Autopilot))
)]
pub(crate) async fn show(State(app): State<Shared>, _: Reader) -> Result<Json<Autopilot>, Problem> {
    Ok(Json(app.household.autopilot().await?.into()))
}

/// Replace the autopilot's settings.
#[utoipa::path(
    put, path = "/api/v1/autopilot", operation_id = "set_autopilot", tag = "autopilot",
    security(("token" = ["owner"])), request_body = Autopilot,
    responses(
        (status = 200, description = "The settings, durable.", body = Autopilot),
        (status = 409, description = "The market does not admit them (`autopilot_refused`).",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn set(
    State(app): State<Shared>,
    _: Owner,
    Body(settings): Body<Autopilot>,
) -> Result<Json<Autopilot>, Problem> {
    Ok(Json(app.household.set_autopilot(settings.into_port()).await?.into()))
}
