//! The market as this household sees it: open slots, and the depth of each.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Shared;
use crate::auth::Reader;
use crate::dto::market::{Depth, Slot, Slots};
use crate::dto::page::Count;
use crate::dto::values::SlotStart;
use crate::extract::{Path, Query};
use crate::problem::{Code, Problem, ProblemJson};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SlotPath {
    /// The slot.
    slot: SlotStart,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DepthQuery {
    /// How many price levels of each side at most.
    #[param(nullable = false)]
    levels: Option<Count>,
}

/// List the slots that are open now, earliest first.
#[utoipa::path(
    get, path = "/api/v1/slots", operation_id = "list_slots", tag = "market",
    security(("token" = ["owner", "viewer"])),
    responses((status = 200, description = "The open slots.", body = Slots))
)]
pub(crate) async fn slots(State(app): State<Shared>, _: Reader) -> Result<Json<Slots>, Problem> {
    let slots = app.household.slots().await?.into_iter().map(Slot::from).collect();
    Ok(Json(Slots { slots }))
}

/// Show both sides of a slot's book, best price first.
#[utoipa::path(
    get, path = "/api/v1/slots/{slot}/depth", operation_id = "show_depth", tag = "market",
    security(("token" = ["owner", "viewer"])),
    params(SlotPath, DepthQuery),
    responses(
        (status = 200, description = "The book.", body = Depth),
        (status = 404, description = "No such slot is open.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn depth(
    State(app): State<Shared>,
    _: Reader,
    Path(path): Path<SlotPath>,
    Query(query): Query<DepthQuery>,
) -> Result<Json<Depth>, Problem> {
    let depth = app.household.depth(path.slot.0, Count::or_default(query.levels)).await?;
    let depth = depth.ok_or_else(|| Problem::new(Code::SlotUnknown, "no slot that starts then is open"))?;
    Ok(Json(depth.into()))
}
