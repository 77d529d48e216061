//! Starts that are refused, and a disk that fills up: each with an error that says what to do, with an exit code that is
//! not zero, and without any loss of what had been acknowledged.

use std::any::Any;
use std::error::Error;
use std::fs::{self, Permissions};
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use wattswap_api::Code;
use wattswap_api::dto::reading::{ReadingPage, Verdict, Verdicts};
use wattswap_matching::WattHours;
use wattswap_node::client::{Client, RequestError};
use wattswap_node::folder::Folder;
use wattswap_tests::command;
use wattswap_tests::disk::SmallDisk;
use wattswap_tests::market::{Market as _, SOON, Wish};
use wattswap_tests::neighbourhood::{CONNECT, Neighbourhood, Rules};
use wattswap_tests::node::{Node, NodeError};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What stands in the way of a start. Dropping what `arrange` gives takes it away again.
struct Case {
    what: &'static str,
    arrange: fn(&Folder) -> Outcome<Box<dyn Any>>,
    /// What the error says, advice included.
    says: &'static [&'static str],
    /// The store itself is broken, so a good one must be brought back.
    store: bool,
}

const CASES: [Case; 21] = [
    Case {
        what: "a key that others may read",
        arrange: |folder| done(fs::set_permissions(folder.key(), Permissions::from_mode(0o644))),
        says: &["can be read by others", "chmod 600"],
        store: false,
    },
    Case {
        what: "no key",
        arrange: |folder| done(fs::remove_file(folder.key())),
        says: &["there is no key at", "wattswap init"],
        store: false,
    },
    Case {
        what: "a key that is none",
        arrange: |folder| done(fs::write(folder.key(), "secret\n")),
        says: &["is not a key", "bring back a copy"],
        store: false,
    },
    Case {
        what: "another household's key",
        arrange: |folder| done(fs::write(folder.key(), format!("{}\n", "42".repeat(32)))),
        says: &["the store belongs to the household", "come from the same folder"],
        store: false,
    },
    Case {
        what: "no charter, and a store that never had one",
        arrange: |folder| done(fs::remove_file(folder.charter()).and_then(|()| fs::remove_dir_all(folder.store()))),
        says: &["this household has no charter yet", "wattswap init --charter FILE"],
        store: true,
    },
    Case {
        what: "a charter that is none",
        arrange: |folder| done(fs::write(folder.charter(), "nonsense\n")),
        says: &["charter"],
        store: false,
    },
    Case {
        what: "an unknown key in the settings",
        arrange: |folder| settings(folder, "[http]", "[http]\nport = 80"),
        says: &["wattswap.toml is not a valid configuration", "unknown field `port`"],
        store: false,
    },
    Case {
        what: "an unknown section in the settings",
        arrange: |folder| settings(folder, "[http]", "[htpp]\n[http]"),
        says: &["wattswap.toml is not a valid configuration", "unknown field `htpp`"],
        store: false,
    },
    Case {
        what: "a bad value in the settings",
        arrange: |folder| settings(folder, "mdns = false", "mdns = \"maybe\""),
        says: &["wattswap.toml is not a valid configuration", "mdns"],
        store: false,
    },
    Case {
        what: "tokens over plain HTTP for everybody to read",
        arrange: |folder| settings(folder, "listen = \"127.0.0.1:", "listen = \"0.0.0.0:"),
        says: &["there is no TLS", "http.allow_plain"],
        store: false,
    },
    Case {
        what: "an HTTP port in use",
        arrange: |folder| Ok(Box::new(TcpListener::bind(("127.0.0.1", port(folder, "listen = \"127.0.0.1:")?))?)),
        says: &["is in use by another program", "set http.listen to another port"],
        store: false,
    },
    Case {
        what: "a network port in use",
        arrange: |folder| Ok(Box::new(TcpListener::bind(("127.0.0.1", port(folder, "/tcp/")?))?)),
        says: &["is in use by another process", "set another port in network.listen"],
        store: false,
    },
    Case {
        what: "a QUIC port in use",
        arrange: |folder| {
            let port = port(folder, "/tcp/")?;
            settings(folder, &format!("/tcp/{port}"), &format!("/udp/{port}/quic-v1"))?;
            Ok(Box::new(UdpSocket::bind(("127.0.0.1", port))?))
        },
        says: &["is in use by another process", "set another port in network.listen"],
        store: false,
    },
    Case {
        what: "a store in use by another process",
        arrange: |folder| {
            let mut other = Node::init(&command::wattswap()?, folder.path())?;
            other.start()?;
            Ok(Box::new(other))
        },
        says: &["is in use: this household runs already", "Stop the other one first"],
        store: false,
    },
    Case {
        what: "a store of a newer version",
        arrange: |folder| {
            let families = rocksdb::DB::list_cf(&rocksdb::Options::default(), folder.store())?;
            let store = rocksdb::DB::open_cf(&rocksdb::Options::default(), folder.store(), families)?;
            Ok(Box::new(store.put(b"format", 999_u32.to_be_bytes())?))
        },
        says: &["the store has format 999", "Install that version or a newer one"],
        store: true,
    },
    Case {
        what: "a damaged table",
        arrange: |folder| flip(&files(folder, ".sst")?),
        says: &["the store is damaged", "bring back the newest copy"],
        store: true,
    },
    Case {
        what: "a damaged write-ahead log",
        arrange: |folder| flip(&files(folder, ".log")?),
        says: &["the store is damaged", "bring back the newest copy"],
        store: true,
    },
    Case {
        what: "a write-ahead log with a wrong length in its middle",
        arrange: |folder| lengthen(&files(folder, ".log")?),
        says: &["the store is damaged", "bring back the newest copy"],
        store: true,
    },
    Case {
        what: "a manifest that is cut off",
        arrange: |folder| {
            let path = folder.store().join(fs::read_to_string(folder.store().join("CURRENT"))?.trim());
            let length = fs::metadata(&path)?.len();
            done(fs::File::options().write(true).open(path)?.set_len(length / 3))
        },
        says: &["the store is damaged", "bring back the newest copy"],
        store: true,
    },
    Case {
        what: "nonsense in CURRENT",
        arrange: |folder| done(fs::write(folder.store().join("CURRENT"), "nonsense")),
        says: &["the store is damaged", "bring back the newest copy"],
        store: true,
    },
    Case {
        what: "no CURRENT",
        arrange: |folder| done(fs::remove_file(folder.store().join("CURRENT"))),
        says: &["the store is damaged", "CURRENT is missing"],
        store: true,
    },
];

#[test]
fn what_stands_in_the_way_of_a_start_is_named_and_nothing_is_lost() -> Outcome {
    let program = command::wattswap()?;
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada"])?;
    let good = lane.folder().join("good");
    let node = lane.node(0);
    // Two runs, so that there are tables as well as a log; the second one ends as in a power cut.
    let mut acknowledged = Vec::new();
    for run in 0..2 {
        node.start()?;
        node.until_ready(CONNECT)?;
        acknowledged.extend(place_some(&node.client(), &format!("run-{run}"), 20)?);
        if run == 0 { node.stop().map(drop)? } else { node.kill() }
    }
    copy(node.folder().path(), &good)?;
    for case in CASES {
        try_case(&program, &case, node.folder(), &Folder::new(&good), &acknowledged)
            .map_err(|error| format!("{}: {error}", case.what))?;
    }
    Ok(())
}

fn try_case(program: &Path, case: &Case, folder: &Folder, good: &Folder, acknowledged: &[String]) -> Outcome {
    // For a household that is there already this changes nothing.
    let mut node = Node::init(program, folder.path())?;
    let bring_back = || -> io::Result<()> {
        fs::remove_dir_all(folder.store())?;
        copy(&good.store(), &folder.store())
    };
    if case.store {
        // As it was after the power cut, with the newest orders in the write-ahead log alone.
        bring_back()?;
    }
    let in_the_way = (case.arrange)(folder)?;
    // Twice: the first try changes nothing for the better or the worse.
    for _ in 0..2 {
        let error = refusal(&mut node)?;
        let missing = case.says.iter().find(|text| !error.contains(*text));
        if let Some(missing) = missing {
            return Err(format!("{missing:?} is not in: {error}").into());
        }
    }
    drop(in_the_way);
    for file in [Folder::key, Folder::charter, Folder::config] {
        fs::copy(file(good), file(folder))?;
    }
    if case.store {
        bring_back()?;
    }
    node.start()?;
    node.until_ready(CONNECT)?;
    let client = node.client();
    acknowledged.iter().try_for_each(|id| client.order(id).map(drop))?;
    node.stop()?;
    Ok(())
}

/// What a node says that does not start.
fn refusal(node: &mut Node) -> Outcome<String> {
    let log = node.log_path();
    let said_before = fs::read_to_string(&log).unwrap_or_default().len();
    match node.start() {
        Err(NodeError::Ended { status, .. }) if status.code().is_some_and(|code| code != 0) => {
            let said = fs::read_to_string(&log)?;
            Ok(said[said_before..].to_owned())
        }
        Err(NodeError::Ended { status, log, .. }) => Err(format!("it ended with {status}: {log}").into()),
        Err(error) => Err(error.into()),
        Ok(()) => Err("it started".into()),
    }
}

#[test]
fn a_log_that_was_cut_off_is_gone_on_with_in_a_new_one() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.start()?;
    lane.until_connected()?;
    let [ada, ben] = lane.nodes() else { unreachable!("two were founded") };
    let (ada, ben) = (ada.client(), ben.client());
    let slot = ada.slots()?.swap_remove(100);
    for number in 0..10 {
        ada.place(&format!("order-{number}"), &Wish::sell(&slot, 100, "0.2"))?;
    }
    ben.until_asked(&slot, WattHours(1_000))?;
    lane.node(0).kill();
    for log in files(lane.nodes()[0].folder(), ".log")? {
        // Whole batches are gone: nothing in the store itself shows that it once held more.
        let bytes = fs::read(&log)?;
        fs::write(&log, &bytes[..bytes.len() / 2])?;
    }
    lane.node(0).start()?;
    // Ben shows Ada what she forgot; what she had offered is withdrawn, and she trades on.
    trades_on(&lane, &slot)
}

#[test]
fn a_lost_store_is_gone_on_without_on_its_owners_word() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada", "Ben"])?;
    lane.start()?;
    lane.until_connected()?;
    let [ada, ben] = lane.nodes() else { unreachable!("two were founded") };
    let slot = ada.client().slots()?.swap_remove(100);
    ada.client().place("order", &Wish::sell(&slot, 1_000, "0.2"))?;
    ben.client().until_asked(&slot, WattHours(1_000))?;
    lane.node(0).kill();
    lane.node(1).stop()?;
    fs::remove_dir_all(lane.nodes()[0].folder().store())?;
    lane.nodes()[0].call(&["init"])?;
    // Nobody is there who could show her what she lost.
    lane.node(0).start_restored()?;
    lane.node(1).start()?;
    trades_on(&lane, &slot)
}

/// Nothing of what Ada had offered is for sale any more, and she sells anew.
fn trades_on(lane: &Neighbourhood, slot: &str) -> Outcome {
    let [ada, ben] = lane.nodes() else { unreachable!("two were founded") };
    let (ada, ben) = (ada.client(), ben.client());
    ben.until_asked(slot, WattHours(0))?;
    let order = ada.place("again", &Wish::sell(slot, 300, "0.2"))?;
    ben.until_asked(slot, WattHours(300))?;
    ben.place("take", &Wish::buy(slot, 300, "0.2"))?;
    ada.until_filled(&order, WattHours(300))?;
    Ok(())
}

/// KiB of the disk that is soon full, and of the one that has room.
const DISKS: [u32; 2] = [8 * 1024, 256 * 1024];

#[test]
fn a_full_disk_stops_the_node_and_loses_nothing() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada"])?;
    let node = lane.node(0);
    let disk = match SmallDisk::mount(&node.folder().store(), DISKS[0]) {
        Ok(disk) => disk,
        Err(error) => {
            eprintln!("skipped: this system lets us mount no disk of our own: {error}");
            return Ok(());
        }
    };
    disk.carry(node);
    let held = fill_up(node)?;
    // Still full, to the last byte: it says the same at the start.
    disk.fill()?;
    refusal(node).and_then(|said| says_that_it_is_full(&said))?;
    disk.resize(DISKS[1])?;
    held.is_all_there(node)
}

#[test]
fn a_file_that_may_not_grow_stops_the_node_and_loses_nothing() -> Outcome {
    let mut lane = Neighbourhood::found(&Rules::usual(), &["Ada"])?;
    let node = lane.node(0);
    // Without the trap, the system would kill the node instead of refusing the write. The blocks have 512 bytes.
    let limited = |blocks: u32| format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    node.run_by(["sh", "-c", &limited(2_048)]);
    let held = fill_up(node)?;
    node.run_by(["sh", "-c", &limited(0)]);
    node.launch(&[])?;
    assert!(!node.until_ended(SOON)?.success(), "where nothing can be written, no node can start");
    node.run_by([""; 0]);
    held.is_all_there(node)
}

/// What a node acknowledged before its disk was full.
#[derive(Default)]
struct Acknowledged {
    orders: Vec<String>,
    readings: usize,
}

/// Starts a node and gives it orders and readings until it can take no more, and says so.
fn fill_up(node: &mut Node) -> Outcome<Acknowledged> {
    node.start()?;
    node.until_ready(CONNECT)?;
    let client = node.client();
    let mut held = Acknowledged::default();
    let refused = loop {
        assert!(held.orders.len() < 500, "the disk was never full");
        match held.add(&client) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(held.orders.len() > 5 && held.readings > 0, "the disk was full at once");
    // Either it still says so itself, or it has gone.
    let is_clear = match &refused {
        RequestError::Refused(problem) => problem.code == Code::StoreFailed,
        other => matches!(other, RequestError::NoAnswer { .. }),
    };
    assert!(is_clear, "{refused}");
    let status = node.until_ended(SOON)?;
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    says_that_it_is_full(&node.log_end())?;
    Ok(held)
}

fn says_that_it_is_full(said: &str) -> Outcome {
    let is_said = said.contains("the disk is full") && said.contains("free some space and start the node again");
    if is_said { Ok(()) } else { Err(said.into()) }
}

impl Acknowledged {
    /// One order and some hundred readings; what is acknowledged is counted at once.
    fn add(&mut self, client: &Client) -> Result<(), RequestError> {
        let round = self.orders.len();
        self.orders.extend(place_some(client, &format!("round-{round}"), 1)?);
        let row = |number: usize| {
            let (minute, second) = (number / 60 % 60, number % 60);
            let at = format!("2026-01-{:02}T12:{minute:02}:{second:02}Z", 1 + round % 28);
            json!({ "meter": format!("m{}", round / 28), "at": at, "import_wh": number, "export_wh": 0 })
        };
        let rows: Vec<_> = (0..500).map(row).collect();
        let answer: Verdicts = client.post("/readings", &[], &json!({ "readings": rows }))?;
        let is_kept = |verdict: &&Verdict| matches!(verdict, Verdict::Accepted | Verdict::Quarantined { .. });
        self.readings += answer.verdicts.iter().filter(is_kept).count();
        Ok(())
    }

    /// Starts the node, which has room now, and looks for everything.
    fn is_all_there(&self, node: &mut Node) -> Outcome {
        node.start()?;
        node.until_ready(CONNECT)?;
        let client = node.client();
        self.orders.iter().try_for_each(|id| client.order(id).map(drop))?;
        let held = client.list("/readings", usize::MAX, |page: ReadingPage| (page.readings, page.next))?.len();
        assert!(held >= self.readings, "{} readings were acknowledged, {held} are held", self.readings);
        place_some(&client, "afterwards", 1)?;
        Ok(())
    }
}

fn place_some(client: &Client, name: &str, count: usize) -> Result<Vec<String>, RequestError> {
    let slots = client.slots()?;
    let place = |number: usize| client.place(&format!("{name}-{number}"), &Wish::sell(&slots[20 + number], 10, "0.25"));
    (0..count).map(place).collect()
}

fn done(result: io::Result<()>) -> Outcome<Box<dyn Any>> {
    Ok(result.map(|()| Box::new(()))?)
}

fn settings(folder: &Folder, from: &str, to: &str) -> Outcome<Box<dyn Any>> {
    let text = fs::read_to_string(folder.config())?;
    assert!(text.contains(from), "{text}");
    done(fs::write(folder.config(), text.replace(from, to)))
}

/// The number that stands behind this in the settings.
fn port(folder: &Folder, before: &str) -> Outcome<u16> {
    let text = fs::read_to_string(folder.config())?;
    let (_, rest) = text.split_once(before).ok_or("no such setting")?;
    Ok(rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse()?)
}

/// The store's files with this ending that hold anything.
fn files(folder: &Folder, ending: &str) -> Outcome<Vec<PathBuf>> {
    let files = fs::read_dir(folder.store())?.map(|file| file.map(|file| file.path()));
    let mut files = files.collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| {
        file.to_string_lossy().ends_with(ending) && fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0)
    });
    if files.is_empty() { Err(format!("there is no {ending} file").into()) } else { Ok(files) }
}

/// Flips a bit near the start of each file.
fn flip(files: &[PathBuf]) -> Outcome<Box<dyn Any>> {
    for file in files {
        let mut bytes = fs::read(file)?;
        let at = bytes.len() / 3;
        bytes[at] ^= 0x40;
        fs::write(file, bytes)?;
    }
    done(Ok(()))
}

/// Makes a record in the middle of each write-ahead log longer than the file: it looks like a last one that is torn.
fn lengthen(logs: &[PathBuf]) -> Outcome<Box<dyn Any>> {
    for log in logs {
        let mut bytes = fs::read(log)?;
        // The records of one block: checksum (4 bytes), length (2), kind (1), and what is written.
        let mut at = 0;
        while at < bytes.len().min(32 * 1024) / 2 {
            at += 7 + usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        }
        bytes[at + 5] |= 0x7f;
        fs::write(log, bytes)?;
    }
    done(Ok(()))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() { copy(&file.path(), &to)? } else { fs::copy(file.path(), to).map(drop)? }
    }
    Ok(())
}
