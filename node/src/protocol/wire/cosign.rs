//! The envelope of what several operators sign: COSE_Sign (RFC 9052, 4.1) in exactly one framing.
//!
//! Tag 98, empty protected and unprotected headers, the payload, then one `COSE_Signature` per operator: protected
//! header `{1: -8, 4: key}`, empty unprotected header, 64 bytes. They are ascending by key, one each.

use super::cbor::{self, Reader};
use super::{Malformed, require};
use crate::protocol::ids::MemberKey;
use crate::protocol::limits::{MAX_GOVERNANCE_BYTES, MAX_OPERATORS};

/// An operator and its signature.
pub type CoSignature = (MemberKey, [u8; 64]);

/// CBOR's tag for COSE_Sign.
const COSE_SIGN: u64 = 98;
/// How the protected header of a signer starts: `{1: -8, 4: h'`; the 32 bytes of its key follow.
const SIGNER_PREFIX: [u8; 6] = [0xa2, 0x01, 0x27, 0x04, 0x58, 0x20];
/// Above the bytes of one signature with its headers, and of everything else around the payload.
const SIGNER_BYTES: usize = 128;

/// The payload and the signatures of a message; no signature is checked.
///
/// # Errors
/// [`Malformed`] for anything that [`seal`] would not make of one signature or more.
pub fn open(bytes: &[u8]) -> Result<(&[u8], Vec<CoSignature>), Malformed> {
    if bytes.len() > MAX_GOVERNANCE_BYTES {
        return Err(Malformed::TooLong { bytes: bytes.len(), max: MAX_GOVERNANCE_BYTES });
    }
    cbor::read(bytes, |cbor| {
        if cbor.tag()? != COSE_SIGN {
            return Err(Malformed::Framing);
        }
        cbor.array(4)?;
        read_empty_headers(cbor)?;
        let payload = cbor.bytes()?;
        let len = cbor.array_within("number of signatures", 1, MAX_OPERATORS)?;
        let signatures = (0..len).map(|_| read_signature(cbor)).collect::<Result<Vec<_>, _>>()?;
        require(signatures.is_sorted_by(|a, b| a.0 < b.0), "signatures must be ascending by key, one each")?;
        Ok((payload, signatures))
    })
}

/// The message that holds `payload` and its `signatures`, which are ascending by key.
#[must_use]
pub fn seal(payload: &[u8], signatures: &[CoSignature]) -> Vec<u8> {
    cbor::write(payload.len() + SIGNER_BYTES * (1 + signatures.len()), |out| {
        out.tag(COSE_SIGN).array(4).bytes(&[]).map(0).bytes(payload).array(signatures.len() as u64);
        for (key, signature) in signatures {
            out.array(3).bytes(&protected(key)).map(0).bytes(signature);
        }
    })
}

/// What one operator signs: the `Sig_structure` of RFC 9052, 4.4, with the domain as external AAD.
#[must_use]
pub fn to_be_signed(domain: &str, signer: &MemberKey, payload: &[u8]) -> Vec<u8> {
    cbor::write(payload.len() + SIGNER_BYTES, |out| {
        out.array(5).text("Signature").bytes(&[]).bytes(&protected(signer)).bytes(domain.as_bytes()).bytes(payload);
    })
}

fn protected(signer: &MemberKey) -> [u8; SIGNER_PREFIX.len() + 32] {
    let mut header = [0; SIGNER_PREFIX.len() + 32];
    header[..SIGNER_PREFIX.len()].copy_from_slice(&SIGNER_PREFIX);
    header[SIGNER_PREFIX.len()..].copy_from_slice(&signer.0);
    header
}

fn read_empty_headers(cbor: &mut Reader<'_>) -> Result<(), Malformed> {
    if cbor.bytes()?.is_empty() { cbor.map()?.end() } else { Err(Malformed::Framing) }
}

fn read_signature(cbor: &mut Reader<'_>) -> Result<CoSignature, Malformed> {
    cbor.array(3)?;
    let key = cbor.bytes()?.strip_prefix(&SIGNER_PREFIX).and_then(|key| key.try_into().ok());
    let key = MemberKey(key.ok_or(Malformed::Framing)?);
    cbor.map()?.end()?;
    let signature = cbor.bytes()?.try_into().map_err(|_| Malformed::Framing)?;
    Ok((key, signature))
}
