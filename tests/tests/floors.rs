//! The floors of the house, checked: imports only go down, and each floor does without what is not its business.
//!
//! `ARCHITECTURE.md` says the same to people. What a compiler or clippy can refuse by itself is fenced there (see the
//! `clippy.toml` files); this looks at the manifests and, word by word, at the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each crate of the house with the ones it may use, from the ground up.
const FLOORS: [(&str, &[&str]); 5] = [
    ("wattswap-matching", &[]),
    ("wattswap-api", &["wattswap-matching"]),
    ("wattswap-node", &["wattswap-matching", "wattswap-api"]),
    ("wattswap-simulations", &["wattswap-matching", "wattswap-node"]),
    ("wattswap-tests", &["wattswap-matching", "wattswap-api", "wattswap-node", "wattswap-simulations"]),
];

/// All that the market may use: it is arithmetic.
const MATCHING_USES: [&str; 2] = ["rust_decimal", "thiserror"];

/// All that the protocol alone may use, without the `daemon` feature: numbers, bytes, signatures, and a calendar for the
/// months of statements (clippy refuses its clock).
const PROTOCOL_USES: [&str; 8] =
    ["ed25519-dalek", "hex", "jiff", "minicbor", "rust_decimal", "sha2", "thiserror", "wattswap-matching"];

/// Crates that must not even come in by way of others when the protocol is built alone.
const DRIVERS_ONLY: [&str; 12] = [
    "axum",
    "clap",
    "getrandom",
    "libp2p",
    "librocksdb-sys",
    "mio",
    "rand",
    "reqwest",
    "rocksdb",
    "socket2",
    "tokio",
    "ureq",
];

/// What reads a clock, draws randomness, does I/O or runs by itself.
const OUTSIDE_WORLD: [&str; 17] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "RandomState",
    "getrandom",
    "rand",
    "tokio",
    "async",
    "await",
];
/// Energy, money and prices are never floats.
const FLOATS: [&str; 2] = ["f32", "f64"];
/// Formats of wire, disk and JSON are not the domain's.
const FORMATS: [&str; 3] = ["serde", "minicbor", "json"];
/// What the HTTP face must not know of.
const THE_NODE: [&str; 5] = ["wattswap_node", "libp2p", "rocksdb", "ed25519_dalek", "std::fs"];
/// The rooms above the protocol.
const ABOVE_THE_PROTOCOL: [&str; 4] = ["crate::drivers", "crate::cli", "crate::config", "wattswap_api"];

/// Folders, and words that no line of code in them may hold.
const ABSENT: [(&str, &[&[&str]]); 5] = [
    ("matching/src", &[&OUTSIDE_WORLD, &FLOATS, &FORMATS]),
    ("node/src/protocol", &[&OUTSIDE_WORLD, &FLOATS, &ABOVE_THE_PROTOCOL]),
    ("api/src", &[&THE_NODE]),
    ("api/src/port", &[&FLOATS, &["serde", "utoipa", "axum"]]),
    ("api/src/dto", &[&FLOATS]),
];

/// Folders with sources that are not ours to judge, or that are made by a build.
const NOT_SOURCES: [&str; 3] = ["target", ".git", "node_modules"];

#[test]
fn imports_only_go_down() {
    for (name, below) in FLOORS {
        let dependencies = package(name)["dependencies"].as_array().cloned().unwrap_or_default();
        let house = dependencies.iter().filter_map(|dependency| dependency["name"].as_str());
        for dependency in house.filter(|dependency| dependency.starts_with("wattswap-")) {
            assert!(below.contains(&dependency), "{name} must not depend on {dependency}: it is not below");
        }
    }
    let names: BTreeSet<String> = packages().into_keys().collect();
    let known: BTreeSet<String> = FLOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names, known, "a new crate needs its floor in this test and in ARCHITECTURE.md");
}

#[test]
fn the_market_and_the_protocol_use_little() {
    let uses = |name: &str| -> BTreeSet<String> {
        let dependencies = package(name)["dependencies"].as_array().cloned().unwrap_or_default();
        let own = dependencies.into_iter().filter(|each| each["kind"].is_null() && each["optional"] == false);
        own.filter_map(|each| each["name"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(uses("wattswap-matching"), MATCHING_USES.map(str::to_owned).into());
    assert_eq!(uses("wattswap-node"), PROTOCOL_USES.map(str::to_owned).into());
}

#[test]
fn simulations_use_the_protocol_alone() {
    let dependencies = package("wattswap-simulations")["dependencies"].as_array().cloned().unwrap_or_default();
    let node = dependencies.iter().find(|each| each["name"] == "wattswap-node").expect("simulations run the protocol");
    assert_eq!(node["uses_default_features"], false);
    assert_eq!(node["features"], serde_json::json!(["memo"]), "the daemon has no place in a simulation");
}

#[test]
fn the_protocol_alone_brings_no_driver_with_it() {
    let tree = cargo(&[
        "tree",
        "--package",
        "wattswap-node",
        "--no-default-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    let built: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(built.contains("minicbor"), "this is not the protocol's tree:\n{tree}");
    for name in DRIVERS_ONLY {
        assert!(!built.contains(name), "{name} comes with the protocol:\n{tree}");
    }
}

#[test]
fn what_must_stay_absent_is_absent() {
    let mut found = Vec::new();
    for (folder, lists) in ABSENT {
        let files = sources(&root().join(folder));
        assert!(!files.is_empty(), "{folder} holds no sources any more: mend this test");
        for file in files {
            let text = fs::read_to_string(&file).expect("a source that was just listed");
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let words = lists.iter().flat_map(|list| list.iter()).filter(|word| holds_word(code, word));
                found.extend(words.map(|word| format!("{}:{}: {word}", file.display(), number + 1)));
            }
        }
    }
    assert!(found.is_empty(), "these do not belong there:\n{}", found.join("\n"));
}

#[test]
fn every_source_says_what_it_is() {
    let silent: Vec<PathBuf> = sources(root())
        .into_iter()
        .filter(|file| !fs::read_to_string(file).expect("a source that was just listed").starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "these files do not open with //! and what they are: {silent:?}");
}

#[test]
fn words_are_found_as_words() {
    for (code, word, expected) in [
        ("let x: f64 = 1.0;", "f64", true),
        ("let x = 1f64;", "f64", false),
        ("use std::fs::File;", "std::fs", true),
        ("use std::fsx;", "std::fs", false),
        ("strand", "rand", false),
        ("rand", "rand", true),
    ] {
        assert_eq!(holds_word(code, word), expected, "{word} in {code}");
    }
}

/// Whether `code` holds `word` with no letter, digit or underscore beside it.
fn holds_word(code: &str, word: &str) -> bool {
    let continues = |beside: Option<char>| beside.is_some_and(|beside| beside.is_alphanumeric() || beside == '_');
    code.match_indices(word)
        .any(|(at, _)| !continues(code[..at].chars().next_back()) && !continues(code[at + word.len()..].chars().next()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the workspace's folder")
}

/// Every Rust file below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the workspace").map_while(Result::ok) {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && !NOT_SOURCES.iter().any(|other| name == *other) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn package(name: &str) -> Value {
    packages().remove(name).unwrap_or_else(|| panic!("there is no crate {name} any more: mend this test"))
}

/// The crates of the workspace, as cargo describes them.
fn packages() -> BTreeMap<String, Value> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let mut metadata: Value = serde_json::from_str(&metadata).expect("cargo prints JSON");
    let packages = metadata["packages"].take();
    let packages = packages.as_array().expect("cargo lists packages");
    packages.iter().filter_map(|package| Some((package["name"].as_str()?.to_owned(), package.clone()))).collect()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).arg("--locked").current_dir(root()).output();
    let output = output.expect("cargo runs these tests, so it can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}
