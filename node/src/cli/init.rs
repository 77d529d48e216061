//! `init`: the household's key, its owner's token, and a community.
//!
//! Every step is skipped if it is done already, so a second call mends what a first one left unfinished, and
//! `init --charter FILE` also brings a newer charter to a household whose node does not run.

use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use wattswap_api::auth;
use wattswap_api::port::Role;

use super::Outcome;
use super::charter::{self, MemberArgs};
use super::context::Context;
use super::output;
use crate::charter_file::CharterFile;
use crate::drivers::clock;
use crate::drivers::keys::{self, HouseholdKey, KeyError};
use crate::drivers::store::{Store, Token, TokenRole};
use crate::folder::Folder;

/// What the household starts with.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Found a community of this name, with the usual rules and this household as its first member
    #[arg(long, value_name = "NAME", conflicts_with = "charter")]
    found: Option<String>,
    /// Take the community's charter from this file; also a newer one, later
    #[arg(long, value_name = "FILE")]
    charter: Option<PathBuf>,
    #[command(flatten)]
    member: MemberArgs,
}

/// Why a household can't be made.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("this household belongs to a community already; `wattswap charter show` shows it")]
    FoundedAlready,
    #[error(
        "{} does not continue the charter that this household holds: it is older, or of another community. A household \
         is in one community; for another one make another household, in another folder",
        .0.display()
    )]
    NotANewer(PathBuf),
}

pub(super) fn carry_out(args: Args, context: &Context) -> Outcome {
    let folder = context.folder()?;
    make_folder(folder.path())?;
    let key = match HouseholdKey::load(&folder.key()) {
        Err(KeyError::Missing(_)) => HouseholdKey::create(&folder.key())?,
        key => key?,
    };
    // The store knows which tokens are valid: where it was lost, so were they.
    if !folder.owner_token().exists() || !folder.store().exists() {
        make_owner_token(&folder, &key)?;
    }
    if let Some(name) = &args.found {
        if folder.charter().exists() {
            return Err(InitError::FoundedAlready.into());
        }
        charter::found(name, args.member, &key, &folder.charter())?;
    }
    if let Some(file) = &args.charter {
        take_charter(file, &folder)?;
    }
    report(&folder, &key, context)
}

/// Makes the folder for its owner alone. One that is there already keeps its rights.
fn make_folder(path: &Path) -> Result<(), InitError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| InitError::Io { path: path.to_owned(), source })
}

/// Makes a token for the command on this machine: valid first, written down then.
fn make_owner_token(folder: &Folder, key: &HouseholdKey) -> Result<(), Box<dyn Error>> {
    let (text, token) = auth::mint(Role::Owner, "this machine".to_owned(), keys::random()?);
    let store = Store::open(&folder.store(), key.member())?;
    store.add_token(&Token {
        hash: token.hash.0,
        role: TokenRole::Owner,
        label: token.label,
        last_four: token.last_four,
        created_at: clock::now(),
    })?;
    let path = folder.owner_token();
    replace_secret(&path, &text).map_err(|source| InitError::Io { path, source })?;
    Ok(())
}

fn replace_secret(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, format!("{text}\n").as_bytes())?;
    file.sync_all()
}

fn take_charter(file: &Path, folder: &Folder) -> Result<(), Box<dyn Error>> {
    let newer = charter::read_in_force(file)?;
    let own = folder.charter();
    if own.exists() && !newer.continues(&CharterFile::read(&own)?) {
        return Err(InitError::NotANewer(file.to_owned()).into());
    }
    newer.write(&own)?;
    Ok(())
}

fn report(folder: &Folder, key: &HouseholdKey, context: &Context) -> Outcome {
    let (path, member) = (folder.path().display(), key.member());
    let charter = folder.charter().exists().then(|| CharterFile::read(&folder.charter())).transpose()?;
    let in_force = charter.as_ref().and_then(CharterFile::chain).map(|chain| (chain.community(), chain.in_force().1));
    if context.json() {
        let community = in_force.map(|(community, _)| community.to_string());
        return Ok(output::json(&serde_json::json!({ "key": member.to_string(), "community": community }))?);
    }
    output::text(&format!("household {member}\nfolder    {path}"))?;
    match in_force {
        None => output::text(
            "It has no charter yet. Send the key above to an operator of the community, who adds it with \
             `wattswap charter add`, and take the file that comes back with `wattswap init --charter FILE`. To start \
             a community of your own: `wattswap init --found \"Sunny Lane\"`.",
        )?,
        Some((community, charter)) if charter.member(&member).is_some() => output::text(&format!(
            "community {community}\nReady: `wattswap run` starts the node of a member of {}.",
            charter.name
        ))?,
        Some((community, charter)) => output::text(&format!(
            "community {community}\nThe charter of {} does not list this household yet: send the key above to an \
             operator, who adds it with `wattswap charter add`.",
            charter.name
        ))?,
    }
    Ok(())
}
