//! A household's node as a process of its own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use wattswap_api::dto::community::Status;
use wattswap_node::client::{Client, RequestError};
use wattswap_node::folder::Folder;

use crate::command::{self, CallError};
use crate::wait::{self, InVain};

/// A node starts in well under a second; a machine with much else to do gets its time.
const START: Duration = Duration::from_secs(60);
/// A node that is told to stop finishes its turn and closes its store.
const STOP: Duration = Duration::from_secs(30);

/// A household: its folder, and the process that runs in it, if one does.
pub struct Node {
    program: PathBuf,
    /// Another program that runs the first one, with its arguments.
    run_by: Vec<String>,
    /// Whether what it starts is in process groups of its own.
    is_apart: bool,
    folder: Folder,
    member: String,
    process: Option<Child>,
}

/// Why a node does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// See [`CallError`].
    #[error(transparent)]
    Call(#[from] CallError),
    /// It ended instead.
    #[error("the node in {} ended ({status}): {log}", folder.display())]
    Ended {
        /// Which.
        folder: PathBuf,
        /// How.
        status: ExitStatus,
        /// What it wrote last.
        log: String,
    },
    /// See [`InVain`].
    #[error("{in_vain}\nThe log in {} ends with:\n{log}", folder.display())]
    InVain {
        /// Which.
        folder: PathBuf,
        /// What it did not do.
        in_vain: InVain,
        /// What it wrote last.
        log: String,
    },
    /// A file or a process could not be used.
    #[error("{}: {source}", folder.display())]
    Io {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not run, so it can't be asked.
    #[error("the node in {} does not run", .0.display())]
    NotRunning(PathBuf),
}

impl Node {
    /// Makes a household with `wattswap init`. It does not run yet.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn init(program: &Path, folder: &Path) -> Result<Self, CallError> {
        let said = command::call(program, folder, &["init", "--json"])?;
        let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
        let member = said["key"].as_str().unwrap_or_default().to_owned();
        let (program, folder) = (program.to_owned(), Folder::new(folder));
        Ok(Self { program, run_by: Vec::new(), is_apart: false, folder, member, process: None })
    }

    /// Runs this household with another program from the next start on.
    pub fn use_program(&mut self, program: PathBuf) {
        self.program = program;
    }

    /// From now on what it starts is in process groups of its own. Ctrl-C in a terminal then reaches only this process,
    /// which has to stop the others.
    pub fn keep_apart(&mut self) {
        self.is_apart = true;
    }

    /// Has another program, with these arguments, run the node's own from the next start on: one that ends by becoming
    /// it. None any more, if they are none.
    pub fn run_by(&mut self, words: impl IntoIterator<Item = impl Into<String>>) {
        self.run_by = words.into_iter().map(Into::into).collect();
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its key, in hexadecimal.
    #[must_use]
    pub fn member(&self) -> &str {
        &self.member
    }

    /// Number of its process, if one was started and not stopped.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Whether its process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Calls the command for this household.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn call(&self, arguments: &[&str]) -> Result<String, CallError> {
        command::call(&self.program, self.folder.path(), arguments)
    }

    /// Starts a command for this household that runs by itself, what it writes going to the household's log.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub fn spawn(&self, arguments: &[&str]) -> Result<Child, NodeError> {
        self.spawn_with(arguments, &[])
    }

    fn spawn_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Child, NodeError> {
        let log = File::options().create(true).append(true).open(self.log_path()).map_err(|source| self.io(source))?;
        let copy = log.try_clone().map_err(|source| self.io(source))?;
        let mut words = self.run_by.iter().map(OsStr::new).chain([self.program.as_os_str()]);
        let first = words.next().unwrap_or_default();
        let mut command = command::prepare(Path::new(first), self.folder.path());
        command
            .args(words)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::from(copy))
            .stderr(Stdio::from(log));
        if self.is_apart {
            command.process_group(0);
        }
        command.spawn().map_err(|source| self.io(source))
    }

    /// Starts the node and waits until it answers over HTTP. It may still be comparing its log with its neighbours'.
    ///
    /// # Errors
    /// [`NodeError::Ended`] if it ends instead, [`NodeError::InVain`] if it does not answer.
    pub fn start(&mut self) -> Result<(), NodeError> {
        self.start_with(&[])
    }

    /// Starts the node with variables in its environment.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_with(&mut self, environment: &[(&str, &str)]) -> Result<(), NodeError> {
        self.launch(environment)?;
        self.until_it_answers()
    }

    /// Starts the node on its owner's word that the store is not the newest there was.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_restored(&mut self) -> Result<(), NodeError> {
        self.launch_by(&["run", "--restored"], &[])?;
        self.until_it_answers()
    }

    /// Starts the node's process, and waits for nothing.
    ///
    /// # Errors
    /// [`NodeError::Io`].
    pub fn launch(&mut self, environment: &[(&str, &str)]) -> Result<(), NodeError> {
        self.launch_by(&["run"], environment)
    }

    fn launch_by(&mut self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), NodeError> {
        // Left over by a node that was killed: it would be taken for the address of this one.
        let _ = fs::remove_file(self.folder.url());
        self.process = Some(self.spawn_with(arguments, environment)?);
        Ok(())
    }

    fn until_it_answers(&mut self) -> Result<(), NodeError> {
        self.until("it answers", START, |node| node.client().get::<Status>("/status").map(drop))
    }

    /// Waits until the node trades: its store is open, its log compared, its clock right.
    ///
    /// # Errors
    /// [`NodeError::InVain`], [`NodeError::Ended`].
    pub fn until_ready(&mut self, limit: Duration) -> Result<(), NodeError> {
        self.until("it is ready", limit, |node| {
            let readiness = node.client().readiness().map_err(|error| error.to_string())?;
            let failed = readiness.checks.into_iter().find(|check| !check.passed);
            failed.map_or(Ok(()), |check| Err(check.detail.unwrap_or(check.name)))
        })
    }

    /// Asks again and again; gives up at once if the process ends.
    ///
    /// # Errors
    /// [`NodeError::InVain`], [`NodeError::Ended`].
    pub fn until<T, E: ToString>(
        &mut self,
        what: &str,
        limit: Duration,
        mut probe: impl FnMut(&Self) -> Result<T, E>,
    ) -> Result<T, NodeError> {
        let mut ended = None;
        let answer = wait::until(what, limit, || {
            ended = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            if ended.is_some() { Ok(None) } else { probe(self).map(Some).map_err(|error| error.to_string()) }
        });
        match (answer, ended) {
            (Ok(Some(answer)), _) => Ok(answer),
            (Err(in_vain), _) => {
                Err(NodeError::InVain { folder: self.folder.path().to_owned(), in_vain, log: self.log_end() })
            }
            (Ok(None), Some(status)) => {
                Err(NodeError::Ended { folder: self.folder.path().to_owned(), status, log: self.log_end() })
            }
            (Ok(None), None) => Err(NodeError::NotRunning(self.folder.path().to_owned())),
        }
    }

    /// A client with the owner's token. If the node has not written down where it answers, requests go nowhere.
    #[must_use]
    pub fn client(&self) -> Client {
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let url = read(self.folder.url());
        let url = if url.is_empty() { "http://127.0.0.1:0".to_owned() } else { url };
        Client::new(&url, &read(self.folder.owner_token()), None).expect("without a file to trust nothing can be wrong")
    }

    /// Tells the node to stop, and waits until it has.
    ///
    /// # Errors
    /// [`NodeError::InVain`] if it does not; [`NodeError::NotRunning`].
    pub fn stop(&mut self) -> Result<ExitStatus, NodeError> {
        if self.is_running() {
            self.signal(Signal::TERM)?;
        }
        let folder = self.folder.path().to_owned();
        let process = self.process.as_mut().ok_or_else(|| NodeError::NotRunning(folder.clone()))?;
        let stopped = wait::until("it stops", STOP, || match process.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        match stopped {
            Ok(status) => {
                self.process = None;
                Ok(status)
            }
            Err(in_vain) => Err(NodeError::InVain { folder, in_vain, log: self.log_end() }),
        }
    }

    /// Waits until the process ends by itself.
    ///
    /// # Errors
    /// [`NodeError::InVain`], [`NodeError::NotRunning`].
    pub fn until_ended(&mut self, limit: Duration) -> Result<ExitStatus, NodeError> {
        let folder = self.folder.path().to_owned();
        let process = self.process.as_mut().ok_or_else(|| NodeError::NotRunning(folder.clone()))?;
        let ended = wait::until("it ends", limit, || process.try_wait().ok().flatten().ok_or("it runs"));
        ended.map_err(|in_vain| NodeError::InVain { folder, in_vain, log: self.log_end() })
    }

    /// Its process stands still until it is told to go on, as on a machine that sleeps.
    ///
    /// # Errors
    /// [`NodeError::NotRunning`], [`NodeError::Io`].
    pub fn suspend(&mut self) -> Result<(), NodeError> {
        self.signal(Signal::STOP)
    }

    /// Its process goes on.
    ///
    /// # Errors
    /// [`NodeError::NotRunning`], [`NodeError::Io`].
    pub fn resume(&mut self) -> Result<(), NodeError> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> Result<(), NodeError> {
        // One that has ended may have left its number to somebody else.
        let pid = if self.is_running() { self.pid() } else { None };
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| NodeError::NotRunning(self.folder.path().to_owned()))?;
        kill_process(pid, signal).map_err(|error| self.io(error.into()))
    }

    /// `kill -9`: nothing that was not durable survives.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself; either way it is gone after the wait.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Where it writes what it does.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_end(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// The node's own view of itself.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn status(&self) -> Result<Status, RequestError> {
        self.client().get("/status")
    }

    fn io(&self, source: io::Error) -> NodeError {
        NodeError::Io { folder: self.folder.path().to_owned(), source }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
