//! A stranger that calls a node as often as it likes, and then says nothing.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::swarm::dummy;
use libp2p::{Multiaddr, Swarm, SwarmBuilder};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, UdpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Where it calls from: on loopback too, but no node's own.
const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Between two calls for the same place: so that something is left of the machine, and no place is free for long.
const PAUSE: Duration = Duration::from_millis(50);
/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest datagram.
const DATAGRAM: usize = 65_536;

/// Calls until it is dropped.
pub struct Silent {
    _calls: JoinSet<()>,
}

impl Silent {
    /// Holds up to so many TCP connections, and calls again whenever one of them is ended. Comes back once one was.
    ///
    /// # Errors
    /// If the node ends none.
    pub async fn over_tcp(node: SocketAddr, count: usize) -> io::Result<Self> {
        let ended = Arc::new(Notify::new());
        let mut calls = JoinSet::new();
        for _ in 0..count {
            calls.spawn(call_and_call(node, Arc::clone(&ended)));
        }
        timeout(PATIENCE, ended.notified()).await?;
        Ok(Self { _calls: calls })
    }

    /// Begins so many QUIC handshakes, again and again, and goes on with none. Comes back once it has begun all.
    ///
    /// # Errors
    /// If it can't call.
    pub async fn over_quic(node: SocketAddr, count: usize) -> io::Result<Self> {
        let openings = openings(count).await?;
        let socket = UdpSocket::bind((HERE, 0)).await?;
        for opening in &openings {
            socket.send_to(opening, node).await?;
        }
        let mut calls = JoinSet::new();
        calls.spawn(async move {
            let mut pause = pause();
            // What is under way is not begun twice: these fill the places of those that were timed out.
            for opening in openings.iter().cycle() {
                pause.tick().await;
                // A full buffer passes.
                let _ = socket.send_to(opening, node).await;
            }
        });
        Ok(Self { _calls: calls })
    }
}

async fn call_and_call(node: SocketAddr, ended: Arc<Notify>) {
    let mut pause = pause();
    loop {
        pause.tick().await;
        // Whatever is wrong with this call, the next one may be better.
        if call(node).await.is_ok() {
            ended.notify_one();
        }
    }
}

/// Calls, and waits until the node ends the connection.
async fn call(node: SocketAddr) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((HERE, 0).into())?;
    let mut connection = socket.connect(node).await?;
    // What the node says is of no interest; a reset is an end, too.
    let _ = connection.read_to_end(&mut Vec::new()).await;
    Ok(())
}

fn pause() -> tokio::time::Interval {
    let mut pause = interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pause
}

/// The first datagrams of so many QUIC connections, as libp2p makes them.
async fn openings(count: usize) -> io::Result<Vec<Vec<u8>>> {
    let sink = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("/ip4/127.0.0.1/udp/{}/quic-v1", sink.local_addr()?.port());
    let address: Multiaddr = address.parse().map_err(io::Error::other)?;
    let mut swarm: Swarm<dummy::Behaviour> = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_quic()
        .with_behaviour(|_| dummy::Behaviour)
        .map_err(io::Error::other)?
        .build();
    for _ in 0..count {
        swarm.dial(address.clone()).map_err(io::Error::other)?;
    }
    let mut openings = BTreeMap::new();
    let mut datagram = vec![0; DATAGRAM];
    let catch = async {
        while openings.len() < count {
            tokio::select! {
                _ = swarm.select_next_some() => {}
                length = sink.recv(&mut datagram) => {
                    let opening = datagram[..length?].to_vec();
                    // An opening that goes unanswered is sent again.
                    openings.entry(connection(&opening)).or_insert(opening);
                }
            }
        }
        Ok::<(), io::Error>(())
    };
    timeout(PATIENCE, catch).await??;
    Ok(openings.into_values().collect())
}

/// The name that the caller chose for the connection: behind a byte of flags and four of the version, its length first
/// (RFC 9000, 17.2).
fn connection(opening: &[u8]) -> Vec<u8> {
    let length = usize::from(opening.get(5).copied().unwrap_or(0));
    opening.get(6..6 + length).unwrap_or_default().to_vec()
}
