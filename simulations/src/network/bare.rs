//! A bare event heap, to compare the simulator's speed with: households that do nothing but pass a payload on.

use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::queue::Queue;
use super::random::Random;
use super::trace::Trace;

/// Bytes of a payload: those of a small entry or a beacon.
const PAYLOAD: usize = 200;
/// Households.
const HOMES: usize = 10;
/// Events under way at a time.
const WAITING: usize = 100;

/// Lets so many events happen: each delivers a copy of a payload, which is delayed, lost or doubled on its next way.
/// Gives a fingerprint, so that nothing of it is left out by the compiler.
#[must_use]
pub fn run(events: u64, seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let mut queue: Queue<(usize, Vec<u8>)> = Queue::default();
    let mut trace = Trace::default();
    for _ in 0..WAITING {
        queue.push(UtcMillis(random.below(100)), (random.index(HOMES), vec![7; PAYLOAD]));
    }
    for _ in 0..events {
        let Some((at, (home, payload))) = queue.pop() else { break };
        trace.number(at.0 ^ home as u64 ^ u64::from(payload[home]));
        // As many are doubled as lost, and one always stays.
        let copies = if queue.is_empty() || random.chance(100) { 2 } else { usize::from(!random.chance(100)) };
        for _ in 0..copies {
            queue.push(at.after(Duration::from_millis(random.below(100))), (random.index(HOMES), payload.clone()));
        }
    }
    trace.hash()
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn it_is_deterministic_and_depends_on_the_seed() {
        assert_eq!(run(10_000, 1), run(10_000, 1));
        assert_ne!(run(10_000, 1), run(10_000, 2));
        assert_ne!(run(10_000, 1), run(10_001, 1));
    }
}
