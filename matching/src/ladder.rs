//! One side of a book by price: a queue of orders for each rank, and bitmaps that find the next occupied one.
//!
//! Queues come in chunks of 64, made when the first order of one of their prices arrives, so a wide band costs a
//! pointer per 64 ticks and an idle side nothing. What a queue links is the slab's business, not the ladder's.

use crate::priority::Rank;
use crate::slab::{Link, NONE};

/// Ranks per chunk and chunks per summary word: the bits of a `u64`.
const WORD: u32 = u64::BITS;

/// The price levels of one side.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
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
    pub(crate) const EMPTY: Self = Self { occupied: Vec::new(), chunks: Vec::new() };

    /// The best occupied rank that is `from` or worse.
    #[inline]
    pub(crate) fn next(&self, from: Rank) -> Option<Rank> {
        let (chunk, bit) = split(from);
        let here = self.chunk(chunk).map_or(0, |chunk| chunk.occupied & (u64::MAX << bit));
        if here != 0 {
            return Some(join(chunk, here.trailing_zeros()));
        }
        let chunk = self.next_chunk(chunk + 1)?;
        self.chunk(chunk).map(|found| join(chunk, found.occupied.trailing_zeros()))
    }

    /// The queue at `rank`; empty if no order is there.
    #[inline]
    pub(crate) fn queue(&self, rank: Rank) -> Queue {
        let (chunk, bit) = split(rank);
        self.chunk(chunk).map_or(Queue::EMPTY, |chunk| chunk.queues[bit as usize])
    }

    /// Replaces the queue at `rank`; `ticks` is the size of the band, for the first order of a side.
    #[inline]
    pub(crate) fn set_queue(&mut self, rank: Rank, queue: Queue, ticks: u32) {
        let (index, bit) = split(rank);
        let chunk = self.chunk_or_new(index, ticks);
        chunk.queues[bit as usize] = queue;
        if queue.first == NONE {
            chunk.occupied &= !(1 << bit);
        } else {
            chunk.occupied |= 1 << bit;
        }
        let any = chunk.occupied != 0;
        let word = &mut self.occupied[(index / WORD) as usize];
        if any {
            *word |= 1 << (index % WORD);
        } else {
            *word &= !(1 << (index % WORD));
        }
    }

    fn chunk(&self, index: u32) -> Option<&Chunk> {
        self.chunks.get(index as usize)?.as_deref()
    }

    fn chunk_or_new(&mut self, index: u32, ticks: u32) -> &mut Chunk {
        if self.chunks.is_empty() {
            let chunks = ticks.div_ceil(WORD);
            self.chunks.resize_with(chunks as usize, || None);
            self.occupied.resize(chunks.div_ceil(WORD) as usize, 0);
        }
        self.chunks[index as usize]
            .get_or_insert_with(|| Box::new(Chunk { occupied: 0, queues: [Queue::EMPTY; WORD as usize] }))
    }

    fn next_chunk(&self, from: u32) -> Option<u32> {
        let first = from / WORD;
        let mut mask = u64::MAX << (from % WORD);
        for (word, &bits) in (first..).zip(self.occupied.get(first as usize..)?) {
            if bits & mask != 0 {
                return Some(word * WORD + (bits & mask).trailing_zeros());
            }
            mask = u64::MAX;
        }
        None
    }
}

fn split(rank: Rank) -> (u32, u32) {
    (rank.0 / WORD, rank.0 % WORD)
}

fn join(chunk: u32, bit: u32) -> Rank {
    Rank(chunk * WORD + bit)
}
