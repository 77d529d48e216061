//! A neighbourhood under attack: nodes that trade, the first of which is attacked, and members without a node, who
//! attack it.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;

use libp2p::identity::Keypair;
use wattswap_matching::WattHours;

use crate::bad_member::BadMember;
use crate::http;
use crate::market::{Market as _, SOON, Wish};
use crate::neighbourhood::{Neighbourhood, Rules};
use crate::node::Node;
use crate::rogue::{NotServed, Rogue, is_served};

/// What comes of an attack.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Members that run a node: enough for each other to compare their logs with.
const HONEST: usize = 4;
/// The first of the slots in which the nodes trade during an attack.
const FIRST: usize = 120;

/// What a connection goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// With Noise and Yamux.
    Tcp,
    /// Over UDP.
    Quic,
}

/// Both.
pub const TRANSPORTS: [Over; 2] = [Over::Tcp, Over::Quic];

/// See the module's text. The attacked node listens over TCP and QUIC, at one port.
pub struct Attacked {
    /// The nodes that run, and the households of the members that attack.
    pub lane: Neighbourhood,
    /// Where the attacked node listens.
    pub place: SocketAddr,
    community: String,
    slot: String,
    sale: String,
    next: usize,
}

impl Attacked {
    /// The nodes show the same book, with one offer. So many members are there to attack.
    ///
    /// # Errors
    /// If the nodes don't come that far.
    pub fn by(members: usize) -> Outcome<Self> {
        let names: Vec<String> = (0..HONEST + members).map(|number| format!("Number {number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut lane = Neighbourhood::found(&Rules::usual(), &names)?;
        let place = lane.listen_over_quic_too(0)?;
        lane.start_some(HONEST)?;
        lane.until_connected()?;
        let ada = lane.nodes()[0].client();
        let slot = ada.slots()?.swap_remove(100);
        let sale = ada.place("sale", &Wish::sell(&slot, 500, "0.2"))?;
        lane.until_same_book(SOON)?;
        let community = lane.nodes()[0].status()?.community.to_string();
        Ok(Self { lane, place, community, slot, sale, next: HONEST })
    }

    /// The node that is attacked.
    #[must_use]
    pub fn victim(&self) -> &Node {
        &self.lane.nodes()[0]
    }

    /// The next member that attacks.
    ///
    /// # Errors
    /// If there is none left.
    pub fn bad(&mut self) -> Outcome<BadMember> {
        let nodes = self.lane.nodes();
        let bad = nodes.get(self.next).ok_or("too few members")?;
        self.next += 1;
        BadMember::of(bad, &nodes[0], &nodes[1], &self.slot)
    }

    /// Connects a member that attacks to the attacked node.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn connect(&self, bad: &BadMember, over: Over) -> Result<Rogue, NotServed> {
        Rogue::connect(bad.key.identity(), &self.community, &self.address(over)).await
    }

    /// Whether the attacked node answers whoever has that key.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn serves(&self, identity: Keypair, over: Over) -> Result<bool, NotServed> {
        is_served(identity, &self.community, &self.address(over)).await
    }

    fn address(&self, over: Over) -> String {
        let (ip, port) = (self.place.ip(), self.place.port());
        match over {
            Over::Tcp => format!("/ip4/{ip}/tcp/{port}"),
            Over::Quic => format!("/ip4/{ip}/udp/{port}/quic-v1"),
        }
    }

    /// The attacked node trades with another one, that many times.
    ///
    /// # Errors
    /// If it does not, in time.
    pub fn trades(&self, times: usize) -> Outcome {
        let (ada, ben) = (self.lane.nodes()[0].client(), self.lane.nodes()[1].client());
        for slot in &ada.slots()?[FIRST..FIRST + times] {
            let sale = ada.place(slot, &Wish::sell(slot, 100, "0.1"))?;
            ben.until_asked(slot, WattHours(100))?;
            let purchase = ben.place(slot, &Wish::buy(slot, 100, "0.1"))?;
            ben.until_filled(&purchase, WattHours(100))?;
            ada.until_filled(&sale, WattHours(100))?;
        }
        Ok(())
    }

    /// All nodes still run and show the same book, with nothing in it but the one offer; and that is traded now.
    ///
    /// # Errors
    /// If it is not, in time.
    ///
    /// # Panics
    /// If a node does not run any more, or something else is in the book.
    pub fn trades_on(mut self) -> Outcome {
        for node in &mut self.lane.nodes_mut()[..HONEST] {
            assert!(node.is_running(), "{}", node.log_end());
        }
        self.lane.until_same_book(SOON)?;
        let (ada, ben) = (self.lane.nodes()[0].client(), self.lane.nodes()[1].client());
        assert_eq!(ada.depth(&self.slot)?, (WattHours::ZERO, WattHours(500)));
        let purchase = ben.place("purchase", &Wish::buy(&self.slot, 500, "0.2"))?;
        ben.until_filled(&purchase, WattHours(500))?;
        ada.until_filled(&self.sale, WattHours(500))?;
        self.lane.until_same_book(SOON)?;
        Ok(())
    }

    /// A figure of the attacked node's, by the name that its metrics have for it.
    ///
    /// # Errors
    /// If the node can't be asked, or has no such figure.
    pub fn figure(&self, name: &str) -> Outcome<usize> {
        let token = fs::read_to_string(self.victim().folder().owner_token())?;
        let request = http::request("GET", "/metrics", token.trim(), "");
        let answer = http::send(self.victim().client().url(), &request)?.ok_or("no answer")?;
        let line = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.ok_or_else(|| format!("there is no {name}"))?.trim().parse()?)
    }
}
