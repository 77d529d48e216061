//! Beacons, proposals, acceptances and refusals that are refused. What holds for entries is not repeated.

use wattswap_matching::{Price, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::entry::{Beacon, Entry};
use wattswap_node::protocol::ids::LogId;
use wattswap_node::protocol::limits::{MAX_PRICE_TICKS, MAX_SEQ, MAX_TIME, MAX_WORD_BYTES};
use wattswap_node::protocol::signed::Statement;

use super::{edit, sealed};
use crate::explain::Kind;
use crate::golden::Case;
use crate::sample::*;

const BEYOND: UtcMillis = UtcMillis(MAX_TIME.0 + 1);

pub fn cases() -> Vec<Case> {
    [beacons(), proposals(), acceptances(), refusals()].concat()
}

fn of<T: Statement>(kind: Kind, name: &str, class: &str, about: &str, payload: &[u8], signer: &Household) -> Case {
    Case::refused(kind, name, class, about, sealed::<T>(payload, signer))
}

/// The same statement, but framed, sealed and cut wrongly.
fn envelopes<T: Statement>(kind: Kind, statement: &T, signer: &Household) -> Vec<Case> {
    let payload = statement.encode();
    let good = sealed::<T>(&payload, signer);
    let len = good.len();
    vec![
        Case::refused(kind, "as-entry", "bad signature", "signed as an entry", sealed::<Entry>(&payload, signer)),
        Case::refused(kind, "of-another", "bad signature", "signed by Carol", sealed::<T>(&payload, &carol())),
        Case::refused(kind, "trailing-byte", "framing", "a byte after the end", [&good[..], &[0]].concat()),
        Case::refused(kind, "bare", "framing", "a payload without an envelope", payload.clone()),
        Case::refused(kind, "too-long", "too long", "one byte more than it can have", good)
            .followed_by_zeros(MAX_WORD_BYTES + 1 - len),
        of::<T>(
            kind,
            "payload-trailing",
            "not the end",
            "a byte after the map",
            &[&payload[..], &[0]].concat(),
            signer,
        ),
    ]
}

fn beacons() -> Vec<Case> {
    let of = |name, class, about, payload: &[u8]| of::<Beacon>(Kind::Beacon, name, class, about, payload, &bob());
    let good = beacon().encode();
    let fewer = edit(&good, "a6005820", "a5005820");
    let id = hex::encode(beacon().last.expect("two entries").1.0);
    let last = beacon().last.map(|(_, id)| (MAX_SEQ + 1, id));
    let mut cases = envelopes(Kind::Beacon, &beacon(), &bob());
    cases.extend([
        of("seq-without-id", "key", "an end without its id", &edit(&fewer, &format!("045820{id}"), "")),
        of("id-without-seq", "key", "an end without its number", &edit(&fewer, "0301045820", "045820")),
        of("seq-beyond", "out of range", "entry number 2^53", &Beacon { last, ..beacon() }.encode()),
        of("at-beyond", "out of range", "after the year 9999", &Beacon { at: BEYOND, ..beacon() }.encode()),
    ]);
    cases
}

fn proposals() -> Vec<Case> {
    let of = |name, class, about, proposal: Proposal| {
        of::<Proposal>(Kind::Proposal, name, class, about, &proposal.encode(), &alice())
    };
    let own = LogId { author: proposal().taker.author, ..proposal().maker };
    let price = Price(MAX_PRICE_TICKS as i32 + 1);
    let mut cases = envelopes(Kind::Proposal, &proposal(), &alice());
    cases.extend([
        of("to-oneself", "broken rule", "taker and maker are one", Proposal { maker: own, ..proposal() }),
        of("nothing", "out of range", "for no energy", Proposal { up_to: WattHours(0), ..proposal() }),
        of("negative", "out of range", "for less than nothing", Proposal { up_to: WattHours(-1), ..proposal() }),
        of("price-high", "out of range", "a price beyond the bound", Proposal { price, ..proposal() }),
        of("expiry-beyond", "out of range", "after the year 9999", Proposal { expires_at: BEYOND, ..proposal() }),
    ]);
    cases
}

fn acceptances() -> Vec<Case> {
    let of = |name, class, about, acceptance: Acceptance| {
        of::<Acceptance>(Kind::Acceptance, name, class, about, &acceptance.encode(), &bob())
    };
    let less = WattHours(acceptance().quantity.0 - 1);
    let mut cases = envelopes(Kind::Acceptance, &acceptance(), &bob());
    cases.extend([
        of("nothing", "out of range", "of no energy", Acceptance { quantity: WattHours(0), ..acceptance() }),
        of(
            "total-below",
            "broken rule",
            "a total without this fill",
            Acceptance { filled_total: less, ..acceptance() },
        ),
        of("seq-beyond", "out of range", "entry number 2^53", Acceptance { seq: MAX_SEQ + 1, ..acceptance() }),
        of("at-beyond", "out of range", "after the year 9999", Acceptance { at: BEYOND, ..acceptance() }),
    ]);
    cases
}

fn refusals() -> Vec<Case> {
    let late = Refusal { at: BEYOND, ..refusal() }.encode();
    let mut cases = envelopes(Kind::Refusal, &refusal(), &bob());
    cases.push(of::<Refusal>(Kind::Refusal, "at-beyond", "out of range", "after the year 9999", &late, &bob()));
    cases
}
