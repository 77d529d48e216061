//! Orders that one node takes durably from 64 clients, each with a token and a connection of its own.
//!
//! Held against the smaller of two limits: RocksDB with as many threads that each make one record durable at a time,
//! and an HTTP server that does nothing, asked by the same clients.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wattswap_matching::Slot;
use wattswap_node::client::Client;
use wattswap_tests::node::Node;

use crate::Outcome;
use crate::community;
use crate::disk::Disk;
use crate::figure::{Better, Figure};
use crate::http::{self, Connection, Nothing};
use crate::sample::Samples;

const CLIENTS: usize = 64;
/// Orders of a client in a round.
const EACH: usize = 200;
/// All rounds together stay within what a household may have open (100,000) and each token within its burst (2,000).
const ROUNDS: usize = 7;
/// Bytes of a record: about those of a request in the store, with its share of an entry.
const RECORD: usize = 300;
/// The slots that are used stay open for as long as this takes.
const STAY_OPEN: Duration = Duration::from_secs(3600);

pub fn run() -> Outcome<Vec<Figure>> {
    let (mut lane, shared) = community::found(&["Alone"], &[])?;
    lane.start()?;
    let node = &lane.nodes()[0];
    let tokens = tokens(node)?;
    let slots = shared.slots(community::now(), STAY_OPEN);
    let nothing = Nothing::start()?;
    let mut disk = Disk::new()?;
    let clients = Builder::new_current_thread().enable_all().build()?;
    let address = http::address(node)?;
    let rate = |took: Duration| (CLIENTS * EACH) as f64 / took.as_secs_f64();
    let [mut ours, mut http, mut durable] = [const { Samples::new() }; 3];
    for round in 0..ROUNDS {
        let requests = requests(&tokens, &slots, round);
        ours.add(rate(post_all(&clients, address, &requests)?));
        http.add(rate(post_all(&clients, nothing.address(), &requests)?));
        durable.add(rate(disk.commit_from_threads(CLIENTS as u64, EACH as u64, RECORD)?));
    }
    lane.stop()?;
    let figure = |name, limit: f64, target| Figure {
        name,
        ours: ours.median(),
        limit,
        unit: "orders/s",
        better: Better::Higher,
        target,
    };
    Ok(vec![
        figure("orders: against the smaller limit", durable.median().min(http.median()), Some(0.5)),
        figure("orders: against RocksDB, 64 threads, a record each", durable.median(), None),
        figure("orders: against axum doing nothing", http.median(), None),
    ])
}

/// A token for each client: what a token may do in a second is bounded.
fn tokens(node: &Node) -> Outcome<Vec<String>> {
    let client: Client = node.client();
    let mint = |number: usize| -> Outcome<String> {
        let wanted = json!({ "role": "owner", "label": format!("client {number}") });
        let minted: serde_json::Value = client.post("/tokens", &[], &wanted)?;
        Ok(minted["token"].as_str().ok_or("no token came")?.to_owned())
    };
    (0..CLIENTS).map(mint).collect()
}

/// For each client its requests of a round: one order each, spread over slots and prices.
fn requests(tokens: &[String], slots: &[Slot], round: usize) -> Vec<Vec<Vec<u8>>> {
    let body = |client: usize, at: usize| {
        let number = (round * EACH + at) * CLIENTS + client;
        let slot = instant(slots[number % slots.len()]);
        let price = format!("0.{}", 1500 + number / slots.len() % 100);
        json!({ "orders": [{ "slot": slot, "side": "sell", "quantity_wh": 1, "price_per_kwh": price }] }).to_string()
    };
    let of_client = |(client, token): (usize, &String)| {
        (0..EACH).map(|at| http::request("POST", "/api/v1/orders", token, &body(client, at))).collect()
    };
    tokens.iter().enumerate().map(of_client).collect()
}

/// A slot as the API writes it.
pub fn instant(slot: Slot) -> String {
    let millis = i64::try_from(slot.start().0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// Has every client post its requests, one after the other, all clients at the same time. Gives the time for all.
fn post_all(runtime: &Runtime, address: SocketAddr, requests: &[Vec<Vec<u8>>]) -> Outcome<Duration> {
    runtime.block_on(async {
        let connections = try_join_all(requests.iter().map(|_| Connection::open(address))).await?;
        let started = Instant::now();
        try_join_all(connections.into_iter().zip(requests).map(|(to, requests)| post(to, requests))).await?;
        Ok(started.elapsed())
    })
}

async fn post(mut to: Connection, requests: &[Vec<u8>]) -> Outcome<()> {
    for request in requests {
        let answer = to.ask(request).await?;
        if answer.status != 201 {
            return Err(format!("an order was answered {}: {}", answer.status, text(&answer.body)).into());
        }
    }
    Ok(())
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
