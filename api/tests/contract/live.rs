//! The live stream: replay, gaps, heartbeats, and how it ends.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::Value;
use wattswap_api::limits::{MAX_EVENT_READERS, MAX_REPLAYED_EVENTS, MAX_WAITING_EVENTS, Settings};
use wattswap_api::port::{Event, MeterId, ReadingsPushed};

use crate::client::{Api, Ask};
use crate::home::{NOW, peer, trade};

/// One event as a reader sees it.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub id: String,
    pub kind: String,
    pub data: Value,
}

/// The next event of a stream; `None` at its end. Comments are passed over.
pub async fn next_event(body: &mut Body) -> Option<Seen> {
    loop {
        let frame = next_frame(body).await?;
        let field = |name: &str| {
            let line = frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        if !frame.starts_with(':') {
            let data = serde_json::from_str(&field("data")).unwrap();
            return Some(Seen { id: field("id"), kind: field("event"), data });
        }
    }
}

async fn next_frame(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(frame.into()).unwrap())
}

async fn watch(api: &Api, last: Option<&str>) -> Body {
    let mut ask = Ask::new("GET", "/api/v1/events").token(&api.viewer);
    if let Some(last) = last {
        ask = ask.header("last-event-id", last);
    }
    let response = api.start(ask).await;
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    response.into_body()
}

async fn ids(body: &mut Body, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let seen = next_event(body).await.unwrap();
        ids.push(if seen.id.is_empty() { seen.kind } else { seen.id });
    }
    ids
}

#[tokio::test]
async fn what_happens_is_seen_as_it_happens() {
    let api = Api::new().await;
    api.events.publish(Event::Peer(peer()));
    let mut stream = watch(&api, None).await;
    api.events.publish(Event::Trade(trade(1)));
    let meter = MeterId::new("main").unwrap();
    let pushed = ReadingsPushed { meter, newest: Some(NOW), accepted: 2, duplicates: 0, conflicts: 0, quarantined: 1 };
    api.events.publish(Event::Readings(pushed));

    let seen = next_event(&mut stream).await.unwrap();
    assert_eq!((seen.id.as_str(), seen.kind.as_str()), ("ab-1", "trade"));
    api.home.kept().trades.push(trade(1));
    let shown = api.owner("GET", &format!("/api/v1/trades/{}", "01".repeat(32)), "").await.json();
    assert_eq!(seen.data, shown, "the stream and the resource show the same");
    let seen = next_event(&mut stream).await.unwrap();
    assert_eq!((seen.id.as_str(), seen.kind.as_str()), ("ab-2", "readings"));
    assert_eq!(seen.data["accepted"], 2);
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_missed() {
    let api = Api::new().await;
    for _ in 0..3 {
        api.events.publish(Event::Peer(peer()));
    }
    for (last, expected) in [
        ("ab-0", vec!["ab-1", "ab-2", "ab-3"]),
        ("ab-2", vec!["ab-3"]),
        // Of another run, from the future, or nonsense: say that there is a gap, and give what there is.
        ("aa-2", vec!["gap", "ab-0", "ab-1", "ab-2", "ab-3"]),
        ("ab-9", vec!["gap", "ab-0", "ab-1", "ab-2", "ab-3"]),
        ("ab-18446744073709551615", vec!["gap", "ab-0", "ab-1", "ab-2", "ab-3"]),
        ("", vec!["gap", "ab-0", "ab-1", "ab-2", "ab-3"]),
        ("nonsense", vec!["gap", "ab-0", "ab-1", "ab-2", "ab-3"]),
    ] {
        let api = Api::new().await;
        for _ in 0..3 {
            api.events.publish(Event::Peer(peer()));
        }
        let mut stream = watch(&api, Some(last)).await;
        api.events.publish(Event::Peer(peer()));
        assert_eq!(ids(&mut stream, expected.len()).await, expected, "{last}");
    }
}

#[tokio::test]
async fn the_ring_forgets_the_oldest() {
    let api = Api::new().await;
    for _ in 0..=MAX_REPLAYED_EVENTS {
        api.events.publish(Event::Peer(peer()));
    }
    // Event 0 is gone: who saw it misses nothing, who never did may.
    assert_eq!(ids(&mut watch(&api, Some("ab-0")).await, 1).await, ["ab-1"]);
    api.events.publish(Event::Peer(peer()));
    assert_eq!(ids(&mut watch(&api, Some("ab-0")).await, 2).await, ["gap", "ab-2"]);
}

#[tokio::test]
async fn a_reader_that_does_not_keep_up_is_cut_and_nobody_waits() {
    let api = Api::new().await;
    let mut slow = watch(&api, None).await;
    for _ in 0..=MAX_WAITING_EVENTS {
        api.events.publish(Event::Peer(peer()));
    }
    let end = next_event(&mut slow).await.unwrap();
    assert_eq!((end.kind.as_str(), end.data["reason"].as_str()), ("end", Some("too_slow")));
    assert!(next_event(&mut slow).await.is_none());
}

#[tokio::test]
async fn a_node_that_stops_ends_every_stream() {
    let api = Api::new().await;
    let mut stream = watch(&api, None).await;
    api.events.publish(Event::Peer(peer()));
    api.events.close();
    assert_eq!(next_event(&mut stream).await.unwrap().kind, "peer");
    assert_eq!(next_event(&mut stream).await.unwrap().data["reason"], "stopping");
    assert!(next_event(&mut stream).await.is_none());
    let mut late = watch(&api, None).await;
    assert_eq!(next_event(&mut late).await.unwrap().data["reason"], "stopping");
}

#[tokio::test]
async fn only_so_many_may_read_and_a_seat_becomes_free() {
    let api = Api::new().await;
    let mut streams = Vec::new();
    for _ in 0..MAX_EVENT_READERS {
        streams.push(watch(&api, None).await);
    }
    let ask = || Ask::new("GET", "/api/v1/events").token(&api.viewer);
    let refused = api.send(ask()).await;
    assert_eq!(refused.outcome(), (429, "too_many_readers".to_owned()));
    assert_eq!(refused.header("retry-after"), "10");
    streams.pop();
    assert_eq!(api.start(ask()).await.status().as_u16(), 200);
}

#[tokio::test]
async fn a_silent_stream_has_a_heartbeat() {
    let api = Api::with(Settings { heartbeat: Duration::from_millis(1), ..Settings::default() }).await;
    let mut stream = watch(&api, None).await;
    for _ in 0..3 {
        assert_eq!(next_frame(&mut stream).await.unwrap(), ":\n\n");
    }
    assert_eq!(Settings::default().heartbeat, Duration::from_secs(15));
}
