//! Operators' seals: a member that left, has to go, or keeps silent gets its logs ended where the operator holds them to.
//!
//! It is what `wattswap charter seal` does. Who is sealed may not hear of it, and go on beyond the seal.

use std::time::Duration;

use wattswap_node::protocol::charter::Act;
use wattswap_node::protocol::ids::Head;

use super::options::Trouble;
use super::street::Street;
use super::troubles::{End, Later, OPERATOR, Troubles, leave};

/// A household with more logs than this is left alone: it has only so many, and disks that are put back cost it some too.
pub(super) const MOST_LOGS: usize = 6;

impl Troubles {
    /// Why a member's logs are ended, and when.
    pub(super) fn seal(&mut self, home: usize, street: &mut Street) -> Later {
        if home == OPERATOR {
            return Vec::new();
        }
        let after = self.lasts(Trouble::Seal);
        let seal = (after, End::Seal(home));
        match self.stream(Trouble::Seal).below(4) {
            // It is switched off, and turns up again.
            0 if street.is_running(home) => {
                street.stop(home);
                vec![seal, (after * 2, End::Start(home))]
            }
            // Only the operator does not hear it: it goes on with the others.
            1 => {
                let links = vec![(home, OPERATOR), (OPERATOR, home)];
                links.iter().for_each(|(from, to)| street.cut(*from, *to));
                vec![seal, (after * 2, End::Reach(links))]
            }
            2 => {
                leave(home, street);
                vec![seal]
            }
            // Somebody left before.
            3 => {
                let homes = street.homes();
                let gone = (home..home + homes).map(|other| other % homes).find(|other| !street.is_member(*other));
                gone.map(|gone| (Duration::ZERO, End::Seal(gone))).into_iter().collect()
            }
            _ => vec![seal],
        }
    }
}

impl Street {
    /// The operator ends all logs of a household where its own holds them to, unless they end there already.
    pub fn seal_logs(&mut self, home: usize) {
        let key = self.key(home);
        let Some(household) = self.household(OPERATOR) else { return };
        let ends: Vec<Head> = household.heads().filter(|head| head.log.author == key).collect();
        let is_sealed = |end: &Head| household.chain().seals().any(|seal| seal.log == end.log && seal.seq <= end.seq);
        if ends.len() <= MOST_LOGS && !ends.iter().all(is_sealed) {
            self.sign_record(Act::Seals(ends));
        }
    }
}
