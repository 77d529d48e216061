//! How evenly savings are spread over homes. Savings may be negative: a home may pay more than without the market.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::Money;

use super::value::{Amount, Figure, ratio};

/// What homes' savings by the market come to, together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fairness {
    /// Homes that pay less than without the market.
    pub better_off: usize,
    /// Homes that pay as much as without it, or less.
    pub not_worse_off: usize,
    /// `better_off / homes`. None without homes.
    pub better_off_share: Option<Figure>,
    /// `not_worse_off / homes`. None without homes.
    pub not_worse_off_share: Option<Figure>,
    /// The smallest saving.
    pub least_saved_eur: Option<Amount>,
    /// As many homes save less as save more; of two in the middle, the smaller.
    pub middle_saved_eur: Option<Amount>,
    /// The largest saving.
    pub most_saved_eur: Option<Amount>,
    /// Gini's coefficient (1912) of the savings, with the normalisation for values below zero of Raffinetti, Siletti and
    /// Vernizzi (2015, Statistical Methods & Applications 24), without their correction for small numbers of homes: the
    /// sum of all pairs' differences `|x - y|` over `2 n sum |x|`. From 0, all save alike, to 1. Where nobody loses, it
    /// is the ordinary one. None if nobody saves or loses anything.
    pub gini: Option<Figure>,
    /// Jain's index (Jain, Chiu and Hawe 1984) of the savings: `(sum x)^2 / (n sum x^2)`, from 1, all save alike, down to
    /// `1 / n`, one home saves all. It is made for values from zero on: a loss makes it smaller still, and where all
    /// together save nothing there is none.
    pub jain: Option<Figure>,
}

impl Fairness {
    /// Of these savings.
    #[must_use]
    pub fn of(savings: impl IntoIterator<Item = Money>) -> Self {
        let mut sorted: Vec<Decimal> = savings.into_iter().map(|saved| saved.0).collect();
        sorted.sort_unstable();
        let count = |which: fn(&Decimal) -> bool| sorted.iter().filter(|saved| which(saved)).count();
        let (better_off, not_worse_off) =
            (count(|saved| *saved > Decimal::ZERO), count(|saved| *saved >= Decimal::ZERO));
        let amount = |saved: &Decimal| Amount(saved.normalize());
        Self {
            better_off,
            not_worse_off,
            better_off_share: ratio(better_off as u64, sorted.len() as u64),
            not_worse_off_share: ratio(not_worse_off as u64, sorted.len() as u64),
            least_saved_eur: sorted.first().map(amount),
            middle_saved_eur: sorted.get(sorted.len().saturating_sub(1) / 2).map(amount),
            most_saved_eur: sorted.last().map(amount),
            gini: gini(&sorted),
            jain: jain(&sorted),
        }
    }
}

/// Of sorted values, each pair's difference is counted by how many lie below and above a value: in the sum of all
/// pairs, the value number i, from 1, stands `2 i - n - 1` times, and each pair is counted twice.
fn gini(sorted: &[Decimal]) -> Option<Figure> {
    let n = i64::try_from(sorted.len()).ok()?;
    let differences: Decimal =
        sorted.iter().zip(1..).map(|(saved, number): (_, i64)| saved * Decimal::from(2 * number - n - 1)).sum();
    let sizes: Decimal = sorted.iter().map(Decimal::abs).sum();
    ratio(differences, sizes * Decimal::from(n))
}

fn jain(savings: &[Decimal]) -> Option<Figure> {
    let sum: Decimal = savings.iter().sum();
    if sum <= Decimal::ZERO {
        return None;
    }
    let squares: Decimal = savings.iter().map(|saved| saved * saved).sum();
    ratio(sum * sum, squares * Decimal::from(savings.len() as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fairness(cents: &[i64]) -> Fairness {
        Fairness::of(cents.iter().map(|cents| Money(Decimal::new(*cents, 2))))
    }

    #[test]
    fn by_hand() {
        // (savings; Gini, Jain)
        let cases = [
            ("nobody", vec![], None, None),
            ("nothing", vec![0, 0], None, None),
            ("alike", vec![300, 300, 300], ratio(0, 1), ratio(1, 1)),
            ("one takes all", vec![0, 0, 0, 400], ratio(3, 4), ratio(1, 4)),
            // Differences 1, 2 and 1, each twice, over 2 * 3 * 6; 36 / (3 * 14).
            ("a ladder", vec![300, 100, 200], ratio(8, 36), ratio(36, 42)),
            // Differences 0, 2 and 2, each twice, over 2 * 3 * 3; 1 / (3 * 3).
            ("one loses", vec![100, -100, 100], ratio(8, 18), ratio(1, 9)),
            ("all lose alike", vec![-100, -100], ratio(0, 1), None),
        ];
        for (name, cents, gini, jain) in cases {
            let fairness = fairness(&cents);
            assert_eq!((fairness.gini, fairness.jain), (gini, jain), "{name}");
        }
    }

    #[test]
    fn nobody_is_better_off_by_nothing() {
        let fairness = fairness(&[-5, 0, 0, 7, 9]);
        assert_eq!((fairness.better_off, fairness.not_worse_off), (2, 4));
        assert_eq!((fairness.better_off_share, fairness.not_worse_off_share), (ratio(2, 5), ratio(4, 5)));
        let cents = |cents| Some(Amount(Decimal::new(cents, 2).normalize()));
        assert_eq!(
            [fairness.least_saved_eur, fairness.middle_saved_eur, fairness.most_saved_eur],
            [cents(-5), cents(0), cents(9)]
        );
    }

    proptest! {
        #[test]
        fn both_lie_between_nought_and_one_and_know_no_order(mut cents in prop::collection::vec(-9_999_i64..9_999, 1..40)) {
            let found = fairness(&cents);
            for index in [found.gini, found.jain].into_iter().flatten() {
                prop_assert!((Decimal::ZERO..=Decimal::ONE).contains(&index.0));
            }
            cents.reverse();
            prop_assert_eq!(found, fairness(&cents));
        }
    }
}
