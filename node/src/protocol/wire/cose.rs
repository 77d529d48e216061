//! The envelope of what one household signs: COSE_Sign1 (RFC 9052, 4.2) in exactly one framing.
//!
//! Tag 18, protected header `{1: -8}` (EdDSA), empty unprotected header, the payload, a 64-byte signature, nothing
//! after. Any other framing of the same payload is not a message at all, so a relay that re-frames an entry makes
//! neither a second entry nor evidence.

use super::Malformed;
use super::cbor::head_len;

/// Tag 18, an array of four, the protected header `{1: -8}` as a byte string, the empty unprotected header.
const PREFIX: [u8; 7] = [0xd2, 0x84, 0x43, 0xa1, 0x01, 0x27, 0xa0];
/// The head of a byte string of 64 bytes.
const SIGNATURE_HEAD: [u8; 2] = [0x58, 0x40];
/// Bytes of a signature.
const SIGNATURE: usize = 64;
/// `["Signature1", h'a10127', ...`: how every signed text of a household starts.
const SIGNED_PREFIX: &[u8] = b"\x84\x6aSignature1\x43\xa1\x01\x27";

/// The payload and the signature of a message; the signature is not checked.
///
/// # Errors
/// [`Malformed::TooLong`], or [`Malformed::Framing`] for anything that [`seal`] would not make.
pub fn open(bytes: &[u8], max: usize) -> Result<(&[u8], &[u8; SIGNATURE]), Malformed> {
    if bytes.len() > max {
        return Err(Malformed::TooLong { bytes: bytes.len(), max });
    }
    framed(bytes).ok_or(Malformed::Framing)
}

fn framed(bytes: &[u8]) -> Option<(&[u8], &[u8; SIGNATURE])> {
    let (rest, signature) = bytes.strip_prefix(&PREFIX)?.split_last_chunk()?;
    let rest = rest.strip_suffix(&SIGNATURE_HEAD)?;
    let mut cbor = minicbor::Decoder::new(rest);
    let payload = cbor.bytes().ok()?;
    let is_shortest = rest.len() == head_len(payload.len() as u64) + payload.len();
    is_shortest.then_some((payload, signature))
}

/// What is signed: the `Sig_structure` of RFC 9052, 4.4, with the domain as external AAD.
#[must_use]
pub fn to_be_signed(domain: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(SIGNED_PREFIX.len() + domain.len() + payload.len() + 2 * head_len(u64::MAX));
    out.extend_from_slice(SIGNED_PREFIX);
    push_bytes(&mut out, domain.as_bytes());
    push_bytes(&mut out, payload);
    out
}

/// The message that holds `payload` and its `signature`.
#[must_use]
pub fn seal(payload: &[u8], signature: &[u8; SIGNATURE]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sealed_len(payload.len()));
    out.extend_from_slice(&PREFIX);
    push_bytes(&mut out, payload);
    push_bytes(&mut out, signature);
    out
}

/// Bytes of a message whose payload has `payload` bytes.
#[must_use]
pub const fn sealed_len(payload: usize) -> usize {
    PREFIX.len() + head_len(payload as u64) + payload + SIGNATURE_HEAD.len() + SIGNATURE
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    minicbor::Encoder::new(out).bytes(bytes).expect("writing to memory cannot fail");
}
