//! Errors as RFC 9457 problems. The one place that picks a status code.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::dto::order::RejectionCode;
use crate::limits::{MAX_BODY_BYTES, MAX_EVENT_READERS};
use crate::port::{
    AddTokenError, AutopilotError, CancelError, ListError, PlaceError, PublishError, RecordRefusal, Refusal,
    RefusalReason, RevokeError, Unavailable,
};

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not served. Stable: programs may rely on these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The body is not JSON.
    BadJson,
    /// A parameter in path, query or header is not what the document says.
    BadParameter,
    /// No token, or none that is known.
    Unauthenticated,
    /// The token's role may not do this.
    Forbidden,
    /// There is nothing at this path.
    RouteUnknown,
    /// There is no such order.
    OrderUnknown,
    /// There is no such open slot.
    SlotUnknown,
    /// There is no such trade.
    TradeUnknown,
    /// There is no such token.
    TokenUnknown,
    /// The listing never gave this cursor.
    CursorUnknown,
    /// The path has no such method.
    MethodNotAllowed,
    /// The body took too long to arrive.
    BodyTooSlow,
    /// The market does not admit the orders; none was placed.
    OrdersRefused,
    /// There is nothing left of the order to cancel.
    OrderEnded,
    /// The market does not admit the autopilot's settings.
    AutopilotRefused,
    /// The record does not follow the newest one that is in force.
    CharterNotNext,
    /// Too few operators have signed the record.
    CharterNotSigned,
    /// The record is for a newer version of the program.
    CharterNotSupported,
    /// The record founds another community.
    CharterOfOthers,
    /// The household keeps no more tokens.
    TooManyTokens,
    /// Without this token nobody could make another one.
    LastOwnerToken,
    /// The body is larger than is read.
    BodyTooLarge,
    /// The body is not declared as JSON.
    NotJson,
    /// The body is JSON, but not what the document says.
    BadBody,
    /// The bytes are no governance record.
    CharterUnreadable,
    /// The key came before with other orders.
    IdempotencyKeyReused,
    /// The token makes more requests than it may.
    RateLimited,
    /// As many read the live stream as may.
    TooManyReaders,
    /// The node has more to do than it can hold.
    Overloaded,
    /// The node is shutting down.
    Stopping,
    /// The node's store failed.
    StoreFailed,
    /// The operating system gave no randomness.
    NoRandomness,
}

impl Code {
    /// Every code, for the document.
    pub(crate) const ALL: [Self; 32] = [
        Self::BadJson,
        Self::BadParameter,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::RouteUnknown,
        Self::OrderUnknown,
        Self::SlotUnknown,
        Self::TradeUnknown,
        Self::TokenUnknown,
        Self::CursorUnknown,
        Self::MethodNotAllowed,
        Self::BodyTooSlow,
        Self::OrdersRefused,
        Self::OrderEnded,
        Self::AutopilotRefused,
        Self::CharterNotNext,
        Self::CharterNotSigned,
        Self::CharterNotSupported,
        Self::CharterOfOthers,
        Self::TooManyTokens,
        Self::LastOwnerToken,
        Self::BodyTooLarge,
        Self::NotJson,
        Self::BadBody,
        Self::CharterUnreadable,
        Self::IdempotencyKeyReused,
        Self::RateLimited,
        Self::TooManyReaders,
        Self::Overloaded,
        Self::Stopping,
        Self::StoreFailed,
        Self::NoRandomness,
    ];

    /// The status, the code as written, and its meaning in a few words.
    #[must_use]
    pub(crate) fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadJson => (StatusCode::BAD_REQUEST, "bad_json", "The body is not JSON"),
            Self::BadParameter => (StatusCode::BAD_REQUEST, "bad_parameter", "A parameter is not as described"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "A valid token is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The token's role may not do this"),
            Self::RouteUnknown => (StatusCode::NOT_FOUND, "route_unknown", "There is nothing here"),
            Self::OrderUnknown => (StatusCode::NOT_FOUND, "order_unknown", "There is no such order"),
            Self::SlotUnknown => (StatusCode::NOT_FOUND, "slot_unknown", "There is no such open slot"),
            Self::TradeUnknown => (StatusCode::NOT_FOUND, "trade_unknown", "There is no such trade"),
            Self::TokenUnknown => (StatusCode::NOT_FOUND, "token_unknown", "There is no such token"),
            Self::CursorUnknown => (StatusCode::NOT_FOUND, "cursor_unknown", "The listing never gave this cursor"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The path has no such method")
            }
            Self::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body took too long to arrive"),
            Self::OrdersRefused => (StatusCode::CONFLICT, "orders_refused", "The market does not admit these orders"),
            Self::OrderEnded => (StatusCode::CONFLICT, "order_ended", "Nothing is left of the order"),
            Self::AutopilotRefused => {
                (StatusCode::CONFLICT, "autopilot_refused", "The market does not admit these settings")
            }
            Self::CharterNotNext => {
                (StatusCode::CONFLICT, "charter_not_next", "The record does not follow the charter in force")
            }
            Self::CharterNotSigned => {
                (StatusCode::CONFLICT, "charter_not_signed", "Too few operators have signed the record")
            }
            Self::CharterNotSupported => {
                (StatusCode::CONFLICT, "charter_not_supported", "The record is for a newer version of the program")
            }
            Self::CharterOfOthers => (StatusCode::CONFLICT, "charter_of_others", "The record is of another community"),
            Self::TooManyTokens => (StatusCode::CONFLICT, "too_many_tokens", "There are too many tokens"),
            Self::LastOwnerToken => (StatusCode::CONFLICT, "last_owner_token", "This is the last owner's token"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "The body is not declared as JSON"),
            Self::BadBody => (StatusCode::UNPROCESSABLE_ENTITY, "bad_body", "The body is not as described"),
            Self::CharterUnreadable => {
                (StatusCode::UNPROCESSABLE_ENTITY, "charter_unreadable", "The bytes are no governance record")
            }
            Self::IdempotencyKeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The Idempotency-Key came before with other orders",
            ),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::TooManyReaders => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_readers", "Too many read the live stream")
            }
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "The node has too much to do"),
            Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping", "The node is stopping"),
            Self::StoreFailed => (StatusCode::SERVICE_UNAVAILABLE, "store_failed", "The node's store failed"),
            Self::NoRandomness => {
                (StatusCode::SERVICE_UNAVAILABLE, "no_randomness", "The operating system gave no randomness")
            }
        }
    }
}

impl utoipa::PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let one = |code: Self| {
            let (status, word, title) = code.parts();
            let about = format!("{title} (status {}).", status.as_u16());
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])).description(Some(about))
        };
        let codes =
            OneOfBuilder::new().description(Some("Why a request was not served. Stable: programs may rely on it."));
        Self::ALL.into_iter().fold(codes, |codes, code| codes.item(one(code))).into()
    }
}

impl ToSchema for Code {}

/// A problem on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

/// Why a request was not served (RFC 9457).
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemJson {
    /// Where the code is explained.
    #[schema(format = "uri-reference")]
    pub r#type: String,
    /// The code in a few words.
    pub title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong this time, and what to do.
    pub detail: String,
    /// For programs.
    pub code: Code,
    /// The parts of the body that are at fault, if it is about them.
    pub errors: Vec<FieldError>,
}

/// A part of the body that is at fault.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it is (a JSON pointer, RFC 6901); empty for the body as a whole.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
    /// Why the market does not admit it; null if it is about form.
    #[schema(required)]
    pub code: Option<RejectionCode>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    pub(crate) fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    pub(crate) fn with_retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(Code::Unauthenticated, "send `Authorization: Bearer TOKEN` with a token that is not revoked")
    }

    pub(crate) fn body_too_large() -> Self {
        Self::new(Code::BodyTooLarge, format!("at most {MAX_BODY_BYTES} bytes are read; split the batch"))
    }

    pub(crate) fn too_many_readers() -> Self {
        let detail = format!("at most {MAX_EVENT_READERS} may read the live stream at a time; close another one");
        Self::new(Code::TooManyReaders, detail).with_retry_after(Duration::from_secs(10))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, word, title) = self.code.parts();
        let body = ProblemJson {
            r#type: format!("/api/docs#{word}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.into_owned(),
            code: self.code,
            errors: self.errors,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"wattswap\""));
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: a caller that waits so long is not refused again for the same reason.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        let detail = error.to_string();
        match error {
            Unavailable::Overloaded { retry_after } => {
                Self::new(Code::Overloaded, detail).with_retry_after(retry_after)
            }
            Unavailable::Stopping => Self::new(Code::Stopping, detail),
            Unavailable::Store(_) => Self::new(Code::StoreFailed, detail),
            Unavailable::Randomness(_) => Self::new(Code::NoRandomness, detail),
        }
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::BadPosition => Self::new(Code::CursorUnknown, error.to_string()),
            ListError::Unavailable(error) => error.into(),
        }
    }
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        let detail = error.to_string();
        match error {
            PlaceError::Refused(refusals) => {
                Self::new(Code::OrdersRefused, detail).with_errors(refusals.into_iter().map(FieldError::from).collect())
            }
            PlaceError::KeyReused => Self::new(Code::IdempotencyKeyReused, detail),
            PlaceError::Unavailable(error) => error.into(),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        let detail = error.to_string();
        match error {
            CancelError::Unknown => Self::new(Code::OrderUnknown, detail),
            CancelError::Ended => Self::new(Code::OrderEnded, detail),
            CancelError::Unavailable(error) => error.into(),
        }
    }
}

impl From<AutopilotError> for Problem {
    fn from(error: AutopilotError) -> Self {
        match error {
            AutopilotError::Refused(_) => Self::new(Code::AutopilotRefused, error.to_string()),
            AutopilotError::Unavailable(error) => error.into(),
        }
    }
}

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Self {
        let detail = error.to_string();
        let (index, reason) = match error {
            PublishError::Refused { index, reason } => (index, reason),
            PublishError::Unavailable(error) => return error.into(),
        };
        let code = match reason {
            RecordRefusal::Unreadable(_) => Code::CharterUnreadable,
            RecordRefusal::OtherCommunity => Code::CharterOfOthers,
            RecordRefusal::NotNext(_) => Code::CharterNotNext,
            RecordRefusal::NotSigned { .. } => Code::CharterNotSigned,
            RecordRefusal::NotSupported(_) => Code::CharterNotSupported,
        };
        let error = FieldError { pointer: format!("/records/{index}"), detail: reason.to_string(), code: None };
        Self::new(code, detail).with_errors(vec![error])
    }
}

impl From<AddTokenError> for Problem {
    fn from(error: AddTokenError) -> Self {
        match error {
            AddTokenError::TooMany { .. } => Self::new(Code::TooManyTokens, error.to_string()),
            AddTokenError::Unavailable(error) => error.into(),
        }
    }
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::Unknown => Self::new(Code::TokenUnknown, error.to_string()),
            RevokeError::Unavailable(error) => error.into(),
        }
    }
}

impl From<Refusal> for FieldError {
    fn from(refusal: Refusal) -> Self {
        Self {
            pointer: format!("/orders/{}{}", refusal.index, field_at_fault(refusal.reason)),
            detail: refusal.reason.to_string(),
            code: Some(refusal.reason.into()),
        }
    }
}

/// Which field of an order a refusal is about; empty if it is about the order as a whole.
fn field_at_fault(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::NoSuchSlot { .. } | RefusalReason::SlotNotOpen { .. } | RefusalReason::SlotClosed { .. } => {
            "/slot"
        }
        RefusalReason::PriceBetweenTicks { .. } | RefusalReason::PriceOutOfBounds { .. } => "/price_per_kwh",
        RefusalReason::QuantityBetweenTicks { .. }
        | RefusalReason::QuantityTooSmall { .. }
        | RefusalReason::BeyondConnection { .. } => "/quantity_wh",
        RefusalReason::AlreadyExpired => "/expires_at",
        RefusalReason::TooManyInSlot { .. } | RefusalReason::TooManyOpen { .. } | RefusalReason::NotAMember => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_as_the_document_says() {
        for (at, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(code).unwrap(), code.parts().1);
            assert!(!Code::ALL[..at].contains(&code), "{code:?} is listed twice");
            assert!(code.parts().0.is_client_error() || code.parts().0 == StatusCode::SERVICE_UNAVAILABLE);
        }
    }
}
