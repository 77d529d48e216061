//! One household as the model checker sees it: the process, its disk, and all that it ever said.
//!
//! A turn is a pure function of the household before it, of what comes in, and of where it crashes. It is run by the
//! production protocol; nothing in here decides anything.

use std::fmt::{Debug, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::Household;
use wattswap_node::protocol::household::io::{Event, Input, Output, Record};
use wattswap_node::protocol::message::Message;

use crate::network::disk::{Disk, Library};
use crate::network::founding::Key;
use crate::network::simulation::words_of;

use super::said::Said;

/// For how long households keep logs: nothing is over within a scenario.
const KEEP_LOGS: Duration = Duration::from_secs(24 * 3600);

/// Tells a household from any other.
pub type Print = [u8; 16];

/// Where in a turn a household crashes: nothing of it is durable; or all is, and so many outputs that somebody outside
/// can notice were carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crash {
    /// Before the write.
    BeforePersist,
    /// After it, and after so many outputs.
    AfterOutputs(usize),
}

/// A household between two turns.
#[derive(Clone)]
pub struct Home {
    /// Its place in the street.
    pub number: usize,
    /// The process, if it runs.
    pub household: Option<Household>,
    /// What is durable.
    pub disk: Disk,
    /// How often it started: each start draws randomness of its own.
    pub starts: u32,
    /// Its owner has put back an old disk, and says so at the next start.
    pub is_restored: bool,
    /// What it said and wrote, whatever became of its disk.
    pub said: Said,
}

/// Something that a household gets to know.
pub enum News {
    /// Its process starts.
    Start,
    /// It gets to know these, one after the other.
    Inputs(Vec<Input>),
}

/// What a turn put out for others, as far as it was carried out.
#[derive(Default)]
pub struct Outside {
    /// To one neighbour, or to all.
    pub sent: Vec<Output>,
    /// The owner's command was answered.
    pub replied: bool,
    /// The household asks to be started again.
    pub restarts: bool,
    /// Outputs that somebody outside can notice, carried out or not: each is followed by a place to crash.
    pub noticeable: usize,
    /// Something became durable.
    pub wrote: bool,
}

impl Home {
    /// A household that has never run.
    #[must_use]
    pub fn new(number: usize, disk: Disk) -> Self {
        Self { number, household: None, disk, starts: 0, is_restored: false, said: Said::default() }
    }

    /// Runs one turn, up to the crash if there is one.
    pub(super) fn turn(
        &mut self,
        key: &Key,
        now: UtcMillis,
        news: News,
        crash: Option<Crash>,
        library: &mut Library,
    ) -> Outside {
        let ran = catch_unwind(AssertUnwindSafe(|| self.run(key, now, news)));
        let (records, outputs) = ran.unwrap_or_else(|panic| {
            let text = words_of(&*panic);
            self.said.object("panic", format!("the protocol panicked: {text}"));
            self.household = None;
            (Vec::new(), Vec::new())
        });
        let wrote = !records.is_empty();
        let noticeable = outputs.iter().filter(|output| is_noticeable(output)).count();
        if crash == Some(Crash::BeforePersist) {
            self.household = None;
            return Outside { noticeable, wrote, ..Outside::default() };
        }
        self.disk.commit_shared(&records, library);
        self.is_restored &= !wrote;
        self.said.note_records(self.number, key, &self.disk, &records);
        let most = match crash {
            Some(Crash::AfterOutputs(most)) => most,
            _ => usize::MAX,
        };
        let mut outside = Outside { noticeable, wrote, ..Outside::default() };
        let mut carried_out = 0;
        for output in outputs {
            if is_noticeable(&output) {
                if carried_out == most {
                    break;
                }
                carried_out += 1;
            }
            self.carry_out(output, &records, &mut outside);
        }
        if crash.is_some() {
            self.household = None;
            outside.restarts = false;
        }
        outside
    }

    fn run(&mut self, key: &Key, now: UtcMillis, news: News) -> (Vec<Record>, Vec<Output>) {
        match news {
            News::Start => {
                self.starts += 1;
                self.household = Some(self.recovered(key, now));
            }
            News::Inputs(inputs) => inputs.into_iter().for_each(|input| self.running().handle(now, input)),
        }
        let (mut records, mut outputs) = (Vec::new(), Vec::new());
        while let Some(output) = self.running().poll() {
            match output {
                Output::Persist(record) => records.push(record),
                output => outputs.push(output),
            }
        }
        (records, outputs)
    }

    fn running(&mut self) -> &mut Household {
        self.household.as_mut().expect("only a household that runs has turns")
    }

    fn recovered(&self, key: &Key, now: UtcMillis) -> Household {
        let mut seed = [0; 32];
        seed[0] = u8::try_from(self.number).expect("a street has fewer homes");
        seed[4..8].copy_from_slice(&self.starts.to_be_bytes());
        let household = Household::recover(Box::new(key.clone()), seed, self.disk.records(), KEEP_LOGS, now);
        let mut household = household.expect("a simulated disk is not damaged");
        if self.is_restored {
            household.was_restored();
        }
        household
    }

    fn carry_out(&mut self, output: Output, records: &[Record], outside: &mut Outside) {
        self.said.note_output(self.number, &self.disk, records, &output);
        match output {
            Output::Reply { .. } => outside.replied = true,
            Output::Restart => outside.restarts = true,
            // The store answers at once, as it was when the turn ended.
            Output::SendRange { to, log, from, count } => {
                let entries = self.disk.range(log, from, count);
                outside.sent.push(Output::Send { to, message: Message::Range { log, from, entries } });
            }
            Output::Send { .. } | Output::Publish(_) => outside.sent.push(output),
            _ => {}
        }
    }

    /// Tells this household from any other: by all that the process is (but for its secrets, which its number and
    /// its starts decide), by its disk, and by what it said. `Debug` shortens names, but the disk has them in full.
    #[must_use]
    pub fn print(&self) -> Print {
        let Self { number, household, disk, starts, is_restored, said } = self;
        print_of(&(number, starts, is_restored, household, disk, said))
    }
}

/// Tells a thing from any other of its kind by what `Debug` shows of it.
pub fn print_of(thing: &impl Debug) -> Print {
    let mut hasher = Hasher(Sha256::new());
    write!(hasher, "{thing:?}").expect("hashing can't fail");
    let hash = hasher.0.finalize();
    std::array::from_fn(|at| hash[at])
}

/// Whether anybody outside can tell that it was carried out.
fn is_noticeable(output: &Output) -> bool {
    match output {
        Output::Reply { .. } | Output::Publish(_) | Output::Send { .. } | Output::SendRange { .. } => true,
        Output::Event(event) => matches!(event, Event::Trade(_)),
        _ => false,
    }
}

struct Hasher(Sha256);

impl std::fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}
