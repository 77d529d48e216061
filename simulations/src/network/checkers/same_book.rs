//! 7.5: the book is a function of the set that is held and of the time, whatever the order of arrival.
//!
//! While a run goes on, a household's book is compared now and then with that of a twin that reads the same disk at the
//! same time. At rest, every household's book is compared with what the chronicle says is open.

use std::collections::BTreeMap;
use std::time::Duration;

use wattswap_matching::{Level, Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::charter::Charter;
use wattswap_node::protocol::household::Household;
use wattswap_node::protocol::ids::{LogId, OrderId};

use super::chronicle::{Agreed, Placed};
use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// A twin is made once in so many turns: it costs a fold of all that is held.
const TURNS_BETWEEN_TWINS: u64 = 4_001;
/// More price levels than a slot ever has.
const ALL_LEVELS: usize = 100_000;

/// Counts turns.
#[derive(Default)]
pub(super) struct SameBook(u64);

impl Checker for SameBook {
    fn name(&self) -> &'static str {
        "same_book"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        self.0 += 1;
        if self.0.is_multiple_of(TURNS_BETWEEN_TWINS) { compare_with_twin(street, turn.home) } else { Ok(()) }
    }

    fn at_rest(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        // What a cheat shows is in nobody's chronicle: then `same_set` compares the honest with each other.
        if street.cheats().next().is_some() {
            return Ok(());
        }
        let members: Vec<usize> = (0..street.homes()).filter(|home| street.is_member(*home)).collect();
        members.into_iter().try_for_each(|home| compare_with(seen, street, home))
    }
}

fn compare_with_twin(street: &mut Street, home: usize) -> Result<(), String> {
    let told = street.latest_told(home);
    // A clock that was set back: what has closed stays closed, but for whoever starts now.
    let set_back = street.wall_clock(home) < told || is_log_ahead(street, home, told);
    if set_back || !street.is_running(home) || street.is_writing(home) {
        return Ok(());
    }
    let keep = Duration::from_secs(30 * 24 * 3600);
    let twin = Household::recover(street.signer(home), [0; 32], street.disk(home).records(), keep, told);
    let mut twin = twin.map_err(|error| format!("home {home} could not start from its disk: {error}"))?;
    let Some(live) = street.household(home).map(Household::status) else { return Ok(()) };
    let twin = twin.status();
    require(twin.heads == live.heads, || format!("home {home} does not hold what is on its disk"))?;
    require(twin.book == live.book, || format!("home {home} shows another book than its disk says, at {}", told.0))
}

/// Whether a household's own log is further ahead of its clock than clocks may be apart. Its own fold takes what it
/// writes at once, everybody else's once it is due.
fn is_log_ahead(street: &mut Street, home: usize, told: UtcMillis) -> bool {
    let Some(skew) = street.household(home).map(|household| household.charter().1.clock_skew) else { return true };
    let newest = street.entries_of(home).next_back().map(|entry| entry.at);
    newest.is_some_and(|at| at > told.after(skew))
}

/// The open quantity of each price, best first.
type Levels = Vec<(Price, WattHours)>;

fn compare_with(seen: &Chronicle, street: &mut Street, home: usize) -> Result<(), String> {
    let now = street.wall_clock(home);
    let Some(household) = street.household(home) else { return Ok(()) };
    let charter = Charter::clone(household.charter().1);
    let held = Held::new(seen, street, home);
    for slot in charter.shape.open_slots(now) {
        let Some(household) = street.household(home) else { return Ok(()) };
        let (bids, asks) = household.depth(slot, ALL_LEVELS);
        for (side, shown) in [(Side::Buy, bids), (Side::Sell, asks)] {
            let shown: Levels = shown.iter().map(|Level { price, quantity, .. }| (*price, *quantity)).collect();
            let open = open(&held, &charter, slot, side, now);
            require(shown == open, || {
                format!(
                    "home {home} shows other {side:?} orders in slot {} than are open: {shown:?}, {open:?}",
                    slot.0.0
                )
            })?;
        }
    }
    Ok(())
}

/// What of the chronicle a household holds: words of a former member may not have reached it.
struct Held<'s> {
    seen: &'s Chronicle,
    /// Orders that are not cancelled.
    orders: Vec<(OrderId, &'s Placed)>,
    filled: BTreeMap<OrderId, WattHours>,
}

impl<'s> Held<'s> {
    fn new(seen: &'s Chronicle, street: &Street, home: usize) -> Self {
        let disk = street.disk(home);
        let holds = |log: LogId, seq: u64| disk.entry(log, seq).is_some();
        let is_open = |placed: &Placed| {
            let cancelled = placed.cancelled_in.is_some_and(|seq| holds(placed.log, seq));
            let sealed = seen.seals.iter().any(|by| by.end.log == placed.log && by.is_known_to(disk));
            holds(placed.log, placed.seq) && !cancelled && !sealed && seen.counts(&placed.order)
        };
        let orders = seen.orders.iter().filter(|(_, placed)| is_open(placed));
        let is_held = |agreed: &&Agreed| seen.counting_copies(agreed).any(|copy| holds(copy.log, copy.seq));
        let mut filled: BTreeMap<OrderId, WattHours> = BTreeMap::new();
        for agreed in seen.trades.values().filter(is_held) {
            for order in std::iter::once(agreed.proposal.order).chain(agreed.proposal.own_order) {
                if seen.orders.get(&order).is_some_and(|placed| placed.is_taken_by(&order, &agreed.proposal)) {
                    *filled.entry(order).or_default() += agreed.acceptance.quantity;
                }
            }
        }
        Self { seen, orders: orders.map(|(id, placed)| (*id, placed)).collect(), filled }
    }
}

fn open(held: &Held<'_>, charter: &Charter, slot: Slot, side: Side, now: UtcMillis) -> Levels {
    let mut levels: BTreeMap<Price, WattHours> = BTreeMap::new();
    for (id, placed) in &held.orders {
        let order = &placed.order;
        let same = order.slot == slot && order.side == side;
        if !same || order.expires_at <= now {
            continue;
        }
        let same_shape = held.seen.charters.get(&order.charter).is_some_and(|of| of.shape == charter.shape);
        let left = order.quantity - held.filled.get(id).copied().unwrap_or_default();
        if same_shape && left.is_positive() {
            *levels.entry(order.price).or_default() += left;
        }
    }
    let mut levels: Levels = levels.into_iter().collect();
    if side == Side::Buy {
        levels.reverse();
    }
    levels
}
