//! Tells a torn end of RocksDB's write-ahead log from damage in its middle.
//!
//! A power cut in the middle of a write may leave a last batch that is only partly there. Nobody was ever told that
//! it was durable, so it may go. Damage before the last batch is another matter: dropping what follows would forget
//! promises that were made. RocksDB refuses both or accepts both; this file looks which of the two it is.
//! It only reads. The format: blocks of 32 KiB, in them fragments of `crc32c, length, type, bytes`, see
//! RocksDB's `db/log_format.h`.

use std::fs;
use std::path::{Path, PathBuf};

const BLOCK: usize = 32 << 10;
/// Checksum, length, type.
const HEADER: usize = 4 + 2 + 1;
/// What RocksDB adds to a checksum after turning it, so that a checksum over checksums means something.
const MASK: u32 = 0xa282_ead8;

/// A piece of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fragment {
    /// A batch starts here.
    Starts,
    /// A batch that started earlier goes on.
    GoesOn,
    /// Neither: nothing was written here.
    Empty,
    /// The checksum or the length is wrong.
    Bad,
}

/// Whether a write-ahead log in `store` is damaged before its end. RocksDB does not always say so: a batch whose length
/// was changed so that it reaches beyond the end looks to it like a last one that is torn.
pub(super) fn is_damaged_inside(store: &Path) -> bool {
    let is_damaged = |log: &PathBuf| fs::read(log).is_ok_and(|log| !is_torn_at_the_end(&log));
    logs(store).is_ok_and(|logs| logs.iter().any(is_damaged))
}

/// Whether what is wrong with the write-ahead logs in `store` is only a last batch that is not wholly there.
pub(super) fn only_the_end_is_torn(store: &Path) -> bool {
    let Ok(logs) = logs(store) else { return false };
    let Some((newest, older)) = logs.split_last() else { return false };
    let is_whole = |path: &PathBuf| fs::read(path).is_ok_and(|log| first_bad(&log).is_none());
    older.iter().all(is_whole) && fs::read(newest).is_ok_and(|log| is_torn_at_the_end(&log))
}

/// The write-ahead logs, oldest first.
fn logs(store: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if let (Some(number), Some("log")) = (number, path.extension().and_then(|end| end.to_str())) {
            logs.push((number, path));
        }
    }
    logs.sort();
    Ok(logs.into_iter().map(|(_, path)| path).collect())
}

/// Behind the first bad fragment no other batch starts: at no byte at all, since nobody knows how long the bad one is.
fn is_torn_at_the_end(log: &[u8]) -> bool {
    let Some(bad) = first_bad(log) else { return true };
    let starts_a_batch = |at: usize| {
        let block = &log[at..log.len().min((at / BLOCK + 1) * BLOCK)];
        // Most bytes are no kind of a start, so few checksums are taken.
        matches!(block.get(HEADER - 1), Some(1 | 2)) && matches!(fragment(block), Some((Fragment::Starts, _)))
    };
    !(bad + 1..log.len()).any(starts_a_batch)
}

/// Where the first bad fragment lies.
fn first_bad(log: &[u8]) -> Option<usize> {
    log.chunks(BLOCK).enumerate().find_map(|(number, block)| {
        let mut at = 0;
        while let Some((found, length)) = fragment(&block[at..]) {
            if found == Fragment::Bad {
                return Some(number * BLOCK + at);
            }
            at += length;
        }
        None
    })
}

/// What a block's rest starts with, and how long that is; none where no header fits.
fn fragment(rest: &[u8]) -> Option<(Fragment, usize)> {
    let (header, body) = rest.split_first_chunk::<HEADER>()?;
    let [c0, c1, c2, c3, l0, l1, kind] = *header;
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if kind == 0 && length == 0 {
        return Some((Fragment::Empty, rest.len()));
    }
    if body.len() < length {
        return Some((Fragment::Bad, rest.len()));
    }
    let checksum = crc32c::crc32c(&rest[HEADER - 1..HEADER + length]).rotate_right(15).wrapping_add(MASK);
    let fragment = match kind {
        _ if checksum != u32::from_le_bytes([c0, c1, c2, c3]) => Fragment::Bad,
        3 | 4 => Fragment::GoesOn,
        _ => Fragment::Starts,
    };
    Some((fragment, HEADER + length))
}
