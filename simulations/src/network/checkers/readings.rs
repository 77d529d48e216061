//! What the meter counted is counted once: no instant has two readings that count, and no register runs back, whatever is
//! replayed to a household.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::metering::{MeterId, Row, Verdict};

use super::{Checker, Chronicle, Restores, require};
use crate::network::{Street, Turn};

/// Keeps all readings that count.
#[derive(Default)]
pub(super) struct Readings {
    counted: BTreeMap<(usize, MeterId), BTreeMap<UtcMillis, Row>>,
    restores: Restores,
}

impl Checker for Readings {
    fn name(&self) -> &'static str {
        "readings"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let home = turn.home;
        // A store that was put back has forgotten some, and they may come again.
        if self.restores.is_new(street, home) {
            self.counted.retain(|(whose, _), _| *whose != home);
        }
        for record in &turn.records {
            let Record::Reading(reading) = record else { continue };
            match reading.verdict {
                Verdict::Accepted => self.count(home, &reading.row)?,
                // Of the same instant as one that counted: that one is withdrawn.
                _ => drop(self.of(home, &reading.row).remove(&reading.row.at)),
            }
        }
        Ok(())
    }
}

impl Readings {
    fn of(&mut self, home: usize, row: &Row) -> &mut BTreeMap<UtcMillis, Row> {
        self.counted.entry((home, row.meter.clone())).or_default()
    }

    fn count(&mut self, home: usize, row: &Row) -> Result<(), String> {
        let counted = self.of(home, row);
        require(!counted.contains_key(&row.at), || format!("home {home} counts its meter at {:?} twice", row.at))?;
        let before = counted.range(..row.at).next_back().map(|(_, before)| before);
        let after = counted.range(row.at..).next().map(|(_, after)| after);
        let runs_back = |one: &Row, next: &Row| one.import > next.import || one.export > next.export;
        let is_wrong =
            before.is_some_and(|before| runs_back(before, row)) || after.is_some_and(|after| runs_back(row, after));
        require(!is_wrong, || format!("home {home} counts a register that runs back at {:?}", row.at))?;
        counted.insert(row.at, row.clone());
        Ok(())
    }
}
