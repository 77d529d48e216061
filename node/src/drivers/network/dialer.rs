//! Whom to call, at which addresses, and when again.
//!
//! Bootstrap addresses are called for ever, members as soon as an address of theirs is known. A call that fails is
//! tried again after a pause that doubles up to a minute, with some jitter, so that a street that comes back after a
//! power cut does not call in step. Pure bookkeeping: the swarm makes the calls.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tracing::debug;

/// Pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: a neighbour that comes back is found within about a minute.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Addresses kept of a member, of those that it says itself and of those that others say: TCP and QUIC, IPv4 and IPv6,
/// home network and outside.
pub const MAX_ADDRESSES: usize = 8;
/// After so many calls in vain what others say of a member is forgotten: a few lies must not keep the truth out for
/// ever, and one call that is lost must not cost a good address.
const TRIES: u32 = 3;
/// A connection that lasts so long was worth the call.
const LASTS: Duration = Duration::from_secs(60);
/// Calls that are made at the same time.
pub const MAX_CALLS: usize = 16;
/// Members that are called of our own accord; beyond it the others call us. Keeps files and memory within bounds in
/// the largest communities.
const ENOUGH_PEERS: usize = 256;

/// Who is to be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// Whoever answers at this address; it was configured.
    Address(Multiaddr),
    /// A member.
    Peer(PeerId),
}

struct Entry {
    /// As configured, or as the member itself says.
    own: Vec<Multiaddr>,
    /// As others say, who may be wrong, or lie: multicast DNS and Kademlia prove nothing.
    hearsay: Vec<Multiaddr>,
    /// Who answered, while it is connected, and since when it is.
    connected: Option<(PeerId, Instant)>,
    /// A call is under way.
    calling: bool,
    /// It has something that we want: it is called even if enough others are connected.
    is_wanted: bool,
    /// Calls, and connections that did not last, since one did: the pause grows with them.
    failures: u32,
    /// Calls that came to nothing since somebody answered.
    lost_calls: u32,
    next: Instant,
}

impl Entry {
    fn new(own: Vec<Multiaddr>, now: Instant) -> Self {
        Self {
            own,
            hearsay: Vec::new(),
            connected: None,
            calling: false,
            is_wanted: false,
            failures: 0,
            lost_calls: 0,
            next: now,
        }
    }

    /// Where to call, the surest first.
    fn addresses(&self) -> impl Iterator<Item = &Multiaddr> {
        self.own.iter().chain(&self.hearsay).take(MAX_ADDRESSES)
    }
}

/// A call to make: the addresses may still hold names to look up.
pub struct Call {
    target: Target,
    /// The peer that must answer; anybody if it is not known.
    peer: Option<PeerId>,
    addresses: Vec<Multiaddr>,
}

/// See the module's text.
pub struct Dialer {
    me: PeerId,
    entries: BTreeMap<Target, Entry>,
    calls: BTreeMap<ConnectionId, Target>,
}

impl Dialer {
    /// Calls at these addresses for ever.
    #[must_use]
    pub fn new(me: PeerId, bootstrap: &[Multiaddr], now: Instant) -> Self {
        let mut dialer = Self { me, entries: BTreeMap::new(), calls: BTreeMap::new() };
        for address in bootstrap {
            dialer.entries.insert(Target::Address(address.clone()), Entry::new(vec![address.clone()], now));
        }
        dialer
    }

    /// A member can be reached there, somebody says.
    pub fn learn(&mut self, peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>, now: Instant) {
        let Some(entry) = self.entry(peer, now) else { return };
        for address in addresses.into_iter().map(without_peer) {
            if !entry.own.contains(&address) {
                put(&mut entry.hearsay, address);
            }
        }
    }

    /// The member itself says where it can be reached: what others said is forgotten.
    pub fn learn_from_itself(&mut self, peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>, now: Instant) {
        let Some(entry) = self.entry(peer, now) else { return };
        entry.hearsay.clear();
        entry.own.clear();
        addresses.into_iter().map(without_peer).for_each(|address| put(&mut entry.own, address));
    }

    fn entry(&mut self, peer: PeerId, now: Instant) -> Option<&mut Entry> {
        let new = || Entry::new(Vec::new(), now);
        (peer != self.me).then(|| self.entries.entry(Target::Peer(peer)).or_insert_with(new))
    }

    /// There is something to be had from this member: it is called once, whoever else is connected.
    pub fn want(&mut self, peer: PeerId, now: Instant) {
        if let Some(entry) = self.entry(peer, now) {
            entry.is_wanted = true;
        }
    }

    /// Whether there is an address to call this member at.
    #[must_use]
    pub fn knows(&self, peer: &PeerId) -> bool {
        self.entries.get(&Target::Peer(*peer)).is_some_and(|entry| entry.addresses().next().is_some())
    }

    /// How many addresses are remembered of all.
    #[cfg(test)]
    pub fn addresses(&self) -> usize {
        self.entries.values().map(|entry| entry.own.len() + entry.hearsay.len()).sum()
    }

    /// Forgets the members that are not in `admitted`.
    pub fn keep(&mut self, admitted: impl Fn(&PeerId) -> bool) {
        self.entries.retain(|target, _| match target {
            Target::Address(_) => true,
            Target::Peer(peer) => admitted(peer),
        });
    }

    /// What is to be called now. Each call goes through [`resolve`] to [`Dialer::calling`].
    pub fn due(&mut self, now: Instant, connected: usize, is_connected: impl Fn(&PeerId) -> bool) -> Vec<Call> {
        let under_way = self.entries.values().filter(|entry| entry.calling).count();
        let free = MAX_CALLS.saturating_sub(under_way);
        let mut due = Vec::new();
        for (target, entry) in &mut self.entries {
            let (peer, is_wanted) = match target {
                Target::Address(address) => (peer_in(address), true),
                Target::Peer(peer) => (Some(*peer), entry.is_wanted || connected < ENOUGH_PEERS),
            };
            let is_there = entry.connected.map(|(peer, _)| peer).or(peer).is_some_and(|peer| is_connected(&peer));
            let is_due = is_wanted && !is_there && !entry.calling && entry.next <= now;
            let addresses: Vec<Multiaddr> = entry.addresses().cloned().collect();
            if is_due && !addresses.is_empty() && due.len() < free {
                entry.calling = true;
                due.push(Call { target: target.clone(), peer, addresses });
            }
        }
        due
    }

    /// How the swarm is to make a call whose names have been looked up. None if nothing is left to call.
    pub fn calling(&mut self, call: Call, now: Instant) -> Option<DialOpts> {
        if call.addresses.is_empty() {
            self.failed(&call.target, now);
            return None;
        }
        let options = match call.peer {
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(call.addresses)
                .build(),
            // Without a peer there is one address: see `new`; a name may stand for several, and the first one counts.
            None => DialOpts::unknown_peer_id().address(call.addresses.into_iter().next()?).build(),
        };
        self.calls.insert(options.connection_id(), call.target);
        Some(options)
    }

    /// Somebody answered a call, or called us.
    pub fn connected(&mut self, connection: ConnectionId, peer: PeerId, now: Instant) {
        let called = self.calls.remove(&connection);
        if let Some(entry) = called.as_ref().and_then(|target| self.entries.get_mut(target)) {
            entry.calling = false;
        }
        for target in called.into_iter().chain([Target::Peer(peer)]) {
            if let Some(entry) = self.entries.get_mut(&target) {
                // It may have several connections.
                let since = entry.connected.filter(|(connected, _)| *connected == peer).map_or(now, |(_, since)| since);
                entry.connected = Some((peer, since));
                entry.is_wanted = false;
                entry.lost_calls = 0;
            }
        }
    }

    /// A peer's last connection is gone: call again after a short pause, if it had lasted. A peer that answers and then hangs
    /// up, since it does not know us yet, say, is no better than one that does not answer.
    pub fn disconnected(&mut self, peer: &PeerId, now: Instant) {
        let of_peer = |entry: &Entry| entry.connected.is_some_and(|(connected, _)| connected == *peer);
        let lasted = |entry: &&mut Entry| entry.connected.is_some_and(|(_, since)| since + LASTS <= now);
        for entry in self.entries.values_mut().filter(|entry| of_peer(entry)).filter(lasted) {
            entry.failures = 0;
        }
        let targets: Vec<Target> =
            self.entries.iter().filter(|(_, entry)| of_peer(entry)).map(|(target, _)| target.clone()).collect();
        for target in targets {
            self.wait(&target, now);
            if let Some(entry) = self.entries.get_mut(&target) {
                entry.connected = None;
            }
        }
    }

    /// A call came to nothing.
    pub fn failed_to_call(&mut self, connection: ConnectionId, now: Instant) {
        if let Some(target) = self.calls.remove(&connection) {
            self.failed(&target, now);
        }
    }

    fn failed(&mut self, target: &Target, now: Instant) {
        self.wait(target, now);
        let Some(entry) = self.entries.get_mut(target) else { return };
        entry.lost_calls += 1;
        if entry.lost_calls >= TRIES {
            entry.hearsay.clear();
        }
    }

    fn wait(&mut self, target: &Target, now: Instant) {
        let Some(entry) = self.entries.get_mut(target) else { return };
        entry.calling = false;
        entry.is_wanted = false;
        let pause = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(entry.failures.min(16)));
        entry.next = now + jittered(pause, &self.me, target, entry.failures);
        entry.failures += 1;
        debug!(?target, failures = entry.failures, "no connection; trying again");
    }
}

/// Adds an address that is not known yet, as long as there is room.
fn put(known: &mut Vec<Multiaddr>, address: Multiaddr) {
    if known.len() < MAX_ADDRESSES && !known.contains(&address) {
        known.push(address);
    }
}

/// Between half the pause and all of it, different for every caller, target and try.
fn jittered(pause: Duration, me: &PeerId, target: &Target, failures: u32) -> Duration {
    let text = format!("{me} {target:?} {failures}");
    let [byte, ..]: [u8; 32] = Sha256::digest(text).into();
    pause / 2 + pause.mul_f64(f64::from(byte) / 512.0)
}

/// The peer that an address names at its end.
fn peer_in(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if peer_in(&address).is_some() {
        address.pop();
    }
    address
}

/// Looks the names in a call's addresses up with the system's resolver, so that what people have in their hosts file
/// or their router works here too.
pub async fn resolve(call: Call) -> Call {
    let mut addresses = Vec::new();
    for address in &call.addresses {
        addresses.extend(resolved(address).await);
    }
    addresses.truncate(MAX_ADDRESSES);
    Call { addresses, ..call }
}

async fn resolved(address: &Multiaddr) -> Vec<Multiaddr> {
    let mut rest = address.iter();
    let (name, wanted): (_, fn(&SocketAddr) -> bool) = match rest.next() {
        Some(Protocol::Dns(name)) => (name, |_| true),
        Some(Protocol::Dns4(name)) => (name, SocketAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name, SocketAddr::is_ipv6),
        _ => return vec![address.clone()],
    };
    let rest: Multiaddr = rest.collect();
    match tokio::net::lookup_host((name.as_ref(), 0)).await {
        Ok(found) => {
            found.filter(wanted).map(|found| rest.iter().fold(Multiaddr::from(found.ip()), Multiaddr::with)).collect()
        }
        Err(error) => {
            debug!(%address, %error, "the name was not found");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn nobody(_: &PeerId) -> bool {
        false
    }

    #[tokio::test]
    async fn a_bootstrap_address_is_called_for_ever_with_growing_pauses() {
        let mut now = Instant::now();
        let mut dialer = Dialer::new(PeerId::random(), &[address("/ip4/127.0.0.1/tcp/1")], now);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let mut due = dialer.due(now, 0, nobody);
            assert_eq!(due.len(), 1);
            assert!(dialer.due(now + LONGEST_PAUSE * 2, 0, nobody).is_empty(), "it was called twice at a time");
            let options = dialer.calling(due.remove(0), now).unwrap();
            dialer.failed_to_call(options.connection_id(), now);
            let failed = now;
            while dialer.entries.values().any(|entry| entry.next > now) {
                now += Duration::from_millis(10);
            }
            pauses.push(now - failed);
        }
        for (failures, pause) in pauses.iter().enumerate() {
            let whole = LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow(failures as u32));
            let slack = Duration::from_millis(10);
            assert!(whole / 2 <= *pause && *pause <= whole + slack, "{pause:?} after {failures} failures");
        }
    }

    #[tokio::test]
    async fn a_member_is_called_when_it_is_known_and_not_connected() {
        let now = Instant::now();
        let (me, peer) = (PeerId::random(), PeerId::random());
        let mut dialer = Dialer::new(me, &[], now);
        dialer.learn(me, [address("/ip4/127.0.0.1/tcp/1")], now);
        dialer.learn(peer, [], now);
        assert!(dialer.due(now, 0, nobody).is_empty(), "called oneself, or nowhere");
        dialer.learn(peer, [address("/ip4/127.0.0.1/tcp/1").with(Protocol::P2p(peer))], now);
        assert!(dialer.due(now, 0, |connected| *connected == peer).is_empty());
        assert!(dialer.due(now, ENOUGH_PEERS, nobody).is_empty());
        dialer.want(peer, now);
        let mut due = dialer.due(now, ENOUGH_PEERS, nobody);
        assert_eq!(due[0].addresses, [address("/ip4/127.0.0.1/tcp/1")]);
        let options = dialer.calling(due.remove(0), now).unwrap();
        dialer.connected(options.connection_id(), peer, now);
        dialer.disconnected(&peer, now);
        assert!(dialer.due(now, 0, nobody).is_empty(), "no pause after a connection broke");
        let mut due = dialer.due(now + FIRST_PAUSE, 0, nobody);
        // It hangs up at once, again and again; and once it does not.
        for (lasted, pause) in
            [(Duration::ZERO, 2 * FIRST_PAUSE), (Duration::ZERO, 4 * FIRST_PAUSE), (LASTS, FIRST_PAUSE)]
        {
            let options = dialer.calling(due.remove(0), now).unwrap();
            dialer.connected(options.connection_id(), peer, now);
            dialer.disconnected(&peer, now + lasted);
            assert!(dialer.due(now + lasted + pause / 2 - FIRST_PAUSE / 4, 0, nobody).is_empty(), "{pause:?}");
            due = dialer.due(now + lasted + pause, 0, nobody);
            assert_eq!(due.len(), 1, "{pause:?}");
        }
        dialer.keep(nobody);
        assert!(dialer.entries.is_empty());
    }

    #[test]
    fn what_a_member_says_of_itself_replaces_what_others_said_and_both_are_bounded() {
        let now = Instant::now();
        let peer = PeerId::random();
        let mut dialer = Dialer::new(PeerId::random(), &[], now);
        let many = (1..100).map(|port| address(&format!("/ip4/10.0.0.1/tcp/{port}")));
        dialer.learn(peer, many.clone(), now);
        dialer.learn(peer, many.clone(), now);
        let known =
            |dialer: &Dialer| -> Vec<Multiaddr> { dialer.entries[&Target::Peer(peer)].addresses().cloned().collect() };
        assert_eq!(known(&dialer), many.clone().take(MAX_ADDRESSES).collect::<Vec<_>>());
        dialer.learn_from_itself(peer, [address("/ip4/10.0.0.2/tcp/1")], now);
        assert_eq!(known(&dialer), [address("/ip4/10.0.0.2/tcp/1")]);
        dialer.learn(peer, many.clone(), now);
        assert_eq!(known(&dialer).len(), MAX_ADDRESSES);
        assert_eq!(known(&dialer)[0], address("/ip4/10.0.0.2/tcp/1"), "what it says itself comes first");
        dialer.learn_from_itself(peer, many.clone(), now);
        assert_eq!(known(&dialer), many.take(MAX_ADDRESSES).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn lies_about_where_a_member_is_do_not_keep_the_truth_out() {
        let mut now = Instant::now();
        let peer = PeerId::random();
        let mut dialer = Dialer::new(PeerId::random(), &[], now);
        let lies = (1..100).map(|port| address(&format!("/ip4/10.0.0.1/tcp/{port}")));
        let truth = address("/ip4/10.0.0.2/tcp/1");
        dialer.learn(peer, lies, now);
        for _ in 0..TRIES {
            now += LONGEST_PAUSE;
            dialer.learn(peer, [truth.clone()], now);
            let mut due = dialer.due(now, 0, nobody);
            assert!(!due[0].addresses.contains(&truth), "no room was left for it");
            let options = dialer.calling(due.remove(0), now).unwrap();
            dialer.failed_to_call(options.connection_id(), now);
        }
        assert!(!dialer.knows(&peer), "so it is asked for");
        dialer.learn(peer, [truth.clone()], now);
        assert_eq!(dialer.due(now + LONGEST_PAUSE, 0, nobody)[0].addresses, [truth]);
    }

    #[tokio::test]
    async fn names_are_looked_up() {
        assert_eq!(
            resolved(&address("/dns4/localhost/tcp/4000")).await.first(),
            Some(&address("/ip4/127.0.0.1/tcp/4000"))
        );
        assert_eq!(resolved(&address("/dns/no-such-name.invalid/tcp/4000")).await, []);
        assert_eq!(resolved(&address("/ip4/1.2.3.4/tcp/1")).await, [address("/ip4/1.2.3.4/tcp/1")]);
    }
}
