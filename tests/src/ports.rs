//! Ports on loopback that nobody uses just now.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Tries to find a port that is free for TCP and for UDP.
const TRIES: usize = 100;

/// So many ports, all different, free for TCP and for UDP at this moment. Somebody else may still take one before it
/// is used; then the node that wanted it says so.
///
/// # Errors
/// What the system says if it has no more.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    // All are held until the last one is found, so that they differ.
    let held = (0..count).map(|_| hold()).collect::<io::Result<Vec<_>>>()?;
    held.iter().map(|(tcp, _)| tcp.local_addr().map(|address| address.port())).collect()
}

fn hold() -> io::Result<(TcpListener, UdpSocket)> {
    let mut last = None;
    for _ in 0..TRIES {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        match UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}
