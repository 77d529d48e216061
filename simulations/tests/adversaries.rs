//! Whole runs with households that cheat: what must hold for the honest ones holds, and cheats are found out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wattswap_matching::{Price, Side, WattHours};
use wattswap_node::protocol::entry::{Fill, Op};
use wattswap_node::protocol::evidence::overlap;
use wattswap_node::protocol::household::io::{OwnTrade, RequestId, Wish};
use wattswap_node::protocol::ids::{MemberKey, OrderId, ProposalId};
use wattswap_simulations::network::adversaries::{KINDS, Kind};
use wattswap_simulations::network::simulation::{Outcome, run};
use wattswap_simulations::network::{Options, Street};

const SECOND: Duration = Duration::from_secs(1);

/// Calm, so that every word arrives.
fn calm(seed: u64, cheats: &[Kind]) -> Outcome {
    let mut options = Options::drawn(seed);
    Options::fault_names().for_each(|name| options.leave_out(name).expect("it is one of the names"));
    // Long enough for some slots, and a cheat acts every few seconds.
    options.lasts = Duration::from_secs(200);
    options.cheats = cheats.to_vec();
    run(&options, u64::MAX)
}

#[test]
fn on_a_calm_street_whoever_contradicts_itself_is_convicted_and_nobody_else_is() {
    for (name, kind) in KINDS {
        let outcome = calm(3, &[kind]);
        assert_eq!(outcome.finding, None, "{name}");
        assert_eq!(outcome.convicted, usize::from(kind.contradicts_itself()), "{name}");
        assert!(outcome.trades > 10, "{name}: the others go on, with {} trades", outcome.trades);
    }
}

/// What shows a contradiction gets through whatever goes wrong, as long as it heals.
#[test]
fn among_faults_whoever_contradicts_itself_is_convicted_all_the_same() {
    for (name, kind) in KINDS.into_iter().filter(|(_, kind)| kind.contradicts_itself()) {
        for seed in [3, 4] {
            let outcome = run(&Options { cheats: vec![kind], ..Options::drawn(seed) }, u64::MAX);
            let found = (outcome.finding, outcome.convicted);
            assert_eq!(found, (None, 1), "replay it with ./dev network --seed {seed} --cheat {name}");
        }
    }
}

#[test]
fn among_faults_whoever_contradicts_nothing_costs_the_honest_nothing_and_is_not_convicted() {
    for (name, kind) in KINDS.into_iter().filter(|(_, kind)| !kind.contradicts_itself()) {
        let outcome = run(&Options { cheats: vec![kind], ..Options::drawn(5) }, u64::MAX);
        let found = (outcome.finding, outcome.convicted);
        assert_eq!(found, (None, 0), "replay it with ./dev network --seed 5 --cheat {name}");
    }
}

/// Proposals, acceptances, refusals and evidence that nobody has signed.
#[test]
fn words_in_others_names_bind_and_convict_nobody() {
    for seed in 3..5 {
        let outcome = calm(seed, &[Kind::Impersonator]);
        assert_eq!((outcome.finding, outcome.convicted), (None, 0), "seed {seed}");
    }
}

#[test]
fn a_pair_that_plans_together_costs_the_honest_nothing() {
    for seed in 3..6 {
        let outcome = calm(seed, &[Kind::Colluder]);
        // But for what it gives its accomplice, the maker is honest: it is convicted of nothing else.
        assert_eq!((outcome.finding, outcome.convicted), (None, 1), "seed {seed}");
    }
}

/// An honest neighbour gets a part of an order, and much later the maker's accomplice gets the same.
#[test]
fn what_a_pair_plans_takes_no_trade_from_an_honest_neighbour() {
    const COLLUDER: usize = 5;
    const ACCOMPLICE: usize = 3;
    const HONEST: [usize; 4] = [0, 1, 2, 4];
    let mut street = Street::new(6, 143);
    street.run(SECOND);
    street.make_cheat(COLLUDER, Kind::Colluder, 4);
    let (colluder, accomplice) = (street.key(COLLUDER), street.key(ACCOMPLICE));
    let requests = take_of_offers(&mut street);
    street.run(10 * SECOND);
    let filled = |street: &Street| requests.map(|(home, id)| street.request(home, id).filled);
    let before = filled(&street);
    assert!(before.contains(&WattHours(300)), "who wanted what the colluder offers got it: {before:?}");
    let sold: Vec<OwnTrade> = [0, 1].iter().flat_map(|home| street.disk(*home).trades().values().cloned()).collect();
    for home in HONEST {
        assert!(street.household(home).unwrap().status().convicted.is_empty(), "home {home}: nothing is wrong so far");
        assert!(fills_by(&street, home, accomplice).is_empty(), "home {home}");
    }
    street.run(60 * SECOND);
    for home in HONEST {
        let given = fills_by(&street, home, accomplice);
        let is_again = |fill: &Fill, own: &OwnTrade| {
            fill.proposal.order == own.trade.proposal.order && overlap(&fill.acceptance, &own.trade.acceptance)
        };
        let again = given.iter().filter(|fill| sold.iter().any(|own| is_again(fill, own))).count();
        assert!(again > 0, "home {home} sees what the pair has traded with each other: {given:?}");
        let convicted = street.household(home).unwrap().status().convicted;
        assert!(convicted.into_iter().eq([colluder]), "home {home}: who gave it twice, and not who took it");
    }
    assert_eq!(filled(&street), before, "the honest trades stand");
    for id in sold.iter().map(|own| own.trade.id()) {
        let kept = [0, 1].iter().find_map(|home| street.disk(*home).trades().get(&id));
        assert!(kept.is_some_and(|kept| !kept.provisional), "trade {id} stays done");
    }
    street.end_cheating();
    street.run(60 * SECOND);
    assert_eq!(street.is_agreed(), Ok(()));
}

/// A neighbour that wants 300 Wh of 500 is given all of them. Nobody counts that: it waits until nothing can be filled
/// any more, and then is as free as after a refusal.
#[test]
fn who_is_given_more_than_it_proposed_is_bound_to_nothing() {
    const CHEAT: usize = 4;
    let mut street = Street::new(5, 144);
    street.run(SECOND);
    street.make_cheat(CHEAT, Kind::OverAccepter, 5);
    let cheat = street.key(CHEAT);
    let requests = take_of_offers(&mut street);
    street.run(SECOND);
    let asked_for = |street: &Street| -> BTreeSet<ProposalId> {
        let doubts = [0, 1].iter().flat_map(|home| street.disk(*home).reservations());
        doubts.filter(|(_, take)| take.proposal.maker.author == cheat).map(|(id, _)| *id).collect()
    };
    let before = asked_for(&street);
    assert!(!before.is_empty(), "what it was given for that is no answer");
    // Longer than a proposal lives, and until the next entry after that.
    street.run(30 * SECOND);
    assert!(before.is_disjoint(&asked_for(&street)), "its log is past them: they can't be filled any more");
    for (home, id) in requests {
        let request = street.request(home, id);
        assert_eq!(request.filled, WattHours(0), "home {home} is bound to nothing");
        assert!(request.in_doubt <= WattHours(300), "home {home} risks no more than it wished");
    }
    for home in 0..CHEAT {
        assert!(street.disk(home).trades().is_empty(), "home {home}");
        assert!(street.household(home).unwrap().status().convicted.is_empty(), "home {home}: it proves nothing");
    }
    street.end_cheating();
    street.run(60 * SECOND);
    assert_eq!(street.is_agreed(), Ok(()));
}

/// Lets a cheat offer something on either side for a while; then home 0 wants 300 Wh of what is for sale, and home 1 of
/// what is wanted. They have no use for each other.
fn take_of_offers(street: &mut Street) -> [(usize, RequestId); 2] {
    let slot = street.charter().shape.open_slots(street.now).last().unwrap();
    street.run(20 * SECOND);
    [(0, Side::Buy, 1_030), (1, Side::Sell, 1_035)].map(|(home, side, price)| {
        let wish = Wish { slot, ..street.wish(side, 300, price) };
        (home, street.place(home, wish).unwrap())
    })
}

/// Fills in logs of this author, as far as a household holds them.
fn fills_by(street: &Street, home: usize, author: MemberKey) -> Vec<Fill> {
    let ops = street.disk(home).entries_by(author).flat_map(|entry| &entry.ops);
    ops.filter_map(|op| if let Op::Fill(fill) = op { Some(Fill::clone(fill)) } else { None }).collect()
}

#[test]
fn cheats_among_faults_cost_the_honest_nothing() {
    for seed in 1_000..1_004 {
        let outcome = run(&Options::drawn_with_cheats(seed), u64::MAX);
        assert_eq!(outcome.finding, None, "seed {seed}: replay it with ./dev network --seed {seed} --cheats");
    }
}

#[test]
fn a_cheat_is_the_same_run_again() {
    let mut options = Options::drawn_with_cheats(7);
    options.lasts /= 4;
    assert_eq!(run(&options, 300), run(&options, 300));
    let honest = Options { cheats: Vec::new(), ..options.clone() };
    assert_ne!(run(&options, 300).trace_hash, run(&honest, 300).trace_hash);
}

/// Three neighbours are asked for all that one order of the cheat's wants. Each of them is filled, and stays so although
/// nobody has seen a copy.
#[test]
fn who_takes_too_much_is_bound_by_every_acceptance() {
    const CHEAT: usize = 4;
    let mut street = Street::new(5, 141);
    street.run(SECOND);
    let slot = street.charter().shape.open_slots(street.now).last().unwrap();
    street.make_cheat(CHEAT, Kind::OverTaker, 2);
    let makers = [0, 1, 2];
    let asks = makers.map(|home| {
        let wish = Wish { slot, ..street.wish(Side::Sell, 500, 1_020) };
        (home, street.place(home, wish).unwrap())
    });
    street.run(SECOND);
    // Its orders come every 5 s, on either side; its copies not before 40 s are over.
    street.run(30 * SECOND);
    let mut taken: BTreeMap<OrderId, WattHours> = BTreeMap::new();
    for home in makers {
        for own in street.disk(home).trades().values() {
            let order = own.trade.proposal.own_order.expect("it takes for an order of its own");
            *taken.entry(order).or_default() += own.trade.acceptance.quantity;
        }
    }
    assert!(taken.values().any(|taken| *taken > WattHours(500)), "it took more than it ordered: {taken:?}");
    let is_copy = |op: &Op| matches!(op, Op::Fill(_));
    let cheat = street.key(CHEAT);
    for (home, ask) in asks {
        assert_eq!(street.request(home, ask).filled, WattHours(500), "home {home} has sold all of it");
    }
    for home in 0..CHEAT {
        assert!(!street.disk(home).entries_by(cheat).any(|entry| entry.ops.iter().any(is_copy)), "home {home}");
        let household = street.household(home).unwrap();
        assert!(household.depth(slot, 10).1.iter().all(|level| level.price != Price(1_020)), "home {home}: it is sold");
        let closed = taken.iter().filter(|(_, taken)| **taken >= WattHours(500)).count();
        let bids: WattHours = household.depth(slot, 100).0.iter().map(|level| level.quantity).sum();
        let placed = placed_by(&street, cheat, Side::Buy);
        let left = WattHours(500 * i64::try_from(placed - closed).unwrap());
        assert!(bids <= left, "home {home}: an order of which too much was given is closed, {bids} of {left}");
    }
    street.run(60 * SECOND);
    street.end_cheating();
    street.run(60 * SECOND);
    assert_eq!(street.is_agreed(), Ok(()));
    for home in 0..CHEAT {
        assert!(street.household(home).unwrap().status().convicted.is_empty(), "nobody cheats by what others give");
    }
}

/// Orders that a member has placed on one side.
fn placed_by(street: &Street, key: MemberKey, side: Side) -> usize {
    let ops = street.disk(0).entries_by(key).flat_map(|entry| &entry.ops);
    ops.filter(|op| matches!(op, Op::Place(order) if order.side == side)).count()
}

/// Cut off from all but the cheat and one honest neighbour, whose words of that time are lost besides: what the street
/// holds comes to the victim all the same, by comparing with the one that does not lie.
#[test]
fn who_has_one_honest_link_learns_everything_over_it() {
    const CHEAT: usize = 5;
    const OPERATOR: usize = 0;
    const VICTIM: usize = 1;
    let mut street = Street::new(6, 142);
    street.run(20 * SECOND);
    street.make_cheat(CHEAT, Kind::Eclipser, 3);
    let links = street.eclipsed_links().expect("there is an eclipser");
    links.into_iter().for_each(|(from, to)| street.set_link(from, to, false));
    street.run(40 * SECOND);
    street.set_link(OPERATOR, VICTIM, false);
    let ask = street.wish(Side::Sell, 400, 1_000);
    street.place(3, ask).unwrap();
    street.run(SECOND);
    // Nor does its own beacon tell of it later.
    street.stop(3);
    street.run(60 * SECOND);
    let asked = |street: &mut Street, home| -> WattHours {
        let household = street.household(home).unwrap();
        household.depth(ask.slot, 10).1.iter().map(|level| level.quantity).sum()
    };
    assert_eq!([2, VICTIM].map(|home| asked(&mut street, home)), [WattHours(400), WattHours(0)], "it is eclipsed");
    street.set_link(OPERATOR, VICTIM, true);
    street.run(40 * SECOND);
    assert_eq!(asked(&mut street, VICTIM), WattHours(400), "one honest link is enough");
    street.start(3);
    // Its own words get out over it too.
    let bid = street.wish(Side::Buy, 100, 900);
    street.place(VICTIM, bid).unwrap();
    street.run(40 * SECOND);
    assert_eq!(street.is_agreed(), Ok(()));
}
