//! A household in a folder of its own, and its node.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::block_in_place;
use wattswap_api::limits::Settings;
use wattswap_node::client::{Client, RequestError};
use wattswap_node::config::{Config, Http, Network};
use wattswap_node::drivers::daemon::{Daemon, StartError};
use wattswap_node::drivers::run::NoSteps;
use wattswap_node::folder::Folder;

/// The command, as it ships.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_wattswap");
/// What does not happen within this time does not happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A household; its folder goes when this goes.
pub struct Home {
    pub folder: TempDir,
}

impl Home {
    /// The only member of a community.
    pub fn alone() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        home.call(&["init", "--found", "Lonely Lane"]);
        home
    }

    /// Calls the command.
    pub fn call(&self, arguments: &[&str]) {
        let mut command = Command::new(PROGRAM);
        let output = command.arg("--folder").arg(self.folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub async fn start(&self, config: &Config) -> Result<Daemon, StartError> {
        Daemon::start(Folder::new(self.path()), config, Settings::default(), Box::new(NoSteps)).await
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A client with the owner's token.
    pub fn client(&self, url: &str, trust: Option<&Path>) -> Client {
        let token = std::fs::read_to_string(Folder::new(self.path()).owner_token()).unwrap();
        Client::new(url, &token, trust).unwrap()
    }
}

/// Loopback, and ports that the system chooses.
pub fn config() -> Config {
    Config {
        http: Http { listen: ([127, 0, 0, 1], 0).into(), ..Http::default() },
        network: Network { listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()], bootstrap: Vec::new(), mdns: false },
        ..Config::default()
    }
}

/// Asks in a way that does not stop the node's own tasks.
pub fn get(client: &Client, path: &str) -> Result<Value, RequestError> {
    block_in_place(|| client.get(path))
}

pub fn post(client: &Client, path: &str, body: &Value) -> Result<Value, RequestError> {
    block_in_place(|| client.post(path, &[], body))
}

/// An order.
pub fn order(slot: &str, side: &str, quantity: u32, price: &str) -> Value {
    json!({ "slot": slot, "side": side, "quantity_wh": quantity, "price_per_kwh": price, "expires_at": null })
}

/// A slot that is open for longer than any test takes, RFC 3339.
pub fn slot() -> String {
    later_slot(0)
}

/// One of the slots after that.
pub fn later_slot(number: u64) -> String {
    let now = now();
    time(now - now % 900 + 900 * (2 + number))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// An instant, RFC 3339.
pub fn time(seconds: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap().to_string()
}
