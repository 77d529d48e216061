//! One side of a book by price: a queue of orders for each rank, and bitmaps that find the next occupied one.
//!
//! Queues come in chunks of 64, made when the first order of one of their prices arrives, so a wide band costs a
//! pointer per 64 ticks and an idle side nothing. What a queue links is the slab's business, not the ladder's.

use crate::band::PriceBand;
use crate::priority::Rank;
use crate::slab::{Link, NONE};

/// Ranks per chunk and chunks per summary word: the bits of a `u64`.
const WORD: u32 = u64::BITS;

/// The price levels of one side.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    /// The best occupied rank, or [`Rank::BEYOND`]: what almost every order asks first.
    best: Rank,
    /// One bit a chunk: whether it holds any order.
    occupied: Vec<u64>,
    chunks: Vec<Option<Box<Chunk>>>,
}

#[derive(Clone, Debug)]
struct Chunk {
    /// One bit a rank: whether its queue holds any order.
    occupied: u64,
    queues: [Queue; WORD as usize],
}

/// The orders of one price, first come first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub(crate) first: Link,
    pub(crate) last: Link,
}

impl Queue {
    const EMPTY: Self = Self { first: NONE, last: NONE };
}

impl Ladder {
    pub(crate) const EMPTY: Self = Self { best: Rank::BEYOND, occupied: Vec::new(), chunks: Vec::new() };

    /// The best occupied rank that is `from` or worse; [`Rank::BEYOND`] if there is none.
    #[inline]
    pub(crate) fn next(&self, from: Rank) -> Rank {
        if from <= self.best { self.best } else { self.scan(from) }
    }

    /// The queue at `rank`.
    #[inline]
    pub(crate) fn queue(&self, rank: Rank) -> Queue {
        let (chunk, bit) = split(rank);
        self.chunk(chunk).map_or(Queue::EMPTY, |chunk| chunk.queues[bit as usize])
    }

    /// The queue at `rank`, made if need be. Whoever puts the first order in calls [`Self::occupy`], whoever takes the
    /// last one out [`Self::vacate`].
    #[inline]
    pub(crate) fn queue_mut(&mut self, rank: Rank, band: PriceBand) -> &mut Queue {
        let (index, bit) = split(rank);
        if self.chunks.is_empty() {
            self.make_directory(band);
        }
        let chunk = self.chunks[index as usize].get_or_insert_with(Chunk::empty);
        &mut chunk.queues[bit as usize]
    }

    /// Notes that the queue at `rank` holds orders now.
    #[inline]
    pub(crate) fn occupy(&mut self, rank: Rank) {
        let (index, bit) = split(rank);
        if let Some(chunk) = &mut self.chunks[index as usize] {
            chunk.occupied |= 1 << bit;
        }
        self.occupied[(index / WORD) as usize] |= 1 << (index % WORD);
        self.best = self.best.min(rank);
    }

    /// Notes that the queue at `rank` is empty now.
    #[inline]
    pub(crate) fn vacate(&mut self, rank: Rank) {
        let (index, bit) = split(rank);
        let Some(chunk) = &mut self.chunks[index as usize] else { return };
        chunk.occupied &= !(1 << bit);
        if chunk.occupied == 0 {
            self.occupied[(index / WORD) as usize] &= !(1 << (index % WORD));
        }
        if rank == self.best {
            self.best = self.scan(rank);
        }
    }

    #[inline]
    fn scan(&self, from: Rank) -> Rank {
        let (chunk, bit) = split(from);
        let here = self.chunk(chunk).map_or(0, |chunk| chunk.occupied & (u64::MAX << bit));
        if here != 0 {
            return join(chunk, here.trailing_zeros());
        }
        match self.next_chunk(chunk + 1) {
            Some((index, chunk)) => join(index, chunk.occupied.trailing_zeros()),
            None => Rank::BEYOND,
        }
    }

    #[inline]
    fn chunk(&self, index: u32) -> Option<&Chunk> {
        self.chunks.get(index as usize)?.as_deref()
    }

    /// The first chunk from `from` on that holds any order.
    fn next_chunk(&self, from: u32) -> Option<(u32, &Chunk)> {
        let first = from / WORD;
        let mut mask = u64::MAX << (from % WORD);
        for (word, &bits) in (first..).zip(self.occupied.get(first as usize..)?) {
            if bits & mask != 0 {
                let index = join(word, (bits & mask).trailing_zeros()).0;
                return self.chunk(index).map(|chunk| (index, chunk));
            }
            mask = u64::MAX;
        }
        None
    }

    #[cold]
    fn make_directory(&mut self, band: PriceBand) {
        let chunks = band.ticks().div_ceil(WORD);
        self.chunks.resize_with(chunks as usize, || None);
        self.occupied.resize(chunks.div_ceil(WORD) as usize, 0);
    }
}

impl Chunk {
    #[cold]
    fn empty() -> Box<Self> {
        Box::new(Self { occupied: 0, queues: [Queue::EMPTY; WORD as usize] })
    }
}

#[inline]
fn split(rank: Rank) -> (u32, u32) {
    (rank.0 / WORD, rank.0 % WORD)
}

#[inline]
fn join(chunk: u32, bit: u32) -> Rank {
    Rank(chunk * WORD + bit)
}
