//! What the node speaks with its peers, put together from libp2p's parts, and every bound on it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, IdentTopic, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, TopicScoreParams,
    ValidationMode, WhitelistSubscriptionFilter,
};
use libp2p::identity::Keypair;
use libp2p::kad::{self, store::MemoryStore};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, identify, mdns, noise, ping, tcp, yamux};
use libp2p::{Swarm, SwarmBuilder};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::handshakes;
use crate::protocol::ids::CommunityId;
use crate::protocol::limits::MAX_GOSSIP_BYTES;

/// Connections in all. Below the 1,024 files that many systems allow a process, with room for the database and HTTP.
const MAX_CONNECTIONS: u32 = 512;
/// Connections to one peer: both sides may call at once, over TCP and over QUIC.
const MAX_CONNECTIONS_PER_PEER: u32 = 4;
/// Calls of ours that may be under way, those of the dialer and those of Kademlia. For calls of others see
/// `handshakes`.
const MAX_CALLS: u32 = 64;
/// A call, whoever makes it, must show its key within this; the same as libp2p's own bound over QUIC. An honest
/// handshake takes two or three round trips; a silent stranger holds its place no longer.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// A connection on which nothing is open ends after this.
const IDLE: Duration = Duration::from_secs(30);
/// How often a connection is tried.
const PING: Duration = Duration::from_secs(12);
/// One that gives no answer within this, twice in a row, ends: libp2p lets the first time pass. So a dead connection is
/// gone after 34 s at most, when the protocol takes a member for gone that it does not hear.
const PING_ANSWER: Duration = Duration::from_secs(5);
/// Room beside the longest message: gossipsub's overhead, and what has been read along with it of the messages behind
/// it (8 KiB at a time). Gossipsub counts that too, and ends the stream, with all that waits, where it is too much.
const GOSSIP_FRAME: usize = 16 * 1_024;
/// Messages that may wait for one peer before gossip drops some.
const GOSSIP_QUEUE: usize = 1_024;
/// How long a message's id is remembered, so that it is not handled twice.
const GOSSIP_MEMORY: Duration = Duration::from_secs(120);
/// How often peers are asked for peers that are not known yet.
const LOOK_FOR_PEERS: Duration = Duration::from_secs(5 * 60);

/// All that the node speaks. The first three parts keep everybody out who is no member, or one too many, before any
/// other part hears of a connection.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) members: allow_block_list::Behaviour<AllowedPeers>,
    pub(super) limits: connection_limits::Behaviour,
    pub(super) handshakes: handshakes::Behaviour,
    pub(super) gossip: Gossip,
    pub(super) streams: libp2p_stream::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) kad: kad::Behaviour<MemoryStore>,
    pub(super) mdns: Toggle<mdns::tokio::Behaviour>,
}

type Gossip = gossipsub::Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

/// The one topic of a community: gossipsub allows a hundred, and a topic for each slot would be more.
pub(super) fn topic(community: CommunityId) -> IdentTopic {
    IdentTopic::new(format!("wattswap/1/{community}"))
}

/// A swarm that speaks all this over TCP (with Noise and Yamux) and QUIC.
pub(super) fn swarm(
    identity: Keypair,
    community: CommunityId,
    with_mdns: bool,
) -> Result<Swarm<Behaviour>, Box<dyn std::error::Error + Send + Sync>> {
    let behaviour = behaviour(&identity, community, with_mdns)?;
    let swarm = SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_quic()
        .with_behaviour(|_| behaviour)?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .with_connection_timeout(HANDSHAKE)
        .build();
    Ok(swarm)
}

fn behaviour(
    identity: &Keypair,
    community: CommunityId,
    with_mdns: bool,
) -> Result<Behaviour, Box<dyn std::error::Error + Send + Sync>> {
    let me = identity.public().to_peer_id();
    let limits = ConnectionLimits::default()
        .with_max_pending_outgoing(Some(MAX_CALLS))
        .with_max_established(Some(MAX_CONNECTIONS))
        .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER));
    let identify = identify::Config::new("/wattswap/1".to_owned(), identity.public())
        .with_agent_version(concat!("wattswap/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_push_listen_addr_updates(true);
    Ok(Behaviour {
        members: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        handshakes: handshakes::Behaviour::default(),
        gossip: gossip(community)?,
        streams: libp2p_stream::Behaviour::new(),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING).with_timeout(PING_ANSWER)),
        kad: kad(me),
        mdns: with_mdns.then(|| mdns(me)).flatten().into(),
    })
}

/// Entries are signed already and must not be told apart by who passed them on, so messages are anonymous. Their id is
/// the hash of the exact bytes: a copy with a bad signature can't shadow the good one.
fn gossip(community: CommunityId) -> Result<Gossip, Box<dyn std::error::Error + Send + Sync>> {
    let topic = topic(community);
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(MAX_GOSSIP_BYTES + GOSSIP_FRAME)
        .connection_handler_queue_len(GOSSIP_QUEUE)
        .duplicate_cache_time(GOSSIP_MEMORY)
        .build()?;
    let only_ours = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, only_ours)?;
    gossip.with_peer_score(scores(&topic), PeerScoreThresholds::default())?;
    gossip.subscribe(&topic)?;
    Ok(gossip)
}

pub(super) fn message_id(message: &gossipsub::Message) -> MessageId {
    MessageId::new(&Sha256::digest(&message.data))
}

/// What counts against a peer: messages that no honest node passes on, and abuse of gossipsub itself. What does not:
/// silence, since a community is silent at night, and sharing an address, since neighbours may share a router and
/// every member has one key.
fn scores(topic: &IdentTopic) -> PeerScoreParams {
    let params = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // Three bad messages in short order: no more gossip to that peer; nine: none from it.
        invalid_message_deliveries_weight: -1.0,
        invalid_message_deliveries_decay: 0.9,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: HashMap::from([(topic.hash(), params)]),
        ip_colocation_factor_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

/// Finds the addresses of members: each node knows some, and can be asked. Nothing is stored for others.
fn kad(me: libp2p::PeerId) -> kad::Behaviour<MemoryStore> {
    let mut config = kad::Config::new(StreamProtocol::new("/wattswap/1/kad"));
    config
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_periodic_bootstrap_interval(Some(LOOK_FOR_PEERS));
    let mut kad = kad::Behaviour::with_config(me, MemoryStore::new(me), config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

/// None where the machine has no network to multicast in: the node does without.
fn mdns(me: libp2p::PeerId) -> Option<mdns::tokio::Behaviour> {
    mdns::tokio::Behaviour::new(mdns::Config::default(), me)
        .inspect_err(|error| warn!(%error, "no multicast DNS: neighbours in the home network are not found by it"))
        .ok()
}
