//! Several households of one community, each a process.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::command::{self, CallError};
use crate::node::{Node, NodeError};
use crate::ports;
use crate::records::{self, Record, Total};
use crate::wait;

/// Nodes find each other on loopback in moments; a busy machine gets its time.
pub const CONNECT: Duration = Duration::from_secs(60);

/// A community's rules as its template says them. What is not in here has the usual value.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Length of a slot on the clock, as `10 s`.
    pub slot: String,
    /// The delivery time that it stands for.
    pub delivery: String,
    /// How long before delivery a slot opens.
    pub opening: String,
    /// How long after delivery its gate closes.
    pub gate: String,
    /// How long a proposal can be answered.
    pub proposal_lifetime: String,
    /// How far clocks may be apart.
    pub clock_skew: String,
}

/// Households on this machine, in a folder that goes when this goes. Their processes go with it.
pub struct Neighbourhood {
    /// Dropped, and so killed, before their folder is removed.
    nodes: Vec<Node>,
    folder: TempDir,
}

/// Why a neighbourhood can't be made.
#[derive(Debug, thiserror::Error)]
pub enum NeighbourhoodError {
    /// See [`CallError`].
    #[error(transparent)]
    Call(#[from] CallError),
    /// See [`NodeError`].
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Folders, files or ports.
    #[error("can't make a neighbourhood: {0}")]
    Io(#[from] io::Error),
}

impl Rules {
    /// The usual rules, with proposals that are settled quickly, as all clocks are this machine's.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            slot: "15 min".to_owned(),
            delivery: "15 min".to_owned(),
            opening: "48 h".to_owned(),
            gate: "60 min".to_owned(),
            proposal_lifetime: "3 s".to_owned(),
            clock_skew: "1 s".to_owned(),
        }
    }

    /// The usual rules on a faster clock: quarter-hours that pass in so many seconds.
    #[must_use]
    pub fn time_lapse(slot_seconds: u32) -> Self {
        // As many slots ahead and behind as the usual rules have: 192 and 4.
        let seconds = |slots: u32| format!("{} s", slots * slot_seconds);
        Self { slot: seconds(1), opening: seconds(192), gate: seconds(4), ..Self::usual() }
    }

    fn template(&self, members: &[(&str, &str)]) -> String {
        let Self { slot, delivery, opening, gate, proposal_lifetime, clock_skew } = self;
        let mut text = format!(
            "name = \"Loopback Lane\"\n[slots]\nlength = \"{slot}\"\ndelivery = \"{delivery}\"\nopening = \"{opening}\"\n\
             gate = \"{gate}\"\n[times]\nproposal_lifetime = \"{proposal_lifetime}\"\nclock_skew = \"{clock_skew}\"\n"
        );
        for (index, (key, name)) in members.iter().enumerate() {
            let operator = index == 0;
            text.push_str(&format!("[[members]]\nkey = \"{key}\"\nname = \"{name}\"\noperator = {operator}\n"));
        }
        text
    }
}

impl Neighbourhood {
    /// Makes a household for each name, and a charter with all of them, made by the first. None runs yet.
    ///
    /// # Errors
    /// [`NeighbourhoodError`].
    pub fn found(rules: &Rules, names: &[&str]) -> Result<Self, NeighbourhoodError> {
        Self::found_with(&command::wattswap()?, rules, names)
    }

    /// As [`Neighbourhood::found`], with members of whom there is only a key, in hexadecimal.
    ///
    /// # Errors
    /// [`NeighbourhoodError`].
    pub fn found_among(rules: &Rules, names: &[&str], absent: &[String]) -> Result<Self, NeighbourhoodError> {
        Self::found_by(&command::wattswap()?, rules, names, absent)
    }

    /// As [`Neighbourhood::found`], of another program than the one that ships.
    ///
    /// # Errors
    /// [`NeighbourhoodError`].
    pub fn found_with(program: &Path, rules: &Rules, names: &[&str]) -> Result<Self, NeighbourhoodError> {
        Self::found_by(program, rules, names, &[])
    }

    fn found_by(program: &Path, rules: &Rules, names: &[&str], absent: &[String]) -> Result<Self, NeighbourhoodError> {
        let folder = tempfile::Builder::new().prefix("wattswap-").tempdir()?;
        let node = |index: usize| Node::init(program, &folder.path().join(format!("household-{}", index + 1)));
        let nodes = (0..names.len()).map(node).collect::<Result<Vec<_>, _>>()?;
        let present = nodes.iter().map(Node::member).zip(names.iter().copied());
        let members: Vec<(&str, &str)> = present.chain(absent.iter().map(|key| (key.as_str(), "Absent"))).collect();
        let template = folder.path().join("lane.toml");
        fs::write(&template, rules.template(&members))?;
        let (template, charter) = (text(&template), text(&folder.path().join("lane.charter")));
        if let Some(founder) = nodes.first() {
            founder.call(&["charter", "make", &template])?;
        }
        let this = Self { nodes, folder };
        this.configure()?;
        this.nodes.iter().try_for_each(|node| node.call(&["init", "--charter", &charter]).map(drop))?;
        Ok(this)
    }

    /// Gives every node ports of its own, and the addresses of the others.
    fn configure(&self) -> io::Result<()> {
        let ports = ports::free(2 * self.nodes.len())?;
        let (http, network) = ports.split_at(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let others = network.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<String> = others.map(|(_, port)| format!("\"/ip4/127.0.0.1/tcp/{port}\"")).collect();
            configure(node, &[http[index], network[index]], &others)?;
        }
        Ok(())
    }

    /// Has a household that does not run listen over QUIC too, at the port that it has for TCP. Gives the place.
    ///
    /// # Errors
    /// If its configuration is not as it was made here.
    pub fn listen_over_quic_too(&self, index: usize) -> io::Result<SocketAddr> {
        let file = self.nodes[index].folder().config();
        let config = fs::read_to_string(&file)?;
        let tcp = config.lines().find_map(|line| line.strip_prefix("listen = [\"")?.strip_suffix("\"]"));
        let tcp = tcp.ok_or_else(|| io::Error::other("it listens at one address"))?;
        let port = tcp.rsplit('/').next().and_then(|port| port.parse().ok());
        let port: u16 = port.ok_or_else(|| io::Error::other("an address ends with its port"))?;
        let both = format!("{tcp}\", \"/ip4/127.0.0.1/udp/{port}/quic-v1");
        fs::write(&file, config.replacen(tcp, &both, 1))?;
        Ok((Ipv4Addr::LOCALHOST, port).into())
    }

    /// The folder with a folder for each household.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder stays when this goes: after a failure the logs are what counts.
    pub fn keep_folder(&mut self) -> &Path {
        self.folder.disable_cleanup(true);
        self.folder.path()
    }

    /// The households, in the order of their names.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The households, in the order of their names.
    pub fn nodes_mut(&mut self) -> &mut [Node] {
        &mut self.nodes
    }

    /// Makes one more household, that knows the addresses of those that run. It is in no charter yet.
    ///
    /// # Errors
    /// [`NeighbourhoodError`].
    pub fn add(&mut self) -> Result<&mut Node, NeighbourhoodError> {
        let node =
            Node::init(&command::wattswap()?, &self.folder.path().join(format!("household-{}", self.nodes.len() + 1)))?;
        let known = self.nodes.iter().filter_map(|node| node.status().ok()).flat_map(|status| status.addresses);
        let known: Vec<String> = known.map(|address| format!("{address:?}")).collect();
        configure(&node, &ports::free(2)?, &known)?;
        self.nodes.push(node);
        Ok(self.nodes.last_mut().expect("it was pushed a moment ago"))
    }

    /// Waits until the records of all nodes that were started and not stopped agree, and says what was traded.
    ///
    /// # Errors
    /// [`InVain`](crate::wait::InVain) with the last contradictions.
    pub fn until_agreed(&self, limit: Duration) -> Result<Total, wait::InVain> {
        wait::until("all records agree", limit, || {
            let there = self.nodes.iter().filter(|node| node.pid().is_some());
            let all = there.map(Record::of).collect::<Result<Vec<_>, _>>();
            records::compare(&all.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
        })
    }

    /// One household.
    pub fn node(&mut self, index: usize) -> &mut Node {
        &mut self.nodes[index]
    }

    /// Starts all nodes that do not run, side by side, and waits until all are ready.
    ///
    /// # Errors
    /// [`NodeError`] of the first that is not.
    pub fn start(&mut self) -> Result<(), NodeError> {
        self.start_some(self.nodes.len())
    }

    /// As [`Neighbourhood::start`], for the first so many nodes alone.
    ///
    /// # Errors
    /// [`NodeError`] of the first that is not ready.
    pub fn start_some(&mut self, count: usize) -> Result<(), NodeError> {
        let nodes = &mut self.nodes[..count];
        for node in nodes.iter_mut() {
            if !node.is_running() {
                node.launch(&[])?;
            }
        }
        nodes.iter_mut().try_for_each(|node| node.until_ready(CONNECT))
    }

    /// Waits until every node that runs is connected to all others that run.
    ///
    /// # Errors
    /// [`NodeError`] of the first that is not.
    pub fn until_connected(&mut self) -> Result<(), NodeError> {
        let running = self.nodes.iter_mut().filter_map(|node| node.is_running().then_some(())).count();
        let others = u32::try_from(running.saturating_sub(1)).unwrap_or(u32::MAX);
        for node in self.nodes.iter_mut() {
            if node.is_running() {
                node.until("it is connected to all others", CONNECT, |node| match node.status() {
                    Ok(status) if status.peers_connected >= others => Ok(()),
                    Ok(status) => Err(format!("{} of {others} connected", status.peers_connected)),
                    Err(error) => Err(error.to_string()),
                })?;
            }
        }
        Ok(())
    }

    /// Waits until all nodes that run show the same book.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn until_same_book(&mut self, limit: Duration) -> Result<(), NodeError> {
        let running: Vec<usize> = (0..self.nodes.len()).filter(|index| self.nodes[*index].is_running()).collect();
        let Some((first, rest)) = running.split_first() else { return Ok(()) };
        for other in rest {
            let client = self.nodes[*first].client();
            self.nodes[*other].until("it shows the same book", limit, |node| {
                let digest = |status: wattswap_api::dto::community::Status| status.book_digest.to_string();
                let reference = client.get("/status").map(digest).map_err(|error| error.to_string())?;
                let own = node.status().map(digest).map_err(|error| error.to_string())?;
                if own == reference { Ok(()) } else { Err(format!("{own} and not {reference}")) }
            })?;
        }
        Ok(())
    }

    /// Tells all nodes to stop, and waits until they have.
    ///
    /// # Errors
    /// [`NodeError`] of the first that does not.
    pub fn stop(&mut self) -> Result<(), NodeError> {
        for node in &mut self.nodes {
            if node.is_running() {
                node.stop()?;
            }
        }
        Ok(())
    }
}

/// Gives a node its ports, for HTTP and for the network, and the addresses of others.
fn configure(node: &Node, ports: &[u16], others: &[String]) -> io::Result<()> {
    let [http, network] = ports else { return Err(io::ErrorKind::InvalidInput.into()) };
    let config = format!(
        "[http]\nlisten = \"127.0.0.1:{http}\"\n[network]\nlisten = [\"/ip4/127.0.0.1/tcp/{network}\"]\n\
         bootstrap = [{}]\nmdns = false\n",
        others.join(", ")
    );
    fs::write(node.folder().config(), config)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
