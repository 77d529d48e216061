//! A client of the HTTP API, as the command and the tests use it: JSON, a bearer token, problems as errors.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};
use wattswap_api::ProblemJson;
use wattswap_api::dto::community::{Charter, Readiness};
use wattswap_api::dto::page::Cursor;

/// A node answers from memory, or after a write to its disk; one that takes this long is in trouble.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read: a page of a thousand trades with their signatures is some megabytes.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;
/// Items asked for at a time; the most that a node gives.
const PAGE: usize = 1000;

/// A node, and the right to talk to it.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: String,
}

/// The file holds no certificate that could be trusted.
#[derive(Debug, thiserror::Error)]
#[error("{} is no certificate in PEM: {why}", path.display())]
pub struct NoCertificate {
    path: PathBuf,
    why: String,
}

/// Why a request did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Nobody there, or the connection broke: whether the node has done what it was asked is not known.
    #[error("no node answers at {url} ({source}); is it running? `wattswap run` starts it")]
    NoAnswer {
        /// Where.
        url: String,
        /// What came instead.
        source: ureq::Error,
    },
    /// Somebody is there, with a certificate that is not trusted.
    #[error(
        "the certificate of {url} is not trusted ({why}). If the node has one of its own making, name its file with \
         --trust; it must be a server's certificate for this address, and not that of an authority"
    )]
    NotTrusted {
        /// Where.
        url: String,
        /// What is wrong with it.
        why: rustls::CertificateError,
    },
    /// The node says no.
    #[error("{}", explain(.0))]
    Refused(Box<ProblemJson>),
    /// An answer that this program does not understand.
    #[error("{url} answered {status}, and not as a wattswap node of this version does ({why}); is the address right?")]
    NotUnderstood {
        /// Where.
        url: String,
        /// The status.
        status: StatusCode,
        /// What is wrong with it.
        why: String,
    },
}

impl Client {
    /// A client for the node at `url`, which ends before `/api`. With `trust`, certificates of this PEM file are
    /// trusted, and no others.
    ///
    /// # Errors
    /// [`NoCertificate`].
    pub fn new(url: &str, token: &str, trust: Option<&Path>) -> Result<Self, NoCertificate> {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        // The token goes to the node and to nobody else.
        let config = config.max_redirects(0).proxy(None);
        let config = match trust {
            Some(path) => config.tls_config(TlsConfig::builder().root_certs(root(path)?).build()),
            None => config,
        };
        let base = url.trim_end_matches('/').to_owned();
        Ok(Self { agent: config.build().into(), base, token: token.trim().to_owned() })
    }

    /// Where the node answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Asks for something under `/api/v1`.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RequestError> {
        self.json(Method::GET, path, &[], None)
    }

    /// Replaces something.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, RequestError> {
        self.json(Method::PUT, path, &[], Some(encode(body)))
    }

    /// Adds something.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<T, RequestError> {
        self.json(Method::POST, path, headers, Some(encode(body)))
    }

    /// Deletes something. Where the node answers with nothing, `T` is `()`.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, RequestError> {
        self.json(Method::DELETE, path, &[], None)
    }

    /// The charter in force.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn charter(&self) -> Result<Charter, RequestError> {
        self.get("/charter")
    }

    /// Whether the node can serve, and what keeps it from that.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn readiness(&self) -> Result<Readiness, RequestError> {
        let response = self.agent.get(format!("{}/readyz", self.base)).call();
        let mut response = response.map_err(|source| self.no_answer(source))?;
        let answer = self.read(&mut response)?;
        serde_json::from_slice(&answer).map_err(|error| self.not_understood(response.status(), &error))
    }

    /// Pages through a listing until `limit` items have come or there are no more. `path` may hold a query; `split`
    /// takes a page apart into its items and the cursor of the next one.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn list<P: DeserializeOwned, T>(
        &self,
        path: &str,
        limit: usize,
        split: impl Fn(P) -> (Vec<T>, Option<Cursor>),
    ) -> Result<Vec<T>, RequestError> {
        let mut items = Vec::new();
        let mut after = String::new();
        let separator = if path.contains('?') { '&' } else { '?' };
        while items.len() < limit {
            let count = (limit - items.len()).min(PAGE);
            let (page, next) = split(self.get(&format!("{path}{separator}limit={count}{after}"))?);
            items.extend(page);
            let Some(next) = next else { break };
            after = format!("&after={next}");
        }
        Ok(items)
    }

    /// The live stream of events, as bytes; it ends when the node ends it. With the id of an event, it goes on after
    /// that one.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn events(&self, last: Option<&str>) -> Result<impl io::Read + Send + use<>, RequestError> {
        let headers: Vec<(&str, &str)> = last.map(|id| ("Last-Event-ID", id)).into_iter().collect();
        let request = self.request(Method::GET, "/events", &headers);
        let request = request.header("Accept", "text/event-stream").body(());
        // A stream may be silent for as long as it likes.
        let request = request.map(|request| self.agent.configure_request(request).timeout_global(None).build());
        let response = request.map_err(ureq::Error::from).and_then(|request| self.agent.run(request));
        let mut response = response.map_err(|source| self.no_answer(source))?;
        if response.status().is_success() {
            Ok(response.into_body().into_reader())
        } else {
            Err(self.refused(&mut response))
        }
    }

    fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<T, RequestError> {
        let request = self.request(method, path, headers).header("Accept", "application/json");
        let response = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body);
                request.map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
            }
            None => request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request)),
        };
        let mut response = response.map_err(|source| self.no_answer(source))?;
        if !response.status().is_success() {
            return Err(self.refused(&mut response));
        }
        let answer = self.read(&mut response)?;
        // An answer without a body is `()`.
        let answer: &[u8] = if answer.is_empty() { b"null" } else { &answer };
        serde_json::from_slice(answer).map_err(|error| self.not_understood(response.status(), &error))
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}/api/v1{path}", self.base));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    fn read(&self, response: &mut Response<Body>) -> Result<Vec<u8>, RequestError> {
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        body.read_to_vec().map_err(|source| self.no_answer(source))
    }

    fn refused(&self, response: &mut Response<Body>) -> RequestError {
        match self.read(response) {
            Ok(answer) => match serde_json::from_slice(&answer) {
                Ok(problem) => RequestError::Refused(Box::new(problem)),
                Err(error) => self.not_understood(response.status(), &error),
            },
            Err(error) => error,
        }
    }

    fn no_answer(&self, source: ureq::Error) -> RequestError {
        let url = self.base.clone();
        match certificate_error(&source) {
            Some(why) => RequestError::NotTrusted { url, why },
            None => RequestError::NoAnswer { url, source },
        }
    }

    fn not_understood(&self, status: StatusCode, error: &serde_json::Error) -> RequestError {
        RequestError::NotUnderstood { url: self.base.clone(), status, why: error.to_string() }
    }
}

impl RequestError {
    /// Whether the same request may work a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer { source, .. } => {
                matches!(source, ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed)
            }
            Self::Refused(problem) => matches!(problem.status, 429 | 503),
            Self::NotTrusted { .. } | Self::NotUnderstood { .. } => false,
        }
    }
}

/// What is wrong with the certificate, if that is why there was no answer.
fn certificate_error(error: &ureq::Error) -> Option<rustls::CertificateError> {
    let ureq::Error::Io(error) = error else { return None };
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(why.clone()),
        _ => None,
    }
}

/// A problem in words: what it is, what to do, and each part of the request that is at fault.
fn explain(problem: &ProblemJson) -> String {
    let mut lines = vec![format!("{}: {}", problem.title, problem.detail)];
    lines.extend(problem.errors.iter().map(|error| format!("  {}: {}", error.pointer, error.detail)));
    lines.join("\n")
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("our own request types have string keys and no failing parts")
}

fn root(path: &Path) -> Result<RootCerts, NoCertificate> {
    let fail = |why: String| NoCertificate { path: path.to_owned(), why };
    let pem = fs::read(path).map_err(|error| fail(error.to_string()))?;
    let items = parse_pem(&pem).collect::<Result<Vec<_>, _>>().map_err(|error| fail(error.to_string()))?;
    let certificates = items.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<Certificate<'static>> = certificates.collect();
    if certificates.is_empty() {
        Err(fail("there is none in it".to_owned()))
    } else {
        Ok(RootCerts::from(certificates))
    }
}
