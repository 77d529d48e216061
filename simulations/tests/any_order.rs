//! The book is a function of what is held, never of the order in which it came: real logs, folded in many orders.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use wattswap_matching::{Side, UtcMillis};
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::fold::Fold;
use wattswap_node::protocol::household::io::{Command, Wish};
use wattswap_node::protocol::ids::{Digest, EntryId, Head, Incarnation, LogId, MemberKey};
use wattswap_node::protocol::limits::MAX_INCARNATIONS;
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::{Faults, Random, Street};

const HOMES: usize = 4;

/// What a fold needs, and logs that real households wrote: with orders, cancels, trades and copies of trades.
struct Written {
    street: Street,
    logs: BTreeMap<LogId, VecDeque<Verified<Entry>>>,
    until: UtcMillis,
}

fn write(seed: u64) -> Written {
    let mut street = Street::new(HOMES, seed);
    let mut random = Random::new(seed);
    street.run(Duration::from_secs(20));
    street.faults = Faults { loss: 50, repeat: 50, longest_delay: Duration::from_millis(300) };
    for _ in 0..60 {
        let home = usize::try_from(random.below(HOMES as u64)).unwrap();
        let live = street.disk(home).requests().keys().next().copied();
        let command = match live {
            Some(id) if random.chance(200) => Command::Cancel(id),
            _ => {
                let side = if random.chance(500) { Side::Buy } else { Side::Sell };
                let quantity = 10 * (1 + i64::try_from(random.below(20)).unwrap());
                let wish = street.wish(side, quantity, 1_000 + i32::try_from(random.below(10)).unwrap());
                let short = random.chance(300).then(|| street.now.after(Duration::from_secs(10)));
                Command::Place { wishes: vec![Wish { expires_at: short, ..wish }], key: None }
            }
        };
        let _refused = street.command(home, command);
        street.run(Duration::from_millis(random.below(2_000)));
    }
    let mut logs: BTreeMap<LogId, VecDeque<Verified<Entry>>> = BTreeMap::new();
    for entry in (0..HOMES).flat_map(|home| street.entries_of(home)) {
        logs.entry(entry.log).or_default().push_back(entry.clone());
    }
    Written { until: street.now, street, logs }
}

/// Folds the logs in an order that `random` chooses, each log in its own order; `convict` and the charter come when
/// `random` says.
fn fold(written: &Written, random: &mut Random, convict: Option<MemberKey>) -> Digest {
    let mut fold = Fold::new(written.street.community());
    let mut logs = written.logs.clone();
    let charter_after = random.below(40);
    let convict_after = random.below(200);
    // Time passes while entries come, sometimes in steps; the end is the same for all.
    let start = written.until.before(Duration::from_secs(random.below(200)));
    let mut taken = 0;
    fold.advance(start);
    while !logs.is_empty() {
        if taken == charter_after {
            fold.know(written.street.charter_id(), written.street.charter().into());
        }
        if taken == convict_after
            && let Some(key) = convict
        {
            fold.convict(key);
        }
        let at = usize::try_from(random.below(logs.len() as u64)).unwrap();
        let log = *logs.keys().nth(at).unwrap();
        let entries = logs.get_mut(&log).unwrap();
        match entries.pop_front() {
            Some(entry) => fold.add(&entry),
            None => drop(logs.remove(&log)),
        }
        taken += 1;
    }
    fold.know(written.street.charter_id(), written.street.charter().into());
    if let Some(key) = convict {
        fold.convict(key);
    }
    fold.advance(written.until);
    fold.digest()
}

#[test]
fn every_order_of_arrival_gives_the_same_book() {
    for seed in 0..12 {
        let written = write(seed);
        let entries: usize = written.logs.values().map(VecDeque::len).sum();
        let mut random = Random::new(seed);
        let first = fold(&written, &mut random, None);
        assert!(entries > 20, "seed {seed}: {entries} entries are too few to tell");
        let empty = Fold::new(written.street.community()).digest();
        assert_ne!(first, empty, "seed {seed}: something rests in the book at the end");
        let trades = (0..HOMES).any(|home| !written.street.disk(home).trades().is_empty());
        assert!(trades, "seed {seed}: there were trades");
        for turn in 0..30 {
            assert_eq!(fold(&written, &mut random, None), first, "seed {seed}, order {turn}");
        }
    }
}

#[test]
fn when_a_conviction_comes_does_not_matter() {
    for seed in 0..12 {
        let written = write(seed);
        let mut random = Random::new(seed);
        for key in (0..HOMES).map(|home| written.street.key(home)) {
            let first = fold(&written, &mut random, Some(key));
            for turn in 0..10 {
                assert_eq!(fold(&written, &mut random, Some(key)), first, "seed {seed}, order {turn}");
            }
        }
    }
}

/// The cheat ends its older log again and again, a little earlier each time: so many of those count, and no more, also if
/// its first entry had to wait.
#[test]
fn of_seals_in_one_log_so_many_count() {
    for waits in [false, true] {
        let street = Street::new(1, 3);
        let signer = street.signer(0);
        let log = |nonce| LogId { author: street.key(0), incarnation: Incarnation { opened: street.now, nonce } };
        let seals: Vec<Op> = (0..2 * MAX_INCARNATIONS as u64)
            .map(|number| Op::Seal(Head { log: log(1), seq: 1_000 - number, id: EntryId([number as u8; 32]) }))
            .collect();
        let mut prev = None;
        let mut entries = Vec::new();
        for (seq, ops) in (0..).zip(seals.chunks(MAX_INCARNATIONS / 2 + 1)) {
            let entry =
                Entry { community: street.community(), log: log(2), seq, prev, at: street.now, ops: ops.to_vec() };
            let entry = Verified::sign(entry, &*signer);
            prev = Some(EntryId(entry.hash()));
            entries.push(entry);
        }
        let mut fold = Fold::new(street.community());
        if waits {
            fold.advance(street.now.before(Duration::from_secs(60)));
            fold.add(&entries[0]);
            assert_eq!(fold.sealed_at(&log(1)), Some(1_000 - MAX_INCARNATIONS as u64 / 2), "its word holds at once");
        }
        fold.advance(street.now);
        entries[usize::from(waits)..].iter().for_each(|entry| fold.add(entry));
        assert_eq!(fold.sealed_at(&log(1)), Some(1_001 - MAX_INCARNATIONS as u64), "waits: {waits}");
    }
}
