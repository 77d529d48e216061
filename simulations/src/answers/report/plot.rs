//! A plot on the page: its picture, what it says in words, and its data as a table.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::WattHours;

use super::html::Html;
use super::picture::Picture;

/// A plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The page's alone.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// How it is made, and what is striking.
    pub caption: String,
    /// The picture.
    pub picture: Picture,
    /// The data's columns.
    pub columns: Vec<String>,
    /// The data.
    pub rows: Vec<Vec<String>>,
}

impl Plot {
    /// Puts it on a page.
    pub fn draw(&self, page: &mut Html) {
        page.element("figure", &[("id", self.id)], |figure| {
            figure.words("h3", &[], &self.title);
            self.picture.draw_legend(figure);
            figure.element("div", &[("class", "plot")], |inside| {
                inside.include(&self.picture.svg(self.id, &self.title, &self.caption));
            });
            figure.words("figcaption", &[], &self.caption);
            figure.element("details", &[], |details| {
                details.words("summary", &[], "The data of this plot");
                table(details, &self.columns, &self.rows);
            });
        });
    }
}

/// A table whose first column names the rows.
pub fn table(page: &mut Html, columns: &[String], rows: &[Vec<String>]) {
    page.element("div", &[("class", "table")], |page| {
        page.element("table", &[], |table| {
            table.element("thead", &[], |head| {
                head.element("tr", &[], |row| {
                    columns.iter().for_each(|column| row.words("th", &[("scope", "col")], column));
                });
            });
            table.element("tbody", &[], |body| {
                for cells in rows {
                    body.element("tr", &[], |row| {
                        for (number, cell) in cells.iter().enumerate() {
                            let is_name = number == 0;
                            let attributes: &[_] = if is_name { &[("scope", "row")] } else { &[] };
                            row.words(if is_name { "th" } else { "td" }, attributes, cell);
                        }
                    });
                }
            });
        });
    });
}

/// Texts of a literal.
pub fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

/// The mean power of so much energy in so many slots, in kW: for drawing alone.
pub fn kilowatts(energy: WattHours, slots: usize, slot_minutes: u32) -> f64 {
    let hours = slots as f64 * f64::from(slot_minutes) / 60.0;
    energy.0 as f64 / 1_000.0 / hours
}

/// A decimal as a float: for drawing alone.
pub fn drawn(exact: Decimal) -> f64 {
    exact.to_f64().unwrap_or(0.0)
}

/// At most `most` of so many things, evenly spread, the first and the last among them.
pub fn spread(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most).map(|number| number * (count - 1) / (most - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spread_reaches_both_ends() {
        assert_eq!(spread(3, 5), [0, 1, 2]);
        assert_eq!(spread(100, 4), [0, 33, 66, 99]);
        assert_eq!(spread(0, 4), Vec::<usize>::new());
    }
}
