//! Where a cheat sits: between its household's own software and the street.

use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::entry::{Beacon, Entry};
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Signed;

use super::eclipser::VICTIM;
use super::pen::Pen;
use super::{Cheat, Hand, Kind, Saying};
use crate::network::home::{Incoming, Parcel};
use crate::network::random::Random;
use crate::network::street::Street;
use crate::network::traffic::Cargo;
use crate::network::troubles::OPERATOR;

/// A cheat, and what it has to work with.
pub struct Adversary {
    cheat: Box<dyn Cheat>,
    kind: Kind,
    /// None until its own software runs.
    pen: Option<Pen>,
    random: Random,
    others: Vec<MemberKey>,
    accomplice: Option<MemberKey>,
    says: Vec<Saying>,
}

impl Street {
    /// From now on this household cheats. The accomplice of one that has any lives two doors before it.
    pub fn make_cheat(&mut self, home: usize, kind: Kind, seed: u64) {
        let me = self.key(home);
        let accomplice = kind.accomplice().map(|kind| {
            // Next door there may be another cheat of the same run.
            let other = home - 2;
            self.set_adversary(other, kind, Some(me), !seed);
            self.key(other)
        });
        self.set_adversary(home, kind, accomplice, seed);
    }

    fn set_adversary(&mut self, home: usize, kind: Kind, accomplice: Option<MemberKey>, seed: u64) {
        let me = self.key(home);
        let others = self.homes.iter().map(|home| home.me).filter(|key| *key != me).collect();
        let (cheat, random) = (kind.cheat(), Random::new(seed));
        let adversary = Adversary { cheat, kind, pen: None, random, others, accomplice, says: Vec::new() };
        self.homes[home].adversary = Some(adversary);
        self.homes[home].is_cheat = true;
    }

    /// Cheats only run their own software from now on. What they did stays done.
    pub fn end_cheating(&mut self) {
        for home in &mut self.homes {
            if let Some(adversary) = &mut home.adversary {
                adversary.cheat = Box::new(Retired);
            }
        }
    }

    /// Whether a household runs nothing but its own software.
    #[must_use]
    pub fn is_honest(&self, home: usize) -> bool {
        !self.homes[home].is_cheat
    }

    /// Whether the household with this key does; nobody on the street has a key that is unknown.
    #[must_use]
    pub fn is_honest_key(&self, key: &MemberKey) -> bool {
        self.number(key).is_some_and(|home| self.is_honest(home))
    }

    /// Cheats, and how each of them cheats.
    pub fn cheats(&self) -> impl Iterator<Item = (usize, Kind)> {
        let kind = |home: &crate::network::home::Home| home.adversary.as_ref().map(|adversary| adversary.kind);
        self.homes.iter().enumerate().filter_map(move |(number, home)| Some((number, kind(home)?)))
    }

    /// All ways to and from the victim of an eclipse but those that the cheat and the operator have.
    #[must_use]
    pub fn eclipsed_links(&self) -> Option<Vec<(usize, usize)>> {
        let (cheat, _) = self.cheats().find(|(_, kind)| *kind == Kind::Eclipser)?;
        let others = (0..self.homes.len()).filter(|other| ![OPERATOR, VICTIM, cheat].contains(other));
        Some(others.flat_map(|other| [(VICTIM, other), (other, VICTIM)]).collect())
    }

    /// Cheats that every honest member that runs has convicted. Who is no member hears of nothing.
    #[must_use]
    pub fn convicted(&mut self) -> usize {
        let cheats: Vec<MemberKey> = self.homes.iter().filter(|home| home.is_cheat).map(|home| home.me).collect();
        let mut by_all = cheats;
        for home in (0..self.homes.len()).filter(|home| self.is_honest_member(*home)).collect::<Vec<_>>() {
            if let Some(household) = self.household(home) {
                let convicted = household.status().convicted;
                by_all.retain(|key| convicted.contains(key));
            }
        }
        by_all.len()
    }

    /// What a household's own software gets to hear of an input.
    pub(in crate::network) fn overhear(&mut self, home: usize, input: &mut Input) -> bool {
        self.with_cheat(home, |adversary, hand| adversary.hears(hand, input)).unwrap_or(true)
    }

    /// What leaves the house instead of what its software would do.
    pub(in crate::network) fn falsify(&mut self, home: usize, outputs: &mut Vec<Output>) {
        self.with_cheat(home, |adversary, hand| adversary.acts(hand, outputs));
        let says = self.homes[home].adversary.as_mut().map(|adversary| std::mem::take(&mut adversary.says));
        for Saying { to, bytes, is_gossip } in says.unwrap_or_default() {
            let Some(to) = self.number(&to) else { continue };
            let parcel = Parcel::new(bytes, Cargo::Other);
            let incoming = |is_gossip| -> fn(usize, Parcel) -> Incoming {
                if is_gossip {
                    |from, parcel| Incoming::Gossip { from, parcel }
                } else {
                    |from, parcel| Incoming::Message { from, parcel }
                }
            };
            self.send(home, to, &parcel, incoming(is_gossip));
        }
    }

    fn with_cheat<T>(&mut self, home: usize, act: impl FnOnce(&mut dyn Cheat, &mut Hand<'_>) -> T) -> Option<T> {
        let mut adversary = self.homes[home].adversary.take()?;
        let result = self.lend_hand(home, &mut adversary, act);
        self.homes[home].adversary = Some(adversary);
        result
    }

    fn lend_hand<T>(
        &mut self,
        home: usize,
        adversary: &mut Adversary,
        act: impl FnOnce(&mut dyn Cheat, &mut Hand<'_>) -> T,
    ) -> Option<T> {
        let (now, community, key) = (self.wall_clock(home), self.community(), self.homes[home].key.clone());
        let household = self.household(home)?;
        let (id, charter) = household.charter();
        let (charter, log) = ((id, charter.clone()), household.status().log);
        let Adversary { cheat, pen, random, others, accomplice, says, .. } = adversary;
        let pen = pen.get_or_insert_with(|| Pen::new(key, community, log));
        let mut hand = Hand { now, charter, others, accomplice: *accomplice, pen, random, says };
        let mut shared = WithPen(&mut **cheat);
        Some(act(&mut shared, &mut hand))
    }
}

/// Answers for the second log, about which the cheat's own software knows nothing.
struct WithPen<'c>(&'c mut dyn Cheat);

impl Cheat for WithPen<'_> {
    fn hears(&mut self, hand: &mut Hand<'_>, input: &mut Input) -> bool {
        if !self.0.hears(hand, input) {
            return false;
        }
        match input {
            Input::Gossip { bytes, .. } => !is_of(bytes, hand.pen),
            Input::Message { from, bytes } => self.is_told(hand, *from, bytes),
            _ => true,
        }
    }

    fn acts(&mut self, hand: &mut Hand<'_>, outputs: &mut Vec<Output>) {
        self.0.acts(hand, outputs);
    }
}

impl WithPen<'_> {
    /// Its own software would seal a log of its key that it doesn't know.
    fn is_told(&mut self, hand: &mut Hand<'_>, from: MemberKey, bytes: &mut Vec<u8>) -> bool {
        match Message::decode(bytes) {
            Ok(Message::GetRange { log, from: first, count }) if log == hand.pen.log => {
                let entries = hand.pen.range(first, count);
                hand.send(from, &Message::Range { log, from: first, entries });
                false
            }
            Ok(Message::Heads(mut heads)) => {
                heads.retain(|head| !hand.pen.holds(&head.log));
                *bytes = Message::Heads(heads).encode();
                true
            }
            Ok(Message::Proposal(proposal)) => match Signed::<Proposal>::parse(proposal) {
                Ok(proposal) if proposal.maker == hand.pen.log => {
                    self.0.is_asked(hand, &proposal);
                    false
                }
                _ => true,
            },
            _ => true,
        }
    }
}

fn is_of(gossip: &[u8], pen: &Pen) -> bool {
    match Gossip::decode(gossip) {
        Ok(Gossip::Entry(bytes)) => Signed::<Entry>::parse(bytes).is_ok_and(|entry| pen.holds(&entry.log)),
        Ok(Gossip::Beacon(bytes)) => Signed::<Beacon>::parse(bytes).is_ok_and(|beacon| pen.holds(&beacon.log)),
        _ => false,
    }
}

/// It has stopped to cheat.
struct Retired;

impl Cheat for Retired {}
