//! What the meter counted is counted once: no instant has two readings that count, and no register runs back, whatever is
//! replayed to a household.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::metering::{MeterId, Row, Verdict};

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Keeps all readings that count.
#[derive(Default)]
pub(super) struct Readings {
    counted: BTreeMap<(usize, MeterId), BTreeMap<UtcMillis, Row>>,
}

impl Checker for Readings {
    fn name(&self) -> &'static str {
        "readings"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let home = turn.home;
        // A store that was put back has forgotten some, and they may come again.
        if street.was_restored(home) {
            self.counted.retain(|(whose, _), _| *whose != home);
            return Ok(());
        }
        for record in &turn.records {
            let Record::Reading(reading) = record else { continue };
            if reading.verdict == Verdict::Accepted {
                self.count(home, &reading.row)?;
            }
        }
        Ok(())
    }
}

impl Readings {
    fn count(&mut self, home: usize, row: &Row) -> Result<(), String> {
        let counted = self.counted.entry((home, row.meter.clone())).or_default();
        require(!counted.contains_key(&row.at), || format!("home {home} counts its meter at {:?} twice", row.at))?;
        let before = counted.range(..row.at).next_back().map(|(_, before)| before);
        let after = counted.range(row.at..).next().map(|(_, after)| after);
        let runs_back = |one: &Row, next: &Row| one.import > next.import || one.export > next.export;
        let is_wrong =
            before.is_some_and(|before| runs_back(before, row)) || after.is_some_and(|after| runs_back(row, after));
        if is_wrong && after.is_none() && never_moved(counted) {
            // Nobody knows then which of them is wrong: the newest begins the series again.
            counted.clear();
        } else {
            require(!is_wrong, || format!("home {home} counts a register that runs back at {:?}", row.at))?;
        }
        counted.insert(row.at, row.clone());
        Ok(())
    }
}

fn never_moved(counted: &BTreeMap<UtcMillis, Row>) -> bool {
    let mut registers = counted.values().map(|row| (row.import, row.export));
    registers.next().is_some_and(|first| registers.all(|other| other == first))
}
