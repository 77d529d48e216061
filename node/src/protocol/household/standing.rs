//! May this household sign anything now?

use super::Household;
use super::io::{Event, Halt, Output, Standing};
use crate::protocol::ids::{Head, MemberKey};
use crate::protocol::limits::PEERS_TO_COMPARE;

impl Household {
    /// Whether anything may be signed. Until then commands wait, durably.
    pub(crate) fn can_sign(&self) -> bool {
        self.standing == Standing::Trading
    }

    /// A peer has shown which entries of ours it holds. If the store lacks one of them, then it is not the newest, and
    /// to go on would fork our own log.
    pub(super) fn compare_own(&mut self, peer: MemberKey, heads: &[Head]) {
        let own = heads.iter().filter(|head| head.log.author == self.me);
        let lost = own.into_iter().any(|head| self.logs.id(&head.log, head.seq) != Some(head.id));
        if lost {
            self.out.push_back(Output::Halt(Halt::StoreNotNewest { peer }));
            return;
        }
        self.compared_with.insert(peer);
    }

    /// Finds out where the household stands, and tells the owner when that changed.
    pub(super) fn update_standing(&mut self) {
        let standing = self.find_standing();
        if standing != self.standing {
            self.standing = standing;
            self.tell(Event::Standing(standing));
            self.serve_everything_again();
        }
    }

    fn find_standing(&self) -> Standing {
        let (_, charter) = self.chain.in_force();
        if charter.member(&self.me).is_none() {
            return Standing::NotAMember;
        }
        if self.fold.is_convicted(&self.me) {
            return Standing::Convicted;
        }
        let needed = PEERS_TO_COMPARE.min(charter.members.len() - 1);
        if self.compared_with.len() < needed {
            return Standing::Comparing { missing: needed - self.compared_with.len() };
        }
        let ahead = self.peers.clock_ahead(self.now);
        if ahead > charter.clock_skew {
            return Standing::ClockAhead { millis: u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX) };
        }
        Standing::Trading
    }

    /// Commands that waited are carried out: orders to post, and orders to close.
    fn serve_everything_again(&mut self) {
        self.to_serve.extend(self.requests.live().map(|request| request.id));
        let ended: Vec<_> = self.requests.ended_with_orders().map(|request| request.id).collect();
        ended.into_iter().for_each(|id| self.requests.touch(id));
    }
}
