//! Unsigned messages that are refused.

use wattswap_node::protocol::limits::{
    MAX_ENTRY_BYTES, MAX_GOSSIP_BYTES, MAX_GOVERNANCE_BYTES, MAX_MESSAGE_BYTES, MAX_SEQ, MAX_WORD_BYTES,
};
use wattswap_node::protocol::message::Message;

use super::edit;
use crate::explain::Kind;
use crate::golden::Case;
use crate::sample::*;

pub fn cases() -> Vec<Case> {
    [gossip(), messages(), logs()].concat()
}

fn of(kind: Kind, name: &str, class: &str, about: &str, text: &str) -> Case {
    Case::refused(kind, name, class, about, hex::decode(text.replace(' ', "")).expect("hex"))
}

fn gossip() -> Vec<Case> {
    let of = |name, class, about, text: &str| of(Kind::Gossip, name, class, about, text);
    let carries = |head: &str, len: usize| format!("82 {head} 5a {len:08x}");
    vec![
        of("empty", "unexpected", "no bytes at all", ""),
        of("deep", "unexpected", "a thousand arrays in each other", &"81".repeat(1_000)),
        of("kind-unknown", "unexpected", "kind 4", "82 04 40"),
        of("kind-wide", "not shortest", "kind 0 in two bytes", "82 1800 40"),
        of("kind-text", "unexpected", "a kind that is text", "82 6130 40"),
        of("indefinite", "unexpected", "an array of indefinite length", "9f 00 40 ff"),
        of("array-wide", "not shortest", "the array's length in two bytes", "9802 00 40"),
        of("items-missing", "unexpected", "a kind alone", "81 00"),
        of("items-more", "unexpected", "one item too many", "83 00 40 40"),
        of("trailing-byte", "not the end", "a byte after the end", "82 00 40 00"),
        of("text", "unexpected", "an entry as text", "82 00 60"),
        of("entry-long", "too long", "an entry that is too long", &carries("00", MAX_ENTRY_BYTES + 1))
            .followed_by_zeros(MAX_ENTRY_BYTES + 1),
        of("beacon-long", "too long", "a beacon that is too long", &format!("82 01 59 {:04x}", MAX_WORD_BYTES + 1))
            .followed_by_zeros(MAX_WORD_BYTES + 1),
        of("governance-long", "too long", "a record that is too long", &carries("03", MAX_GOVERNANCE_BYTES + 1))
            .followed_by_zeros(MAX_GOVERNANCE_BYTES + 1),
        of("too-long", "too long", "one byte more than a gossiped message can have", "")
            .followed_by_zeros(MAX_GOSSIP_BYTES + 1),
        of("proof-unknown", "unexpected", "a proof of kind 1", "82 02 83 01 81 40 81 40"),
        of("proof-one-sided", "out of range", "a fork with one side only", "82 02 83 00 81 40 80"),
        of("proof-long", "out of range", "258 entries on one side, or so it says", "82 02 83 00 99 0102 40 81 40"),
    ]
}

fn messages() -> Vec<Case> {
    let of = |name, class, about, text: &str| of(Kind::Message, name, class, about, text);
    let id = format!("5820{}", "00".repeat(32));
    let short_digest = format!("85 00 {id} 82 00 {id} 581f{} {id}", "00".repeat(31));
    vec![
        of("empty", "unexpected", "no bytes at all", ""),
        of("deep", "unexpected", "a thousand arrays in each other", &"81".repeat(1_000)),
        of("kind-unknown", "unexpected", "kind 15", "81 0f"),
        of("kind-huge", "unexpected", "kind 2^64 - 1", "81 1b ffffffffffffffff"),
        of("kind-negative", "unexpected", "kind -1", "81 20"),
        of("no-kind", "unexpected", "an empty array", "80"),
        of("items-missing", "unexpected", "a request for entries without arguments", "81 03"),
        of("items-more", "unexpected", "a request that takes no argument", "82 01 00"),
        of("trailing-byte", "not the end", "a byte after the end", "81 01 00"),
        of("too-long", "too long", "one byte more than a message can have", "81 01")
            .followed_by_zeros(MAX_MESSAGE_BYTES - 1),
        of("summary-31-bytes", "unexpected", "a digest of 31 bytes", &short_digest),
        of("heads-8001", "out of range", "8001 heads, or so it says", "82 02 99 1f41"),
        of("heads-huge", "out of range", "2^64 - 1 heads, or so it says", "82 02 9b ffffffffffffffff"),
        of("governance-from-beyond", "out of range", "from height 2^53 on", "82 05 1b 0020000000000000"),
        of("governance-5", "out of range", "five records", "82 06 85 40 40 40 40 40"),
        of("proofs-17", "out of range", "17 proofs, or so it says", "82 08 91"),
        of("word-long", "too long", "a proposal that is too long", &format!("82 09 59 {:04x}", MAX_WORD_BYTES + 1))
            .followed_by_zeros(MAX_WORD_BYTES + 1),
        of("too-late-no-id", "unexpected", "a beacon in place of the proposal's id", "83 0c 40 40"),
    ]
}

fn logs() -> Vec<Case> {
    let log = bob().log(60);
    let of = |name, class, about, message: Message| Case::refused(Kind::Message, name, class, about, message.encode());
    let mut heads = vec![head(&alice().log(60), 1), head(&bob().log(60), 1)];
    heads.sort_by_key(|head| std::cmp::Reverse(head.log));
    let range = |entries: usize| Message::Range { log, from: 0, entries: vec![vec![].into(); entries] }.encode();
    let wide = edit(&range(0), "0080", "1800 80".replace(' ', "").as_str());
    let one = range(0);
    let prefix = [&one[..one.len() - 1], &[0x81]].concat();
    let long = |len: u32| [&prefix[..], &[0x5a], &len.to_be_bytes()].concat();
    vec![
        of("get-range-0", "out of range", "asks for no entries", Message::GetRange { log, from: 0, count: 0 }),
        of("get-range-257", "out of range", "asks for 257 entries", Message::GetRange { log, from: 0, count: 257 }),
        of("get-range-beyond", "out of range", "from number 2^53 on", {
            Message::GetRange { log, from: MAX_SEQ + 1, count: 1 }
        }),
        of("heads-unordered", "broken rule", "heads not ascending by log", Message::Heads(heads.clone())),
        of("heads-twice", "broken rule", "a log twice", Message::Heads(vec![heads[0], heads[0]])),
        of("heads-beyond", "out of range", "an end at number 2^53", Message::Heads(vec![head(&log, MAX_SEQ + 1)])),
        Case::refused(Kind::Message, "range-257", "out of range", "257 entries", range(257)),
        Case::refused(Kind::Message, "range-wide", "not shortest", "number 0 in two bytes", wide),
        Case::refused(Kind::Message, "range-entry-long", "too long", "an entry that is too long", {
            long(MAX_ENTRY_BYTES as u32 + 1)
        })
        .followed_by_zeros(MAX_ENTRY_BYTES + 1),
    ]
}
