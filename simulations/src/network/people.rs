//! What the people of a street do meanwhile: place, cancel and reprice orders, read meters, switch the autopilot.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::autopilot;
use wattswap_node::protocol::charter::Charter;
use wattswap_node::protocol::household::io::{Command, Event, Request, RequestId, RequestState, Wish};
use wattswap_node::protocol::metering::{MeterId, Row};

use super::random::Random;
use super::street::Street;

/// Orders of a burst at the most.
const LARGEST_BURST: u64 = 40;
/// Readings in the time of a slot.
const READINGS_PER_SLOT: u32 = 4;
/// Readings that may be replayed.
const SENT: usize = 8;
/// What a household trades for at most and at least, in ticks.
const PRICES: (u64, u64) = (1_000, 1_040);

/// The people of one household.
pub struct Person {
    home: usize,
    random: Random,
    act_every: Duration,
    /// Requests that they believe to be live.
    live: BTreeMap<RequestId, Wish>,
    /// The last command with a name, to give it again.
    last_named: Option<(Vec<Wish>, [u8; 32])>,
    autopilot: bool,
    import: WattHours,
    export: WattHours,
    /// What the meter counts, what becomes of its readings on their way, and the last ones.
    meter: Random,
    sent: VecDeque<Row>,
}

impl Person {
    /// The people of this household, who act this often in the mean.
    #[must_use]
    pub fn new(home: usize, act_every: Duration, autopilot: bool, random: Random) -> Self {
        let (import, export) = (WattHours::ZERO, WattHours::ZERO);
        // A stream of its own, so that nothing else depends on it.
        let meter = Random::new(random.clone().number() ^ 0x3e7e4);
        let (live, sent) = (BTreeMap::new(), VecDeque::new());
        Self { home, random, act_every, live, last_named: None, autopilot, import, export, meter, sent }
    }

    /// How long they wait before they do something again.
    pub fn pause(&mut self) -> Duration {
        let mean = u64::try_from(self.act_every.as_millis()).expect("people act within hours");
        Duration::from_millis(1 + self.random.below(2 * mean))
    }

    /// How long until the meter is read again.
    #[must_use]
    pub fn reading_pause(slot_length: Duration) -> Duration {
        slot_length / READINGS_PER_SLOT
    }

    /// News from their household.
    pub fn hear(&mut self, news: &Event) {
        match news {
            Event::Request(Request { id, wish, state: RequestState::Live, .. }) => drop(self.live.insert(*id, *wish)),
            Event::Request(request) => drop(self.live.remove(&request.id)),
            _ => {}
        }
    }

    /// They do something.
    pub fn act(&mut self, street: &mut Street) {
        let Some(charter) = charter_of(street, self.home) else { return };
        match self.random.below(20) {
            0..=2 => drop(self.cancel(street)),
            3..=5 => self.reprice(street, &charter),
            6 => self.say_it_again(street),
            7 if self.autopilot => self.set_autopilot(street, &charter),
            _ => self.place(street, &charter, 1),
        }
    }

    /// They place many orders at once.
    pub fn burst(&mut self, street: &mut Street) {
        if let Some(charter) = charter_of(street, self.home) {
            let orders = self.random.between(2, LARGEST_BURST);
            self.place(street, &charter, orders);
        }
    }

    /// They place one order more.
    pub fn go_on(&mut self, street: &mut Street) {
        if let Some(charter) = charter_of(street, self.home) {
            self.place(street, &charter, 1);
        }
    }

    /// Their meter is read.
    pub fn read_meter(&mut self, street: &mut Street) {
        let flow = WattHours(i64::try_from(self.meter.below(600)).expect("below 600"));
        if self.meter.chance(500) {
            self.import += flow
        } else {
            self.export += flow
        }
        let meter = MeterId::new("grid").expect("four letters");
        let row = Row { meter, at: street.wall_clock(self.home), import: self.import, export: self.export };
        let mut rows = vec![row.clone()];
        rows.extend(self.replayed());
        self.sent.push_back(row);
        if self.sent.len() > SENT {
            self.sent.pop_front();
        }
        street.ask(self.home, Command::Readings(rows));
    }

    /// A row that was sent before: the same, or with other counts, or at another time. Whoever sits between a meter and a
    /// household could send it.
    fn replayed(&mut self) -> Option<Row> {
        if self.sent.is_empty() || !self.meter.chance(200) {
            return None;
        }
        let mut row = self.sent[self.meter.index(self.sent.len())].clone();
        match self.meter.below(3) {
            0 => {}
            1 => row.export += WattHours(500),
            _ => row.at = row.at.after(Duration::from_millis(self.meter.below(60_000))),
        }
        Some(row)
    }

    /// Nobody trades for them any more.
    pub fn rest(&mut self, street: &mut Street) {
        if let Some(charter) = charter_of(street, self.home) {
            street.ask(self.home, Command::SetAutopilot(autopilot::Settings::off(&charter.shape)));
        }
    }

    fn set_autopilot(&mut self, street: &mut Street, charter: &Charter) {
        let (feed_in, retail) = (self.price(PRICES), self.price(PRICES));
        let settings = autopilot::Settings::between(feed_in.min(retail), feed_in.max(retail));
        let on = self.random.chance(900);
        let settings = autopilot::Settings { on, trade_ahead: 2, ..settings };
        if settings.check(&charter.shape).is_ok() {
            street.ask(self.home, Command::SetAutopilot(settings));
        }
    }

    fn place(&mut self, street: &mut Street, charter: &Charter, orders: u64) {
        let now = street.wall_clock(self.home);
        let wishes: Vec<Wish> = (0..orders).filter_map(|_| self.wish(charter, now)).collect();
        let key = self.random.chance(200).then(|| self.random.bytes());
        if let Some(key) = key {
            self.last_named = Some((wishes.clone(), key));
        }
        street.ask(self.home, Command::Place { wishes, key });
    }

    /// As after a request that timed out. A store that was put back may not know the command: its owner looks first.
    fn say_it_again(&mut self, street: &mut Street) {
        if street.was_restored(self.home) {
            return;
        }
        if let Some((wishes, key)) = &self.last_named {
            street.ask(self.home, Command::Place { wishes: wishes.clone(), key: Some(*key) });
        }
    }

    fn cancel(&mut self, street: &mut Street) -> Option<Wish> {
        let live = self.live.len();
        let (id, wish) = self.live.iter().nth(self.random.index(live.max(1)))?;
        let (id, wish) = (*id, *wish);
        street.ask(self.home, Command::Cancel(id));
        Some(wish)
    }

    fn reprice(&mut self, street: &mut Street, charter: &Charter) {
        if let Some(wish) = self.cancel(street) {
            let price = self.price_in(charter);
            street.ask(self.home, Command::Place { wishes: vec![Wish { price, ..wish }], key: None });
        }
    }

    fn wish(&mut self, charter: &Charter, now: UtcMillis) -> Option<Wish> {
        let open: Vec<Slot> = charter.shape.open_slots(now).collect();
        if open.is_empty() {
            return None;
        }
        let slot = *self.random.pick(&open);
        let side = if self.random.chance(500) { Side::Buy } else { Side::Sell };
        let most = *self.random.pick(&[9, 100, 300, 1_500]);
        let quantity = i64::try_from(self.random.between(1, most)).expect("1500 at the most");
        let tick = charter.shape.quantity_tick.0;
        let quantity = WattHours((quantity / tick).max(1) * tick);
        let short = self.random.chance(300);
        let expires_at = short.then(|| now.after(Duration::from_millis(self.random.below(30_000))));
        Some(Wish { slot, side, quantity, price: self.price_in(charter), expires_at })
    }

    fn price_in(&mut self, charter: &Charter) -> Price {
        let (floor, cap) = (charter.shape.floor, charter.shape.cap);
        self.price(PRICES).clamp(floor, cap)
    }

    fn price(&mut self, (least, most): (u64, u64)) -> Price {
        Price(i32::try_from(self.random.between(least, most)).expect("thousands"))
    }
}

fn charter_of(street: &mut Street, home: usize) -> Option<Charter> {
    street.household(home).map(|household| Charter::clone(household.charter().1))
}
