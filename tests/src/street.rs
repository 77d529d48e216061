//! A street of cables that can be cut: every node in a network of its own, and a router between them that drops what it
//! is told to, in one direction or in both. Nothing goes around it, and connections that are open stay open at both
//! ends, as when somebody pulls the plug further away.
//!
//! Linux does it (network namespaces), for everybody unless somebody has taken that right away; `ip`, `unshare` and
//! `nsenter` have to be there. A process [enters](enter) a street and lays [cables](Street::lay) to the nodes of a
//! neighbourhood. It is itself where the router is, so that it can ask all nodes at any time.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use crate::neighbourhood::Neighbourhood;
use crate::node::Node;

/// A place of one's own, with root's rights there and nowhere else.
const UNSHARE: [&str; 3] = ["--user", "--map-root-user", "--net"];
/// What lets the router pass packets on.
const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";
/// Ports of every node, at an address of its own.
const HTTP: u16 = 8646;
/// For neighbours.
const NETWORK: u16 = 8647;

/// The cables of a neighbourhood. They go with the last process that uses them.
pub struct Street {
    homes: Vec<Home>,
}

/// A network with one cable, that goes to the router.
struct Home {
    /// Keeps the network until its input ends, which it does even if this process is killed.
    holder: Child,
}

/// Whether this system lets us have a street; the reason if not.
///
/// # Errors
/// What `unshare` or `ip` says, or that it is missing.
pub fn is_allowed() -> io::Result<()> {
    let all_it_takes = format!("ip link add type veth && ip rule add from 10.0.0.1 blackhole && echo 1 >{FORWARD}");
    run(Command::new("unshare").args(UNSHARE).args(["sh", "-ec", &all_it_takes]))
}

/// Runs `command` in a new street, in the place of this process. Comes back only with the reason if that can't be done.
pub fn enter(command: &Command) -> io::Error {
    Command::new("unshare").args(UNSHARE).arg(command.get_program()).args(command.get_args()).exec()
}

impl Street {
    /// Lays a cable to each household. None of them runs yet; each gets an address of its own, and those of the others.
    ///
    /// # Errors
    /// If this process is in no street, or `ip` says no.
    pub fn lay(lane: &mut Neighbourhood) -> io::Result<Self> {
        ip(&["link", "set", "lo", "up"])?;
        fs::write(FORWARD, "1")?;
        let count = lane.nodes().len();
        let homes = lane.nodes_mut().iter_mut().enumerate().map(|(number, node)| {
            let home = Home::connect(number)?;
            node.run_by(home.enter());
            configure(node, number, count)?;
            Ok(home)
        });
        Ok(Self { homes: homes.collect::<io::Result<_>>()? })
    }

    /// From now on the router drops what one household sends to another; not what the other one sends back.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn cut(&self, from: usize, to: usize) -> io::Result<()> {
        self.rule("add", from, to)
    }

    /// The router passes it on again.
    ///
    /// # Errors
    /// What `ip` says, also if it was not cut.
    pub fn mend(&self, from: usize, to: usize) -> io::Result<()> {
        self.rule("del", from, to)
    }

    /// Cuts all cables between two groups, both ways.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn part(&self, some: &[usize], others: &[usize]) -> io::Result<()> {
        both_ways(some, others).try_for_each(|(from, to)| self.cut(from, to))
    }

    /// Mends all cables between two groups.
    ///
    /// # Errors
    /// What `ip` says, also if one was not cut.
    pub fn join(&self, some: &[usize], others: &[usize]) -> io::Result<()> {
        both_ways(some, others).try_for_each(|(from, to)| self.mend(from, to))
    }

    fn rule(&self, change: &str, from: usize, to: usize) -> io::Result<()> {
        assert!(from.max(to) < self.homes.len(), "there is no such household");
        ip(&["rule", change, "from", &address(from), "to", &address(to), "blackhole"])
    }
}

impl Home {
    fn connect(number: usize) -> io::Result<Self> {
        // It says so once it is in a network of its own.
        let mut hold = Command::new("unshare");
        hold.args(["--net", "sh", "-c", "echo there && exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut home = Self { holder: hold.spawn()? };
        let mut said = String::new();
        if let Some(output) = home.holder.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        if said.trim() != "there" {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (cable, holder) = (format!("home{number}"), home.holder.id().to_string());
        let (router, address) = (format!("10.77.{number}.1"), address(number));
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", "street", "netns", &holder])?;
        ip(&["address", "add", &format!("{router}/24"), "dev", &cable])?;
        ip(&["link", "set", &cable, "up"])?;
        home.ip(&["link", "set", "lo", "up"])?;
        home.ip(&["address", "add", &format!("{address}/24"), "dev", "street"])?;
        home.ip(&["link", "set", "street", "up"])?;
        home.ip(&["route", "add", "default", "via", &router])?;
        Ok(home)
    }

    fn ip(&self, words: &[&str]) -> io::Result<()> {
        let [enter, arguments @ ..] = self.enter();
        run(Command::new(enter).args(arguments).arg("ip").args(words))
    }

    /// What goes before a command that is to run at home.
    fn enter(&self) -> [String; 4] {
        ["nsenter", "--net", "--target", &self.holder.id().to_string()].map(str::to_owned)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn both_ways(some: &[usize], others: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let pairs = some.iter().flat_map(|one| others.iter().map(move |other| (*one, *other)));
    pairs.flat_map(|(one, other)| [(one, other), (other, one)])
}

fn address(number: usize) -> String {
    format!("10.77.{number}.2")
}

/// The node listens at home alone, and is told where the others are.
fn configure(node: &Node, number: usize, count: usize) -> io::Result<()> {
    let others = (0..count).filter(|other| *other != number);
    let others: Vec<String> = others.map(|other| format!("\"/ip4/{}/tcp/{NETWORK}\"", address(other))).collect();
    let (home, others) = (address(number), others.join(", "));
    let config = format!(
        "[http]\nlisten = \"{home}:{HTTP}\"\nallow_plain = true\n[network]\nmdns = false\n\
         listen = [\"/ip4/{home}/tcp/{NETWORK}\"]\nbootstrap = [{others}]\n"
    );
    fs::write(node.folder().config(), config)
}

/// Changes the network that this process is in.
fn ip(words: &[&str]) -> io::Result<()> {
    run(Command::new("ip").args(words))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?}: {}: {}", output.status, said.trim())))
}
