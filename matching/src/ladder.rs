//! One side of a book by price: a queue of orders for each rank, and bitmaps that find the next occupied one.
//!
//! Queues come in chunks of 64, made when the first order of one of their prices arrives, so a wide band costs 16
//! bytes per 64 ticks and an idle side nothing. What a queue links is the slab's business, not the ladder's.

use crate::band::PriceBand;
use crate::priority::Rank;
use crate::slab::{Link, NONE};

/// Ranks per chunk and chunks per summary word: the bits of a `u64`.
const WORD: u32 = u64::BITS;

/// The price levels of one side. A cache line of its own, so that a book of the array finds it by a shift.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Ladder {
    /// The best occupied rank, or [`Rank::BEYOND`]: what almost every order asks first.
    best: Rank,
    chunks: Vec<Chunk>,
    /// One bit a chunk: whether it holds any order.
    occupied: Vec<u64>,
}

/// The levels of 64 neighbouring ranks.
#[derive(Clone, Debug)]
struct Chunk {
    /// One bit a rank: whether its queue holds any order.
    occupied: u64,
    /// None until the first order comes.
    queues: Option<Box<[Queue; WORD as usize]>>,
}

/// The orders of one price, first come first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    /// The first order, or [`NONE`].
    pub(crate) first: Link,
    /// The last order; means nothing while there is no first.
    pub(crate) last: Link,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self { first: NONE, last: NONE };
}

impl Ladder {
    pub(crate) const EMPTY: Self = Self { best: Rank::BEYOND, chunks: Vec::new(), occupied: Vec::new() };

    /// The best occupied rank that is `from` or worse; [`Rank::BEYOND`] if there is none.
    #[inline]
    pub(crate) fn next(&self, from: Rank) -> Rank {
        if from <= self.best { self.best } else { self.scan(from) }
    }

    /// The queue at `rank`.
    #[inline]
    pub(crate) fn queue(&self, rank: Rank) -> Queue {
        let (number, bit) = split(rank);
        match self.chunks.get(number as usize) {
            Some(Chunk { queues: Some(queues), .. }) => queues[bit as usize],
            _ => Queue::EMPTY,
        }
    }

    /// The queue at `rank`, made if need be. Whoever puts the first order in calls [`Self::occupy`], whoever takes the
    /// last one out [`Self::vacate`].
    #[inline]
    pub(crate) fn queue_mut(&mut self, rank: Rank, band: PriceBand) -> &mut Queue {
        let (number, bit) = split(rank);
        if self.chunks.is_empty() {
            self.make_chunks(band);
        }
        &mut self.chunks[number as usize].queues.get_or_insert_with(make_queues)[bit as usize]
    }

    /// Notes that the queue at `rank` holds orders now.
    #[inline]
    pub(crate) fn occupy(&mut self, rank: Rank) {
        let (number, bit) = split(rank);
        self.chunks[number as usize].occupied |= 1 << bit;
        self.occupied[(number / WORD) as usize] |= 1 << (number % WORD);
        self.best = self.best.min(rank);
    }

    /// Notes that the queue at `rank` is empty now.
    #[inline]
    pub(crate) fn vacate(&mut self, rank: Rank) {
        let (number, bit) = split(rank);
        let chunk = &mut self.chunks[number as usize];
        chunk.occupied &= !(1 << bit);
        if chunk.occupied == 0 {
            self.occupied[(number / WORD) as usize] &= !(1 << (number % WORD));
        }
        if rank == self.best {
            self.best = self.scan(rank);
        }
    }

    /// Like [`Self::next`], by the bitmaps.
    #[inline]
    fn scan(&self, from: Rank) -> Rank {
        let (number, bit) = split(from);
        match self.chunks.get(number as usize).map_or(0, |chunk| chunk.occupied & (u64::MAX << bit)) {
            0 => self.scan_chunks(number + 1),
            occupied => join(number, occupied.trailing_zeros()),
        }
    }

    /// The best occupied rank in the chunks from number `from` on.
    fn scan_chunks(&self, from: u32) -> Rank {
        let (first, bit) = (from / WORD, from % WORD);
        let mut mask = u64::MAX << bit;
        for (word, occupied) in (first..).zip(self.occupied.iter().skip(first as usize)) {
            if occupied & mask != 0 {
                let number = word * WORD + (occupied & mask).trailing_zeros();
                return join(number, self.chunks[number as usize].occupied.trailing_zeros());
            }
            mask = u64::MAX;
        }
        Rank::BEYOND
    }

    #[cold]
    fn make_chunks(&mut self, band: PriceBand) {
        let chunks = band.ticks().div_ceil(WORD);
        self.chunks.resize_with(chunks as usize, || Chunk { occupied: 0, queues: None });
        self.occupied.resize(chunks.div_ceil(WORD) as usize, 0);
    }
}

#[cold]
fn make_queues() -> Box<[Queue; WORD as usize]> {
    Box::new([Queue::EMPTY; WORD as usize])
}

/// The number of the chunk that a rank is in, and its bit there.
#[inline]
fn split(rank: Rank) -> (u32, u32) {
    (rank.0 / WORD, rank.0 % WORD)
}

#[inline]
fn join(number: u32, bit: u32) -> Rank {
    Rank(number * WORD + bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Price;

    #[test]
    fn finds_the_next_occupied_rank() {
        let band = PriceBand::new(Price(-100_000), Price(100_000)).unwrap();
        let ranks = [0, 1, 63, 64, 4_095, 4_096, 70_000, 199_999, 200_000].map(Rank);
        let mut ladder = Ladder::EMPTY;
        assert_eq!(ladder.next(Rank::BEST), Rank::BEYOND);
        for rank in ranks.into_iter().rev() {
            ladder.queue_mut(rank, band).first = 0;
            ladder.occupy(rank);
        }
        for (i, &rank) in ranks.iter().enumerate() {
            assert_eq!(ladder.next(rank), rank);
            assert_eq!(ladder.next(rank.worse()), *ranks.get(i + 1).unwrap_or(&Rank::BEYOND));
        }
        for (i, &rank) in ranks.iter().enumerate() {
            assert_eq!(ladder.next(Rank::BEST), rank);
            ladder.vacate(rank);
            assert_eq!(ladder.next(Rank::BEST), *ranks.get(i + 1).unwrap_or(&Rank::BEYOND));
        }
    }
}
