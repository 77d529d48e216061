//! The same orders through households that run the production protocol, and what goes over the network meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wattswap_matching::{Slot, UtcMillis, WattHours};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::household::io::{Command, Event, OwnTrade, Reply, RequestId, Wish};
use wattswap_node::protocol::ids::ProposalId;
use wattswap_node::protocol::memo;

use super::Setting;
use super::central::{Central, Mean, worth};
use super::flow::{Flow, What};
use crate::network::traffic::Cargo;
use crate::network::{Faults, Step, Street, Turn, usual_shape};

/// Compressed slots: each stands for a quarter of an hour.
const SLOT: Duration = Duration::from_secs(30);
/// Until all households know each other and trade.
const WARM_UP: Duration = Duration::from_secs(45);
/// From the start of trading until the gate of the first slot.
const UNTIL_GATE: Duration = Duration::from_secs(120);
/// From the last gate until the last doubt is resolved.
const COME_TO_REST: Duration = Duration::from_secs(45);
/// Peers of a household, as in the real node: it looks for no more.
const ENOUGH_PEERS: usize = 256;

/// What the nodes make of the orders.
#[derive(Clone, Debug)]
pub struct Neighbourhood {
    /// Trades that both parties were told of.
    pub trades: usize,
    /// Energy that changed hands.
    pub volume: WattHours,
    /// In ticks times watt-hours, see [`Central::surplus`].
    pub surplus: i64,
    /// How far the mean prices of the slots are from those of one book, at the most; in hundredths of a tick.
    pub price_difference: i64,
    /// From when both orders of a trade were placed until both parties were told of the trade: the median, and what 95
    /// in 100 do not exceed.
    pub time_to_trade: (Duration, Duration),
    /// What a member received on average from the start of trading on, and over which time.
    pub received: Received,
    /// Length of all entries that were written, all members together.
    pub entry_bytes: u64,
    /// Events of the simulation.
    pub events: u64,
}

/// What a member received on average.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// Messages and gossip of all kinds.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that brought entries, by gossip or by sync; copies count.
    pub entry_bytes: u64,
    /// Bytes that come even if nobody trades: beacons, summaries, clocks.
    pub idle_bytes: u64,
    /// In this time.
    pub lasted: Duration,
}

impl Neighbourhood {
    /// Bytes that a member received to learn a byte of entries, in hundredths.
    #[must_use]
    pub fn entry_redundancy(&self) -> u64 {
        self.received.entry_bytes * 100 / self.entry_bytes.max(1)
    }
}

/// What is known of the orders and trades while the street goes on.
struct Watch<'f> {
    flow: &'f Flow,
    /// The order behind a request.
    orders: BTreeMap<(usize, RequestId), usize>,
    requests: BTreeMap<usize, RequestId>,
    placed_at: BTreeMap<usize, UtcMillis>,
    /// Who was told of which trade.
    told: BTreeSet<(ProposalId, usize)>,
    trades: BTreeMap<ProposalId, Told>,
}

/// A trade, as its parties were told of it.
struct Told {
    orders: Vec<usize>,
    slot: Slot,
    price: wattswap_matching::Price,
    quantity: WattHours,
    last_at: UtcMillis,
}

/// Gives the orders to households.
///
/// # Panics
/// If a household refuses an order: the flow holds none that its charter forbids.
#[must_use]
pub fn run(setting: Setting, flow: &Flow, central: &Central) -> Neighbourhood {
    memo::remember();
    let (mut street, first) = found(setting);
    street.run(WARM_UP);
    street.forget_traffic();
    let started = street.now;
    for (number, act) in flow.acts.iter().enumerate() {
        street.call_at(started.after(act.at), number as u64);
    }
    let length = u32::try_from(flow.slots).expect("a few");
    let end = started.after(UNTIL_GATE + SLOT * length + COME_TO_REST);
    let mut watch = Watch::new(flow);
    while let Some(step) = street.step(end) {
        match step {
            Step::Nothing => {}
            Step::Turn(turn) => watch.see(&street, &turn),
            Step::Call(number) => watch.act(&mut street, first, usize::try_from(number).expect("it was one")),
        }
    }
    watch.sum_up(&street, first, central, end.since(started))
}

/// A street that trades, and the first slot of the flow.
fn found(setting: Setting) -> (Street, Slot) {
    let open_for = WARM_UP + UNTIL_GATE + SLOT * u32::try_from(setting.slots + 2).expect("a few");
    let slot_millis = i64::try_from(SLOT.as_millis()).expect("seconds");
    // One book knows no smallest fill either.
    let (opening, smallest_fill) = (open_for, WattHours(1));
    let shape = Shape { slot_length: SLOT, opening, gate_millis: -slot_millis, smallest_fill, ..usual_shape() };
    let mut street = Street::founded(setting.homes, setting.homes, shape, |_| {}, setting.seed);
    street.thin_out(ENOUGH_PEERS);
    street.shortest_delay = setting.delay / 2;
    street.faults = Faults { loss: setting.loss, repeat: 0, longest_delay: setting.delay * 3 / 2 };
    let shape = street.charter().shape;
    let first = shape.next(shape.slot_at(street.now.after(WARM_UP + UNTIL_GATE)));
    (0..setting.homes).for_each(|home| street.start(home));
    (street, first)
}

impl<'f> Watch<'f> {
    fn new(flow: &'f Flow) -> Self {
        Self {
            flow,
            orders: BTreeMap::new(),
            requests: BTreeMap::new(),
            placed_at: BTreeMap::new(),
            told: BTreeSet::new(),
            trades: BTreeMap::new(),
        }
    }

    fn act(&mut self, street: &mut Street, first: Slot, number: usize) {
        let act = self.flow.acts[number];
        let placed = self.flow.orders[act.order];
        match act.what {
            What::Place => {
                let slot = slot(first, placed.slot);
                let (side, quantity, price) = (placed.side, placed.quantity, placed.price);
                let wish = Wish { slot, side, quantity, price, expires_at: None };
                let (turn, reply) = street.command_turn(placed.home, Command::Place { wishes: vec![wish], key: None });
                let requests = match reply {
                    Some(Ok(Reply::Placed(requests))) => requests,
                    other => panic!("an order of the flow was refused: {other:?}"),
                };
                self.orders.insert((placed.home, requests[0].id), act.order);
                self.requests.insert(act.order, requests[0].id);
                self.placed_at.insert(act.order, street.now);
                turn.iter().for_each(|turn| self.see(street, turn));
            }
            What::Cancel => {
                let request = self.requests[&act.order];
                let (turn, _reply) = street.command_turn(placed.home, Command::Cancel(request));
                turn.iter().for_each(|turn| self.see(street, turn));
            }
        }
    }

    fn see(&mut self, street: &Street, turn: &Turn) {
        for news in turn.news() {
            if let Event::Trade(own) = news {
                self.hear(street, turn.home, own);
            }
        }
    }

    fn hear(&mut self, street: &Street, home: usize, own: &OwnTrade) {
        let (id, proposal) = (own.trade.id(), &own.trade.proposal);
        if own.provisional || !self.told.insert((id, home)) {
            return;
        }
        let order = own.request.and_then(|request| self.orders.get(&(home, request)));
        let told = self.trades.entry(id).or_insert_with(|| Told {
            orders: Vec::new(),
            slot: proposal.slot,
            price: proposal.price,
            quantity: own.trade.acceptance.quantity,
            last_at: street.now,
        });
        told.orders.extend(order);
        told.last_at = street.now;
    }

    fn sum_up(&self, street: &Street, first: Slot, central: &Central, lasted: Duration) -> Neighbourhood {
        let (mut trades, mut volume, mut surplus) = (0, WattHours::ZERO, 0);
        let mut means = vec![Mean::default(); self.flow.slots];
        let mut times: Vec<Duration> = Vec::new();
        // What only one side was told of is in doubt for the other, and counts for nothing here.
        for told in self.trades.values().filter(|told| told.orders.len() == 2) {
            trades += 1;
            volume += told.quantity;
            surplus += told.orders.iter().map(|order| worth(&self.flow.orders[*order], told.quantity)).sum::<i64>();
            if let Some(mean) = (0..self.flow.slots).position(|number| slot(first, number) == told.slot) {
                means[mean].add(told.price, told.quantity);
            }
            let both_there = told.orders.iter().map(|order| self.placed_at[order]).max().expect("there are two");
            times.push(told.last_at.since(both_there));
        }
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied();
        let pairs = means.iter().map(Mean::price).zip(&central.prices);
        let difference = pairs.filter_map(|(ours, theirs)| Some((ours? - (*theirs)?).abs())).max();
        Neighbourhood {
            trades,
            volume,
            surplus,
            price_difference: difference.unwrap_or(0),
            time_to_trade: (at(50).unwrap_or_default(), at(95).unwrap_or_default()),
            received: received(street, lasted),
            entry_bytes: entry_bytes(street),
            events: street.events(),
        }
    }
}

fn slot(first: Slot, number: usize) -> Slot {
    let later = SLOT * u32::try_from(number).expect("a few");
    Slot(first.start().after(later))
}

fn received(street: &Street, lasted: Duration) -> Received {
    let homes = street.homes() as u64;
    let traffic = street.traffic();
    let bytes = |cargoes: &[Cargo]| cargoes.iter().map(|cargo| traffic.bytes(*cargo)).sum::<u64>() / homes;
    Received {
        messages: Cargo::ALL.into_iter().map(|cargo| traffic.messages(cargo)).sum::<u64>() / homes,
        bytes: bytes(&Cargo::ALL),
        entry_bytes: bytes(&[Cargo::Entry, Cargo::Range]),
        idle_bytes: bytes(&[Cargo::Beacon, Cargo::Summary]),
        lasted,
    }
}

fn entry_bytes(street: &Street) -> u64 {
    let entries = (0..street.homes()).flat_map(|home| street.entries_of(home));
    entries.map(|entry| entry.bytes().len() as u64).sum()
}
