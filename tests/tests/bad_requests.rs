//! Everything that a caller of the API can get wrong, against a real process: refused with a code, and nothing is lost.

use std::error::Error;
use std::fs;

use serde_json::{Value, json};
use wattswap_api::limits::MAX_BODY_BYTES;
use wattswap_matching::WattHours;
use wattswap_tests::http::{request, send, send_and_end};
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ORDERS: &str = "/api/v1/orders";
const READINGS: &str = "/api/v1/readings";
const TOKENS: &str = "/api/v1/tokens";
const AUTOPILOT: &str = "/api/v1/autopilot";

/// A node's address, and a token of each role.
struct Target {
    url: String,
    owner: String,
    meter: String,
    viewer: String,
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
    let target = Target { url: ada.url().to_owned(), owner, meter: token("meter")?, viewer: token("viewer")? };
    let before = ada.order(&kept)?.book_orders;

    refuse_bad_tokens(&target)?;
    refuse_bad_questions(&target, &slots[100])?;
    refuse_bad_http(&target)?;

    // Nothing was placed, and nothing was lost: what was there before trades.
    assert!(lane.nodes_mut().iter_mut().all(|node| node.is_running()));
    let all: Value = ada.get("/orders?limit=1000")?;
    assert_eq!(all["orders"].as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(ada.order(&kept)?.book_orders, before);
    let readings: Value = ada.get("/readings")?;
    assert_eq!(readings["readings"].as_array().map(Vec::len), Some(0), "{readings}");
    let purchase = ben.place("purchase", &Wish::buy(&slots[100], 500, "0.2"))?;
    ben.until_filled(&purchase, WattHours(500))?;
    ada.until_filled(&kept, WattHours(500))?;
    assert_eq!(lane.until_agreed(SOON)?.energy, WattHours(500));
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
        ("POST", ORDERS.into(), " ".repeat(MAX_BODY_BYTES + 1), 413, "body_too_large"),
        ("POST", READINGS.into(), "9".repeat(4 * MAX_BODY_BYTES), 413, "body_too_large"),
    ];
    let cases = cases.into_iter();
    all_refused(
        target,
        cases.map(|(method, path, body, status, code)| (request(method, &path, &target.owner, &body), status, code)),
    )
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
        let problem = answer.as_ref().and_then(|answer| serde_json::from_str::<Value>(&answer.body).ok());
        let is_right = problem.is_some_and(|problem| problem["code"] == code && problem["status"] == status)
            && answer.as_ref().is_some_and(|answer| answer.status == status);
        if !is_right {
            let shown: String = String::from_utf8_lossy(&request).chars().take(400).collect();
            wrong.push(format!("expected {status} {code} for {shown}\nbut got {answer:?}\n"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
