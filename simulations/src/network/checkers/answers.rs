//! 5: the same proposal always gets the same answer, however often it comes and whatever crashes in between.

use std::collections::BTreeMap;

use wattswap_node::protocol::agreement::words::{Acceptance, Refusal};
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::ids::ProposalId;
use wattswap_node::protocol::message::{Bytes, Message};
use wattswap_node::protocol::signed::Signed;

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Remembers every answer that left a house.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<ProposalId, Bytes>);

impl Checker for Answers {
    fn name(&self) -> &'static str {
        "answers"
    }

    fn after_turn(&mut self, _: &Chronicle, _: &mut Street, turn: &Turn) -> Result<(), String> {
        for output in &turn.outputs {
            let Output::Send { message: Message::Acceptance(bytes) | Message::Refusal(bytes), .. } = output else {
                continue;
            };
            let acceptance = Signed::<Acceptance>::parse(bytes.clone()).ok().map(|word| word.proposal);
            let refusal = Signed::<Refusal>::parse(bytes.clone()).ok().map(|word| word.proposal);
            let id = acceptance.or(refusal).ok_or("an answer that nobody can read")?;
            let first = self.0.entry(id).or_insert_with(|| bytes.clone());
            require(first == bytes, || format!("home {} gave two answers to proposal {id}", turn.home))?;
        }
        Ok(())
    }
}
