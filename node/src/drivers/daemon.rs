//! A household's node from start to stop: opens what it needs, in an order in which nothing is half done.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;
use wattswap_api::events::Events;
use wattswap_api::limits::Settings;
use wattswap_api::metrics::Metrics;

use super::clock;
use super::http::{LocalHousehold, News, ServeError, Server};
use super::inbox::inbox;
use super::keys::{self, HouseholdKey, KeyError, NoRandomness};
use super::network::{Network, NetworkError};
use super::run::{Desk, Loop, RunError, Steps};
use super::store::{CommitError, OpenError, ReadError, Store};
use super::telemetry::Figures;
use crate::charter_file::{CharterFile, CharterFileError};
use crate::config::Config;
use crate::folder::Folder;
use crate::protocol::household::Household;
use crate::protocol::household::io::Record;
use crate::protocol::household::recovery::RecoveryError;

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
    /// See [`RecoveryError`].
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// See [`NetworkError`].
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// See [`ServeError`].
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The tokens could not be read.
    #[error("the access tokens can't be read: {0}")]
    Tokens(#[from] wattswap_api::port::Unavailable),
    /// No seed for the household's nonces.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A file or thread could not be made.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// A node that runs.
pub struct Daemon {
    url: String,
    folder: Folder,
    desk: Desk,
    server: Server,
    household: Arc<LocalHousehold>,
    events: Arc<Events>,
    ended: oneshot::Receiver<Result<(), RunError>>,
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
        let now = clock::now();
        let mut stored = store.load(now);
        let identity = key.identity();
        let household = Household::recover(Box::new(key), keys::random()?, &mut stored, now);
        let records = stored.finish()?;
        let household = household?;
        tracing::info!(records, entries = household.entries(), "recovered from the store");

        let figures = Figures::default();
        let (door, inputs) = inbox();
        let network = Network::start(identity, household.chain().community(), &config.network, door, figures.clone())?;
        let view = network.view();
        let events = Arc::new(Events::new(now.0));
        let news = Box::new(News::new(Arc::clone(&events), view.clone(), now));
        let (the_loop, desk) = Loop::new(household, Arc::clone(&store), network, inputs, figures.clone(), news, steps);

        let metrics = Arc::new(Metrics::new());
        metrics.register(|registry| figures.register(registry));
        let household =
            Arc::new(LocalHousehold::new(desk.clone(), store, the_loop.published(), view, Arc::clone(&events)));
        let router = wattswap_api::router(Arc::clone(&household) as _, Arc::clone(&events), metrics, api).await?;
        let server = Server::start(&config.http, router).await?;
        let url = server.url();
        fs::write(folder.url(), format!("{url}\n"))
            .map_err(|source| StartError::Io { what: "can't write the node's URL into its folder", source })?;
        let ended = spawn(the_loop)?;
        Ok(Self { url, folder, desk, server, household, events, ended })
    }

    /// Where the HTTP face answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the node can't go on by itself, and says why. Whoever waits for an answer over HTTP is told, too.
    pub async fn ended(&mut self) -> RunError {
        let reason = match (&mut self.ended).await {
            Ok(Err(error)) => error,
            // Only `stop` ends the loop well, and that takes the daemon; otherwise its thread has broken off.
            Ok(Ok(())) | Err(_) => RunError::BrokeOff,
        };
        self.end_http().await;
        reason
    }

    /// Ends the turn at hand, answers what is under way, and closes the store.
    pub async fn stop(mut self) {
        self.end_http().await;
        self.desk.stop().await;
        if let Ok(Err(error)) = self.ended.await {
            tracing::error!(%error, "the last turn failed");
        }
        // The file may be gone already, with its folder.
        let _gone = fs::remove_file(self.folder.url());
    }

    /// Takes no more requests and ends the live streams; what is under way gets a moment to finish.
    async fn end_http(&mut self) {
        self.household.stop();
        self.events.close();
        self.server.stop().await;
    }
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

/// The loop waits for the disk, so it has a thread of its own.
fn spawn(the_loop: Loop) -> Result<oneshot::Receiver<Result<(), RunError>>, StartError> {
    let (tell, ended) = oneshot::channel();
    let run = move || {
        // Nobody may be waiting any more.
        let _ = tell.send(the_loop.run());
    };
    let thread = thread::Builder::new().name("household".to_owned()).spawn(run);
    thread.map_err(|source| StartError::Io { what: "can't start a thread", source })?;
    Ok(ended)
}
