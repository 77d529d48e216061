//! Messages that every node understands, in the same way.

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::{Charter, GovernanceRecord};
use wattswap_node::protocol::entry::{Beacon, Entry, Op};
use wattswap_node::protocol::evidence;
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::ids::{CharterId, CommunityId, Digest, EntryId, Head, MemberKey, ProposalId};
use wattswap_node::protocol::limits::MAX_INCARNATIONS;
use wattswap_node::protocol::message::{Answered, Bytes, Gossip, Message, Proof, Summary};
use wattswap_node::protocol::signed::{Signer as _, Statement};
use wattswap_node::protocol::wire::{cose, cosign};

use crate::explain::Kind;
use crate::golden::Case;
use crate::invalid;
use crate::sample::*;

pub fn cases() -> Vec<Case> {
    let mut cases = entries();
    cases.extend(words());
    cases.extend(records());
    cases.extend(gossip());
    cases.extend(messages());
    cases
}

fn of<T: Statement + Clone>(kind: Kind, name: &'static str, about: &'static str, said: T, signer: &Household) -> Case {
    Case::valid(kind, name, about, signed(said, signer).bytes().to_vec())
}

fn entries() -> Vec<Case> {
    let entry = |name, about, entry: Entry, signer| of(Kind::Entry, name, about, entry, signer);
    let fork = Entry { at: UtcMillis(NOON + 1_500), ..offer() };
    let lots = vec![Op::Place(order(Side::Buy, 23, 24)); 24];
    vec![
        entry("offer", "the first entry of a log: one order to sell", offer(), &bob()),
        entry(
            "begun",
            "the first entry of a log that has nothing else to say",
            Entry { ops: vec![], ..offer() },
            &bob(),
        ),
        entry("offer-forked", "a second entry 0 of the same log: with `offer` it convicts Bob", fork, &bob()),
        entry("reprice", "a cancel, an order at price zero and one at a negative price", reprice(), &bob()),
        entry("maker-fill", "Bob's log holds the trade: a proposal and its acceptance", maker_fill(), &bob()),
        Case::valid(Kind::Entry, "fill-forged", "sound, but Bob has not signed the acceptance", forged_fill()),
        entry("taker-fill", "Alice's log holds the same trade", taker_fill(), &alice()),
        entry("seal", "a new log of Bob starts by ending the old one", seal(), &bob()),
        entry("largest", "every number as large as it can be, and the lowest price", largest(), &bob()),
        entry("many", "24 ops: lengths that take a second byte", Entry { ops: lots, ..offer() }, &bob()),
    ]
}

/// The signature of the acceptance is Bob's under another statement.
fn forged_fill() -> Vec<u8> {
    let (good, wrong) = (signed(acceptance(), &bob()), signed(refusal(), &bob()));
    let [good, wrong] = [good.bytes(), wrong.bytes()].map(|bytes| *bytes.last_chunk::<64>().expect("a signature"));
    let payload = maker_fill().encode();
    let at = payload.windows(64).position(|window| window == good).expect("the acceptance's signature");
    let forged = [&payload[..at], &wrong, &payload[at + 64..]].concat();
    cose::seal(&forged, &bob().sign(&cose::to_be_signed(Entry::DOMAIN, &forged)))
}

fn words() -> Vec<Case> {
    let empty = Beacon { last: None, ..beacon() };
    let posted = Proposal { own_order: Some(offered()), side: Side::Sell, price: Price(-7), ..proposal() };
    let whole = Acceptance { quantity: acceptance().filled_total, ..acceptance() };
    vec![
        of(Kind::Beacon, "after-two", "Bob's log ends at entry 1", beacon(), &bob()),
        of(Kind::Beacon, "empty-log", "Bob's log is empty", empty, &bob()),
        of(Kind::Proposal, "take", "Alice takes up to 500 Wh of Bob's offer", proposal(), &alice()),
        of(Kind::Proposal, "take-for-posted", "on behalf of an order that she has posted herself", posted, &alice()),
        of(Kind::Acceptance, "part", "Bob agrees to 450 of 500 Wh; 100 had been taken before", acceptance(), &bob()),
        of(Kind::Acceptance, "first", "the first fill of an order: the total is the quantity", whole, &bob()),
        of(Kind::Refusal, "refusal", "Bob refuses", refusal(), &bob()),
    ]
}

fn records() -> Vec<Case> {
    let record = |name, about, record: SignedRecord| Case::valid(Kind::Governance, name, about, record.bytes.to_vec());
    let GovernanceRecord { height, prev, at, .. } = amendment().record;
    let alone = Charter { members: charter().members[..1].to_vec(), ..charter() };
    let all = co_signed(
        GovernanceRecord { height, prev, at, act: act(alone) },
        &(1..=15).map(Household::with_seed).collect::<Vec<_>>(),
    );
    let founding_payload = founding().record.encode();
    let weak = (MemberKey(invalid::signatures::neutral()), invalid::signatures::neutral_signature());
    let weak = cosign::seal(&founding_payload, &[weak, founding().signatures[0]]);
    let mut stolen = seals();
    stolen.signatures[0].1 = stolen.signatures[1].1;
    let stolen = cosign::seal(&stolen.record.encode(), &stolen.signatures);
    vec![
        record("founding", "the first charter; the hash of its payload is the community's id", founding()),
        record("amendment", "the second charter: a time-lapse with fees and three operators", amendment()),
        record("seals", "two of three operators end two logs", seals()),
        record("fifteen-signers", "as many signatures as there can be", all),
        Case::valid(Kind::Governance, "weak-signer", "a key of order 1, whose signature fits everything", weak),
        Case::valid(Kind::Governance, "stolen-signature", "one of two signatures is not its signer's", stolen),
    ]
}

fn proof() -> Proof {
    let fork = Entry { at: UtcMillis(NOON + 1_500), ..offer() };
    Proof::Fork { one: vec![bytes(offer()), bytes(reprice())], other: vec![bytes(fork)] }
}

fn broken_beacon() -> Proof {
    let beacon = Beacon { last: None, ..beacon() };
    Proof::BrokenBeacon { beacon: signed(beacon, &bob()).bytes().clone(), entry: vec![bytes(offer())] }
}

fn answer(acceptance: Acceptance) -> Bytes {
    signed(acceptance, &bob()).bytes().clone()
}

fn answered(proposal: Proposal, acceptance: Acceptance) -> Answered {
    let proposal = signed(proposal, &alice());
    let acceptance = Acceptance { proposal: ProposalId(proposal.hash()), ..acceptance };
    Answered { proposal: proposal.bytes().clone(), acceptance: answer(acceptance) }
}

fn two_acceptances() -> Proof {
    let less = Acceptance { quantity: WattHours(acceptance().quantity.0 - 1), ..acceptance() };
    Proof::TwoAcceptances { one: answer(acceptance()), other: answer(less) }
}

fn accepted_and_refused() -> Proof {
    let refusal = Refusal { proposal: acceptance().proposal, ..refusal() };
    Proof::AcceptedAndRefused { acceptance: answer(acceptance()), refusal: signed(refusal, &bob()).bytes().clone() }
}

fn overfilled() -> Proof {
    let too_much = Acceptance { filled_total: WattHours(1_000_000), ..acceptance() };
    Proof::Overfilled { placed: vec![bytes(offer())], answered: answered(proposal(), too_much) }
}

fn given_twice() -> Proof {
    let other = Proposal { nonce: 0, ..proposal() };
    Proof::GivenTwice { one: answered(proposal(), acceptance()), other: answered(other, acceptance()) }
}

fn accepted_after_cancel() -> Proof {
    let later = Acceptance { seq: 9, ..acceptance() };
    let cancelled = vec![bytes(reprice())];
    Proof::AcceptedAfterCancel { cancelled, answered: answered(proposal(), later) }
}

fn too_many_logs() -> Proof {
    let of = |minutes| bytes(Entry { log: bob().log(minutes), ..offer() });
    Proof::TooManyLogs((0..=MAX_INCARNATIONS as u64).map(of).collect())
}

/// Each of the proofs above convicts Bob, in his own community and nowhere else.
#[test]
fn the_proofs_among_the_vectors_convict() {
    let proofs = [
        proof(),
        broken_beacon(),
        two_acceptances(),
        accepted_and_refused(),
        overfilled(),
        given_twice(),
        accepted_after_cancel(),
        too_many_logs(),
    ];
    for proof in proofs {
        assert_eq!(evidence::convicts(&proof, community()), Ok(bob().key()), "{proof:?}");
        let words_alone = matches!(proof, Proof::TwoAcceptances { .. } | Proof::AcceptedAndRefused { .. });
        let elsewhere = evidence::convicts(&proof, CommunityId([1; 32]));
        assert_eq!(elsewhere.is_ok(), words_alone, "a proposal's name is of one community only: {proof:?}");
    }
}

fn bytes(entry: Entry) -> Bytes {
    signed(entry, &bob()).bytes().clone()
}

fn gossip() -> Vec<Case> {
    let gossip = |name, about, gossip: Gossip| Case::valid(Kind::Gossip, name, about, gossip.encode());
    vec![
        gossip("entry", "a new entry", Gossip::Entry(bytes(offer()))),
        gossip("beacon", "a log is alive", Gossip::Beacon(signed(beacon(), &bob()).bytes().clone())),
        gossip("proof", "two entries with one number, one of them with its successor", Gossip::Proof(proof())),
        gossip("broken-beacon", "an entry that a beacon denies", Gossip::Proof(broken_beacon())),
        gossip("two-acceptances", "two acceptances of one proposal", Gossip::Proof(two_acceptances())),
        gossip("accepted-and-refused", "both answers to one proposal", Gossip::Proof(accepted_and_refused())),
        gossip("overfilled", "more is filled than there was", Gossip::Proof(overfilled())),
        gossip("given-twice", "the same part for two takers", Gossip::Proof(given_twice())),
        gossip("accepted-after-cancel", "accepted after its cancel", Gossip::Proof(accepted_after_cancel())),
        gossip("too-many-logs", "an entry of each of 17 logs", Gossip::Proof(too_many_logs())),
        gossip("governance", "a new charter", Gossip::Governance(founding().bytes)),
        gossip("garbage", "what is carried is not looked at yet", Gossip::Entry(vec![0xff].into())),
    ]
}

fn messages() -> Vec<Case> {
    let message = |name, about, message: Message| Case::valid(Kind::Message, name, about, message.encode());
    let summary = Summary {
        community: community(),
        governance: (1, CharterId([7; 32])),
        heads: Digest([8; 32]),
        convicted: Digest([9; 32]),
    };
    let mut heads = vec![head(&alice().log(60), 0), head(&bob().log(60), 23), head(&bob().log(5), 300)];
    heads.sort_by_key(|head| head.log);
    let log = bob().log(60);
    let word = |bytes: &Bytes| bytes.clone();
    let beacon = signed(beacon(), &bob());
    vec![
        message("summary", "what a node holds", Message::Summary(summary)),
        message("get-heads", "asks for the ends of all logs", Message::GetHeads),
        message("heads", "the ends of three logs, ascending by log", Message::Heads(heads)),
        message("no-heads", "a node that holds nothing yet", Message::Heads(vec![])),
        message("get-range", "asks for 256 entries from number 24 on", Message::GetRange { log, from: 24, count: 256 }),
        message(
            "range",
            "two consecutive entries",
            Message::Range { log, from: 0, entries: vec![bytes(offer()), bytes(reprice())] },
        ),
        message("no-range", "nothing there", Message::Range { log, from: 2, entries: vec![] }),
        message("get-governance", "asks for the chain from height 1 on", Message::GetGovernance { from: 1 }),
        message("governance", "two links of the chain", Message::Governance(vec![founding().bytes, seals().bytes])),
        message("get-proofs", "asks for proofs", Message::GetProofs),
        message("proofs", "one proof", Message::Proofs(vec![proof()])),
        message("proposal", "a proposal", Message::Proposal(word(signed(proposal(), &alice()).bytes()))),
        message("acceptance", "an acceptance", Message::Acceptance(word(signed(acceptance(), &bob()).bytes()))),
        message("refusal", "a refusal", Message::Refusal(word(signed(refusal(), &bob()).bytes()))),
        message(
            "too-late",
            "a beacon instead of an answer",
            Message::TooLate { proposal: refusal().proposal, beacon: word(beacon.bytes()) },
        ),
        message("get-beacon", "asks where the peer's log ends", Message::GetBeacon),
        message("beacon", "a beacon", Message::Beacon(word(beacon.bytes()))),
        message("clock", "what the sender's clock says", Message::Clock(beacon.at)),
        message(
            "forged",
            "any 32 bytes may be an id",
            Message::Heads(vec![Head { id: EntryId([0xff; 32]), ..head(&log, 0) }]),
        ),
    ]
}
