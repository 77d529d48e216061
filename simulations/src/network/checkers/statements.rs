//! 8: whoever trades arrives at the same statement as the other party, to the last digit; no household's books are out of
//! balance; and money goes nowhere but to members, suppliers and the named fees.

use rust_decimal::Decimal;
use wattswap_matching::Money;
use wattswap_node::protocol::ledger::{Account, Statement};

use super::{Checker, Chronicle, require};
use crate::network::Street;
use crate::network::settlements::{Books, books};

/// Digits of the smallest coin.
const COIN: u32 = 2;

/// Compares the books of all.
pub(super) struct Statements;

impl Checker for Statements {
    fn name(&self) -> &'static str {
        "statements"
    }

    fn at_rest(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        // What a disk has lost, its household may not know any more.
        let knows_all = |home: &usize| street.is_honest_member(*home) && !street.was_restored(*home);
        let homes: Vec<usize> = (0..street.homes()).filter(knows_all).collect();
        let books: Vec<(usize, Books)> =
            homes.into_iter().filter_map(|home| Some((home, books(street, home, seen)?))).collect();
        for (home, books) in &books {
            let residual = books.ledger.residual();
            require(residual == Money(Decimal::ZERO), || format!("the books of home {home} are off by {residual}"))?;
        }
        for (one, own) in &books {
            for (other, theirs) in &books {
                let (ours, mirrored) = (said(own, street, *other), said(theirs, street, *one));
                let mirrored: Vec<_> = mirrored.into_iter().map(mirror).collect();
                require(ours == mirrored, || {
                    format!("home {one} has {ours:?} with home {other}, which has {mirrored:?}, seen from there")
                })?;
            }
        }
        Ok(())
    }
}

type Figures = (Money, Money, i64, i64);

/// What the statements with a neighbour say: exact amount, what is due, bought, sold.
fn said(books: &Books, street: &Street, with: usize) -> Vec<Figures> {
    let account = Account::Member(street.key(with));
    let months = books.ledger.months().map(|(month, _)| month);
    let statements = months.flat_map(|month| books.ledger.statements(month, COIN));
    let with_it = statements.filter(|statement| statement.account == account);
    with_it.map(|Statement { exact, due, .. }| (exact.amount, due, exact.bought.0, exact.sold.0)).collect()
}

fn mirror((exact, due, bought, sold): Figures) -> Figures {
    (Money(-exact.0), Money(-due.0), sold, bought)
}
