//! What each of the remaining resources shows.

use serde_json::json;

use crate::client::{Api, Ask};
use crate::home::trade;
use crate::orders::{ORDER, batch};

#[tokio::test]
async fn slots_and_their_depth() {
    let api = Api::new().await;
    let bid = ORDER.replace("sell", "buy").replace("0.12", "-0.10");
    let dear = ORDER.replace("0.12", "0.2");
    api.owner("POST", "/api/v1/orders", &batch(&[ORDER, ORDER, &dear, &bid])).await;
    let level = |price: &str, quantity: i64, orders: u32| json!({ "price_per_kwh": price, "quantity_wh": quantity, "orders": orders });
    assert_eq!(
        api.owner("GET", "/api/v1/slots", "").await.json(),
        json!({ "slots": [{
            "slot": "2026-03-29T01:15:00Z", "opens_at": "2026-03-29T00:59:00Z", "closes_at": "2026-03-29T02:00:00Z",
            "best_bid": level("-0.1", 1500, 1), "best_ask": level("0.12", 3000, 2),
            "bid_total_wh": 1500, "ask_total_wh": 4500,
        }] })
    );
    let depth = "/api/v1/slots/2026-03-29T01:15:00Z/depth";
    let whole = json!({
        "slot": "2026-03-29T01:15:00Z", "bids": [level("-0.1", 1500, 1)],
        "asks": [level("0.12", 3000, 2), level("0.2", 1500, 1)],
    });
    assert_eq!(api.owner("GET", depth, "").await.json(), whole);
    let top = api.owner("GET", &format!("{depth}?levels=1"), "").await.json();
    assert_eq!(top["asks"], json!([level("0.12", 3000, 2)]));
}

#[tokio::test]
async fn a_trade_proves_itself() {
    let api = Api::new().await;
    api.home.kept().trades.push(trade(7));
    assert_eq!(
        api.owner("GET", &format!("/api/v1/trades/{}", "07".repeat(32)), "").await.json(),
        json!({
            "id": "07".repeat(32), "slot": "2026-03-29T01:15:00Z", "side": "sell", "counterparty": "06".repeat(32),
            "price_per_kwh": "-0.01", "quantity_wh": 1500, "amount": "-0.015", "at": "2026-03-29T01:00:00Z",
            "provisional": false, "order": null, "resting_order": format!("{}:3", "09".repeat(32)),
            "proposal": "0oQ=", "acceptance": "0g==",
        })
    );
}

#[tokio::test]
async fn the_autopilot_is_set() {
    let api = Api::new().await;
    let path = "/api/v1/autopilot";
    assert_eq!(api.owner("GET", path, "").await.json()["on"], false);
    let settings = json!({
        "on": true, "sell_at_least_per_kwh": "0.1", "buy_at_most_per_kwh": "0.28", "trade_ahead_slots": 4,
        "slot_limit_wh": 2000,
    });
    let set = api.owner("PUT", path, &settings.to_string()).await;
    assert_eq!((set.outcome(), set.json()), ((200, String::new()), settings.clone()));
    assert_eq!(api.owner("GET", path, "").await.json(), settings);
    let unlimited = settings.to_string().replace(",\"slot_limit_wh\":2000", "");
    assert_eq!(api.owner("PUT", path, &unlimited).await.json()["slot_limit_wh"], json!(null));
    let too_far = settings.to_string().replace("\"trade_ahead_slots\":4", "\"trade_ahead_slots\":97");
    assert_eq!(api.owner("PUT", path, &too_far).await.outcome(), (422, "bad_body".to_owned()));
}

#[tokio::test]
async fn the_node_its_neighbours_and_the_charter() {
    let api = Api::new().await;
    let status = api.owner("GET", "/api/v1/status", "").await.json();
    assert_eq!((&status["phase"], &status["log"]["seq"]), (&json!("trading"), &json!(0)));
    let peers = api.owner("GET", "/api/v1/peers", "").await.json();
    assert_eq!((&peers["peers"][0]["name"], &peers["peers"][0]["log"]), (&json!("Ben"), &json!(null)));
    let charter = api.owner("GET", "/api/v1/charter", "").await.json();
    assert_eq!(charter["gate_after_ms"], -300_000);
    assert_eq!(charter["slot_length_ms"], 900_000);
    assert_eq!(charter["fees"], json!([{ "name": "association", "per_kwh": "0.002" }]));
    assert_eq!(charter["members"][0]["import_limit_w"], 13_800);
}

/// A request to publish records, each in base64.
pub fn records(records: &[&str]) -> String {
    json!({ "records": records }).to_string()
}

#[tokio::test]
async fn a_charter_is_published_once_however_often_it_comes() {
    let api = Api::new().await;
    let path = "/api/v1/charter";
    let before = api.owner("GET", path, "").await.json();
    assert_eq!(before["height"], 1);
    // What is in force already, the next one, and the one after that.
    for (sent, height) in [(&["AQ=="][..], 1), (&["AQ==", "Ag=="], 2), (&["AQ==", "Ag=="], 2), (&["Aw==", "BA=="], 4)] {
        let answer = api.owner("POST", path, &records(sent)).await;
        assert_eq!(answer.outcome(), (200, String::new()), "{sent:?}: {}", answer.text);
        assert_eq!(answer.json()["height"], height, "{sent:?}");
        assert_eq!(api.owner("GET", path, "").await.json(), answer.json());
    }
}

#[tokio::test]
async fn a_refused_record_is_pointed_at_and_those_before_it_stay() {
    let api = Api::new().await;
    let path = "/api/v1/charter";
    let refused = api.owner("POST", path, &records(&["Ag==", "A3M=", "Aw=="])).await;
    assert_eq!(refused.outcome(), (409, "charter_not_signed".to_owned()));
    let error = &refused.json()["errors"][0];
    assert_eq!(error["pointer"], "/records/1");
    assert!(error["detail"].as_str().unwrap().contains("1 operators have signed, and it takes 2"), "{error}");
    assert_eq!(api.owner("GET", path, "").await.json()["height"], 2);
}

#[tokio::test]
async fn health_and_readiness() {
    let api = Api::new().await;
    assert_eq!(api.send(Ask::new("GET", "/healthz")).await.text, "ok\n");
    let ready = api.send(Ask::new("GET", "/readyz")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["ready"]), (200, &json!(true)));
    api.home.kept().unready = Some("the disk is full; free some space".to_owned());
    let ready = api.send(Ask::new("GET", "/readyz")).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["ready"]), (503, &json!(false)));
    let store = json!({ "name": "store", "passed": false, "detail": "the disk is full; free some space" });
    assert_eq!(ready.json()["checks"][0], store);
}

#[tokio::test]
async fn figures_for_prometheus() {
    let api = Api::new().await;
    let watts = prometheus_client::metrics::gauge::Gauge::<i64>::default();
    watts.set(230);
    api.metrics.register(|registry| registry.register("power_watts", "Power drawn", watts));
    api.owner("GET", "/api/v1/orders/00000000000000000000000000000000", "").await;
    api.owner("GET", "/nowhere", "").await;
    api.send(Ask::new("BREW", "/api/v1/orders")).await;
    let figures = api.owner("GET", "/metrics", "").await.text;
    for line in [
        "wattswap_power_watts 230",
        r#"wattswap_http_requests_total{method="GET",route="/api/v1/orders/{id}",status="404"} 1"#,
        r#"wattswap_http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        r#"wattswap_http_requests_total{method="other",route="/api/v1/orders",status="405"} 1"#,
        r#"wattswap_http_request_duration_seconds_count{method="GET",route="/api/v1/orders/{id}"} 1"#,
        "# EOF",
    ] {
        assert!(figures.lines().any(|of| of == line), "{line} is not in\n{figures}");
    }
}

#[tokio::test]
async fn the_docs_page_stands_on_its_own() {
    let api = Api::new().await;
    let mut whole = String::new();
    for path in ["/api/docs", "/api/docs/docs.js", "/api/docs/docs.css"] {
        let file = api.send(Ask::new("GET", path)).await;
        assert_eq!(file.status.as_u16(), 200);
        assert!(file.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
        whole.push_str(&file.text);
    }
    // Nothing from elsewhere, nothing inline, and no way from text to markup.
    for absent in ["http:", "https:", "//cdn", "<style", "style=\"", "onclick", "innerHTML", "eval("] {
        assert!(!whole.contains(absent), "{absent}");
    }
    // What the page asks for is what this router serves, relative to the page so that a path prefix does no harm.
    for (asked, served) in [
        ("v1/openapi.json", "/api/v1/openapi.json"),
        ("docs/docs.js", "/api/docs/docs.js"),
        ("docs/docs.css", "/api/docs/docs.css"),
    ] {
        assert!(whole.contains(&format!("\"{asked}\"")));
        assert_eq!(api.send(Ask::new("GET", served)).await.status.as_u16(), 200);
    }
}
