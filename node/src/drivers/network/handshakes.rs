//! Bounds on the handshakes of those who call us, by where they call from.
//!
//! Until the handshake has shown its key, whoever calls is a stranger, and may say nothing at all until it is timed
//! out. libp2p's own limits count such callers in all alone, so that a single one could take every place. Here an
//! address has a share, and so has what one household or one provider's customer holds of the address space.
//!
//! TCP and QUIC are counted apart: the sender of a first QUIC packet has not shown yet that its address is its own, and
//! libp2p does not ask. Who forges addresses keeps nobody from connecting over TCP.
//!
//! Not here: connections whose handshake is over (`behaviour` bounds those), and calls that this node makes itself
//! (`dialer`), which need none of these places.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::behaviour::ListenFailure;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    dummy,
};
use libp2p::{Multiaddr, PeerId};

use super::{Transport, socket};

/// Handshakes from one address, or from one /64 of IPv6, all of which any single machine may use. A handshake takes
/// some ms, so that even a street behind one router, whose power is back, is through in seconds.
const MAX_PER_ADDRESS: usize = 32;
/// Handshakes from one /24, or one /48 of IPv6, which a single customer is often given.
const MAX_PER_SITE: usize = 64;
/// Handshakes over one transport. Over TCP each holds a file: with all connections they stay well below the 1,024 that
/// many systems allow a process.
const MAX_PER_TRANSPORT: usize = 192;

/// Counts the handshakes under way, and turns away whoever is one too many.
#[derive(Default)]
pub(super) struct Behaviour {
    under_way: BTreeMap<ConnectionId, Caller>,
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Caller {
    over: Transport,
    ip: IpAddr,
}

/// Why a call was not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum TooMany {
    #[error("{MAX_PER_ADDRESS} handshakes with its address are under way")]
    FromAddress,
    #[error("{MAX_PER_SITE} handshakes with addresses beside its own are under way")]
    FromSite,
    #[error("{MAX_PER_TRANSPORT} handshakes are under way")]
    InAll,
    #[error("it comes neither over TCP nor over QUIC")]
    Unheard,
}

impl Behaviour {
    fn admit(&mut self, connection: ConnectionId, from: &Multiaddr) -> Result<(), TooMany> {
        let (socket, over) = socket(from).ok_or(TooMany::Unheard)?;
        let caller = Caller { over, ip: socket.ip() };
        if self.count(|other| other.over == over && other.address() == caller.address()) >= MAX_PER_ADDRESS {
            Err(TooMany::FromAddress)
        } else if self.count(|other| other.over == over && other.site() == caller.site()) >= MAX_PER_SITE {
            Err(TooMany::FromSite)
        } else if self.count(|other| other.over == over) >= MAX_PER_TRANSPORT {
            Err(TooMany::InAll)
        } else {
            self.under_way.insert(connection, caller);
            Ok(())
        }
    }

    /// There are so few that they are counted anew each time.
    fn count(&self, is_alike: impl Fn(&Caller) -> bool) -> usize {
        self.under_way.values().filter(|other| is_alike(other)).count()
    }
}

impl Caller {
    /// What one machine may use.
    fn address(&self) -> IpAddr {
        self.network(32, 64)
    }

    /// What one customer of a provider may have.
    fn site(&self) -> IpAddr {
        self.network(24, 48)
    }

    fn network(&self, bits_of_4: u32, bits_of_6: u32) -> IpAddr {
        match self.ip {
            IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & u32::MAX << (32 - bits_of_4)).into(),
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & u128::MAX << (128 - bits_of_6)).into(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: &Multiaddr,
        from: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.admit(connection, from).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.under_way.remove(&connection);
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        // Also where another part of the behaviour turned the caller away.
        if let FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) = event {
            self.under_way.remove(&connection_id);
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        libp2p::core::util::unreachable(event)
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use libp2p::swarm::ListenError;

    use super::*;

    /// How many of these calls are taken, and why the first of the others is not.
    fn taken(handshakes: &mut Behaviour, from: impl IntoIterator<Item = String>) -> (usize, Option<TooMany>) {
        let mut count = 0;
        for from in from {
            // Nothing ends in between, so the next number is new.
            let connection = ConnectionId::new_unchecked(handshakes.under_way.len());
            match handshakes.admit(connection, &from.parse().unwrap()) {
                Ok(()) => count += 1,
                Err(too_many) => return (count, Some(too_many)),
            }
        }
        (count, None)
    }

    fn new_ones(from: impl IntoIterator<Item = String>) -> (usize, Option<TooMany>) {
        taken(&mut Behaviour::default(), from)
    }

    #[test]
    fn an_address_a_site_and_all_together_have_their_share() {
        let port = |port| format!("/ip4/192.0.2.1/tcp/{port}");
        assert_eq!(new_ones((1..1_000).map(port)), (MAX_PER_ADDRESS, Some(TooMany::FromAddress)));
        let neighbours = |host| format!("/ip4/192.0.2.{}/tcp/1", host % 256);
        assert_eq!(new_ones((1..1_000).map(neighbours)), (MAX_PER_SITE, Some(TooMany::FromSite)));
        let sites = |site| format!("/ip4/10.0.{}.1/tcp/1", site % 256);
        assert_eq!(new_ones((1..1_000).map(sites)), (MAX_PER_TRANSPORT, Some(TooMany::InAll)));
        let machine = |host| format!("/ip6/2001:db8:0:7::{host:x}/udp/1/quic-v1");
        assert_eq!(new_ones((1..1_000).map(machine)), (MAX_PER_ADDRESS, Some(TooMany::FromAddress)));
        let customer = |network| format!("/ip6/2001:db8:0:{network:x}::1/udp/1/quic-v1");
        assert_eq!(new_ones((1..1_000).map(customer)), (MAX_PER_SITE, Some(TooMany::FromSite)));
        let customers = |site| format!("/ip6/2001:db8:{site:x}::1/udp/1/quic-v1");
        assert_eq!(new_ones((1..1_000).map(customers)), (MAX_PER_TRANSPORT, Some(TooMany::InAll)));
        assert_eq!(new_ones(["/memory/1".to_owned()]), (0, Some(TooMany::Unheard)));
    }

    #[test]
    fn whoever_takes_its_share_takes_it_from_nobody_else() {
        let mut handshakes = Behaviour::default();
        let stranger = |port| format!("/ip4/192.0.2.1/tcp/{port}");
        taken(&mut handshakes, (1..1_000).map(stranger));
        let others = ["/ip4/192.0.2.2/tcp/1", "/ip4/192.0.2.1/udp/1/quic-v1", "/ip6/2001:db8::1/tcp/1"];
        assert_eq!(taken(&mut handshakes, others.map(str::to_owned)), (3, None));
        // Forged addresses fill one transport alone.
        let forged = |site: u32| format!("/ip4/{}/udp/1/quic-v1", Ipv4Addr::from_bits(site << 8));
        assert_eq!(taken(&mut handshakes, (1..1_000).map(forged)).1, Some(TooMany::InAll));
        assert_eq!(taken(&mut handshakes, ["/ip4/198.51.100.1/tcp/1".to_owned()]), (1, None));
    }

    #[test]
    fn a_place_is_free_again_however_the_handshake_ends() {
        let address: Multiaddr = "/ip4/192.0.2.1/tcp/1".parse().unwrap();
        let mut handshakes = Behaviour::default();
        for number in 0..10 * MAX_PER_ADDRESS {
            let connection = ConnectionId::new_unchecked(number);
            handshakes.handle_pending_inbound_connection(connection, &address, &address).unwrap();
            if number % 2 == 0 {
                let peer = PeerId::random();
                handshakes.handle_established_inbound_connection(connection, peer, &address, &address).unwrap();
            } else {
                handshakes.on_swarm_event(FromSwarm::ListenFailure(ListenFailure {
                    local_addr: &address,
                    send_back_addr: &address,
                    error: &ListenError::Aborted,
                    connection_id: connection,
                    peer_id: None,
                }));
            }
        }
        assert!(handshakes.under_way.is_empty());
    }
}
