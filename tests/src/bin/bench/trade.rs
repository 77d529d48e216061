//! From an order to a trade that both sides have signed, between two nodes: from the moment at which the taker's owner
//! sends the order until the taker's live events show the trade.
//!
//! Held against the sum of the parts that this can't do without, each measured alone, one after each trade: an HTTP
//! round trip, three commits, a message to a peer and back, the signatures and their verifications.

use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use wattswap_matching::Slot;
use wattswap_node::protocol::signed::Signer as _;
use wattswap_tests::live::LiveEvents;
use wattswap_tests::neighbourhood::{CONNECT, Neighbourhood};
use wattswap_tests::node::Node;

use crate::Outcome;
use crate::community;
use crate::disk::Disk;
use crate::figure::{Better, Figure};
use crate::history::Author;
use crate::http::{self, Connection, Nothing};
use crate::orders::instant;
use crate::sample::Samples;
use crate::stream::Echo;

const MAKER: usize = 0;
const TAKER: usize = 1;
/// Trades before the first one that counts; they also tell how much a trade writes.
const WARM_UP: usize = 50;
const TRADES: usize = 500;
/// Slots that the trades are spread over, so that none exceeds a connection.
const SLOTS: usize = 20;
/// Energy of a trade: the community's smallest.
const TAKE: usize = 10;
/// The limit price of both sides.
const PRICE: &str = "0.2000";
/// What one trade makes durable, one after the other: the request with its reservation at the taker, the maker's
/// entry with the trade, the taker's entry with it.
const COMMITS: usize = 3;
/// Signatures that wait for one another: the proposal, the acceptance, and each side's entry.
const SIGNATURES: usize = 4;
/// Verifications that wait for one another: of the proposal and of the acceptance.
const VERIFICATIONS: usize = 2;
/// Bytes of a proposal or an acceptance on the stream.
const WORD: usize = 450;
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run() -> Outcome<Vec<Figure>> {
    let (mut lane, shared) = community::found(&["Maker", "Taker"], &[])?;
    lane.start()?;
    lane.until_connected()?;
    let slots: Vec<Slot> = shared.slots(community::now(), Duration::from_secs(3600)).into_iter().take(SLOTS).collect();
    offer(&mut lane, &slots)?;
    let mut taker = Taker::watch(&lane.nodes()[TAKER], &slots)?;
    let before = written(&lane)?;
    for _ in 0..WARM_UP {
        taker.trade()?;
    }
    let a_commit = usize::try_from((written(&lane)? - before) / (WARM_UP * COMMITS) as u64)?;
    let mut parts = Parts::new(a_commit, &slots)?;
    let mut ours = Samples::new();
    for _ in 0..TRADES {
        ours.add_micros(taker.trade()?);
        parts.measure()?;
    }
    lane.stop()?;
    let figure = |name, share, target| Figure {
        name,
        ours: ours.quantile(share),
        limit: parts.sum(share),
        unit: "us",
        better: Better::Lower,
        target,
    };
    Ok(vec![figure("trade: p50", 0.5, Some(0.5)), figure("trade: p99", 0.99, None)])
}

/// Puts an offer into each slot that is large enough for all trades in it, and waits until the taker sees them.
fn offer(lane: &mut Neighbourhood, slots: &[Slot]) -> Outcome<()> {
    let each = (WARM_UP + TRADES).div_ceil(slots.len()) * TAKE;
    let orders: Vec<Value> = slots.iter().map(|slot| order(*slot, "sell", each)).collect();
    let _placed: Value = lane.node(MAKER).client().post("/orders", &[], &json!({ "orders": orders }))?;
    lane.until_same_book(CONNECT)?;
    Ok(())
}

fn order(slot: Slot, side: &str, quantity: usize) -> Value {
    json!({ "slot": instant(slot), "side": side, "quantity_wh": quantity, "price_per_kwh": PRICE })
}

/// Bytes that the write-ahead logs of all nodes hold.
fn written(lane: &Neighbourhood) -> Outcome<u64> {
    lane.nodes().iter().map(|node| log_bytes(&node.folder().store())).sum()
}

fn log_bytes(store: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(store)? {
        let file = file?;
        if file.path().extension().is_some_and(|end| end == "log") {
            bytes += file.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// The side that orders and waits for the trade.
struct Taker {
    runtime: Runtime,
    connection: Connection,
    requests: Vec<Vec<u8>>,
    traded: usize,
    /// Each trade's id, and when its event came.
    events: Receiver<(String, Instant)>,
    seen: BTreeSet<String>,
}

impl Taker {
    fn watch(node: &Node, slots: &[Slot]) -> Outcome<Self> {
        let (found, events) = mpsc::sync_channel(TRADES);
        let stream = node.client().events(None)?;
        thread::spawn(move || {
            for event in LiveEvents::new(stream).map_while(Result::ok).filter(|event| event.kind == "trade") {
                let id = event.data["id"].as_str().unwrap_or_default().to_owned();
                if found.send((id, Instant::now())).is_err() {
                    return;
                }
            }
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(Connection::open(http::address(node)?))?;
        let token = http::owner_token(node)?;
        let body = |slot: &Slot| json!({ "orders": [order(*slot, "buy", TAKE)] }).to_string();
        let requests = slots.iter().map(|slot| http::request("POST", "/api/v1/orders", &token, &body(slot))).collect();
        Ok(Self { runtime, connection, requests, traded: 0, events, seen: BTreeSet::new() })
    }

    /// The time from the order to the news of its trade.
    fn trade(&mut self) -> Outcome<Duration> {
        let request = &self.requests[self.traded % self.requests.len()];
        self.traded += 1;
        let started = Instant::now();
        let answer = self.runtime.block_on(self.connection.ask(request))?;
        if answer.status != 201 {
            return Err(
                format!("an order was answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body)).into()
            );
        }
        loop {
            let (id, at) = self.events.recv_timeout(PATIENCE)?;
            // A trade is told of again when more is known of it.
            if self.seen.insert(id) {
                return Ok(at - started);
            }
        }
    }
}

/// What a trade can't do without, each part alone.
struct Parts {
    runtime: Runtime,
    _server: Nothing,
    connection: Connection,
    request: Vec<u8>,
    disk: Disk,
    a_commit: usize,
    echo: Echo,
    author: Author,
    http: Samples,
    commits: Samples,
    stream: Samples,
    signatures: Samples,
}

impl Parts {
    fn new(a_commit: usize, slots: &[Slot]) -> Outcome<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let server = Nothing::start()?;
        let connection = runtime.block_on(Connection::open(server.address()))?;
        let body = json!({ "orders": [order(slots[0], "buy", TAKE)] }).to_string();
        let author = Author::several(1).remove(0);
        Ok(Self {
            runtime,
            _server: server,
            connection,
            request: http::request("POST", "/api/v1/orders", "none", &body),
            disk: Disk::new()?,
            a_commit,
            echo: Echo::open(WORD)?,
            author,
            http: Samples::new(),
            commits: Samples::new(),
            stream: Samples::new(),
            signatures: Samples::new(),
        })
    }

    fn measure(&mut self) -> Outcome<()> {
        let Self { runtime, connection, request, disk, echo, author, .. } = self;
        self.http.time(|| runtime.block_on(connection.ask(request)))?;
        self.commits.time(|| (0..COMMITS).try_for_each(|_| disk.commit(self.a_commit)))?;
        self.stream.add_micros(echo.round_trip()?);
        self.signatures.time(|| sign_and_verify(author));
        Ok(())
    }

    fn sum(&self, share: f64) -> f64 {
        [&self.http, &self.commits, &self.stream, &self.signatures].iter().map(|part| part.quantile(share)).sum()
    }
}

fn sign_and_verify(author: &Author) {
    let message = [7; WORD];
    let mut signature = [0; 64];
    for _ in 0..SIGNATURES {
        signature = author.sign(black_box(&message));
    }
    for _ in 0..VERIFICATIONS {
        let key = VerifyingKey::from_bytes(black_box(&author.key().0)).expect("it signs");
        assert!(key.verify_strict(&message, &Signature::from_bytes(&signature)).is_ok(), "it has just signed");
    }
}
