//! The costs as a picture: surplus over delay, and traffic over the number of households.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::{Cost, Setting};

/// The picture can't be written.
#[derive(Debug, thiserror::Error)]
#[error("the plot can't be written: {0}")]
pub struct CantPlot(String);

const SIZE: (u32, u32) = (960, 420);
const FONT: (&str, u32) = ("sans-serif", 14);
/// Colours that people who can't tell red from green can tell apart (Okabe and Ito 2008).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(90, 90, 90)];

/// A line of a chart: its name and its points.
type Line = (String, Vec<(f64, f64)>);
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// What a chart says.
struct Words {
    title: &'static str,
    x: &'static str,
    y: &'static str,
}

/// Writes an SVG file.
///
/// # Errors
/// [`CantPlot`] if the file can't be written.
pub fn write(costs: &[Cost], file: &Path) -> Result<(), CantPlot> {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    draw(&root, costs).map_err(|error| CantPlot(error.to_string()))
}

fn draw(root: &Area<'_>, costs: &[Cost]) -> Result<(), Box<dyn std::error::Error>> {
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(SIZE.0 / 2);
    let lines = surplus(costs);
    let least = points(&lines).map(|(_, y)| y).fold(100.0, f64::min).floor() - 1.0;
    let words = Words { title: "Surplus, in % of one central book's", x: "mean delay of a message, ms", y: "%" };
    chart(&left, &words, log_range(points(&lines).map(|(x, _)| x)), least..101.0, &lines)?;
    let lines = traffic(costs);
    let words = Words { title: "What a member receives", x: "members", y: "kB/s" };
    let (x, y) = (log_range(points(&lines).map(|(x, _)| x)), log_range(points(&lines).map(|(_, y)| y)));
    chart(&right, &words, x, y, &lines)?;
    root.present()?;
    Ok(())
}

fn chart<X, Y>(area: &Area<'_>, words: &Words, x: X, y: Y, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(words.title, (FONT.0, FONT.1 + 2))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(56)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(words.x)
        .y_desc(words.y)
        .x_labels(5)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .label_style(FONT)
        .light_line_style(WHITE)
        .draw()?;
    for (number, (name, points)) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
        chart.draw_series(line)?.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    let legend = SeriesLabelPosition::LowerRight;
    chart.configure_series_labels().position(legend).label_font(FONT).background_style(WHITE.mix(0.8)).draw()?;
    Ok(())
}

/// Surplus as a share of one book's, over the delay: a line for each loss, in the largest neighbourhood that was tried
/// with most settings.
fn surplus(costs: &[Cost]) -> Vec<Line> {
    let runs = |homes: usize| costs.iter().filter(|cost| cost.setting.homes == homes).count();
    let homes = costs.iter().map(|cost| cost.setting.homes).max_by_key(|homes| (runs(*homes), *homes));
    let mut lines: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    for cost in costs.iter().filter(|cost| Some(cost.setting.homes) == homes) {
        let delay = cost.setting.delay.as_secs_f64() * 1_000.0;
        lines.entry(cost.setting.loss).or_default().push((delay, cost.surplus_share() as f64 / 100.0));
    }
    let named = |(loss, points)| (format!("{}% lost, {} members", loss / 10, homes.unwrap_or(0)), points);
    lines.into_iter().map(named).collect()
}

/// What a member receives in a second, over the number of members, where least is lost and the delay is nearest to 50 ms.
fn traffic(costs: &[Cost]) -> Vec<Line> {
    let trouble = |setting: &Setting| (setting.loss, setting.delay.as_millis().abs_diff(50));
    let least = costs.iter().map(|cost| trouble(&cost.setting)).min();
    let chosen: Vec<&Cost> = costs.iter().filter(|cost| Some(trouble(&cost.setting)) == least).collect();
    let kinds: [(&str, fn(&Cost) -> u64); 3] = [
        ("everything", |cost| cost.nodes.received.bytes),
        ("entries, copies included", |cost| cost.nodes.received.entry_bytes),
        ("beacons and summaries", |cost| cost.nodes.received.idle_bytes),
    ];
    let line = |(name, bytes): (&str, fn(&Cost) -> u64)| {
        let a_second = |cost: &Cost| bytes(cost) as f64 / 1_000.0 / cost.nodes.received.lasted.as_secs_f64();
        let points = chosen.iter().map(|cost| (cost.setting.homes as f64, a_second(cost))).collect();
        (name.to_owned(), points)
    };
    kinds.map(line).into()
}

fn points(lines: &[Line]) -> impl Iterator<Item = (f64, f64)> + '_ {
    lines.iter().flat_map(|(_, points)| points.iter().copied())
}

/// A logarithmic axis with some room on both sides.
fn log_range(
    values: impl Iterator<Item = f64>,
) -> impl AsRangedCoord<Value = f64, CoordDescType = impl ValueFormatter<f64>> {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    (least.max(0.01) / 1.5..most.max(0.02) * 1.5).log_scale()
}
