//! Households that cheat: each runs the real software, gets what everybody gets, and besides does what its file says.
//!
//! A cheat has a second log, a newer incarnation of its own key, in which it signs what it likes ([`Pen`]); and it may
//! hear, hold back, change or add whatever goes in and out of its own software. It can't sign for others, and can't
//! reach anybody whom a household in its place could not reach. Checkers judge the honest households around it.

mod after_canceller;
mod backdater;
mod beacon_breaker;
mod colluders;
mod double_answerer;
mod double_filler;
mod driver;
mod eclipser;
mod flooder;
mod forker;
mod garbage_signer;
mod impersonator;
mod malformer;
mod opener;
mod outsider;
mod over_accepter;
mod over_taker;
mod overfiller;
mod pen;
mod postdater;
mod reframer;
mod refuser;
mod replayer;
mod selective;
mod withholder;

use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::charter::Charter;
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::{CharterId, MemberKey};
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::{Signed, Verified};

use super::random::Random;
pub(super) use driver::Adversary;
use pen::Pen;

/// How a household cheats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Shows two versions of an entry.
    Forker,
    /// Gives away more of an order than there is.
    Overfiller,
    /// Gives the same part of an order to everybody who asks.
    DoubleFiller,
    /// Tells the taker another answer than it logs.
    DoubleAnswerer,
    /// Refuses, and fills later.
    Refuser,
    /// Fills when the time is over, dated earlier, behind a beacon.
    Backdater,
    /// Appends before its own beacons.
    BeaconBreaker,
    /// Says again what it and others have said, to anybody, at any time.
    Replayer,
    /// Fills, and keeps the fill to itself for long.
    Withholder,
    /// Tells its news to one neighbour, and passes nothing on.
    Selective,
    /// Sends as much as it can of everything.
    Flooder,
    /// Sends what nobody can read, and what is too long.
    Malformer,
    /// Speaks in others' names.
    Impersonator,
    /// Brings words of keys that are no members.
    Outsider,
    /// Puts others' words into another framing.
    Reframer,
    /// Signs entries badly, and their successors well.
    GarbageSigner,
    /// Stands between a victim and all others but one.
    Eclipser,
    /// Takes for one order of its own from many at once, and shows its copies late or never.
    OverTaker,
    /// Gives an order away after its cancel.
    AfterCanceller,
    /// Opens more logs than anybody needs.
    Opener,
    /// Accepts more than was proposed.
    OverAccepter,
    /// Sells to a neighbour, and later the same to its accomplice, who comes with it.
    Colluder,
    /// Takes for orders of its neighbours'.
    Borrower,
    /// Fills in an entry that is dated ahead, and refuses.
    Postdater,
    /// Takes what a colluder has sold already. It never comes alone, so that commands have no name for it.
    Accomplice,
}

/// Each kind with its name in commands.
pub const KINDS: [(&str, Kind); 24] = [
    ("forker", Kind::Forker),
    ("overfiller", Kind::Overfiller),
    ("double-filler", Kind::DoubleFiller),
    ("double-answerer", Kind::DoubleAnswerer),
    ("refuser", Kind::Refuser),
    ("backdater", Kind::Backdater),
    ("beacon-breaker", Kind::BeaconBreaker),
    ("replayer", Kind::Replayer),
    ("withholder", Kind::Withholder),
    ("selective", Kind::Selective),
    ("flooder", Kind::Flooder),
    ("malformer", Kind::Malformer),
    ("impersonator", Kind::Impersonator),
    ("outsider", Kind::Outsider),
    ("reframer", Kind::Reframer),
    ("garbage-signer", Kind::GarbageSigner),
    ("eclipser", Kind::Eclipser),
    ("over-taker", Kind::OverTaker),
    ("after-canceller", Kind::AfterCanceller),
    ("opener", Kind::Opener),
    ("over-accepter", Kind::OverAccepter),
    ("colluder", Kind::Colluder),
    ("borrower", Kind::Borrower),
    ("postdater", Kind::Postdater),
];

impl Kind {
    /// Whether it contradicts itself, so that it can be convicted.
    #[must_use]
    pub fn contradicts_itself(self) -> bool {
        matches!(
            self,
            Self::Forker
                | Self::Overfiller
                | Self::DoubleFiller
                | Self::DoubleAnswerer
                | Self::Refuser
                | Self::Backdater
                | Self::BeaconBreaker
                | Self::AfterCanceller
                | Self::Opener
                | Self::Colluder
                | Self::Postdater
        )
    }

    /// Who cheats together with it.
    fn accomplice(self) -> Option<Self> {
        (self == Self::Colluder).then_some(Self::Accomplice)
    }

    fn cheat(self) -> Box<dyn Cheat> {
        match self {
            Self::Forker => Box::new(forker::Forker::default()),
            Self::Overfiller => Box::new(overfiller::Overfiller::default()),
            Self::DoubleFiller => Box::new(double_filler::DoubleFiller::default()),
            Self::DoubleAnswerer => Box::new(double_answerer::DoubleAnswerer::default()),
            Self::Refuser => Box::new(refuser::Refuser::default()),
            Self::Backdater => Box::new(backdater::Backdater::default()),
            Self::BeaconBreaker => Box::new(beacon_breaker::BeaconBreaker::default()),
            Self::Replayer => Box::new(replayer::Replayer::default()),
            Self::Withholder => Box::new(withholder::Withholder::default()),
            Self::Selective => Box::new(selective::Selective),
            Self::Flooder => Box::new(flooder::Flooder::default()),
            Self::Malformer => Box::new(malformer::Malformer::default()),
            Self::Impersonator => Box::new(impersonator::Impersonator::default()),
            Self::Outsider => Box::new(outsider::Outsider::default()),
            Self::Reframer => Box::new(reframer::Reframer),
            Self::GarbageSigner => Box::new(garbage_signer::GarbageSigner::default()),
            Self::Eclipser => Box::new(eclipser::Eclipser::default()),
            Self::OverTaker => Box::new(over_taker::OverTaker::default()),
            Self::AfterCanceller => Box::new(after_canceller::AfterCanceller::default()),
            Self::Opener => Box::new(opener::Opener::default()),
            Self::OverAccepter => Box::new(over_accepter::OverAccepter::default()),
            Self::Colluder => Box::new(colluders::Colluder::default()),
            Self::Borrower => Box::new(over_taker::OverTaker::borrower()),
            Self::Postdater => Box::new(postdater::Postdater::default()),
            Self::Accomplice => Box::new(colluders::Accomplice::default()),
        }
    }
}

/// What a cheat does beside, or instead of, its own software.
trait Cheat: Send {
    /// Something comes in; false if its own software is not to hear of it.
    fn hears(&mut self, _hand: &mut Hand<'_>, _input: &mut Input) -> bool {
        true
    }

    /// Somebody proposes to take of an order in its second log.
    fn is_asked(&mut self, _hand: &mut Hand<'_>, _proposal: &Signed<Proposal>) {}

    /// Its own software has ended a turn, and would do this.
    fn acts(&mut self, _hand: &mut Hand<'_>, _outputs: &mut Vec<Output>) {}
}

/// What a cheat has to work with.
struct Hand<'h> {
    /// Its wall clock.
    now: UtcMillis,
    charter: (CharterId, Arc<Charter>),
    /// Everybody else on the street.
    others: &'h [MemberKey],
    /// With whom it plans.
    accomplice: Option<MemberKey>,
    pen: &'h mut Pen,
    random: &'h mut Random,
    /// What it says besides.
    says: &'h mut Vec<Saying>,
}

/// Bytes to one household, as gossip or as a message.
struct Saying {
    to: MemberKey,
    bytes: Vec<u8>,
    is_gossip: bool,
}

impl Hand<'_> {
    /// True once in so long; `next` remembers when.
    fn is_due(&self, next: &mut UtcMillis, every: Duration) -> bool {
        let due = *next <= self.now;
        if due {
            *next = self.now.after(every);
        }
        due
    }

    fn somebody(&mut self) -> MemberKey {
        *self.random.pick(self.others)
    }

    fn send(&mut self, to: MemberKey, message: &Message) {
        self.says.push(Saying { to, bytes: message.encode(), is_gossip: false });
    }

    fn gossip_to(&mut self, to: MemberKey, gossip: &Gossip) {
        self.says.push(Saying { to, bytes: gossip.encode(), is_gossip: true });
    }

    fn gossip(&mut self, gossip: &Gossip) {
        for to in self.others {
            self.gossip_to(*to, gossip);
        }
    }

    fn show(&mut self, entry: &Verified<Entry>) {
        self.gossip(&Gossip::Entry(entry.bytes().clone()));
    }

    fn show_beacon(&mut self, at: UtcMillis) {
        let beacon = self.pen.beacon(at);
        self.gossip(&Gossip::Beacon(beacon.bytes().clone()));
    }

    /// A new order in the second log that everybody sees, and wants.
    fn offer(&mut self) {
        let Some(order) = self.pen.order(self.now, &self.charter, self.random) else { return };
        let entry = self.pen.write(self.now, vec![Op::Place(order)]);
        self.show(&entry);
    }

    /// Fills a proposal as if so much were filled of the order then, and tells everybody.
    fn fill(&mut self, proposal: &Signed<Proposal>, total: i64, at: UtcMillis) {
        let acceptance = self.pen.accept(proposal, total, at);
        self.fill_with(proposal, &acceptance);
    }

    /// Fills a proposal with this acceptance, and tells everybody.
    fn fill_with(&mut self, proposal: &Signed<Proposal>, acceptance: &Verified<Acceptance>) {
        let entry = self.pen.fill(proposal, acceptance);
        self.show(&entry);
        self.send(proposal.taker.author, &Message::Acceptance(acceptance.bytes().clone()));
    }
}
