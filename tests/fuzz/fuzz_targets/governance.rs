//! Governance records: charters and seals with the signatures of several operators.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wattswap_node::protocol::charter::{Act, GovernanceRecord};
use wattswap_node::protocol::governance::{SignedRecord, check_successor};
use wattswap_node::protocol::wire::cosign;

fuzz_target!(|data: &[u8]| {
    if let Ok(signed) = SignedRecord::parse(data) {
        assert_eq!(cosign::seal(&signed.record.encode(), &signed.signatures), data);
        let _ = check_successor(None, &signed);
        use_charter(&signed.record);
    }
    if let Ok(record) = GovernanceRecord::decode(data) {
        assert_eq!(record.encode(), data);
        use_charter(&record);
    }
});

/// A charter that was read can be lived under: its questions have answers.
fn use_charter(record: &GovernanceRecord) {
    let Act::Charter(charter) = &record.act else { return };
    let _ = (charter.shape.id(), charter.shape.price_scale());
    assert!(charter.shape.open_slots(record.at).count() <= 4_098);
}
