//! Any value survives the way to bytes and back, and no bytes do harm: whatever is read is written as it was.

mod values;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use wattswap_node::protocol::charter::GovernanceRecord;
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::{Signed, Signer as _, Statement};
use wattswap_node::protocol::wire::{cose, cosign};

use crate::explain::{Kind, again};
use crate::golden::all_valid;
use crate::sample::{Household, alice};

fn survives<T>(statement: T) -> Result<(), TestCaseError>
where
    T: Statement + Clone + PartialEq + std::fmt::Debug,
{
    let signer = household(&statement);
    let signed = crate::sample::signed(statement.clone(), &signer);
    prop_assert!(signed.has_good_signature());
    let read = Signed::<T>::parse(signed.bytes().clone()).expect("our own bytes");
    prop_assert_eq!(&*read, &statement);
    prop_assert_eq!(read.hash(), signed.hash());
    prop_assert_eq!(read.encode(), statement.encode());
    Ok(())
}

/// Whose key signs the statement: random values are said by one of three.
fn household<T: Statement>(statement: &T) -> Household {
    let all = (1..=3).map(Household::with_seed);
    all.into_iter().find(|one| one.key() == statement.signer()).expect("one of the three")
}

proptest! {
    #[test]
    fn entries_survive(entry in values::entry()) {
        survives(entry)?;
    }

    #[test]
    fn beacons_survive(beacon in values::beacon()) {
        survives(beacon)?;
    }

    #[test]
    fn words_survive(proposal in values::proposal(), acceptance in values::acceptance(), refusal in values::refusal()) {
        survives(proposal)?;
        survives(acceptance)?;
        survives(refusal)?;
    }

    #[test]
    fn records_survive(record in values::record()) {
        let mut signed = SignedRecord::unsigned(record.clone()).expect("a sound record");
        signed.co_sign(&alice()).expect("one signer");
        let read = SignedRecord::parse(signed.bytes.clone()).expect("our own bytes");
        prop_assert_eq!(&read, &signed);
        prop_assert_eq!(&read.record, &record);
        prop_assert_eq!(GovernanceRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn messages_survive(message in values::message(), gossip in values::gossip()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        prop_assert_eq!(Gossip::decode(&gossip.encode()), Ok(gossip));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..300)) {
        for kind in Kind::ALL {
            is_read_as_it_was(kind, &bytes)?;
            is_read_as_it_was(kind, &enveloped(kind, &bytes))?;
        }
    }

    #[test]
    fn damaged_messages_do_no_harm(which in any::<Index>(), damages in vec(damage(), 1..4)) {
        let cases: Vec<_> = all_valid().collect();
        let case = which.get(&cases);
        let mut whole = case.bytes.clone();
        damages.iter().for_each(|damage| damage.apply(&mut whole));
        is_read_as_it_was(case.kind, &whole)?;
        let mut payload = payload(case.kind, &case.bytes);
        damages.iter().for_each(|damage| damage.apply(&mut payload));
        is_read_as_it_was(case.kind, &enveloped(case.kind, &payload))?;
    }
}

fn is_read_as_it_was(kind: Kind, bytes: &[u8]) -> Result<(), TestCaseError> {
    let again = again(kind, bytes);
    prop_assert!(again.is_none() || again.as_deref() == Some(bytes), "{} {}", kind.name(), hex::encode(bytes));
    Ok(())
}

/// The envelope that the kind has, if any, around any payload.
fn enveloped(kind: Kind, payload: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Gossip | Kind::Message => payload.to_vec(),
        Kind::Governance => cosign::seal(payload, &[(crate::sample::bob().key(), [7; 64])]),
        _ => cose::seal(payload, &[7; 64]),
    }
}

fn payload(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Gossip | Kind::Message => bytes,
        Kind::Governance => cosign::open(bytes).expect("a valid vector").0,
        _ => cose::open(bytes, usize::MAX).expect("a valid vector").0,
    }
    .to_vec()
}

/// Something that happens to bytes.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, u8),
    Add(Index, i8),
    Remove(Index),
    Insert(Index, u8),
    /// A part is repeated elsewhere.
    Copy(Index, Index, usize),
    Cut(Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match self {
            Self::Replace(at, byte) => bytes[at.index(len)] = *byte,
            Self::Add(at, by) => {
                let byte = &mut bytes[at.index(len)];
                *byte = byte.wrapping_add_signed(*by);
            }
            Self::Remove(at) => drop(bytes.remove(at.index(len))),
            Self::Insert(at, byte) => bytes.insert(at.index(len), *byte),
            Self::Copy(from, to, count) => {
                let from = from.index(len);
                let part = bytes[from..len.min(from + count)].to_vec();
                let to = to.index(len);
                bytes.splice(to..to, part);
            }
            Self::Cut(at) => bytes.truncate(at.index(len)),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        3 => (at(), -2..=2_i8).prop_map(|(at, by)| Damage::Add(at, by)),
        1 => at().prop_map(Damage::Remove),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => (at(), at(), 1..40_usize).prop_map(|(from, to, count)| Damage::Copy(from, to, count)),
        1 => at().prop_map(Damage::Cut),
    ]
}
