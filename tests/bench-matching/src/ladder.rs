//! The bare ladder: what matching costs when a book does nothing else. The practical limit of the benchmark.
//!
//! An array of price levels, a bitmap of the occupied ones, intrusive lists in a slab of dense nodes. It checks
//! nothing: no self-trades, no late arrivals, no expiry, no ids but the caller's dense order numbers, no errors; a
//! price outside the band panics. Levels are numbered from the best price of their side.

use wattswap_matching::Side;

const NONE: u32 = u32::MAX;

/// A book for prices from `-band / 2` to `band / 2 - 1`.
pub struct Ladder {
    half: i32,
    sides: [Levels; 2],
    nodes: Vec<Node>,
    free: u32,
}

/// Names a resting order; stale once the node holds another.
pub type Handle = u32;

struct Levels {
    /// The first occupied level, or `NONE`.
    best: u32,
    queues: Vec<Queue>,
    /// One bit a level.
    occupied: Vec<u64>,
    /// One bit a word of `occupied`.
    summary: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Queue {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy)]
struct Node {
    next: u32,
    previous: u32,
    /// The order's number.
    order: u32,
    /// Zero while the node is free.
    open: u32,
    level: u32,
    side: u32,
}

impl Ladder {
    pub fn new(band: i32) -> Self {
        Self { half: band / 2, sides: [Levels::new(band), Levels::new(band)], nodes: Vec::new(), free: NONE }
    }

    /// Trades an order and lets the rest of it rest. Each trade is told as (resting order, price, quantity).
    #[inline]
    pub fn submit(
        &mut self,
        order: u32,
        side: Side,
        price: i32,
        quantity: u32,
        mut trade: impl FnMut(u32, i32, u32),
    ) -> Handle {
        let (low, high) = ((price + self.half) as u32, (self.half - 1 - price) as u32);
        let (side, level, reach) = if side == Side::Buy { (0, high, low) } else { (1, low, high) };
        let mut left = quantity;
        let Self { half, sides, nodes, .. } = self;
        let other = &mut sides[1 - side];
        while other.best <= reach {
            let best = other.best;
            let at = if side == 0 { best as i32 - *half } else { *half - 1 - best as i32 };
            let queue = &mut other.queues[best as usize];
            while queue.first != NONE {
                let node = &mut nodes[queue.first as usize];
                let quantity = left.min(node.open);
                trade(node.order, at, quantity);
                node.open -= quantity;
                left -= quantity;
                if node.open > 0 {
                    node.previous = NONE;
                    return NONE;
                }
                let next = node.next;
                node.next = self.free;
                self.free = queue.first;
                queue.first = next;
                if left == 0 {
                    break;
                }
            }
            if queue.first == NONE {
                queue.last = NONE;
                other.vacate(best);
            } else {
                nodes[queue.first as usize].previous = NONE;
            }
            if left == 0 {
                return NONE;
            }
        }
        self.rest(order, side, level, left)
    }

    /// Removes an order, if it still rests.
    #[inline]
    pub fn cancel(&mut self, handle: Handle, order: u32) {
        let Some(&Node { next, previous, order: resting, open, level, side }) = self.nodes.get(handle as usize) else {
            return;
        };
        if resting != order || open == 0 {
            return;
        }
        let levels = &mut self.sides[side as usize];
        let queue = &mut levels.queues[level as usize];
        if previous == NONE {
            queue.first = next;
        } else {
            self.nodes[previous as usize].next = next;
        }
        if next == NONE {
            queue.last = previous;
        } else {
            self.nodes[next as usize].previous = previous;
        }
        if queue.first == NONE {
            levels.vacate(level);
        }
        let node = &mut self.nodes[handle as usize];
        (node.open, node.next) = (0, self.free);
        self.free = handle;
    }

    #[inline]
    fn rest(&mut self, order: u32, side: usize, level: u32, open: u32) -> Handle {
        let levels = &mut self.sides[side];
        let queue = &mut levels.queues[level as usize];
        let previous = queue.last;
        let node = Node { next: NONE, previous, order, open, level, side: side as u32 };
        let index = self.free;
        let index = if index == NONE {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        } else {
            self.free = self.nodes[index as usize].next;
            self.nodes[index as usize] = node;
            index
        };
        queue.last = index;
        if previous == NONE {
            queue.first = index;
            levels.occupy(level);
        } else {
            self.nodes[previous as usize].next = index;
        }
        index
    }
}

impl Levels {
    fn new(band: i32) -> Self {
        let words = (band as usize).div_ceil(64);
        Self {
            best: NONE,
            queues: vec![Queue { first: NONE, last: NONE }; band as usize],
            occupied: vec![0; words],
            summary: vec![0; words.div_ceil(64)],
        }
    }

    #[inline]
    fn occupy(&mut self, level: u32) {
        self.occupied[level as usize / 64] |= 1 << (level % 64);
        self.summary[level as usize / 4096] |= 1 << (level / 64 % 64);
        self.best = self.best.min(level);
    }

    #[inline]
    fn vacate(&mut self, level: u32) {
        let word = &mut self.occupied[level as usize / 64];
        *word &= !(1 << (level % 64));
        if *word == 0 {
            self.summary[level as usize / 4096] &= !(1 << (level / 64 % 64));
        }
        if level == self.best {
            self.best = self.first(level);
        }
    }

    /// The first occupied level after `level`.
    #[inline]
    fn first(&self, level: u32) -> u32 {
        let here = self.occupied[level as usize / 64];
        if here != 0 {
            // Nothing lies before the level that was the best.
            return level / 64 * 64 + here.trailing_zeros();
        }
        for (index, &word) in self.summary.iter().enumerate().skip(level as usize / 4096) {
            if word != 0 {
                let found = index as u32 * 64 + word.trailing_zeros();
                return found * 64 + self.occupied[found as usize].trailing_zeros();
            }
        }
        NONE
    }
}
