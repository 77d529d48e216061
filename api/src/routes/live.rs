//! The live stream: server-sent events, with replay.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};

use crate::Shared;
use crate::auth::{Key, Reader};
use crate::dto;
use crate::dto::event::{Notice, NoticeReason};
use crate::events::{Numbered, Reading, Step};
use crate::problem::Problem;

/// Watch what happens, as it happens.
///
/// Server-sent events: `event` is the kind (`order`, `trade`, `readings`, `slot`, `peer`, `status`), `data` is JSON
/// as the `Event` schema says, `id` is where to go on: send it as `Last-Event-ID` after a break and you get what you
/// missed. If that is no longer kept, the first event is a `gap`: read the lists again. A reader that does not keep
/// up, or whose token is revoked, gets an `end` and the stream closes. A comment comes every 15 seconds of silence.
/// Open the stream first and read the lists then, so that nothing falls in between.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "watch_events", tag = "live",
    security(("token" = ["owner", "viewer"])),
    params(("Last-Event-ID" = Option<String>, Header, nullable = false, description = "The last event that you saw.")),
    responses((
        status = 200, description = "A stream without end, of events whose `data` is as the `Event` schema says.",
        body = String, content_type = "text/event-stream",
    ))
)]
pub(crate) async fn events(
    State(app): State<Shared>,
    Reader(key): Reader,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let reading = app.events.subscribe(last).ok_or_else(Problem::too_many_readers)?;
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    let heartbeat = KeepAlive::new().interval(app.settings.heartbeat);
    Ok((unbuffered, Sse::new(written(reading, key)).keep_alive(heartbeat)))
}

/// The steps of one reader as events on the wire; the last one is an `end`.
fn written(reading: Reading, key: Arc<Key>) -> impl Stream<Item = Result<Event, axum::Error>> {
    stream::unfold(Some((reading, key)), |state| async move {
        let (mut reading, key) = state?;
        let step = reading.next().await;
        let step = if key.is_revoked() { Step::End(NoticeReason::TokenRevoked) } else { step };
        let ended = matches!(step, Step::End(_));
        Some((write(step), (!ended).then_some((reading, key))))
    })
}

fn write(step: Step) -> Result<Event, axum::Error> {
    let (event, payload) = match step {
        Step::Event(Numbered { id, event }) => {
            (Event::default().id(id.to_string()), dto::event::Event::from(event.as_ref().clone()))
        }
        Step::Gap => (Event::default(), dto::event::Event::Notice(Notice::from(NoticeReason::Gap))),
        Step::End(reason) => (Event::default(), dto::event::Event::Notice(Notice::from(reason))),
    };
    event.event(payload.kind()).json_data(payload)
}
