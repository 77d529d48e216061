//! Asks the router, and holds every answer against the OpenAPI document.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use wattswap_api::auth::mint;
use wattswap_api::events::Events;
use wattswap_api::limits::Settings;
use wattswap_api::metrics::Metrics;
use wattswap_api::port::{Role, TokenRecord};

use crate::home::{Home, NOW};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(wattswap_api::openapi::document()).expect("the document is JSON"));

/// A household behind its HTTP face, with a token of each role.
pub struct Api {
    pub router: Router,
    pub home: Arc<Home>,
    pub events: Arc<Events>,
    pub metrics: Arc<Metrics>,
    pub owner: String,
    pub meter: String,
    pub viewer: String,
}

/// A question to the API.
#[derive(Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Api {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let home = Arc::new(Home::default());
        let [owner, meter, viewer] =
            [(Role::Owner, 101), (Role::Meter, 102), (Role::Viewer, 103)].map(|(role, seed)| {
                let (text, token) = mint(role, format!("{role:?}"), [seed; 32]);
                home.kept().tokens.push(TokenRecord { token, created_at: NOW });
                text
            });
        let (events, metrics) = (Arc::new(Events::new(0xab)), Arc::new(Metrics::new()));
        let router = wattswap_api::router(home.clone(), events.clone(), metrics.clone(), settings).await.unwrap();
        Self { router, home, events, metrics, owner, meter, viewer }
    }

    /// Asks as the owner, with a JSON body unless it is empty.
    pub async fn owner(&self, method: &str, path: &str, body: &str) -> Got {
        self.send(Ask::new(method, path).token(&self.owner).json(body)).await
    }

    /// Asks, reads the whole answer, and checks that the document declares it.
    pub async fn send(&self, ask: Ask) -> Got {
        let (method, path) = (ask.method.clone(), ask.path.clone());
        let response = self.start(ask).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let got = Got { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.into()).unwrap() };
        assert_declared(&method, &path, &got);
        got
    }

    /// Asks, and leaves the body to be read.
    pub async fn start(&self, ask: Ask) -> axum::response::Response {
        let mut request = Request::builder().method(ask.method).uri(&ask.path);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        self.router.clone().oneshot(request.body(ask.body).unwrap()).await.unwrap()
    }
}

impl Ask {
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.parse().unwrap(), path: path.to_owned(), headers: Vec::new(), body: Body::empty() }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        let value = format!("Bearer {token}");
        self.header("authorization", &value)
    }

    /// A JSON body; with an empty one neither body nor content type.
    pub fn json(self, body: &str) -> Self {
        if body.is_empty() { self } else { self.header("content-type", "application/json").body(body.to_owned()) }
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The status and, of a problem, its code.
    pub fn outcome(&self) -> (u16, String) {
        let is_problem = self.media_type() == "application/problem+json";
        let code = if is_problem { self.json()["code"].as_str().unwrap().to_owned() } else { String::new() };
        (self.status.as_u16(), code)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn media_type(&self) -> &str {
        self.header("content-type")
    }
}

pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Fails unless the document declares this status and media type for the operation that was asked. What no operation
/// answers (an unknown path, another method) only has to be a problem.
fn assert_declared(method: &Method, path: &str, got: &Got) {
    let Some(operation) = operation(method, path) else {
        assert_eq!(got.media_type(), "application/problem+json", "{method} {path}");
        return;
    };
    let status = got.status.as_u16().to_string();
    let response = &operation["responses"][&status];
    assert!(response.is_object(), "{method} {path} answered {status}, which is not declared: {}", got.text);
    let response = resolve(response);
    let declared: Vec<_> =
        response["content"].as_object().into_iter().flat_map(|content| content.keys()).map(String::as_str).collect();
    let expected = if got.text.is_empty() { vec![] } else { vec![got.media_type()] };
    assert_eq!(declared, expected, "{method} {path} {status}");
}

/// The operation that a path belongs to.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<_> = path.split('/').collect();
    let matches = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        let same = |(of, segment): (&&str, &&str)| of.starts_with('{') || of == segment;
        template.len() == segments.len() && template.iter().zip(&segments).all(same)
    };
    let (_, item) = DOCUMENT["paths"].as_object().unwrap().iter().find(|(template, _)| matches(template))?;
    item.get(method.as_str().to_lowercase())
}

pub fn resolve(thing: &'static Value) -> &'static Value {
    match thing["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).expect("references lead somewhere"),
        None => thing,
    }
}
