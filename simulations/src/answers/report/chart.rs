//! A chart: two axes, and lines, areas, bars, cells and dots in their coordinates.
//!
//! Colours are classes of the page's style, so that a chart follows light and dark.

use super::html::Html;
use super::picture::{WIDTH, coordinate, label, straight};

const HEIGHT: f64 = Chart::HEIGHT;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 46.0;
/// So many gaps between an axis' ticks, or a few more.
const GAPS: f64 = 5.0;

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    name: String,
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
}

/// A chart that is being drawn.
#[derive(Clone, Debug)]
pub struct Chart {
    shapes: Html,
    legend: Vec<(&'static str, String)>,
    x: Axis,
    y: Axis,
}

impl Axis {
    /// An axis that holds all these values, with round numbers at its ticks.
    #[must_use]
    pub fn of(name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let reach = finite.fold(None, |reach: Option<(f64, f64)>, value| {
            let (least, most) = reach.unwrap_or((value, value));
            Some((least.min(value), most.max(value)))
        });
        let (least, most) = reach.unwrap_or((0.0, 1.0));
        let wide = if most > least { most - least } else { least.abs().max(1.0) };
        let power = 10_f64.powf((wide / GAPS).log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| wide / step <= GAPS);
        let step = step.unwrap_or(10.0 * power);
        let (first, last) = ((least / step).floor(), (most / step).ceil());
        let last = if last > first { last } else { first + 1.0 };
        let places = (0..9).find(|places| close_to_whole(step * 10_f64.powi(*places))).unwrap_or(9);
        let places = usize::try_from(places).unwrap_or(0);
        let count = (last - first) as usize;
        let ticks = (0..=count).map(|number| (first + number as f64) * step);
        let ticks = ticks.map(|value| (value, format!("{:.places$}", value + 0.0))).collect();
        Self { name: name.to_owned(), from: first * step, to: last * step, ticks }
    }

    /// An axis with these ticks.
    #[must_use]
    pub fn with(name: &str, from: f64, to: f64, ticks: Vec<(f64, String)>) -> Self {
        Self { name: name.to_owned(), from, to: if to > from { to } else { from + 1.0 }, ticks }
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }
}

fn close_to_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

impl Chart {
    /// Of all charts.
    pub const HEIGHT: f64 = 312.0;

    /// An empty one.
    #[must_use]
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { shapes: Html::default(), legend: Vec::new(), x, y }
    }

    /// Names what is drawn in a class.
    #[must_use]
    pub fn legend(mut self, class: &'static str, name: &str) -> Self {
        self.legend.push((class, name.to_owned()));
        self
    }

    /// A line through points.
    pub fn line(&mut self, class: &'static str, points: &[(f64, f64)]) {
        let path = self.path(points.iter().copied());
        self.shapes.shape("path", &[("class", class), ("d", &path)]);
    }

    /// What lies between two lines over the same x.
    pub fn area(&mut self, class: &'static str, below: &[(f64, f64)], above: &[(f64, f64)]) {
        let path = self.path(above.iter().copied().chain(below.iter().rev().copied())) + "Z";
        self.shapes.shape("path", &[("class", class), ("d", &path)]);
    }

    /// A rectangle between two corners; `strength` from 0 to 1 is how much of its colour it has.
    pub fn cell(&mut self, class: &'static str, from: (f64, f64), to: (f64, f64), strength: f64) {
        let ((left, bottom), (right, top)) = (self.place(from), self.place(to));
        let (left, right) = (left.min(right), left.max(right));
        let (top, bottom) = (top.min(bottom), top.max(bottom));
        let [x, y, width, height] = [left, top, right - left, bottom - top].map(coordinate);
        let strength = format!("{:.2}", strength.clamp(0.0, 1.0));
        let attributes = [
            ("class", class),
            ("x", &x),
            ("y", &y),
            ("width", &width),
            ("height", &height),
            ("fill-opacity", &strength),
        ];
        self.shapes.shape("rect", &attributes);
    }

    /// A dot.
    pub fn dot(&mut self, class: &'static str, at: (f64, f64)) {
        let (x, y) = self.place(at);
        let [x, y] = [x, y].map(coordinate);
        self.shapes.shape("circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", "3")]);
    }

    /// A line from one side to the other at a height.
    pub fn across(&mut self, class: &'static str, y: f64) {
        self.line(class, &[(self.x.from, y), (self.x.to, y)]);
    }

    /// What is drawn in which colour: a list beside the picture, which wraps where there is little room.
    pub fn draw_legend(&self, page: &mut Html) {
        if self.legend.is_empty() {
            return;
        }
        page.element("ul", &[("class", "legend")], |list| {
            for (class, name) in &self.legend {
                list.element("li", &[], |item| {
                    item.words("span", &[("class", *class), ("aria-hidden", "true")], "");
                    item.text(name);
                });
            }
        });
    }

    /// Axes and all that was drawn.
    pub fn draw(&self, svg: &mut Html) {
        self.draw_axes(svg);
        svg.include(&self.shapes);
    }

    fn draw_axes(&self, svg: &mut Html) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, name) in &self.y.ticks {
            let (_, y) = self.place((self.x.from, *value));
            let class = if *value == 0.0 { "zero" } else { "mesh" };
            straight(svg, class, [LEFT, y, right, y]);
            label(svg, "end", LEFT - 6.0, y + 4.0, name);
        }
        for (value, name) in &self.x.ticks {
            let (x, _) = self.place((*value, self.y.from));
            straight(svg, "zero", [x, bottom, x, bottom + 5.0]);
            label(svg, "middle", x, bottom + 19.0, name);
        }
        straight(svg, "zero", [LEFT, bottom, right, bottom]);
        label(svg, "start", 4.0, 14.0, &self.y.name);
        label(svg, "end", right, HEIGHT - 6.0, &self.x.name);
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT);
        let down = HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM);
        (across, down)
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (number, point) in points.enumerate() {
            let (x, y) = self.place(point);
            path.push(if number == 0 { 'M' } else { 'L' });
            path.push_str(&coordinate(x));
            path.push(' ');
            path.push_str(&coordinate(y));
        }
        path
    }
}

/// A line's corners for values that hold for a whole step each: `(from, to, value)`.
#[must_use]
pub fn stairs(steps: impl IntoIterator<Item = (f64, f64, f64)>) -> Vec<(f64, f64)> {
    steps.into_iter().flat_map(|(from, to, value)| [(from, value), (to, value)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        for (values, expected) in [
            (vec![0.0, 9.7], ["0", "2", "4", "6", "8", "10"].to_vec()),
            (vec![-0.31, 0.42], ["-0.4", "-0.2", "0.0", "0.2", "0.4", "0.6"].to_vec()),
            (vec![229.0, 231.2], ["229.0", "229.5", "230.0", "230.5", "231.0", "231.5"].to_vec()),
            (vec![0.0, 0.0], ["0.0", "0.2"].to_vec()),
            (vec![], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"].to_vec()),
            (vec![f64::NAN, 0.0, 1_234.0], ["0", "250", "500", "750", "1000", "1250"].to_vec()),
        ] {
            let axis = Axis::of("", values.iter().copied());
            let names: Vec<&str> = axis.ticks.iter().map(|(_, name)| name.as_str()).collect();
            assert_eq!(names, expected, "{values:?}");
        }
    }

    #[test]
    fn corners_are_where_they_belong() {
        let chart = Chart::new(Axis::with("", 0.0, 10.0, vec![]), Axis::with("", -1.0, 1.0, vec![]));
        assert_eq!(chart.place((0.0, -1.0)), (LEFT, HEIGHT - BOTTOM));
        assert_eq!(chart.place((10.0, 1.0)), (WIDTH - RIGHT, TOP));
        assert_eq!(stairs([(0.0, 1.0, 5.0), (1.0, 2.0, 6.0)]), [(0.0, 5.0), (1.0, 5.0), (1.0, 6.0), (2.0, 6.0)]);
    }
}
