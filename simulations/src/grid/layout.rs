//! Places for a feeder whose data has none: its tree, drawn so that no two lines cross.
//!
//! Each bus gets a wedge that begins at its parent and is as wide as the share of its ends among all ends (equal-angle
//! layout, Felsenstein, *Inferring Phylogenies*, chapter 34); the line goes along the middle of it and is as long as it
//! is. A wedge is half a circle at most, so that what begins further out in it stays inside it: nothing meets.

use std::f64::consts::{PI, TAU};

use super::feeder::{Feeder, Line, Place};

/// A line without length, such as a switch, is drawn so long all the same, in metres: its ends are two buses.
const LEAST_M: f64 = 0.1;

/// A bus on its way to be placed.
struct Twig {
    bus: usize,
    parent: usize,
    length: f64,
}

/// Of each bus that lines lead to from the transformer, or the source, which is in the middle.
#[must_use]
pub fn places(feeder: &Feeder) -> Vec<Option<Place>> {
    let root = feeder.first_bus();
    let twigs = twigs(feeder, root);
    let ends = ends(feeder.buses.len(), &twigs);
    let mut places = vec![None; feeder.buses.len()];
    places[root] = Some(Place { east: 0.0, north: 0.0 });
    // The angle at which the next child's wedge begins, and how wide all of the bus's own is.
    let mut wedges = vec![(0.0, 0.0); feeder.buses.len()];
    wedges[root] = (first_angle(root, &twigs, &ends), TAU);
    for twig in &twigs {
        let (from, all) = wedges[twig.parent];
        let width = all * ends[twig.bus] as f64 / ends[twig.parent] as f64;
        wedges[twig.parent].0 = from + width;
        let angle = from + width / 2.0;
        let narrow = width.min(PI);
        wedges[twig.bus] = (angle - narrow / 2.0, narrow);
        places[twig.bus] = places[twig.parent].map(|Place { east, north }| Place {
            east: east + twig.length * angle.cos(),
            north: north + twig.length * angle.sin(),
        });
    }
    places
}

/// One or two branches lie along the page; more are spread around.
fn first_angle(root: usize, twigs: &[Twig], ends: &[usize]) -> f64 {
    let children: Vec<usize> = twigs.iter().filter(|twig| twig.parent == root).map(|twig| ends[twig.bus]).collect();
    match children[..] {
        [first] | [first, _] => -PI * first as f64 / ends[root] as f64,
        _ => 0.0,
    }
}

/// All buses but the root, parents before children.
fn twigs(feeder: &Feeder, root: usize) -> Vec<Twig> {
    let mut ways: Vec<Vec<(usize, f64)>> = vec![Vec::new(); feeder.buses.len()];
    let usual = usual_length(&feeder.lines);
    for line in &feeder.lines {
        let length = line.length_m.unwrap_or(usual).max(LEAST_M);
        ways[line.from].push((line.to, length));
        ways[line.to].push((line.from, length));
    }
    let mut seen = vec![false; feeder.buses.len()];
    seen[root] = true;
    let mut twigs: Vec<Twig> = Vec::new();
    let mut reached = vec![root];
    while let Some(parent) = reached.pop() {
        for (bus, length) in &ways[parent] {
            if !std::mem::replace(&mut seen[*bus], true) {
                twigs.push(Twig { bus: *bus, parent, length: *length });
                reached.push(*bus);
            }
        }
    }
    twigs
}

/// What is taken for a length that nobody knows: the mean of those that are known.
fn usual_length(lines: &[Line]) -> f64 {
    let known: Vec<f64> = lines.iter().filter_map(|line| line.length_m).collect();
    if known.is_empty() { 1.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
}

/// How many ends of branches lie behind each bus; itself, if it is one.
fn ends(buses: usize, twigs: &[Twig]) -> Vec<usize> {
    let mut ends = vec![0; buses];
    for twig in twigs.iter().rev() {
        ends[twig.bus] = ends[twig.bus].max(1);
        ends[twig.parent] += ends[twig.bus];
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::generated;
    use crate::scenario::Between;
    use crate::scenario::document::GeneratedFeeder;

    fn made(homes: usize, homes_per_branch: u32) -> Feeder {
        let measure = GeneratedFeeder { homes_per_branch, spacing_m: Between { least: 15, most: 40 } };
        generated::feeder(homes, measure, 7)
    }

    /// A feeder of these lines: from, to and length.
    fn tree(buses: usize, lines: &[(usize, usize, Option<f64>)]) -> Feeder {
        let mut feeder = made(buses - 2, 1);
        let like = feeder.lines[0].clone();
        let line = |(from, to, length_m): &(usize, usize, Option<f64>)| Line {
            from: *from,
            to: *to,
            length_m: *length_m,
            ..like.clone()
        };
        feeder.lines = lines.iter().map(line).collect();
        feeder
    }

    fn far(one: Place, other: Place) -> f64 {
        (one.east - other.east).hypot(one.north - other.north)
    }

    /// Whether two lines without a common end cross.
    fn cross([a, b]: [Place; 2], [c, d]: [Place; 2]) -> bool {
        let side = |a: Place, b: Place, c: Place| {
            (b.east - a.east) * (c.north - a.north) - (b.north - a.north) * (c.east - a.east)
        };
        side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
    }

    #[test]
    fn no_two_buses_share_a_spot_no_lines_cross_and_lengths_are_true() {
        let metres = Some(30.0);
        let comb: Vec<_> = (1..20).flat_map(|bus| [(bus, bus + 1, metres), (bus, bus + 20, Some(4.0))]).collect();
        let comb: Vec<_> = comb.into_iter().filter(|(_, to, _)| *to != 20).chain([(19, 20, metres)]).collect();
        for (name, feeder) in [
            ("a row", made(12, 25)),
            ("two rows", made(12, 6)),
            ("rays", made(100, 25)),
            ("a star", made(40, 1)),
            ("a comb", tree(40, &comb)),
            ("a row with switches", tree(5, &[(1, 2, metres), (2, 3, Some(0.0)), (3, 4, Some(0.0))])),
            (
                "heavy on one side",
                tree(
                    8,
                    &[(1, 2, metres), (1, 3, metres), (3, 4, metres), (3, 5, metres), (3, 6, metres), (3, 7, metres)],
                ),
            ),
            ("lengths that nobody knows", tree(6, &[(1, 2, None), (2, 3, Some(9.0)), (2, 4, None), (4, 5, None)])),
        ] {
            let places = places(&feeder);
            assert_eq!(places, super::places(&feeder), "{name}: another time it is another");
            assert_eq!(places[0], None, "{name}: the other side of the transformer is not on the map");
            let known: Vec<Place> = places[1..].iter().map(|place| place.expect("lines lead to all")).collect();
            for (number, one) in known.iter().enumerate() {
                for other in &known[..number] {
                    assert!(far(*one, *other) > 0.05, "{name}: two buses at {one:?}");
                }
            }
            let ends: Vec<[Place; 2]> =
                feeder.lines.iter().map(|line| [known[line.from - 1], known[line.to - 1]]).collect();
            for (line, [from, to]) in feeder.lines.iter().zip(&ends) {
                let expected = line.length_m.unwrap_or(9.0).max(LEAST_M);
                assert!((far(*from, *to) - expected).abs() < 1e-6 || name.starts_with("lengths"), "{name}");
            }
            for (number, one) in ends.iter().enumerate() {
                assert!(ends[..number].iter().all(|other| !cross(*one, *other)), "{name}: lines cross");
            }
        }
    }
}
