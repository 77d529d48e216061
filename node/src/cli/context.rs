//! What every command shares: which household, which node, which time zone, words or JSON.

use std::error::Error;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use wattswap_api::dto::community::Charter;
use wattswap_api::dto::text::Text;
use wattswap_matching::Slot;

use super::output;
use super::slots::{self, Calendar};
use crate::client::{Client, NoCertificate};
use crate::drivers::clock;
use crate::folder::Folder;

/// Flags of every command.
#[derive(clap::Args)]
pub(super) struct Common {
    /// The household's folder [default: wattswap in your data folder, ~/.local/share as a rule]
    #[arg(long, global = true, value_name = "FOLDER", env = "WATTSWAP_FOLDER")]
    folder: Option<PathBuf>,
    /// Where the node answers [default: as the running node of the folder wrote it down]
    #[arg(long, global = true, value_name = "URL", env = "WATTSWAP_URL")]
    url: Option<String>,
    /// An access token [default: the owner's, from the folder]
    #[arg(long, global = true, value_name = "TOKEN", env = "WATTSWAP_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A certificate in PEM to trust, if the node serves HTTPS with one of its own making
    #[arg(long, global = true, value_name = "FILE", env = "WATTSWAP_TRUST")]
    trust: Option<PathBuf>,
    /// Your time zone, for example Europe/Berlin [default: this machine's]
    #[arg(long, global = true, value_name = "ZONE", env = "WATTSWAP_ZONE", value_parser = zone)]
    zone: Option<TimeZone>,
    /// Print JSON, one value a line, instead of words
    #[arg(long, global = true)]
    json: bool,
}

/// What every command shares.
pub(super) struct Context(Common);

/// No folder was named, and there is no place for one by default.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("which household? Name its folder with --folder or WATTSWAP_FOLDER")]
pub(super) struct NoFolder;

/// Why the node can't even be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CantAsk {
    /// Neither a folder nor a URL.
    #[error(transparent)]
    NoFolder(#[from] NoFolder),
    /// The folder's node has not written down where it answers.
    #[error("no node runs in {}: start one with `wattswap run`, or name another with --folder or --url", .0.display())]
    NotRunning(PathBuf),
    /// There is no token in the folder, or it can't be read.
    #[error(
        "no access token: {} can't be read ({source}). Give one with --token or WATTSWAP_TOKEN, or make the household \
         with `wattswap init`",
        path.display()
    )]
    NoToken {
        /// Where it should be.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// The certificate to trust is none.
    #[error(transparent)]
    NoCertificate(#[from] NoCertificate),
}

/// The phrase names several slots.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{phrase}` is {slots} slots; name one, for example 14:15")]
struct NotOneSlot {
    phrase: String,
    slots: usize,
}

impl Context {
    pub(super) fn new(common: Common) -> Self {
        Self(common)
    }

    /// The household's folder, whether it is there or not.
    pub(super) fn folder(&self) -> Result<Folder, NoFolder> {
        let given = self.0.folder.clone();
        given.or_else(default_folder).map(Folder::new).ok_or(NoFolder)
    }

    /// The way to the running node. With URL and token both given, no folder is needed: it may be another machine's.
    pub(super) fn client(&self) -> Result<Client, CantAsk> {
        let Common { url, token, trust, .. } = &self.0;
        let url = url.clone().map_or_else(|| self.url_of_running(), Ok)?;
        let token = token.clone().map_or_else(|| self.owner_token(), Ok)?;
        Ok(Client::new(&url, &token, trust.as_deref())?)
    }

    fn url_of_running(&self) -> Result<String, CantAsk> {
        let folder = self.folder()?;
        let url = fs::read_to_string(folder.url()).map_err(|_| CantAsk::NotRunning(folder.path().to_owned()))?;
        Ok(url.trim().to_owned())
    }

    fn owner_token(&self) -> Result<String, CantAsk> {
        let path = self.folder()?.owner_token();
        fs::read_to_string(&path).map_err(|source| CantAsk::NoToken { path, source })
    }

    /// Whether scripts read the output.
    pub(super) fn json(&self) -> bool {
        self.0.json
    }

    /// The time zone in which people speak and read.
    pub(super) fn zone(&self) -> TimeZone {
        self.0.zone.clone().unwrap_or_else(TimeZone::system)
    }

    /// The slot that a phrase names when it is to name just one, its gate closed or not.
    pub(super) fn one_slot(&self, phrase: &str, client: &Client) -> Result<Text<Slot>, Box<dyn Error>> {
        match slots::parse(phrase, &self.calendar(&client.charter()?, false))?[..] {
            [slot] => Ok(Text(slot)),
            ref several => Err(NotOneSlot { phrase: phrase.to_owned(), slots: several.len() }.into()),
        }
    }

    /// What slots are named against. With `open_only`, those whose gate has closed are left out.
    pub(super) fn calendar(&self, charter: &Charter, open_only: bool) -> Calendar {
        let now = output::zoned(clock::now(), &self.zone()).expect("the clock shows a time before the year 9999");
        let slot_length = Duration::from_millis(charter.slot_length_ms);
        Calendar { now, slot_length, gate_millis: open_only.then_some(charter.gate_after_ms) }
    }
}

/// `wattswap` in the user's data folder, as the XDG base directory specification says.
fn default_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local/share")));
    data.map(|data| data.join("wattswap"))
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("`{name}` is no time zone; they are named like Europe/Berlin or UTC"))
}
