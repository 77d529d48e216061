//! The limit of a message to a peer and back: an open libp2p stream over TCP, Noise and Yamux, and nothing behind it.

use std::time::{Duration, Instant};

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::Behaviour;
use tokio::runtime::Runtime;

use crate::Outcome;

const ECHO: StreamProtocol = StreamProtocol::new("/wattswap-bench/echo");

/// Messages of a measurement.
const MESSAGES: u32 = 10;

/// A stream to a peer that sends everything back.
pub struct Echo {
    runtime: Runtime,
    stream: Stream,
    message: Vec<u8>,
}

impl Echo {
    /// Opens the stream, for messages of so many bytes.
    pub fn open(bytes: usize) -> Outcome<Self> {
        let runtime = Runtime::new()?;
        let stream = runtime.block_on(connect(bytes))?;
        Ok(Self { runtime, stream, message: vec![7; bytes] })
    }

    /// The time for a message there and back, in the middle of a conversation.
    pub fn round_trip(&mut self) -> Outcome<Duration> {
        let Self { runtime, stream, message } = self;
        let started = Instant::now();
        runtime.block_on(async {
            for _ in 0..MESSAGES {
                stream.write_all(message).await?;
                stream.flush().await?;
                stream.read_exact(message).await?;
            }
            Ok::<_, std::io::Error>(())
        })?;
        Ok(started.elapsed() / MESSAGES)
    }
}

async fn connect(bytes: usize) -> Outcome<Stream> {
    let mut server = swarm()?;
    let mut incoming = server.behaviour().new_control().accept(ECHO)?;
    server.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let address = listening(&mut server).await.with(Protocol::P2p(*server.local_peer_id()));
    let peer = *server.local_peer_id();
    tokio::spawn(async move { server.for_each(|_| async {}).await });
    tokio::spawn(async move {
        while let Some((_, stream)) = incoming.next().await {
            tokio::spawn(echo(stream, bytes));
        }
    });
    let mut client = swarm()?;
    let mut control = client.behaviour().new_control();
    client.dial(address)?;
    tokio::spawn(async move { client.for_each(|_| async {}).await });
    Ok(control.open_stream(peer, ECHO).await?)
}

fn swarm() -> Outcome<Swarm<Behaviour>> {
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| Behaviour::new())?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(3600)))
        .build();
    Ok(swarm)
}

async fn listening(swarm: &mut Swarm<Behaviour>) -> Multiaddr {
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return address;
        }
    }
}

async fn echo(mut stream: Stream, bytes: usize) -> std::io::Result<()> {
    let mut message = vec![0; bytes];
    loop {
        stream.read_exact(&mut message).await?;
        stream.write_all(&message).await?;
        stream.flush().await?;
    }
}
