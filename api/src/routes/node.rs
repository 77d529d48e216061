//! The node, its neighbours and the charter: show them, and publish the next charter.

use axum::Json;
use axum::extract::State;

use crate::Shared;
use crate::auth::{Owner, Reader};
use crate::dto::community::{Charter, NewRecords, Peer, Peers, Status};
use crate::extract::Body;
use crate::problem::{Problem, ProblemJson};

/// Show how the node is.
#[utoipa::path(
    get, path = "/api/v1/status", operation_id = "show_status", tag = "node",
    security(("token" = ["owner", "viewer"])),
    responses((status = 200, description = "The node's status.", body = Status))
)]
pub(crate) async fn status(State(app): State<Shared>, _: Reader) -> Result<Json<Status>, Problem> {
    Ok(Json(app.household.status().await?.into()))
}

/// List the other members as this node sees them.
#[utoipa::path(
    get, path = "/api/v1/peers", operation_id = "list_peers", tag = "node",
    security(("token" = ["owner", "viewer"])),
    responses((status = 200, description = "The other members.", body = Peers))
)]
pub(crate) async fn peers(State(app): State<Shared>, _: Reader) -> Result<Json<Peers>, Problem> {
    let peers = app.household.peers().await?.into_iter().map(Peer::from).collect();
    Ok(Json(Peers { peers }))
}

/// Show the charter in force.
#[utoipa::path(
    get, path = "/api/v1/charter", operation_id = "show_charter", tag = "node",
    security(("token" = ["owner", "viewer"])),
    responses((status = 200, description = "The charter.", body = Charter))
)]
pub(crate) async fn charter(State(app): State<Shared>, _: Reader) -> Result<Json<Charter>, Problem> {
    Ok(Json(app.household.charter().await?.into()))
}

/// Publish the next charter.
///
/// Puts signed governance records into force on this node, in their order, and passes them on to the other members;
/// nobody has to start again. Records that are in force or have been are skipped, so the same request again does no
/// harm. A record comes into force if it follows the newest one and more than half of the operators have signed it. If
/// one is refused, those before it stay in force.
#[utoipa::path(
    post, path = "/api/v1/charter", operation_id = "publish_charter", tag = "node",
    security(("token" = ["owner"])), request_body = NewRecords,
    responses(
        (status = 200, description = "The charter in force now.", body = Charter),
        (status = 409, description = "A record can't come into force (`charter_not_next`, `charter_not_signed`, \
         `charter_not_supported`, `charter_of_others`).",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn publish(
    State(app): State<Shared>,
    _: Owner,
    Body(batch): Body<NewRecords>,
) -> Result<Json<Charter>, Problem> {
    Ok(Json(app.household.publish_charter(batch.into_port()).await?.into()))
}
