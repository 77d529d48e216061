//! Members that break the protocol, and strangers, over real libp2p: garbage, messages without end, forged words, and
//! valid messages in absurd order. Each is dropped or ignored, and the nodes trade on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libp2p::identity::Keypair;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::{Proposal, Refusal};
use wattswap_node::protocol::entry::Entry;
use wattswap_node::protocol::ids::{CharterId, CommunityId, Digest, EntryId, Head, MemberKey, ProposalId};
use wattswap_node::protocol::limits::{MAX_GOSSIP_BYTES, MAX_HEADS, MAX_MESSAGE_BYTES, MAX_RANGE, MAX_SEQ};
use wattswap_node::protocol::message::{Bytes, Gossip, Message, Proof, Summary};
use wattswap_tests::attacked::{Attacked, Outcome, Over, TRANSPORTS};
use wattswap_tests::bad_member::{BadMember, forged, framed, incarnation, log, message};
use wattswap_tests::http;
use wattswap_tests::market::SOON;
use wattswap_tests::process;
use wattswap_tests::rogue::Rogue;
use wattswap_tests::wait;

/// What a bad member sends, byte for byte.
type Attack = (&'static str, fn(&BadMember) -> Vec<u8>);

/// Each of these no honest node would ever send: its sender is dropped, and kept out for a while.
const DROPPED: [Attack; 17] = [
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
    // Whoever holds an entry also has one that vouches for it, and shows both.
    ("an entry in the victim's name, badly signed", |bad| {
        let entry = bad.signed_as(bad.victim, bad.entry(bad.victim));
        message(Message::Range { log: log(bad.victim), from: 0, entries: vec![entry] })
    }),
    ("an entry in somebody else's name, badly signed", |bad| {
        let entry = bad.signed_as(bad.other, bad.entry(bad.other));
        message(Message::Range { log: log(bad.other), from: 0, entries: vec![entry] })
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
        let entry = bad.signed(bad.entry(bad.key.member()));
        message(Message::Range { log: log(bad.other), from: 0, entries: vec![entry] })
    }),
    ("a range with a gap", |bad| {
        let first = bad.entry(bad.key.member());
        let later = Entry { seq: 2, prev: Some(EntryId([1; 32])), ..first.clone() };
        let entries = vec![bad.signed(first), bad.signed(later)];
        message(Message::Range { log: log(bad.key.member()), from: 0, entries })
    }),
    ("evidence that proves nothing", |bad| {
        let entry = vec![bad.signed(bad.entry(bad.key.member()))];
        message(Message::Proofs(vec![Proof::Fork { one: entry.clone(), other: entry }]))
    }),
    ("forged evidence against somebody else", |bad| {
        let one = bad.entry(bad.other);
        let other = Entry { at: UtcMillis(2), ..one.clone() };
        let [one, other] = [one, other].map(|entry| vec![bad.signed_as(bad.other, entry)]);
        message(Message::Proofs(vec![Proof::Fork { one, other }]))
    }),
    ("a charter that makes it the operator", |bad| message(Message::Governance(vec![bad.coup()]))),
];

/// Each of these makes no sense now, but would at another time: it is ignored.
const IGNORED: [Attack; 15] = [
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
    ("that the victim has lost an entry", |bad| {
        message(Message::Heads(vec![Head { log: log(bad.victim), seq: 7, id: EntryId([1; 32]) }]))
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
async fn who_sends_what_no_honest_node_sends_is_dropped() -> Outcome {
    let mut attacked = Attacked::by(TRANSPORTS.len() * DROPPED.len() + 1)?;
    for (over, (what, attack)) in TRANSPORTS.into_iter().flat_map(|over| DROPPED.map(|attack| (over, attack))) {
        let what = format!("{what}, over {over:?}");
        let bad = attacked.bad()?;
        let mut rogue = attacked.connect(&bad, over).await.map_err(|error| format!("{what}: {error}"))?;
        // The node may end the stream before all of it is written.
        let _ = rogue.send_raw(&attack(&bad)).await;
        let heard = rogue.hear(|_| None::<()>).await.map_err(|error| format!("{what}: it was not dropped: {error}"))?;
        assert_eq!(heard, None, "{what}");
        for over in TRANSPORTS {
            let again = attacked.serves(bad.key.identity(), over).await?;
            assert!(!again, "{what}: it was let in again at once, over {over:?}");
        }
    }
    // A stranger, too: a key that no charter lists. But not a member that has done nothing yet.
    let idle = attacked.bad()?;
    for over in TRANSPORTS {
        assert!(!attacked.serves(Keypair::generate_ed25519(), over).await?, "a stranger was served over {over:?}");
        assert!(attacked.serves(idle.key.identity(), over).await?, "a member was not served over {over:?}");
    }
    attacked.trades_on()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_now_is_ignored() -> Outcome {
    let mut attacked = Attacked::by(TRANSPORTS.len())?;
    for over in TRANSPORTS {
        let bad = attacked.bad()?;
        is_ignored(&attacked, &bad, over).await.map_err(|error| format!("over {over:?}: {error}"))?;
    }
    // What is not even libp2p: the connection ends.
    let place = attacked.place.to_string();
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0xff; 10_000], b"\x13/multistream/1.0.0\n\x07/wrong\n"] {
        let answer = http::send_and_end(&place, bytes)?;
        assert_eq!(answer, None, "{}", bytes.escape_ascii());
    }
    attacked.trades_on()
}

/// Sends everything that is to be ignored over one connection, which must outlast it.
async fn is_ignored(attacked: &Attacked, bad: &BadMember, over: Over) -> Outcome {
    let mut rogue = attacked.connect(bad, over).await?;
    for (what, attack) in IGNORED {
        rogue.send_raw(&attack(bad)).await.map_err(|error| format!("{what}: {error}"))?;
        assert!(still_answers(&mut rogue).await?, "{what}: it was dropped");
    }
    for protocol in ["/wattswap/2/peer", "/wattswap/1/admin", "/ipfs/bitswap/1.2.0"] {
        assert!(!rogue.speaks(protocol).await, "{protocol} is spoken");
    }
    replay(&mut rogue, bad.victim).await?;
    assert!(still_answers(&mut rogue).await?, "a replay: it was dropped");

    // Half a frame, and then nothing more: it may come back.
    let half = message(Message::Proposal(bad.signed(bad.proposal())));
    rogue.send_raw(&half[..half.len() / 2]).await?;
    drop(rogue);
    assert!(attacked.serves(bad.key.identity(), over).await?, "it was kept out for a connection that broke");
    Ok(())
}

async fn still_answers(rogue: &mut Rogue) -> Outcome<bool> {
    rogue.send(&Message::GetBeacon.encode()).await?;
    let answer = rogue.hear(|message| matches!(message, Message::Beacon(_)).then_some(())).await?;
    Ok(answer.is_some())
}

/// Asks a node for its own log, and tells it and everybody again what it said.
async fn replay(rogue: &mut Rogue, author: MemberKey) -> Outcome {
    rogue.send(&Message::GetHeads.encode()).await?;
    let of_author = |message| match message {
        Message::Heads(heads) => heads.into_iter().find(|head| head.log.author == author),
        _ => None,
    };
    let head = rogue.hear(of_author).await?.ok_or("the node has a log")?;
    rogue.send(&Message::GetRange { log: head.log, from: 0, count: MAX_RANGE }.encode()).await?;
    let entries = rogue.hear(|message| match message {
        Message::Range { entries, .. } => Some(entries),
        _ => None,
    });
    let entries: Vec<Bytes> = entries.await?.filter(|entries| !entries.is_empty()).ok_or("the log holds something")?;
    for _ in 0..50 {
        rogue.send(&Message::Range { log: head.log, from: 0, entries: entries.clone() }.encode()).await?;
    }
    for entry in entries {
        rogue.publish(Gossip::Entry(entry).encode()).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_that_no_honest_node_passes_on_is_rejected() -> Outcome {
    let mut attacked = Attacked::by(1)?;
    let bad = attacked.bad()?;
    let mut rogue = attacked.connect(&bad, Over::Tcp).await?;
    let own = bad.entry(bad.key.member());
    let messages = [
        vec![0xff; 1_000],
        vec![0; MAX_GOSSIP_BYTES],
        Gossip::Entry(forged(&bad.signed(own))).encode(),
        Gossip::Entry(bad.signed_as(bad.other, bad.entry(bad.other))).encode(),
        Gossip::Beacon(forged(&bad.signed(bad.beacon(1)))).encode(),
        Gossip::Governance(bad.coup()).encode(),
    ];
    for message in &messages {
        rogue.publish(message.clone()).await;
    }
    wait::until("all of them are rejected", SOON, || match attacked.figure("wattswap_rejected_gossip_total") {
        Ok(count) if count == messages.len() => Ok(()),
        other => Err(format!("{other:?} of {}", messages.len())),
    })?;
    attacked.trades_on()
}

/// What the attacked node may need for the flood beside what it needed before: what may wait of peers (16 MB, and as
/// much again while it is read) and for them (64 MB), refusals to remember, and the buffers of streams and store.
const FLOOD_MEMORY: u64 = 256 << 20;
/// Trades of honest members in the flood.
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_all_sides_neither_stops_the_trade_nor_fills_the_memory() -> Outcome {
    flood(Over::Tcp).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_a_flood_over_quic() -> Outcome {
    flood(Over::Quic).await
}

async fn flood(over: Over) -> Outcome {
    let mut attacked = Attacked::by(4)?;
    let pid = attacked.victim().pid().ok_or("the node runs")?;
    let before = process::resident_bytes(pid)?;
    let sent = Arc::new(AtomicUsize::new(0));
    let mut floods = Vec::new();
    for words in [questions, proposals, heads] {
        let bad = attacked.bad()?;
        let mut rogue = attacked.connect(&bad, over).await?;
        let sent = Arc::clone(&sent);
        floods.push(tokio::spawn(async move {
            for number in 0.. {
                let bytes = words(&bad, number);
                // It reads nothing of what the node says to all this.
                if rogue.send_raw(&bytes).await.is_err() {
                    return;
                }
                sent.fetch_add(bytes.len(), Ordering::Relaxed);
            }
        }));
    }
    let bad = attacked.bad()?;
    let mut rogue = attacked.connect(&bad, over).await?;
    floods.push(tokio::spawn(async move {
        for at in 1.. {
            rogue.publish(Gossip::Beacon(bad.signed(bad.beacon(at))).encode()).await;
        }
    }));
    attacked.trades(ROUNDS)?;
    let sent = sent.load(Ordering::Relaxed);
    let needed = process::peak_bytes(pid)?.saturating_sub(before);
    floods.iter().for_each(tokio::task::JoinHandle::abort);
    eprintln!("{} MB were sent over {over:?}, and the node needed {} MB more", sent >> 20, needed >> 20);
    assert!(sent > MAX_MESSAGE_BYTES, "{sent} bytes are no flood");
    assert!(needed < FLOOD_MEMORY, "{needed} bytes more");
    attacked.trades_on()
}

fn questions(_: &BadMember, _: u64) -> Vec<u8> {
    message(Message::GetHeads).repeat(1_000)
}

/// Each another one: each has to be looked into, and refused.
fn proposals(bad: &BadMember, number: u64) -> Vec<u8> {
    let proposal = |nonce| Proposal { nonce, ..bad.proposal() };
    let proposals =
        (number * 100..(number + 1) * 100).map(|nonce| message(Message::Proposal(bad.signed(proposal(nonce)))));
    proposals.collect::<Vec<_>>().concat()
}

/// Logs that never were: as many as one message can name.
fn heads(bad: &BadMember, number: u64) -> Vec<u8> {
    let authors = [bad.key.member(), bad.other, bad.victim];
    let head = |at: u64| {
        let mut log = log(authors[usize::try_from(at).unwrap_or(0) % authors.len()]);
        log.incarnation.nonce = at;
        Head { log, seq: MAX_SEQ, id: EntryId([1; 32]) }
    };
    let first = number * MAX_HEADS as u64;
    let mut heads: Vec<Head> = (first..first + MAX_HEADS as u64).map(head).collect();
    heads.sort_by_key(|head| head.log);
    message(Message::Heads(heads))
}
