//! What a handler takes from a request: body, path, query and headers, each refused as a problem.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;
use tokio::time::timeout;

use crate::Shared;
use crate::dto::many::Object;
use crate::limits::{MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_BYTES};
use crate::problem::{Code, FieldError, Problem};

/// A JSON object.
pub(crate) struct Body<T>(pub(crate) T);

/// Parameters from the path.
pub(crate) struct Path<T>(pub(crate) T);

/// Parameters from the query.
pub(crate) struct Query<T>(pub(crate) T);

/// The caller's own name for a placement, if it gave one.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::NotJson, "send the body as `Content-Type: application/json`"));
        }
        let arriving = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES);
        let bytes = match timeout(app.settings.body_timeout, arriving).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) if is_too_large(&error) => return Err(Problem::body_too_large()),
            Ok(Err(error)) => return Err(Problem::new(Code::BadJson, format!("the body broke off: {error}"))),
            Err(_) => {
                let detail = format!("the body did not arrive within {:?}", app.settings.body_timeout);
                return Err(Problem::new(Code::BodyTooSlow, detail));
            }
        };
        let Object(value) = serde_json::from_slice(&bytes).map_err(|error| bad_json::<T>(&error, &bytes))?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, app).await;
        path.map(|path| Self(path.0)).map_err(|error| Problem::new(Code::BadParameter, error.body_text()))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let query = axum::extract::Query::from_request_parts(parts, app).await;
        query.map(|query| Self(query.0)).map_err(|error| Problem::new(Code::BadParameter, error.body_text()))
    }
}

impl FromRequestParts<Shared> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let visible = value.as_bytes().iter().all(u8::is_ascii_graphic);
        let fits = (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&value.len());
        match value.to_str() {
            Ok(key) if visible && fits && values.next().is_none() => Ok(Self(Some(key.to_owned()))),
            _ => {
                let detail = format!("Idempotency-Key: one of 1 to {MAX_IDEMPOTENCY_KEY_BYTES} visible characters");
                Err(Problem::new(Code::BadParameter, detail))
            }
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

fn is_too_large(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<LengthLimitError>())
}

/// What is wrong with a body. The place of the fault costs a second, slower reading, which only a bad body gets.
fn bad_json<T: DeserializeOwned>(error: &serde_json::Error, bytes: &[u8]) -> Problem {
    if error.classify() != Category::Data {
        return Problem::new(Code::BadJson, error.to_string());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let pointer = match serde_path_to_error::deserialize::<_, Object<T>>(&mut reader) {
        Err(error) => error.path().iter().map(pointer_segment).collect(),
        Ok(_) => String::new(),
    };
    let detail = error.to_string();
    Problem::new(Code::BadBody, detail.clone()).with_errors(vec![FieldError { pointer, detail, code: None }])
}

fn pointer_segment(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}
