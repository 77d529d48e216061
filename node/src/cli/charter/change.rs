//! Members come and go: the next charter of a chain, made of the one in force.

use std::path::Path;
use std::sync::Arc;

use super::{MemberArgs, append, read_in_force, report};
use crate::cli::Outcome;
use crate::cli::context::Context;
use crate::drivers::keys::HouseholdKey;
use crate::protocol::charter::{Act, Charter, Member};
use crate::protocol::ids::MemberKey;

/// Why a charter can't be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CantChange {
    /// Nobody of that key.
    #[error("{0} is no member; `wattswap charter show` lists them")]
    NotAMember(MemberKey),
    /// Nobody could change the charter any more.
    #[error("{0} is the only operator: add another with --operator first")]
    LastOperator(MemberKey),
}

/// Appends the charter in force with a change to the chain in the file.
pub(super) fn change(
    path: &Path,
    context: &Context,
    change: impl FnOnce(&mut Charter) -> Result<(), CantChange>,
) -> Outcome {
    let key = HouseholdKey::load(&context.folder()?.key())?;
    let file = read_in_force(path)?;
    let in_force = file.chain().map(|chain| Charter::clone(chain.in_force().1));
    let mut charter = in_force.expect("a file that was read in force has a chain");
    change(&mut charter)?;
    let file = append(file, Act::Charter(Arc::new(charter)), &key, path)?;
    file.write(path)?;
    report(&file, path)
}

/// Adds a member, or changes what is said of it.
pub(super) fn add(charter: &mut Charter, key: MemberKey, member: MemberArgs, operator: bool) -> Result<(), CantChange> {
    let member = Member { key, name: member.name, import: member.import, export: member.export };
    match charter.members.binary_search_by_key(&key, |member| member.key) {
        Ok(at) => charter.members[at] = member,
        Err(at) => charter.members.insert(at, member),
    }
    if let (true, Err(at)) = (operator, charter.operators.binary_search(&key)) {
        charter.operators.insert(at, key);
    }
    Ok(())
}

/// Removes a member, as an operator too.
pub(super) fn remove(charter: &mut Charter, key: &MemberKey) -> Result<(), CantChange> {
    if charter.operators == [*key] {
        return Err(CantChange::LastOperator(*key));
    }
    let members = charter.members.len();
    charter.members.retain(|member| member.key != *key);
    charter.operators.retain(|operator| operator != key);
    if charter.members.len() == members { Err(CantChange::NotAMember(*key)) } else { Ok(()) }
}
