//! Where the buses of a feeder are drawn: where the data puts them, or on a layout of their tree.

use super::feeder::{Feeder, Place};
use super::layout;

/// With places for fewer than so many of its buses, a feeder is laid out as if there were none.
const LEAST_SHARE: f64 = 0.5;
/// Places are in metres if straight ways along all lines together are at least so much of the lines' lengths, and at
/// most so much: a cable winds, but can't be shorter than the way. Rounded coordinates may make it look so.
const STRAIGHT: [f64; 2] = [0.5, 1.1];

/// A map.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Of each bus; none for the other side of the transformer, and for what the data puts nowhere.
    pub places: Vec<Option<Place>>,
    /// Whether the data says so; if not, the tree was laid out.
    pub surveyed: bool,
    /// Whether a unit is a metre, by the lines' lengths.
    pub in_metres: bool,
}

/// Draws up the map of a feeder.
#[must_use]
pub fn map(feeder: &Feeder) -> Map {
    let high = feeder.transformer.as_ref().map(|transformer| transformer.high);
    let drawn = |bus: &usize| Some(*bus) != high;
    let given: Vec<Option<Place>> = feeder.buses.iter().map(|bus| bus.place).collect();
    let given: Vec<Option<Place>> = (0..given.len()).map(|bus| given[bus].filter(|_| drawn(&bus))).collect();
    let (known, all) = (given.iter().flatten().count(), (0..given.len()).filter(drawn).count());
    let surveyed = known > 0 && known as f64 >= all as f64 * LEAST_SHARE;
    let places = if surveyed { given } else { layout::places(feeder) };
    let in_metres = in_metres(feeder, &places);
    Map { places, surveyed, in_metres }
}

/// Asks the lines whose lengths and ends are known.
fn in_metres(feeder: &Feeder, places: &[Option<Place>]) -> bool {
    let (mut straight, mut along) = (0.0, 0.0);
    for line in &feeder.lines {
        if let (Some(from), Some(to), Some(length)) = (places[line.from], places[line.to], line.length_m) {
            straight += (from.east - to.east).hypot(from.north - to.north);
            along += length;
        }
    }
    let [least, most] = STRAIGHT.map(|share| share * along);
    along > 0.0 && least <= straight && straight <= most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::generated;
    use crate::scenario::Between;
    use crate::scenario::document::GeneratedFeeder;

    /// Ten homes in a row, 20 m apart, and places so many units apart for the first of them.
    fn row(known: usize, apart: f64) -> Feeder {
        let measure = GeneratedFeeder { homes_per_branch: 10, spacing_m: Between { least: 20, most: 20 } };
        let mut feeder = generated::feeder(10, measure, 1);
        for (number, bus) in feeder.buses.iter_mut().skip(1).take(known).enumerate() {
            bus.place = Some(Place { east: number as f64 * apart, north: 5.0 });
        }
        feeder
    }

    #[test]
    fn the_data_is_believed_if_it_knows_enough_and_lengths_say_what_its_unit_is() {
        // (places known of 11, units between them; whether they are taken, whether they are metres)
        for (known, apart, surveyed, in_metres) in [
            (11, 20.0, true, true),
            (11, 15.0, true, true),
            (11, 30.0, true, false),
            (11, 0.02, true, false),
            (6, 20.0, true, true),
            (5, 20.0, false, true),
            (0, 0.0, false, true),
        ] {
            let map = map(&row(known, apart));
            assert_eq!((map.surveyed, map.in_metres), (surveyed, in_metres), "{known} places, {apart} apart");
            assert_eq!(map.places.iter().flatten().count(), if surveyed { known } else { 11 });
            assert_eq!(map.places[0], None);
        }
        let mut unknown = row(0, 0.0);
        unknown.lines.iter_mut().for_each(|line| line.length_m = None);
        assert!(!map(&unknown).in_metres);
    }
}
