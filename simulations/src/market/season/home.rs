//! One home of a season: its meter, what it has traded and quoted, how it quotes, and its books.

use std::collections::VecDeque;
use std::time::Duration;

use wattswap_matching::{Handle, PriceBand, Side, Slot, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::autopilot::{
    self, Action, Depth, Live, Need, Needs, Position, PriceLimits, Quote, Settings, Situation,
};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::ledger::Ledger;
use wattswap_node::protocol::metering::{Limits, MeterId, Metering, Row, Verdict};

use super::Setting;
use super::open::Open;
use crate::market::strategies::{Heard, Kind, Strategy, Trader, View};
use crate::network::Random;

/// No home draws or feeds in more: a season's maker sees to that.
pub const CONNECTION: Watts = Watts(1_000_000);

/// An order in the book of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderId {
    /// The slot, counted from the season's first.
    pub(super) slot: usize,
    /// In its book.
    pub(super) handle: Handle,
}

/// How a home quotes.
enum Pilot {
    /// As the node does: the production code.
    Node(Settings),
    /// By a strategy for each side, after delivery: those are made when the home first knows its limits.
    Strategy { kind: Kind, both: Option<Sides>, random: Random },
}

/// A home's two strategies, and its limits when it looked last.
struct Sides {
    buys: Box<dyn Strategy>,
    sells: Box<dyn Strategy>,
    buyer: Trader,
    seller: Trader,
}

impl Sides {
    fn new(kind: Kind, limits: PriceLimits, band: PriceBand, random: &mut Random) -> Self {
        let [buyer, seller] = traders(limits);
        Self { buys: kind.made(&buyer, band, random), sells: kind.made(&seller, band, random), buyer, seller }
    }
}

/// A home's limits as its two sides see them.
fn traders(limits: PriceLimits) -> [Trader; 2] {
    let (buy, sell) = (limits.buy_at_most, limits.sell_at_least);
    [Trader { side: Side::Buy, limit: buy, other: sell }, Trader { side: Side::Sell, limit: sell, other: buy }]
}

/// A home and all that it knows.
pub(super) struct Home {
    /// Whether it trades at all.
    pub(super) trades: bool,
    /// When in each beat it looks at the market.
    pub(super) offset: Duration,
    pub(super) key: MemberKey,
    pub(super) metering: Metering,
    pub(super) ledger: Ledger,
    meter: MeterId,
    import: WattHours,
    export: WattHours,
    /// Its price limits in the slots that are known, from the first one on. Here and not with the slots, since a look at
    /// the market wants those of a dozen slots at once.
    pub(super) limits: VecDeque<PriceLimits>,
    /// What it has to trade in those of them that are traded, since its meter was read last.
    needs: Vec<Option<Need>>,
    /// What it has traded and quoted in the first of them.
    positions: VecDeque<Position<OrderId>>,
    pilot: Pilot,
}

/// What a home's autopilot sees.
struct Desk<'h> {
    now: UtcMillis,
    shape: &'h Shape,
    first: Slot,
    slot_millis: u64,
    limits: &'h VecDeque<PriceLimits>,
    needs: &'h [Option<Need>],
    positions: &'h VecDeque<Position<OrderId>>,
    open: &'h VecDeque<Open>,
}

impl Desk<'_> {
    /// Where a slot is in the lists.
    fn number(&self, slot: Slot) -> Option<usize> {
        let ahead = slot.start().0.checked_sub(self.first.start().0)? / self.slot_millis;
        usize::try_from(ahead).ok()
    }
}

impl Situation for Desk<'_> {
    type Id = OrderId;

    fn taken_up(&self) -> impl Iterator<Item = Slot> {
        let taken_up = self.positions.iter().enumerate().filter(|(_, position)| !position.is_empty());
        let slots = taken_up.map(|(number, _)| self.first.start().0 + number as u64 * self.slot_millis);
        slots.map(|start| Slot(UtcMillis(start))).filter(|slot| self.shape.gate(*slot) > self.now)
    }

    fn position(&self, slot: Slot) -> Option<&Position<OrderId>> {
        self.number(slot).and_then(|number| self.positions.get(number))
    }

    fn need(&self, slot: Slot) -> Option<Need> {
        self.number(slot).and_then(|number| self.needs.get(number).copied().flatten())
    }

    fn depth(&self, slot: Slot) -> Depth {
        self.number(slot).and_then(|number| self.open.get(number)).map_or(Depth::default(), |open| open.depth)
    }

    fn limits(&self, slot: Slot) -> PriceLimits {
        // Nobody trades so far ahead that the limits are not known; the last ones are as good as any.
        self.limits[self.number(slot).unwrap_or(0).min(self.limits.len() - 1)]
    }
}

impl Home {
    pub(super) fn new(number: usize, strategy: Kind, setting: &Setting, beat: Duration) -> Self {
        let shape = &setting.shape;
        let mut random = Random::new(setting.seed ^ (number as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let beat = u64::try_from(beat.as_millis()).expect("a beat").max(1);
        let offset = Duration::from_millis(random.below(beat));
        let key = MemberKey(random.bytes());
        let pilot = match strategy {
            Kind::Autopilot => {
                let settings = Settings { on: true, trade_ahead: setting.trade_ahead, ..Settings::off(shape) };
                Pilot::Node(settings)
            }
            kind => Pilot::Strategy { kind, both: None, random },
        };
        let metering = Metering::new(Limits::new(CONNECTION, CONNECTION, shape));
        let meter = MeterId::new("grid").expect("a good name");
        let (ledger, positions, needs) = (Ledger::default(), VecDeque::new(), Vec::new());
        let zero = WattHours::ZERO;
        let trades = strategy != Kind::Passive;
        let limits = VecDeque::new();
        Self {
            trades,
            offset,
            key,
            metering,
            ledger,
            meter,
            import: zero,
            export: zero,
            limits,
            needs,
            positions,
            pilot,
        }
    }

    /// The meter shows its registers, after it has counted `net` in the slot before.
    pub(super) fn read(&mut self, net: Option<WattHours>, at: UtcMillis) {
        let net = net.unwrap_or(WattHours::ZERO);
        self.import += net.max(WattHours::ZERO);
        self.export += (-net).max(WattHours::ZERO);
        let row = Row { meter: self.meter.clone(), at, import: self.import, export: self.export };
        let verdict = self.metering.judge(at, &row).verdict;
        assert_eq!(verdict, Verdict::Accepted, "a profile draws more than {} W", CONNECTION.0);
    }

    /// The first slot that it knew is settled.
    pub(super) fn let_go(&mut self) {
        self.limits.pop_front();
        self.positions.pop_front();
    }

    /// Works out what there is to trade in the slots from `first` on, at the start of a slot: until the next one nothing
    /// of that changes.
    pub(super) fn look_at_meters(&mut self, now: UtcMillis, shape: &Shape, first: Slot, slots: usize) {
        let needs = Needs::new(now, shape, &self.metering);
        let all = std::iter::successors(Some(first), |slot| Some(shape.next(*slot)));
        self.needs.clear();
        self.needs.extend(all.take(slots).map(|slot| needs.of(slot)));
    }

    /// The net energy that it relies on in a slot, counted from the first; none if it does not trade on forecasts.
    pub(super) fn forecast(&self, number: usize) -> Option<WattHours> {
        let need = self.needs.get(number).copied().flatten().filter(|need| !need.is_counted);
        match &self.pilot {
            Pilot::Node(settings) if settings.trade_ahead > 0 => need.map(|need| need.net),
            _ => None,
        }
    }

    /// What to change now; `first` is the slot of the first book, limit and position.
    pub(super) fn plan(
        &mut self,
        now: UtcMillis,
        shape: &Shape,
        first: Slot,
        open: &VecDeque<Open>,
        actions: &mut Vec<Action<OrderId>>,
    ) {
        let slot_millis = u64::try_from(shape.slot_length.as_millis()).expect("an hour at the most");
        let Self { limits, needs, positions, pilot, metering, .. } = self;
        let desk = Desk { now, shape, first, slot_millis, limits, needs, positions, open };
        match pilot {
            Pilot::Node(settings) => {
                actions.extend(autopilot::plan(now, shape, metering.limits(), &desk, settings));
            }
            Pilot::Strategy { kind, both, random } => {
                let band = PriceBand::new(shape.floor, shape.cap).expect("a charter's band");
                let empty = Position::default();
                for slot in shape.open_slots(now).take_while(|slot| shape.next(*slot).start() <= now) {
                    let Some(Need { net, is_counted: true }) = desk.need(slot) else { continue };
                    let sides = both.get_or_insert_with(|| Sides::new(*kind, desk.limits(slot), band, random));
                    [sides.buyer, sides.seller] = traders(desk.limits(slot));
                    let position = desk.position(slot).unwrap_or(&empty);
                    let missing = net - (position.bought - position.sold);
                    let (strategy, trader) = match missing.is_positive() {
                        true => (&mut sides.buys, &sides.buyer),
                        false => (&mut sides.sells, &sides.seller),
                    };
                    let price = strategy.quote(trader, &view(slot, now, shape, open), random);
                    let quantity = WattHours(missing.0.abs());
                    let wanted = price.filter(|_| quantity >= shape.smallest_fill).map(|price| Quote {
                        slot,
                        side: trader.side,
                        quantity,
                        price,
                        expires_at: shape.gate(slot),
                    });
                    change(position, wanted, actions);
                }
            }
        }
    }

    /// Whether its strategy wants to [`hear`](Self::hear).
    pub(super) fn listens(&self, band: PriceBand) -> bool {
        let limits = PriceLimits { sell_at_least: band.floor(), buy_at_most: band.cap() };
        match &self.pilot {
            Pilot::Node(_) => false,
            Pilot::Strategy { kind, random, .. } => Sides::new(*kind, limits, band, &mut random.clone()).buys.listens(),
        }
    }

    /// Tells its strategies of something that it was not told by its own trade; slots are counted from the first.
    pub(super) fn hear(&mut self, number: usize, heard: &Heard) {
        let Pilot::Strategy { both: Some(Sides { buys, sells, buyer, seller }), random, .. } = &mut self.pilot else {
            return;
        };
        for (strategy, trader) in [(buys, &*buyer), (sells, &*seller)] {
            let live = self.positions.get(number).map_or(&[] as &[_], |position| &position.live);
            let active = live.iter().any(|live| live.side == trader.side);
            strategy.hear(trader, active, heard, random);
        }
    }

    /// What it has in a slot, counted from the first.
    fn position(&mut self, number: usize) -> &mut Position<OrderId> {
        if self.positions.len() <= number {
            self.positions.resize_with(number + 1, Position::default);
        }
        &mut self.positions[number]
    }

    /// A trade of its own.
    pub(super) fn filled(&mut self, number: usize, side: Side, quantity: WattHours) {
        let position = self.position(number);
        match side {
            Side::Buy => position.bought += quantity,
            Side::Sell => position.sold += quantity,
        }
    }

    /// What of its resting orders was taken.
    pub(super) fn order_filled(&mut self, number: usize, handle: Handle, quantity: WattHours) {
        let live = &mut self.position(number).live;
        live.iter_mut().filter(|live| live.id.handle == handle).for_each(|live| live.open -= quantity);
        live.retain(|live| live.open.is_positive());
    }

    /// An order of its own rests.
    pub(super) fn keep(&mut self, number: usize, quote: &Quote, id: OrderId, open: WattHours) {
        let live = Live { id, side: quote.side, price: quote.price, open };
        self.position(number).live.push(live);
    }

    /// An order of its own is withdrawn.
    pub(super) fn drop_order(&mut self, number: usize, order: OrderId) {
        if let Some(position) = self.positions.get_mut(number) {
            position.live.retain(|live| live.id != order);
        }
    }
}

fn view(slot: Slot, now: UtcMillis, shape: &Shape, open: &VecDeque<Open>) -> View {
    let band = PriceBand::new(shape.floor, shape.cap).expect("a charter's band");
    let open = open.iter().find(|open| open.slot == slot);
    let book = open.map(|open| &open.book);
    let delivered = shape.next(slot).start();
    View {
        band,
        best_bid: book.and_then(|book| book.best(Side::Buy)),
        best_ask: book.and_then(|book| book.best(Side::Sell)),
        depth: open.map_or(Depth::default(), |open| open.depth),
        elapsed: now.0 - delivered.0,
        whole: shape.gate(slot).0 - delivered.0,
        round: u64::try_from(u128::from(slot.start().0) / shape.slot_length.as_millis()).expect("a slot's number"),
    }
}

/// From what is quoted to what is wanted.
fn change(position: &Position<OrderId>, wanted: Option<Quote>, actions: &mut Vec<Action<OrderId>>) {
    let stays = |quote: &Quote| {
        let same =
            |live: &Live<OrderId>| live.side == quote.side && live.price == quote.price && live.open == quote.quantity;
        position.live.len() == 1 && position.live.iter().all(same)
    };
    if wanted.as_ref().is_some_and(stays) {
        return;
    }
    actions.extend(position.live.iter().map(|live| Action::Cancel(live.id)));
    actions.extend(wanted.map(Action::Place));
}
