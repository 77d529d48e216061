//! Who reaches whom: connections, cuts and clogs of every pair of households, in each direction.

use wattswap_matching::UtcMillis;

/// Connections of a node at the most, as the real node's `network/behaviour.rs` has it.
const MAX_CONNECTIONS: usize = 512;

/// One direction between two households.
#[derive(Clone, Copy, Default)]
pub struct Link {
    /// Faults that cut it just now: partitions may overlap.
    pub cuts: u16,
    /// What is sent waits until then.
    pub clogged_until: UtcMillis,
    /// A connection is open.
    pub connected: bool,
    /// The sender was told that it is.
    pub told: bool,
    /// The two don't try of their own accord: each has peers enough.
    pub apart: bool,
}

/// All of them.
pub struct Links {
    homes: usize,
    links: Vec<Link>,
}

impl Links {
    /// Nobody is connected, nothing is cut.
    #[must_use]
    pub fn new(homes: usize) -> Self {
        Self { homes, links: vec![Link::default(); homes * homes] }
    }

    /// The way from one household to another.
    #[must_use]
    pub fn get(&self, from: usize, to: usize) -> &Link {
        &self.links[from * self.homes + to]
    }

    /// The way from one household to another, to change it.
    pub fn get_mut(&mut self, from: usize, to: usize) -> &mut Link {
        &mut self.links[from * self.homes + to]
    }

    /// Whether something is cut between the two, either way.
    #[must_use]
    pub fn is_cut(&self, one: usize, other: usize) -> bool {
        self.get(one, other).cuts + self.get(other, one).cuts > 0
    }

    /// Whether the two could connect just now.
    #[must_use]
    pub fn is_possible(&self, one: usize, other: usize) -> bool {
        !self.is_cut(one, other) && !self.get(one, other).apart
    }

    /// From now on only these pairs ever connect.
    pub fn keep_only(&mut self, pairs: &[(usize, usize)]) {
        self.links.iter_mut().for_each(|link| link.apart = true);
        for (one, other) in pairs {
            self.get_mut(*one, *other).apart = false;
            self.get_mut(*other, *one).apart = false;
        }
    }

    /// The two may connect from now on, unless one of them has as many connections as a node has at the most.
    pub fn let_try(&mut self, one: usize, other: usize) {
        let connections = |home: usize| (0..self.homes).filter(|peer| self.get(home, *peer).connected).count();
        if connections(one).max(connections(other)) < MAX_CONNECTIONS {
            self.get_mut(one, other).apart = false;
            self.get_mut(other, one).apart = false;
        }
    }

    /// Opens or closes the connection between two; says whether that changed anything.
    pub fn set_connected(&mut self, one: usize, other: usize, connected: bool) -> bool {
        let changed = self.get(one, other).connected != connected;
        self.get_mut(one, other).connected = connected;
        self.get_mut(other, one).connected = connected;
        changed
    }

    /// Ends all cuts and clogs.
    pub fn mend(&mut self) {
        for link in &mut self.links {
            link.cuts = 0;
            link.clogged_until = UtcMillis(0);
        }
    }
}
