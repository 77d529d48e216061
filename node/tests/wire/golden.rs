//! The files in `tests/vectors`: every case is there byte for byte, and says what it said when it was added.
//!
//! `WATTSWAP_ADD_VECTORS=1` adds cases that are missing, and seeds for the fuzz targets; nothing is ever changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::explain::{Kind, again, explain};
use crate::{invalid, valid};

/// Bytes with a name, and what a node makes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub kind: Kind,
    pub name: String,
    /// In words, what it is.
    pub about: String,
    pub bytes: Vec<u8>,
    /// Zeros that follow: so a file needs not hold long messages.
    pub zeros: usize,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Says(Value),
    Refused(String),
}

impl Case {
    pub fn valid(kind: Kind, name: &str, about: &str, bytes: Vec<u8>) -> Self {
        let says = explain(kind, &bytes).unwrap_or_else(|class| panic!("{} {name}: refused as {class}", kind.name()));
        Self { kind, name: name.into(), about: about.into(), bytes, zeros: 0, verdict: Verdict::Says(says) }
    }

    pub fn refused(kind: Kind, name: &str, class: &str, about: &str, bytes: Vec<u8>) -> Self {
        let verdict = Verdict::Refused(class.into());
        Self { kind, name: name.into(), about: about.into(), bytes, zeros: 0, verdict }
    }

    pub fn followed_by_zeros(self, zeros: usize) -> Self {
        Self { zeros, ..self }
    }

    /// The whole message.
    pub fn message(&self) -> Vec<u8> {
        let mut message = self.bytes.clone();
        message.resize(message.len() + self.zeros, 0);
        message
    }

    fn from_json(kind: Kind, value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}")).to_owned();
        let verdict = match value.get("refused") {
            Some(class) => Verdict::Refused(class.as_str().expect("a class").into()),
            None => Verdict::Says(value["says"].clone()),
        };
        let zeros = value.get("followed_by_zeros").map_or(0, |zeros| zeros.as_u64().expect("a number") as usize);
        let bytes = hex::decode(text("hex")).expect("hex");
        Self { kind, name: text("name"), about: text("about"), bytes, zeros, verdict }
    }

    fn to_json(&self) -> Value {
        let mut value = json!({"name": self.name, "about": self.about, "hex": hex::encode(&self.bytes)});
        if self.zeros > 0 {
            value["followed_by_zeros"] = self.zeros.into();
        }
        match &self.verdict {
            Verdict::Says(says) => value["says"] = says.clone(),
            Verdict::Refused(class) => value["refused"] = class.as_str().into(),
        }
        value
    }
}

/// All vectors of a kind, as the file has them.
pub fn stored(kind: Kind) -> Vec<Case> {
    let Ok(text) = fs::read_to_string(file(kind)) else { return Vec::new() };
    let values: Vec<Value> = serde_json::from_str(&text).expect("vectors are JSON");
    values.iter().map(|value| Case::from_json(kind, value)).collect()
}

/// Every stored message that nodes understand.
pub fn all_valid() -> impl Iterator<Item = Case> {
    Kind::ALL.into_iter().flat_map(stored).filter(|case| matches!(case.verdict, Verdict::Says(_)))
}

fn file(kind: Kind) -> PathBuf {
    tests_folder().join("vectors").join(format!("{}.json", kind.name()))
}

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

#[test]
fn nodes_read_every_vector_as_it_was_read_when_it_was_added() {
    let (mut count, mut wrong) = (0, Vec::new());
    for case in Kind::ALL.into_iter().flat_map(stored) {
        let read = match explain(case.kind, &case.message()) {
            Ok(says) => Verdict::Says(says),
            Err(class) => Verdict::Refused(class.into()),
        };
        if read != case.verdict {
            wrong.push((case.kind.name(), case.name.clone(), read.clone(), case.verdict));
        }
        if let Verdict::Says(_) = read {
            assert_eq!(again(case.kind, &case.bytes), Some(case.bytes), "{} {}", case.kind.name(), case.name);
        }
        count += 1;
    }
    assert_eq!(wrong, [], "(file, name, as read now, as it was read)");
    assert!(count > 100, "only {count} vectors were found in {}", tests_folder().display());
}

#[test]
fn every_case_is_stored_byte_for_byte() {
    let cases: Vec<Case> = valid::cases().into_iter().chain(invalid::cases()).collect();
    if std::env::var_os("WATTSWAP_ADD_VECTORS").is_some() {
        Kind::ALL.into_iter().for_each(|kind| add_missing(kind, &cases));
    }
    let stored: Vec<Case> = Kind::ALL.into_iter().flat_map(stored).collect();
    for case in &cases {
        let same_name: Vec<_> = stored.iter().filter(|old| (old.kind, &old.name) == (case.kind, &case.name)).collect();
        assert_eq!(same_name, [case], "run again with WATTSWAP_ADD_VECTORS=1 if the case is new");
    }
    assert_eq!(stored.len(), cases.len(), "a vector without a case that makes it");
}

fn add_missing(kind: Kind, cases: &[Case]) {
    let mut all = stored(kind);
    for case in cases.iter().filter(|case| case.kind == kind) {
        if all.iter().all(|old| old.name != case.name) {
            all.push(case.clone());
        }
    }
    let values: Vec<Value> = all.iter().map(Case::to_json).collect();
    let text = serde_json::to_string_pretty(&values).expect("JSON") + "\n";
    fs::write(file(kind), text).expect("tests/vectors can be written");
    all.iter().for_each(add_seed);
}

/// The fuzz target that a kind belongs to.
fn target(kind: Kind) -> &'static str {
    match kind {
        Kind::Beacon | Kind::Proposal | Kind::Acceptance | Kind::Refusal => "words",
        other => other.name(),
    }
}

fn add_seed(case: &Case) {
    let folder = tests_folder().join("fuzz/seeds").join(target(case.kind));
    fs::create_dir_all(&folder).expect("tests/fuzz/seeds can be written");
    let path = folder.join(format!("{}-{}", case.kind.name(), case.name));
    if matches!(case.verdict, Verdict::Says(_)) && !path.exists() {
        fs::write(path, &case.bytes).expect("tests/fuzz/seeds can be written");
    }
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeMap::new();
    for case in valid::cases().into_iter().chain(invalid::cases()) {
        let twin = seen.insert((case.kind.name(), case.name.clone()), case.about);
        assert_eq!(twin, None, "{} {}", case.kind.name(), case.name);
    }
}
