//! Placing, showing, listing and cancelling orders.

use serde_json::json;
use wattswap_api::port::{RefusalReason, RequestState};
use wattswap_matching::units::WattHours;

use crate::client::{Api, Ask};

pub const ORDER: &str =
    r#"{"slot":"2026-03-29T01:15:00Z","side":"sell","quantity_wh":1500,"price_per_kwh":"0.12","expires_at":null}"#;

pub fn batch(orders: &[&str]) -> String {
    format!(r#"{{"orders":[{}]}}"#, orders.join(","))
}

#[tokio::test]
async fn an_order_is_placed_shown_and_cancelled() {
    let api = Api::new().await;
    let placed = api.owner("POST", "/api/v1/orders", &batch(&[ORDER])).await;
    assert_eq!(placed.outcome(), (201, String::new()));
    let id = "00000000000000000000000000000000";
    let order = json!({
        "id": id, "slot": "2026-03-29T01:15:00Z", "side": "sell", "quantity_wh": 1500, "price_per_kwh": "0.12",
        "expires_at": null, "placed_at": "2026-03-29T01:00:00Z",
    });
    assert_eq!(placed.json(), json!({ "orders": [order] }));

    let mut stands = order;
    let more = json!({
        "state": "posted", "rejection": null, "filled_wh": 0, "in_doubt_wh": 0, "open_wh": 1500,
        "book_orders": [format!("{}:0", "09".repeat(32))],
    });
    stands.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/v1/orders/{id}");
    assert_eq!(api.owner("GET", &path, "").await.json(), stands);

    stands["state"] = json!("cancelled");
    stands["open_wh"] = json!(0);
    for _ in 0..2 {
        let cancelled = api.owner("DELETE", &path, "").await;
        assert_eq!((cancelled.outcome(), cancelled.json()), ((200, String::new()), stands.clone()));
    }
}

#[tokio::test]
async fn what_has_ended_is_not_cancelled() {
    let api = Api::new().await;
    api.owner("POST", "/api/v1/orders", &batch(&[ORDER])).await;
    let path = "/api/v1/orders/00000000000000000000000000000000";
    for (state, shown) in [
        (RequestState::Filled, "filled"),
        (RequestState::Expired, "expired"),
        (RequestState::Rejected(RefusalReason::BeyondConnection { left: WattHours(5) }), "rejected"),
    ] {
        api.home.kept().requests[0].state = state;
        let order = api.owner("GET", path, "").await.json();
        assert_eq!((order["state"].as_str(), order["rejection"].is_object()), (Some(shown), shown == "rejected"));
        assert_eq!(api.owner("DELETE", path, "").await.outcome(), (409, "order_ended".to_owned()));
    }
    let rejection = &api.owner("GET", path, "").await.json()["rejection"];
    assert_eq!(rejection["code"], "beyond_connection");
    assert!(rejection["detail"].as_str().unwrap().contains("5 Wh"));
}

#[tokio::test]
async fn a_batch_is_placed_as_one_or_not_at_all() {
    let api = Api::new().await;
    let between = ORDER.replace("0.12", "0.125");
    let closed = ORDER.replace("01:15", "01:00");
    let early = ORDER.replace("01:15", "01:30");
    let none = ORDER.replace("01:15", "01:16");
    let dear = ORDER.replace("0.12", "1.01");
    let expired = ORDER.replace("null", r#""2026-03-29T01:00:00Z""#);
    let refused =
        api.owner("POST", "/api/v1/orders", &batch(&[ORDER, &between, &closed, &early, &none, &dear, &expired])).await;
    assert_eq!(refused.outcome(), (409, "orders_refused".to_owned()));
    let problem = refused.json();
    let errors: Vec<_> = problem["errors"].as_array().unwrap().iter().collect();
    let faults: Vec<_> = errors.iter().map(|e| (e["pointer"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
    let expected = [
        ("/orders/1/price_per_kwh", "price_between_ticks"),
        ("/orders/2/slot", "slot_closed"),
        ("/orders/3/slot", "slot_not_open"),
        ("/orders/4/slot", "no_such_slot"),
        ("/orders/5/price_per_kwh", "price_out_of_bounds"),
        ("/orders/6/expires_at", "already_expired"),
    ];
    assert_eq!(faults, expected);
    assert!(api.home.kept().requests.is_empty());

    let most = batch(&vec![ORDER; 1000]);
    assert_eq!(api.owner("POST", "/api/v1/orders", &most).await.json()["orders"].as_array().unwrap().len(), 1000);
}

#[tokio::test]
async fn a_key_makes_a_retry_harmless() {
    let api = Api::new().await;
    let body = batch(&[ORDER]);
    let post = |key: &str, body: &str| {
        api.send(Ask::new("POST", "/api/v1/orders").token(&api.owner).header("idempotency-key", key).json(body))
    };
    let first = post("a-1", &body).await;
    let again = post("a-1", &body.replace("1500", "1500.0")).await;
    assert_eq!((first.outcome(), &first.text), (again.outcome(), &again.text));
    assert_eq!(api.home.kept().requests.len(), 1);

    let other = post("a-1", &batch(&[ORDER, ORDER])).await;
    assert_eq!(other.outcome(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(post("a-2", &body).await.outcome(), (201, String::new()));
    assert_eq!(post(&"k".repeat(255), &body).await.outcome(), (201, String::new()));
    assert_eq!(api.home.kept().requests.len(), 3);

    for bad in [&"k".repeat(256), "", "two words", "ä"] {
        assert_eq!(post(bad, &body).await.outcome(), (400, "bad_parameter".to_owned()), "{bad:?}");
    }
    let twice = Ask::new("POST", "/api/v1/orders").token(&api.owner).header("idempotency-key", "a");
    let twice = api.send(twice.header("idempotency-key", "b").json(&body)).await;
    assert_eq!(twice.outcome(), (400, "bad_parameter".to_owned()));
    assert_eq!(api.home.kept().requests.len(), 3);
}

#[tokio::test]
async fn whole_numbers_count_however_they_are_written() {
    let api = Api::new().await;
    for written in ["1500.0", "15e2", "1.5E+3"] {
        let body = batch(&[&ORDER.replace("1500", written)]);
        let placed = api.owner("POST", "/api/v1/orders", &body).await;
        assert_eq!(placed.json()["orders"][0]["quantity_wh"], 1500, "{written}");
    }
}
