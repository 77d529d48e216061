//! A fresh node fetches the logs of two hundred members from one that has them, over libp2p, and makes them durable.
//!
//! Held against the rate at which one core verifies single signatures (a range of linked entries needs one, not 256),
//! and against RocksDB's rate for the same bytes in batches of the same size. A last round goes through a relay that
//! counts the bytes on the wire.

use std::fs;
use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, VerifyingKey};
use wattswap_node::drivers::store::layout;
use wattswap_node::protocol::entry::Entry;
use wattswap_node::protocol::signed::{Signer as _, Verified};
use wattswap_tests::neighbourhood::Neighbourhood;
use wattswap_tests::node::Node;
use wattswap_tests::ports;

use crate::Outcome;
use crate::community;
use crate::disk::Disk;
use crate::figure::{Better, Figure};
use crate::history::{self, Author, Lane};
use crate::http::{self, Connection};
use crate::relay::Relay;
use crate::sample::Samples;

const AUTHORS: usize = 200;
const ENTRIES_EACH: usize = 1_000;
const ENTRIES: usize = AUTHORS * ENTRIES_EACH;
const ROUNDS: usize = 3;
/// Far more than it takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the fresh node's figures.
const PAUSE: Duration = Duration::from_millis(5);
/// Signatures that are verified in a round.
const VERIFIED: usize = 10_000;
/// The wire may carry so much more than the entries alone.
const OVERHEAD: f64 = 1.05;

const HOLDER: usize = 0;
const FRESH: usize = 1;

/// What a fresh node did.
struct Caught {
    took: Duration,
    /// Entries that it made durable at a time, on average.
    a_batch: usize,
}

/// The same bytes as the entries in the store.
type Stored = Vec<(Vec<u8>, Vec<u8>)>;

pub fn run() -> Outcome<Vec<Figure>> {
    let authors = Author::several(AUTHORS);
    let (mut lane, shared) = community::found(&["Holder", "Fresh"], &authors)?;
    let (stored, bytes) = fill(&lane.nodes()[HOLDER], &shared, &authors)?;
    let rate = |count: usize, took: Duration| count as f64 / took.as_secs_f64();
    let [mut ours, mut verified, mut written] = [const { Samples::new() }; 3];
    for _ in 0..ROUNDS {
        let caught = catch_up(&mut lane, None)?;
        ours.add(rate(ENTRIES, caught.took));
        verified.add(rate(VERIFIED, verify_singly(&authors[0])));
        written.add(rate(ENTRIES, Disk::new()?.write_entries(&stored, caught.a_batch)?));
    }
    let relay = Relay::start(peer_address(&lane.nodes()[HOLDER])?)?;
    catch_up(&mut lane, Some(&relay))?;
    let rate = |name, limit, target| Figure {
        name,
        ours: ours.median(),
        limit,
        unit: "entries/s",
        better: Better::Higher,
        target: Some(target),
    };
    Ok(vec![
        rate("sync: against single signatures on one core", verified.median(), 4.0),
        rate("sync: against RocksDB, same bytes and batches", written.median(), 0.4),
        Figure {
            name: "sync: bytes on the wire against the entries'",
            ours: relay.passed() as f64 / 1e6,
            limit: bytes as f64 / 1e6,
            unit: "MB",
            better: Better::Lower,
            target: Some(1.0 / OVERHEAD),
        },
    ])
}

/// Puts the logs into a store. Gives them as the store holds them, and the bytes of the entries alone.
fn fill(node: &Node, lane: &Lane, authors: &[Author]) -> Outcome<(Stored, usize)> {
    let store = community::store(node)?;
    let now = community::now();
    // Written over the last hour, so that every slot in which they place something is still open.
    let begun = now.before(Duration::from_secs(3600));
    let slots = lane.slots(begun, Duration::from_secs(3 * 3600));
    let (mut stored, mut bytes) = (Stored::new(), 0);
    for author in authors {
        let orders =
            (0..ENTRIES_EACH).map(|seq| (begun.after(Duration::from_secs(3 * seq as u64)), slots[seq % slots.len()]));
        let log = author.log(lane, orders);
        history::write(&store, &log)?;
        bytes += log.iter().map(|entry| entry.bytes().len()).sum::<usize>();
        stored.extend(log.iter().map(pair));
    }
    Ok((stored, bytes))
}

fn pair(entry: &Verified<Entry>) -> (Vec<u8>, Vec<u8>) {
    (layout::entry(&entry.log, entry.seq).to_vec(), [entry.hash().as_slice(), entry.bytes()].concat())
}

/// Has the fresh node, with an empty store, fetch everything; over the relay if there is one.
fn catch_up(lane: &mut Neighbourhood, relay: Option<&Relay>) -> Outcome<Caught> {
    let to = relay.map_or(peer_address(&lane.nodes()[HOLDER])?, Relay::address);
    make_fresh(&lane.nodes()[FRESH])?;
    lane.node(HOLDER).start_with(&[("WATTSWAP_NETWORK_BOOTSTRAP", &nobody()?)])?;
    let fresh = lane.node(FRESH);
    fresh.start_with(&[("WATTSWAP_NETWORK_BOOTSTRAP", &multiaddress(to))])?;
    let caught = watch(fresh)?;
    lane.stop()?;
    Ok(caught)
}

/// Gives a node the store that it had when it was made, with the owner's token and nothing else.
fn make_fresh(node: &Node) -> std::io::Result<()> {
    let (store, new) = (node.folder().store(), node.folder().path().join("store-when-new"));
    if new.exists() {
        fs::remove_dir_all(&store)?;
        copy(&new, &store)
    } else {
        copy(&store, &new)
    }
}

/// Copies a folder of files.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    fs::read_dir(from)?.try_for_each(|file| {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name())).map(drop)
    })
}

/// From the first connection until every entry is durable.
fn watch(fresh: &Node) -> Outcome<Caught> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let token = http::owner_token(fresh)?;
    let address = http::address(fresh)?;
    let request = http::request("GET", "/metrics", &token, "");
    runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let mut first = None;
        let given_up = Instant::now() + PATIENCE;
        loop {
            let answer = connection.ask(&request).await?;
            let figures = String::from_utf8(answer.body)?;
            let at = Instant::now();
            if value(&figures, "wattswap_peers") >= 1.0 {
                first.get_or_insert(at);
            }
            let entries = value(&figures, "wattswap_entries_total");
            if entries >= ENTRIES as f64 {
                let took = first.ok_or("there were entries before a peer")?.elapsed();
                let a_batch = entries / value(&figures, "wattswap_commit_seconds_count");
                return Ok(Caught { took, a_batch: a_batch.ceil() as usize });
            }
            if at > given_up {
                return Err(format!("only {entries} entries came in {} s", PATIENCE.as_secs()).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// The value of a figure; 0 if it is not there.
fn value(figures: &str, name: &str) -> f64 {
    let of_line = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.split(' ').next()?.parse().ok();
    figures.lines().find_map(of_line).unwrap_or(0.0)
}

fn verify_singly(author: &Author) -> Duration {
    let key = VerifyingKey::from_bytes(&author.key().0).expect("it signs");
    let message = [7; 300];
    let signature = Signature::from_bytes(&author.sign(&message));
    let started = Instant::now();
    for _ in 0..VERIFIED {
        assert!(key.verify_strict(black_box(&message), black_box(&signature)).is_ok(), "a good signature");
    }
    started.elapsed()
}

/// Where a node listens for peers: the configuration says so.
fn peer_address(node: &Node) -> Outcome<SocketAddr> {
    let config = wattswap_node::config::Config::read(&node.folder().config())?;
    let port = config.network.listen.iter().flatten().find_map(|part| match part {
        libp2p::multiaddr::Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    Ok(SocketAddr::from(([127, 0, 0, 1], port.ok_or("the node has no TCP port")?)))
}

fn multiaddress(address: SocketAddr) -> String {
    format!("/ip4/127.0.0.1/tcp/{}", address.port())
}

/// An address at which nobody listens: this node is called, and calls nobody.
fn nobody() -> Outcome<String> {
    Ok(format!("/ip4/127.0.0.1/tcp/{}", ports::free(1)?[0]))
}
