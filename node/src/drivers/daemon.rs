//! A household's node from start to stop: opens what it needs, in an order in which nothing is half done.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;
use wattswap_api::events::Events;
use wattswap_api::limits::Settings;
use wattswap_api::metrics::Metrics;
use wattswap_matching::UtcMillis;

use super::clock;
use super::http::{LocalHousehold, News, ServeError, Server};
use super::inbox::inbox;
use super::keys::{self, HouseholdKey, KeyError};
use super::network::{Network, NetworkError};
use super::run::{Loop, Recover, RecoverError, Recovered, RunError, Steps};
use super::store::{CommitError, OpenError, ReadError, Store};
use super::telemetry::Figures;
use crate::charter_file::{CharterFile, CharterFileError};
use crate::config::Config;
use crate::folder::Folder;
use crate::protocol::household::Household;
use crate::protocol::household::io::Record;

/// Why the node does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`OpenError`].
    #[error(transparent)]
    Store(#[from] OpenError),
    /// See [`ReadError`].
    #[error(transparent)]
    Read(#[from] ReadError),
    /// See [`RecoverError`].
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// See [`CommitError`].
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// See [`CharterFileError`].
    #[error(transparent)]
    CharterFile(#[from] CharterFileError),
    /// No charter anywhere.
    #[error(
        "this household has no charter yet: take the file of a community with `wattswap init --charter FILE`, or start \
         a community with `wattswap init --found NAME`"
    )]
    NoCharter,
    /// The charter file belongs to another community than the store, or has another history.
    #[error(
        "the charters in {} and those in the store are not one chain: this folder was used for another community. Make \
         a new household for this one",
        .0.display()
    )]
    OtherCommunity(PathBuf),
    /// See [`NetworkError`].
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// See [`ServeError`].
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The tokens could not be read.
    #[error("the access tokens can't be read: {0}")]
    Tokens(#[from] wattswap_api::port::Unavailable),
    /// A file or thread could not be made.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// A node that runs. Dropping it ends the loop and waits until that has let go of the store; [`Self::stop`] does so
/// without keeping others from their work, and lets callers finish first.
pub struct Daemon {
    url: String,
    folder: Folder,
    server: Server,
    household: Arc<LocalHousehold>,
    events: Arc<Events>,
    running: Running,
}

/// The loop on its thread.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<Result<(), RunError>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts the node of the household in `folder`. Must be called within a tokio runtime of several threads.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        folder: Folder,
        config: &Config,
        api: Settings,
        steps: Box<dyn Steps>,
    ) -> Result<Self, StartError> {
        let key = HouseholdKey::load(&folder.key())?;
        let store = Arc::new(Store::open(&folder.store(), key.member())?);
        take_charters(&folder, &store)?;
        let (now, identity) = (clock::now(), key.identity());
        let mut household = recover(key, &store, config.store.keep_logs(), now)?;
        if config.store.restored {
            household.was_restored();
        }
        let recovered = Recovered { household, again: again(&folder, config.store.keep_logs()) };

        let figures = Figures::default();
        let (door, inputs) = inbox();
        let network =
            Network::start(identity, recovered.household.chain().community(), &config.network, door, figures.clone())?;
        let view = network.view();
        let events = Arc::new(Events::new(now.0));
        let news = Box::new(News::new(Arc::clone(&events), view.clone(), now));
        let (the_loop, desk) = Loop::new(recovered, Arc::clone(&store), network, inputs, figures.clone(), news, steps);

        let metrics = Arc::new(Metrics::new());
        metrics.register(|registry| figures.register(registry));
        let household = Arc::new(LocalHousehold::new(desk, store, the_loop.published(), view, Arc::clone(&events)));
        let router = wattswap_api::router(Arc::clone(&household) as _, Arc::clone(&events), metrics, api).await?;
        let server = Server::start(&config.http, router).await?;
        let url = server.url();
        write_whole(&folder.url(), &format!("{url}\n"))
            .map_err(|source| StartError::Io { what: "can't write the node's URL into its folder", source })?;
        let running = Running::spawn(the_loop)?;
        Ok(Self { url, folder, server, household, events, running })
    }

    /// Where the HTTP face answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the node can't go on by itself, and says why. Whoever waits for an answer over HTTP is told, too.
    pub async fn ended(&mut self) -> RunError {
        // Only `stop` ends the loop well, and that takes the daemon; otherwise its thread has broken off.
        let reason = self.running.end().await.err().unwrap_or(RunError::BrokeOff);
        self.end_http().await;
        reason
    }

    /// Ends the turn at hand, answers what is under way, and closes the store.
    pub async fn stop(mut self) {
        self.end_http().await;
        self.running.stop = None;
        if let Err(error) = self.running.end().await {
            tracing::error!(%error, "the last turn failed");
        }
    }

    /// Takes no more requests and ends the live streams; what is under way gets a moment to finish.
    async fn end_http(&mut self) {
        self.household.stop();
        self.events.close();
        self.server.stop().await;
    }
}

/// Writes a file that others wait for: once it is there, all of it is.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(&unfinished, path)
}

/// Makes the household of what the store holds.
fn recover(key: HouseholdKey, store: &Store, keep_logs: Duration, now: UtcMillis) -> Result<Household, RecoverError> {
    let mut stored = store.load(now);
    let household = Household::recover(Box::new(key), keys::random()?, &mut stored, keep_logs, now);
    let records = stored.finish()?;
    let household = household?;
    tracing::info!(records, entries = household.entries(), "recovered from the store");
    Ok(household)
}

/// The same again, with the key as the folder holds it then.
fn again(folder: &Folder, keep_logs: Duration) -> Recover {
    let key = folder.key();
    Box::new(move |store, now| recover(HouseholdKey::load(&key)?, store, keep_logs, now))
}

/// Brings the charters of the folder's file into the store, where they are newer.
fn take_charters(folder: &Folder, store: &Store) -> Result<(), StartError> {
    let stored: Vec<_> = store.governance().collect::<Result<_, _>>()?;
    let path = folder.charter();
    if !path.exists() {
        return if stored.is_empty() { Err(StartError::NoCharter) } else { Ok(()) };
    }
    let file = CharterFile::read(&path)?;
    let Some(chain) = file.chain() else { return Err(CharterFileError::NotInForce { path }.into()) };
    let records = chain.from_height(0);
    if records.iter().zip(&stored).any(|(record, stored)| record.id != stored.id) {
        return Err(StartError::OtherCommunity(path));
    }
    let newer: Vec<Record> = records.iter().skip(stored.len()).cloned().map(Record::Governance).collect();
    store.commit(&newer)?;
    Ok(())
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The file may be gone already, with its folder.
        let _gone = fs::remove_file(self.folder.url());
    }
}

impl Running {
    /// The loop waits for the disk, so it has a thread of its own.
    fn spawn(the_loop: Loop) -> Result<Self, StartError> {
        let (stop, stopped) = oneshot::channel();
        let (tell, ended) = oneshot::channel();
        let run = move || {
            // Nobody may be waiting any more.
            let _ = tell.send(the_loop.run(stopped));
        };
        let thread = thread::Builder::new().name("household".to_owned()).spawn(run);
        let thread = thread.map_err(|source| StartError::Io { what: "can't start a thread", source })?;
        Ok(Self { stop: Some(stop), ended, thread: Some(thread) })
    }

    /// Waits for the loop's end and says how it ended.
    async fn end(&mut self) -> Result<(), RunError> {
        (&mut self.ended).await.unwrap_or(Err(RunError::BrokeOff))
    }
}

impl Drop for Running {
    /// A store that is still open when the process ends would abort it.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A loop that panicked has said so already.
            let _broke_off = thread.join();
        }
    }
}
