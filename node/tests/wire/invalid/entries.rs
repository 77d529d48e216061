//! Entries that are framed in another way, not deterministic, or out of bounds.

use wattswap_matching::{Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::entry::{Entry, Fill, Op, Order};
use wattswap_node::protocol::ids::{CommunityId, EntryId, OrderId, ProposalId};
use wattswap_node::protocol::limits::{MAX_ENTRY_BYTES, MAX_PRICE_TICKS, MAX_SEQ, MAX_TIME};
use wattswap_node::protocol::signed::Statement as _;
use wattswap_node::protocol::wire::cose;

use super::{edit, sealed};
use crate::explain::Kind;
use crate::golden::Case;
use crate::sample::*;

/// Tag, array, protected and unprotected header of a message, in hexadecimal.
const START: &str = "d28443a10127a0";

pub fn cases() -> Vec<Case> {
    let mut cases = framing();
    cases.extend(not_deterministic());
    cases.extend(out_of_bounds());
    cases.extend(fills());
    cases
}

fn refused(name: &str, class: &str, about: &str, bytes: Vec<u8>) -> Case {
    Case::refused(Kind::Entry, name, class, about, bytes)
}

fn framing() -> Vec<Case> {
    let good = signed(offer(), &bob()).bytes().to_vec();
    let payload = offer().encode();
    let head = format!("58{:02x}", payload.len());
    let start = |to: &str| edit(&good, START, to);
    let length = |to: String| edit(&good, &format!("{START}{head}"), &format!("{START}{to}"));
    let signature = |to: &str, drop: usize| {
        let end = good.len() - 66;
        [&good[..end], &hex::decode(to).expect("hex"), &good[end + 2 + drop..]].concat()
    };
    let indefinite = [&edit(&good, START, "d29f43a10127a0"), &[0xff][..]].concat();
    let chunked = hex::decode(format!("{START}5f{head}{}ff", hex::encode(&payload))).expect("hex");
    let chunked = [&chunked, &good[good.len() - 66..]];
    let detached = [&hex::decode(START).expect("hex"), &[0xf6][..], &good[good.len() - 66..]].concat();
    let framing = |name, about, bytes| refused(name, "framing", about, bytes);
    vec![
        framing("empty", "no bytes at all", vec![]),
        framing("nested-garbage", "a thousand arrays in each other", vec![0x81; 1_000]),
        framing("reframed-unprotected", "a relay has added an unprotected header", start("d28443a10127a1044101")),
        framing("reframed-untagged", "without the tag", start("8443a10127a0")),
        framing("reframed-wide-tag", "the tag in two bytes", start("d8128443a10127a0")),
        framing("reframed-two-tags", "tag 18 inside of tag 61 (a CWT)", start("d83dd28443a10127a0")),
        framing("reframed-mac", "tag 17, COSE_Mac0", start("d18443a10127a0")),
        framing("reframed-indefinite", "an array of indefinite length", indefinite),
        framing("reframed-wide-header", "the protected header's length in two bytes", start("d2845803a10127a0")),
        framing("reframed-wide-key", "the header's key in two bytes", start("d28444a1180127a0")),
        framing("no-algorithm", "an empty protected header", start("d28440a0")),
        framing("unprotected-algorithm", "the algorithm is not protected", start("d28440a10127")),
        framing("wrong-algorithm", "ES256", start("d28443a10126a0")),
        framing("fully-specified-algorithm", "-19, Ed25519 by its newer name", start("d28443a10132a0")),
        framing("extra-header", "a key id in the protected header", start("d28446a20127044101a0")),
        framing("critical-header", "crit, with a label nobody knows", start("d28447a201270281181ea0")),
        framing("reframed-wide-payload", "the payload's length in three bytes", length(format!("5900{}", &head[2..]))),
        framing("reframed-text-payload", "the payload as text", length(format!("78{}", &head[2..]))),
        framing("reframed-chunked", "the payload in chunks", chunked.concat()),
        framing("detached", "no payload", detached),
        framing("trailing-byte", "a byte after the end", [&good[..], &[0]].concat()),
        framing("cut-short", "the last byte is missing", good[..good.len() - 1].to_vec()),
        framing("signature-63", "a signature of 63 bytes", signature("583f", 1)),
        framing("signature-65", "a signature of 65 bytes", signature("584100", 0)),
        framing("signature-wide", "the signature's length in three bytes", signature("590040", 0)),
        framing("huge-length", "a payload that claims 2^64 - 1 bytes", length(format!("5b{}", "ff".repeat(8)))),
        refused("too-long", "too long", "one byte more than an entry can have", good.clone())
            .followed_by_zeros(MAX_ENTRY_BYTES + 1 - good.len()),
    ]
}

fn not_deterministic() -> Vec<Case> {
    let of = |name, class, about, entry: Entry, from: &str, to: &str| {
        refused(name, class, about, sealed::<Entry>(&edit(&entry.encode(), from, to), &bob()))
    };
    let offer = |name, class, about, from: &str, to: &str| of(name, class, about, offer(), from, to);
    let reprice = |name, class, about, from: &str, to: &str| of(name, class, about, reprice(), from, to);
    let community = hex::encode(community().0);
    let at = format!("051b{:016x}", NOON + 1_000);
    let slot = format!("1b{:016x}", order(Side::Sell, 1, 1).slot.start().0);
    let first = format!("a6005820{community}");
    let payload = super::super::sample::offer().encode();
    let changed = |name, class, about, map: &str, [from, to]: [&str; 2], end: &str| {
        let payload = edit(&edit(&payload, from, to), &first, &format!("{map}{}", &first[2..]));
        let end = hex::decode(end).expect("hex");
        refused(name, class, about, sealed::<Entry>(&[payload, end].concat(), &bob()))
    };
    let whole = |name, class, about, payload: &[u8]| refused(name, class, about, sealed::<Entry>(payload, &bob()));
    vec![
        whole("payload-empty", "unexpected", "a payload of no bytes", &[]),
        whole("payload-deep", "unexpected", "a payload of a thousand arrays in each other", &[0x81; 1_000]),
        whole("payload-trailing", "not the end", "a byte after the payload's map", &[&payload[..], &[0]].concat()),
        whole("payload-cut", "unexpected", "the payload's last byte is missing", &payload[..payload.len() - 1]),
        whole("payload-text", "unexpected", "a payload that is no map", b"\x65hello"),
        offer("payload-tagged", "unexpected", "a payload tagged as CBOR", &first, &format!("d9d9f7{first}")),
        offer("map-wide", "not shortest", "the map's length in two bytes", &first, &format!("b806{}", &first[2..])),
        changed("map-indefinite", "unexpected", "a map of indefinite length", "bf", ["0300", "0300"], "ff"),
        offer("key-wide", "not shortest", "a key in two bytes", "0300", "180300"),
        offer("key-negative", "unexpected", "a negative key", "0300", "2300"),
        offer("key-text", "unexpected", "a key that is text", "0300", "613300"),
        offer("number-wide", "not shortest", "number 0 in two bytes", "0300", "031800"),
        offer("number-negative", "unexpected", "entry number -1", "0300", "0320"),
        offer("number-float", "unexpected", "entry number 0.0", "0300", "03f90000"),
        offer("number-big", "unexpected", "entry number 0 as a bignum", "0300", "03c240"),
        changed("number-missing", "key", "no entry number", "a5", [&format!("0300{at}"), &at], ""),
        offer("id-31-bytes", "unexpected", "a community of 31 bytes", &first, &format!("a600581f{}", &first[10..])),
        offer("id-text", "unexpected", "a community as text", &first, &format!("a6007820{}", &first[8..])),
        offer("fewer-fields", "key", "the map claims one field less", &first, &format!("a5{}", &first[2..])),
        offer("more-fields", "not the end", "the map claims one field more", &first, &format!("a7{}", &first[2..])),
        offer("unordered", "key", "two fields in the other order", &format!("0300{at}"), &format!("{at}0300")),
        changed("twice", "key", "a field twice", "a7", ["0300", "03000300"], ""),
        whole(
            "unknown-field",
            "not the end",
            "a field 7",
            &[&edit(&payload, &first, &format!("a7{}", &first[2..])), &[7, 0][..]].concat(),
        ),
        changed("null-prev", "unexpected", "no predecessor, but said as null", "a7", ["0300", "030004f6"], ""),
        changed("ops-indefinite", "unexpected", "ops of indefinite length", "a6", ["068187", "069f87"], "ff"),
        offer("ops-385", "out of range", "385 ops, or so it says", "068187", "0699018187"),
        offer("ops-huge", "out of range", "2^64 - 1 ops, or so it says", "068187", "069bffffffffffffffff87"),
        offer("op-unknown", "unexpected", "an op of kind 4", "06818700", "06818704"),
        changed("op-longer", "unexpected", "an order of eight items", "a6", ["068187", "068188"], "00"),
        offer("op-deep", "unexpected", "arrays in place of an order's slot", &slot, "81818180"),
        offer("side-2", "unexpected", "neither to buy nor to sell", "011902ee", "021902ee"),
        offer("quantity-wide", "not shortest", "750 in four bytes", "1902ee", "1a000002ee"),
        offer("quantity-float", "unexpected", "750.0", "1902ee", "f961dc"),
        offer("price-wide", "not shortest", "1800 in four bytes", "190708", "1a00000708"),
        offer("price-beyond", "unexpected", "a price beyond 32 bits", "190708", "1a80000000"),
        offer("time-tagged", "unexpected", "a tagged time", &at, &format!("05c1{}", &at[2..])),
        offer("time-beyond", "out of range", "after the year 9999", &at, "051b0000e677d21fdc00"),
        offer("time-float", "unexpected", "seconds as a float", &at, "05fb41da486a00000000"),
        reprice("leaves-negative", "out of range", "a cancel that leaves less than nothing", "1864", "20"),
        reprice("price-negative-wide", "not shortest", "-24 in two bytes, where one will do", "0000371b", "000038171b"),
    ]
}

fn out_of_bounds() -> Vec<Case> {
    let of = |name, class, about, entry: Entry| refused(name, class, about, sealed::<Entry>(&entry.encode(), &bob()));
    let range =
        |name, about, order: Order| of(name, "out of range", about, Entry { ops: vec![Op::Place(order)], ..offer() });
    let order = order(Side::Sell, 750, 1_800);
    let price = |ticks: i64| wattswap_matching::Price(ticks as i32);
    let beyond = UtcMillis(MAX_TIME.0 + 1);
    let seal = |head| Entry { ops: vec![Op::Seal(head)], ..seal() };
    let mut later_log = offer();
    later_log.log.incarnation.opened = beyond;
    let prev = Some(EntryId([1; 32]));
    vec![
        range("quantity-zero", "an order for nothing", Order { quantity: WattHours(0), ..order }),
        range("quantity-negative", "an order for less than nothing", Order { quantity: WattHours(-1), ..order }),
        range("quantity-beyond", "a GWh and one Wh", Order { quantity: WattHours(1_000_000_001), ..order }),
        range("price-high", "a price beyond the bound", Order { price: price(MAX_PRICE_TICKS + 1), ..order }),
        range("price-low", "a price beyond the bound", Order { price: price(-MAX_PRICE_TICKS - 1), ..order }),
        range("slot-beyond", "a slot after the year 9999", Order { slot: wattswap_matching::Slot(beyond), ..order }),
        range("expiry-beyond", "an expiry after the year 9999", Order { expires_at: beyond, ..order }),
        of("ops-none", "out of range", "no ops, and not the first one of its log", Entry { ops: vec![], ..reprice() }),
        of("log-beyond", "out of range", "a log opened after the year 9999", later_log),
        of("seq-beyond", "out of range", "entry number 2^53", Entry { seq: MAX_SEQ + 1, prev, ..offer() }),
        of("prev-of-first", "broken rule", "entry number 0 has no predecessor", Entry { prev, ..offer() }),
        of("prev-missing", "broken rule", "entry number 1 has one", Entry { prev: None, ..reprice() }),
        of("seal-newer", "broken rule", "ends a newer log", seal(head(&bob().log(4), 3))),
        of("seal-itself", "broken rule", "ends the log that it is in", seal(head(&bob().log(5), 3))),
        of("seal-foreign", "broken rule", "ends another household's log", seal(head(&alice().log(60), 3))),
        of("seal-beyond", "out of range", "ends at number 2^53", seal(head(&bob().log(60), MAX_SEQ + 1))),
    ]
}

fn fills() -> Vec<Case> {
    let of = |name, class, about, fill: Fill| {
        let entry = Entry { ops: vec![Op::Fill(Box::new(fill))], ..maker_fill() };
        refused(name, class, about, sealed::<Entry>(&entry.encode(), &bob()))
    };
    let pair = |proposal: Proposal, acceptance: Acceptance, maker: &Household| {
        let proposal = signed(proposal, &alice());
        let acceptance = Acceptance { proposal: ProposalId(proposal.hash()), maker: signer(maker), ..acceptance };
        Fill { proposal, acceptance: signed(acceptance, maker) }
    };
    let other = Proposal { nonce: 43, ..proposal() };
    let stranger = Entry { log: carol().log(60), ..maker_fill() };
    let elsewhere = Entry { community: CommunityId([7; 32]), ..maker_fill() };
    let answer = signed(acceptance(), &bob()).bytes().to_vec();
    let reframed = edit(&answer, "d28443a10127a0", "d28443a10127a1044101");
    let reframed = edit(
        &maker_fill().encode(),
        &format!("58{:02x}{}", answer.len(), hex::encode(&answer)),
        &format!("58{:02x}{}", reframed.len(), hex::encode(&reframed)),
    );
    let mut late = acceptance();
    late.incarnation.nonce += 1;
    let whole = Acceptance { quantity: WattHours(501), ..acceptance() };
    let index = OrderId { index: 256, ..offered() };
    vec![
        of(
            "fill-of-another",
            "broken rule",
            "an acceptance of another proposal",
            Fill { proposal: signed(other, &alice()), acceptance: signed(acceptance(), &bob()) },
        ),
        of("fill-by-another", "broken rule", "accepted by a third party", pair(proposal(), acceptance(), &carol())),
        of("fill-other-log", "broken rule", "accepted in another log", pair(proposal(), late, &bob())),
        of("fill-beyond", "broken rule", "501 Wh where 500 were proposed", pair(proposal(), whole, &bob())),
        refused(
            "fill-of-strangers",
            "broken rule",
            "a trade in the log of one who took no part",
            sealed::<Entry>(&stranger.encode(), &carol()),
        ),
        refused(
            "fill-elsewhere",
            "broken rule",
            "a trade of another community",
            sealed::<Entry>(&elsewhere.encode(), &bob()),
        ),
        refused("fill-reframed", "framing", "the acceptance is framed otherwise", sealed::<Entry>(&reframed, &bob())),
        refused(
            "fill-index-beyond",
            "unexpected",
            "an order number beyond 16 bits",
            sealed::<Entry>(
                &edit(
                    &Entry { ops: vec![Op::Cancel { order: index, leaves: WattHours(0) }], ..reprice() }.encode(),
                    "190100",
                    "1a00010000",
                ),
                &bob(),
            ),
        ),
        refused(
            "fill-bare",
            "framing",
            "a proposal's payload without its envelope",
            sealed::<Entry>(
                &edit(
                    &maker_fill().encode(),
                    &hex::encode(signed(proposal(), &alice()).bytes()),
                    &hex::encode(padded(proposal().encode(), signed(proposal(), &alice()).bytes().len())),
                ),
                &bob(),
            ),
        ),
    ]
}

fn signer(household: &Household) -> wattswap_node::protocol::ids::MemberKey {
    use wattswap_node::protocol::signed::Signer as _;
    household.key()
}

fn padded(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
    bytes.resize(len, 0);
    bytes
}

#[test]
fn the_framing_that_the_cases_break_is_the_one_that_is_made() {
    assert!(hex::encode(cose::seal(&[], &[0; 64])).starts_with(START));
}
