//! The one long-lived stream to a peer: opened, kept, replaced and ended here.
//!
//! Of two members the one with the smaller key opens the stream and the other accepts it, so that two that connect to
//! each other at the same moment still end with one. A stream that is accepted while one is open takes its place: the
//! other side opens a second one only when it has lost the first.

use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader, BufWriter};
use libp2p::{PeerId, Stream, StreamProtocol};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use super::frames::{self, BadFrame};
use super::outboxes::{Outboxes, Outgoing};
use crate::drivers::inbox::{Inbox, Places};
use crate::protocol::household::io::Input;
use crate::protocol::ids::MemberKey;

/// The protocol of the stream.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/wattswap/1/peer");

/// An open stream must negotiate within this.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that takes nothing for so long has gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before a stream is opened again; doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Messages that are written in one go if they wait.
const MAX_WRITTEN_AT_ONCE: usize = 64;
/// Buffers of a stream in each direction: several short messages, or a good part of a long one.
const BUFFER: usize = 16 << 10;

/// The swarm's end of a link. Dropping it ends the link.
pub struct Link {
    streams: mpsc::Sender<Stream>,
}

/// What a link works with.
pub struct Ends {
    /// The member at the other end.
    pub member: MemberKey,
    /// Its name on the network.
    pub peer: PeerId,
    /// Whether this side opens the stream.
    pub opens: bool,
    /// Opens streams.
    pub control: libp2p_stream::Control,
    /// Where the peer's messages go.
    pub inbox: Inbox,
    /// How many of them may wait there.
    pub places: Places,
    /// Where messages to the peer come from.
    pub outboxes: Outboxes,
    /// Told of members that break the framing.
    pub broken: mpsc::Sender<MemberKey>,
}

/// How a conversation ended.
enum End {
    /// The stream is of no more use.
    Broken,
    /// The peer has opened another stream.
    Replaced(Box<Stream>),
    /// The connection, or the node, is going away.
    Closed,
}

impl Link {
    /// Starts to keep a stream to a connected member.
    #[must_use]
    pub fn start(ends: Ends) -> Self {
        let (streams, accepted) = mpsc::channel(1);
        tokio::spawn(ends.keep_open(accepted));
        Self { streams }
    }

    /// Hands over a stream that the peer has opened. It is dropped if one waits already.
    pub fn accept(&self, stream: Stream) {
        if self.streams.try_send(stream).is_err() {
            debug!("a peer opens streams faster than they are taken");
        }
    }
}

impl Ends {
    async fn keep_open(mut self, mut accepted: mpsc::Receiver<Stream>) {
        let mut next = self.next_stream(&mut accepted).await;
        while let Some(stream) = next {
            next = match self.converse(stream, &mut accepted).await {
                End::Broken => {
                    // Whoever closes each stream at once shall not keep us busy.
                    tokio::time::sleep(FIRST_PAUSE).await;
                    self.next_stream(&mut accepted).await
                }
                End::Replaced(stream) => Some(*stream),
                End::Closed => None,
            };
        }
    }

    /// The next stream, opened or accepted; none once the link has ended.
    async fn next_stream(&mut self, accepted: &mut mpsc::Receiver<Stream>) -> Option<Stream> {
        if !self.opens {
            return accepted.recv().await;
        }
        // This side accepts none, so nothing comes here but the end.
        tokio::select! {
            stream = open(&mut self.control, self.peer) => Some(stream),
            _ = accepted.recv() => None,
        }
    }

    async fn converse(&self, stream: Stream, accepted: &mut mpsc::Receiver<Stream>) -> End {
        let (number, outgoing) = self.outboxes.open(self.member);
        if self.inbox.put(Input::Connected(self.member)).await.is_err() {
            return End::Closed;
        }
        let (reading, writing) = stream.split();
        let end = tokio::select! {
            () = self.read_all(reading) => End::Broken,
            () = write_all(writing, outgoing) => End::Broken,
            stream = accepted.recv() => stream.map_or(End::Closed, |stream| End::Replaced(Box::new(stream))),
        };
        self.outboxes.close(&self.member, number);
        match self.inbox.put(Input::Disconnected(self.member)).await {
            Ok(()) => end,
            Err(_) => End::Closed,
        }
    }

    async fn read_all(&self, stream: impl AsyncRead + Unpin) {
        let mut stream = BufReader::with_capacity(BUFFER, stream);
        loop {
            match frames::read(&mut stream).await {
                Ok(bytes) => {
                    if self.inbox.put_of(&self.places, Input::Message { from: self.member, bytes }).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    debug!(member = %self.member, %error, "the stream of a peer ended");
                    if matches!(error, BadFrame::TooLong(_)) {
                        // The swarm ends with the node; then there is nobody left to tell.
                        let _ = self.broken.send(self.member).await;
                    }
                    return;
                }
            }
        }
    }
}

/// Opens a stream, however often that takes.
async fn open(control: &mut libp2p_stream::Control, peer: PeerId) -> Stream {
    let mut pause = FIRST_PAUSE;
    loop {
        match timeout(OPEN_TIMEOUT, control.open_stream(peer, PROTOCOL)).await {
            Ok(Ok(stream)) => return stream,
            Ok(Err(error)) => debug!(%peer, %error, "no stream to a peer"),
            Err(_) => debug!(%peer, "a peer took too long to open a stream"),
        }
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Writes what waits, as long as the peer takes it.
async fn write_all(stream: impl AsyncWrite + Unpin, mut outgoing: mpsc::Receiver<Outgoing>) {
    let mut stream = BufWriter::with_capacity(BUFFER, stream);
    let mut messages = Vec::with_capacity(MAX_WRITTEN_AT_ONCE);
    while outgoing.recv_many(&mut messages, MAX_WRITTEN_AT_ONCE).await > 0 {
        let write = async {
            for message in messages.drain(..) {
                frames::write(&mut stream, &message.bytes, WRITE_TIMEOUT).await?;
            }
            frames::flush(&mut stream, WRITE_TIMEOUT).await
        };
        if let Err(error) = write.await {
            return debug!(%error, "the stream to a peer broke");
        }
    }
}
