//! Reads where buses are, for maps. All of it is optional: a feeder needs no places, and a bus may have none.
//!
//! `Buscoords.csv` is the IEEE feeder's. SimBench has `Coordinates.csv` (separated by semicolons, as it is published),
//! whose places the column `coordID` names; grids as pandapower's columns may have `x` and `y` of their own instead.
//! What is there must be right: a map with a bus in the wrong place is worse than none.

use std::collections::BTreeMap;
use std::path::Path;

use super::feeder::{Bus, Place};
use super::table::{BadTable, Column, Row, Table};

/// A degree of a great circle, in metres.
const METRES_PER_DEGREE: f64 = 111_320.0;
const NUMBER: &str = "a coordinate, such as 390872.663";

/// Places by the names of what is there.
type Places = BTreeMap<String, Place>;

/// What `Buscoords.csv` says, if it is there: a place by the name of its bus. Names of no bus harm nobody.
pub(super) fn of_buses(folder: &Path) -> Result<Places, BadTable> {
    let path = folder.join("Buscoords.csv");
    if path.exists() { named(Table::open(&path)?, "Busname") } else { Ok(Places::new()) }
}

fn named(table: Table, name: &str) -> Result<Places, BadTable> {
    let [name, x, y] = [table.column(name)?, table.column("x")?, table.column("y")?];
    let mut places = Places::new();
    for row in table.rows() {
        let row = row?;
        let Some(place) = place(&row, &x, &y)? else { continue };
        if places.insert(row.text(&name).to_owned(), place).is_some() {
            return Err(row.bad(&name, "a name that no line before has"));
        }
    }
    Ok(places)
}

/// None if both are empty.
fn place(row: &Row, x: &Column, y: &Column) -> Result<Option<Place>, BadTable> {
    if row.text(x).is_empty() && row.text(y).is_empty() {
        return Ok(None);
    }
    Ok(Some(Place { east: row.number(x, NUMBER)?, north: row.number(y, NUMBER)? }))
}

/// Where a SimBench grid says where its buses are.
pub(super) enum OfGrid {
    /// In columns of `bus.csv`.
    Columns(Column, Column),
    /// In `Coordinates.csv`, by a name in a column of `bus.csv`.
    Named(Column, Places),
    /// Nowhere.
    Nowhere,
}

impl OfGrid {
    /// Looks for it in the folder and in the header of its `bus.csv`.
    pub fn open(folder: &Path, buses: &Table) -> Result<Self, BadTable> {
        if let (Some(x), Some(y)) = (buses.optional("x"), buses.optional("y")) {
            return Ok(Self::Columns(x, y));
        }
        let path = folder.join("Coordinates.csv");
        Ok(match buses.optional("coordID") {
            Some(column) if path.exists() => Self::Named(column, named(Table::open_separated(&path, b';')?, "id")?),
            _ => Self::Nowhere,
        })
    }

    /// Where a bus is, by its row in `bus.csv`.
    pub fn of(&self, row: &Row) -> Result<Option<Place>, BadTable> {
        match self {
            Self::Columns(x, y) => place(row, x, y),
            Self::Named(column, _) if matches!(row.text(column), "" | "NULL") => Ok(None),
            Self::Named(column, places) => {
                let place = places.get(row.text(column)).copied();
                place.map(Some).ok_or_else(|| row.bad(column, "the id of a place in Coordinates.csv, or NULL"))
            }
            Self::Nowhere => Ok(None),
        }
    }
}

/// SimBench's places are degrees east and north. On a flat map they are metres; a grid is small enough to take the
/// parallels for equally long. What can't be degrees stays as it is.
pub(super) fn flatten(buses: &mut [Bus]) {
    let known = || buses.iter().filter_map(|bus| bus.place);
    if !known().all(|place| place.east.abs() <= 180.0 && place.north.abs() <= 90.0) {
        return;
    }
    let middle = known().map(|place| place.north).sum::<f64>() / known().count().max(1) as f64;
    let shrink = middle.to_radians().cos();
    for place in buses.iter_mut().filter_map(|bus| bus.place.as_mut()) {
        place.east *= METRES_PER_DEGREE * shrink;
        place.north *= METRES_PER_DEGREE;
    }
}
