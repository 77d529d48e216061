//! Messages on a stream: each is its length in four bytes, big-endian, and then itself.

use futures::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::protocol::limits::MAX_MESSAGE_BYTES;

/// Memory that an announcement alone sets aside: most messages are shorter.
const SET_ASIDE: usize = 16 << 10;

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

/// Writes a message; it may stay in the stream's buffer until that is flushed.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(message).await
}

#[cfg(test)]
mod tests {
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_and_the_end_is_no_message() {
        let messages = [Vec::new(), vec![1], vec![2; 70_000], vec![3; MAX_MESSAGE_BYTES]];
        let mut stream = Cursor::new(Vec::new());
        for message in &messages {
            write(&mut stream, message).await.unwrap();
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
