//! A lean HTTP/1.1 client on kept connections, and the limit of what it can be answered: an axum handler that does
//! nothing. The same client asks the node, so that its own cost is in both.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use wattswap_tests::node::Node;

use crate::Outcome;

/// Headers of an answer that are looked at: more than the node sends.
const MAX_HEADERS: usize = 32;
/// Room for a usual answer.
const USUAL_ANSWER: usize = 4 << 10;

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer.
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(USUAL_ANSWER) })
    }

    /// Sends a request as [`request`] makes it, and waits for the answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(answer) = parse(&self.received)? {
                return Ok(answer);
            }
        }
    }
}

/// The answer, if all of it is there.
fn parse(received: &[u8]) -> io::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(received).map_err(io::Error::other)? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let status = response.code.ok_or(io::ErrorKind::InvalidData)?;
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let body = head..head + length.unwrap_or(0);
    Ok(received.get(body).map(|body| Answer { status, body: body.to_vec() }))
}

/// A request in bytes. The path starts with `/`.
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Where a node answers.
pub fn address(node: &Node) -> Outcome<SocketAddr> {
    Ok(node.client().url().trim_start_matches("http://").parse()?)
}

/// The token of a node's owner.
pub fn owner_token(node: &Node) -> io::Result<String> {
    Ok(std::fs::read_to_string(node.folder().owner_token())?.trim().to_owned())
}

/// A server that answers `201` to whatever is posted to it. Dropping it ends it.
pub struct Nothing {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Nothing {
    /// Starts it on as many threads as a node has.
    pub fn start() -> io::Result<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/api/v1/orders", post(async |_: Bytes| StatusCode::CREATED));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, _runtime: runtime })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
