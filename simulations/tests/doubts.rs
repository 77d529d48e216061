//! What frees a taker's reservation, and what does not, however late the truth comes.

use std::time::Duration;

use wattswap_matching::{Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::Acceptance;
use wattswap_node::protocol::household::io::{Input, OwnTrade, Record, RequestId};
use wattswap_node::protocol::ids::ProposalId;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::{Crash, Street};

const MAKER: usize = 0;
const TAKER: usize = 1;
const OTHER: usize = 2;
const SECOND: Duration = Duration::from_secs(1);
/// From the gate, an hour after delivery, until nothing that is said of the slot counts any more.
const UNTIL_FORGOTTEN: Duration = Duration::from_secs(27 * 3_600);

/// The maker offers 500 Wh and the taker has just proposed to take 300 of them.
fn proposed() -> (Street, RequestId) {
    let mut street = Street::new(3, 31);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(MAKER, ask).unwrap();
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 300, 1_000);
    let bid = street.place(TAKER, bid).unwrap();
    assert_eq!(street.disk(TAKER).reservations().len(), 1);
    (street, bid)
}

/// The taker crashes when the answer comes, and knows of the trade only what the maker's log says later.
fn agreed_unheard() -> (Street, RequestId) {
    let (mut street, bid) = proposed();
    street.crash_at(TAKER, Crash::BeforePersist);
    street.run(SECOND);
    assert_eq!(street.disk(MAKER).trades().len(), 1, "the maker's fill is durable");
    assert_eq!(street.disk(TAKER).trades().len(), 0);
    (street, bid)
}

fn trades(street: &Street, home: usize) -> Vec<&OwnTrade> {
    street.disk(home).trades().values().collect()
}

#[test]
fn an_acceptance_that_makes_no_trade_frees_nothing() {
    let (mut street, bid) = proposed();
    street.stop(MAKER);
    let reservation = street.disk(TAKER).reservations().values().next().unwrap().clone();
    let log = street.log(MAKER).unwrap();
    let good = Acceptance {
        proposal: ProposalId(reservation.proposal.hash()),
        maker: log.author,
        quantity: WattHours(300),
        filled_total: WattHours(300),
        incarnation: log.incarnation,
        seq: 1,
        at: street.now,
    };
    let cases = [
        ("before the slot opened", Acceptance { at: UtcMillis(1), ..good }),
        ("after the proposal expired", Acceptance { at: reservation.closes_at, ..good }),
        ("more than was asked for", Acceptance { quantity: WattHours(301), filled_total: WattHours(301), ..good }),
        ("another taker's proposal", Acceptance { proposal: ProposalId([7; 32]), ..good }),
        ("signed by somebody else", Acceptance { maker: street.key(OTHER), ..good }),
    ];
    for (name, acceptance) in cases {
        let signer = if acceptance.maker == log.author { MAKER } else { OTHER };
        let acceptance = Verified::sign(acceptance, &*street.signer(signer));
        let bytes = Message::Acceptance(acceptance.bytes().clone()).encode();
        let from = log.author;
        street.inject(TAKER, Input::Message { from, bytes });
        assert_eq!(street.disk(TAKER).reservations().len(), 1, "{name}: still reserved");
        assert!(street.disk(TAKER).trades().is_empty(), "{name}: no trade");
    }
    street.start(MAKER);
    street.run(60 * SECOND);
    assert_eq!(street.request(TAKER, bid).filled, WattHours(300), "the maker's true word settles it");
    assert!(street.disk(TAKER).reservations().is_empty());
}

#[test]
fn a_trade_that_is_learned_in_time_is_copied() {
    let (mut street, bid) = agreed_unheard();
    street.run(Duration::from_secs(3_600));
    street.start(TAKER);
    street.run(60 * SECOND);
    assert!(!trades(&street, TAKER)[0].provisional);
    assert_eq!(street.request(TAKER, bid).filled, WattHours(300));
    assert!(street.disk(TAKER).reservations().is_empty());
}

#[test]
fn a_trade_that_is_learned_too_late_to_copy_is_reported_as_provisional() {
    let (mut street, bid) = agreed_unheard();
    street.run(UNTIL_FORGOTTEN);
    street.start(TAKER);
    street.run(60 * SECOND);
    assert_learned_late(&street, bid);
}

#[test]
fn a_trade_that_was_held_unread_is_reported_as_provisional_after_a_start() {
    let (mut street, bid) = agreed_unheard();
    street.run(UNTIL_FORGOTTEN);
    let mut disk = street.disk(TAKER).clone();
    disk.commit(street.entries_of(MAKER).cloned().map(Record::Entry).collect());
    street.restore_disk(TAKER, disk);
    street.start(TAKER);
    street.run(60 * SECOND);
    assert_learned_late(&street, bid);
}

fn assert_learned_late(street: &Street, bid: RequestId) {
    let [trade] = trades(street, TAKER)[..] else { panic!("the trade binds the taker, whether or not it knows of it") };
    assert!(trade.provisional, "the maker's log decides");
    assert_eq!((trade.request, &trade.trade), (Some(bid), &trades(street, MAKER)[0].trade));
    assert!(street.disk(TAKER).reservations().is_empty(), "nothing is in doubt any more");
}

/// The maker fills and keeps it to itself; what it says weeks later is news to the taker, and to nobody else.
#[test]
fn attack_20_a_fill_that_is_revealed_weeks_later() {
    let (mut street, bid) = proposed();
    street.crash_at(MAKER, Crash::AfterPersist);
    street.run(SECOND);
    assert_eq!((trades(&street, MAKER).len(), trades(&street, TAKER).len()), (1, 0), "nobody else knows");
    street.now = street.now.after(14 * 24 * Duration::from_secs(3_600));
    street.run(SECOND);
    assert_eq!(street.request(TAKER, bid).in_doubt, WattHours(300), "until then it stays reserved");
    street.start(MAKER);
    street.run(60 * SECOND);
    assert_learned_late(&street, bid);
    assert!(trades(&street, OTHER).is_empty());
    for home in [MAKER, TAKER, OTHER] {
        let status = street.household(home).unwrap().status();
        assert!(status.convicted.is_empty(), "silence proves nothing");
        assert_eq!(status.in_doubt, 0);
    }
    assert_eq!(street.is_agreed(), Ok(()));
}
