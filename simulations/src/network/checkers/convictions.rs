//! 7.7: an honest node is never convicted, never dropped for misconduct, and never stops by itself.

use wattswap_node::protocol::household::io::{Event, Output, Record};

use super::{Checker, Chronicle};
use crate::network::{Street, Turn};

/// Only those that cheat may be convicted, and nobody else dropped.
pub(super) struct Convictions;

impl Checker for Convictions {
    fn name(&self) -> &'static str {
        "convictions"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let home = turn.home;
        for record in &turn.records {
            if let Record::Proof { key, .. } = record
                && street.is_honest_key(key)
            {
                return Err(format!("home {home} has convicted home {:?}, which is honest", street.number(key)));
            }
        }
        for output in &turn.outputs {
            match output {
                Output::Event(Event::Convicted { key, .. }) if street.is_honest_key(key) => {
                    return Err(format!("home {home} says that home {:?} was convicted", street.number(key)));
                }
                Output::Drop(key) if street.is_honest_key(key) => {
                    return Err(format!("home {home} drops home {:?} for misconduct", street.number(key)));
                }
                Output::Halt(halt) => return Err(format!("home {home} stops: {halt}")),
                _ => {}
            }
        }
        Ok(())
    }
}
