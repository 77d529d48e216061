//! A member whose own signed words contradict each other: every household convicts it and trades on with the others,
//! their owners can see it in the list of peers, live and by command, and its own node says why nobody trades with it.

use std::error::Error;
use std::sync::mpsc;
use std::thread;

use wattswap_api::dto::community::{Contradiction, Peers, Phase};
use wattswap_matching::WattHours;
use wattswap_node::client::Client;
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::message::{Bytes, Message};
use wattswap_tests::attacked::{Attacked, Outcome, Over};
use wattswap_tests::bad_member::{BadMember, log};
use wattswap_tests::live::{LiveEvent, LiveEvents};
use wattswap_tests::market::SOON;
use wattswap_tests::node::Node;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_forks_its_log_is_convicted_by_everybody_and_owners_are_told() -> Outcome {
    let mut attacked = Attacked::by(1)?;
    let bad = attacked.bad()?;
    let key = bad.key.member().to_string();
    let told = first_event(attacked.victim(), {
        let key = key.clone();
        move |event| event.kind == "peer" && event.data["member"] == *key && !event.data["convicted_of"].is_null()
    })?;

    let mut rogue = attacked.connect(&bad, Over::Tcp).await?;
    for entry in two_versions(&bad) {
        rogue.send(&Message::Range { log: log(bad.key.member()), from: 0, entries: vec![entry] }.encode()).await?;
    }
    let honest = attacked.lane.nodes().iter().filter(|node| node.pid().is_some()).count();
    for node in &mut attacked.lane.nodes_mut()[..honest] {
        let convicted = node.until("it has convicted the member", SOON, |node| convicted_of(&node.client(), &key))?;
        assert_eq!(convicted, Contradiction::Fork);
    }
    assert_eq!(told.recv_timeout(SOON)?.data["convicted_of"], "fork");
    let peers = attacked.victim().call(&["status", "--peers"])?;
    let line = peers.lines().find(|line| line.contains(&key[..8])).ok_or("every peer has a line")?;
    assert!(line.contains("convicted: two versions of its log"), "{line}");

    // Its own node, which knows nothing of that when it starts.
    let own = attacked.lane.node(honest);
    own.start()?;
    own.until("it knows of its conviction", SOON, |node| match node.status() {
        Ok(status) if status.phase == Phase::Convicted => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    let said = own.call(&["status"])?;
    assert!(said.contains("does not trade: it was proved that this household's key signed"), "{said}");
    let checks = own.client().readiness()?.checks;
    let reason = checks.into_iter().find(|check| !check.passed).and_then(|check| check.detail);
    assert_eq!(reason.as_deref(), Some("this household's key was convicted of cheating"));
    own.stop()?;
    attacked.trades_on()
}

/// Of its first entry: one orders less than the other.
fn two_versions(bad: &BadMember) -> [Bytes; 2] {
    let one = bad.entry(bad.key.member());
    let mut other: Entry = one.clone();
    for op in &mut other.ops {
        if let Op::Place(order) = op {
            order.quantity = WattHours(10);
        }
    }
    [bad.signed(one), bad.signed(other)]
}

fn convicted_of(client: &Client, member: &str) -> Result<Contradiction, Box<dyn Error>> {
    let peers: Peers = client.get("/peers")?;
    let peer = peers.peers.into_iter().find(|peer| peer.member.to_string() == member);
    Ok(peer.and_then(|peer| peer.convicted_of).ok_or("it is convicted of nothing")?)
}

/// The first of a node's live events that is wanted, once it comes.
fn first_event(
    node: &Node,
    is_wanted: impl Fn(&LiveEvent) -> bool + Send + 'static,
) -> Outcome<mpsc::Receiver<LiveEvent>> {
    let (found, wanted) = mpsc::channel();
    let mut events = LiveEvents::new(node.client().events(None)?).map_while(Result::ok);
    thread::spawn(move || events.find(is_wanted).map(|event| found.send(event)));
    Ok(wanted)
}
