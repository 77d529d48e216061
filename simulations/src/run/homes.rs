//! Day after day, what happens behind the homes' meters.

use rayon::prelude::*;
use wattswap_node::protocol::settlement::Tariff;

use super::local::Local;
use crate::devices::Flows;
use crate::devices::{self, DayOf, Devices, Outlook};
use crate::homes::{Community, HomeDay};
use crate::scenario::Document;

/// The homes of a community with their devices, before some day.
pub(super) struct Homes<'c> {
    community: &'c Community,
    /// The number of the next day.
    next: usize,
    homes: Vec<State>,
    /// The tariffs' prices on that day.
    prices: Vec<Vec<Tariff>>,
}

struct State {
    devices: Devices,
    /// What the next day comes to.
    next: HomeDay,
}

/// A day of all homes.
#[derive(Default)]
pub(super) struct Made {
    /// Of each home, slot by slot.
    pub(super) flows: Vec<Vec<Flows>>,
    /// Of each tariff, slot by slot.
    pub(super) prices: Vec<Vec<Tariff>>,
}

impl<'c> Homes<'c> {
    pub(super) fn new(community: &'c Community, document: &Document) -> Self {
        let rules = devices::Rules::of(document);
        let state =
            |home| State { devices: Devices::new(&community.homes[home], &rules), next: community.day(home, 0) };
        let homes = (0..community.homes.len()).into_par_iter().map(state).collect();
        Self { community, next: 0, homes, prices: prices(community, 0) }
    }

    /// The next day. Plans expect of the market what it has come to lately.
    pub(super) fn make(&mut self, local: &Local) -> Made {
        let Self { community, next, homes, .. } = self;
        let (today, tomorrow) = (*next, *next + 1);
        let days = &community.calendar.days;
        let has_tomorrow = tomorrow < days.len();
        let prices_then = if has_tomorrow { prices(community, tomorrow) } else { Vec::new() };
        let prices_now = std::mem::replace(&mut self.prices, prices_then);
        let expected = |day: usize, prices: &[Vec<Tariff>]| -> Vec<Vec<Tariff>> {
            prices.iter().map(|tariff| local.expected(&days[day], tariff)).collect()
        };
        let expected_now = expected(today, &prices_now);
        let expected_then = if has_tomorrow { expected(tomorrow, &self.prices) } else { Vec::new() };
        let flows = homes.par_iter_mut().enumerate().map(|(number, state)| {
            let tariff = community.homes[number].tariff;
            let then = has_tomorrow.then(|| community.day(number, tomorrow));
            let now = std::mem::replace(&mut state.next, then.unwrap_or_default());
            let outlook = Outlook {
                today: DayOf { day: &days[today], home: &now, tariffs: &expected_now[tariff] },
                tomorrow: has_tomorrow.then(|| DayOf {
                    day: &days[tomorrow],
                    home: &state.next,
                    tariffs: &expected_then[tariff],
                }),
            };
            (0..days[today].slots).map(|slot| state.devices.slot(&outlook, slot)).collect()
        });
        let flows = flows.collect();
        self.next = tomorrow;
        Made { flows, prices: prices_now }
    }

    /// How many plans could not be made.
    pub(super) fn failed_plans(&self) -> u64 {
        self.homes.iter().map(|home| home.devices.failed_plans()).sum()
    }
}

fn prices(community: &Community, day: usize) -> Vec<Vec<Tariff>> {
    (0..community.tariffs.len()).map(|tariff| community.prices(tariff, day)).collect()
}
