//! A libp2p peer with a household's key that speaks the node's protocols by hand, and keeps to no rules.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io;
use std::time::Duration;

use futures::StreamExt as _;
use futures::io::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, ping, tcp, yamux};
use libp2p_stream::Control;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wattswap_node::protocol::message::Message;

/// The protocol of the one stream between two members.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/wattswap/1/peer");
/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Messages that may wait to be published.
const MAX_WAITING: usize = 64;

#[derive(NetworkBehaviour)]
struct Behaviour {
    streams: libp2p_stream::Behaviour,
    gossip: gossipsub::Behaviour,
    /// Whoever does not answer pings is taken for dead.
    ping: ping::Behaviour,
}

/// The peer, once it is connected, with its stream open.
pub struct Rogue {
    stream: Stream,
    gossip: mpsc::Sender<Vec<u8>>,
    control: Control,
    node: PeerId,
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// The node ended the connection.
    #[error("the node ended the connection: {0}")]
    Refused(String),
    /// It took too long.
    #[error("nothing came of it in {} s", PATIENCE.as_secs())]
    TooLate,
    /// libp2p did not start, or the address is none.
    #[error("the peer did not start: {0}")]
    NotStarted(String),
}

impl Rogue {
    /// Calls the node at `address` and opens the stream with it; whichever side has to open it, by their keys.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn connect(identity: Keypair, community: &str, address: &str) -> Result<Self, NotServed> {
        let mut swarm = swarm(identity, community).map_err(|error| NotServed::NotStarted(error.to_string()))?;
        let address: Multiaddr = address.parse().map_err(|error| NotServed::NotStarted(format!("{error}")))?;
        let mut control = swarm.behaviour().streams.new_control();
        let mut incoming = control.accept(PROTOCOL).map_err(|error| NotServed::NotStarted(error.to_string()))?;
        swarm.dial(address).map_err(|error| NotServed::NotStarted(error.to_string()))?;
        let me = *swarm.local_peer_id();
        let open = async {
            loop {
                tokio::select! {
                    event = swarm.select_next_some() => match event {
                        SwarmEvent::ConnectionEstablished { peer_id, .. } if key(&me) < key(&peer_id) => {
                            let opened = control.open_stream(peer_id, PROTOCOL);
                            tokio::pin!(opened);
                            loop {
                                tokio::select! {
                                    stream = &mut opened => {
                                        let refused = |error| NotServed::Refused(format!("{error}"));
                                        return stream.map(|stream| (peer_id, stream)).map_err(refused);
                                    }
                                    event = swarm.select_next_some() => refused(&event)?,
                                }
                            }
                        }
                        event => refused(&event)?,
                    },
                    Some(accepted) = incoming.next() => return Ok(accepted),
                }
            }
        };
        let (node, stream) = timeout(PATIENCE, open).await.map_err(|_| NotServed::TooLate)??;
        let (gossip, waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(drive(swarm, topic(community), waiting));
        Ok(Self { stream, gossip, control, node })
    }

    /// Whether the node takes a stream of another protocol.
    pub async fn speaks(&mut self, protocol: &'static str) -> bool {
        self.control.open_stream(self.node, StreamProtocol::new(protocol)).await.is_ok()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the node has ended the stream.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends bytes as one message, its length in front.
    ///
    /// # Errors
    /// If the node has ended the stream.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let length = u32::try_from(message.len()).map_err(io::Error::other)?;
        self.send_raw(&[&length.to_be_bytes(), message].concat()).await
    }

    /// Publishes bytes to the community, as soon as the node listens.
    pub async fn publish(&mut self, bytes: Vec<u8>) {
        // The receiver goes only with this.
        let _ = self.gossip.send(bytes).await;
    }

    /// Reads messages until one is the one that is looked for. None if the node ends the stream first.
    ///
    /// # Errors
    /// [`NotServed::TooLate`].
    pub async fn hear<T>(&mut self, mut wanted: impl FnMut(Message) -> Option<T>) -> Result<Option<T>, NotServed> {
        let listen = async {
            loop {
                let mut length = [0; 4];
                if self.stream.read_exact(&mut length).await.is_err() {
                    return None;
                }
                let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
                if self.stream.read_exact(&mut bytes).await.is_err() {
                    return None;
                }
                let message = Message::decode(&bytes).expect("a node sends what it can read itself");
                if let Some(found) = wanted(message) {
                    return Some(found);
                }
            }
        };
        timeout(PATIENCE, listen).await.map_err(|_| NotServed::TooLate)
    }
}

/// Whether a question to the node at `address` gets its answer. A connection may look open for a moment before it is
/// refused.
///
/// # Errors
/// [`NotServed`], unless the node has ended the connection.
pub async fn is_served(identity: Keypair, community: &str, address: &str) -> Result<bool, NotServed> {
    match Rogue::connect(identity, community, address).await {
        Ok(mut rogue) => {
            // The answer, or its absence, says what there is to say.
            let _ = rogue.send(&Message::GetBeacon.encode()).await;
            let answer = rogue.hear(|message| matches!(message, Message::Beacon(_)).then_some(())).await?;
            Ok(answer.is_some())
        }
        Err(NotServed::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The order of members' keys, which says who opens the stream.
fn key(peer: &PeerId) -> Option<wattswap_node::protocol::ids::MemberKey> {
    wattswap_node::drivers::network::identity::member(peer)
}

fn refused(event: &SwarmEvent<BehaviourEvent>) -> Result<(), NotServed> {
    match event {
        SwarmEvent::ConnectionClosed { cause, .. } => Err(NotServed::Refused(format!("{cause:?}"))),
        SwarmEvent::OutgoingConnectionError { error, .. } => Err(NotServed::Refused(error.to_string())),
        _ => Ok(()),
    }
}

/// Keeps the connection going, and publishes what waits.
async fn drive(mut swarm: Swarm<Behaviour>, topic: IdentTopic, mut waiting: mpsc::Receiver<Vec<u8>>) {
    loop {
        let has_listeners = swarm.behaviour().gossip.all_peers().any(|(_, topics)| !topics.is_empty());
        tokio::select! {
            _ = swarm.select_next_some() => {}
            bytes = waiting.recv(), if has_listeners => match bytes {
                // What is too long for gossipsub itself can't be sent; everything else is.
                Some(bytes) => drop(swarm.behaviour_mut().gossip.publish(topic.clone(), bytes)),
                None => return,
            },
        }
    }
}

fn topic(community: &str) -> IdentTopic {
    IdentTopic::new(format!("wattswap/1/{community}"))
}

fn swarm(
    identity: Keypair,
    community: &str,
) -> Result<Swarm<Behaviour>, Box<dyn std::error::Error + Send + std::marker::Sync>> {
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .max_transmit_size(1024 * 1024)
        // The usual one is the same for all anonymous messages, and what has a known name is not sent.
        .message_id_fn(|message| {
            MessageId::new(&BuildHasherDefault::<DefaultHasher>::default().hash_one(&message.data).to_be_bytes())
        })
        .build()?;
    let mut gossip = gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config)?;
    gossip.subscribe(&topic(community))?;
    let behaviour = Behaviour { streams: libp2p_stream::Behaviour::new(), gossip, ping: ping::Behaviour::default() };
    Ok(SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
        .with_quic()
        .with_behaviour(|_| behaviour)?
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build())
}
