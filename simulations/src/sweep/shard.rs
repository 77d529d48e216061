//! The part of a sweep's runs that one machine does.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// `index` of `of` parts; the first is 0, as schedulers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

/// A text that is no shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write I/N, such as 0/16: the part I, from 0 to N - 1, of N")]
pub struct BadShard;

impl Shard {
    /// All runs.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Its runs. Every `of`th, since neighbours in number cost alike: so shards take about as long.
    pub fn runs(self, all: Range<usize>) -> impl Iterator<Item = usize> {
        all.skip(self.index).step_by(self.of)
    }

    /// Whether there are others.
    #[must_use]
    pub fn is_part(self) -> bool {
        self.of > 1
    }
}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let (index, of) = text.split_once('/').ok_or(BadShard)?;
        let (index, of) = (index.parse().map_err(|_| BadShard)?, of.parse().map_err(|_| BadShard)?);
        if index < of { Ok(Self { index, of }) } else { Err(BadShard) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_all_runs() {
        for (all, of) in [(0, 1), (1, 1), (7, 1), (7, 3), (2, 5), (12, 4)] {
            let shards = (0..of).map(|index| Shard { index, of });
            let mut runs: Vec<usize> = shards.flat_map(|shard| shard.runs(0..all)).collect();
            runs.sort_unstable();
            assert_eq!(runs, (0..all).collect::<Vec<_>>(), "{all} runs, {of} shards");
        }
    }

    #[test]
    fn as_text() {
        for text in ["0/1", "3/16", "15/16"] {
            assert_eq!(text.parse::<Shard>().map(|shard| shard.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "1", "1/1", "16/16", "-1/4", "0/0", "a/b", "1/2/3", " 0/1"] {
            assert_eq!(text.parse::<Shard>(), Err(BadShard), "{text:?}");
        }
    }
}
