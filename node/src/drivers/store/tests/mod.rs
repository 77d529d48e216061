//! The store against real files in temporary folders.

mod faults;
mod golden;
mod listing;
mod recall;
mod samples;

use std::path::Path;

use super::Store;
use crate::protocol::household::io::Record;

/// Opens the store of the first sample household.
fn open(path: &Path) -> Store {
    Store::open(path, samples::key(1).member()).unwrap()
}

/// Everything that a start at the time of the samples reads back, as text that can be compared.
fn recalled(store: &Store) -> Vec<String> {
    let mut recall = store.load(samples::NOW);
    let records: Vec<String> = recall.by_ref().map(|record| format!("{record:?}")).collect();
    assert_eq!(recall.finish(), Ok(records.len() as u64));
    records
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| format!("{record:?}")).collect()
}
