//! A node's live events, read from its HTTP stream (server-sent events).

use std::io::{self, BufRead as _, BufReader, Read};

use serde_json::Value;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// Its id: give it as `Last-Event-ID` to go on after it.
    pub id: Option<String>,
    /// Its kind: `order`, `trade`, `readings`, `slot`, `peer`, `status`, `gap` or `end`.
    pub kind: String,
    /// What happened.
    pub data: Value,
}

/// The longest line that is read: far above any event, and a bound all the same.
const MAX_LINE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads events until the stream ends or breaks.
pub struct LiveEvents<R> {
    lines: BufReader<R>,
}

impl<R: Read> LiveEvents<R> {
    /// Reads from a stream as [`wattswap_node::client::Client::events`] gives it.
    pub fn new(stream: R) -> Self {
        Self { lines: BufReader::new(stream) }
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.lines).take(MAX_LINE_BYTES).read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn event(&mut self) -> io::Result<Option<LiveEvent>> {
        let (mut id, mut kind, mut data) = (None, "message".to_owned(), String::new());
        while let Some(line) = self.line()? {
            if line.is_empty() && !data.is_empty() {
                let data = serde_json::from_str(&data).map_err(io::Error::other)?;
                return Ok(Some(LiveEvent { id, kind, data }));
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => id = Some(value.to_owned()),
                "event" => value.clone_into(&mut kind),
                "data" => data.push_str(value),
                // Comments keep the connection alive; other fields are for browsers.
                _ => {}
            }
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for LiveEvents<R> {
    type Item = io::Result<LiveEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.event().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_taken_out_of_the_stream() {
        let stream = ": hello\n\nid: 7\nevent: trade\ndata: {\"a\":1}\n\n: alive\n\nretry: 5\nevent: order\r\n\
                      data: [1,\r\ndata: 2]\r\n\r\n";
        let events: Vec<LiveEvent> = LiveEvents::new(stream.as_bytes()).collect::<Result<_, _>>().unwrap();
        let event = |id: Option<&str>, kind: &str, data: Value| LiveEvent {
            id: id.map(str::to_owned),
            kind: kind.to_owned(),
            data,
        };
        let expected =
            [event(Some("7"), "trade", serde_json::json!({ "a": 1 })), event(None, "order", serde_json::json!([1, 2]))];
        assert_eq!(events, expected);
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(LiveEvents::new("data: {\n\n".as_bytes()).next().unwrap().is_err());
    }
}
