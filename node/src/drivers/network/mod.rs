//! The neighbourhood's network: libp2p over TCP and QUIC, only with members.
//!
//! `behaviour` says what is spoken and bounds it, `handshakes` bounds those who have not shown yet who they are,
//! `swarm` is the one task that owns the connections, `link` keeps the one long-lived stream to each peer and
//! `outboxes` what waits for it, `dialer` knows whom to call, `frames` is how messages lie on a stream, `identity` that
//! a member and a peer are one key.
//!
//! What comes in goes to the loop as [`Input`](crate::protocol::household::io::Input)s; whether a message means
//! anything is not asked here. Nobody is served but the members that were last admitted: any other is disconnected
//! once the handshake has shown its key.

mod behaviour;
mod dialer;
mod frames;
mod handshakes;
pub mod identity;
mod link;
mod outboxes;
mod swarm;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use tokio::sync::{mpsc, watch};
use wattswap_matching::UtcMillis;

use self::outboxes::{Outboxes, Sent};
use self::swarm::Worker;
use super::inbox::Inbox;
use super::telemetry::Figures;
use crate::config;
use crate::protocol::household::io::{Ticket, Verdict};
use crate::protocol::ids::{CommunityId, MemberKey};

/// Orders to the swarm that may wait. It never waits for the loop, so the loop may wait for it.
const MAX_ORDERS: usize = 1_024;

/// The running network. Dropping it ends all connections.
pub struct Network {
    orders: mpsc::Sender<Order>,
    outboxes: Outboxes,
    view: watch::Receiver<Arc<View>>,
    figures: Figures,
}

/// Who is connected, and where this node listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// This node's own addresses.
    pub listening: Vec<Multiaddr>,
    /// Members with a connection.
    pub connected: BTreeMap<MemberKey, Connected>,
}

/// A connected member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Where it is.
    pub addresses: Vec<Multiaddr>,
    /// Since when.
    pub since: UtcMillis,
}

/// What the loop wants of the swarm.
#[derive(Debug)]
enum Order {
    Publish(Vec<u8>),
    Judge { ticket: Ticket, verdict: Verdict },
    Drop(MemberKey),
    Call(MemberKey),
    Admit(Vec<MemberKey>),
}

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Another process listens there.
    #[error("{address} is in use by another process: stop that one, or set another port in network.listen")]
    InUse {
        /// Where.
        address: Multiaddr,
    },
    /// The system does not let us listen there.
    #[error("can't listen on {address}: {reason}; check network.listen")]
    CantListen {
        /// Where.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
    /// libp2p did not start.
    #[error("the network did not start: {0}")]
    Failed(String),
}

impl Network {
    /// Starts to listen and to call. Nobody is admitted yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn start(
        identity: Keypair,
        community: CommunityId,
        settings: &config::Network,
        inbox: Inbox,
        figures: Figures,
    ) -> Result<Self, NetworkError> {
        for address in &settings.listen {
            refuse_if_in_use(address)?;
        }
        let mut swarm = behaviour::swarm(identity, community, settings.mdns)
            .map_err(|error| NetworkError::Failed(error.to_string()))?;
        for address in &settings.listen {
            let listening = swarm.listen_on(address.clone());
            listening.map_err(|error| cant_listen(address, &error.to_string()))?;
        }
        let (orders, waiting) = mpsc::channel(MAX_ORDERS);
        let (show, view) = watch::channel(Arc::default());
        let outboxes = Outboxes::new();
        let worker = Worker::new(swarm, community, &settings.bootstrap, inbox, outboxes.clone(), show, figures.clone());
        tokio::spawn(worker.run(waiting));
        Ok(Self { orders, outboxes, view, figures })
    }

    /// Sends a message to a member, if a stream to it is open and it is not too slow. Never waits.
    pub fn send(&self, to: &MemberKey, message: Vec<u8>) {
        if self.outboxes.send(to, message) != Sent::Queued {
            self.figures.lost_messages.inc();
        }
    }

    /// Publishes a message to the community; it is lost if the network is overloaded.
    pub fn publish(&self, message: Vec<u8>) {
        if self.orders.try_send(Order::Publish(message)).is_err() {
            self.figures.lost_messages.inc();
        }
    }

    /// Says what to do with a gossiped message. Blocks while the swarm is busy: not for async code.
    pub fn judge(&self, ticket: Ticket, verdict: Verdict) {
        self.order(Order::Judge { ticket, verdict });
    }

    /// Ends all connections with a member, and keeps it out for a while. Blocks like [`Network::judge`].
    pub fn drop_member(&self, member: MemberKey) {
        self.order(Order::Drop(member));
    }

    /// Tries to open a connection to a member; nothing happens if the network is overloaded.
    pub fn call(&self, member: MemberKey) {
        // Only a hint: it comes again.
        let _ = self.orders.try_send(Order::Call(member));
    }

    /// From now on these members may connect, nobody else. Blocks like [`Network::judge`].
    pub fn admit(&self, members: Vec<MemberKey>) {
        self.order(Order::Admit(members));
    }

    /// Who is connected, always up to date.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    fn order(&self, order: Order) {
        // The swarm ends only with the node; then nothing is left to be done.
        let _ = self.orders.blocking_send(order);
    }
}

/// libp2p shares its ports with other processes of the same user, so that it can call from the port at which it
/// listens. Two nodes at one port would each get some of the calls: find out before.
fn refuse_if_in_use(address: &Multiaddr) -> Result<(), NetworkError> {
    let bound = match socket(address) {
        Some((socket, Transport::Tcp)) => TcpListener::bind(socket).map(drop),
        Some((socket, Transport::Udp)) => UdpSocket::bind(socket).map(drop),
        None => Ok(()),
    };
    match bound {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(NetworkError::InUse { address: address.clone() }),
        Err(error) => Err(cant_listen(address, &error.to_string())),
        Ok(()) => Ok(()),
    }
}

fn cant_listen(address: &Multiaddr, reason: &str) -> NetworkError {
    NetworkError::CantListen { address: address.clone(), reason: reason.to_owned() }
}

/// What a connection goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tcp,
    Udp,
}

fn socket(address: &Multiaddr) -> Option<(SocketAddr, Transport)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((SocketAddr::new(ip, port), Transport::Tcp)),
        Protocol::Udp(port) => Some((SocketAddr::new(ip, port), Transport::Udp)),
        _ => None,
    }
}
