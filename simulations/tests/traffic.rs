//! What a member receives while nobody trades does not grow with the number of members, once they are many.

use std::time::Duration;

use wattswap_simulations::network::Street;
use wattswap_simulations::network::traffic::Cargo;

/// Beacons, copies included, that a member receives in two minutes.
fn beacons(homes: usize) -> u64 {
    wattswap_node::protocol::memo::remember();
    let mut street = Street::new(homes, 3);
    street.run(Duration::from_secs(30));
    street.forget_traffic();
    street.run(Duration::from_secs(120));
    street.traffic().messages(Cargo::Beacon) / homes as u64
}

#[test]
fn beacons_of_many_members_come_no_faster_than_those_of_a_hundred() {
    let (few, many, more) = (beacons(50), beacons(100), beacons(160));
    assert!(few * 3 / 2 < many, "{few} among 50 members, {many} among 100");
    assert!(more < many * 5 / 4, "{many} among 100 members, {more} among 160");
}
