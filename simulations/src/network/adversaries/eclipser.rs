//! Stands between a victim and the street: it echoes what the victim holds, gives it nothing, and passes nothing on.
//!
//! The street cuts the victim off from all others but one, see `simulation.rs`.

use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::message::{Message, Summary};

use super::{Cheat, Hand};

/// Of all others, whom it eclipses. The first is the operator, who stays in contact.
pub const VICTIM: usize = 1;

#[derive(Default)]
pub struct Eclipser {
    /// What the victim said that it holds.
    echo: Option<Summary>,
}

impl Cheat for Eclipser {
    fn hears(&mut self, hand: &mut Hand<'_>, input: &mut Input) -> bool {
        if let Input::Message { from, bytes } = input
            && *from == victim(hand)
            && let Ok(Message::Summary(summary)) = Message::decode(bytes)
        {
            self.echo = Some(summary);
        }
        true
    }

    fn acts(&mut self, hand: &mut Hand<'_>, outputs: &mut Vec<Output>) {
        let victim = victim(hand);
        outputs.retain_mut(|output| match output {
            Output::Judge { .. } => false,
            Output::SendRange { to, .. } => *to != victim,
            Output::Send { to, message } if *to == victim => {
                self.falsify(message);
                true
            }
            _ => true,
        });
    }
}

impl Eclipser {
    /// "I hold what you hold", and nothing besides.
    fn falsify(&self, message: &mut Message) {
        match message {
            Message::Heads(heads) => heads.clear(),
            Message::Summary(summary) => *summary = self.echo.unwrap_or(*summary),
            _ => {}
        }
    }
}

fn victim(hand: &Hand<'_>) -> MemberKey {
    hand.others[VICTIM]
}
