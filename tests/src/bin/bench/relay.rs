//! A TCP relay on loopback that counts what goes through: the bytes on the wire between two nodes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Bytes that are passed on at a time.
const BUFFER: usize = 64 << 10;

/// A running relay. Dropping it ends it.
pub struct Relay {
    address: SocketAddr,
    passed: Arc<AtomicU64>,
    _runtime: Runtime,
}

impl Relay {
    /// Passes on what comes to a port of its own to `to`, and back.
    pub fn start(to: SocketAddr) -> io::Result<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let passed = Arc::new(AtomicU64::new(0));
        runtime.spawn(serve(listener, to, passed.clone()));
        Ok(Self { address, passed, _runtime: runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes so far, both ways: what TCP carries, without TCP's and IP's own headers.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, to: SocketAddr, passed: Arc<AtomicU64>) {
    while let Ok((from, _)) = listener.accept().await {
        tokio::spawn(connect(from, to, passed.clone()));
    }
}

async fn connect(from: TcpStream, to: SocketAddr, passed: Arc<AtomicU64>) -> io::Result<()> {
    let to = TcpStream::connect(to).await?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let (from_reading, from_writing) = from.into_split();
    let (to_reading, to_writing) = to.into_split();
    // Once one way has ended the connection is of no more use to either side.
    tokio::select! {
        end = pass_on(from_reading, to_writing, &passed) => end,
        end = pass_on(to_reading, from_writing, &passed) => end,
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    passed: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count]).await?;
        passed.fetch_add(count as u64, Ordering::Relaxed);
    }
}
