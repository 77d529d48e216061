//! Every route, and what is the same for all of them.

mod autopilot;
mod health;
mod live;
mod market;
mod node;
mod orders;
mod readings;
mod tokens;
mod trades;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Code, Problem};
use crate::{Shared, docs, metrics, openapi};

/// The routes with the app behind them.
pub(crate) fn router(app: Shared) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(middleware::from_fn_with_state(app.clone(), metrics::measure))
        .with_state(app)
}

/// The routes with their descriptions. A route gets in here only together with its description.
pub(crate) fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(openapi::preface())
        .merge(api())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::figures))
        .routes(routes!(docs::page))
        .routes(routes!(docs::script))
        .routes(routes!(docs::style))
}

fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(orders::place, orders::list))
        .routes(routes!(orders::show, orders::cancel))
        .routes(routes!(market::slots))
        .routes(routes!(market::depth))
        .routes(routes!(trades::list))
        .routes(routes!(trades::show))
        .routes(routes!(readings::push, readings::list))
        .routes(routes!(autopilot::show, autopilot::set))
        .routes(routes!(node::status))
        .routes(routes!(node::peers))
        .routes(routes!(node::charter, node::publish))
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(live::events))
        .routes(routes!(docs::document))
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(Code::RouteUnknown, format!("there is nothing at {}; see /api/docs", uri.path()))
}

async fn unknown_method(method: Method, uri: Uri) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} has no {method}; see /api/docs", uri.path()))
}
