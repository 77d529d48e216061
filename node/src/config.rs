//! What the owner of a household can set, as one typed struct.
//!
//! Three layers, later ones win: the file `wattswap.toml` in the household's folder, environment variables, flags.
//! The file is read here; the command line reads the other two (see `cli::run`). Nothing else in the program looks at
//! the environment. A key that is not known and a value that can't be right are refused by name: a typing error must
//! never quietly become a default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

/// Everything that a node is told about itself, but for its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where and how the owner, the meters and the dashboard reach the node.
    pub http: Http,
    /// Where and how the neighbours reach it.
    pub network: Network,
    /// What the node keeps.
    pub store: Store,
    /// What the node writes about its own work.
    pub log: Log,
}

/// The HTTP face.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// Certificate chain in PEM; with `key`, the node serves HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Serve plain HTTP on an address that other machines can reach. Whoever listens there reads the tokens.
    pub allow_plain: bool,
}

/// The neighbourhood's network.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Multiaddresses to listen on, TCP and QUIC; port 0 lets the system choose one.
    pub listen: Vec<Multiaddr>,
    /// Multiaddresses of neighbours to call on.
    pub bootstrap: Vec<Multiaddr>,
    /// Look for neighbours in the home network by multicast DNS.
    pub mdns: bool,
}

/// The household's memory. Its own trades, orders and readings are kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// For how many days the signed logs of all members are kept when everything that they say is over: longer is more
    /// evidence and more disk.
    pub keep_logs_days: u16,
    /// For one run only, so it stands in no file: the owner has put an older store in the place of a newer one.
    #[serde(skip)]
    pub restored: bool,
}

/// The node's log on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`, also for each module: `info,wattswap_node=debug`.
    pub level: String,
}

/// Why a node does not start with these settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there but can't be read.
    #[error("can't read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An unknown key, a value of the wrong kind, or no TOML at all. The text names line and key.
    #[error("{} is not a valid configuration:\n{text}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, where.
        text: String,
    },
    /// A certificate without a key, or the other way round.
    #[error("http.certificate and http.key belong together: set both for HTTPS, or neither for HTTP")]
    HalfOfTls,
    /// Plain HTTP where other machines can listen.
    #[error(
        "http.listen is {0}, which other machines can reach, but there is no TLS: anybody there could read your tokens. \
         Set http.certificate and http.key, or keep to 127.0.0.1, or say http.allow_plain = true (--http-allow-plain)"
    )]
    PlainBeyondLoopback(SocketAddr),
    /// Nobody could ever reach this node, and it could reach nobody.
    #[error("network.listen is empty: name at least one address, for example /ip4/0.0.0.0/tcp/0")]
    NoNetwork,
    /// Neighbours that were away for a night could not catch up.
    #[error("store.keep_logs_days is 0: keep logs for one day at least")]
    KeepsNothing,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8646)), certificate: None, key: None, allow_plain: false }
    }
}

impl Default for Network {
    fn default() -> Self {
        let everywhere = ["/ip4/0.0.0.0/tcp/8647", "/ip4/0.0.0.0/udp/8647/quic-v1"];
        let listen = everywhere.map(|text| text.parse().expect("a literal multiaddress")).to_vec();
        Self { listen, bootstrap: Vec::new(), mdns: true }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { keep_logs_days: 30, restored: false }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned() }
    }
}

impl Config {
    /// The settings in a TOML file; the defaults if there is no such file.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], [`ConfigError::Invalid`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text)
                .map_err(|error| ConfigError::Invalid { path: path.to_owned(), text: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// The settings that a TOML text gives; what it leaves out has its default.
    ///
    /// # Errors
    /// What [`toml`] says, with line and key.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Refuses settings that contradict each other or would be unsafe.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.http.certificate.is_some() != self.http.key.is_some() {
            return Err(ConfigError::HalfOfTls);
        }
        if !self.http.listen.ip().is_loopback() && self.http.certificate.is_none() && !self.http.allow_plain {
            return Err(ConfigError::PlainBeyondLoopback(self.http.listen));
        }
        if self.network.listen.is_empty() {
            return Err(ConfigError::NoNetwork);
        }
        if self.store.keep_logs_days == 0 {
            return Err(ConfigError::KeepsNothing);
        }
        Ok(())
    }
}

impl Http {
    /// Whether the node serves HTTPS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.certificate.is_some()
    }
}

impl Store {
    /// For how long logs are kept when everything that they say is over.
    #[must_use]
    pub fn keep_logs(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_logs_days) * 24 * 3600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_say_as_little_as_it_likes() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let config = Config::parse("[http]\nlisten = \"127.0.0.1:0\"\n[network]\nmdns = false\n").unwrap();
        assert_eq!(config.http.listen.port(), 0);
        assert!(!config.network.mdns);
        assert_eq!(config.network.listen, Network::default().listen);
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let config = Config::default();
        assert_eq!(Config::parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    }

    #[test]
    fn a_wrong_key_or_value_names_itself() {
        for (text, named) in [
            ("[htpp]", "htpp"),
            ("[http]\nport = 1", "port"),
            ("[http]\nlisten = \"here\"", "listen"),
            ("[http]\nallow_plain = \"yes\"", "allow_plain"),
            ("[network]\nlisten = [\"tcp:1\"]", "listen"),
            ("[network]\nmdns = 1", "mdns"),
            ("[store]\nkeep_logs_days = -1", "keep_logs_days"),
            ("[log]\nlevel = 3", "level"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(named), "{text:?} gave {error}");
        }
    }

    #[test]
    fn unsafe_or_contradicting_settings_are_refused() {
        for (text, named) in [
            ("[http]\ncertificate = \"c.pem\"", "http.certificate and http.key"),
            ("[http]\nkey = \"k.pem\"", "http.certificate and http.key"),
            ("[http]\nlisten = \"0.0.0.0:80\"", "0.0.0.0:80"),
            ("[network]\nlisten = []", "network.listen"),
            ("[store]\nkeep_logs_days = 0", "store.keep_logs_days"),
        ] {
            let error = Config::parse(text).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(named), "{text:?} gave {error}");
        }
        for text in [
            "[http]\nlisten = \"0.0.0.0:80\"\nallow_plain = true",
            "[http]\nlisten = \"0.0.0.0:443\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"",
            "[http]\nlisten = \"[::1]:80\"",
        ] {
            Config::parse(text).unwrap().check().unwrap();
        }
    }
}
