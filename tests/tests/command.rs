//! The command as people use it, against real nodes: what works, and that what does not says why and what to do.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use wattswap_matching::{Money, WattHours};
use wattswap_tests::command::{self, CallError};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::records::{self, Record, Total};
use wattswap_tests::wait;

/// For something that takes a moment.
const SOON: Duration = Duration::from_secs(30);

/// Anna and Bob, whose nodes run and know each other.
fn anna_and_bob() -> Neighbourhood {
    let mut neighbourhood = Neighbourhood::found(&Rules::usual(), &["Anna", "Bob"]).unwrap();
    neighbourhood.start().unwrap();
    neighbourhood.until_connected().unwrap();
    neighbourhood
}

/// What a command prints with `--json`, one value a line.
fn json(node: &Node, arguments: &[&str]) -> Vec<Value> {
    let said = node.call(&[&["--json"], arguments].concat()).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a command that fails says to standard error.
fn error(result: Result<String, CallError>) -> String {
    match result {
        Err(CallError::Failed { error, .. }) => error,
        other => panic!("it should have failed: {other:?}"),
    }
}

#[test]
fn two_households_trade() {
    let neighbourhood = anna_and_bob();
    let [anna, bob] = neighbourhood.nodes() else { panic!("two were founded") };
    let sold = json(anna, &["sell", "500Wh", "0.12", "next"]);
    let slot = sold[0]["orders"][0]["slot"].as_str().unwrap();
    wait::until("Bob to see the offer", SOON, || {
        let depth = &json(bob, &["book", slot])[0];
        if depth["asks"][0]["quantity_wh"] == 500 { Ok(()) } else { Err(depth.to_string()) }
    })
    .unwrap();
    assert!(bob.call(&["book", slot]).unwrap().contains("0.12"));
    bob.call(&["buy", "300Wh", "0.20", slot]).unwrap();
    let total = wait::until("both to have the trade on record", SOON, || {
        let records = [Record::of(anna).map_err(|e| e.to_string())?, Record::of(bob).map_err(|e| e.to_string())?];
        let total = records::compare(&records).map_err(|contradictions| contradictions.to_string())?;
        if total.trades == 1 { Ok(total) } else { Err(format!("{} trades", total.trades)) }
    });
    let amount = Money("0.036".parse().unwrap());
    assert_eq!(total.unwrap(), Total { trades: 1, energy: WattHours(300), amount }, "at the resting order's price");
    assert!(bob.call(&["trades"]).unwrap().contains("from Anna"));
    assert!(anna.call(&["trades", "--slot", slot]).unwrap().contains("to Bob"));
    let csv = anna.call(&["trades", "--csv"]).unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(",Bob,300,0.12,0.036,"), "{csv}");
    let rest = &json(anna, &["orders"])[0];
    assert_eq!((&rest["filled_wh"], &rest["state"]), (&Value::from(300), &Value::from("posted")), "{rest}");
    let id = rest["id"].as_str().unwrap();
    assert_eq!(json(anna, &["cancel", &id[..6]])[0]["state"], "cancelled");
    assert!(json(anna, &["orders"]).is_empty());
    assert_eq!(json(anna, &["orders", "--all"]).len(), 1);
}

#[test]
fn whole_ranges_of_slots_are_ordered_at_once() {
    let neighbourhood = anna_and_bob();
    let [anna, _] = neighbourhood.nodes() else { panic!("two were founded") };
    let placed = json(anna, &["buy", "1.5kWh", "-0.05", "tomorrow", "13:00-15:00"]);
    let orders = placed[0]["orders"].as_array().unwrap();
    assert_eq!(orders.len(), 8);
    assert!(orders.iter().all(|order| order["quantity_wh"] == 1500 && order["price_per_kwh"] == "-0.05"));
    assert_eq!(json(anna, &["cancel", "--all"]).len(), 8);
    for (arguments, expected) in [
        (["sell", "500Wh", "0.12345", "next"], "not a multiple of 0.0001"),
        (["sell", "500Wh", "7", "next"], "must be between"),
        (["sell", "50kWh", "0.1", "next"], "has only"),
        (["sell", "500Wh", "0.1", "in-a-week"], "is not a slot"),
        (["cancel", "zz", "yy", "xx"], "no open order"),
        (["book", "tomorrow", "13:00-15:00", "--all"], "name one"),
    ] {
        let said = error(anna.call(&arguments));
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn meters_are_replayed_and_their_tokens_open_nothing_else() {
    let neighbourhood = anna_and_bob();
    let [anna, _] = neighbourhood.nodes() else { panic!("two were founded") };
    let csv = neighbourhood.folder().join("roof.csv");
    let now = jiff::Timestamp::now();
    let at = |minutes: i64| (now - jiff::SignedDuration::from_mins(minutes)).strftime("%Y-%m-%dT%H:%M:00Z");
    fs::write(&csv, format!("at,load_w,pv_w\n{},400,0\n{},400,2000\n{},400,0\n", at(60), at(45), at(30))).unwrap();
    let token = &json(anna, &["token", "create", "--role", "meter", "--label", "roof"])[0];
    let (text, id) = (token["token"].as_str().unwrap(), token["id"].as_str().unwrap());
    let replay = ["--token", text, "meter", "replay", csv.to_str().unwrap()];
    assert_eq!(anna.call(&replay).unwrap().trim(), "Readings: 4 accepted.");
    assert_eq!(anna.call(&replay).unwrap().trim(), "Readings: 4 there already.");
    let stored = json(anna, &["meter", "list", "--meter", "roof"]);
    let registers = stored.iter().map(|row| (row["import_wh"].as_u64().unwrap(), row["export_wh"].as_u64().unwrap()));
    assert_eq!(registers.collect::<Vec<_>>(), [(200, 400), (100, 400), (100, 0), (0, 0)], "the newest first");
    assert!(error(anna.call(&["--token", text, "orders"])).contains("role may not do this"));
    anna.call(&["token", "revoke", id]).unwrap();
    assert!(error(anna.call(&replay)).contains("valid token"));
}

#[test]
fn a_replay_keeps_the_pace_it_is_given() {
    let neighbourhood = anna_and_bob();
    let [anna, _] = neighbourhood.nodes() else { panic!("two were founded") };
    let csv = neighbourhood.folder().join("main.csv");
    fs::write(
        &csv,
        "at,import_wh,export_wh\n2016-06-01T10:00:00Z,0,0\n2016-06-01T11:00:00Z,10,0\n2016-06-01T12:00:00Z,20,0\n\
         2016-06-01T13:00:00Z,30,0\n",
    )
    .unwrap();
    // From eleven o'clock on, an hour in a second; the hour before is told at once.
    let replay = ["meter", "replay", csv.to_str().unwrap(), "--from", "2016-06-01T11:00:00Z", "--speed", "3600"];
    let said = anna.call(&[&replay[..], &["--history", "1 h"]].concat()).unwrap();
    assert!(said.ends_with("Readings: 4 accepted.\n"), "{said}");
    let stored = json(anna, &["meter", "list"]);
    let at = |row: &Value| row["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let gaps: Vec<i64> = stored.windows(2).map(|pair| at(&pair[0]) - at(&pair[1])).collect();
    assert_eq!(gaps, [1000, 1000, 1000]);
}

#[test]
fn the_autopilot_is_switched_on_and_off() {
    let neighbourhood = anna_and_bob();
    let [anna, _] = neighbourhood.nodes() else { panic!("two were founded") };
    let limits = ["--sell-at-least", "0.08", "--buy-at-most", "0.30", "--slot-limit", "2kWh", "--trade-ahead", "3"];
    anna.call(&[&["autopilot", "on"], &limits[..]].concat()).unwrap();
    let shown = &json(anna, &["autopilot", "show"])[0];
    assert_eq!((&shown["on"], &shown["slot_limit_wh"]), (&Value::from(true), &Value::from(2000)));
    assert_eq!(shown["trade_ahead_slots"], 3);
    anna.call(&["autopilot", "limits", "--no-slot-limit"]).unwrap();
    anna.call(&["autopilot", "off"]).unwrap();
    let shown = &json(anna, &["autopilot", "show"])[0];
    assert_eq!((&shown["on"], &shown["slot_limit_wh"]), (&Value::from(false), &Value::Null));
    let (price, ahead) = (&shown["buy_at_most_per_kwh"], &shown["trade_ahead_slots"]);
    assert_eq!((price, ahead), (&Value::from("0.3"), &Value::from(3)), "limits that are not named stay");
    assert!(error(anna.call(&["autopilot", "on", "--buy-at-most", "9"])).contains("must be between"));
}

#[test]
fn a_charter_is_signed_by_a_majority_and_taken_by_members() {
    let folder = tempfile::tempdir().unwrap();
    let program = command::wattswap().unwrap();
    let init = |name: &str| Node::init(&program, &folder.path().join(name)).unwrap();
    let (anna, bob, eve) = (init("anna"), init("bob"), init("eve"));
    let template = anna.call(&["charter", "template"]).unwrap();
    assert!(template.contains(anna.member()), "the template holds the household's own key");
    let file = folder.path().join("lane.toml");
    fs::write(&file, format!("{template}\n[[members]]\nkey = \"{}\"\noperator = true\n", bob.member())).unwrap();
    let charter = folder.path().join("lane.charter");
    let path = charter.to_str().unwrap();
    assert!(error(eve.call(&["charter", "make", file.to_str().unwrap()])).contains("no operator"));
    anna.call(&["charter", "make", file.to_str().unwrap()]).unwrap();
    assert!(error(anna.call(&["init", "--charter", path])).contains("awaits signatures"), "one of two is no majority");
    assert!(error(eve.call(&["charter", "sign", path])).contains("no operator"));
    bob.call(&["charter", "sign", path]).unwrap();
    for node in [&anna, &bob] {
        assert!(node.call(&["init", "--charter", path]).unwrap().contains("Ready"));
    }
    anna.call(&["charter", "add", eve.member(), "--name", "Eve", "--import", "11kW"]).unwrap();
    let own = anna.folder().charter();
    let own = own.to_str().unwrap();
    assert!(bob.call(&["charter", "show", own]).unwrap().contains("NOT in force"));
    bob.call(&["charter", "sign", own]).unwrap();
    assert!(eve.call(&["init", "--charter", own]).unwrap().contains("Ready"));
    let records = json(&eve, &["charter", "show"]);
    assert_eq!((records.len(), &records[1]["charter"]["members"].as_array().unwrap().len()), (2, &3));
    assert!(error(eve.call(&["init", "--charter", path])).contains("does not continue"), "an older one");
    assert!(error(eve.call(&["init", "--found", "Mine"])).contains("belongs to a community already"));
    anna.call(&["charter", "remove", bob.member()]).unwrap();
    bob.call(&["charter", "sign", own]).unwrap();
    assert!(!anna.call(&["charter", "show"]).unwrap().contains(bob.member()));
    assert!(error(anna.call(&["charter", "remove", anna.member()])).contains("only operator"));
}

#[test]
fn only_a_signed_charter_of_this_community_is_published() {
    let mut neighbourhood = anna_and_bob();
    let eve = neighbourhood.add().unwrap().member().to_owned();
    let [anna, bob, stranger] = neighbourhood.nodes() else { panic!("two were founded and one was added") };
    // Bob becomes an operator too, so from then on one of two is no majority.
    anna.call(&["charter", "add", bob.member(), "--name", "Bob", "--operator"]).unwrap();
    let published = &json(anna, &["charter", "publish"])[0];
    assert_eq!((&published["height"], published["operators"].as_array().unwrap().len()), (&Value::from(1), 2));
    anna.call(&["charter", "add", &eve, "--name", "Eve"]).unwrap();
    let own = anna.folder().charter();
    let own = own.to_str().unwrap();
    let said = error(anna.call(&["charter", "publish"]));
    for part in ["lacks 1 signature", bob.member(), "wattswap charter sign"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert!(!said.contains(anna.member()), "she has signed: {said}");
    bob.call(&["charter", "sign", own]).unwrap();
    let viewer = &json(bob, &["token", "create", "--role", "viewer", "--label", "screen"])[0];
    let viewer = ["--token", viewer["token"].as_str().unwrap(), "charter", "publish", own];
    assert!(error(bob.call(&viewer)).contains("role may not do this"));
    // Any member may publish it.
    assert!(bob.call(&["charter", "publish", own]).unwrap().contains("number 2 is in force: 3 member(s)"));
    let said = bob.call(&["charter", "publish"]).unwrap();
    assert!(said.contains("newer charters than the file: number 2"), "{said}");
    // A community of somebody else.
    stranger.call(&["init", "--found", "Elsewhere"]).unwrap();
    let elsewhere = stranger.folder().charter();
    let said = error(anna.call(&["charter", "publish", elsewhere.to_str().unwrap()]));
    assert!(said.contains("another community"), "{said}");
    assert!(error(stranger.call(&["charter", "publish"])).contains("wattswap run"), "no node runs there");
}

#[test]
fn what_does_not_work_says_what_to_do() {
    let mut neighbourhood = anna_and_bob();
    let program = command::wattswap().unwrap();
    let nowhere = neighbourhood.folder().join("nowhere");
    let run = |folder: &Path, arguments: &[&str]| error(command::call(&program, folder, arguments));
    let free = ["--http-listen", "127.0.0.1:0", "--network-listen", "/ip4/127.0.0.1/tcp/0"];
    assert!(run(&nowhere, &["run"]).contains("wattswap init"));
    assert!(run(&nowhere, &["status"]).contains("wattswap run"));
    let newcomer = Node::init(&program, &nowhere).unwrap();
    assert!(run(&nowhere, &["run"]).contains("has no charter yet"));
    newcomer.call(&["init", "--found", "Elsewhere"]).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let said = run(&nowhere, &["run", "--http-listen", &taken.to_string(), free[2], free[3]]);
    assert!(said.contains("http.listen") && said.contains("in use"), "{said}");
    let network = format!("/ip4/127.0.0.1/tcp/{}", taken.port());
    let said = run(&nowhere, &["run", free[0], free[1], "--network-listen", &network]);
    assert!(said.contains("network.listen") && said.contains("in use"), "{said}");
    assert!(run(&nowhere, &["run", "--http-listen", "0.0.0.0:0"]).contains("--http-allow-plain"));
    fs::write(newcomer.folder().config(), "[network]\nmdsn = false\n").unwrap();
    assert!(run(&nowhere, &["run"]).contains("mdsn"));
    let anna = neighbourhood.node(0);
    let said = run(anna.folder().path(), &[&["run"], &free[..]].concat());
    assert!(said.contains("runs already"), "{said}");
    assert!(error(anna.call(&["--token", "wrong", "status"])).contains("valid token"));
    let mut misspelt = command::prepare(&program, anna.folder().path());
    let misspelt = misspelt.env("WATTSWAP_FOLDRE", "x").arg("status").output().unwrap();
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&misspelt.stderr).contains("WATTSWAP_FOLDRE"));
    assert!(anna.stop().unwrap().success(), "told to stop, a node ends well");
    assert!(error(anna.call(&["status"])).contains("no node runs"), "it takes its address back");
}
