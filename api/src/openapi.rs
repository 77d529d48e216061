//! The OpenAPI document: made from the routes, and completed with what every route has in common.

use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
};

use crate::dto::event::Event;
use crate::dto::order::NewOrder;
use crate::dto::page::Count;
use crate::dto::reading::Reading;
use crate::problem::{Code, PROBLEM_JSON, ProblemJson};
use crate::routes;

const ABOUT: &str = "\
One household of a neighbourhood that trades electric energy.

Energy is in whole watt-hours, prices and money are decimal strings, instants are RFC 3339 in UTC, and a slot is named \
by the instant at which it starts. Unknown fields and parameters are refused. Every error is a problem (RFC 9457) with \
a stable `code`. Listings come in pages: give `next` of one as `after` for the next. Ask with \
`Authorization: Bearer TOKEN`; `wattswap token` makes one.";

const TAGS: [(&str, &str); 9] = [
    ("orders", "What this household wants to buy and sell."),
    ("market", "The open slots and their books."),
    ("trades", "What was agreed, with both signatures."),
    ("readings", "What the meters showed."),
    ("autopilot", "Trading by itself, within limits."),
    ("node", "The node, its neighbours and their charter."),
    ("tokens", "Who may use this API."),
    ("live", "What happens, as it happens."),
    ("operations", "Health, figures and this document."),
];

/// The statuses of problems that several routes share, and what they are about.
const SHARED_PROBLEMS: [u16; 9] = [400, 401, 403, 408, 413, 415, 422, 429, 503];

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = routes::described().into_openapi();
    for item in document.paths.paths.values_mut() {
        operations_of(item).for_each(complete);
    }
    document
}

/// What stands before the first route.
pub(crate) fn preface() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("wattswap")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).components(Some(components())).build()
}

fn components() -> utoipa::openapi::Components {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of this household. The roles that an operation names are those that may use it."))
        .build();
    let mut components = ComponentsBuilder::new().security_scheme("token", SecurityScheme::Http(token)).build();
    // Named by responses, parameters or hand-written schemas alone, so no route brings them in.
    let unnamed = [
        schema_of::<ProblemJson>(),
        schema_of::<Event>(),
        schema_of::<NewOrder>(),
        schema_of::<Reading>(),
        schema_of::<Count>(),
    ];
    for (name, schema) in unnamed.into_iter().flatten() {
        components.schemas.insert(name, schema);
    }
    for status in SHARED_PROBLEMS {
        components.responses.insert(problem_name(status), RefOr::T(problem_response(status)));
    }
    components
}

/// A type's schema with all that it refers to.
fn schema_of<T: ToSchema>() -> Vec<(String, RefOr<utoipa::openapi::Schema>)> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas
}

/// Adds the problems that follow from what an operation takes.
fn complete(operation: &mut Operation) {
    let takes_body = operation.request_body.is_some();
    let takes_parameters = operation.parameters.is_some();
    let asks_token = operation.security.is_some();
    let statuses: [(bool, &[u16]); 3] =
        [(takes_body, &[400, 408, 413, 415, 422]), (takes_parameters, &[400]), (asks_token, &[401, 403, 429, 503])];
    for status in statuses.into_iter().filter(|(applies, _)| *applies).flat_map(|(_, statuses)| statuses) {
        let shared = RefOr::Ref(Ref::from_response_name(problem_name(*status)));
        operation.responses.responses.entry(status.to_string()).or_insert(shared);
    }
}

fn problem_name(status: u16) -> String {
    format!("Problem{status}")
}

fn problem_response(status: u16) -> Response {
    let codes = Code::ALL.into_iter().map(Code::parts).filter(|(of, ..)| of.as_u16() == status);
    let described: Vec<_> = codes.map(|(_, code, title)| format!("{title} (`{code}`).")).collect();
    let schema = Ref::from_schema_name(ProblemJson::name());
    let response = ResponseBuilder::new()
        .description(described.join(" "))
        .content(PROBLEM_JSON, ContentBuilder::new().schema(Some(schema)).build());
    match status {
        429 | 503 => response.header("Retry-After", header(Type::Integer, "Seconds to wait before the next try.")),
        401 => response.header("WWW-Authenticate", header(Type::String, "`Bearer`.")),
        _ => response,
    }
    .build()
}

fn header(of: Type, about: &str) -> utoipa::openapi::header::Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(of));
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
}

fn operations_of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}
