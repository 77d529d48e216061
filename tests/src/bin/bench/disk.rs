//! The limit of what a node can make durable: RocksDB with the node's own options, and nothing around it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rocksdb::{DB, DBRecoveryMode, WriteBatch, WriteOptions};
use tempfile::TempDir;
use wattswap_node::drivers::store::layout::{self, Family};

use crate::Outcome;

/// An empty database as a node has it. Gone when dropped.
pub struct Disk {
    db: Arc<DB>,
    written: u64,
    _folder: TempDir,
}

impl Disk {
    /// Makes one beside the nodes' folders, so that it lies on the same disk.
    pub fn new() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("wattswap-limit-").tempdir()?;
        let options = layout::database(DBRecoveryMode::TolerateCorruptedTailRecords);
        let db = DB::open_cf_descriptors(&options, folder.path().join("store"), layout::families())?;
        Ok(Self { db: Arc::new(db), written: 0, _folder: folder })
    }

    /// Makes a value of so many bytes durable.
    pub fn commit(&mut self, bytes: usize) -> Outcome<()> {
        self.written += 1;
        let mut batch = WriteBatch::default();
        batch.put(key(0, self.written), vec![7; bytes]);
        Ok(self.db.write_opt(batch, &synced())?)
    }

    /// Makes key and value pairs of entries durable, `a_batch` at a time. Gives the time.
    pub fn write_entries(&self, entries: &[(Vec<u8>, Vec<u8>)], a_batch: usize) -> Outcome<Duration> {
        let family = self.db.cf_handle(Family::Entries.name()).expect("all families were opened");
        let mut options = synced();
        options.set_memtable_insert_hint_per_batch(true);
        let started = Instant::now();
        for entries in entries.chunks(a_batch) {
            let mut batch = WriteBatch::default();
            for (key, value) in entries {
                batch.put_cf(family, key, value);
            }
            self.db.write_opt(batch, &options)?;
        }
        Ok(started.elapsed())
    }

    /// Has so many threads make `each` values of so many bytes durable, one at a time. Gives the time for all.
    pub fn commit_from_threads(&mut self, threads: u64, each: u64, bytes: usize) -> Outcome<Duration> {
        let first = self.written;
        self.written += each;
        let started = Instant::now();
        thread::scope(|scope| {
            let write = |thread| {
                let db = &self.db;
                move || (first..first + each).try_for_each(|at| db.put_opt(key(thread, at), vec![7; bytes], &synced()))
            };
            let running: Vec<_> = (0..threads).map(|thread| scope.spawn(write(thread))).collect();
            running.into_iter().try_for_each(|running| running.join().expect("it only writes"))
        })?;
        Ok(started.elapsed())
    }
}

fn key(thread: u64, at: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&thread.to_be_bytes());
    key[8..].copy_from_slice(&at.to_be_bytes());
    key
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}
