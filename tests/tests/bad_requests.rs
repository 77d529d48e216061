//! Everything that a caller of the API can get wrong, against a real process: refused with the code that the document
//! gives it, and nothing is lost.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use wattswap_api::dto::ids::Signed;
use wattswap_api::dto::text::Text;
use wattswap_api::limits::{MAX_BODY_BYTES, MAX_EVENT_READERS};
use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::charter_file::CharterFile;
use wattswap_node::client::Client;
use wattswap_node::drivers::keys::HouseholdKey;
use wattswap_node::folder::Folder;
use wattswap_node::protocol::charter::{Act, Charter, GovernanceRecord};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::ids::CharterId;
use wattswap_node::protocol::limits::MAX_GOVERNANCE_BYTES;
use wattswap_tests::http::{Answer, request, send, send_and_end};
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ORDERS: &str = "/api/v1/orders";
const READINGS: &str = "/api/v1/readings";
const TOKENS: &str = "/api/v1/tokens";
const AUTOPILOT: &str = "/api/v1/autopilot";
const CHARTER: &str = "/api/v1/charter";

/// Codes of the document that no single bad request brings about.
const NOT_THE_CALLERS_FAULT: [&str; 5] = [
    // It takes half a minute; the API's own tests wait for less.
    "body_too_slow",
    "overloaded",
    "stopping",
    // The full disk's: see `starts`.
    "store_failed",
    "no_randomness",
];

/// Far more requests than may be made at once, and tokens than are kept.
const MANY: u32 = 10_000;

/// A node's address, a token of each role, and the codes that it has answered with.
struct Target {
    url: String,
    owner: String,
    meter: String,
    viewer: String,
    codes: RefCell<BTreeSet<String>>,
}

#[test]
fn bad_requests_are_refused_and_the_node_trades_on() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.start()?;
    lane.until_connected()?;
    let (ada, ben) = (lane.nodes()[0].client(), lane.nodes()[1].client());
    let slots = ada.slots()?;
    let kept = ada.place("kept", &Wish::sell(&slots[100], 500, "0.2"))?;
    let token = |role: &str| -> Outcome<String> {
        let made: Value = ada.post("/tokens", &[], &json!({ "role": role, "label": role }))?;
        Ok(made["token"].as_str().ok_or("no token came")?.to_owned())
    };
    let owner = fs::read_to_string(lane.nodes()[0].folder().owner_token())?.trim().to_owned();
    let (meter, viewer) = (token("meter")?, token("viewer")?);
    let target = Target { url: ada.url().to_owned(), owner, meter, viewer, codes: RefCell::default() };
    let before = ada.order(&kept)?.book_orders;

    refuse_bad_tokens(&target)?;
    refuse_bad_questions(&target, &slots[100])?;
    refuse_bad_http(&target)?;

    // Nothing was placed, and nothing was lost: what was there before trades.
    assert!(lane.nodes_mut().iter_mut().all(|node| node.is_running()));
    let all: Value = ada.get("/orders?limit=1000")?;
    assert_eq!(all["orders"].as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(ada.order(&kept)?.book_orders, before);
    let readings = || -> Outcome<Vec<Value>> {
        let page: Value = ada.get("/readings")?;
        Ok(page["readings"].as_array().cloned().unwrap_or_default())
    };
    assert!(readings()?.is_empty());
    judge_every_row(&ada)?;
    let judged = readings()?;
    assert_eq!(judged.len(), 5, "each that is a reading, counted or not: {judged:?}");
    let purchase = ben.place("purchase", &Wish::buy(&slots[100], 500, "0.2"))?;
    ben.until_filled(&purchase, WattHours(500))?;
    ada.until_filled(&kept, WattHours(500))?;
    assert_eq!(lane.until_agreed(SOON)?.energy, WattHours(500));
    refuse_what_comes_at_the_wrong_time(&target, &ada, &kept, &slots[100])?;
    refuse_bad_charters(&target, lane.nodes()[0].folder())?;
    assert_eq!(ada.charter()?.height, 0);
    refuse_too_many(&target, &ada)?;
    let document: Value = ada.get("/openapi.json")?;
    let codes = document["components"]["schemas"]["Code"]["oneOf"].as_array().ok_or("the document lists no codes")?;
    let codes = codes.iter().filter_map(|code| code["enum"][0].as_str());
    let seen = target.codes.borrow();
    let unseen: Vec<&str> =
        codes.filter(|code| !NOT_THE_CALLERS_FAULT.contains(code) && !seen.contains(*code)).collect();
    assert!(unseen.is_empty(), "nothing was refused with {unseen:?}");

    lane.node(0).kill();
    lane.start()?;
    assert_eq!(lane.until_agreed(SOON)?.energy, WattHours(500));
    assert_eq!(ada.order(&kept)?.filled_wh.0, WattHours(500));
    assert_eq!(readings()?, judged);
    Ok(())
}

/// One batch with everything that a meter can get wrong: each row gets its verdict, and costs no other row.
fn judge_every_row(owner: &Client) -> Outcome {
    let at = |minute: i64| {
        let at = Timestamp::now() - SignedDuration::from_mins(180 - minute);
        Timestamp::from_second(at.as_second()).map(|at| at.to_string())
    };
    let times = [at(0)?, at(10)?, at(15)?, at(16)?, at(30)?];
    let [first, moved, second, third, last] = &times;
    let row = |at: &str, import: i64| json!({ "meter": "m", "at": at, "import_wh": import, "export_wh": 0 });
    let rows = [
        (row(first, 1_000), "accepted"),
        (row(first, 1_000), "duplicate"),
        (row(first, 1_001), "conflict"),
        (row(moved, 1_050), "accepted"),
        (row(second, 0), "quarantined"),
        (row(third, 900_000_000), "quarantined"),
        (row("2999-01-01T00:00:00Z", 1_100), "quarantined"),
        (row("yesterday", 1_100), "malformed"),
        (row(last, -1), "malformed"),
        (json!({ "meter": "m", "at": last, "import_wh": 1.5, "export_wh": 0 }), "malformed"),
        (json!({ "meter": "m", "at": last, "import_wh": 1_100 }), "malformed"),
        (json!(null), "malformed"),
        (row(last, 1_100), "accepted"),
    ];
    let batch: Vec<&Value> = rows.iter().map(|(row, _)| row).collect();
    let answer: Value = owner.post("/readings", &[], &json!({ "readings": batch }))?;
    let verdicts = answer["verdicts"].as_array().into_iter().flatten();
    let verdicts: Vec<&str> = verdicts.filter_map(|verdict| verdict["verdict"].as_str()).collect();
    let expected: Vec<&str> = rows.iter().map(|(_, verdict)| *verdict).collect();
    assert_eq!(verdicts, expected, "{answer}");
    Ok(())
}

fn refuse_bad_tokens(target: &Target) -> Outcome {
    let Target { owner, meter, viewer, .. } = target;
    let order = order("2026-01-01T00:00:00Z", &[]);
    let too_long = "x".repeat(100_000);
    let wrong = owner.replace("ws_o_", "ws_v_");
    let cases: [(&str, &str, &str, &str, u16, &str); 16] = [
        ("GET", ORDERS, "", "", 401, "unauthenticated"),
        ("GET", ORDERS, "nonsense", "", 401, "unauthenticated"),
        ("GET", ORDERS, &owner[..owner.len() - 1], "", 401, "unauthenticated"),
        ("GET", ORDERS, &wrong, "", 401, "unauthenticated"),
        ("GET", "/api/v1/status", &too_long[..5_000], "", 401, "unauthenticated"),
        ("POST", ORDERS, "", &order, 401, "unauthenticated"),
        ("GET", "/api/v1/events", "", "", 401, "unauthenticated"),
        ("POST", ORDERS, viewer, &order, 403, "forbidden"),
        ("POST", ORDERS, meter, &order, 403, "forbidden"),
        ("GET", ORDERS, meter, "", 403, "forbidden"),
        ("GET", "/api/v1/trades", meter, "", 403, "forbidden"),
        ("POST", READINGS, viewer, r#"{"readings":[]}"#, 403, "forbidden"),
        ("GET", TOKENS, viewer, "", 403, "forbidden"),
        ("POST", TOKENS, viewer, r#"{"role":"owner","label":"x"}"#, 403, "forbidden"),
        ("POST", TOKENS, meter, r#"{"role":"owner","label":"x"}"#, 403, "forbidden"),
        ("PUT", AUTOPILOT, viewer, "{}", 403, "forbidden"),
    ];
    let cases = cases.into_iter();
    all_refused(
        target,
        cases.map(|(method, path, token, body, status, code)| (request(method, path, token, body), status, code)),
    )
}

fn refuse_bad_questions(target: &Target, slot: &str) -> Outcome {
    let good = |changes: &[(&str, Value)]| order(slot, changes);
    let hundred_digits = format!("0.{}", "1".repeat(100));
    let cases: Vec<(&str, String, String, u16, &str)> = vec![
        ("GET", "/".into(), String::new(), 404, "route_unknown"),
        ("GET", "/api/v1/../../etc/passwd".into(), String::new(), 404, "route_unknown"),
        ("PATCH", ORDERS.into(), String::new(), 405, "method_not_allowed"),
        ("GET", format!("{ORDERS}/{}", "0".repeat(32)), String::new(), 404, "order_unknown"),
        ("DELETE", format!("{ORDERS}/{}", "0".repeat(32)), String::new(), 404, "order_unknown"),
        ("GET", format!("{ORDERS}/%00%ff"), String::new(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?limit=99999999999999999999"), String::new(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?colour=red"), String::new(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?after={}", "ab".repeat(64)), String::new(), 404, "cursor_unknown"),
        ("GET", "/api/v1/trades/0".into(), String::new(), 400, "bad_parameter"),
        ("GET", "/api/v1/slots/9999-12-30T00:00:00Z/depth".into(), String::new(), 404, "slot_unknown"),
        ("GET", "/api/v1/slots/9999-12-31T23:45:00Z/depth".into(), String::new(), 400, "bad_parameter"),
        ("POST", ORDERS.into(), "{".into(), 400, "bad_json"),
        ("POST", ORDERS.into(), "[".repeat(100_000), 422, "bad_body"),
        ("POST", ORDERS.into(), "\u{0}".into(), 400, "bad_json"),
        ("POST", ORDERS.into(), "{}".into(), 422, "bad_body"),
        ("POST", ORDERS.into(), r#"{"orders":[]}"#.into(), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("colour", json!(1))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("quantity_wh", json!(0))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("quantity_wh", json!(-1))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("quantity_wh", json!(0.5))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("quantity_wh", json!(u64::MAX))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("price_per_kwh", json!(0.2))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("price_per_kwh", json!("NaN"))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("price_per_kwh", json!(hundred_digits))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("side", json!("both"))]), 422, "bad_body"),
        ("POST", ORDERS.into(), good(&[("slot", json!("tomorrow"))]), 422, "bad_body"),
        // What only the market can refuse.
        ("POST", ORDERS.into(), good(&[("price_per_kwh", json!("0.00001"))]), 409, "orders_refused"),
        ("POST", ORDERS.into(), good(&[("price_per_kwh", json!("99"))]), 409, "orders_refused"),
        ("POST", ORDERS.into(), good(&[("quantity_wh", json!(7_500_010))]), 409, "orders_refused"),
        ("POST", ORDERS.into(), good(&[("slot", json!("2020-01-01T00:00:00Z"))]), 409, "orders_refused"),
        ("POST", ORDERS.into(), good(&[("slot", json!("9999-12-30T00:00:00Z"))]), 409, "orders_refused"),
        ("POST", ORDERS.into(), good(&[("slot", json!("2026-01-01T00:00:01Z"))]), 409, "orders_refused"),
        ("POST", ORDERS.into(), good(&[("expires_at", json!("2020-01-01T00:00:00Z"))]), 409, "orders_refused"),
        ("POST", READINGS.into(), r#"{"readings":{}}"#.into(), 422, "bad_body"),
        ("POST", TOKENS.into(), r#"{"role":"root","label":"x"}"#.into(), 422, "bad_body"),
        ("PUT", AUTOPILOT.into(), "{}".into(), 422, "bad_body"),
        ("POST", CHARTER.into(), r#"{"records":[]}"#.into(), 422, "bad_body"),
        ("POST", CHARTER.into(), r#"{"records":["not base64"]}"#.into(), 422, "bad_body"),
        ("POST", CHARTER.into(), r#"{"records":["","","",""]}"#.into(), 422, "bad_body"),
        ("POST", ORDERS.into(), " ".repeat(MAX_BODY_BYTES + 1), 413, "body_too_large"),
        ("POST", READINGS.into(), "9".repeat(4 * MAX_BODY_BYTES), 413, "body_too_large"),
    ];
    let cases = cases.into_iter();
    all_refused(
        target,
        cases.map(|(method, path, body, status, code)| (request(method, &path, &target.owner, &body), status, code)),
    )
}

/// What would be all right at another time: not after an order is filled, say, that was placed with the key `kept`.
fn refuse_what_comes_at_the_wrong_time(target: &Target, owner: &Client, ended: &str, slot: &str) -> Outcome {
    let tokens: Value = owner.get("/tokens")?;
    let of_owner = tokens["tokens"].as_array().into_iter().flatten().find(|token| token["role"] == "owner");
    let last_owner = of_owner.and_then(|token| token["id"].as_str()).ok_or("no owner's token")?;
    let other = order(slot, &[("quantity_wh", json!(200))]);
    let with_key = |key: &str, body: &str| {
        let head = format!("POST {ORDERS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: {key}\r\n");
        let head = format!("{head}Authorization: Bearer {}\r\nContent-Type: application/json\r\n", target.owner);
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let not_json = String::from_utf8(with_key("new", &other))?.replace("application/json", "text/plain").into_bytes();
    let ask = |method: &str, path: &str, body: &str| request(method, path, &target.owner, body);
    let settings = json!({
        "on": true, "sell_at_least_per_kwh": "99", "buy_at_most_per_kwh": "0.3", "trade_ahead_slots": 8,
    })
    .to_string();
    let cases = [
        (ask("DELETE", &format!("{ORDERS}/{ended}"), ""), 409, "order_ended"),
        (ask("DELETE", &format!("{TOKENS}/{last_owner}"), ""), 409, "last_owner_token"),
        (ask("DELETE", &format!("{TOKENS}/{}", "0".repeat(last_owner.len())), ""), 404, "token_unknown"),
        (ask("GET", &format!("/api/v1/trades/{}", "ab".repeat(32)), ""), 404, "trade_unknown"),
        (ask("PUT", AUTOPILOT, &settings), 409, "autopilot_refused"),
        (with_key("kept", &other), 422, "idempotency_key_reused"),
        (not_json, 415, "not_json"),
    ];
    all_refused(target, cases.into_iter())
}

/// Records that are no successors of the charter in force; the household in this folder is its only operator.
fn refuse_bad_charters(target: &Target, folder: &Folder) -> Outcome {
    let operator = HouseholdKey::load(&folder.key())?;
    let stranger = HouseholdKey::create(&folder.path().join("stranger"))?;
    let file = CharterFile::read(&folder.charter())?;
    let first = file.chain().ok_or("no charter is in force")?.newest();
    let Act::Charter(charter) = &first.record.act else { return Err("a chain starts with a charter".into()) };
    // The next charter, but for what `change` does to it.
    let next = |signer: &HouseholdKey, change: &dyn Fn(&mut GovernanceRecord)| -> Outcome<Vec<u8>> {
        let act = Act::Charter(Arc::new(Charter { name: "Next".to_owned(), ..Charter::clone(charter) }));
        let mut record = GovernanceRecord { height: 1, prev: Some(first.id), at: first.record.at, act };
        change(&mut record);
        let mut record = SignedRecord::unsigned(record)?;
        record.co_sign(signer)?;
        Ok(record.bytes.to_vec())
    };
    let good = next(&operator, &|_| ())?;
    let change_rules = |record: &mut GovernanceRecord| {
        if let Act::Charter(charter) = &mut record.act {
            Arc::make_mut(charter).rules += 1;
        }
    };
    let cases = [
        (Vec::new(), 422, "charter_unreadable"),
        (good[..good.len() - 1].to_vec(), 422, "charter_unreadable"),
        (vec![0xd8; MAX_GOVERNANCE_BYTES + 1], 422, "charter_unreadable"),
        (next(&stranger, &|_| ())?, 409, "charter_not_signed"),
        (next(&operator, &|record| record.height = 2)?, 409, "charter_not_next"),
        (next(&operator, &|record| record.prev = Some(CharterId([7; 32])))?, 409, "charter_not_next"),
        (next(&operator, &|record| record.at = UtcMillis(1))?, 409, "charter_not_next"),
        (next(&operator, &change_rules)?, 409, "charter_not_supported"),
        (next(&operator, &|record| (record.height, record.prev) = (0, None))?, 409, "charter_of_others"),
    ];
    let ask = |record: Vec<u8>| {
        let body = json!({ "records": [Text(Signed(record))] }).to_string();
        request("POST", CHARTER, &target.owner, &body)
    };
    all_refused(target, cases.into_iter().map(|(record, status, code)| (ask(record), status, code)))?;
    let not_ours = request("POST", CHARTER, &target.viewer, &json!({ "records": [Text(Signed(good))] }).to_string());
    all_refused(target, [(not_ours, 403, "forbidden")].into_iter())
}

/// What one may do, but not so often.
fn refuse_too_many(target: &Target, owner: &Client) -> Outcome {
    let until_refused = |request: &[u8], status: u16, code: &str| -> Outcome {
        for _ in 0..MANY {
            let answer = send(&target.url, request)?;
            if answer.as_ref().is_none_or(|answer| answer.status >= 400) {
                return target.check(answer.as_ref(), status, code).map_err(Into::into);
            }
        }
        Err(format!("{MANY} requests, and none was refused with {code}").into())
    };
    let one_more = r#"{"role":"viewer","label":"one more"}"#;
    until_refused(&request("POST", TOKENS, &target.owner, one_more), 409, "too_many_tokens")?;
    let readers = (0..MAX_EVENT_READERS).map(|_| owner.events(None)).collect::<Result<Vec<_>, _>>()?;
    let one_more = request("GET", "/api/v1/events", &target.owner, "");
    all_refused(target, [(one_more, 429, "too_many_readers")].into_iter())?;
    drop(readers);
    until_refused(&request("GET", "/api/v1/status", &target.viewer, ""), 429, "rate_limited")
}

/// What is no proper HTTP: any answer but success will do, and so will a connection that ends.
fn refuse_bad_http(target: &Target) -> Outcome {
    let body = order("2026-01-01T00:00:00Z", &[]);
    let ask = |head: &str, body: &str| {
        let line = format!("POST {ORDERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", target.owner);
        format!("{line}Content-Type: application/json\r\nConnection: close\r\n{head}\r\n{body}").into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("no HTTP at all", vec![0xff; 10_000]),
        ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(50)),
        ("a line without end", vec![b'A'; 1_000_000]),
        ("too many headers", ask(&"X: y\r\n".repeat(10_000), &body)),
        ("a header too long", ask(&format!("X: {}\r\n", "y".repeat(1_000_000)), &body)),
        ("two lengths", ask("Content-Length: 1\r\nContent-Length: 2\r\n", &body)),
        ("a negative length", ask("Content-Length: -1\r\n", &body)),
        ("a length and chunks", ask("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "zz\r\n")),
        ("chunks that are none", ask("Transfer-Encoding: chunked\r\n", "nonsense\r\n")),
        ("a chunk without end", ask("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n{")),
        ("a body that breaks off", ask("Content-Length: 500\r\n", &body)),
        ("two keys", ask("Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n", "{}")),
        ("an empty key", ask("Idempotency-Key: \r\nContent-Length: 2\r\n", "{}")),
    ];
    for (what, bytes) in cases {
        let answer = send_and_end(&target.url, &bytes)?;
        let is_refused = answer.as_ref().is_none_or(|answer| (400..500).contains(&answer.status));
        assert!(is_refused, "{what}: {answer:?}");
    }
    Ok(())
}

/// An order that is all right, but for the changes.
fn order(slot: &str, changes: &[(&str, Value)]) -> String {
    let mut order = json!({ "slot": slot, "side": "sell", "quantity_wh": 100, "price_per_kwh": "0.2" });
    for (field, value) in changes {
        order[*field] = value.clone();
    }
    json!({ "orders": [order] }).to_string()
}

/// Sends each request, and says all that was answered otherwise than with this status and this code.
fn all_refused<'a>(target: &Target, cases: impl Iterator<Item = (Vec<u8>, u16, &'a str)>) -> Outcome {
    let mut wrong = Vec::new();
    for (request, status, code) in cases {
        let answer = send(&target.url, &request)?;
        if let Err(error) = target.check(answer.as_ref(), status, code) {
            let shown: String = String::from_utf8_lossy(&request).chars().take(400).collect();
            wrong.push(format!("{shown}\n{error}\n"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

impl Target {
    /// Whether this is a problem with this status and this code. Notes the code.
    fn check(&self, answer: Option<&Answer>, status: u16, code: &str) -> Result<(), String> {
        let problem = answer.and_then(|answer| serde_json::from_str::<Value>(&answer.body).ok());
        let says = problem.is_some_and(|problem| problem["code"] == code && problem["status"] == status);
        if says && answer.is_some_and(|answer| answer.status == status) {
            self.codes.borrow_mut().insert(code.to_owned());
            return Ok(());
        }
        Err(format!("expected {status} {code} and not {answer:?}"))
    }
}
