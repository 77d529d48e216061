//! Pages and filters of listings.

use crate::client::Api;
use crate::home::trade;
use crate::orders::{ORDER, batch};
use crate::readings;

/// Follows `next` from the first page to the last; gives what `field` of each item holds.
async fn walk(api: &Api, path: &str, items: &str, field: &str) -> (Vec<String>, usize) {
    let (mut seen, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = api.owner("GET", &format!("{path}{after}"), "").await.json();
        pages += 1;
        seen.extend(page[items].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return (seen, pages),
        }
    }
}

#[tokio::test]
async fn pages_hold_everything_once_and_newest_first() {
    let api = Api::new().await;
    api.owner("POST", "/api/v1/orders", &batch(&[ORDER; 5])).await;
    api.home.kept().trades.extend((1..=5).map(trade));
    let rows: Vec<_> = (1..=5).map(|n| readings::ROW.replace("00:45", &format!("00:0{n}"))).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    api.owner("POST", "/api/v1/readings", &readings::batch(&rows)).await;

    let orders: Vec<_> = (0..5).rev().map(|n| format!("{n:032x}")).collect();
    let trades: Vec<_> = (1..=5).rev().map(|n| format!("0{n}").repeat(32)).collect();
    let instants: Vec<_> = (1..=5).rev().map(|n| format!("2026-03-29T00:0{n}:00Z")).collect();
    for (limit, pages) in [(1, 5), (2, 3), (5, 1), (1000, 1)] {
        for (path, items, field, expected) in [
            ("orders", "orders", "id", &orders),
            ("trades", "trades", "id", &trades),
            ("readings", "readings", "at", &instants),
        ] {
            let got = walk(&api, &format!("/api/v1/{path}?limit={limit}"), items, field).await;
            assert_eq!(got, (expected.clone(), pages), "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn orders_and_trades_are_filtered() {
    let api = Api::new().await;
    api.owner("POST", "/api/v1/orders", &batch(&[ORDER; 3])).await;
    api.owner("DELETE", "/api/v1/orders/00000000000000000000000000000001", "").await;
    api.home.kept().trades.push(trade(1));
    for (path, items, count) in [
        ("/api/v1/orders", "orders", 3),
        ("/api/v1/orders?open=true", "orders", 2),
        ("/api/v1/orders?open=false", "orders", 1),
        ("/api/v1/orders?slot=2026-03-29T01:15:00Z&open=true", "orders", 2),
        ("/api/v1/orders?slot=2026-03-29T01:30:00Z", "orders", 0),
        ("/api/v1/orders?limit=2.0", "orders", 2),
        ("/api/v1/trades?slot=2026-03-29T01:15:00.000Z", "trades", 1),
        ("/api/v1/trades?slot=2026-03-29T01:30:00Z", "trades", 0),
    ] {
        let page = api.owner("GET", path, "").await.json();
        assert_eq!(page[items].as_array().unwrap().len(), count, "{path}");
    }
}
