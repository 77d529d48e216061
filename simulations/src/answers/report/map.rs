//! A map: places with the same scale in both directions, lines between them, marks on them.
//!
//! Colour is not the only thing that tells marks apart: the farther off, the larger, and triangles point up or down.

use super::html::Html;
use super::off::STEPS;
use super::picture::{WIDTH, coordinate, label, straight};

/// The room for places is so high at most.
const MOST_HEIGHT: f64 = 480.0;
/// And so high at least, for the words in it.
const LEAST_HEIGHT: f64 = 60.0;
const SIDE: f64 = 40.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 66.0;
/// A map that is higher than wide by more than this is turned, so that it fills the page.
const UPRIGHT: f64 = 1.3;
/// A scale bar is so wide at most.
const MOST_SCALE: f64 = 150.0;
/// Half a mark's width, of each step.
const SIZES: [f64; 4] = [3.5, 5.0, 6.0, 8.0];
const JOINT: f64 = 1.6;
/// Half the width of the sign of a transformer, which is two rings.
const RING: f64 = 6.0;
/// A letter of a label is about so wide.
const LETTER: f64 = 8.0;
/// Where a label may stand, as shares of its own half width and height from the place: above first.
const SPOTS: [(f64, f64); 10] = [
    (0.0, -1.0),
    (0.0, 1.0),
    (-1.0, 0.0),
    (1.0, 0.0),
    (-0.9, -1.0),
    (0.9, -1.0),
    (-0.9, 1.0),
    (0.9, 1.0),
    (0.0, -2.0),
    (0.0, 2.0),
];

/// A map that is being drawn. Places are (east, north).
#[derive(Clone, Debug)]
pub struct Map {
    shapes: Html,
    /// Where on the picture something is that words had better not hide.
    taken: Vec<(f64, f64)>,
    west_south: (f64, f64),
    reach: (f64, f64),
    turned: bool,
    /// Pixels a unit.
    scale: f64,
    has_north: bool,
    in_metres: bool,
}

/// What is said of a place by its mark.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The number of one of [`STEPS`].
    pub step: usize,
    /// Which way it points.
    pub is_above: bool,
}

impl Map {
    /// An empty one with room for all these places.
    #[must_use]
    pub fn new(places: impl Iterator<Item = (f64, f64)> + Clone, has_north: bool, in_metres: bool) -> Self {
        let least =
            places.clone().fold((f64::MAX, f64::MAX), |least, place| (least.0.min(place.0), least.1.min(place.1)));
        let most = places.fold((f64::MIN, f64::MIN), |most, place| (most.0.max(place.0), most.1.max(place.1)));
        let reach = ((most.0 - least.0).max(0.0), (most.1 - least.1).max(0.0));
        let turned = reach.1 > reach.0 * UPRIGHT;
        let (wide, high) = if turned { (reach.1, reach.0) } else { reach };
        // All on one spot, or nothing at all: any scale will do.
        let fits = |room: f64, reach: f64| if reach > 0.0 { room / reach } else { f64::MAX };
        let scale = fits(WIDTH - 2.0 * SIDE, wide).min(fits(MOST_HEIGHT, high));
        let scale = if scale < f64::MAX { scale } else { 1.0 };
        Self {
            shapes: Html::default(),
            taken: Vec::new(),
            west_south: least,
            reach,
            turned,
            scale,
            has_north,
            in_metres,
        }
    }

    /// How high the picture is.
    #[must_use]
    pub fn height(&self) -> f64 {
        (TOP + self.room() + BOTTOM).ceil()
    }

    /// Whether north is to the left, instead of up.
    #[must_use]
    pub fn is_turned(&self) -> bool {
        self.turned
    }

    fn room(&self) -> f64 {
        let high = if self.turned { self.reach.0 } else { self.reach.1 };
        (high * self.scale).clamp(LEAST_HEIGHT, MOST_HEIGHT)
    }

    fn place(&self, (east, north): (f64, f64)) -> (f64, f64) {
        let (east, north) = (east - self.west_south.0, north - self.west_south.1);
        let (along, up, (wide, high)) = if self.turned {
            (self.reach.1 - north, east, (self.reach.1, self.reach.0))
        } else {
            (east, north, self.reach)
        };
        let x = WIDTH / 2.0 + (along - wide / 2.0) * self.scale;
        let y = TOP + self.room() / 2.0 - (up - high / 2.0) * self.scale;
        (x, y)
    }

    /// Straight lines, each between two places.
    pub fn lines(&mut self, lines: impl Iterator<Item = [(f64, f64); 2]>) {
        let mut path = String::new();
        for ends in lines {
            for (letter, end) in ["M", "L"].into_iter().zip(ends) {
                let (x, y) = self.place(end);
                path.extend([letter, &coordinate(x), " ", &coordinate(y)]);
            }
        }
        self.shapes.shape("path", &[("class", "cable"), ("d", &path)]);
    }

    /// A place where lines meet and nobody lives.
    pub fn joint(&mut self, class: &'static str, at: (f64, f64)) {
        let (x, y) = self.place(at);
        circle(&mut self.shapes, class, [x, y, JOINT], "");
    }

    /// A place with what it says when a mouse rests on it.
    pub fn mark(&mut self, mark: Mark, at: (f64, f64), says: &str) {
        let (x, y) = self.place(at);
        self.taken.push((x, y));
        draw_mark(&mut self.shapes, mark, x, y, says);
    }

    /// The sign of a transformer.
    pub fn transformer(&mut self, at: (f64, f64)) {
        let (x, y) = self.place(at);
        self.taken.push((x, y));
        rings(&mut self.shapes, x, y);
    }

    /// Words beside a place, where they cover the least of what was marked before.
    pub fn words(&mut self, at: (f64, f64), words: &str) {
        let (x, y) = self.place(at);
        let wide = words.chars().count() as f64 * LETTER / 2.0;
        let beside = SPOTS.map(|(across, down)| (x + across * (wide + 14.0), y + down * 20.0));
        let covered = |(middle, height): (f64, f64)| {
            let hides = |(x, y): (f64, f64)| (x - middle).abs() < wide + 6.0 && (y - height).abs() < 16.0;
            let outside =
                middle < wide || middle > WIDTH - wide || height < 10.0 || height > self.height() - BOTTOM + 20.0;
            self.taken.iter().filter(|spot| hides(**spot)).count() + if outside { self.taken.len() } else { 0 }
        };
        let (x, y) = beside.into_iter().min_by_key(|spot| covered(*spot)).unwrap_or((x, y));
        self.taken.extend([-1.0, -0.5, 0.0, 0.5, 1.0].map(|part| (x + part * wide, y)));
        let [x, y] = [x, y + 4.5].map(coordinate);
        let attributes = [("class", "halo"), ("x", x.as_str()), ("y", &y), ("text-anchor", "middle")];
        self.shapes.words("text", &attributes, words);
    }

    /// All that was drawn, with a scale and an arrow to the north where there are.
    pub fn draw(&self, svg: &mut Html) {
        svg.include(&self.shapes);
        let bottom = self.height() - 12.0;
        if self.in_metres {
            self.draw_scale(svg, bottom);
        }
        if self.has_north {
            self.draw_north(svg, bottom);
        }
    }

    fn draw_scale(&self, svg: &mut Html, bottom: f64) {
        let Some(metres) = round_below(MOST_SCALE / self.scale) else { return };
        let right = SIDE + metres * self.scale;
        straight(svg, "sign", [SIDE, bottom, right, bottom]);
        straight(svg, "sign", [SIDE, bottom - 5.0, SIDE, bottom + 5.0]);
        straight(svg, "sign", [right, bottom - 5.0, right, bottom + 5.0]);
        label(svg, "start", right + 8.0, bottom + 4.0, &format!("{metres} m"));
    }

    fn draw_north(&self, svg: &mut Html, bottom: f64) {
        let (x, y) = (WIDTH - SIDE, bottom - 10.0);
        let (tip, tail) = if self.turned { ((x - 24.0, y), (x, y)) } else { ((x, y - 12.0), (x, y + 12.0)) };
        straight(svg, "sign", [tail.0, tail.1, tip.0, tip.1]);
        let barbs = if self.turned { [(7.0, -5.0), (7.0, 5.0)] } else { [(-5.0, 7.0), (5.0, 7.0)] };
        for (dx, dy) in barbs {
            straight(svg, "sign", [tip.0, tip.1, tip.0 + dx, tip.1 + dy]);
        }
        label(svg, "end", tip.0 - 8.0, y + 4.5, "N");
    }

    /// What the marks mean, with their shapes.
    pub fn draw_legend(&self, page: &mut Html) {
        page.element("ul", &[("class", "legend")], |list| {
            for (number, step) in STEPS.iter().enumerate() {
                key(list, "-9 -9 18 18", step.name, |svg| {
                    draw_mark(svg, Mark { step: number, is_above: true }, 0.0, 0.0, "");
                });
            }
            key(list, "-9 -9 18 18", "transformer", |svg| rings(svg, 0.0, 0.0));
        });
    }
}

fn key(list: &mut Html, view: &'static str, name: &str, draw: impl FnOnce(&mut Html)) {
    list.element("li", &[], |item| {
        item.element("svg", &[("viewBox", view), ("aria-hidden", "true")], draw);
        item.text(name);
    });
}

/// A disk for the first step; then triangles.
fn draw_mark(svg: &mut Html, mark: Mark, x: f64, y: f64, says: &str) {
    let (class, size) = (mark_class(mark.step), SIZES[mark.step]);
    if mark.step == 0 {
        return circle(svg, class, [x, y, size], says);
    }
    let tip = if mark.is_above { -size } else { size };
    let corners = [(x, y + tip), (x - size, y - tip * 0.8), (x + size, y - tip * 0.8)];
    let corners = corners.map(|(x, y)| format!("{},{}", coordinate(x), coordinate(y))).join(" ");
    shape(svg, "polygon", &[("class", class), ("points", &corners)], says);
}

/// A colour, with an edge that keeps marks apart.
fn mark_class(step: usize) -> &'static str {
    ["mark f3", "mark f1", "mark f5", "mark f2"][step]
}

fn circle(svg: &mut Html, class: &'static str, [x, y, radius]: [f64; 3], says: &str) {
    let [x, y, radius] = [x, y, radius].map(coordinate);
    shape(svg, "circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", &radius)], says);
}

fn shape(svg: &mut Html, name: &'static str, attributes: &[(&'static str, &str)], says: &str) {
    if says.is_empty() {
        svg.shape(name, attributes);
    } else {
        svg.element(name, attributes, |inside| inside.words("title", &[], says));
    }
}

fn rings(svg: &mut Html, x: f64, y: f64) {
    for dx in [-RING / 2.0, RING / 2.0] {
        circle(svg, "sign", [x + dx, y, RING - 1.0], "");
    }
}

/// The largest of 1, 2 or 5 times a power of ten that is not above.
fn round_below(most: f64) -> Option<f64> {
    let power = 10_f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0].map(|factor| factor * power).into_iter().find(|round| *round <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(ours: f64, expected: f64) {
        assert!((ours - expected).abs() < 1e-6, "{ours} is not {expected}");
    }

    #[test]
    fn a_map_is_not_stretched_whatever_its_shape() {
        for corners in [
            [(0.0, 0.0), (100.0, 60.0)],
            [(5.0, 5.0), (1_005.0, 6.0)],
            [(-3.0, 0.0), (0.0, 900.0)],
            [(0.0, 0.0), (0.0, 10.0)],
        ] {
            let map = Map::new(corners.into_iter(), true, true);
            let [one, other] = corners.map(|corner| map.place(corner));
            let far = (one.0 - other.0).hypot(one.1 - other.1);
            near(far / map.scale, (corners[0].0 - corners[1].0).hypot(corners[0].1 - corners[1].1));
            for (x, y) in [one, other] {
                assert!((SIDE - 1e-6..=WIDTH - SIDE + 1e-6).contains(&x), "{corners:?}: {x}");
                assert!((TOP - 1e-6..=map.height() - BOTTOM + 1e-6).contains(&y), "{corners:?}: {y}");
            }
        }
    }

    #[test]
    fn north_is_up_or_for_high_maps_left() {
        let wide = Map::new([(0.0, 0.0), (10.0, 5.0)].into_iter(), true, true);
        assert!(!wide.is_turned() && wide.place((0.0, 5.0)).1 < wide.place((0.0, 0.0)).1);
        assert!(wide.place((10.0, 0.0)).0 > wide.place((0.0, 0.0)).0);
        // Turned, not mirrored: with north to the left, east is up.
        let high = Map::new([(0.0, 0.0), (5.0, 10.0)].into_iter(), true, true);
        assert!(high.is_turned() && high.place((0.0, 10.0)).0 < high.place((0.0, 0.0)).0);
        assert!(high.place((5.0, 0.0)).1 < high.place((0.0, 0.0)).1);
    }

    #[test]
    fn words_stay_on_the_picture_and_off_the_marks() {
        let row = || (0..40).map(|number| (f64::from(number) * 5.0, f64::from(number) * 5.0));
        let mut map = Map::new(row(), true, true);
        row().for_each(|place| map.mark(Mark { step: 1, is_above: true }, place, ""));
        for place in [(195.0, 195.0), (100.0, 100.0), (0.0, 0.0)] {
            let before = map.taken.clone();
            map.words(place, "highest: 253.3 V");
            for (x, y) in &map.taken[before.len()..] {
                assert!((0.0..=WIDTH).contains(x) && (0.0..=map.height()).contains(y), "{place:?}: {x}, {y}");
                assert!(before.iter().all(|(a, b)| (x - a).abs() > 4.0 || (y - b).abs() > 12.0), "{place:?}: hidden");
            }
        }
    }

    #[test]
    fn scales_are_round_and_a_single_place_has_one() {
        for (most, round) in [(149.0, 100.0), (50.0, 50.0), (0.3, 0.2), (999.0, 500.0)] {
            near(round_below(most).unwrap(), round);
        }
        assert_eq!(round_below(f64::NAN), None);
        near(Map::new([(7.0, 7.0)].into_iter(), true, true).place((7.0, 7.0)).0, WIDTH / 2.0);
    }
}
