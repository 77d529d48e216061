//! The document and the page that shows it: three small files of our own, and nothing from anywhere else.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;

use crate::openapi;

/// Nothing but our own script and style, and nobody may frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| serde_json::to_vec(&openapi::document()).expect("a document of strings and maps is JSON").into());

/// This document.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", operation_id = "show_document", tag = "operations",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object))
)]
pub(crate) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

/// The page that shows the document.
#[utoipa::path(
    get, path = "/api/docs", operation_id = "show_page", tag = "operations",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html; charset=utf-8"))
)]
pub(crate) async fn page() -> impl IntoResponse {
    file("text/html; charset=utf-8", include_str!("../assets/docs.html"))
}

/// The page's script.
#[utoipa::path(
    get, path = "/api/docs/docs.js", operation_id = "show_page_script", tag = "operations",
    responses((status = 200, description = "A script.", body = String, content_type = "text/javascript; charset=utf-8"))
)]
pub(crate) async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("../assets/docs.js"))
}

/// The page's style.
#[utoipa::path(
    get, path = "/api/docs/docs.css", operation_id = "show_page_style", tag = "operations",
    responses((status = 200, description = "A style sheet.", body = String, content_type = "text/css; charset=utf-8"))
)]
pub(crate) async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("../assets/docs.css"))
}

fn file(media_type: &'static str, text: &'static str) -> ([(HeaderName, &'static str); 3], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
