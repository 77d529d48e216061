//! What readers and watchers are shown, and when.

use std::io::{BufRead as _, BufReader};
use std::sync::mpsc;

use serde_json::{Value, json};
use tokio::task::block_in_place;
use wattswap_node::client::Client;
use wattswap_node::folder::Folder;

use crate::home::{Home, PATIENCE, config, get, now, order, post, slot, time};

/// The live stream, read on a thread of its own: kind and data of each event.
struct Stream(mpsc::Receiver<(String, Value)>);

impl Stream {
    fn open(client: &Client) -> Self {
        let stream = block_in_place(|| client.events(None)).unwrap();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            let mut kind = String::new();
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if let Some(name) = line.strip_prefix("event: ") {
                    name.clone_into(&mut kind);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let _ = sender.send((kind.clone(), serde_json::from_str(data).unwrap()));
                }
            }
        });
        Self(events)
    }

    /// The next event of this kind.
    fn next(&self, wanted: &str) -> Value {
        block_in_place(|| {
            loop {
                let (kind, data) = self.0.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {wanted} came"));
                if kind == wanted {
                    return data;
                }
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_in_the_book_as_soon_as_it_is_answered_and_watchers_are_told() {
    let home = Home::alone();
    let daemon = home.start(&config()).await.unwrap();
    let client = home.client(daemon.url(), None);
    let stream = Stream::open(&client);
    let slot = slot();
    for number in 1..=20 {
        let orders = json!({ "orders": [order(&slot, "sell", 100, "0.30"), order(&slot, "sell", 50, "0.31")] });
        let placed = post(&client, "/orders", &orders).unwrap();
        let id = placed["orders"][0]["id"].as_str().unwrap();
        let depth = get(&client, &format!("/slots/{slot}/depth")).unwrap();
        assert_eq!(depth["asks"][0]["quantity_wh"], 100 * number, "{depth}");
        assert_eq!(depth["asks"][1]["quantity_wh"], 50 * number, "{depth}");
        assert_eq!(get(&client, &format!("/orders/{id}")).unwrap()["state"], "posted");
    }
    stream.next("order");
    let told = loop {
        let told = stream.next("slot");
        if told["ask_total_wh"] == 3_000 {
            break told;
        }
    };
    assert_eq!((&told["slot"], &told["best_ask"]["quantity_wh"]), (&json!(slot), &json!(2_000)));
    let slots = get(&client, "/slots").unwrap();
    assert!(slots["slots"].as_array().unwrap().contains(&told), "the list shows the same");

    daemon.stop().await;
    assert_eq!(stream.next("end")["reason"], "stopping");
    assert!(!Folder::new(home.path()).url().exists());
    let daemon = home.start(&config()).await.unwrap();
    let client = home.client(daemon.url(), None);
    let depth = get(&client, &format!("/slots/{slot}/depth")).unwrap();
    assert_eq!(depth["asks"][0]["quantity_wh"], 2_000, "the book comes back from the log: {depth}");
    assert_eq!(get(&client, "/status").unwrap()["open_orders"], 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_are_kept_and_watchers_are_told() {
    let home = Home::alone();
    let daemon = home.start(&config()).await.unwrap();
    let client = home.client(daemon.url(), None);
    let stream = Stream::open(&client);
    let row = |at: u64, import: u64| json!({ "meter": "main", "at": time(at), "import_wh": import, "export_wh": 0 });
    let start = now() - 7_200;
    let rows = [row(start, 1_000), row(start + 900, 1_100), row(start + 900, 1_100), row(start + 1_800, 0)];
    let verdicts = post(&client, "/readings", &json!({ "readings": rows })).unwrap();
    let verdicts: Vec<&str> =
        verdicts["verdicts"].as_array().unwrap().iter().map(|verdict| verdict["verdict"].as_str().unwrap()).collect();
    let told = stream.next("readings");
    let listed = get(&client, "/readings").unwrap();
    assert_eq!(verdicts, ["accepted", "accepted", "duplicate", "quarantined"]);
    assert_eq!((&told["accepted"], &told["duplicates"]), (&json!(2), &json!(1)));
    assert_eq!((&told["quarantined"], &told["newest"]), (&json!(1), &json!(time(start + 900))));
    assert_eq!(listed["readings"].as_array().unwrap().len(), 3, "what counts, and what the owner may look into");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_count_what_the_loop_does() {
    let home = Home::alone();
    let daemon = home.start(&config()).await.unwrap();
    let client = home.client(daemon.url(), None);
    post(&client, "/orders", &json!({ "orders": [order(&slot(), "buy", 100, "0.10")] })).unwrap();
    let token = std::fs::read_to_string(Folder::new(home.path()).owner_token()).unwrap();
    let text = block_in_place(|| {
        let request = ureq::get(format!("{}/metrics", daemon.url()));
        request.header("Authorization", format!("Bearer {}", token.trim())).call().unwrap().body_mut().read_to_string()
    })
    .unwrap();
    let figure = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("wattswap_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    };
    assert!(figure("turns_total") >= 1.0);
    assert!(figure("entries_total") >= 1.0);
    assert!(figure("records_total") >= 2.0, "the entry and the request");
    assert!(figure("commit_seconds_count") >= 1.0);
}
