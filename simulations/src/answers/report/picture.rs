//! A picture of a plot: a chart or a map. What both draw alike is here.

use super::chart::Chart;
use super::html::Html;
use super::map::Map;

/// So wide are all of them.
pub const WIDTH: f64 = 720.0;

/// What is drawn.
#[derive(Clone, Debug)]
pub enum Picture {
    /// On two axes.
    Chart(Chart),
    /// In places.
    Map(Map),
}

impl From<Chart> for Picture {
    fn from(chart: Chart) -> Self {
        Self::Chart(chart)
    }
}

impl Picture {
    /// What is drawn in which colour: a list beside the picture, which wraps where there is little room.
    pub fn draw_legend(&self, page: &mut Html) {
        match self {
            Self::Chart(chart) => chart.draw_legend(page),
            Self::Map(map) => map.draw_legend(page),
        }
    }

    /// The whole picture, with a title and what there is to see for those who can't; `id` is the page's alone.
    #[must_use]
    pub fn svg(&self, id: &str, title: &str, seen: &str) -> Html {
        let height = match self {
            Self::Chart(_) => Chart::HEIGHT,
            Self::Map(map) => map.height(),
        };
        let [title_id, seen_id] = ["title", "seen"].map(|part| format!("{id}-{part}"));
        let view = format!("0 0 {WIDTH} {height:.0}");
        let labels = format!("{title_id} {seen_id}");
        let mut svg = Html::default();
        let attributes = [("viewBox", view.as_str()), ("role", "img"), ("aria-labelledby", &labels)];
        svg.element("svg", &attributes, |svg| {
            svg.words("title", &[("id", &title_id)], title);
            svg.words("desc", &[("id", &seen_id)], seen);
            match self {
                Self::Chart(chart) => chart.draw(svg),
                Self::Map(map) => map.draw(svg),
            }
        });
        svg
    }
}

/// A straight line between two corners.
pub fn straight(svg: &mut Html, class: &'static str, corners: [f64; 4]) {
    let [x1, y1, x2, y2] = corners.map(coordinate);
    svg.shape("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
}

/// A text.
pub fn label(svg: &mut Html, anchor: &'static str, x: f64, y: f64, text: &str) {
    let [x, y] = [x, y].map(coordinate);
    svg.words("text", &[("x", &x), ("y", &y), ("text-anchor", anchor)], text);
}

/// A tenth of a unit is less than a pixel.
pub fn coordinate(value: f64) -> String {
    format!("{value:.1}")
}
