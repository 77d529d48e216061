//! Households and messages that were met so far, each once, and what every turn came to: the same turn is run once,
//! however many interleavings contain it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::charter::{Act, Charter};
use wattswap_node::protocol::household::io::{Command, Input, Output, Ticket};
use wattswap_node::protocol::ids::{CharterId, MemberKey};
use wattswap_node::protocol::signed::Signer as _;

use crate::network::disk::{Disk, Library};
use crate::network::founding::{self, Key};

use super::home::{Crash, Home, News, Print};
use super::message::{Letter, Pace};
use super::properties::{Broken, Verdict};
use super::scenario::{Deed, Scenario};

/// Names a household as it is between two turns.
pub type HomeId = u32;
/// Names a message from one household to another.
pub type LetterId = u32;
/// Names a disk.
pub type DiskId = u32;

/// What a household has a turn for, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cue {
    /// Its process starts.
    Start,
    /// It gets to know this.
    One(Incoming),
    /// It gets to know both, in this order, before it does anything: its disk was busy when the first one came.
    Two(Incoming, Incoming),
    /// An old disk takes the place of the disk, and the process is gone.
    Restore(DiskId),
}

/// Something that a household gets to know, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Incoming {
    /// A deadline came.
    Wake,
    /// This message came.
    Letter(LetterId),
    /// Its owner does what the scenario says at this place.
    Deed(usize),
    /// A stream to this neighbour is open.
    Connected(usize),
    /// The last stream to this neighbour is gone.
    Disconnected(usize),
}

impl Cue {
    /// What comes in.
    pub fn incoming(self) -> impl Iterator<Item = Incoming> {
        let (first, second) = match self {
            Self::One(first) => (Some(first), None),
            Self::Two(first, second) => (Some(first), Some(second)),
            Self::Start | Self::Restore(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// What came of a turn.
pub struct Done {
    /// The household after it.
    pub home: HomeId,
    /// What it sent, in order.
    pub sent: Vec<LetterId>,
    /// The owner was answered.
    pub replied: bool,
    /// It has to be started again.
    pub restarts: bool,
    /// Where it could have crashed.
    pub crashes: Vec<Crash>,
}

/// What the search needs to know of a household.
pub struct Known {
    /// The household.
    pub home: Home,
    /// Its disk's name.
    pub disk: DiskId,
    /// When it wants to be woken, if it runs.
    pub deadline: Option<UtcMillis>,
}

/// Everything that was met.
pub struct Atlas {
    keys: Vec<Key>,
    numbers: BTreeMap<MemberKey, usize>,
    pub charter_id: CharterId,
    pub charter: Charter,
    scenario: Arc<Scenario>,
    library: Library,
    homes: Vec<Known>,
    home_names: BTreeMap<Print, HomeId>,
    disks: Vec<Disk>,
    disk_names: BTreeMap<Print, DiskId>,
    letters: Vec<(Letter, Pace)>,
    letter_names: BTreeMap<Letter, LetterId>,
    done: BTreeMap<(HomeId, UtcMillis, Cue, Option<Crash>), Arc<Done>>,
    /// What was found of these households together.
    pub verdicts: BTreeMap<Vec<HomeId>, Arc<Verdict>>,
    /// What becomes of these households from this time on, if all goes well.
    pub rests: BTreeMap<Vec<HomeId>, Option<Broken>>,
}

impl Atlas {
    /// Households that have never run, members of one community.
    pub fn new(scenario: Arc<Scenario>) -> Self {
        let seed = |number: usize| [u8::try_from(number).expect("a street has fewer homes") + 1; 32];
        let keys: Vec<Key> = (0..scenario.homes).map(|number| Key(SigningKey::from_bytes(&seed(number)))).collect();
        let charter = Charter {
            proposal_lifetime: super::LIFETIME,
            clock_skew: super::SKEW,
            ..founding::charter(&keys, founding::usual_shape())
        };
        let record = founding::sign(None, Act::Charter(Arc::new(charter.clone())), scenario.begins(), &keys[0]);
        let mut atlas = Self {
            numbers: keys.iter().map(|key| key.key()).zip(0..).collect(),
            charter_id: record.id,
            charter,
            library: Library::default(),
            homes: Vec::new(),
            home_names: BTreeMap::new(),
            disks: Vec::new(),
            disk_names: BTreeMap::new(),
            letters: Vec::new(),
            letter_names: BTreeMap::new(),
            done: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            rests: BTreeMap::new(),
            scenario,
            keys,
        };
        for number in 0..atlas.keys.len() {
            atlas.know(Home::new(number, Disk::new(record.clone())));
        }
        atlas
    }

    /// How many households, as they are between two turns, were met; and how many turns were run.
    pub fn size(&self) -> (usize, usize) {
        (self.homes.len(), self.done.len())
    }

    pub fn home(&self, id: HomeId) -> &Known {
        &self.homes[id as usize]
    }

    pub fn letter(&self, id: LetterId) -> &Letter {
        &self.letters[id as usize].0
    }

    pub fn pace(&self, id: LetterId) -> Pace {
        self.letters[id as usize].1
    }

    pub fn key(&self, number: usize) -> MemberKey {
        self.keys[number].key()
    }

    /// What comes of this turn.
    pub fn turn(&mut self, id: HomeId, now: UtcMillis, cue: Cue, crash: Option<Crash>) -> Arc<Done> {
        let name = (id, now, cue, crash);
        if let Some(done) = self.done.get(&name) {
            return Arc::clone(done);
        }
        let done = Arc::new(self.run(id, now, cue, crash));
        self.done.insert(name, Arc::clone(&done));
        done
    }

    fn run(&mut self, id: HomeId, now: UtcMillis, cue: Cue, crash: Option<Crash>) -> Done {
        wattswap_node::protocol::memo::remember();
        let mut home = self.homes[id as usize].home.clone();
        let news = match cue {
            Cue::Start => News::Start,
            Cue::Restore(disk) => {
                home.disk = self.disks[disk as usize].clone();
                (home.household, home.is_restored, home.said.was_restored) = (None, true, true);
                return Done {
                    home: self.know(home),
                    sent: Vec::new(),
                    replied: false,
                    restarts: false,
                    crashes: Vec::new(),
                };
            }
            Cue::One(_) | Cue::Two(..) => {
                News::Inputs(cue.incoming().map(|incoming| self.input(&home, incoming)).collect())
            }
        };
        let number = home.number;
        let outside = home.turn(&self.keys[number], now, news, crash, &mut self.library);
        let before = outside.wrote.then_some(Crash::BeforePersist);
        let after = (0..=outside.noticeable).map(Crash::AfterOutputs);
        let idle = !outside.wrote && outside.noticeable == 0;
        let crashes = if idle { Vec::new() } else { before.into_iter().chain(after).collect() };
        let sent = outside.sent.into_iter().flat_map(|output| self.letters_of(number, output)).collect();
        Done { home: self.know(home), sent, replied: outside.replied, restarts: outside.restarts, crashes }
    }

    fn input(&self, home: &Home, incoming: Incoming) -> Input {
        match incoming {
            Incoming::Wake => Input::Wake,
            Incoming::Letter(letter) => {
                let letter = self.letter(letter);
                letter.input(self.key(letter.from))
            }
            Incoming::Deed(place) => Input::Command { ticket: Ticket(0), command: self.command(home, place) },
            Incoming::Connected(other) => Input::Connected(self.key(other)),
            Incoming::Disconnected(other) => Input::Disconnected(self.key(other)),
        }
    }

    fn command(&self, home: &Home, place: usize) -> Command {
        let number = u8::try_from(home.number).expect("a street has fewer homes");
        let place_byte = u8::try_from(place).expect("a scenario has fewer deeds");
        match self.scenario.deeds[home.number][place] {
            Deed::Place(order) => {
                let wish = order.wish(&self.scenario);
                Command::Place {
                    wishes: vec![wish],
                    key: Some([[number, place_byte]; 16].concat().try_into().expect("32 bytes")),
                }
            }
            Deed::Cancel(which) => Command::Cancel(home.said.placed[which]),
        }
    }

    /// Whether the owner can do what the scenario says at this place: what was never placed can't be cancelled.
    pub fn can_do(&self, id: HomeId, place: usize) -> bool {
        let home = &self.home(id).home;
        match self.scenario.deeds[home.number].get(place) {
            None => false,
            Some(Deed::Place(_)) => true,
            Some(Deed::Cancel(which)) => *which < home.said.placed.len(),
        }
    }

    /// A message for each household that it goes to. Nobody passes gossip on: all are neighbours.
    fn letters_of(&mut self, from: usize, output: Output) -> Vec<LetterId> {
        match output {
            Output::Send { to, message } => {
                let to = self.numbers.get(&to).copied();
                to.map(|to| self.name(Letter::direct(from, to, message.encode()))).into_iter().collect()
            }
            Output::Publish(bytes) => {
                let others = (0..self.keys.len()).filter(|to| *to != from);
                let letters: Vec<Letter> = others.map(|to| Letter::gossip(from, to, bytes.clone())).collect();
                letters.into_iter().map(|letter| self.name(letter)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn name(&mut self, letter: Letter) -> LetterId {
        if let Some(id) = self.letter_names.get(&letter) {
            return *id;
        }
        let id = next_name(self.letters.len());
        self.letters.push((letter.clone(), letter.pace()));
        self.letter_names.insert(letter, id);
        id
    }

    fn know(&mut self, home: Home) -> HomeId {
        let print = home.print();
        if let Some(id) = self.home_names.get(&print) {
            return *id;
        }
        let disk_print = super::home::print_of(&home.disk);
        let disks = &mut self.disks;
        let disk = *self.disk_names.entry(disk_print).or_insert_with(|| {
            disks.push(home.disk.clone());
            next_name(disks.len() - 1)
        });
        let id = next_name(self.homes.len());
        let deadline = home.household.as_ref().map(|household| household.next_deadline());
        self.homes.push(Known { home, disk, deadline });
        self.home_names.insert(print, id);
        id
    }
}

fn next_name(count: usize) -> u32 {
    u32::try_from(count).expect("memory ends before")
}
