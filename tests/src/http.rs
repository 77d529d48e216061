//! HTTP by hand: requests that no proper client would send.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The longest answer that is read.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;
/// A node answers at once, or ends the connection; the slowest thing it waits for is the rest of a body, half a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, the status line included.
    pub head: String,
    /// The body.
    pub body: String,
}

/// Sends these bytes to the node at `url` and reads what it answers; none if it just ends the connection.
///
/// # Errors
/// If nobody is there.
pub fn send(url: &str, request: &[u8]) -> io::Result<Option<Answer>> {
    exchange(url, request, false)
}

/// As [`send`], but says after these bytes that no more will come.
///
/// # Errors
/// If nobody is there.
pub fn send_and_end(url: &str, request: &[u8]) -> io::Result<Option<Answer>> {
    exchange(url, request, true)
}

fn exchange(url: &str, request: &[u8], end: bool) -> io::Result<Option<Answer>> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // The node may have answered and closed before it has read all of it.
    let _ = stream.write_all(request);
    if end {
        // The same.
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let read = stream.take(MAX_ANSWER).read_to_end(&mut answer);
    if answer.is_empty() && read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(parse(&String::from_utf8_lossy(&answer)))
}

/// A request in the usual form. `token` is left out if it is empty, and so is an empty body.
#[must_use]
pub fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if !token.is_empty() {
        text.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
