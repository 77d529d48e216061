//! What the households were promised: every order that was acknowledged, every trade that was reported. None may ever
//! be missing, or be another one than before.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rust_decimal::Decimal;
use wattswap_api::dto::order::{Order, OrderPage};
use wattswap_api::dto::trade::Trade;
use wattswap_matching::WattHours;
use wattswap_node::client::RequestError;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::signed::{Signed, Statement, Verified};

use crate::market::Wish;
use crate::node::Node;
use crate::records::Record;

/// What one household was promised.
#[derive(Default)]
pub struct Ledger {
    /// By their ids. Clients add to them while it is checked.
    orders: Mutex<BTreeMap<String, Promise>>,
    /// Those that were reported, or seen as done, by their ids.
    trades: Mutex<BTreeMap<String, Trade>>,
}

/// An order that was acknowledged.
#[derive(Clone)]
pub struct Promise {
    /// The name that makes a second try harmless.
    pub key: String,
    /// What was ordered.
    pub wish: Wish,
}

/// What a household should not have done.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

/// Why a ledger could not be checked, or what the check has found.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The node could not be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A promise was broken.
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Ledger {
    /// An order was acknowledged under that id.
    pub fn acknowledge(&self, id: String, promise: Promise) {
        lock(&self.orders).insert(id, promise);
    }

    /// A trade was reported as done.
    ///
    /// # Errors
    /// [`Broken`] if another one was reported under its id.
    pub fn report(&self, trade: Trade) -> Result<(), Broken> {
        let mut trades = lock(&self.trades);
        let before = trades.entry(trade.id.to_string()).or_insert_with(|| trade.clone());
        if is_same(before, &trade) { Ok(()) } else { Err(changed(before, &trade)) }
    }

    /// How many orders were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        lock(&self.orders).len()
    }

    /// How many trades were reported, or seen as done.
    #[must_use]
    pub fn reported(&self) -> usize {
        lock(&self.trades).len()
    }

    /// One of the promised orders, with its id, to be asked for again.
    #[must_use]
    pub fn any_order(&self) -> Option<(String, Promise)> {
        lock(&self.orders).last_key_value().map(|(id, promise)| (id.clone(), promise.clone()))
    }

    /// The node still keeps all that it has promised. What it shows as done is promised from now on.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn check(&self, node: &Node) -> Result<(), CheckError> {
        // What is acknowledged from now on need not be in the answer.
        let promised = lock(&self.orders).clone();
        let orders = orders_of(node)?;
        for (id, Promise { key, wish }) in &promised {
            let order =
                orders.get(id).ok_or_else(|| broken(node, &format!("lost order {id}, acknowledged for {key}")))?;
            if !is_wish(order, wish) {
                return Err(broken(node, &format!("was asked for {wish:?} and has {order:?}")).into());
            }
        }
        if let Some(order) = orders.values().find(|order| order.filled_wh.0 > order.quantity_wh.0) {
            return Err(broken(node, &format!("has filled more than was ordered: {order:?}")).into());
        }
        let held = Record::of(node)?.trades;
        let by_id: BTreeMap<String, &Trade> = held.iter().map(|trade| (trade.id.to_string(), trade)).collect();
        for (id, trade) in lock(&self.trades).iter() {
            let held = by_id.get(id).ok_or_else(|| broken(node, &format!("lost the reported trade {trade:?}")))?;
            if !is_same(trade, held) {
                return Err(changed(trade, held).into());
            }
        }
        for trade in held.into_iter().filter(|trade| !trade.provisional) {
            self.report(trade)?;
        }
        Ok(())
    }

    /// Both signatures of every trade are good, and over the same words.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn check_signatures(&self) -> Result<(), Broken> {
        match lock(&self.trades).values().find(|trade| !is_proved(trade)) {
            Some(trade) => Err(Broken(format!("its signatures do not prove the trade {trade:?}"))),
            None => Ok(()),
        }
    }

    /// What the orders of a quiet household say that they have filled is what its trades say.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn check_sums(&self, node: &Node) -> Result<(), CheckError> {
        let mut traded: BTreeMap<String, WattHours> = BTreeMap::new();
        for trade in lock(&self.trades).values() {
            if let Some(order) = &trade.order {
                *traded.entry(order.to_string()).or_default() += trade.quantity_wh.0;
            }
        }
        for (id, order) in orders_of(node)? {
            let traded = traded.get(&id).copied().unwrap_or_default();
            if order.filled_wh.0 != traded || order.in_doubt_wh.0 != WattHours::ZERO {
                return Err(broken(node, &format!("has traded {} Wh by the order {order:?}", traded.0)).into());
            }
        }
        Ok(())
    }
}

/// All orders of a household, by their ids.
///
/// # Errors
/// [`RequestError`].
pub fn orders_of(node: &Node) -> Result<BTreeMap<String, Order>, RequestError> {
    let all = node.client().list("/orders", usize::MAX, |page: OrderPage| (page.orders, page.next))?;
    Ok(all.into_iter().map(|order| (order.id.to_string(), order)).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // An insertion that panicked has inserted nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_wish(order: &Order, wish: &Wish) -> bool {
    let price: Result<Decimal, _> = wish.price.parse();
    order.slot.to_string() == wish.slot
        && order.side.0 == wish.side
        && order.quantity_wh.0 == wish.quantity
        && Ok(order.price_per_kwh.0.0) == price
}

/// Word for word, as the API says it.
fn is_same(one: &Trade, other: &Trade) -> bool {
    let json = |trade| serde_json::to_value(trade).expect("what came as JSON goes as JSON");
    json(one) == json(other)
}

fn is_proved(trade: &Trade) -> bool {
    let proposal = verified::<Proposal>(&trade.proposal.0.0);
    let acceptance = verified::<Acceptance>(&trade.acceptance.0.0);
    proposal.zip(acceptance).is_some_and(|(proposal, acceptance)| {
        acceptance.proposal.0 == proposal.hash()
            && acceptance.proposal.to_string() == trade.id.to_string()
            && acceptance.maker == proposal.maker.author
            && acceptance.quantity == trade.quantity_wh.0
            && proposal.slot == trade.slot.0
    })
}

fn verified<T: Statement>(bytes: &[u8]) -> Option<Verified<T>> {
    Signed::<T>::parse(bytes).ok()?.verify().ok()
}

fn changed(before: &Trade, now: &Trade) -> Broken {
    Broken(format!("the trade {before:?} was reported and has become {now:?}"))
}

fn broken(node: &Node, what: &str) -> Broken {
    Broken(format!("the household {} {what}", node.member()))
}
