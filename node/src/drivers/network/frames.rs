//! Messages on a stream: each is its length in four bytes, big-endian, and then itself.

use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use tokio::time::timeout;

use crate::protocol::limits::MAX_MESSAGE_BYTES;

/// Memory that an announcement alone sets aside: most messages are shorter.
const SET_ASIDE: usize = 16 << 10;

/// Bytes that a peer must take before patience ends: some seconds of the slowest line. Whoever only sips would hold the room
/// of others for hours.
const PIECE: usize = 64 << 10;

/// Why a stream gave no further message.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    /// No honest node announces so much.
    #[error("the peer announced a message of {0} bytes")]
    TooLong(usize),
    /// The stream ended or broke.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads the next message.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, BadFrame> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_MESSAGE_BYTES {
        return Err(BadFrame::TooLong(length));
    }
    // Memory is set aside for what has come, not for all that was announced.
    let mut message = Vec::with_capacity(length.min(SET_ASIDE));
    stream.take(length as u64).read_to_end(&mut message).await?;
    if message.len() < length {
        Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
    } else {
        Ok(message)
    }
}

/// Writes a message; the end of it may stay in the stream's buffer until that is flushed. Whoever takes less than a piece of it
/// in the time of `patience` has gone; a slow peer that goes on reading has not.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &[u8], patience: Duration) -> std::io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
    timeout(patience, stream.write_all(&length.to_be_bytes())).await??;
    for piece in message.chunks(PIECE) {
        timeout(patience, stream.write_all(piece)).await??;
    }
    Ok(())
}

/// Writes what is in the stream's buffer, which is about a piece.
pub async fn flush(stream: &mut (impl AsyncWrite + Unpin), patience: Duration) -> std::io::Result<()> {
    timeout(patience, stream.flush()).await?
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures::io::Cursor;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Takes this many bytes, and then nothing.
    struct Deaf(usize);

    impl AsyncWrite for Deaf {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken > 0 { Poll::Ready(Ok(taken)) } else { Poll::Pending }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn whoever_takes_nothing_any_more_is_given_up() {
        let message = vec![7; 3 * PIECE];
        for takes in [0, 2, PIECE, message.len() + 3] {
            let written = write(&mut Deaf(takes), &message, Duration::from_millis(1)).await;
            assert_eq!(written.map_err(|error| error.kind()), Err(std::io::ErrorKind::TimedOut), "{takes} bytes");
        }
        let mut all = Deaf(message.len() + 4);
        assert!(write(&mut all, &message, PATIENCE).await.is_ok());
        assert!(flush(&mut all, Duration::from_millis(1)).await.is_err());
    }

    #[tokio::test]
    async fn what_is_written_is_read_and_the_end_is_no_message() {
        let messages = [Vec::new(), vec![1], vec![2; 70_000], vec![3; MAX_MESSAGE_BYTES]];
        let mut stream = Cursor::new(Vec::new());
        for message in &messages {
            write(&mut stream, message, PATIENCE).await.unwrap();
        }
        stream.set_position(0);
        for message in &messages {
            assert!(read(&mut stream).await.unwrap() == *message, "a message of {} bytes", message.len());
        }
        assert!(matches!(read(&mut stream).await, Err(BadFrame::Io(_))));
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_or_cut_short_is_refused() {
        let too_long = (MAX_MESSAGE_BYTES as u32 + 1).to_be_bytes();
        assert!(matches!(read(&mut Cursor::new(too_long)).await, Err(BadFrame::TooLong(_))));
        for cut in [vec![0, 0], vec![0, 0, 0, 2, 7]] {
            assert!(matches!(read(&mut Cursor::new(cut)).await, Err(BadFrame::Io(_))));
        }
    }
}
