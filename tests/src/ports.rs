//! Ports on loopback that nobody uses just now.
//!
//! Tests run side by side, each in a process of its own, and a node takes its port only when it starts, or starts again.
//! So that no two of them choose the same port in between, a process claims a whole block of ports, by listening on the
//! first one for as long as it lives, and hands out the others.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// The first port: above what services use, and all blocks lie below the ports (32,768 on) that systems give out.
const FIRST: u16 = 12_000;
/// Ports of a block, the one that claims it included: enough for the nodes of a test.
const BLOCK: u16 = 100;
/// How many blocks there are.
const BLOCKS: u16 = 200;

/// What this process has claimed.
struct Claim {
    /// Listens on the first port of the block.
    _block: TcpListener,
    next: u16,
    end: u16,
}

static CLAIMS: Mutex<Vec<Claim>> = Mutex::new(Vec::new());

/// So many ports, all different, free for TCP and for UDP at this moment, and never handed out before.
///
/// # Errors
/// What the system says if it has no more.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    let mut claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
    (0..count).map(|_| next(&mut claims)).collect()
}

fn next(claims: &mut Vec<Claim>) -> io::Result<u16> {
    loop {
        let Some(claim) = claims.last_mut().filter(|claim| claim.next < claim.end) else {
            claims.push(claim()?);
            continue;
        };
        let port = claim.next;
        claim.next += 1;
        if is_free(port) {
            return Ok(port);
        }
    }
}

fn claim() -> io::Result<Claim> {
    // Processes that start together try different blocks first.
    let start = std::process::id() % u32::from(BLOCKS);
    let start = u16::try_from(start).expect("less than the number of blocks");
    let mut last = None;
    for block in (start..BLOCKS).chain(0..start) {
        let first = FIRST + block * BLOCK;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, first)) {
            Ok(listener) => return Ok(Claim { _block: listener, next: first + 1, end: first + BLOCK }),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
