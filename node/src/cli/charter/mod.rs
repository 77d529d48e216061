//! `charter`: make, show, change, co-sign and publish a community's charter.
//!
//! These commands work on charter files and need no running node, but for the last one: a change takes effect when a
//! strict majority of the operators has signed it and `wattswap charter publish` has given it to a member's node. Nodes
//! pass it on to each other from there.

mod change;
mod publish;
mod seal;
mod show;
pub(super) mod template;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wattswap_matching::Watts;

use self::template::{Template, TemplateError};
use super::Outcome;
use super::amounts;
use super::context::Context;
use super::output;
use crate::charter_file::{CharterFile, CharterFileError};
use crate::drivers::clock;
use crate::drivers::keys::HouseholdKey;
use crate::protocol::charter::{Act, GovernanceRecord};
use crate::protocol::governance::SignedRecord;
use crate::protocol::ids::MemberKey;

/// What to do with a charter.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Print a template of the rules, to be filled in
    Template,
    /// Make a charter of a filled-in template, signed by this household
    Make {
        /// The template
        template: PathBuf,
        /// Follow the charters in this file: change the rules of a community that exists
        #[arg(long, value_name = "FILE")]
        after: Option<PathBuf>,
        /// Where to write the charter file [default: the template's name with the extension `charter`]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print what a charter says, and who has signed it
    Show {
        /// The charter file [default: the household's]
        file: Option<PathBuf>,
    },
    /// Add a member, or change what the charter says of one
    Add {
        /// Its key, as its `wattswap init` printed it
        key: MemberKey,
        #[command(flatten)]
        member: MemberArgs,
        /// Let it co-sign changes of the charter
        #[arg(long)]
        operator: bool,
        /// The charter file [default: the household's]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// End the logs of a member that has vanished, leaves or is expelled, where this household's node holds them to
    ///
    /// What it has in the book is withdrawn, what others have in doubt with it is settled, and nothing that it writes later
    /// counts. A member goes on in a new log when it comes back: to expel one, publish the charter without it first.
    Seal {
        /// Its key
        key: MemberKey,
        /// The charter file [default: the household's]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Remove a member; what it has traded stays traded
    Remove {
        /// Its key
        key: MemberKey,
        /// The charter file [default: the household's]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Sign the newest charter in the file as one of the operators
    Sign {
        /// The charter file [default: the household's]
        file: Option<PathBuf>,
    },
    /// Give a signed charter to the running node, which puts it into force and passes it on
    Publish {
        /// The charter file [default: the household's]
        file: Option<PathBuf>,
    },
}

/// What a charter says of a member.
#[derive(clap::Args)]
pub(super) struct MemberArgs {
    /// What people call the household
    #[arg(long, default_value = "")]
    pub(super) name: String,
    /// What its grid connection can draw, for example 11kW
    #[arg(long, value_name = "POWER", value_parser = amounts::power, default_value = "30kW")]
    pub(super) import: Watts,
    /// What its grid connection can feed in
    #[arg(long, value_name = "POWER", value_parser = amounts::power, default_value = "30kW")]
    pub(super) export: Watts,
}

/// Why a charter can't be made of a template.
#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error("can't read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Template { path: PathBuf, source: TemplateError },
    #[error("{} is there already; write elsewhere with --output, or remove it first", .0.display())]
    Exists(PathBuf),
    #[error("the charter in {} awaits signatures: have it co-signed with `wattswap charter sign` first", .0.display())]
    Draft(PathBuf),
    #[error("this household ({0}) is no operator of the community, so its signature would count for nothing")]
    NotAnOperator(MemberKey),
}

impl Command {
    pub(super) fn carry_out(self, context: &Context) -> Outcome {
        let file = |file: Option<PathBuf>| -> Result<PathBuf, super::context::NoFolder> {
            file.map_or_else(|| context.folder().map(|folder| folder.charter()), Ok)
        };
        match self {
            Self::Template => print_template(context),
            Self::Make { template, after, output } => make(&template, after.as_deref(), output, context),
            Self::Show { file: path } => show::show(&file(path)?, context),
            Self::Add { key, member, operator, file: path } => {
                change::change(&file(path)?, context, |charter| change::add(charter, key, member, operator))
            }
            Self::Remove { key, file: path } => {
                change::change(&file(path)?, context, |charter| change::remove(charter, &key))
            }
            Self::Seal { key, file: path } => seal::seal(key, &file(path)?, context),
            Self::Sign { file: path } => sign(&file(path)?, context),
            Self::Publish { file: path } => publish::publish(&file(path)?, context),
        }
    }
}

/// The template, with this household in it if there is one.
fn print_template(context: &Context) -> Outcome {
    let key = context.folder().ok().and_then(|folder| HouseholdKey::load(&folder.key()).ok());
    let text = match key {
        Some(key) => template::EXAMPLE.replace(template::NO_KEY, &key.member().to_string()),
        None => template::EXAMPLE.to_owned(),
    };
    Ok(output::text(text.trim_end())?)
}

fn make(template: &Path, after: Option<&Path>, output: Option<PathBuf>, context: &Context) -> Outcome {
    let key = HouseholdKey::load(&context.folder()?.key())?;
    let unreadable = |source| MakeError::Unreadable { path: template.to_owned(), source };
    let text = std::fs::read_to_string(template).map_err(unreadable)?;
    let charter = Template::parse(&text).and_then(|template| template.charter());
    let charter = charter.map_err(|source| MakeError::Template { path: template.to_owned(), source })?;
    let target = output.unwrap_or_else(|| template.with_extension("charter"));
    if target.exists() && after != Some(target.as_path()) {
        return Err(MakeError::Exists(target).into());
    }
    let file = match after {
        Some(after) => CharterFile::read(after)?,
        None => CharterFile::default(),
    };
    let file = append(file, Act::Charter(Arc::new(charter)), &key, &target)?;
    file.write(&target)?;
    report(&file, &target)
}

/// Makes the household's community: the usual rules, with the household as its first member and operator.
pub(super) fn found(
    name: &str,
    member: MemberArgs,
    key: &HouseholdKey,
    path: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut template = Template::named(name);
    template.members.push(template::MemberEntry {
        key: key.member().to_string(),
        name: member.name,
        operator: true,
        import_w: member.import.0,
        export_w: member.export.0,
    });
    append(CharterFile::default(), Act::Charter(Arc::new(template.charter()?)), key, path)?.write(path)?;
    Ok(())
}

/// Adds a record to the file's chain, signed by this household.
fn append(
    mut file: CharterFile,
    act: Act,
    key: &HouseholdKey,
    path: &Path,
) -> Result<CharterFile, Box<dyn std::error::Error>> {
    if file.draft().is_some() {
        return Err(MakeError::Draft(path.to_owned()).into());
    }
    let newest = file.chain().map(crate::protocol::chain::Chain::newest);
    check_operator(&file, &act, key)?;
    let mut record = SignedRecord::unsigned(GovernanceRecord {
        height: newest.map_or(0, |newest| newest.record.height + 1),
        prev: newest.map(|newest| newest.id),
        // A chain's times never run backwards, whatever this machine's clock says.
        at: newest.map_or(clock::now(), |newest| newest.record.at.max(clock::now())),
        act,
    })?;
    record.co_sign(key)?;
    file.push(record)?;
    Ok(file)
}

/// Whether this household is one of those who decide on a record: the operators by the charter in force, or by the first.
fn check_operator(file: &CharterFile, act: &Act, key: &HouseholdKey) -> Result<(), MakeError> {
    let operators = match (file.chain(), act) {
        (Some(chain), _) => chain.in_force().1.operators.as_slice(),
        (None, Act::Charter(charter)) => charter.operators.as_slice(),
        (None, Act::Seals(_)) => &[],
    };
    if operators.contains(&key.member()) { Ok(()) } else { Err(MakeError::NotAnOperator(key.member())) }
}

fn sign(path: &Path, context: &Context) -> Outcome {
    let key = HouseholdKey::load(&context.folder()?.key())?;
    let mut file = CharterFile::read(path)?;
    let Some(mut draft) = file.take_draft() else {
        return Ok(output::text(&format!("Nothing in {} awaits a signature.", path.display()))?);
    };
    check_operator(&file, &draft.record.act, &key)?;
    draft.co_sign(&key)?;
    file.push(draft)?;
    file.write(path)?;
    report(&file, path)
}

/// Says what has become of the file.
fn report(file: &CharterFile, path: &Path) -> Outcome {
    let path = path.display();
    match file.missing_signatures() {
        Some((missing, _)) => output::text(&format!(
            "Wrote {path}. Its newest record lacks {missing} more signature(s): send the file to the other operators, \
             who run `wattswap charter sign {path}`."
        ))?,
        None => output::text(&format!(
            "Wrote {path}. Enough operators have signed its newest record: `wattswap charter publish {path}` gives it to \
             a running node, which passes it on. New members take the file with `wattswap init --charter {path}`."
        ))?,
    }
    Ok(())
}

/// Reads a charter file whose first charter is in force.
pub(super) fn read_in_force(path: &Path) -> Result<CharterFile, CharterFileError> {
    let file = CharterFile::read(path)?;
    if file.chain().is_none() { Err(CharterFileError::NotInForce { path: path.to_owned() }) } else { Ok(file) }
}
