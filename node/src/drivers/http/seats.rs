//! How many connections the HTTP face takes at a time: each has a seat, and without a free one it is closed.
//!
//! Without this, whoever can reach the port could take every file handle of the process, and the database would be
//! left without.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at a time: a household's screens, meters and scripts, many times over.
pub const MAX_CONNECTIONS: usize = 256;

/// Gives each connection a seat before `inner` has it.
#[derive(Clone)]
pub struct Seats<A> {
    inner: A,
    free: Arc<Semaphore>,
}

/// A connection in its seat.
pub struct Seated<S> {
    stream: S,
    _seat: OwnedSemaphorePermit,
}

impl<A> Seats<A> {
    /// [`MAX_CONNECTIONS`] seats.
    pub fn new(inner: A) -> Self {
        Self { inner, free: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }
}

impl<A, S> Accept<TcpStream, S> for Seats<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = Seated<A::Stream>;
    type Service = A::Service;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let seat = Arc::clone(&self.free).try_acquire_owned();
        let seat = seat.map_err(|_| io::Error::other("all seats for HTTP are taken"));
        // Answers are written at once, not when the last one was acknowledged.
        let accepted = stream.set_nodelay(true).and(seat).map(|seat| (seat, self.inner.accept(stream, service)));
        async move {
            let (seat, accepted) = accepted.inspect_err(|error| tracing::debug!(%error, "a connection was closed"))?;
            let (stream, service) = accepted.await?;
            Ok((Seated { stream, _seat: seat }, service))
        }
        .boxed()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Seated<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Seated<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
