//! What a member receives while nobody trades does not grow with the number of members, once they are many.

use std::time::Duration;

use wattswap_simulations::network::Street;
use wattswap_simulations::network::traffic::Cargo;

/// Beacons, copies included, that a member receives in a minute.
fn beacons(homes: usize) -> u64 {
    wattswap_node::protocol::memo::remember();
    let mut street = Street::new(homes, 3);
    street.run(Duration::from_secs(20));
    street.forget_traffic();
    street.run(Duration::from_secs(60));
    street.traffic().messages(Cargo::Beacon) / homes as u64
}

#[test]
fn beacons_of_many_members_come_no_faster_than_those_of_a_hundred() {
    let (many, more) = (beacons(100), beacons(160));
    assert!(many > 0 && more < many * 5 / 4, "{many} among 100 members, {more} among 160");
}
