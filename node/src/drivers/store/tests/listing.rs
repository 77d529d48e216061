//! Pages, newest first, and tokens.

use std::collections::BTreeSet;

use wattswap_matching::{Slot, UtcMillis, WattHours};

use super::super::{ListError, Listing, MAX_TOKENS, Page, Requests, Store, Token, TokenError, TokenRole};
use super::{open, samples};
use crate::protocol::household::io::{Record, Request, RequestState};
use crate::protocol::metering::MeterId;

/// All items of a listing, page by page.
fn pages<T>(limit: usize, page: impl Fn(Page<'_>) -> Result<Listing<T>, ListError>) -> Vec<T> {
    let mut items = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let listing = page(Page { after: after.as_deref(), limit }).unwrap();
        assert!(listing.items.len() <= limit);
        assert!(listing.next.is_none() || listing.items.len() == limit, "a page is full unless it is the last");
        items.extend(listing.items);
        after = match listing.next {
            Some(next) => Some(next),
            None => return items,
        };
    }
}

fn other_slot() -> Slot {
    Slot(UtcMillis(samples::NOW.0 + 900_000))
}

fn fill(store: &Store) -> Vec<Request> {
    let states = [RequestState::Live, RequestState::Cancelled, RequestState::Filled, RequestState::Live];
    let requests: Vec<Request> = (0..20_u8)
        .map(|id| {
            let mut request = samples::request(id);
            request.placed_at = UtcMillis(samples::NOW.0 + u64::from(id / 3));
            request.state = states[usize::from(id % 4)];
            request.in_doubt = WattHours(i64::from(id % 2));
            request.wish.slot = if id % 5 == 0 { other_slot() } else { samples::SLOT };
            request
        })
        .collect();
    let records: Vec<Record> = requests.iter().cloned().map(Record::Request).collect();
    store.commit(&records).unwrap();
    requests
}

#[test]
fn requests_are_listed_newest_first_whatever_is_asked_for_and_however_small_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut all = fill(&store);
    all.reverse();
    for slot in [None, Some(samples::SLOT), Some(other_slot()), Some(Slot(UtcMillis(5)))] {
        for live in [None, Some(true), Some(false)] {
            let is_wanted = |request: &&Request| {
                slot.is_none_or(|slot| request.wish.slot == slot)
                    && live.is_none_or(|live| live == (request.state == RequestState::Live))
            };
            let expected: Vec<Request> = all.iter().filter(is_wanted).cloned().collect();
            for limit in [1, 2, 3, 7, 19, 20, 21] {
                let listed = pages(limit, |page| store.requests(Requests { slot, live }, page));
                assert_eq!(listed, expected, "slot {slot:?}, live {live:?}, pages of {limit}");
            }
        }
    }
    assert_eq!(store.request(all[0].id).unwrap().as_ref(), Some(&all[0]));
    assert_eq!(store.request(crate::protocol::household::io::RequestId([99; 16])).unwrap(), None);
}

#[test]
fn a_page_goes_on_where_the_one_before_ended_even_if_something_new_came() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let all = fill(&store);
    let first = store.requests(Requests::default(), Page { after: None, limit: 5 }).unwrap();
    let newer = Request { placed_at: UtcMillis(samples::NOW.0 + 99), ..samples::request(99) };
    store.commit(&[Record::Request(newer)]).unwrap();
    let second = store.requests(Requests::default(), Page { after: first.next.as_deref(), limit: 5 }).unwrap();
    let ids: Vec<_> = first.items.iter().chain(&second.items).map(|request| request.id).collect();
    let expected: Vec<_> = all.iter().rev().take(10).map(|request| request.id).collect();
    assert_eq!(ids, expected);
}

#[test]
fn trades_are_listed_by_when_they_were_recorded_and_by_slot() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut trades: Vec<_> = (0..9)
        .map(|nonce| {
            let slot = if nonce % 3 == 0 { other_slot() } else { samples::SLOT };
            samples::trade(nonce, slot, UtcMillis(samples::NOW.0 + nonce))
        })
        .collect();
    let records: Vec<Record> = trades.iter().cloned().map(Record::Trade).collect();
    store.commit(&records).unwrap();
    trades.reverse();
    assert_eq!(pages(2, |page| store.trades(None, page)), trades);
    for slot in [samples::SLOT, other_slot()] {
        let expected: Vec<_> = trades.iter().filter(|own| own.trade.proposal.slot == slot).cloned().collect();
        assert_eq!(pages(2, |page| store.trades(Some(slot), page)), expected);
    }
    let id = trades[0].trade.id();
    assert_eq!(store.trade(id).unwrap().as_ref(), Some(&trades[0]));
}

#[test]
fn readings_are_listed_by_instant_and_by_meter() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let at = |second: u64| UtcMillis(samples::NOW.0 + 1_000 * second);
    let mut readings: Vec<_> =
        (0..6).flat_map(|second| ["a", "ab", "b"].map(|meter| samples::reading(meter, at(second)))).collect();
    let records: Vec<Record> = readings.iter().cloned().map(Record::Reading).collect();
    store.commit(&records).unwrap();
    readings.reverse();
    assert_eq!(pages(4, |page| store.readings(None, page)), readings);
    for name in ["a", "ab", "b", "c"] {
        let meter = MeterId::new(name).unwrap();
        let expected: Vec<_> = readings.iter().filter(|reading| reading.row.meter == meter).cloned().collect();
        assert_eq!(pages(4, |page| store.readings(Some(&meter), page)), expected, "{name}");
    }
}

#[test]
fn a_position_from_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store);
    let slot = Some(samples::SLOT);
    let in_slot = store.requests(Requests { slot, live: None }, Page { after: None, limit: 1 }).unwrap().next.unwrap();
    let in_all = store.requests(Requests::default(), Page { after: None, limit: 1 }).unwrap().next.unwrap();
    let other = Requests { slot: Some(other_slot()), live: None };
    for (wanted, after) in [
        (Requests::default(), in_slot.as_slice()),
        (other, in_slot.as_slice()),
        (other, in_all.as_slice()),
        (Requests::default(), b"".as_slice()),
        (Requests::default(), b"nonsense".as_slice()),
    ] {
        let page = store.requests(wanted, Page { after: Some(after), limit: 1 });
        assert_eq!(page, Err(ListError::BadPosition), "{wanted:?} after {}", hex::encode(after));
    }
    assert_eq!(store.trades(None, Page { after: Some(&in_all), limit: 1 }), Err(ListError::BadPosition));
}

#[test]
fn tokens_are_kept_until_they_are_revoked_and_their_number_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let token = |id: u8| Token {
        hash: [id; 32],
        role: TokenRole::Viewer,
        label: format!("token {id}"),
        last_four: "abcd".to_owned(),
        created_at: UtcMillis(1_000 - u64::from(id)),
    };
    let store = open(folder.path());
    for id in 0..MAX_TOKENS as u8 {
        store.add_token(&token(id)).unwrap();
    }
    assert_eq!(store.add_token(&token(200)), Err(TokenError::TooMany));
    drop(store);
    let store = open(folder.path());
    let oldest: Vec<_> = (0..MAX_TOKENS as u8).rev().map(token).collect();
    assert_eq!(store.tokens().unwrap(), oldest);
    assert_eq!(store.revoke_token(token(5).id()), Ok(true));
    assert_eq!(store.revoke_token(token(5).id()), Ok(false));
    store.add_token(&token(200)).unwrap();
    let ids: BTreeSet<_> = store.tokens().unwrap().iter().map(Token::id).collect();
    assert_eq!((ids.len(), ids.contains(&token(5).id())), (MAX_TOKENS, false));
}
