//! One home's day: what it uses, yields and draws, and what that costs.

use rust_decimal::Decimal;

use super::chart::{Axis, Chart, stairs};
use super::plot::{Plot, drawn, kilowatts, texts};
use crate::answers::Findings;
use crate::answers::clock::wall;
use crate::run::record::HomeSlot;

/// So many slots lie between two ticks of a day.
const TICKS: usize = 8;

/// Its energy and its money; none without slots.
pub fn plots(findings: &Findings<'_>) -> Option<[Plot; 2]> {
    let day = findings.home_day.as_ref()?;
    let calendar = &findings.community.calendar;
    let date = calendar.days.get(day.day)?;
    let minutes = |slot: usize| if slot < date.slots { wall(date.wall_minute(slot)) } else { String::new() };
    let stride = day.slots.len().div_ceil(TICKS).max(1);
    let ticks = (0..day.slots.len()).step_by(stride).map(|slot| (slot as f64, minutes(slot))).collect();
    let time = Axis::with("", 0.0, day.slots.len() as f64, ticks);
    let names: Vec<String> = (0..day.slots.len()).map(minutes).collect();
    let name = &findings.community.homes[findings.shown_home].name;
    let title = format!("A day of {name}, {}", date.date);
    let energy = energy(&day.slots, &names, &time, &title, calendar.slot_minutes);
    Some([energy, money(&day.slots, &names, time, &title)])
}

fn energy(slots: &[HomeSlot], names: &[String], time: &Axis, title: &str, slot_minutes: u32) -> Plot {
    let power = |energy| kilowatts(energy, 1, slot_minutes);
    // Used, from the roof, into the battery, from the street, and of that traded.
    let shown: Vec<[f64; 5]> = slots
        .iter()
        .map(|slot| {
            let flows = &slot.flows;
            let battery = flows.charged - flows.discharged;
            [flows.demand(), flows.generation(), battery, flows.net(), slot.bought - slot.sold].map(power)
        })
        .collect();
    let mut chart = Chart::new(time.clone(), Axis::of("kW", shown.iter().flatten().copied().chain([0.0])));
    let classes = [("s1", "f1", "used"), ("s2", "f2", "roof"), ("s5", "f5", "into the battery")];
    let classes = classes.into_iter().chain([("s6", "f6", "from the street"), ("s3", "f3", "from neighbours")]);
    for (column, (line, key, name)) in classes.enumerate() {
        if shown.iter().all(|powers| powers[column] == 0.0) {
            continue;
        }
        let steps = shown.iter().enumerate().map(|(slot, powers)| (slot as f64, slot as f64 + 1.0, powers[column]));
        chart.line(line, &stairs(steps));
        chart = chart.legend(key, name);
    }
    let rows = names.iter().zip(&shown);
    let rows = rows.map(|(name, powers)| row(name, powers.iter().map(|power| format!("{power:.3}"))));
    Plot {
        id: "day",
        title: title.to_owned(),
        caption:
            "Mean power of each slot. What comes from the street is below zero where the home feeds in; what comes \
                  from neighbours is below zero where it sells. The home is the first with the most equipment; of its \
                  days, this is the one with most trade."
                .to_owned(),
        picture: chart.into(),
        columns: texts([
            "from",
            "used, kW",
            "roof, kW",
            "into the battery, kW",
            "from the street, kW",
            "from neighbours, kW",
        ]),
        rows: rows.collect(),
    }
}

fn money(slots: &[HomeSlot], names: &[String], time: Axis, title: &str) -> Plot {
    let mut sums = [Decimal::ZERO; 3];
    let counted: Vec<[Decimal; 3]> = slots
        .iter()
        .map(|slot| {
            let costs = [slot.cost(), slot.cost_without_market(), slot.cost_of_supplier_only()];
            sums.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost.0);
            sums
        })
        .collect();
    let values = counted.iter().flatten().map(|sum| drawn(*sum)).chain([0.0]);
    let mut chart = Chart::new(time, Axis::of("EUR since midnight", values))
        .legend("f3", "with the market")
        .legend("f6", "without")
        .legend("f1", "supplier only");
    for (column, class) in ["s3", "s6", "s1"].into_iter().enumerate() {
        let line = counted.iter().enumerate().map(|(slot, sums)| (slot as f64 + 1.0, drawn(sums[column])));
        chart.line(class, &std::iter::once((0.0, 0.0)).chain(line).collect::<Vec<_>>());
    }
    let rows = names.iter().zip(&counted);
    let rows = rows.map(|(name, sums)| row(name, sums.iter().map(|sum| format!("{:.4}", sum.round_dp(4)))));
    Plot {
        id: "money",
        title: format!("{title}: its money"),
        caption: "What the day has cost so far; falling, it brings money in. Without the market, the supplier settles \
                  the same flows; with the supplier only, there is no roof and no battery either."
            .to_owned(),
        picture: chart.into(),
        columns: texts(["from", "with the market, EUR", "without the market, EUR", "supplier only, EUR"]),
        rows: rows.collect(),
    }
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}
