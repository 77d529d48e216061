//! Ends a member's logs: the operators' word on where they end.

use std::path::Path;

use wattswap_api::dto::community::Peers;

use super::{append, read_in_force, report};
use crate::cli::Outcome;
use crate::cli::context::Context;
use crate::drivers::keys::HouseholdKey;
use crate::protocol::charter::Act;
use crate::protocol::ids::{EntryId, Head, LogId, MemberKey, NotAnIncarnation};

/// Why a member's logs can't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum CantSeal {
    #[error("{0} never was a member, or it is this household; `wattswap status --peers` lists the others")]
    NotAnotherMember(MemberKey),
    #[error("{0} has signed nothing that this household's node holds: there is nothing to seal")]
    NothingHeld(MemberKey),
    #[error("the node names a log in a way that this program does not understand ({0}); use the node's own program")]
    StrangeLog(#[from] NotAnIncarnation),
}

pub(super) fn seal(member: MemberKey, path: &Path, context: &Context) -> Outcome {
    let key = HouseholdKey::load(&context.folder()?.key())?;
    let file = read_in_force(path)?;
    let peers: Peers = context.client()?.get("/peers")?;
    let ends = ends(member, &peers)?;
    let file = append(file, Act::Seals(ends), &key, path)?;
    file.write(path)?;
    report(&file, path)
}

/// Where the node holds this member's logs to.
fn ends(member: MemberKey, peers: &Peers) -> Result<Vec<Head>, CantSeal> {
    let peer = peers.peers.iter().find(|peer| peer.member.to_string() == member.to_string());
    let peer = peer.ok_or(CantSeal::NotAnotherMember(member))?;
    let end = |log: &wattswap_api::dto::community::LogHead| {
        let log_id = LogId { author: member, incarnation: log.incarnation.parse()? };
        Ok(Head { log: log_id, seq: log.seq, id: EntryId(log.id.0.0) })
    };
    let ends: Vec<Head> = peer.logs.iter().map(end).collect::<Result<_, CantSeal>>()?;
    if ends.is_empty() { Err(CantSeal::NothingHeld(member)) } else { Ok(ends) }
}
