//! Messages between nodes as bytes: an array of a kind and its arguments. Not signed: the connection says from whom.

use super::cbor::{self, Reader, Wire, Writer, head_len};
use super::entry::{check_log, check_seq};
use super::{Malformed, require, within};
use crate::protocol::ids::Head;
use crate::protocol::limits::{
    MAX_CHAIN, MAX_ENTRY_BYTES, MAX_GOSSIP_BYTES, MAX_GOVERNANCE_BYTES, MAX_GOVERNANCE_RECORDS, MAX_HEADS,
    MAX_INCARNATIONS, MAX_MESSAGE_BYTES, MAX_PROOFS, MAX_RANGE, MAX_RANGE_BYTES, MAX_WORD_BYTES,
};
use crate::protocol::message::{Answered, Bytes, Gossip, Message, Proof, Summary};

/// Bytes of any message beside what it carries.
const OVERHEAD: usize = 128;
/// The same of a proof, whose two chains may have some hundred entries each.
const PROOF_OVERHEAD: usize = 4096;
/// About the bytes of a head.
const HEAD: usize = 96;

impl Gossip {
    /// The message as it is published.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let carried = match self {
            Self::Entry(bytes) | Self::Beacon(bytes) | Self::Governance(bytes) => bytes.len(),
            Self::Proof(proof) => proof.size(),
        };
        cbor::encode(self, OVERHEAD + carried)
    }

    /// Reads a published message. What is signed in it is still only bytes.
    ///
    /// # Errors
    /// [`Malformed`] unless `bytes` is exactly what [`Gossip::encode`] makes of the result.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        bounded(bytes, MAX_GOSSIP_BYTES).and_then(cbor::decode)
    }
}

impl Message {
    /// The message as it travels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self, OVERHEAD + self.carried())
    }

    /// Reads a message. What is signed in it is still only bytes.
    ///
    /// # Errors
    /// [`Malformed`] unless `bytes` is exactly what [`Message::encode`] makes of the result.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        bounded(bytes, MAX_MESSAGE_BYTES).and_then(cbor::decode)
    }

    /// Bytes of what the message carries: so much is set aside at once, so that a range is copied once.
    fn carried(&self) -> usize {
        match self {
            Self::Range { entries: list, .. } | Self::Governance(list) => size(list),
            Self::Heads(heads) => heads.len() * HEAD,
            Self::Proofs(proofs) => proofs.iter().map(Proof::size).sum(),
            Self::Proposal(word) | Self::Acceptance(word) | Self::Refusal(word) | Self::Beacon(word) => word.len(),
            Self::TooLate { beacon, .. } => beacon.len(),
            Self::Summary(_) => 2 * HEAD,
            Self::GetHeads
            | Self::GetRange { .. }
            | Self::GetGovernance { .. }
            | Self::GetProofs
            | Self::GetBeacon
            | Self::Clock(_) => 0,
        }
    }
}

impl Proof {
    /// Bytes of the evidence.
    fn size(&self) -> usize {
        match self {
            Self::Fork { one, other } => size(one) + size(other),
            Self::BrokenBeacon { beacon, entry } => beacon.len() + size(entry),
            Self::TwoAcceptances { one, other } => one.len() + other.len(),
            Self::AcceptedAndRefused { acceptance, refusal } => acceptance.len() + refusal.len(),
            Self::Overfilled { placed: chain, answered } | Self::AcceptedAfterCancel { cancelled: chain, answered } => {
                size(chain) + answered.size()
            }
            Self::GivenTwice { one, other } => one.size() + other.size(),
            Self::TooManyLogs(entries) => size(entries),
        }
    }

    /// The most bytes that it takes in a message, with what is around it there.
    #[must_use]
    pub fn bytes_in_message(&self) -> usize {
        self.size() + PROOF_OVERHEAD
    }

    /// Whether it fits into a message that is published; if not, peers get it when they ask for proofs.
    #[must_use]
    pub fn fits_gossip(&self) -> bool {
        self.size() + OVERHEAD <= MAX_GOSSIP_BYTES
    }
}

impl Answered {
    fn size(&self) -> usize {
        self.proposal.len() + self.acceptance.len()
    }
}

/// Bytes of an array of byte strings, less its own head.
fn size(list: &[Bytes]) -> usize {
    list.iter().map(|bytes| bytes.len() + head_len(bytes.len() as u64)).sum()
}

fn bounded(bytes: &[u8], max: usize) -> Result<&[u8], Malformed> {
    if bytes.len() > max { Err(Malformed::TooLong { bytes: bytes.len(), max }) } else { Ok(bytes) }
}

impl Wire for Gossip {
    fn write(&self, out: &mut Writer) {
        out.array(2);
        match self {
            Self::Entry(entry) => out.unsigned(0).bytes(entry),
            Self::Beacon(beacon) => out.unsigned(1).bytes(beacon),
            Self::Proof(proof) => out.unsigned(2).put(proof),
            Self::Governance(record) => out.unsigned(3).bytes(record),
        };
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match cbor.kind(|kind| (kind <= 3).then_some(2))? {
            0 => Self::Entry(cbor.bytes_up_to(MAX_ENTRY_BYTES)?.into()),
            1 => Self::Beacon(cbor.bytes_up_to(MAX_WORD_BYTES)?.into()),
            2 => Self::Proof(Proof::read(cbor)?),
            _ => Self::Governance(cbor.bytes_up_to(MAX_GOVERNANCE_BYTES)?.into()),
        })
    }
}

/// Items of each kind of message, the kind included.
const ITEMS: [u64; 16] = [5, 1, 2, 4, 4, 2, 2, 1, 2, 2, 2, 2, 3, 1, 2, 2];

impl Wire for Message {
    fn write(&self, out: &mut Writer) {
        let kind = self.kind();
        out.array(ITEMS[kind]).unsigned(kind as u64);
        match self {
            Self::Summary(summary) => {
                let (height, record) = summary.governance;
                out.put(&summary.community).array(2).put(&height).put(&record);
                out.put(&summary.heads).put(&summary.convicted)
            }
            Self::GetHeads | Self::GetProofs | Self::GetBeacon => out,
            Self::Heads(heads) => out.list(heads),
            Self::GetRange { log, from, count } => out.put(log).put(from).put(count),
            Self::Range { log, from, entries } => out.put(log).put(from).byte_strings(entries),
            Self::GetGovernance { from } => out.put(from),
            Self::Governance(records) => out.byte_strings(records),
            Self::Proofs(proofs) => out.list(proofs),
            Self::Proposal(word) | Self::Acceptance(word) | Self::Refusal(word) | Self::Beacon(word) => out.bytes(word),
            Self::TooLate { proposal, beacon } => out.put(proposal).bytes(beacon),
            Self::Clock(now) => out.put(now),
        };
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = cbor.kind(|kind| ITEMS.get(usize::try_from(kind).ok()?).copied())?;
        Ok(match kind {
            0 => Self::Summary(Summary {
                community: Wire::read(cbor)?,
                governance: {
                    cbor.array(2)?;
                    (read_seq(cbor)?, Wire::read(cbor)?)
                },
                heads: Wire::read(cbor)?,
                convicted: Wire::read(cbor)?,
            }),
            1 => Self::GetHeads,
            2 => Self::Heads(read_heads(cbor)?),
            3 => {
                let (log, from, count) = (Wire::read(cbor)?, read_seq(cbor)?, Wire::read(cbor)?);
                check_log(&log)?;
                within("number of entries wanted", count, 1..=i64::from(MAX_RANGE))?;
                Self::GetRange { log, from, count }
            }
            4 => {
                let (log, from, entries) = (Wire::read(cbor)?, read_seq(cbor)?, read_range(cbor)?);
                check_log(&log)?;
                Self::Range { log, from, entries }
            }
            5 => Self::GetGovernance { from: read_seq(cbor)? },
            6 => Self::Governance(read_governance(cbor)?),
            7 => Self::GetProofs,
            8 => Self::Proofs(cbor.list("number of proofs", 0, MAX_PROOFS)?),
            9 => Self::Proposal(read_word(cbor)?),
            10 => Self::Acceptance(read_word(cbor)?),
            11 => Self::Refusal(read_word(cbor)?),
            12 => Self::TooLate { proposal: Wire::read(cbor)?, beacon: read_word(cbor)? },
            13 => Self::GetBeacon,
            14 => Self::Beacon(read_word(cbor)?),
            _ => Self::Clock(Wire::read(cbor)?),
        })
    }
}

impl Message {
    /// The number that stands for the kind of message; [`Wire::read`] has the way back.
    fn kind(&self) -> usize {
        match self {
            Self::Summary(_) => 0,
            Self::GetHeads => 1,
            Self::Heads(_) => 2,
            Self::GetRange { .. } => 3,
            Self::Range { .. } => 4,
            Self::GetGovernance { .. } => 5,
            Self::Governance(_) => 6,
            Self::GetProofs => 7,
            Self::Proofs(_) => 8,
            Self::Proposal(_) => 9,
            Self::Acceptance(_) => 10,
            Self::Refusal(_) => 11,
            Self::TooLate { .. } => 12,
            Self::GetBeacon => 13,
            Self::Beacon(_) => 14,
            Self::Clock(_) => 15,
        }
    }
}

fn read_seq(cbor: &mut Reader<'_>) -> Result<u64, Malformed> {
    let seq = cbor.unsigned()?;
    check_seq(seq).map(|()| seq)
}

fn read_word(cbor: &mut Reader<'_>) -> Result<Bytes, Malformed> {
    Ok(cbor.bytes_up_to(MAX_WORD_BYTES)?.into())
}

fn read_heads(cbor: &mut Reader<'_>) -> Result<Vec<Head>, Malformed> {
    let heads: Vec<Head> = cbor.list("number of heads", 0, MAX_HEADS)?;
    require(heads.is_sorted_by(|a, b| a.log < b.log), "heads must be ascending by log, one each")?;
    for head in &heads {
        check_log(&head.log)?;
        check_seq(head.seq)?;
    }
    Ok(heads)
}

fn read_range(cbor: &mut Reader<'_>) -> Result<Vec<Bytes>, Malformed> {
    let len = cbor.array_within("number of entries", 0, usize::from(MAX_RANGE))?;
    let entries = read_byte_strings(cbor, len, MAX_ENTRY_BYTES)?;
    let bytes: usize = entries.iter().map(|entry| entry.len()).sum();
    within("bytes of a range's entries", bytes, 0..=MAX_RANGE_BYTES as i64)?;
    Ok(entries)
}

fn read_governance(cbor: &mut Reader<'_>) -> Result<Vec<Bytes>, Malformed> {
    let len = cbor.array_within("number of governance records", 0, MAX_GOVERNANCE_RECORDS)?;
    read_byte_strings(cbor, len, MAX_GOVERNANCE_BYTES)
}

/// An entry with the successors that vouch for it.
fn read_chain(cbor: &mut Reader<'_>) -> Result<Vec<Bytes>, Malformed> {
    let len = cbor.array_within("number of entries on one side of a fork", 1, 1 + MAX_CHAIN)?;
    read_byte_strings(cbor, len, MAX_ENTRY_BYTES)
}

fn read_byte_strings(cbor: &mut Reader<'_>, len: usize, max_bytes: usize) -> Result<Vec<Bytes>, Malformed> {
    (0..len).map(|_| cbor.bytes_up_to(max_bytes).map(Bytes::from)).collect()
}

/// Items of each kind of proof, the kind included.
const PROOF_ITEMS: [u64; 8] = [3, 3, 3, 3, 4, 5, 4, 2];

impl Wire for Proof {
    fn write(&self, out: &mut Writer) {
        let kind = self.kind();
        out.array(PROOF_ITEMS[kind]).unsigned(kind as u64);
        match self {
            Self::Fork { one, other } => out.byte_strings(one).byte_strings(other),
            Self::BrokenBeacon { beacon, entry } => out.bytes(beacon).byte_strings(entry),
            Self::TwoAcceptances { one, other } => out.bytes(one).bytes(other),
            Self::AcceptedAndRefused { acceptance, refusal } => out.bytes(acceptance).bytes(refusal),
            Self::Overfilled { placed: chain, answered } | Self::AcceptedAfterCancel { cancelled: chain, answered } => {
                answered.write(out.byte_strings(chain))
            }
            Self::GivenTwice { one, other } => other.write(one.write(out)),
            Self::TooManyLogs(entries) => out.byte_strings(entries),
        };
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = cbor.kind(|kind| PROOF_ITEMS.get(usize::try_from(kind).ok()?).copied())?;
        Ok(match kind {
            0 => Self::Fork { one: read_chain(cbor)?, other: read_chain(cbor)? },
            1 => Self::BrokenBeacon { beacon: read_word(cbor)?, entry: read_chain(cbor)? },
            2 => Self::TwoAcceptances { one: read_word(cbor)?, other: read_word(cbor)? },
            3 => Self::AcceptedAndRefused { acceptance: read_word(cbor)?, refusal: read_word(cbor)? },
            4 => Self::Overfilled { placed: read_chain(cbor)?, answered: Answered::read(cbor)? },
            5 => Self::GivenTwice { one: Answered::read(cbor)?, other: Answered::read(cbor)? },
            6 => Self::AcceptedAfterCancel { cancelled: read_chain(cbor)?, answered: Answered::read(cbor)? },
            _ => {
                let logs = MAX_INCARNATIONS + 1;
                let len = cbor.array_within("number of entries of too many logs", logs, logs)?;
                Self::TooManyLogs(read_byte_strings(cbor, len, MAX_ENTRY_BYTES)?)
            }
        })
    }
}

impl Proof {
    /// The number that stands for the kind of proof; [`Wire::read`] has the way back.
    fn kind(&self) -> usize {
        match self {
            Self::Fork { .. } => 0,
            Self::BrokenBeacon { .. } => 1,
            Self::TwoAcceptances { .. } => 2,
            Self::AcceptedAndRefused { .. } => 3,
            Self::Overfilled { .. } => 4,
            Self::GivenTwice { .. } => 5,
            Self::AcceptedAfterCancel { .. } => 6,
            Self::TooManyLogs(_) => 7,
        }
    }
}

impl Answered {
    fn write<'w>(&self, out: &'w mut Writer) -> &'w mut Writer {
        out.bytes(&self.proposal).bytes(&self.acceptance)
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self { proposal: read_word(cbor)?, acceptance: read_word(cbor)? })
    }
}
