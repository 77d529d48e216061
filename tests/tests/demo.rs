//! The demo, stopped as people stop it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use wattswap_tests::command;

#[test]
fn ctrl_c_stops_trading_and_compares_the_records() {
    let mut command = Command::new(command::beside("demo").unwrap());
    // Slots of four seconds: the first trades come soon.
    command.args(["--households", "6", "--slot", "4"]).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut demo = command.spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(" sells ")), "it ended before anybody traded");
    // What a terminal does at Ctrl-C: everybody in the group gets it.
    let group = Pid::from_child(&demo);
    kill_process_group(group, Signal::INT).unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(demo.wait().unwrap().success(), "{rest:?}");
    let last = rest.last().unwrap();
    assert!(last.contains("both parties hold each of them"), "{last}");
}
