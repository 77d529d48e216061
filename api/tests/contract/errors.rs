//! Everything that a caller can get wrong: one table, each line a question and the problem it is answered with.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use wattswap_api::limits::{MAX_BODY_BYTES, Rate, Rates, Settings};
use wattswap_api::port::Unavailable;

use crate::client::{Api, Ask};
use crate::orders::{ORDER, batch};
use crate::resources::records;

const ORDERS: &str = "/api/v1/orders";
const READINGS: &str = "/api/v1/readings";
const TOKENS: &str = "/api/v1/tokens";
const AUTOPILOT: &str = "/api/v1/autopilot";
const CHARTER: &str = "/api/v1/charter";

#[tokio::test]
async fn bad_questions_are_refused() {
    let api = Api::new().await;
    let replaced = |from: &str, to: &str| batch(&[&ORDER.replace(from, to)]);
    let id32 = "0".repeat(32);
    let id64 = "0".repeat(64);
    let too_many = batch(&vec![ORDER; 1001]);
    let settings = r#"{"on":true,"sell_at_least_per_kwh":"0.1","buy_at_most_per_kwh":"0.3","trade_ahead_slots":8}"#;
    let cases: Vec<(&str, String, String, u16, &str)> = vec![
        // Paths and methods.
        ("GET", "/".into(), "".into(), 404, "route_unknown"),
        ("GET", "/api/v1/nothing".into(), "".into(), 404, "route_unknown"),
        ("GET", "/api/v1/orders/".into(), "".into(), 404, "route_unknown"),
        ("PATCH", ORDERS.into(), "".into(), 405, "method_not_allowed"),
        ("OPTIONS", ORDERS.into(), "".into(), 405, "method_not_allowed"),
        ("POST", "/healthz".into(), "".into(), 405, "method_not_allowed"),
        // Parameters in the path.
        ("GET", format!("{ORDERS}/{id32}"), "".into(), 404, "order_unknown"),
        ("DELETE", format!("{ORDERS}/{id32}"), "".into(), 404, "order_unknown"),
        ("GET", format!("{ORDERS}/{id64}"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}/{}", "F".repeat(32)), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}/%ff"), "".into(), 400, "bad_parameter"),
        ("GET", format!("/api/v1/trades/{id64}"), "".into(), 404, "trade_unknown"),
        ("GET", "/api/v1/trades/abc".into(), "".into(), 400, "bad_parameter"),
        ("GET", "/api/v1/slots/2026-03-29T02:00:00Z/depth".into(), "".into(), 404, "slot_unknown"),
        ("GET", "/api/v1/slots/02:00/depth".into(), "".into(), 400, "bad_parameter"),
        ("DELETE", format!("{TOKENS}/0000000000000000"), "".into(), 404, "token_unknown"),
        ("DELETE", format!("{TOKENS}/1"), "".into(), 400, "bad_parameter"),
        // Parameters in the query.
        ("GET", format!("{ORDERS}?limit=0"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?limit=1001"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?limit=x"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?limit=1&limit=2"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?open=maybe"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?slot=today"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?colour=red"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?after="), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?after=abc"), "".into(), 400, "bad_parameter"),
        ("GET", format!("{ORDERS}?after=00"), "".into(), 404, "cursor_unknown"),
        ("GET", format!("/api/v1/trades?after={}", "ab".repeat(128)), "".into(), 404, "cursor_unknown"),
        ("GET", format!("/api/v1/trades?after={}", "ab".repeat(129)), "".into(), 400, "bad_parameter"),
        ("GET", format!("{READINGS}?after=00"), "".into(), 404, "cursor_unknown"),
        ("GET", format!("{READINGS}?meter=a%20b"), "".into(), 400, "bad_parameter"),
        ("GET", "/api/v1/slots/2026-03-29T01:15:00Z/depth?levels=0".into(), "".into(), 400, "bad_parameter"),
        // Bodies that are no JSON.
        ("POST", ORDERS.into(), "{".into(), 400, "bad_json"),
        ("POST", ORDERS.into(), format!("{} {{}}", batch(&[ORDER])), 400, "bad_json"),
        ("POST", ORDERS.into(), "{'orders':[]}".into(), 400, "bad_json"),
        ("POST", ORDERS.into(), format!("{}[", "[".repeat(200)), 422, "bad_body"),
        ("POST", ORDERS.into(), format!("{{\"orders\":{}", "[".repeat(200)), 422, "bad_body"),
        // Bodies of the wrong shape.
        ("POST", ORDERS.into(), "null".into(), 422, "bad_body"),
        ("POST", ORDERS.into(), "[]".into(), 422, "bad_body"),
        ("POST", ORDERS.into(), format!("[[{ORDER}]]"), 422, "bad_body"),
        ("PUT", AUTOPILOT.into(), r#"[true,"0.1","0.3",null]"#.into(), 422, "bad_body"),
        ("POST", ORDERS.into(), "{}".into(), 422, "bad_body"),
        ("POST", ORDERS.into(), r#"{"orders":[]}"#.into(), 422, "bad_body"),
        ("POST", ORDERS.into(), r#"{"orders":{}}"#.into(), 422, "bad_body"),
        ("POST", ORDERS.into(), too_many, 422, "bad_body"),
        ("POST", ORDERS.into(), batch(&[r#"["2026-03-29T01:15:00Z","sell",1500,"0.12",null]"#]), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("null", "null,\"colour\":1"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("null", "null,\"side\":\"buy\""), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced(r#""sell""#, r#"{"sell":null}"#), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("sell", "give"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("1500", "0"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("1500", "-1"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("1500", "1.5"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("1500", "1000000000001"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("1500", "1e999"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("1500", "\"1500\""), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("\"0.12\"", "0.12"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("0.12", "1e-2"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("0.12", "99999999999"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("2026-03-29T01:15:00Z", "2026-03-29T03:15:00+02:00"), 422, "bad_body"),
        ("POST", ORDERS.into(), replaced("2026-03-29T01:15:00Z", "2026-02-30T01:15:00Z"), 422, "bad_body"),
        ("POST", READINGS.into(), r#"{"readings":[]}"#.into(), 422, "bad_body"),
        ("POST", READINGS.into(), format!(r#"{{"readings":[1{}]}}"#, ",1".repeat(10_000)), 422, "bad_body"),
        ("POST", READINGS.into(), r#"{"readings":[1],"unit":"kWh"}"#.into(), 422, "bad_body"),
        ("POST", TOKENS.into(), r#"{"role":"root","label":"x"}"#.into(), 422, "bad_body"),
        ("POST", TOKENS.into(), r#"{"role":"owner","label":""}"#.into(), 422, "bad_body"),
        ("POST", TOKENS.into(), r#"{"role":"owner","label":"a\nb"}"#.into(), 422, "bad_body"),
        ("POST", TOKENS.into(), format!(r#"{{"role":"owner","label":"{}"}}"#, "ä".repeat(65)), 422, "bad_body"),
        ("PUT", AUTOPILOT.into(), settings.replace("true", "1"), 422, "bad_body"),
        ("PUT", AUTOPILOT.into(), settings.replace("\"0.3\"", "null"), 422, "bad_body"),
        ("PUT", AUTOPILOT.into(), settings.replace("0.3", "1.5"), 409, "autopilot_refused"),
        ("POST", CHARTER.into(), records(&[]), 422, "bad_body"),
        ("POST", CHARTER.into(), records(&["Ag=="; 4]), 422, "bad_body"),
        ("POST", CHARTER.into(), records(&["0204"]).replace("\"0204\"", "[2,4]"), 422, "bad_body"),
        ("POST", CHARTER.into(), records(&["Ag"]), 422, "bad_body"),
        ("POST", CHARTER.into(), records(&["Ah=="]), 422, "bad_body"),
        ("POST", CHARTER.into(), records(&["Ag=="]).replace("]}", "],\"file\":1}"), 422, "bad_body"),
        ("POST", CHARTER.into(), records(&[""]), 422, "charter_unreadable"),
        ("POST", CHARTER.into(), records(&["Aw=="]), 409, "charter_not_next"),
        ("POST", CHARTER.into(), records(&["AnM="]), 409, "charter_not_signed"),
        ("POST", CHARTER.into(), records(&["AnY="]), 409, "charter_not_supported"),
        ("POST", CHARTER.into(), records(&["Am8="]), 409, "charter_of_others"),
    ];
    for (method, path, body, status, code) in cases {
        let got = api.owner(method, &path, &body).await;
        let start: String = body.chars().take(120).collect();
        assert_eq!(got.outcome(), (status, code.to_owned()), "{method} {path} {start}: {}", got.text);
        assert_is_a_whole_problem(&got.json(), status, code);
    }
    assert!(api.home.kept().requests.is_empty());
}

/// Every member that RFC 9457 names and the document requires, each with something in it.
fn assert_is_a_whole_problem(problem: &serde_json::Value, status: u16, code: &str) {
    assert_eq!(problem["type"], format!("/api/docs#{code}"));
    assert_eq!(problem["status"], status);
    assert!(!problem["title"].as_str().unwrap().is_empty());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    assert!(problem["errors"].is_array());
}

#[tokio::test]
async fn a_bad_body_is_pointed_at() {
    let api = Api::new().await;
    for (body, pointer) in [
        (batch(&[ORDER, &ORDER.replace("0.12", "dear")]), "/orders/1/price_per_kwh"),
        (batch(&[&ORDER.replace("1500", "1.5")]), "/orders/0/quantity_wh"),
        (batch(&[&ORDER.replace("null", "null,\"a/b~c\":1")]), "/orders/0/a~1b~0c"),
        (batch(&["7"]), "/orders/0"),
        ("{}".to_owned(), ""),
    ] {
        let problem = api.owner("POST", ORDERS, &body).await.json();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

#[tokio::test]
async fn a_known_path_says_which_methods_it_has() {
    let api = Api::new().await;
    let got = api.owner("PATCH", ORDERS, "").await;
    let mut allowed: Vec<_> = got.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn a_body_has_to_be_declared_as_json() {
    let api = Api::new().await;
    for (media_type, status) in [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        ("", 415),
    ] {
        let ask = Ask::new("POST", ORDERS).token(&api.owner).header("content-type", media_type).body(batch(&[ORDER]));
        assert_eq!(api.send(ask).await.outcome().0, status, "{media_type:?}");
    }
    let undeclared = Ask::new("POST", ORDERS).token(&api.owner).body(batch(&[ORDER]));
    assert_eq!(api.send(undeclared).await.outcome(), (415, "not_json".to_owned()));
}

#[tokio::test]
async fn a_body_is_bounded() {
    let api = Api::new().await;
    let body = batch(&[ORDER]);
    let fits = format!("{body}{}", " ".repeat(MAX_BODY_BYTES - body.len()));
    assert_eq!(api.owner("POST", ORDERS, &fits).await.outcome(), (201, String::new()));
    assert_eq!(api.owner("POST", ORDERS, &format!("{fits} ")).await.outcome(), (413, "body_too_large".to_owned()));

    // Without a declared length as well: the bytes themselves are counted.
    let chunks =
        stream::iter((0..=MAX_BODY_BYTES / 1024).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1024]))));
    let ask = Ask::new("POST", ORDERS).token(&api.owner).json("{}").body(Body::from_stream(chunks));
    assert_eq!(api.send(ask).await.outcome(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let api = Api::new().await;
    let broken = stream::iter([Ok(Bytes::from("{")), Err(std::io::Error::other("connection reset"))]);
    let ask = Ask::new("POST", ORDERS).token(&api.owner).json("{}").body(Body::from_stream(broken));
    assert_eq!(api.send(ask).await.outcome(), (400, "bad_json".to_owned()));
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let api = Api::with(Settings { body_timeout: Duration::from_millis(1), ..Settings::default() }).await;
    let endless = stream::pending::<Result<Bytes, std::io::Error>>();
    let ask = Ask::new("POST", ORDERS).token(&api.owner).json("{}").body(Body::from_stream(endless));
    assert_eq!(api.send(ask).await.outcome(), (408, "body_too_slow".to_owned()));
}

#[tokio::test]
async fn a_token_has_a_rate() {
    let slow = Rate::new(2, 1).unwrap();
    let rates = Rates { owner: slow, ..Rates::default() };
    let api = Api::with(Settings { rates, ..Settings::default() }).await;
    let mut refused = None;
    for _ in 0..1_000 {
        let got = api.owner("GET", "/api/v1/status", "").await;
        if got.outcome().0 != 200 {
            refused = Some(got);
            break;
        }
    }
    let refused = refused.expect("two at once and one a second are fewer than a thousand");
    assert_eq!(refused.outcome(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    // Another token's rate is its own, and what needs no token has none.
    let viewer = Ask::new("GET", "/api/v1/status").token(&api.viewer);
    assert_eq!(api.send(viewer).await.outcome(), (200, String::new()));
    assert_eq!(api.owner("GET", "/healthz", "").await.outcome(), (200, String::new()));
}

#[tokio::test]
async fn a_household_that_cannot_answer_says_so() {
    let api = Api::new().await;
    let overloaded = Unavailable::Overloaded { retry_after: Duration::from_millis(1_200) };
    for (failure, code, retry_after) in [
        (overloaded, "overloaded", "2"),
        (Unavailable::Stopping, "stopping", ""),
        (Unavailable::Store("no space left on device".to_owned()), "store_failed", ""),
        (Unavailable::Randomness("not yet".to_owned()), "no_randomness", ""),
    ] {
        api.home.kept().failure = Some(failure);
        for (method, path, body) in [
            ("POST", ORDERS, batch(&[ORDER])),
            ("GET", ORDERS, String::new()),
            ("GET", "/api/v1/orders/00000000000000000000000000000000", String::new()),
            ("DELETE", "/api/v1/orders/00000000000000000000000000000000", String::new()),
            ("GET", "/api/v1/slots", String::new()),
            ("GET", "/api/v1/slots/2026-03-29T01:15:00Z/depth", String::new()),
            ("GET", "/api/v1/trades", String::new()),
            ("POST", READINGS, crate::readings::batch(&[crate::readings::ROW])),
            ("GET", READINGS, String::new()),
            ("GET", "/api/v1/status", String::new()),
            ("GET", "/api/v1/peers", String::new()),
            ("GET", CHARTER, String::new()),
            ("POST", CHARTER, records(&["Ag=="])),
            ("GET", AUTOPILOT, String::new()),
            ("GET", TOKENS, String::new()),
            ("POST", TOKENS, r#"{"role":"meter","label":"x"}"#.to_owned()),
        ] {
            let got = api.owner(method, path, &body).await;
            assert_eq!(got.outcome(), (503, code.to_owned()), "{method} {path}");
            assert_eq!(got.header("retry-after"), retry_after, "{method} {path}");
        }
    }
}
