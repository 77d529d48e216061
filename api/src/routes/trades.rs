//! Trades: list and show.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Shared;
use crate::auth::Reader;
use crate::dto::ids::TradeName;
use crate::dto::page::{self, Count, Cursor};
use crate::dto::trade::{Trade, TradePage};
use crate::dto::values::SlotStart;
use crate::extract::{Path, Query};
use crate::problem::{Code, Problem, ProblemJson};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TradePath {
    /// The trade's id.
    id: TradeName,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TradeQuery {
    /// Only trades in this slot.
    #[param(nullable = false)]
    slot: Option<SlotStart>,
    /// Where the page before ended.
    #[param(nullable = false)]
    after: Option<Cursor>,
    /// How many at most.
    #[param(nullable = false)]
    limit: Option<Count>,
}

/// List this household's trades, newest first.
#[utoipa::path(
    get, path = "/api/v1/trades", operation_id = "list_trades", tag = "trades",
    security(("token" = ["owner", "viewer"])), params(TradeQuery),
    responses(
        (status = 200, description = "One page of trades.", body = TradePage),
        (status = 404, description = "The cursor is unknown.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    _: Reader,
    Query(query): Query<TradeQuery>,
) -> Result<Json<TradePage>, Problem> {
    let page = page::page(query.after, query.limit);
    Ok(Json(app.household.trades(query.slot.map(|slot| slot.0), page).await?.into()))
}

/// Show one trade with both signatures.
#[utoipa::path(
    get, path = "/api/v1/trades/{id}", operation_id = "show_trade", tag = "trades",
    security(("token" = ["owner", "viewer"])), params(TradePath),
    responses(
        (status = 200, description = "The trade.", body = Trade),
        (status = 404, description = "There is no such trade.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<Shared>,
    _: Reader,
    Path(path): Path<TradePath>,
) -> Result<Json<Trade>, Problem> {
    let trade = app.household.trade(path.id.0).await?;
    let trade = trade.ok_or_else(|| Problem::new(Code::TradeUnknown, "this household has no trade with this id"))?;
    Ok(Json(trade.into()))
}
