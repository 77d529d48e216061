//! The runs of a sweep: which value of each axis.

use std::fmt;

use super::Sweep;

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its number, from 0.
    pub number: usize,
    /// Which value of each axis.
    pub choices: Vec<usize>,
    /// The names of axes and values.
    pub labels: Vec<(String, String)>,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.labels.iter().map(|(axis, label)| format!("{axis} = {label}")).collect();
        f.write_str(&labels.join(", "))
    }
}

impl Sweep {
    /// A run by its number, less than [`Document::runs`](super::Document::runs). The last axis changes first.
    #[must_use]
    pub fn point(&self, number: usize) -> Point {
        let mut rest = number;
        let mut choices: Vec<usize> = Vec::new();
        for axis in self.document.axes.iter().rev() {
            choices.push(rest % axis.values.len());
            rest /= axis.values.len();
        }
        choices.reverse();
        self.point_of(number, choices)
    }

    pub(super) fn point_of(&self, number: usize, choices: Vec<usize>) -> Point {
        let axes = self.document.axes.iter().zip(&choices);
        let labels = axes.map(|(axis, choice)| (axis.name(), axis.label(*choice))).collect();
        Point { number, choices, labels }
    }
}
