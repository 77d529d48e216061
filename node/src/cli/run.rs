//! `run`: the household's node, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use libp2p::Multiaddr;
use tokio::signal::unix::{SignalKind, signal};
use wattswap_api::limits::Settings;

use super::Outcome;
use super::context::Context;
use super::output;
use crate::config::{Config, Http, Log, Network, Store};
use crate::drivers::daemon::Daemon;
use crate::drivers::run::Steps;
use crate::drivers::telemetry;
use crate::folder::Folder;

/// How long what is under way, such as the look-up of a name, can hold up the node's end.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(5);

/// Settings for this run. Each is also a key of `wattswap.toml` in the household's folder and an environment variable;
/// a flag wins over a variable, a variable over the file.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The settings file [default: wattswap.toml in the folder, if there is one]
    #[arg(long, value_name = "FILE", env = "WATTSWAP_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port of the HTTP API; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS:PORT", env = "WATTSWAP_HTTP_LISTEN")]
    http_listen: Option<SocketAddr>,
    /// Certificate chain in PEM, to serve HTTPS
    #[arg(long, value_name = "FILE", env = "WATTSWAP_HTTP_CERTIFICATE")]
    http_certificate: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", env = "WATTSWAP_HTTP_KEY")]
    http_key: Option<PathBuf>,
    /// Serve plain HTTP on an address that other machines can reach: whoever listens there reads your tokens
    #[arg(long, value_name = "YES", env = "WATTSWAP_HTTP_ALLOW_PLAIN", num_args = 0..=1, default_missing_value = "true")]
    http_allow_plain: Option<bool>,
    /// Where neighbours reach this node, for example /ip4/0.0.0.0/tcp/8647; may be given several times
    #[arg(long, value_name = "MULTIADDRESS", env = "WATTSWAP_NETWORK_LISTEN", value_delimiter = ',')]
    network_listen: Option<Vec<Multiaddr>>,
    /// A neighbour to call on, for example /ip4/192.0.2.7/tcp/8647; may be given several times
    #[arg(long, value_name = "MULTIADDRESS", env = "WATTSWAP_NETWORK_BOOTSTRAP", value_delimiter = ',')]
    network_bootstrap: Option<Vec<Multiaddr>>,
    /// Look for neighbours in the home network by multicast DNS
    #[arg(long, value_name = "YES", env = "WATTSWAP_NETWORK_MDNS")]
    network_mdns: Option<bool>,
    /// For how many days the members' signed logs are kept when everything that they say is over
    #[arg(long, value_name = "DAYS", env = "WATTSWAP_STORE_KEEP_LOGS_DAYS")]
    store_keep_logs_days: Option<u16>,
    /// How much the node writes about its work: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "WATTSWAP_LOG_LEVEL")]
    log_level: Option<String>,
    /// The store was put back from a backup: go on in a new log, even if no neighbour who knows better is there now
    #[arg(long)]
    restored: bool,
    /// Print the settings that these flags, the environment and the file come to, and exit
    #[arg(long)]
    print_config: bool,
}

pub(super) fn carry_out(args: Args, context: &Context, steps: Box<dyn Steps>) -> Outcome {
    let folder = context.folder()?;
    let file = args.config.clone().unwrap_or_else(|| folder.config());
    let print_only = args.print_config;
    let config = args.over(Config::read(&file)?);
    config.check()?;
    if print_only {
        return Ok(output::text(toml::to_string(&config)?.trim_end())?);
    }
    telemetry::start_log(&config.log.level)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(serve(folder, &config, steps));
    // Reads of the store that are under way finish first: it has to be closed when the process ends.
    runtime.shutdown_timeout(PATIENCE_AT_THE_END);
    outcome
}

/// Runs the node until somebody stops it.
async fn serve(folder: Folder, config: &Config, steps: Box<dyn Steps>) -> Outcome {
    let mut daemon = Daemon::start(folder, config, Settings::default(), steps).await?;
    tracing::info!(url = daemon.url(), "running; Ctrl-C stops it");
    tokio::select! {
        error = daemon.ended() => Err(error.into()),
        asked = stop_is_asked_for() => {
            asked?;
            tracing::info!("stopping");
            daemon.stop().await;
            Ok(())
        }
    }
}

/// Ctrl-C, or the signal with which service managers end a program.
async fn stop_is_asked_for() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

impl Args {
    /// These settings where they say something, `below` where they don't.
    fn over(self, below: Config) -> Config {
        let Config { http, network, store, log } = below;
        Config {
            http: Http {
                listen: self.http_listen.unwrap_or(http.listen),
                certificate: self.http_certificate.or(http.certificate),
                key: self.http_key.or(http.key),
                allow_plain: self.http_allow_plain.unwrap_or(http.allow_plain),
            },
            network: Network {
                listen: self.network_listen.unwrap_or(network.listen),
                bootstrap: self.network_bootstrap.unwrap_or(network.bootstrap),
                mdns: self.network_mdns.unwrap_or(network.mdns),
            },
            store: Store {
                keep_logs_days: self.store_keep_logs_days.unwrap_or(store.keep_logs_days),
                restored: self.restored,
            },
            log: Log { level: self.log_level.unwrap_or(log.level) },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn over(below: &str, line: &str) -> Config {
        let line = Line::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{error}"));
        line.args.over(Config::parse(below).unwrap())
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "[http]\nlisten = \"127.0.0.1:1\"\n[network]\nmdns = false\nbootstrap = [\"/ip4/10.0.0.1/tcp/1\"]\n";
        assert_eq!(over(file, "run"), Config::parse(file).unwrap());
        let config =
            over(file, "run --http-listen 127.0.0.1:2 --network-listen /ip4/127.0.0.1/tcp/0 --log-level debug");
        assert_eq!(config.http.listen.port(), 2);
        assert_eq!(config.network.listen, ["/ip4/127.0.0.1/tcp/0".parse().unwrap()]);
        assert_eq!(config.network.bootstrap.len(), 1, "the file's, since no flag says otherwise");
        assert!(!config.network.mdns, "the file's, since no flag says otherwise");
        assert_eq!(config.log.level, "debug");
        assert!(over(file, "run --network-mdns true").network.mdns);
        assert!(over(file, "run --restored").store.restored && !over(file, "run").store.restored);
        assert_eq!(over(file, "run --store-keep-logs-days 7").store.keep_logs_days, 7);
        assert!(over(file, "run --http-allow-plain").http.allow_plain);
        assert!(!over("[http]\nallow_plain = true", "run --http-allow-plain false").http.allow_plain);
    }

    #[test]
    fn a_bad_value_names_its_flag() {
        for (line, named) in [
            ("run --http-listen here", "--http-listen"),
            ("run --network-listen tcp:1", "--network-listen"),
            ("run --network-mdns perhaps", "--network-mdns"),
            ("run --http-allow-plain maybe", "--http-allow-plain"),
            ("run --store-keep-logs-days some", "--store-keep-logs-days"),
        ] {
            let error = Line::try_parse_from(line.split_whitespace()).err().expect(line).to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
