//! Communities in which some members have a node and the others only a key and a history.

use wattswap_matching::UtcMillis;
use wattswap_node::charter_file::CharterFile;
use wattswap_node::drivers::store::Store;
use wattswap_node::protocol::signed::Signer as _;
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;

use crate::Outcome;
use crate::history::{Author, Lane};

/// A community with a node for each of `names`, which do not run yet, and `authors` without one.
pub fn found(names: &[&str], authors: &[Author]) -> Outcome<(Neighbourhood, Lane)> {
    let absent: Vec<String> = authors.iter().map(|author| author.key().to_string()).collect();
    let lane = Neighbourhood::found_among(&Rules::usual(), names, &absent)?;
    let file = CharterFile::read(&lane.nodes()[0].folder().charter())?;
    let chain = file.chain().ok_or("the founder's charter is not in force")?;
    let (charter_id, charter) = chain.in_force();
    let shared = Lane { community: chain.community(), charter_id, charter: charter.as_ref().clone() };
    Ok((lane, shared))
}

/// The store of a node that does not run.
pub fn store(node: &Node) -> Outcome<Store> {
    Ok(Store::open(&node.folder().store(), node.member().parse()?)?)
}

/// Now.
pub fn now() -> UtcMillis {
    wattswap_node::drivers::clock::now()
}
