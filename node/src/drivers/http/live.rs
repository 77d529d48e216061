//! News of the household, as the live stream of the HTTP face wants them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;
use wattswap_api::events::Events;
use wattswap_api::port;
use wattswap_matching::{Slot, UtcMillis};

use super::convert;
use crate::drivers::network::View;
use crate::drivers::run::Watch;
use crate::drivers::snapshot::{Published, Snapshot};
use crate::protocol::household::io::Event;

/// Tells news to everybody who watches the live stream.
pub struct News {
    events: Arc<Events>,
    network: watch::Receiver<Arc<View>>,
    started_at: UtcMillis,
}

impl News {
    /// News for these watchers.
    #[must_use]
    pub fn new(events: Arc<Events>, network: watch::Receiver<Arc<View>>, started_at: UtcMillis) -> Self {
        Self { events, network, started_at }
    }

    fn status(&self, snapshot: &Snapshot) -> port::Event {
        let network = self.network.borrow().clone();
        port::Event::Status(convert::status(snapshot, &network, self.started_at, false))
    }
}

impl Watch for News {
    fn event(&mut self, event: &Event, published: &Published) {
        let snapshot = &*published.get();
        let network = || self.network.borrow().clone();
        let news = match event {
            Event::Request(request) => Some(port::Event::Order(convert::request(request, &snapshot.charter))),
            Event::Trade(trade) => Some(port::Event::Trade(convert::trade(trade, snapshot))),
            Event::Peer { key, connected } => {
                let peer = convert::peer(key, snapshot, &network());
                peer.map(|peer| port::Event::Peer(convert::connected(peer, *connected, snapshot.at)))
            }
            Event::Convicted { key, of } => {
                let peer = convert::peer(key, snapshot, &network());
                let convicted_of = Some(convert::contradiction(*of));
                peer.map(|peer| port::Event::Peer(port::Peer { convicted_of, ..peer }))
            }
            Event::Charter => Some(self.status(snapshot)),
            Event::Standing(standing) => {
                let mut newer = Snapshot::clone(snapshot);
                newer.status.standing = *standing;
                Some(self.status(&newer))
            }
        };
        if let Some(news) = news {
            self.events.publish(news);
        }
    }

    fn slots(&mut self, changed: &BTreeSet<Slot>, published: &Published) {
        let snapshot = published.get();
        for slot in changed {
            self.events.publish(port::Event::Slot(convert::summary(*slot, &snapshot.charter, &published.book(*slot))));
        }
    }
}
