//! Tokens: which role may do what, and a token's life from its making to its revocation.

use serde_json::json;

use crate::client::{Api, Ask, document};
use crate::live::next_event;
use crate::orders::{ORDER, batch};

const OWNER: [bool; 3] = [true, false, false];
const READ: [bool; 3] = [true, false, true];
const PUSH: [bool; 3] = [true, true, false];
const ANYBODY: [bool; 3] = [true, true, true];

/// Every operation, and whether an owner, a meter and a viewer may use it.
const MATRIX: [(&str, &str, [bool; 3]); 27] = [
    ("post", "/api/v1/orders", OWNER),
    ("get", "/api/v1/orders", READ),
    ("get", "/api/v1/orders/{id}", READ),
    ("delete", "/api/v1/orders/{id}", OWNER),
    ("get", "/api/v1/slots", READ),
    ("get", "/api/v1/slots/{slot}/depth", READ),
    ("get", "/api/v1/trades", READ),
    ("get", "/api/v1/trades/{id}", READ),
    ("post", "/api/v1/readings", PUSH),
    ("get", "/api/v1/readings", READ),
    ("get", "/api/v1/autopilot", READ),
    ("put", "/api/v1/autopilot", OWNER),
    ("get", "/api/v1/status", READ),
    ("get", "/api/v1/peers", READ),
    ("get", "/api/v1/charter", READ),
    ("post", "/api/v1/charter", OWNER),
    ("post", "/api/v1/tokens", OWNER),
    ("get", "/api/v1/tokens", OWNER),
    ("delete", "/api/v1/tokens/{id}", OWNER),
    ("get", "/api/v1/events", READ),
    ("get", "/metrics", READ),
    ("get", "/api/v1/openapi.json", ANYBODY),
    ("get", "/healthz", ANYBODY),
    ("get", "/readyz", ANYBODY),
    ("get", "/api/docs", ANYBODY),
    ("get", "/api/docs/docs.js", ANYBODY),
    ("get", "/api/docs/docs.css", ANYBODY),
];

#[tokio::test]
async fn roles_open_what_they_should_and_nothing_else() {
    let api = Api::new().await;
    for (method, path, allowed) in MATRIX {
        let needs_token = allowed != ANYBODY;
        let status = async |token: Option<&str>| {
            let ask = Ask::new(&method.to_uppercase(), path);
            let ask = token.map_or(Ask::new(&method.to_uppercase(), path), |token| ask.token(token));
            api.start(ask).await.status().as_u16()
        };
        assert_eq!(status(None).await == 401, needs_token, "{method} {path}");
        assert_eq!(status(Some("ws_o_wrong")).await == 401, needs_token, "{method} {path}");
        for (token, allowed) in [&api.owner, &api.meter, &api.viewer].into_iter().zip(allowed) {
            let status = status(Some(token)).await;
            assert_ne!(status, 401, "{method} {path} {token}");
            assert_eq!(status != 403, allowed, "{method} {path} {token}: {status}");
        }
    }
}

#[test]
fn the_document_names_the_same_roles() {
    let mut documented = 0;
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let line = MATRIX.iter().find(|(of, at, _)| of == method && at == path);
            let (_, _, allowed) = line.unwrap_or_else(|| panic!("{method} {path} is not in the matrix"));
            let expected: Vec<_> = ["owner", "meter", "viewer"]
                .into_iter()
                .zip(allowed)
                .filter(|(_, may)| **may)
                .map(|(r, _)| r)
                .collect();
            let security = if *allowed == ANYBODY { json!(null) } else { json!([{ "token": expected }]) };
            assert_eq!(operation["security"], security, "{method} {path}");
            documented += 1;
        }
    }
    assert_eq!(documented, MATRIX.len());
}

#[tokio::test]
async fn a_token_is_sent_as_a_bearer() {
    let api = Api::new().await;
    let owner = &api.owner;
    for (sent, status) in [
        (format!("Bearer {owner}"), 200),
        (format!("bearer {owner}"), 200),
        (owner.clone(), 401),
        (format!("Basic {owner}"), 401),
        (format!("Bearer  {owner}"), 401),
        (format!("Bearer {owner}x"), 401),
        (format!("Bearer {}", &owner[..owner.len() - 1]), 401),
        (format!("Bearer {}", owner.to_uppercase()), 401),
        (format!("Bearer {}", "x".repeat(10_000)), 401),
        ("Bearer ".to_owned(), 401),
        (String::new(), 401),
    ] {
        let got = api.send(Ask::new("GET", "/api/v1/status").header("authorization", &sent)).await;
        assert_eq!(got.status.as_u16(), status, "{sent:.80}");
        let challenge = if status == 401 { "Bearer realm=\"wattswap\"" } else { "" };
        assert_eq!(got.header("www-authenticate"), challenge);
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_from_a_body() {
    let api = Api::new().await;
    for body in [batch(&[ORDER]), "{".to_owned(), "x".repeat(2 * 1024 * 1024)] {
        let got = api.send(Ask::new("POST", "/api/v1/orders").json(&body)).await;
        assert_eq!(got.outcome(), (401, "unauthenticated".to_owned()));
    }
}

#[tokio::test]
async fn a_token_lives_from_its_making_to_its_revocation() {
    let api = Api::new().await;
    let made = api.owner("POST", "/api/v1/tokens", r#"{"role":"viewer","label":"hall screen"}"#).await;
    assert_eq!(made.outcome(), (201, String::new()));
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("ws_v_") && token.ends_with(made["last_four"].as_str().unwrap()));

    // Shown once: neither the list nor the store has it.
    let list = api.owner("GET", "/api/v1/tokens", "").await;
    assert!(!list.text.contains(token));
    let listed = list.json()["tokens"].as_array().unwrap().last().unwrap().clone();
    let mut expected = made.clone();
    expected.as_object_mut().unwrap().remove("token");
    assert_eq!(listed, expected);
    assert!(!format!("{:?}", api.home.kept().tokens).contains(token));

    // It works, until it is revoked; the live stream that it opened ends then.
    let watch = async || api.start(Ask::new("GET", "/api/v1/events").token(token)).await;
    let mut stream = watch().await.into_body();
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(api.owner("DELETE", &path, "").await.status.as_u16(), 204);
    assert_eq!(watch().await.status().as_u16(), 401);
    api.events.publish(wattswap_api::port::Event::Peer(crate::home::peer()));
    let end = next_event(&mut stream).await.unwrap();
    assert_eq!((end.kind.as_str(), end.data["reason"].as_str()), ("end", Some("token_revoked")));
    assert!(next_event(&mut stream).await.is_none());
    assert_eq!(api.owner("DELETE", &path, "").await.outcome(), (404, "token_unknown".to_owned()));
}

#[tokio::test]
async fn an_owner_can_always_get_in() {
    let api = Api::new().await;
    let tokens = api.owner("GET", "/api/v1/tokens", "").await.json();
    let id_of = |role: &str| {
        let token = tokens["tokens"].as_array().unwrap().iter().find(|token| token["role"] == role).unwrap();
        format!("/api/v1/tokens/{}", token["id"].as_str().unwrap())
    };
    assert_eq!(api.owner("DELETE", &id_of("owner"), "").await.outcome(), (409, "last_owner_token".to_owned()));
    assert_eq!(api.owner("DELETE", &id_of("meter"), "").await.status.as_u16(), 204);
    let second = api.owner("POST", "/api/v1/tokens", r#"{"role":"owner","label":"phone"}"#).await;
    assert_eq!(second.status.as_u16(), 201);
    assert_eq!(api.owner("DELETE", &id_of("owner"), "").await.status.as_u16(), 204);
    assert_eq!(api.owner("GET", "/api/v1/status", "").await.status.as_u16(), 401);
}

#[tokio::test]
async fn there_is_an_end_to_tokens() {
    let api = Api::new().await;
    for _ in 3..6 {
        let made = api.owner("POST", "/api/v1/tokens", r#"{"role":"meter","label":"x"}"#).await;
        assert_eq!(made.status.as_u16(), 201);
    }
    let refused = api.owner("POST", "/api/v1/tokens", r#"{"role":"meter","label":"x"}"#).await;
    assert_eq!(refused.outcome(), (409, "too_many_tokens".to_owned()));
}
