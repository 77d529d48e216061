//! Two names of one key: the member's in the community, and the peer's on the network.

use libp2p::PeerId;
use libp2p::identity::{PublicKey, ed25519};

use crate::protocol::ids::MemberKey;

/// The multihash code of "identity": the digest is the key itself.
const IDENTITY: u64 = 0;

/// The peer that a member is; none if the bytes are no Ed25519 key, and then nobody can be it.
#[must_use]
pub fn peer_id(member: &MemberKey) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&member.0).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The member that a peer is, if its id is an Ed25519 key.
#[must_use]
pub fn member(peer: &PeerId) -> Option<MemberKey> {
    let hash = peer.as_ref();
    let key = (hash.code() == IDENTITY).then(|| PublicKey::try_decode_protobuf(hash.digest()).ok())??;
    Some(MemberKey(key.try_into_ed25519().ok()?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_and_its_peer_id_name_each_other() {
        let key = libp2p::identity::Keypair::generate_ed25519().public();
        let named = member(&key.to_peer_id()).unwrap();
        assert_eq!(named.0, key.clone().try_into_ed25519().unwrap().to_bytes());
        assert_eq!(peer_id(&named), Some(key.to_peer_id()));
    }

    #[test]
    fn what_is_no_key_is_nobody() {
        assert_eq!(peer_id(&MemberKey([2; 32])), None);
        assert_eq!(member(&PeerId::random()), None);
    }
}
