//! The node, its neighbours and the charter.

use axum::Json;
use axum::extract::State;

use crate::Shared;
use crate::auth::Reader;
use crate::dto::community::{Charter, Peer, Peers, Status};
use crate::problem::Problem;

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
