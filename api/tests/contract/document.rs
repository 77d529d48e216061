//! The OpenAPI document: valid where utoipa does not see to it, complete, and as strict as the code.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{Api, Ask, document, resolve};

/// Every operation with its path and method.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Calls `visit` with every value in the document and the pointer to it.
fn walk(value: &Value, pointer: String, visit: &mut impl FnMut(&str, &Value)) {
    visit(&pointer, value);
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| walk(value, format!("{pointer}/{name}"), visit))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| walk(value, format!("{pointer}/{at}"), visit));
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_router_serves_the_document_and_all_that_is_in_it() {
    let api = Api::new().await;
    let served = api.send(Ask::new("GET", "/api/v1/openapi.json")).await.json();
    assert_eq!(&served, document());
    assert_eq!(served["openapi"], "3.1.0");
    for (path, method, _) in operations() {
        let got = api.start(Ask::new(&method.to_uppercase(), path).token(&api.owner)).await;
        let (status, handled) = (got.status().as_u16(), !matches!(got.status().as_u16(), 404 | 405));
        assert!(handled, "{method} {path} is documented, but answers {status}");
    }
}

#[test]
fn every_operation_and_every_response_is_described() {
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations() {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{at}: its operationId is taken");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{at}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let description = resolve(response)["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{at} {status}");
        }
        let known = document()["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == operation["tags"][0]);
        assert!(known, "{at}: its tag is not introduced");
    }
}

#[test]
fn what_can_happen_is_declared() {
    for (path, method, operation) in operations() {
        let declared: BTreeSet<_> = operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![];
        if operation.get("requestBody").is_some() {
            expected.extend(["400", "408", "413", "415", "422"]);
        }
        if operation.get("parameters").is_some() {
            expected.push("400");
        }
        if operation.get("security").is_some() {
            expected.extend(["401", "403", "429", "503"]);
        }
        assert!(expected.iter().all(|status| declared.contains(status)), "{method} {path}: {declared:?}");
        let problems =
            operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.as_str() >= "400");
        for (status, response) in problems.filter(|_| path != "/readyz") {
            let content = resolve(response)["content"].as_object().unwrap();
            assert_eq!(content.keys().collect::<Vec<_>>(), ["application/problem+json"], "{method} {path} {status}");
        }
    }
}

#[test]
fn references_lead_somewhere_and_schemas_have_types() {
    walk(document(), String::new(), &mut |at, value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document().pointer(reference.trim_start_matches('#')).is_some(), "{at}: {reference}");
        }
    });
    for (name, schema) in document()["components"]["schemas"].as_object().unwrap() {
        let typed = ["type", "oneOf", "anyOf", "allOf"].iter().any(|key| schema.get(key).is_some());
        assert!(typed, "{name}: {schema}");
        assert!(schema.get("description").is_some(), "{name} is not described");
    }
}

#[test]
fn bodies_are_closed_and_bounded() {
    let schemas = &document()["components"]["schemas"];
    for name in ["NewOrders", "NewOrder", "NewReadings", "Reading", "NewToken", "Autopilot", "NewRecords"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    assert_eq!(
        (
            &schemas["NewOrders"]["properties"]["orders"]["minItems"],
            &schemas["NewOrders"]["properties"]["orders"]["maxItems"]
        ),
        (&1.into(), &1000.into())
    );
    assert_eq!(schemas["NewReadings"]["properties"]["readings"]["maxItems"], 10_000);
    assert_eq!(schemas["NewRecords"]["properties"]["records"]["maxItems"], 3);
    assert_eq!((&schemas["Quantity"]["minimum"], &schemas["Energy"]["minimum"]), (&1.into(), &0.into()));
    for name in ["Price", "Instant", "SlotStart", "OrderId", "TradeId", "MeterName", "Cursor", "TokenId", "SignedBytes"]
    {
        assert!(schemas[name]["pattern"].as_str().unwrap().starts_with('^'), "{name}");
    }
}

#[test]
fn parameters_that_may_be_left_out_are_never_null() {
    for (path, method, operation) in operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let text = parameter["schema"].to_string();
            assert!(!text.contains("null"), "{method} {path}: {parameter}");
            assert!(!parameter["description"].as_str().unwrap_or_default().is_empty(), "{method} {path}: {parameter}");
        }
    }
}
