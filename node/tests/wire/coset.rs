//! An independent COSE implementation reads our messages, verifies them, and makes the same bytes.

use coset::{
    CborSerializable as _, CoseSign, CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable as _, iana,
};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use wattswap_node::protocol::governance;
use wattswap_node::protocol::signed::Signer as _;

use crate::explain::Kind;
use crate::golden::{Verdict, all_valid};
use crate::sample::alice;

fn verify(key: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(key.try_into().expect("32 bytes")).expect("a key");
    key.verify_strict(message, &Signature::from_slice(signature).expect("64 bytes")).is_ok()
}

#[test]
fn coset_reads_and_verifies_what_one_household_signs() {
    let mut count = 0;
    for case in all_valid() {
        let (Some(domain), Verdict::Says(says)) = (case.kind.domain(), &case.verdict) else { continue };
        let message = CoseSign1::from_tagged_slice(&case.bytes).expect("COSE_Sign1");
        assert_eq!(message.protected.header.alg, Some(coset::Algorithm::Assigned(iana::Algorithm::EdDSA)));
        let signer = hex::decode(says["signer"].as_str().expect("hex")).expect("hex");
        let good = message.verify_signature(domain.as_bytes(), |signature, data| {
            verify(&signer, signature, data).then_some(()).ok_or("bad signature")
        });
        assert_eq!(good, Ok(()), "{} {}", case.kind.name(), case.name);
        let payload = message.payload.as_ref().expect("an attached payload");
        assert_eq!(says["id"], hex::encode(Sha256::digest(payload)));
        assert_eq!(message.to_tagged_vec().expect("encodes"), case.bytes);
        count += 1;
    }
    assert!(count > 10, "only {count} vectors");
}

#[test]
fn coset_makes_the_same_bytes() {
    let case = all_valid().find(|case| (case.kind, &*case.name) == (Kind::Proposal, "take")).expect("a vector");
    let payload = CoseSign1::from_tagged_slice(&case.bytes).expect("COSE_Sign1").payload.expect("attached");
    let message = CoseSign1Builder::new()
        .protected(HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).build())
        .payload(payload)
        .create_signature(b"wattswap/1/proposal", |data| alice().sign(data).to_vec())
        .build();
    assert_eq!(message.to_tagged_vec().expect("encodes"), case.bytes);
}

#[test]
fn coset_reads_and_verifies_what_operators_sign() {
    let mut count = 0;
    for case in all_valid().filter(|case| case.kind == Kind::Governance) {
        let Verdict::Says(says) = &case.verdict else { continue };
        let message = CoseSign::from_tagged_slice(&case.bytes).expect("COSE_Sign");
        let mut good_signers = Vec::new();
        for (which, signature) in message.signatures.iter().enumerate() {
            let key = &signature.protected.header.key_id;
            let good = message.verify_signature(which, governance::DOMAIN.as_bytes(), |signature, data| {
                verify(key, signature, data).then_some(()).ok_or(())
            });
            good_signers.extend(good.ok().map(|()| hex::encode(key)));
        }
        assert_eq!(says["good_signers"], serde_json::json!(good_signers), "{}", case.name);
        assert_eq!(says["id"], hex::encode(Sha256::digest(message.payload.as_ref().expect("attached"))));
        assert_eq!(message.clone().to_tagged_vec().expect("encodes"), case.bytes);
        count += 1;
    }
    assert!(count > 3, "only {count} vectors");
}

#[test]
fn payloads_are_plain_cbor_to_others() {
    for case in all_valid().filter(|case| matches!(case.kind, Kind::Gossip | Kind::Message)) {
        let value = coset::cbor::Value::from_slice(&case.bytes).expect("CBOR");
        assert_eq!(value.to_vec().expect("encodes"), case.bytes, "{} {}", case.kind.name(), case.name);
    }
}
