//! From a charter file into force: gives its records to the running node, which passes them on.
//!
//! What may follow what is decided by the node. Here is only what the node can't know: whose signatures a file lacks.

use std::path::{Path, PathBuf};

use serde::Serialize;
use wattswap_api::dto::community::Charter;
use wattswap_api::dto::ids::{Signed, SignedBytes};
use wattswap_api::dto::text::Text;
use wattswap_api::limits::MAX_RECORDS_PER_REQUEST;

use crate::charter_file::CharterFile;
use crate::cli::Outcome;
use crate::cli::context::Context;
use crate::cli::output;
use crate::protocol::governance::SignedRecord;
use crate::protocol::ids::MemberKey;

/// Too few operators have signed the newest charter of the file. Nothing was published.
#[derive(Debug, thiserror::Error)]
#[error(
    "the newest charter in {path} is not in force: it lacks {missing} signature(s) of{keys}\nHave it signed with \
     `wattswap charter sign {path}` first",
    path = path.display(),
    keys = open.iter().map(|key| format!("\n  {key}")).collect::<String>()
)]
struct NotSigned {
    path: PathBuf,
    missing: usize,
    open: Vec<MemberKey>,
}

/// What the node is sent.
#[derive(Serialize)]
struct NewRecords {
    records: Vec<SignedBytes>,
}

pub(super) fn publish(path: &Path, context: &Context) -> Outcome {
    let file = CharterFile::read(path)?;
    if let Some((missing, open)) = file.missing_signatures() {
        return Err(NotSigned { path: path.to_owned(), missing, open }.into());
    }
    let client = context.client()?;
    let before = client.charter()?;
    let records: Vec<&SignedRecord> = file.records().collect();
    let mut in_force = before.clone();
    // From the founding on: the node skips what it holds, and sees whether this is its community at all.
    for records in records.chunks(MAX_RECORDS_PER_REQUEST) {
        let records = records.iter().map(|record| Text(Signed(record.bytes.to_vec()))).collect();
        in_force = client.post("/charter", &[], &NewRecords { records })?;
    }
    if context.json() {
        return Ok(output::json(&in_force)?);
    }
    Ok(output::text(&outcome(&file, &before, &in_force))?)
}

fn outcome(file: &CharterFile, before: &Charter, in_force: &Charter) -> String {
    let (number, members) = (in_force.height, in_force.members.len());
    let newest = file.chain().map_or(0, |chain| chain.newest().record.height);
    match () {
        () if newest < number => format!("The node has newer charters than the file: number {number} is in force."),
        () if before.height == number => format!("Record number {number} is in force already."),
        () if before.hash == in_force.hash => {
            format!("The seals of record number {number} are in force. The node passes them on to the others.")
        }
        () => format!("Charter number {number} is in force: {members} member(s). The node passes it on to the others."),
    }
}
