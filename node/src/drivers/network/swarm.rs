//! The one task that owns the connections.
//!
//! It waits for nobody: what finds no room in the loop's inbox is dropped, and the streams to peers are tasks of
//! their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use libp2p::gossipsub::{IdentTopic, MessageAcceptance, MessageId, PublishError};
use libp2p::kad::store::MemoryStore;
use libp2p::kad::{GetClosestPeersOk, QueryResult};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, Swarm, gossipsub, identify, kad, mdns, ping};
use libp2p_stream::{Control, IncomingStreams};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{debug, info, warn};

use super::behaviour::{Behaviour, BehaviourEvent, topic};
use super::dialer::{Call, Dialer, MAX_ADDRESSES, resolve};
use super::link::{Ends, Link, PROTOCOL};
use super::outboxes::Outboxes;
use super::{Connected, Order, View, identity};
use crate::drivers::clock;
use crate::drivers::inbox::{Inbox, Places};
use crate::drivers::telemetry::Figures;
use crate::protocol::household::io::{Input, Ticket, Verdict};
use crate::protocol::ids::{CommunityId, MemberKey};

/// How often it is looked whom to call.
const CALL_EVERY: Duration = Duration::from_millis(500);
/// Every so many of those, peers are asked for the addresses of members that nobody told us of.
const ASK_EVERY: u64 = 20;
/// Members whose addresses are asked for at a time.
const MAX_ASKED: usize = 4;
/// How long a member that broke the protocol is kept out: long enough that it can't keep us busy, short enough that
/// a mended one is soon back.
const KEEP_OUT: Duration = Duration::from_secs(60);
/// Gossip that waits for its verdict; the loop's inbox holds no more.
const MAX_UNJUDGED: usize = 2_048;
/// Addresses of a member that others are told of: where it listens, as of now and as of lately, and where it was called.
const MAX_TOLD: usize = 4 * MAX_ADDRESSES;
/// Members that broke the framing and wait to be dropped.
const MAX_BROKEN: usize = 64;

/// Owns the swarm. See the module's text.
pub(super) struct Worker {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    control: Control,
    incoming: IncomingStreams,
    dialer: Dialer,
    resolving: JoinSet<Call>,
    me: MemberKey,
    /// Members that may connect, by the name that the network has for them.
    admitted: BTreeMap<PeerId, MemberKey>,
    /// Members that are kept out, until when.
    kept_out: BTreeMap<PeerId, Instant>,
    links: BTreeMap<PeerId, Link>,
    connections: BTreeMap<PeerId, Peer>,
    unjudged: BTreeMap<Ticket, (MessageId, PeerId)>,
    tickets: u64,
    ticks: u64,
    /// Members that are wanted and whose addresses were asked for since the last tick.
    lookups: usize,
    inbox: Inbox,
    outboxes: Outboxes,
    broken: (mpsc::Sender<MemberKey>, mpsc::Receiver<MemberKey>),
    show: watch::Sender<Arc<View>>,
    figures: Figures,
}

/// The connections with one peer.
struct Peer {
    addresses: BTreeMap<ConnectionId, Multiaddr>,
    connected: Connected,
}

impl Worker {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        community: CommunityId,
        bootstrap: &[Multiaddr],
        inbox: Inbox,
        outboxes: Outboxes,
        show: watch::Sender<Arc<View>>,
        figures: Figures,
    ) -> Self {
        let mut control = swarm.behaviour().streams.new_control();
        let incoming = control.accept(PROTOCOL).expect("nobody else accepts this protocol");
        let peer = *swarm.local_peer_id();
        Self {
            dialer: Dialer::new(peer, bootstrap, Instant::now()),
            me: identity::member(&peer).expect("a household's key is an Ed25519 key"),
            swarm,
            topic: topic(community),
            control,
            incoming,
            resolving: JoinSet::new(),
            admitted: BTreeMap::new(),
            kept_out: BTreeMap::new(),
            links: BTreeMap::new(),
            connections: BTreeMap::new(),
            unjudged: BTreeMap::new(),
            tickets: 0,
            ticks: 0,
            lookups: 0,
            inbox,
            outboxes,
            broken: mpsc::channel(MAX_BROKEN),
            show,
            figures,
        }
    }

    /// Works until the loop has no more orders.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut tick = interval(CALL_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return debug!("the network ends"),
                },
                event = self.swarm.select_next_some() => self.note(event),
                Some((peer, stream)) = self.incoming.next() => self.accept(peer, stream),
                Some(member) = self.broken.1.recv() => self.drop_member(&member),
                Some(Ok(call)) = self.resolving.join_next() => self.call(call),
                _ = tick.tick() => self.tick(),
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Publish(message) => self.publish(message),
            Order::Judge { ticket, verdict } => self.judge(ticket, verdict),
            Order::Drop(member) => self.drop_member(&member),
            Order::Call(member) => self.want(&member),
            Order::Admit(members) => self.admit(members),
        }
    }

    fn publish(&mut self, message: Vec<u8>) {
        match self.swarm.behaviour_mut().gossip.publish(self.topic.hash(), message) {
            // Alone, or said before: sync brings it to whoever comes later.
            Ok(_) | Err(PublishError::NoPeersSubscribedToTopic | PublishError::Duplicate) => {}
            Err(error) => {
                debug!(%error, "a message was not published");
                self.figures.lost_messages.inc();
            }
        }
    }

    fn judge(&mut self, ticket: Ticket, verdict: Verdict) {
        let Some((message, peer)) = self.unjudged.remove(&ticket) else { return };
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => {
                self.figures.rejected_gossip.inc();
                MessageAcceptance::Reject
            }
        };
        self.swarm.behaviour_mut().gossip.report_message_validation_result(&message, &peer, acceptance);
    }

    fn admit(&mut self, members: Vec<MemberKey>) {
        let others = members.into_iter().filter(|member| *member != self.me);
        let admitted: BTreeMap<PeerId, MemberKey> =
            others.filter_map(|member| Some((identity::peer_id(&member)?, member))).collect();
        let before: BTreeSet<PeerId> = self.admitted.keys().copied().collect();
        for peer in before.iter().filter(|peer| !admitted.contains_key(peer)) {
            self.swarm.behaviour_mut().members.disallow_peer(*peer);
            self.swarm.behaviour_mut().kad.remove_peer(peer);
        }
        for peer in admitted.keys().filter(|peer| !self.kept_out.contains_key(peer)) {
            self.swarm.behaviour_mut().members.allow_peer(*peer);
        }
        self.admitted = admitted;
        self.dialer.keep(|peer| self.admitted.contains_key(peer));
    }

    fn drop_member(&mut self, member: &MemberKey) {
        let Some(peer) = identity::peer_id(member) else { return };
        warn!(%member, "a member broke the protocol: it is kept out for {} s", KEEP_OUT.as_secs());
        self.kept_out.insert(peer, Instant::now() + KEEP_OUT);
        // Ends its connections, too.
        self.swarm.behaviour_mut().members.disallow_peer(peer);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.kept_out.retain(|peer, until| {
            let is_over = *until <= now;
            if is_over && self.admitted.contains_key(peer) {
                self.swarm.behaviour_mut().members.allow_peer(*peer);
            }
            !is_over
        });
        self.lookups = 0;
        self.make_calls();
        self.ticks += 1;
        if self.ticks.is_multiple_of(ASK_EVERY) {
            self.ask_for_addresses();
        }
    }

    /// Somebody whose order suits us is called whoever else is connected, and at once.
    fn want(&mut self, member: &MemberKey) {
        let Some(peer) = identity::peer_id(member).filter(|peer| self.admitted.contains_key(peer)) else { return };
        self.dialer.want(peer, Instant::now());
        if !self.dialer.knows(&peer) && self.lookups < MAX_ASKED {
            self.lookups += 1;
            self.swarm.behaviour_mut().kad.get_closest_peers(peer);
        }
        self.make_calls();
    }

    fn make_calls(&mut self) {
        let now = Instant::now();
        let swarm = &self.swarm;
        let due = self.dialer.due(now, self.connections.len(), |peer| swarm.is_connected(peer));
        for call in due {
            self.resolving.spawn(resolve(call));
        }
    }

    fn ask_for_addresses(&mut self) {
        let is_unknown = |peer: &&PeerId| !self.connections.contains_key(peer) && !self.dialer.knows(peer);
        let unknown = self.admitted.keys().filter(is_unknown).copied();
        // Others each time, so that a few that are never found don't stand in the way.
        let skipped = usize::try_from(self.ticks / ASK_EVERY).unwrap_or(0) * MAX_ASKED;
        let count = unknown.clone().count();
        let asked: Vec<PeerId> = unknown.cycle().skip(skipped % count.max(1)).take(MAX_ASKED.min(count)).collect();
        for peer in asked {
            self.swarm.behaviour_mut().kad.get_closest_peers(peer);
        }
    }

    fn call(&mut self, call: Call) {
        let Some(options) = self.dialer.calling(call, Instant::now()) else { return };
        let connection = options.connection_id();
        if let Err(error) = self.swarm.dial(options) {
            debug!(%error, "a call was not made");
            self.dialer.failed_to_call(connection, Instant::now());
        }
    }

    fn accept(&mut self, peer: PeerId, stream: Stream) {
        // The stream may come before the swarm's own word of the connection.
        if let Some(link) = self.link(peer) {
            link.accept(stream);
        }
    }

    fn note(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.note_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.dialer.connected(connection_id, peer_id, Instant::now());
                self.connected(peer_id, connection_id, endpoint.get_remote_address().clone());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, cause, .. } => {
                debug!(peer = %peer_id, ?cause, "a connection ended");
                self.disconnected(peer_id, connection_id, num_established == 0);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                debug!(%error, "a call came to nothing");
                self.dialer.failed_to_call(connection_id, Instant::now());
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                info!(%address, "listening for neighbours");
                self.show_listening();
            }
            SwarmEvent::ExpiredListenAddr { .. } | SwarmEvent::ListenerClosed { .. } => self.show_listening(),
            SwarmEvent::ListenerError { error, .. } => warn!(%error, "trouble with listening for neighbours"),
            _ => {}
        }
    }

    fn note_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(gossipsub::Event::Message { propagation_source, message_id, message }) => {
                self.gossip(propagation_source, message_id, message.data);
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.learn(peer_id, info.listen_addrs, true);
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.found_nearby(peer, address);
                }
            }
            BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                result: QueryResult::GetClosestPeers(Ok(GetClosestPeersOk { peers, .. })),
                ..
            }) => {
                for found in peers {
                    self.learn(found.peer_id, found.addrs, false);
                }
            }
            BehaviourEvent::Kad(kad::Event::RoutingUpdated { peer, addresses, .. }) => {
                self.learn(peer, addresses.iter().cloned().collect(), false);
            }
            BehaviourEvent::Ping(ping::Event { peer, connection, result: Err(error) }) => {
                debug!(%peer, %error, "a connection is dead");
                self.swarm.close_connection(connection);
            }
            _ => {}
        }
    }

    /// Hands gossip to the loop; what finds no room there is ignored, since sync brings it again.
    fn gossip(&mut self, peer: PeerId, message: MessageId, bytes: Vec<u8>) {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        let from = self.admitted.get(&peer).copied();
        let taken = from.is_some_and(|from| {
            self.unjudged.len() < MAX_UNJUDGED && self.inbox.try_put(Input::Gossip { ticket, from, bytes }).is_ok()
        });
        self.unjudged.insert(ticket, (message, peer));
        if !taken {
            self.figures.dropped_gossip.inc();
            self.judge(ticket, Verdict::Ignore);
        }
    }

    /// Notes what multicast DNS says. Anybody in the home network can announce anything, and libp2p would remember all
    /// of it for as long as the announcement says; the dialer keeps what is of use, within bounds.
    fn found_nearby(&mut self, peer: PeerId, address: Multiaddr) {
        self.learn(peer, vec![address], false);
        if let Some(mdns) = self.swarm.behaviour_mut().mdns.as_mut() {
            #[expect(deprecated, reason = "the only way to have libp2p forget it")]
            mdns.expire_node(&peer);
        }
    }

    /// Notes where a member can be reached: it says so `itself`, or somebody else does.
    fn learn(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, itself: bool) {
        if !self.admitted.contains_key(&peer) {
            return;
        }
        let now = Instant::now();
        if itself {
            self.dialer.learn_from_itself(peer, addresses.clone(), now);
            self.tell_others(peer, addresses);
        } else {
            self.dialer.learn(peer, addresses, now);
        }
    }

    /// Lets others who ask know where a member can be reached. Kademlia keeps all that it was ever told of it: once that
    /// is too much, it begins anew.
    fn tell_others(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        if addresses_in(kad, peer) > MAX_TOLD {
            kad.remove_peer(&peer);
        }
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            kad.add_address(&peer, address);
        }
    }

    fn connected(&mut self, peer: PeerId, connection: ConnectionId, address: Multiaddr) {
        let new =
            || Peer { addresses: BTreeMap::new(), connected: Connected { addresses: Vec::new(), since: clock::now() } };
        self.connections.entry(peer).or_insert_with(new).addresses.insert(connection, address);
        self.link(peer);
        self.show_connected();
    }

    fn disconnected(&mut self, peer: PeerId, connection: ConnectionId, was_last: bool) {
        if let Some(connections) = self.connections.get_mut(&peer) {
            connections.addresses.remove(&connection);
        }
        if was_last {
            self.connections.remove(&peer);
            self.links.remove(&peer);
            self.dialer.disconnected(&peer, Instant::now());
        }
        self.show_connected();
    }

    /// The link to a member, a new one if there is none. None for whoever is no member any more.
    fn link(&mut self, peer: PeerId) -> Option<&Link> {
        let member = *self.admitted.get(&peer)?;
        let start = || {
            Link::start(Ends {
                member,
                peer,
                opens: self.me < member,
                control: self.control.clone(),
                inbox: self.inbox.clone(),
                places: Places::default(),
                outboxes: self.outboxes.clone(),
                broken: self.broken.0.clone(),
            })
        };
        Some(self.links.entry(peer).or_insert_with(start))
    }

    fn show_listening(&self) {
        let listening: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
        self.show.send_modify(|view| Arc::make_mut(view).listening = listening);
    }

    fn show_connected(&mut self) {
        self.figures.peers.set(i64::try_from(self.connections.len()).unwrap_or(i64::MAX));
        let mut connected = BTreeMap::new();
        for (peer, connections) in &mut self.connections {
            connections.connected.addresses = connections.addresses.values().cloned().collect();
            if let Some(member) = self.admitted.get(peer) {
                connected.insert(*member, connections.connected.clone());
            }
        }
        self.show.send_modify(|view| Arc::make_mut(view).connected = connected);
    }
}

/// How many addresses of a peer Kademlia holds.
fn addresses_in(kad: &mut kad::Behaviour<MemoryStore>, peer: PeerId) -> usize {
    let Some(bucket) = kad.kbucket(peer) else { return 0 };
    bucket.iter().find(|entry| *entry.node.key.preimage() == peer).map_or(0, |entry| entry.node.value.len())
}

#[cfg(test)]
mod tests {
    use super::super::behaviour;
    use super::super::dialer::MAX_CALLS;
    use super::*;
    use crate::drivers::inbox::inbox;

    const COMMUNITY: CommunityId = CommunityId([7; 32]);

    fn address(number: u16) -> Multiaddr {
        format!("/ip4/192.0.2.1/tcp/{number}").parse().expect("a literal multiaddress")
    }

    fn worker(members: &[PeerId]) -> Worker {
        let identity = libp2p::identity::Keypair::generate_ed25519();
        let swarm = behaviour::swarm(identity, COMMUNITY, false).unwrap();
        let (show, _) = watch::channel(Arc::default());
        let (inbox, _inputs) = inbox();
        let mut worker = Worker::new(swarm, COMMUNITY, &[], inbox, Outboxes::new(), show, Figures::default());
        worker.admit(members.iter().map(|peer| identity::member(peer).unwrap()).collect());
        worker
    }

    fn peer() -> PeerId {
        libp2p::identity::Keypair::generate_ed25519().public().to_peer_id()
    }

    #[tokio::test]
    async fn a_flood_of_announcements_is_neither_kept_nor_called() {
        let members: Vec<PeerId> = (0..100).map(|_| peer()).collect();
        let mut worker = worker(&members);
        let strangers = (0..10_000).map(|_| (PeerId::random(), address(1)));
        let lies = (1..10_000).flat_map(|port| [(members[0], address(port)), (members[1], address(port))]);
        let found = strangers.chain(lies).collect();
        worker.note_behaviour(BehaviourEvent::Mdns(mdns::Event::Discovered(found)));
        let calls = worker.dialer.due(Instant::now(), 0, |_| false);
        assert_eq!(calls.len(), 2, "only members are called");
        worker.note_behaviour(BehaviourEvent::Mdns(mdns::Event::Discovered(
            members.iter().map(|member| (*member, address(1))).collect(),
        )));
        assert_eq!(worker.dialer.due(Instant::now(), 0, |_| false).len(), MAX_CALLS - 2, "and not all at once");
        assert!(worker.dialer.addresses() <= 2 * MAX_ADDRESSES + members.len());
    }

    #[tokio::test]
    async fn who_is_wanted_is_called_at_once_or_looked_for() {
        let members: Vec<PeerId> = (0..20).map(|_| peer()).collect();
        let mut worker = worker(&members);
        let member = |peer: &PeerId| identity::member(peer).unwrap();
        worker.learn(members[0], vec![address(1)], true);
        worker.want(&member(&members[0]));
        assert_eq!(worker.resolving.len(), 1, "no tick was needed");
        worker.want(&member(&peer()));
        assert_eq!((worker.resolving.len(), worker.lookups), (1, 0), "a stranger is not looked for");
        members[1..].iter().for_each(|peer| worker.want(&member(peer)));
        let queries = worker.swarm.behaviour_mut().kad.iter_queries().count();
        assert_eq!((queries, worker.resolving.len()), (MAX_ASKED, 1), "not all at once");
        worker.learn(members[9], vec![address(9)], false);
        worker.tick();
        assert_eq!((worker.lookups, worker.resolving.len()), (0, 2), "called once it is known where");
    }

    #[tokio::test]
    async fn a_member_that_moves_all_the_time_fills_no_memory() {
        let member = peer();
        let mut worker = worker(&[member]);
        for number in 0..1_000 {
            let addresses = (0..40).map(|more| address(number * 40 + more)).collect();
            worker.learn(member, addresses, true);
            let told = addresses_in(&mut worker.swarm.behaviour_mut().kad, member);
            assert!(0 < told && told <= MAX_TOLD + MAX_ADDRESSES, "{told} addresses");
            assert_eq!(worker.dialer.addresses(), MAX_ADDRESSES);
        }
    }
}
