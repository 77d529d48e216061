//! Pushing and listing meter readings.

use serde_json::{Value, json};

use crate::client::{Api, Ask};

pub const ROW: &str = r#"{"meter":"main","at":"2026-03-29T00:45:00Z","import_wh":5000,"export_wh":70}"#;

pub fn batch(rows: &[&str]) -> String {
    format!(r#"{{"readings":[{}]}}"#, rows.join(","))
}

async fn push(api: &Api, rows: &[&str]) -> Vec<Value> {
    let ask = Ask::new("POST", "/api/v1/readings").token(&api.meter).json(&batch(rows));
    let got = api.send(ask).await;
    assert_eq!(got.outcome(), (200, String::new()), "{}", got.text);
    got.json()["verdicts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_row_has_its_verdict_and_none_costs_another() {
    let api = Api::new().await;
    let later = ROW.replace("00:45", "00:50");
    let rows = [
        ROW,
        ROW,
        &ROW.replace("5000", "5001"),
        "null",
        r#""5000""#,
        "[]",
        "{}",
        &ROW.replace("70", "-1"),
        &ROW.replace("70", "0.5"),
        &ROW.replace("5000", "\"5000\""),
        &ROW.replace("70", "70,\"unit\":\"Wh\""),
        &ROW.replace("main", "a b"),
        &ROW.replace("00:45:00Z", "00:45:00"),
        &later.replace("5000", "0"),
        &ROW.replace("T00", "T23"),
        &later.replace("00:50", "00:55").replace("5000", "5100.0"),
    ];
    let verdicts = push(&api, &rows).await;
    let words: Vec<_> = verdicts.iter().map(|verdict| verdict["verdict"].as_str().unwrap()).collect();
    let mut expected = vec!["accepted", "duplicate", "conflict"];
    expected.extend(["malformed"; 10]);
    expected.extend(["quarantined", "quarantined", "accepted"]);
    assert_eq!(words, expected);
    assert_eq!(verdicts[2], json!({ "verdict": "conflict", "kept_import_wh": 5000, "kept_export_wh": 70 }));
    assert!(verdicts[8]["detail"].as_str().unwrap().contains("watt-hours"));
    assert_eq!((&verdicts[13]["reason"], &verdicts[14]["reason"]), (&json!("went_back"), &json!("clock_ahead")));
}

#[tokio::test]
async fn rows_that_are_all_bad_still_get_their_verdicts() {
    let api = Api::new().await;
    let verdicts = push(&api, &["1", "2"]).await;
    assert!(verdicts.iter().all(|verdict| verdict["verdict"] == "malformed"));
    assert!(api.home.kept().readings.is_empty());
}

#[tokio::test]
async fn a_full_batch_is_taken() {
    let api = Api::new().await;
    let rows: Vec<_> =
        (0..10_000).map(|n| ROW.replace("5000", &n.to_string()).replace("main", &format!("m{n}"))).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    assert_eq!(push(&api, &rows).await.len(), 10_000);
    assert_eq!(api.home.kept().readings.len(), 10_000);
}

#[tokio::test]
async fn what_was_pushed_is_listed() {
    let api = Api::new().await;
    let other = ROW.replace("main", "roof").replace("00:45", "00:50");
    push(&api, &[ROW, &other, &other.replace("00:50", "00:55").replace("5000", "4999")]).await;
    let list = api.owner("GET", "/api/v1/readings?meter=roof", "").await.json();
    let expected = |at: &str, import: i64, quarantined: Value| json!({ "meter": "roof", "at": at, "import_wh": import, "export_wh": 70, "quarantined": quarantined });
    let readings = json!([
        expected("2026-03-29T00:55:00Z", 4999, json!("went_back")),
        expected("2026-03-29T00:50:00Z", 5000, Value::Null),
    ]);
    assert_eq!(list, json!({ "readings": readings, "next": null }));
    assert_eq!(api.owner("GET", "/api/v1/readings", "").await.json()["readings"].as_array().unwrap().len(), 3);
}
