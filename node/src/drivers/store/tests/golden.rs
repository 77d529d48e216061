//! `tests/vectors/disk.json`: what each record looks like in the database, byte for byte, as it was when it was added.
//!
//! `WATTSWAP_ADD_VECTORS=1` adds cases that are missing; nothing is ever changed.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::layout::Family;
use super::super::{Store, Token, TokenRole, records};
use super::{open, samples};
use crate::protocol::wire::cbor;

/// Everything in the store, in the order of families and keys.
fn dump(store: &Store) -> Vec<Value> {
    let mut pairs = Vec::new();
    for family in Family::ALL {
        let mut scan = store.db.raw_iterator_cf(store.family(family));
        scan.seek_to_first();
        while let Some((key, value)) = scan.item() {
            pairs.push(json!({ "family": family.name(), "key": hex::encode(key), "value": hex::encode(value) }));
            scan.next();
        }
    }
    pairs
}

fn token() -> Token {
    Token {
        hash: std::array::from_fn(|at| at as u8),
        role: TokenRole::Meter,
        label: "garage".to_owned(),
        last_four: "x7Kq".to_owned(),
        created_at: samples::NOW,
    }
}

/// A fresh store for each case, so that it shows what the one write wrote.
fn cases() -> Vec<Value> {
    let mut cases = Vec::new();
    let mut case = |about: &str, write: &dyn Fn(&Store)| {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let before = dump(&store);
        write(&store);
        let wrote: Vec<Value> = dump(&store).into_iter().filter(|pair| !before.contains(pair)).collect();
        let wrote = if about == NEW { before } else { wrote };
        cases.push(json!({ "about": about, "holds": wrote }));
    };
    case(NEW, &|_| ());
    for (about, record) in samples::one_of_each() {
        case(about, &|store| store.commit(std::slice::from_ref(&record)).unwrap());
    }
    case("a token", &|store| store.add_token(&token()).unwrap());
    cases
}

const NEW: &str = "a new store";

#[test]
fn every_record_looks_as_it_did_when_it_was_added() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/disk.json");
    let cases = cases();
    let mut known: Vec<Value> =
        std::fs::read(&path).map(|text| serde_json::from_slice(&text).unwrap()).unwrap_or_default();
    if std::env::var_os("WATTSWAP_ADD_VECTORS").is_some() {
        let is_new = |case: &Value| known.iter().all(|old| old["about"] != case["about"]);
        let new: Vec<Value> = cases.iter().filter(|case| is_new(case)).cloned().collect();
        known.extend(new);
        std::fs::write(&path, serde_json::to_string_pretty(&known).unwrap() + "\n").unwrap();
    }
    for case in &cases {
        let golden = known.iter().find(|golden| golden["about"] == case["about"]);
        assert_eq!(golden, Some(case), "see the head of this file");
    }
    assert_eq!(known.len(), cases.len(), "a case is in the file, but no longer tested");
}

proptest! {
    #[test]
    fn any_request_comes_back(request in samples::any_request()) {
        let value = records::write_request(&request);
        prop_assert_eq!(records::read_request(request.id, &value), Ok(request));
        prop_assert!(records::read_request(crate::protocol::household::io::RequestId([0; 16]), &value[1..]).is_err());
    }

    #[test]
    fn any_reading_comes_back(reading in samples::any_reading()) {
        let value = records::write_reading(&reading);
        prop_assert_eq!(records::read_reading(reading.row.meter.clone(), reading.row.at, &value), Ok(reading));
    }

    #[test]
    fn any_settings_come_back(settings in samples::any_settings()) {
        prop_assert_eq!(records::read_autopilot(&records::write_autopilot(&settings)), Ok(settings));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = records::read_request(crate::protocol::household::io::RequestId([0; 16]), &bytes);
        let _ = records::read_trade(&bytes);
        let _ = records::read_entry(&bytes);
        let _ = records::read_reservation(&bytes);
        let _ = records::read_refusal(&bytes);
        let _ = records::read_autopilot(&bytes);
        let _ = cbor::decode::<Token>(&bytes);
    }
}
