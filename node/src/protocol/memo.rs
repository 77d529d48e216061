//! What this thread has read and checked before: for simulations, in which hundreds of households read the same words.
//!
//! Only there with the cargo feature `memo`, and then only in threads that called [`remember`]; the node never does. A
//! verdict depends on nothing but what is checked, and words are only shared if their bytes are the same; so nothing can be
//! told apart by it but time and memory.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

/// What one thread remembers of each kind: some hours of a large neighbourhood, about 150 MB. A power of two.
const MAX_REMEMBERED: usize = 1 << 18;

/// What a signature was over: a hash that stands for what was signed and by whom, the signature itself, and the kind of
/// statement.
type Checked = ([u8; 32], [u8; 64], &'static str);

/// What is known of things with a hash. Each has one place, by the first bytes of its hash; whatever comes to a place that
/// is taken, takes it over.
struct Table<K, V>(Vec<Option<(K, V)>>);

struct Memory {
    verdicts: Table<Checked, bool>,
    /// By their payload's hash.
    words: Table<[u8; 32], Arc<dyn Any + Send + Sync>>,
}

thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

impl<K: PartialEq, V: Clone> Table<K, V> {
    fn new() -> Self {
        Self(std::iter::repeat_with(|| None).take(MAX_REMEMBERED).collect())
    }

    fn place(hash: &[u8; 32]) -> usize {
        u32::from_be_bytes([0, hash[0], hash[1], hash[2]]) as usize % MAX_REMEMBERED
    }

    fn get(&self, hash: &[u8; 32], key: &K) -> Option<V> {
        let (known, value) = self.0[Self::place(hash)].as_ref()?;
        (known == key).then(|| value.clone())
    }

    fn put(&mut self, hash: &[u8; 32], key: K, value: V) {
        self.0[Self::place(hash)] = Some((key, value));
    }
}

/// From now on this thread remembers.
pub fn remember() {
    MEMORY.with_borrow_mut(|memory| {
        memory.get_or_insert_with(|| Memory { verdicts: Table::new(), words: Table::new() });
    });
}

/// The verdict that is known, or the one that `check` gives.
pub(super) fn verdict(
    domain: &'static str,
    hash: [u8; 32],
    signature: &[u8; 64],
    check: impl FnOnce() -> bool,
) -> bool {
    MEMORY.with_borrow_mut(|memory| {
        let Some(Memory { verdicts, .. }) = memory else { return check() };
        let key = (hash, *signature, domain);
        verdicts.get(&hash, &key).unwrap_or_else(|| {
            let verdict = check();
            verdicts.put(&hash, key, verdict);
            verdict
        })
    })
}

/// What `parse` makes of bytes whose payload has this hash; or what was made of the very same ones before.
pub(super) fn parsed<T: Send + Sync + 'static, E>(
    hash: [u8; 32],
    is_same: impl FnOnce(&T) -> bool,
    parse: impl FnOnce() -> Result<Arc<T>, E>,
) -> Result<Arc<T>, E> {
    let known = MEMORY.with_borrow(|memory| memory.as_ref()?.words.get(&hash, &hash));
    let known = known.and_then(|known| known.downcast::<T>().ok());
    if let Some(known) = known.filter(|known| is_same(known)) {
        return Ok(known);
    }
    let parsed = parse()?;
    MEMORY.with_borrow_mut(|memory| {
        if let Some(Memory { words, .. }) = memory {
            words.put(&hash, hash, Arc::clone(&parsed) as Arc<dyn Any + Send + Sync>);
        }
    });
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{parsed, remember, verdict};

    #[test]
    fn a_verdict_is_asked_for_once_and_only_of_the_very_same_signature() {
        let cases =
            [("a", [1; 32], [1; 64]), ("b", [1; 32], [1; 64]), ("a", [2; 32], [1; 64]), ("a", [1; 32], [2; 64])];
        let again = || unreachable!("it is known");
        assert!(verdict("a", [1; 32], &[1; 64], || true), "without a memory it is asked for each time");
        remember();
        for (index, (domain, hash, signature)) in cases.iter().enumerate() {
            assert_eq!(verdict(domain, *hash, signature, || index % 2 == 0), index % 2 == 0);
            assert_eq!(verdict(domain, *hash, signature, again), index % 2 == 0);
        }
    }

    #[test]
    fn only_the_very_same_bytes_are_parsed_once() {
        let ask = |hash, text: &'static str| parsed(hash, |known| *known == text, || Ok::<_, ()>(Arc::new(text)));
        let first = ask([1; 32], "one").unwrap();
        assert!(!Arc::ptr_eq(&ask([1; 32], "one").unwrap(), &first), "without a memory nothing is");
        remember();
        let kept = ask([1; 32], "one").unwrap();
        assert!(Arc::ptr_eq(&ask([1; 32], "one").unwrap(), &kept));
        assert_eq!(*ask([1; 32], "two").unwrap(), "two", "another framing of the same payload");
        assert_eq!(parsed([1; 32], |_| true, || Ok::<_, ()>(Arc::new(1_u8))), Ok(Arc::new(1)), "as something else");
        assert_eq!(parsed([2; 32], |_: &u8| true, || Err("why")), Err("why"));
    }
}
