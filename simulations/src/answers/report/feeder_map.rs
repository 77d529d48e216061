//! The feeder as a map, each bus coloured by how far its voltage went from nominal.

use super::map::{Map, Mark};
use super::off::{step, worse};
use super::picture::Picture;
use super::plot::{Plot, spread, texts};
use crate::answers::Findings;
use crate::answers::grid::BusAnswers;
use crate::grid::feeder::{Feeder, Place};
use crate::grid::places::{self, Map as Places};

/// So many buses are marked at most, and written down.
const MOST: usize = 800;
/// So many lines are drawn at most; they are all one shape, and take little room.
const MOST_LINES: usize = 5_000;

/// A bus with a place and a voltage.
struct Spot<'f> {
    bus: usize,
    answers: &'f BusAnswers,
    /// From the transformer, east and north.
    at: (f64, f64),
    low: f64,
    high: f64,
    is_joint: bool,
}

impl Spot<'_> {
    fn worst(&self) -> f64 {
        worse(self.low, self.high)
    }

    fn off(&self) -> f64 {
        (self.worst() - 1.0).abs()
    }
}

/// The plot; none without a feeder that could be solved.
pub fn plot(findings: &Findings<'_>) -> Option<Plot> {
    let answers = findings.summary.feeder.as_ref()?;
    let feeder = findings.community.feeder.as_ref()?;
    let base = answers.voltage_base_v;
    let places = places::map(feeder);
    let origin = origin(feeder, &places)?;
    let from_origin = |place: Place| (place.east - origin.east, place.north - origin.north);
    let all = spots(feeder, &by_bus(feeder, &answers.buses), |bus| places.places[bus].map(from_origin));
    let (lowest, highest) = (extreme(&all, |spot| -spot.low)?, extreme(&all, |spot| spot.high)?);
    let marked = chosen(&all, [lowest.bus, highest.bus]);

    let drawn = || places.places.iter().flatten().map(|place| from_origin(*place));
    let mut map = Map::new(drawn(), places.surveyed, places.in_metres);
    let ends = |line: usize| {
        let line = &feeder.lines[line];
        Some([from_origin(places.places[line.from]?), from_origin(places.places[line.to]?)])
    };
    map.lines(spread(feeder.lines.len(), MOST_LINES).into_iter().filter_map(ends));
    // The worst are on top: marked last.
    for spot in marked.iter().rev() {
        let mark = Mark { step: step(spot.worst()), is_above: spot.worst() > 1.0 };
        if spot.is_joint {
            map.joint(super::off::STEPS[mark.step].class, spot.at);
        } else {
            let says = format!("{}: {:.1} to {:.1} V", spot.answers.name, spot.low * base, spot.high * base);
            map.mark(mark, spot.at, &says);
        }
    }
    if let Some(place) = places.places[feeder.first_bus()] {
        map.transformer(from_origin(place));
    }
    map.words(highest.at, &format!("highest: {:.1} V", highest.high * base));
    map.words(lowest.at, &format!("lowest: {:.1} V", lowest.low * base));
    let caption = caption(feeder, &places, &map, base, [all.len(), marked.len()]);
    let rows = marked.iter().map(|spot| row(spot, base));
    let unit = if places.in_metres { ", m" } else { "" };
    let across = if places.surveyed { ["east", "north"] } else { ["across", "up"] }.map(|way| format!("{way}{unit}"));
    Some(Plot {
        id: "map",
        title: "Feeder map".to_owned(),
        caption,
        columns: texts(["bus", &across[0], &across[1], "lowest, V", "highest, V", "minutes 10 % off"]),
        rows: rows.collect(),
        picture: Picture::Map(map),
    })
}

/// Places are counted from the transformer, or from whatever has one.
fn origin(feeder: &Feeder, places: &Places) -> Option<Place> {
    places.places[feeder.first_bus()].or_else(|| places.places.iter().flatten().next().copied())
}

/// The answers leave the transformer's high-voltage side out.
pub fn by_bus<'a>(feeder: &Feeder, answers: &'a [BusAnswers]) -> Vec<Option<&'a BusAnswers>> {
    let high = feeder.transformer.as_ref().map(|transformer| transformer.high);
    let mut low_side = answers.iter();
    (0..feeder.buses.len()).map(|bus| if Some(bus) == high { None } else { low_side.next() }).collect()
}

/// All buses that have a place and a voltage, the worst first.
fn spots<'a>(
    feeder: &Feeder,
    answers: &[Option<&'a BusAnswers>],
    place: impl Fn(usize) -> Option<(f64, f64)>,
) -> Vec<Spot<'a>> {
    let mut is_joint = vec![true; feeder.buses.len()];
    feeder.connections.iter().for_each(|connection| is_joint[connection.bus] = false);
    let of = |bus: usize| {
        let answers = answers[bus]?;
        let (low, high) = (answers.lowest_pu?, answers.highest_pu?);
        Some(Spot { bus, answers, at: place(bus)?, low, high, is_joint: is_joint[bus] })
    };
    let mut spots: Vec<Spot<'_>> = (0..feeder.buses.len()).filter_map(of).collect();
    spots.sort_by(|one, other| other.off().total_cmp(&one.off()));
    spots
}

fn extreme<'s, 'a>(spots: &'s [Spot<'a>], of: impl Fn(&Spot<'_>) -> f64) -> Option<&'s Spot<'a>> {
    spots.iter().max_by(|one, other| of(one).total_cmp(&of(other)))
}

/// If there are too many, those where somebody lives before joints, and the extremes always; the worst first.
fn chosen<'s, 'a>(all: &'s [Spot<'a>], always: [usize; 2]) -> Vec<&'s Spot<'a>> {
    let (homes, joints): (Vec<usize>, Vec<usize>) = (0..all.len()).partition(|spot| !all[*spot].is_joint);
    let mut chosen: Vec<usize> = spread(homes.len(), MOST).into_iter().map(|number| homes[number]).collect();
    chosen.extend(spread(joints.len(), MOST - chosen.len()).into_iter().map(|number| joints[number]));
    chosen.extend((0..all.len()).filter(|spot| always.contains(&all[*spot].bus)));
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|spot| &all[spot]).collect()
}

fn row(spot: &Spot<'_>, base: f64) -> Vec<String> {
    vec![
        spot.answers.name.clone(),
        // Adding nought makes -0 a 0.
        format!("{:.1}", spot.at.0 + 0.0),
        format!("{:.1}", spot.at.1 + 0.0),
        format!("{:.2}", spot.low * base),
        format!("{:.2}", spot.high * base),
        spot.answers.minutes_outside_10_percent.to_string(),
    ]
}

fn caption(feeder: &Feeder, places: &Places, map: &Map, base: f64, [all, marked]: [usize; 2]) -> String {
    let where_from = match (places.surveyed, places.in_metres) {
        (true, true) => "Places are those of the feeder's data.",
        (true, false) => {
            "Places are those of the feeder's data; its cables have other lengths than the ways between these places, so \
             there is no scale."
        }
        (false, true) => {
            "The feeder's data has no places: cables are as long as they are, but which way they go is made up."
        }
        (false, false) => "The feeder's data has no places: this shows what is connected with what, and no distances.",
    };
    let north = match (places.surveyed, map.is_turned()) {
        (true, true) => " North is left.",
        (true, false) => " North is up.",
        (false, _) => "",
    };
    let is_high = |bus: usize| feeder.transformer.as_ref().is_some_and(|transformer| transformer.high == bus);
    let nowhere = (0..feeder.buses.len()).filter(|bus| places.places[*bus].is_none() && !is_high(*bus)).count();
    let nowhere = if nowhere > 0 { format!(" Buses without a place are left out: {nowhere}.") } else { String::new() };
    let some = if marked < all { format!(" {marked} of {all} buses are marked.") } else { String::new() };
    let lines = feeder.lines.len();
    let lines = if lines > MOST_LINES { format!(" {MOST_LINES} of {lines} lines are drawn.") } else { String::new() };
    format!(
        "How far each bus was from {base:.1} V at worst, in the whole run: the farther, the larger. Triangles point up \
         where it was above that, and down where it was below; small dots are joints where nobody lives. \
         {where_from}{north} In the table, the worst come first, with their places seen from the transformer.\
         {nowhere}{some}{lines}"
    )
}
