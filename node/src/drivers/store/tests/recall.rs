//! What comes back at a start, and in which order.

use std::time::Duration;

use wattswap_matching::{Slot, WattHours};

use super::{open, recalled, samples, texts};
use crate::protocol::household::io::{Record, Request, RequestState};
use crate::protocol::ids::ProposalId;
use crate::protocol::limits::MAX_RANGE_BYTES;
use crate::protocol::logs::LogStart;
use crate::protocol::metering::{MAX_ROWS, Reading, Reason, Verdict};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn one_of_each_kind_comes_back_in_order_whatever_the_order_it_was_written_in() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<Record> = samples::one_of_each().into_iter().map(|(_, record)| record).collect();
    let backwards: Vec<Record> = records.iter().rev().cloned().collect();
    open(folder.path()).commit(&backwards).unwrap();
    assert_eq!(recalled(&open(folder.path())), texts(&records));
}

#[test]
fn entries_come_back_by_log_and_number_and_charters_by_height() {
    let folder = tempfile::tempdir().unwrap();
    let mut logs = [1, 2, 3];
    logs.sort_by_key(|seed| samples::key(*seed).member());
    let mut records: Vec<Record> = [0, 1, 255, 256].map(|height| Record::Governance(samples::charter(height))).into();
    records.extend(logs.iter().flat_map(|seed| [0, 1, 255, 256].map(|seq| Record::Entry(samples::entry(*seed, seq)))));
    let store = open(folder.path());
    for record in records.iter().rev() {
        store.commit(std::slice::from_ref(record)).unwrap();
    }
    assert_eq!(recalled(&store), texts(&records));
}

#[test]
fn a_log_that_starts_later_has_nothing_before() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |seed, seq| Record::Entry(samples::entry(seed, seq));
    let start = |seed, seq| Record::LogStart(LogStart { log: samples::log(seed), seq });
    let store = open(folder.path());
    let written: Vec<Record> = [1, 2].into_iter().flat_map(|seed| (0..300).map(move |seq| entry(seed, seq))).collect();
    store.commit(&written).unwrap();
    store.commit(&[start(1, 100)]).unwrap();
    // As when a gap is skipped: the new start and the first entry behind the gap, in one turn.
    store.commit(&[start(1, 400), entry(1, 400), entry(1, 401)]).unwrap();
    drop(store);
    let store = open(folder.path());
    let range = |seed, from| store.range(&samples::log(seed), from, u16::MAX, MAX_RANGE_BYTES).unwrap().len();
    assert_eq!([range(1, 0), range(1, 299), range(1, 400), range(2, 0)], [0, 0, 2, 300]);
    let mut kept = vec![start(1, 400), entry(1, 400), entry(1, 401)];
    kept.extend((0..300).map(|seq| entry(2, seq)));
    kept[1..].sort_by_key(|record| match record {
        Record::Entry(entry) => (entry.log, entry.seq),
        other => unreachable!("{other:?} is no entry"),
    });
    assert_eq!(recalled(&store), texts(&kept));
}

#[test]
fn what_is_over_and_old_stays_in_the_store_but_is_not_recalled() {
    let old = samples::NOW.before(HOUR * 24 * 30);
    let request = |id, placed_at, state, in_doubt| {
        Record::Request(Request { placed_at, state, in_doubt: WattHours(in_doubt), ..samples::request(id) })
    };
    let recent = samples::NOW.before(HOUR * 30);
    // By its charter a slot lives for three days and an hour: so long, and a day more, requests are recalled.
    let kept = [
        Record::Governance(samples::charter(0)),
        request(1, old, RequestState::Live, 0),
        request(2, old, RequestState::Cancelled, 5),
        request(3, recent, RequestState::Expired, 0),
        request(4, recent, RequestState::Live, 0),
        Record::Trade(samples::trade(1, samples::SLOT, old)),
    ];
    let left = [request(5, old, RequestState::Filled, 0), Record::Trade(samples::trade(2, Slot(old), samples::NOW))];
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(&left).unwrap();
    store.commit(&kept).unwrap();
    assert_eq!(recalled(&store), texts(&kept));
    // A request that ends leaves the index of open ones.
    let ended = request(1, old, RequestState::Filled, 0);
    store.commit(&[ended]).unwrap();
    assert_eq!(recalled(&store), texts(&[&kept[..1], &kept[2..]].concat()));
}

#[test]
fn what_is_released_forgotten_or_replaced_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let refusal = samples::refusal(2);
    let refused = refusal.proposal;
    let closes_at = samples::NOW;
    store
        .commit(&[
            Record::Reservation(samples::reservation(1)),
            Record::Reservation(samples::reservation(2)),
            Record::Refusal { refusal, closes_at },
            Record::Trade(samples::trade(1, samples::SLOT, samples::NOW)),
        ])
        .unwrap();
    let mut settled = samples::trade(1, samples::SLOT, samples::NOW);
    settled.provisional = false;
    let released = ProposalId(samples::reservation(1).proposal.hash());
    let later = [Record::Released(released), Record::Forgotten(refused), Record::Trade(settled.clone())];
    store.commit(&later).unwrap();
    let left = [Record::Reservation(samples::reservation(2)), Record::Trade(settled)];
    assert_eq!(recalled(&store), texts(&left));
}

#[test]
fn the_newest_readings_of_each_meter_come_back_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let at = |minute: usize| samples::NOW.after(Duration::from_secs(60 * minute as u64));
    let of = |meter: &str, minutes: std::ops::Range<usize>| -> Vec<Record> {
        minutes.map(|minute| Record::Reading(samples::reading(meter, at(minute)))).collect()
    };
    let rows = 8 * MAX_ROWS + 10;
    store.commit(&of("main", 0..rows)).unwrap();
    store.commit(&of("main2", 0..1)).unwrap();
    // A device that was set wrongly: what does not count pushes nothing out.
    let wrong = (0..2 * rows).map(|second| {
        let reading = samples::reading("main", at(rows).after(Duration::from_secs(second as u64)));
        Record::Reading(Reading { verdict: Verdict::Quarantined(Reason::WentBack), ..reading })
    });
    store.commit(&wrong.collect::<Vec<_>>()).unwrap();
    store.commit(&of("ma", 0..2)).unwrap();
    let expected = [of("ma", 0..2), of("main", 10..rows), of("main2", 0..1)].concat();
    assert_eq!(recalled(&store), texts(&expected));
}

#[test]
fn a_range_ends_where_it_is_told_to_and_where_the_log_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let entries: Vec<_> = [0, 1, 2, 3, 5].map(|seq| samples::entry(1, seq)).into();
    let records: Vec<Record> = entries.iter().cloned().map(Record::Entry).collect();
    store.commit(&records).unwrap();
    store.commit(&[Record::Entry(samples::entry(2, 4))]).unwrap();
    let size = entries[1].bytes().len();
    let cases = [
        (0, 10, MAX_RANGE_BYTES, 0..4),
        (1, 2, MAX_RANGE_BYTES, 1..3),
        (1, 10, 2 * size, 1..3),
        (1, 10, 2 * size - 1, 1..2),
        // One entry always fits, or a log with a long one could never be passed on.
        (1, 10, 1, 1..2),
        (4, 10, MAX_RANGE_BYTES, 0..0),
        (5, 10, MAX_RANGE_BYTES, 4..5),
        (6, 10, MAX_RANGE_BYTES, 0..0),
        (u64::MAX, 10, MAX_RANGE_BYTES, 0..0),
        (0, 0, MAX_RANGE_BYTES, 0..0),
    ];
    for (from, count, bytes, expected) in cases {
        let range = store.range(&samples::log(1), from, count, bytes).unwrap();
        let expected: Vec<_> = entries[expected].iter().map(|entry| entry.bytes().clone()).collect();
        assert_eq!(range, expected, "from {from}, at most {count} and {bytes} bytes");
    }
    assert_eq!(store.range(&samples::log(3), 0, 10, 1_000).unwrap(), []);
}
