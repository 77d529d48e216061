//! Orders: place, list, show, cancel.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Shared;
use crate::auth::{Owner, Reader};
use crate::dto::ids::RequestName;
use crate::dto::order::{NewOrder, NewOrders, Order, OrderPage, PlacedOrder, PlacedOrders};
use crate::dto::page::{self, Count, Cursor};
use crate::dto::values::SlotStart;
use crate::extract::{Body, IdempotencyKey, Path, Query};
use crate::port::{Idempotency, Placement, RequestFilter};
use crate::problem::{Code, Problem, ProblemJson};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OrderPath {
    /// The order's id.
    id: RequestName,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderQuery {
    /// Only orders in this slot.
    #[param(nullable = false)]
    slot: Option<SlotStart>,
    /// Only orders that may still trade (`true`) or that have ended (`false`).
    #[param(nullable = false)]
    open: Option<bool>,
    /// Where the page before ended.
    #[param(nullable = false)]
    after: Option<Cursor>,
    /// How many at most.
    #[param(nullable = false)]
    limit: Option<Count>,
}

/// Place orders.
///
/// All of the batch or none of it. `201` says that each order is durable as a request of this household, with an id
/// of its own: what it takes at once becomes trades, the rest is posted and then has its id in the book as well.
///
/// Send an `Idempotency-Key` that is new for every batch: after a broken connection the same orders give the same
/// answer again and nothing is placed twice. Keys are kept for at least a day.
#[utoipa::path(
    post, path = "/api/v1/orders", operation_id = "place_orders", tag = "orders",
    security(("token" = ["owner"])),
    params((
        "Idempotency-Key" = Option<String>, Header, nullable = false, min_length = 1, max_length = 255,
        pattern = "^[!-~]+$", description = "Your own name for this batch; recommended.",
    )),
    request_body = NewOrders,
    responses(
        (status = 201, description = "Every order is durable.", body = PlacedOrders),
        (status = 409, description = "The market does not admit an order (`orders_refused`); none was placed.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn place(
    State(app): State<Shared>,
    _: Owner,
    IdempotencyKey(key): IdempotencyKey,
    Body(batch): Body<NewOrders>,
) -> Result<(StatusCode, Json<PlacedOrders>), Problem> {
    let orders = batch.orders.0.into_iter().map(|order| NewOrder::into_port(order.0)).collect();
    let idempotency = key.map(|key| Idempotency { key });
    let placed = app.household.place(Placement { orders, idempotency }).await?;
    let orders = placed.into_iter().map(PlacedOrder::from).collect();
    Ok((StatusCode::CREATED, Json(PlacedOrders { orders })))
}

/// List this household's orders, newest first.
#[utoipa::path(
    get, path = "/api/v1/orders", operation_id = "list_orders", tag = "orders",
    security(("token" = ["owner", "viewer"])), params(OrderQuery),
    responses(
        (status = 200, description = "One page of orders.", body = OrderPage),
        (status = 404, description = "The cursor is unknown.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    _: Reader,
    Query(query): Query<OrderQuery>,
) -> Result<Json<OrderPage>, Problem> {
    let filter = RequestFilter { slot: query.slot.map(|slot| slot.0), open: query.open };
    let listing = app.household.requests(filter, page::page(query.after, query.limit)).await?;
    Ok(Json(listing.into()))
}

/// Show one order as it stands now.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", operation_id = "show_order", tag = "orders",
    security(("token" = ["owner", "viewer"])), params(OrderPath),
    responses(
        (status = 200, description = "The order.", body = Order),
        (status = 404, description = "There is no such order.",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(app): State<Shared>,
    _: Reader,
    Path(path): Path<OrderPath>,
) -> Result<Json<Order>, Problem> {
    let request = app.household.request(path.id.0).await?;
    let request =
        request.ok_or_else(|| Problem::new(Code::OrderUnknown, "this household has no order with this id"))?;
    Ok(Json(request.into()))
}

/// Cancel what is left of an order.
///
/// It is closed to others at once. What own proposals still have in doubt stays reserved and may yet become a
/// trade. Cancelling a cancelled order again is no error.
#[utoipa::path(
    delete, path = "/api/v1/orders/{id}", operation_id = "cancel_order", tag = "orders",
    security(("token" = ["owner"])), params(OrderPath),
    responses(
        (status = 200, description = "The order as it stands now.", body = Order),
        (status = 404, description = "There is no such order.",
         body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "The order has ended already (`order_ended`).",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    State(app): State<Shared>,
    _: Owner,
    Path(path): Path<OrderPath>,
) -> Result<Json<Order>, Problem> {
    Ok(Json(app.household.cancel(path.id.0).await?.into()))
}
