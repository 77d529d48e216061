//! Ports in use, certificates, too many callers, a full disk.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use wattswap_node::client::RequestError;
use wattswap_node::config::Http;
use wattswap_node::drivers::daemon::StartError;
use wattswap_node::drivers::http::{MAX_CONNECTIONS, ServeError};
use wattswap_node::drivers::network::NetworkError;
use wattswap_node::drivers::store::OpenError;
use wattswap_node::folder::Folder;

use crate::home::{Home, PATIENCE, PROGRAM, config, get, later_slot, order, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_and_a_store_in_use_are_named() {
    let home = Home::alone();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap();
    let mut http = config();
    http.http.listen = taken;
    let error = home.start(&http).await.err().unwrap();
    assert!(matches!(error, StartError::Serve(ServeError::InUse(address)) if address == taken), "{error}");

    let mut network = config();
    network.network.listen = vec![format!("/ip4/127.0.0.1/tcp/{}", taken.port()).parse().unwrap()];
    let error = home.start(&network).await.err().unwrap();
    assert!(matches!(error, StartError::Network(NetworkError::InUse { .. })), "{error}");
    drop(held);

    let running = home.start(&config()).await.unwrap();
    let error = home.start(&config()).await.err().unwrap();
    assert!(matches!(error, StartError::Store(OpenError::InUse(_))), "{error}");
    running.stop().await;
    home.start(&config()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_household_without_a_charter_is_told_how_to_get_one() {
    let home = Home { folder: tempfile::tempdir().unwrap() };
    home.call(&["init"]);
    let error = home.start(&config()).await.err().unwrap();
    assert!(matches!(error, StartError::NoCharter), "{error}");
    assert!(error.to_string().contains("--charter"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_served_with_a_certificate_and_only_then() {
    let tls = |file: &str| Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/daemon/tls").join(file));
    let home = Home::alone();
    let mut secure = config();
    secure.http = Http { certificate: tls("certificate.pem"), key: tls("key.pem"), ..secure.http };
    let daemon = home.start(&secure).await.unwrap();
    assert!(daemon.url().starts_with("https://127.0.0.1:"), "{}", daemon.url());
    let client = home.client(daemon.url(), tls("certificate.pem").as_deref());
    // It answers before its first turn, in which it finds that there is nobody to compare its store with.
    let mut phases = (0..1_000).map(|_| get(&client, "/status").unwrap()["phase"].clone());
    assert!(phases.any(|phase| phase == "trading"));
    let error = get(&home.client(daemon.url(), None), "/status").unwrap_err();
    assert!(matches!(error, RequestError::NotTrusted { .. }), "a certificate from nowhere was trusted: {error}");
    let plain = daemon.url().replace("https", "http");
    assert!(get(&home.client(&plain, None), "/status").is_err(), "plain HTTP was answered");
    daemon.stop().await;

    secure.http.key = tls("certificate.pem");
    let error = home.start(&secure).await.err().unwrap();
    assert!(matches!(error, StartError::Serve(ServeError::Tls(_))), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_beyond_the_seats_are_turned_away_and_seats_come_free() {
    let home = Home::alone();
    let daemon = home.start(&config()).await.unwrap();
    let address = daemon.url().strip_prefix("http://").unwrap().to_owned();
    // Whether a connection has a seat shows in an answer; without a seat it is closed.
    let is_seated = |stream: &mut TcpStream| {
        let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut answer = [0; 12];
        asked.is_ok() && stream.read_exact(&mut answer).is_ok() && answer == *b"HTTP/1.1 200"
    };
    let open = || {
        let stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    let mut seated: Vec<TcpStream> = (0..MAX_CONNECTIONS).map(|_| open()).collect();
    assert!(seated.iter_mut().all(is_seated));
    assert!(!is_seated(&mut open()), "one more was taken than there are seats");
    seated.clear();
    let started = Instant::now();
    while !is_seated(&mut open()) {
        assert!(started.elapsed() < PATIENCE, "no seat came free");
    }
}

/// A device that has left the network without a word, say.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_says_nothing_loses_its_seat() {
    let home = Home::alone();
    let daemon = home.start(&config()).await.unwrap();
    let mut silent = TcpStream::connect(daemon.url().strip_prefix("http://").unwrap()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0, "the connection is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_to_callers_and_to_the_owner_and_nothing_acknowledged_is_lost() {
    let home = Home::alone();
    // No file may grow beyond 512 KiB (1,024 blocks of 512 bytes): the store's log of commits meets that first.
    let mut process = Running(
        Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\"", PROGRAM, "--folder"])
            .arg(home.path())
            .args(["run", "--http-listen", "127.0.0.1:0", "--network-mdns", "false"])
            .args(["--network-listen", "/ip4/127.0.0.1/tcp/0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let client = home.client(&process.url(&home), None);
    let mut acknowledged = Vec::new();
    let error = loop {
        let orders: Vec<_> = (0..20).map(|slot| order(&later_slot(slot), "sell", 1, "0.30")).collect();
        match post(&client, "/orders", &json!({ "orders": orders })) {
            Ok(placed) => acknowledged.push(placed["orders"][0]["id"].as_str().unwrap().to_owned()),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 10_000, "the disk never got full");
    };
    let RequestError::Refused(problem) = &error else { panic!("the caller was not told: {error}") };
    assert_eq!(serde_json::to_value(problem).unwrap()["code"], "store_failed", "{error}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    let status = process.0.wait().unwrap();
    let mut log = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!status.success());
    assert!(log.contains("the disk is full"), "{log}");

    let daemon = home.start(&config()).await.unwrap();
    let client = home.client(daemon.url(), None);
    assert!(acknowledged.len() > 3, "the disk was full at once");
    for id in acknowledged {
        get(&client, &format!("/orders/{id}")).unwrap_or_else(|error| panic!("order {id} is gone: {error}"));
    }
}

/// Ends with the test, however that ends.
struct Running(Child);

impl Running {
    /// Where the node answers, as soon as it does.
    fn url(&mut self, home: &Home) -> String {
        let started = Instant::now();
        loop {
            if let Ok(url) = std::fs::read_to_string(Folder::new(home.path()).url()) {
                return url.trim().to_owned();
            }
            assert!(self.0.try_wait().unwrap().is_none(), "the node ended at once");
            assert!(started.elapsed() < PATIENCE, "the node does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
