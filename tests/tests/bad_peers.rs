//! Members that break the protocol, and strangers, over real libp2p: garbage, messages without end, forged words, and
//! valid messages in absurd order. Each is dropped or ignored, and the nodes trade on.

use std::error::Error;

use libp2p::identity::Keypair;
use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::drivers::keys::HouseholdKey;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::entry::{Beacon, Entry, Op, Order};
use wattswap_node::protocol::ids::{
    CharterId, CommunityId, Digest, EntryId, Head, Incarnation, LogId, MemberKey, OrderId, ProposalId,
};
use wattswap_node::protocol::limits::{MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES, MAX_SEQ};
use wattswap_node::protocol::message::{Bytes, Gossip, Message, Summary};
use wattswap_node::protocol::signed::{Statement, Verified};
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::rogue::{Rogue, is_served};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Members that run a node: enough for each other to compare their logs with.
const HONEST: usize = 4;

/// What a bad member knows, and what it can sign.
struct Bad {
    key: HouseholdKey,
    community: CommunityId,
    charter: CharterId,
    victim: MemberKey,
    slot: Slot,
}

/// What a bad member sends, byte for byte.
type Attack = (&'static str, fn(&Bad) -> Vec<u8>);

/// Each of these no honest node would ever send: its sender is dropped, and kept out for a while.
const DROPPED: [Attack; 11] = [
    ("garbage", |_| framed(&[0xff; 100])),
    ("an empty message", |_| framed(&[])),
    ("a message without end", |_| u32::MAX.to_be_bytes().to_vec()),
    ("one byte more than a message can have", |_| (MAX_MESSAGE_BYTES as u32 + 1).to_be_bytes().to_vec()),
    ("a million zeros", |_| framed(&vec![0; MAX_MESSAGE_BYTES])),
    ("a message that something follows", |_| framed(&[Message::GetHeads.encode(), vec![0]].concat())),
    ("half a message", |bad| {
        let whole = Message::Proposal(bad.signed(bad.proposal())).encode();
        framed(&whole[..whole.len() / 2])
    }),
    ("a proposal of another community", |bad| {
        let proposal = Proposal { community: CommunityId([9; 32]), ..bad.proposal() };
        message(Message::Proposal(bad.signed(proposal)))
    }),
    ("a proposal to somebody else", |bad| {
        let proposal = Proposal { maker: log(MemberKey([5; 32])), ..bad.proposal() };
        message(Message::Proposal(bad.signed(proposal)))
    }),
    ("an acceptance with a forged signature", |bad| {
        message(Message::Acceptance(forged(&bad.signed(bad.acceptance()))))
    }),
    ("a range of another log than it says", |bad| {
        let entry = bad.signed(bad.entry());
        message(Message::Range { log: log(bad.victim), from: 0, entries: vec![entry] })
    }),
];

/// Each of these makes no sense now, but would at another time: it is ignored.
const IGNORED: [Attack; 14] = [
    ("an acceptance of nothing", |bad| message(Message::Acceptance(bad.signed(bad.acceptance())))),
    ("a refusal of nothing", |bad| {
        let proposal = ProposalId([3; 32]);
        let refusal = Refusal { proposal, maker: bad.key.member(), incarnation: incarnation(), at: UtcMillis(1) };
        message(Message::Refusal(bad.signed(refusal)))
    }),
    ("too late for nothing", |bad| {
        message(Message::TooLate { proposal: ProposalId([3; 32]), beacon: bad.signed(bad.beacon(1)) })
    }),
    ("a beacon from the past", |bad| message(Message::Beacon(bad.signed(bad.beacon(1))))),
    ("a proposal for an order that never was", |bad| message(Message::Proposal(bad.signed(bad.proposal())))),
    ("the same one again", |bad| message(Message::Proposal(bad.signed(bad.proposal())))),
    ("heads as high as they go", |bad| {
        message(Message::Heads(vec![Head { log: log(bad.key.member()), seq: MAX_SEQ, id: EntryId([1; 32]) }]))
    }),
    ("a range that nobody asked for", |bad| {
        message(Message::Range { log: log(bad.key.member()), from: 7, entries: Vec::new() })
    }),
    ("a question for a log that never was", |_| {
        message(Message::GetRange { log: log(MemberKey([5; 32])), from: MAX_SEQ, count: 1 })
    }),
    ("a question for charters of the far future", |_| message(Message::GetGovernance { from: MAX_SEQ })),
    ("no charters", |_| message(Message::Governance(Vec::new()))),
    ("no proofs", |_| message(Message::Proofs(Vec::new()))),
    ("the summary of another community", |_| {
        let governance = (MAX_SEQ, CharterId([1; 32]));
        let (heads, convicted) = (Digest([1; 32]), Digest([2; 32]));
        message(Message::Summary(Summary { community: CommunityId([9; 32]), governance, heads, convicted }))
    }),
    ("a hundred questions at once", |_| message(Message::GetHeads).repeat(100)),
];

#[tokio::test(flavor = "multi_thread")]
async fn bad_peers_are_dropped_or_ignored_and_the_nodes_trade_on() -> Outcome {
    let names: Vec<String> = (0..HONEST + DROPPED.len() + 3).map(|number| format!("Number {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut lane = Neighbourhood::found(&Rules::usual(), &names)?;
    for index in 0..HONEST {
        lane.node(index).launch(&[])?;
    }
    for index in 0..HONEST {
        lane.node(index).until_ready(SOON)?;
    }
    lane.until_connected()?;
    let (ada, ben) = (lane.nodes()[0].client(), lane.nodes()[1].client());
    let slot = ada.slots()?.swap_remove(100);
    let sale = ada.place("sale", &Wish::sell(&slot, 500, "0.2"))?;
    ben.until_asked(&slot, WattHours(500))?;
    lane.until_same_book(SOON)?;
    let status = lane.nodes()[0].status()?;
    let (community, address) = (status.community.to_string(), status.addresses[0].clone());
    let bad = |index: usize| -> Outcome<Bad> {
        Ok(Bad {
            key: HouseholdKey::load(&lane.nodes()[index].folder().key())?,
            community: community.parse()?,
            charter: ada.charter()?.hash.to_string().parse()?,
            victim: lane.nodes()[0].member().parse()?,
            slot: slot_of(&slot)?,
        })
    };

    let mut members = HONEST..names.len();
    for (what, attack) in DROPPED {
        let bad = bad(members.next().ok_or("too few members")?)?;
        let rogue = Rogue::connect(bad.key.identity(), &community, &address).await;
        let mut rogue = rogue.map_err(|error| format!("{what}: {error}"))?;
        // The node may end the stream before all of it is written.
        let _ = rogue.send_raw(&attack(&bad)).await;
        let heard = rogue.hear(|_| None::<()>).await.map_err(|error| format!("{what}: it was not dropped: {error}"))?;
        assert_eq!(heard, None, "{what}");
        assert!(!is_served(bad.key.identity(), &community, &address).await?, "{what}: it was let in again at once");
    }

    let nuisance = bad(members.next().ok_or("too few members")?)?;
    let mut rogue = Rogue::connect(nuisance.key.identity(), &community, &address).await?;
    for (what, attack) in IGNORED {
        rogue.send_raw(&attack(&nuisance)).await.map_err(|error| format!("{what}: {error}"))?;
        // It is still served: a question gets its answer.
        rogue.send(&Message::GetBeacon.encode()).await?;
        let answer = rogue.hear(|message| matches!(message, Message::Beacon(_)).then_some(())).await?;
        assert!(answer.is_some(), "{what}: it was dropped");
    }

    let gossip = bad(members.next().ok_or("too few members")?)?;
    let rogue_of_gossip = Rogue::connect(gossip.key.identity(), &community, &address).await?;
    for bytes in [
        vec![0xff; 1_000],
        vec![0; MAX_GOSSIP_BYTES + 1],
        Gossip::Entry(forged(&gossip.signed(gossip.entry()))).encode(),
        Gossip::Beacon(forged(&gossip.signed(gossip.beacon(1)))).encode(),
        Gossip::Governance(vec![1, 2, 3].into()).encode(),
        vec![],
    ] {
        rogue_of_gossip.publish(bytes).await;
    }

    // A stranger: a key that no charter lists.
    assert!(!is_served(Keypair::generate_ed25519(), &community, &address).await?, "a stranger was served");
    // While a member that has done nothing yet is.
    let idle = bad(members.next().ok_or("too few members")?)?;
    assert!(is_served(idle.key.identity(), &community, &address).await?, "a member was not served");

    // All of them still run, show the same book, and what was offered before is traded now.
    for node in &mut lane.nodes_mut()[..HONEST] {
        assert!(node.is_running(), "{}", node.log_end());
    }
    let purchase = ben.place("purchase", &Wish::buy(&slot, 500, "0.2"))?;
    ben.until_filled(&purchase, WattHours(500))?;
    ada.until_filled(&sale, WattHours(500))?;
    lane.until_same_book(SOON)?;
    drop((rogue, rogue_of_gossip));
    Ok(())
}

impl Bad {
    fn signed<T: Statement>(&self, statement: T) -> Bytes {
        Verified::sign(statement, &self.key).bytes().clone()
    }

    fn proposal(&self) -> Proposal {
        Proposal {
            community: self.community,
            charter: self.charter,
            slot: self.slot,
            side: Side::Buy,
            taker: log(self.key.member()),
            maker: log(self.victim),
            order: OrderId { entry: EntryId([4; 32]), index: 0 },
            own_order: None,
            up_to: WattHours(100),
            price: Price(1),
            nonce: 1,
            expires_at: UtcMillis(self.slot.start().0 + 1),
        }
    }

    fn acceptance(&self) -> Acceptance {
        Acceptance {
            proposal: ProposalId([3; 32]),
            maker: self.key.member(),
            quantity: WattHours(100),
            filled_total: WattHours(100),
            incarnation: incarnation(),
            seq: 0,
            at: UtcMillis(1),
        }
    }

    fn beacon(&self, at: u64) -> Beacon {
        Beacon { community: self.community, log: log(self.key.member()), last: None, at: UtcMillis(at) }
    }

    fn entry(&self) -> Entry {
        let order = Order {
            slot: self.slot,
            side: Side::Buy,
            quantity: WattHours(100),
            price: Price(1),
            expires_at: self.slot.start(),
            charter: self.charter,
        };
        let log = log(self.key.member());
        Entry { community: self.community, log, seq: 0, prev: None, at: UtcMillis(1), ops: vec![Op::Place(order)] }
    }
}

fn incarnation() -> Incarnation {
    Incarnation { opened: UtcMillis(1), nonce: 1 }
}

fn log(author: MemberKey) -> LogId {
    LogId { author, incarnation: incarnation() }
}

/// The same with another signature.
fn forged(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes.into()
}

fn message(message: Message) -> Vec<u8> {
    framed(&message.encode())
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a test's messages are short");
    [&length.to_be_bytes(), message].concat()
}

fn slot_of(text: &str) -> Outcome<Slot> {
    let at: jiff::Timestamp = text.parse()?;
    Ok(Slot(UtcMillis(u64::try_from(at.as_millisecond())?)))
}
