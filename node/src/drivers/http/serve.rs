//! The HTTP face on a socket, with TLS where the owner has set a certificate.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;

use super::seats::Seats;
use crate::config::Http;

/// How long connections have to end by themselves when the node stops.
const GRACE: Duration = Duration::from_secs(3);
/// A caller must have sent the head of its request by then, or it loses its seat. So HTTP/1.1 is all that is spoken: who is to
/// tell versions apart waits for a first byte without any limit.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else has the port.
    #[error("{0} is in use by another program; set http.listen to another port, or stop that program")]
    InUse(SocketAddr),
    /// The address is not one of this machine's, or needs more rights.
    #[error("can't listen on {address}: {source}; check http.listen")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Certificate or key can't be used.
    #[error("can't use http.certificate and http.key: {0}")]
    Tls(io::Error),
}

/// A running server.
pub struct Server {
    handle: Handle<SocketAddr>,
    address: SocketAddr,
    is_tls: bool,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Serves `router`.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn start(settings: &Http, router: Router) -> Result<Self, ServeError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServeError::InUse(settings.listen),
            _ => ServeError::Listen { address: settings.listen, source },
        };
        let listener = TcpListener::bind(settings.listen).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let handle = Handle::new();
        let service = router.into_make_service();
        let task = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => {
                // Fails only if a provider is installed already, which is then the same one.
                let _installed = rustls::crypto::ring::default_provider().install_default();
                let tls = RustlsConfig::from_pem_file(certificate, key).await.map_err(ServeError::Tls)?;
                let mut offered = rustls::ServerConfig::clone(&tls.get_inner());
                offered.alpn_protocols = vec![b"http/1.1".to_vec()];
                tls.reload_from_config(Arc::new(offered));
                let mut server =
                    axum_server::from_tcp_rustls(listener, tls).map_err(failed)?.map(Seats::new).http1_only();
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
                tokio::spawn(server.handle(handle.clone()).serve(service))
            }
            _ => {
                let mut server = axum_server::from_tcp(listener).map_err(failed)?.map(Seats::new).http1_only();
                server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
                tokio::spawn(server.handle(handle.clone()).serve(service))
            }
        };
        Ok(Self { handle, address, is_tls: settings.is_tls(), task })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.address)
    }

    /// Takes no more requests, and waits for those that are under way.
    pub async fn stop(&mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the HTTP server ended badly");
        }
    }
}
