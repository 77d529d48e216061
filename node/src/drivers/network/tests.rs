//! Nodes on loopback, over real TCP and QUIC.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures::StreamExt as _;
use futures::io::AsyncWriteExt as _;
use libp2p::gossipsub::MessageId;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, gossipsub, identify};
use sha2::{Digest as _, Sha256};
use tokio::task::block_in_place;
use tokio::time::timeout;

use super::behaviour::{Behaviour, BehaviourEvent};
use super::link::PROTOCOL;
use super::{Network, NetworkError, behaviour, identity};
use crate::config;
use crate::drivers::inbox::{Inputs, inbox};
use crate::drivers::keys::HouseholdKey;
use crate::drivers::telemetry::Figures;
use crate::protocol::household::io::{Input, Ticket, Verdict};
use crate::protocol::ids::{CommunityId, MemberKey};
use crate::protocol::limits::{MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES};

const COMMUNITY: CommunityId = CommunityId([7; 32]);
const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

struct Node {
    me: MemberKey,
    network: Network,
    inputs: Inputs,
}

fn key(seed: u8) -> HouseholdKey {
    HouseholdKey::from_secret(SigningKey::from_bytes(&[seed; 32]))
}

/// Members by the order of their keys: the first one opens the streams.
fn in_order() -> [u8; 3] {
    let mut seeds = [1, 2, 3];
    seeds.sort_by_key(|seed| key(*seed).member());
    seeds
}

fn settings(listen: &str, bootstrap: &[Multiaddr]) -> config::Network {
    config::Network { listen: vec![listen.parse().unwrap()], bootstrap: bootstrap.to_vec(), mdns: false }
}

impl Node {
    async fn start(seed: u8, listen: &str, bootstrap: &[Multiaddr]) -> Self {
        let (inbox, inputs) = inbox();
        let identity = key(seed).identity();
        let network =
            Network::start(identity, COMMUNITY, &settings(listen, bootstrap), inbox, Figures::default()).unwrap();
        let mut view = network.view();
        view.wait_for(|view| !view.listening.is_empty()).await.unwrap();
        Self { me: key(seed).member(), network, inputs }
    }

    fn address(&self) -> Multiaddr {
        self.network.view().borrow().listening[0].clone()
    }

    fn admit(&self, members: &[MemberKey]) {
        block_in_place(|| self.network.admit(members.to_vec()));
    }

    fn judge(&self, ticket: Ticket, verdict: Verdict) {
        block_in_place(|| self.network.judge(ticket, verdict));
    }

    /// The next input of which `wanted` makes something; others are passed over.
    async fn next<T>(&mut self, mut wanted: impl FnMut(Input) -> Option<T>) -> T {
        let look = async {
            loop {
                let mut taken = Vec::new();
                self.inputs.take(&mut taken, 1).await.expect("the network has ended");
                if let Some(found) = wanted(taken.remove(0).input) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, look).await.expect("nothing of the kind came")
    }

    async fn connected(&mut self, to: MemberKey) {
        self.next(|input| matches!(input, Input::Connected(member) if member == to).then_some(())).await;
    }

    async fn disconnected(&mut self, from: MemberKey) {
        self.next(|input| matches!(input, Input::Disconnected(member) if member == from).then_some(())).await;
    }

    async fn message(&mut self, sender: MemberKey) -> Vec<u8> {
        self.next(|input| match input {
            Input::Message { from, bytes } if from == sender => Some(bytes),
            _ => None,
        })
        .await
    }

    async fn gossip(&mut self) -> (Ticket, MemberKey, Vec<u8>) {
        self.next(|input| match input {
            Input::Gossip { ticket, from, bytes } => Some((ticket, from, bytes)),
            _ => None,
        })
        .await
    }

    /// Waits until gossip reaches this node: its subscription must have come around first.
    async fn hears(&mut self, from: &Node) {
        for number in 0_u64.. {
            from.network.publish(format!("hello {number}").into_bytes());
            if let Ok((ticket, _, _)) = timeout(Duration::from_millis(200), self.gossip()).await {
                self.judge(ticket, Verdict::Accept);
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_talk_over_one_stream_whoever_calls_and_over_either_transport() {
    let [small, large, _] = in_order();
    for (transport, caller, called) in
        [(TCP, small, large), (TCP, large, small), (QUIC, small, large), (QUIC, large, small)]
    {
        let mut called = Node::start(called, transport, &[]).await;
        let mut caller = Node::start(caller, transport, &[called.address()]).await;
        called.admit(&[called.me, caller.me]);
        caller.admit(&[called.me, caller.me]);
        caller.connected(called.me).await;
        called.connected(caller.me).await;
        for size in [0, 1, 100_000, MAX_MESSAGE_BYTES] {
            let (there, back) = (vec![1; size], vec![2; size]);
            caller.network.send(&called.me, there.clone());
            called.network.send(&caller.me, back.clone());
            assert!(called.message(caller.me).await == there, "{size} bytes over {transport}");
            assert!(caller.message(called.me).await == back, "{size} bytes over {transport}");
        }
        // In order, and none lost, as long as the other side reads.
        for number in 0..500_u16 {
            caller.network.send(&called.me, number.to_be_bytes().to_vec());
        }
        for number in 0..500_u16 {
            assert_eq!(called.message(caller.me).await, number.to_be_bytes());
        }
        drop(caller);
        let gone = key(if called.me == key(small).member() { large } else { small }).member();
        called.disconnected(gone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_goes_on_only_if_it_was_accepted() {
    let [a, b, c] = in_order();
    let mut middle = Node::start(b, TCP, &[]).await;
    let mut left = Node::start(a, TCP, &[middle.address()]).await;
    let mut right = Node::start(c, TCP, &[middle.address()]).await;
    // The outer two don't admit each other, so everything between them goes through the middle.
    middle.admit(&[left.me, right.me]);
    left.admit(&[middle.me]);
    right.admit(&[middle.me]);
    left.connected(middle.me).await;
    right.connected(middle.me).await;
    middle.hears(&left).await;
    right.hears(&middle).await;

    for verdict in [Verdict::Reject, Verdict::Ignore] {
        let text = format!("{verdict:?}").into_bytes();
        left.network.publish(text.clone());
        let (ticket, from, bytes) = heard(&mut middle).await;
        assert_eq!((from, bytes), (left.me, text));
        middle.judge(ticket, verdict);
    }
    let longest = vec![9; MAX_GOSSIP_BYTES];
    left.network.publish(longest.clone());
    let (ticket, _, _) = heard(&mut middle).await;
    middle.judge(ticket, Verdict::Accept);
    let (_, from, bytes) = heard(&mut right).await;
    assert!(from == middle.me && bytes == longest, "something else came: {:?}", String::from_utf8_lossy(&bytes));
}

/// The next gossip that is no greeting of a test's beginning.
async fn heard(node: &mut Node) -> (Ticket, MemberKey, Vec<u8>) {
    loop {
        let (ticket, from, bytes) = node.gossip().await;
        if !bytes.starts_with(b"hello") {
            return (ticket, from, bytes);
        }
        node.judge(ticket, Verdict::Accept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_know_only_a_third_find_each_other() {
    let [a, b, c] = in_order();
    let known = Node::start(b, TCP, &[]).await;
    let mut left = Node::start(a, TCP, &[known.address()]).await;
    let mut right = Node::start(c, TCP, &[known.address()]).await;
    for node in [&known, &left, &right] {
        node.admit(&[known.me, left.me, right.me]);
    }
    let (one, other) = (left.me, right.me);
    tokio::join!(left.connected(other), right.connected(one));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_call_each_other_at_once_end_with_one_stream_and_find_each_other_again() {
    let [a, b, _] = in_order();
    let one = Node::start(a, TCP, &[]).await;
    let address = one.address();
    drop(one);
    let mut other = Node::start(b, TCP, std::slice::from_ref(&address)).await;
    let mut one = Node::start(a, &address.to_string(), &[other.address()]).await;
    for node in [&one, &other] {
        node.admit(&[one.me, other.me]);
    }
    let (one_key, other_key) = (one.me, other.me);
    tokio::join!(one.connected(other_key), other.connected(one_key));
    one.network.send(&other_key, b"first".to_vec());
    assert_eq!(other.message(one_key).await, b"first");
    drop(one);
    other.disconnected(one_key).await;
    let mut again = Node::start(a, &address.to_string(), &[]).await;
    again.admit(&[other_key]);
    tokio::join!(again.connected(other_key), other.connected(one_key));
    other.network.send(&one_key, b"second".to_vec());
    assert_eq!(again.message(other_key).await, b"second");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_admitted_no_longer_is_disconnected() {
    let [a, b, _] = in_order();
    let mut one = Node::start(a, TCP, &[]).await;
    let mut other = Node::start(b, TCP, &[one.address()]).await;
    one.admit(&[other.me]);
    other.admit(&[one.me]);
    one.connected(other.me).await;
    one.admit(&[]);
    one.disconnected(other.me).await;
    other.disconnected(one.me).await;
    one.admit(&[other.me]);
    one.connected(other.me).await;
}

/// A libp2p peer that keeps to no rules of ours.
struct Stranger(Swarm<Behaviour>);

impl Stranger {
    fn new(seed: u8, node: &Node) -> Self {
        let mut swarm = behaviour::swarm(key(seed).identity(), COMMUNITY, false).unwrap();
        swarm.behaviour_mut().members.allow_peer(identity::peer_id(&node.me).unwrap());
        swarm.dial(node.address()).unwrap();
        Self(swarm)
    }

    /// Goes on until the connection ends; fails if anything was served on it.
    async fn is_refused(&mut self) {
        let look = async {
            loop {
                match self.0.select_next_some().await {
                    SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => return,
                    SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { .. })) => {
                        panic!("a stranger was told who we are");
                    }
                    SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Subscribed { .. })) => {
                        panic!("a stranger was let into the gossip");
                    }
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, look).await.expect("the connection was kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_served_nothing() {
    let [a, b, c] = in_order();
    let mut node = Node::start(a, TCP, &[]).await;
    node.admit(&[key(b).member()]);
    Stranger::new(c, &node).is_refused().await;
    // A member still is, and nobody else was heard of in between.
    let member = Node::start(b, TCP, &[node.address()]).await;
    member.admit(&[node.me]);
    let connected = node.next(|input| match input {
        Input::Connected(member) => Some(member),
        other => panic!("something came of the stranger: {other:?}"),
    });
    assert_eq!(connected.await, member.me);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_announces_a_message_without_end_is_kept_out() {
    let [a, _, c] = in_order();
    // The stranger has the larger key, so the node opens the stream and the stranger answers on it.
    let mut node = Node::start(a, TCP, &[]).await;
    let bad = key(c).member();
    node.admit(&[bad]);
    let mut stranger = Stranger::new(c, &node);
    let mut streams = stranger.0.behaviour().streams.new_control().accept(PROTOCOL).unwrap();
    let (_, mut stream) = loop {
        tokio::select! {
            _ = stranger.0.select_next_some() => {}
            stream = streams.next() => break stream.unwrap(),
        }
    };
    node.connected(bad).await;
    let write = async {
        stream.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    };
    let go_on = async {
        loop {
            if let SwarmEvent::ConnectionClosed { .. } = stranger.0.select_next_some().await {
                return;
            }
        }
    };
    timeout(PATIENCE, async { tokio::join!(write, go_on) }).await.expect("the connection was kept");
    node.disconnected(bad).await;
    Stranger::new(c, &node).is_refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_in_use_is_refused_by_name() {
    let node = Node::start(1, TCP, &[]).await;
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = [
        node.address().to_string(),
        format!("/ip4/127.0.0.1/tcp/{}", tcp.local_addr().unwrap().port()),
        format!("/ip4/127.0.0.1/udp/{}/quic-v1", udp.local_addr().unwrap().port()),
    ];
    for address in taken {
        let (inbox, _inputs) = inbox();
        let started = Network::start(key(2).identity(), COMMUNITY, &settings(&address, &[]), inbox, Figures::default());
        let Err(NetworkError::InUse { address: named }) = started else { panic!("{address} was taken twice") };
        assert_eq!(named.to_string(), address);
    }
    for nonsense in ["/ip4/203.0.113.1/tcp/4000", "/dns4/localhost/tcp/0", "/ip4/127.0.0.1/sctp/1"] {
        let (inbox, _inputs) = inbox();
        let started = Network::start(key(2).identity(), COMMUNITY, &settings(nonsense, &[]), inbox, Figures::default());
        assert!(matches!(started, Err(NetworkError::CantListen { .. })), "{nonsense}");
    }
}

#[tokio::test]
async fn a_message_is_known_by_its_exact_bytes() {
    let mut swarm = behaviour::swarm(key(1).identity(), COMMUNITY, false).unwrap();
    let mut publish = |bytes: &[u8]| {
        let topic = super::behaviour::topic(COMMUNITY);
        swarm.behaviour_mut().gossip.publish(topic, bytes)
    };
    // Nobody listens, so nothing is published; but what is too long is refused before that.
    assert!(matches!(publish(&vec![0; MAX_GOSSIP_BYTES]), Err(gossipsub::PublishError::NoPeersSubscribedToTopic)));
    assert!(matches!(publish(&vec![0; MAX_GOSSIP_BYTES * 2]), Err(gossipsub::PublishError::MessageTooLarge)));
    let message = gossipsub::Message {
        source: None,
        data: b"exact".to_vec(),
        sequence_number: None,
        topic: super::behaviour::topic(COMMUNITY).hash(),
    };
    let id = behaviour::message_id(&message);
    assert_eq!(id, MessageId::new(&Sha256::digest(b"exact")));
}
