//! Households agree on trades, whatever the network and crashes do: the production protocol on a simulated street.

use std::time::Duration;

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::{Command, Input, Standing};
use wattswap_node::protocol::ids::{EntryId, Head};
use wattswap_node::protocol::message::Message;
use wattswap_simulations::network::{Crash, Faults, Random, Street};

const SECOND: Duration = Duration::from_secs(1);

/// What must hold in any state: no order filled beyond its quantity, by all logs of all homes together.
fn assert_nothing_oversold(street: &Street, homes: usize) {
    let mut orders = std::collections::BTreeMap::new();
    let mut trades = std::collections::BTreeMap::new();
    for entry in (0..homes).flat_map(|home| street.disk(home).entries()) {
        for (index, op) in entry.ops.iter().enumerate() {
            match op {
                Op::Place(order) => {
                    orders.insert((entry.hash(), index), order.quantity);
                }
                Op::Fill(fill) => {
                    trades.insert(fill.proposal.hash(), fill.clone());
                }
                Op::Cancel { .. } | Op::Seal(_) => {}
            }
        }
    }
    let mut filled: std::collections::BTreeMap<_, WattHours> = Default::default();
    for fill in trades.values() {
        let own = fill.proposal.own_order;
        for order in std::iter::once(fill.proposal.order).chain(own) {
            *filled.entry((order.entry.0, usize::from(order.index))).or_default() += fill.acceptance.quantity;
        }
    }
    for (order, filled) in filled {
        assert!(filled <= orders[&order], "{filled} filled of an order over {}", orders[&order]);
    }
}

/// Once connected and quiet: both parties' records of every trade agree, and all show the same book.
fn assert_agreed(street: &mut Street, homes: usize) {
    assert_nothing_oversold(street, homes);
    for home in 0..homes {
        assert!(street.disk(home).reservations().is_empty(), "home {home} is still in doubt");
        for (id, own) in street.disk(home).trades() {
            let proposal = &own.trade.proposal;
            let parties = [proposal.taker.author, proposal.maker.author];
            for party in (0..homes).filter(|party| parties.contains(&street.key(*party))) {
                let other = street.disk(party).trades().get(id);
                assert_eq!(other.map(|other| &other.trade), Some(&own.trade), "trade {id} is whole on both sides");
                assert!(!own.provisional);
            }
        }
        for (id, request) in street.disk(home).requests() {
            let trades = street.disk(home).trades().values().filter(|trade| trade.request == Some(*id));
            let filled: WattHours = trades.map(|trade| trade.trade.acceptance.quantity).sum();
            assert_eq!(filled, request.filled, "a request's fills are its trades");
            assert!(filled <= request.wish.quantity, "nobody trades more than was wished");
        }
    }
    let statuses: Vec<_> = (0..homes).filter_map(|home| Some(street.household(home)?.status())).collect();
    assert!(statuses.windows(2).all(|pair| pair[0].heads == pair[1].heads), "all hold the same entries");
    assert!(statuses.windows(2).all(|pair| pair[0].book == pair[1].book), "all show the same book");
}

#[test]
fn two_neighbours_trade_at_the_resting_price() {
    let mut street = Street::new(2, 1);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    let ask = street.place(0, ask).unwrap();
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 300, 2_000);
    let bid = street.place(1, bid).unwrap();
    street.run(SECOND);
    assert_eq!(street.request(1, bid).filled, WattHours(300));
    assert_eq!(street.request(0, ask).filled, WattHours(300));
    let trade = street.disk(1).trades().values().next().unwrap();
    assert_eq!(trade.trade.proposal.price, Price(1_000));
    assert_agreed(&mut street, 2);
}

#[test]
fn two_buyers_race_for_the_last_energy() {
    let mut street = Street::new(3, 2);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 1_000, 1_000);
    street.place(0, ask).unwrap();
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 700, 1_500);
    let bids = [1, 2].map(|home| street.place(home, bid).unwrap());
    street.run(30 * SECOND);
    let filled: WattHours = [1, 2].iter().map(|home| street.request(*home, bids[*home - 1]).filled).sum();
    assert_eq!(filled, WattHours(1_000));
    assert_agreed(&mut street, 3);
}

#[test]
fn orders_that_met_on_the_wire_are_taken_by_the_later_one() {
    let mut street = Street::new(2, 3);
    street.run(SECOND);
    // Both post before they hear of each other.
    let (ask, bid) = (street.wish(Side::Sell, 400, 1_000), street.wish(Side::Buy, 400, 1_600));
    street.place(0, ask).unwrap();
    street.now = UtcMillis(street.now.0 + 1);
    street.place(1, bid).unwrap();
    street.run(30 * SECOND);
    let trades: Vec<_> = street.disk(0).trades().values().collect();
    assert_eq!(trades.len(), 1);
    assert_eq!(trades[0].trade.proposal.price, Price(1_000), "the earlier order's price");
    assert_eq!(trades[0].trade.proposal.taker.author, street.key(1));
    assert_agreed(&mut street, 2);
}

#[test]
fn a_trade_is_whole_on_both_sides_or_on_neither_wherever_one_of_them_crashes() {
    let crashes = [Crash::BeforePersist, Crash::AfterPersist, Crash::AfterOutputs(1), Crash::AfterOutputs(2)];
    for home in [0, 1] {
        for crash in crashes {
            // The step of the agreement at which it happens: milliseconds after the bid.
            for step in 0..60 {
                let mut street = Street::new(2, 1_000 + step);
                street.run(SECOND);
                let ask = street.wish(Side::Sell, 500, 1_000);
                street.place(0, ask).unwrap();
                street.run(SECOND);
                let bid = street.wish(Side::Buy, 500, 1_000);
                street.place(1, bid).unwrap();
                street.run(Duration::from_millis(step));
                street.crash_at(home, crash);
                street.run(5 * SECOND);
                street.start(home);
                street.run(90 * SECOND);
                assert_agreed(&mut street, 2);
                let filled: WattHours = street.disk(0).requests().values().map(|request| request.filled).sum();
                assert_eq!(filled, WattHours(500), "a crash costs no trade once both are back");
            }
        }
    }
}

#[test]
fn a_silent_maker_blocks_what_was_reserved_and_nothing_else() {
    let mut street = Street::new(3, 5);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(0, ask).unwrap();
    street.run(SECOND);
    // Home 0 hears the proposal, fills it durably, and is gone before it can say so.
    street.crash_at(0, Crash::AfterPersist);
    let bid = street.wish(Side::Buy, 800, 1_500);
    let bid = street.place(1, bid).unwrap();
    street.run(60 * SECOND);
    let waiting = street.request(1, bid);
    assert_eq!((waiting.filled, waiting.in_doubt), (WattHours(0), WattHours(500)));
    // The rest trades with somebody else meanwhile.
    let other = street.wish(Side::Sell, 800, 1_200);
    street.place(2, other).unwrap();
    street.run(60 * SECOND);
    assert_eq!(street.request(1, bid).filled, WattHours(300), "the reserved part is not sold twice");
    street.start(0);
    street.run(60 * SECOND);
    assert_eq!(street.request(1, bid).filled, WattHours(800));
    assert_agreed(&mut street, 3);
}

#[test]
fn a_maker_that_comes_back_too_late_to_answer_is_asked_again() {
    let mut street = Street::new(2, 8);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(0, ask).unwrap();
    street.run(SECOND);
    // Home 0 is gone when the proposal arrives, and for longer than it can be answered.
    let bid = street.wish(Side::Buy, 500, 1_000);
    let bid = street.place(1, bid).unwrap();
    street.stop(0);
    street.run(30 * SECOND);
    assert_eq!(street.request(1, bid).in_doubt, WattHours(500));
    street.start(0);
    street.run(5 * SECOND);
    let rests = street.request(1, bid);
    assert_eq!((rests.filled, rests.in_doubt), (WattHours(0), WattHours(0)), "its log shows that it did not accept");
    street.run(120 * SECOND);
    assert_eq!(street.request(1, bid).filled, WattHours(500));
    assert_agreed(&mut street, 2);
}

#[test]
fn a_cancelled_order_is_closed_to_others() {
    let mut street = Street::new(2, 6);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    let ask = street.place(0, ask).unwrap();
    street.run(SECOND);
    street.command(0, Command::Cancel(ask)).unwrap().unwrap();
    street.run(SECOND);
    let bid = street.wish(Side::Buy, 500, 1_000);
    let bid = street.place(1, bid).unwrap();
    street.run(30 * SECOND);
    assert_eq!(street.request(1, bid).filled, WattHours(0));
    assert_agreed(&mut street, 2);
}

#[test]
fn who_was_away_catches_up() {
    let mut street = Street::new(4, 7);
    street.run(SECOND);
    street.stop(3);
    for round in 0..20 {
        let wish = street.wish(if round % 2 == 0 { Side::Sell } else { Side::Buy }, 100, 1_000 + round);
        street.place(usize::try_from(round % 3).unwrap(), wish).unwrap();
        street.run(SECOND);
    }
    street.start(3);
    street.run(60 * SECOND);
    assert_agreed(&mut street, 4);
}

#[test]
fn a_lie_about_a_lost_entry_holds_up_the_start_once_and_stops_nobody() {
    let mut street = Street::new(5, 10);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    street.place(0, ask).unwrap();
    street.run(SECOND);
    // Home 4 lies, and answers nothing; its own software would.
    street.stop(4);
    let (liar, log) = (street.key(4), street.log(0).unwrap());
    let claim = Message::Heads(vec![Head { log, seq: 99, id: EntryId([1; 32]) }]).encode();
    let lie = |street: &mut Street| {
        street.inject(0, Input::Message { from: liar, bytes: claim.clone() });
        street.run(Duration::from_millis(1));
    };
    lie(&mut street);
    assert_eq!(street.household(0).unwrap().standing(), Standing::Trading, "who trades goes on");
    street.stop(0);
    street.start(0);
    // The others show what they hold within this second; the lie was there first.
    lie(&mut street);
    street.run(SECOND);
    assert_eq!(street.household(0).unwrap().standing(), Standing::Comparing { missing: 1 });
    for _ in 0..12 {
        street.run(SECOND);
        lie(&mut street);
    }
    assert_eq!(street.household(0).unwrap().standing(), Standing::Trading);
    street.start(4);
    street.run(60 * SECOND);
    assert_agreed(&mut street, 5);
}

#[test]
fn lost_heads_hold_nobody_up_for_ever() {
    // Nobody writes anything, so that nothing but the comparison itself makes anybody ask again.
    for seed in 0..20 {
        let mut street = Street::new(4, seed);
        street.faults = Faults { loss: 100, repeat: 50, longest_delay: Duration::from_millis(300) };
        street.run(300 * SECOND);
        let standings: Vec<_> = (0..4).map(|home| street.household(home).unwrap().standing()).collect();
        assert!(standings.iter().all(|standing| *standing == Standing::Trading), "seed {seed}: {standings:?}");
    }
}

#[test]
fn commands_wait_durably_until_peers_were_compared() {
    let mut street = Street::new(2, 9);
    street.stop(1);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    let ask = street.place(0, ask).unwrap();
    street.run(10 * SECOND);
    let standing = street.household(0).unwrap().standing();
    assert_eq!(standing, Standing::Comparing { missing: 1 });
    assert!(street.request(0, ask).orders.is_empty(), "nothing is signed yet");
    street.stop(0);
    street.start(0);
    street.start(1);
    street.run(10 * SECOND);
    assert_eq!(street.request(0, ask).orders.len(), 1, "posted after the restart, without being asked again");
    assert_agreed(&mut street, 2);
}

#[test]
fn neighbours_agree_on_a_bad_network_with_crashes_and_cut_links() {
    // More of them: WATTSWAP_SEEDS=5000.
    let seeds = std::env::var("WATTSWAP_SEEDS").ok().map_or(40_u64, |seeds| seeds.parse().expect("a number of seeds"));
    let traded = (0..seeds).filter(|seed| chaos(*seed)).count();
    assert!(traded * 10 >= usize::try_from(seeds).unwrap() * 9, "only {traded} of {seeds} seeds saw a trade");
}

/// Whether there was any trade; what must hold is asserted on the way.
fn chaos(seed: u64) -> bool {
    eprintln!("seed {seed}");
    let homes = 5;
    let mut street = Street::new(homes, seed);
    let mut random = Random::new(seed ^ 0x00c0_ffee);
    street.faults = Faults { loss: 100, repeat: 100, longest_delay: Duration::from_millis(800) };
    street.run(20 * SECOND);
    for _ in 0..120 {
        let home = usize::try_from(random.below(homes as u64)).unwrap();
        match random.below(10) {
            0 => street.crash_at(
                home,
                [Crash::BeforePersist, Crash::AfterPersist, Crash::AfterOutputs(1)]
                    [usize::try_from(random.below(3)).unwrap()],
            ),
            1 => street.start(home),
            2 => street.set_link(home, (home + 1) % homes, random.chance(500)),
            3 => cancel_any(&mut street, home),
            _ => {
                let side = if random.chance(500) { Side::Buy } else { Side::Sell };
                let quantity = 10 * (1 + i64::try_from(random.below(30)).unwrap());
                let wish = street.wish(side, quantity, 1_000 + i32::try_from(random.below(40)).unwrap());
                let _refused_or_crashed = street.command(home, Command::Place { wishes: vec![wish], key: None });
            }
        }
        street.run(Duration::from_millis(random.below(3_000)));
        assert_nothing_oversold(&street, homes);
    }
    street.heal();
    street.run(180 * SECOND);
    assert_agreed(&mut street, homes);
    (0..homes).any(|home| !street.disk(home).trades().is_empty())
}

fn cancel_any(street: &mut Street, home: usize) {
    let live = street.disk(home).requests().keys().next().copied();
    if let Some(id) = live {
        let _over_or_crashed = street.command(home, Command::Cancel(id));
    }
}

/// Every pair of slot and shape has a book of its own, and nobody takes from one that is not in force.
#[test]
fn what_is_open_when_the_charter_changes_is_posted_anew() {
    let mut street = Street::new(4, 15);
    street.run(SECOND);
    let ask = street.wish(Side::Sell, 500, 1_000);
    let ask = street.place(1, ask).unwrap();
    let low = street.wish(Side::Buy, 200, 900);
    let low = street.place(2, low).unwrap();
    street.run(SECOND);
    street.amend(|charter| charter.shape.smallest_fill = WattHours(20));
    street.run(5 * SECOND);
    let bid = street.wish(Side::Buy, 300, 1_000);
    let bid = street.place(3, bid).unwrap();
    street.run(5 * SECOND);
    assert_eq!([street.request(1, ask).filled, street.request(3, bid).filled], [WattHours(300); 2]);
    let slot = street.next_slot();
    for home in 0..4 {
        let (bids, asks) = street.household(home).unwrap().depth(slot, 10);
        let shown = [bids, asks].map(|levels| levels.iter().map(|level| level.quantity.0).sum::<i64>());
        assert_eq!(shown, [200, 200], "home {home}");
    }
    assert_eq!(street.request(2, low).orders.len(), 2, "the one before is closed");
    assert_agreed(&mut street, 4);
}
