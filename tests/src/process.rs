//! What the system knows of a process (Linux: `/proc`).

use std::fs;
use std::io;
use std::time::Duration;

/// `USER_HZ`: Linux shows times to programs in hundredths of a second, whatever it counts in itself.
const TICKS_A_SECOND: u32 = 100;

/// Bytes of memory that it holds.
///
/// # Errors
/// If there is no such process.
pub fn resident_bytes(pid: u32) -> io::Result<u64> {
    memory(pid, "VmRSS:")
}

/// The most bytes of memory that it has held so far.
///
/// # Errors
/// If there is no such process.
pub fn peak_bytes(pid: u32) -> io::Result<u64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, what: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Time of a processor that it has used, all threads together, its own and the system's on its behalf.
///
/// # Errors
/// If there is no such process.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything; `utime` and `stime` are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: Option<Vec<u32>> = fields.skip(11).take(2).map(|field| field.parse().ok()).collect();
    let ticks = ticks.filter(|ticks| ticks.len() == 2).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Duration::from_secs(1) * ticks.iter().sum() / TICKS_A_SECOND)
}
