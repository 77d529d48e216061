//! `autopilot`: on, off, and within which limits.

use wattswap_api::dto::autopilot::Autopilot;
use wattswap_api::dto::number::{MAX_SLOTS_AHEAD, Quantity, SlotsAhead};
use wattswap_api::dto::text::Text;
use wattswap_api::port::PricePerKwh;
use wattswap_matching::WattHours;

use super::Outcome;
use super::amounts;
use super::context::Context;
use super::orders::price;
use super::output;

/// What to do with the autopilot.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Show whether it trades, and its limits
    Show,
    /// Let it trade; limits that are not named stay as they are
    On(Limits),
    /// Stop it; it cancels its own open orders
    Off,
    /// Change its limits, whether it trades or not
    Limits(Limits),
}

/// The autopilot's limits.
#[derive(clap::Args)]
pub(super) struct Limits {
    /// Never sell below this price per kWh: what your supplier pays for what you feed in
    #[arg(long, value_name = "PRICE", value_parser = price, allow_hyphen_values = true)]
    sell_at_least: Option<PricePerKwh>,
    /// Never buy above this price per kWh: what your supplier charges
    #[arg(long, value_name = "PRICE", value_parser = price, allow_hyphen_values = true)]
    buy_at_most: Option<PricePerKwh>,
    /// Trade so many slots on a forecast: 0 trades only what the meter has counted, 1 also the slot that is being
    /// delivered, 2 the next one too
    #[arg(long, value_name = "SLOTS", value_parser = clap::value_parser!(u16).range(0..=i64::from(MAX_SLOTS_AHEAD)))]
    trade_ahead: Option<u16>,
    /// Trade at most so much in a slot and direction, for example 500Wh
    #[arg(long, value_name = "ENERGY", value_parser = amounts::energy, conflicts_with = "no_slot_limit")]
    slot_limit: Option<WattHours>,
    /// Trade in a slot whatever the connection carries
    #[arg(long)]
    no_slot_limit: bool,
}

impl Command {
    pub(super) fn carry_out(self, context: &Context) -> Outcome {
        let client = context.client()?;
        let mut settings: Autopilot = client.get("/autopilot")?;
        match self {
            Self::Show => return show(&settings, context),
            Self::On(limits) => {
                settings.on = true;
                limits.apply(&mut settings);
            }
            Self::Off => settings.on = false,
            Self::Limits(limits) => limits.apply(&mut settings),
        }
        show(&client.put("/autopilot", &settings)?, context)
    }
}

impl Limits {
    fn apply(self, settings: &mut Autopilot) {
        if let Some(price) = self.sell_at_least {
            settings.sell_at_least_per_kwh = Text(price);
        }
        if let Some(price) = self.buy_at_most {
            settings.buy_at_most_per_kwh = Text(price);
        }
        if let Some(slots) = self.trade_ahead {
            settings.trade_ahead_slots = SlotsAhead(slots);
        }
        if let Some(limit) = self.slot_limit {
            settings.slot_limit_wh = Some(Quantity(limit));
        }
        if self.no_slot_limit {
            settings.slot_limit_wh = None;
        }
    }
}

fn show(settings: &Autopilot, context: &Context) -> Outcome {
    if context.json() {
        return Ok(output::json(settings)?);
    }
    let limit = settings.slot_limit_wh.as_ref();
    output::text(&format!(
        "The autopilot is {}. It sells at {} per kWh or more, buys at {} per kWh or less, and trades up to {} in a slot \
         and direction; {}.",
        if settings.on { "on" } else { "off" },
        settings.sell_at_least_per_kwh,
        settings.buy_at_most_per_kwh,
        limit.map_or_else(|| "what the connection carries".to_owned(), |limit| limit.0.to_string()),
        match settings.trade_ahead_slots.0 {
            0 => "it trades only what the meter has counted".to_owned(),
            slots => format!("it trades up to {slots} slots on a forecast"),
        },
    ))?;
    Ok(())
}
