//! What the demo waits for: trades from the nodes' live streams, and Ctrl-C.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use wattswap_api::dto::trade::Trade;
use wattswap_node::client::Client;
use wattswap_tests::live::LiveEvents;

/// News that wait to be shown; a stream that runs ahead of the screen waits.
const QUEUE: usize = 1024;
/// Before a broken stream is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// Something that happened.
pub(crate) enum News {
    /// A household says that it has traded.
    Trade {
        /// Which household.
        household: usize,
        /// What.
        trade: Box<Trade>,
    },
    /// Ctrl-C, or a request to end.
    Stop,
}

/// Where all news come together.
pub(crate) struct Newsroom {
    sender: SyncSender<News>,
    receiver: Receiver<News>,
    closed: Arc<AtomicBool>,
}

impl Newsroom {
    /// Opens it, and listens for Ctrl-C from now on.
    pub(crate) fn open() -> io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let newsroom = Self { sender, receiver, closed: Arc::default() };
        newsroom.listen_for_stop()?;
        Ok(newsroom)
    }

    /// The next news, if some come in time.
    pub(crate) fn next(&self, wait: Duration) -> Result<News, RecvTimeoutError> {
        self.receiver.recv_timeout(wait)
    }

    /// No more news: streams that break are not opened again.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn listen_for_stop(&self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Both are caught from here on, whether the thread runs yet or not.
        let guard = runtime.enter();
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        drop(guard);
        let sender = self.sender.clone();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            // The other end is only gone when the demo ends anyway.
            let _ = sender.send(News::Stop);
        });
        Ok(())
    }

    /// Follows a household's live stream, and opens it again when it breaks.
    pub(crate) fn follow(&self, household: usize, client: Client) {
        let (sender, closed) = (self.sender.clone(), Arc::clone(&self.closed));
        thread::spawn(move || {
            let mut last = None;
            while !closed.load(Ordering::Acquire) {
                if let Ok(stream) = client.events(last.as_deref()) {
                    for event in LiveEvents::new(stream).map_while(Result::ok) {
                        last = event.id.or(last);
                        if event.kind != "trade" {
                            continue;
                        }
                        let Ok(trade) = serde_json::from_value(event.data) else { continue };
                        if sender.send(News::Trade { household, trade: Box::new(trade) }).is_err() {
                            return;
                        }
                    }
                }
                thread::sleep(PAUSE);
            }
        });
    }
}
