//! What this thread has read and checked before: for simulations, in which hundreds of households read the same words.
//!
//! Only there with the cargo feature `memo`, and then only in threads that called [`remember`]; the node never does. A
//! verdict depends on nothing but what is checked, and bytes are only shared if they are the same; so nothing can be told
//! apart by it but time and memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Verdicts of one thread, and words: some hours of a large neighbourhood, about 150 MB.
const MAX_REMEMBERED: usize = 1 << 18;

/// What a signature was over: the kind of statement, its payload's hash, and the signature itself.
type Checked = ([u8; 32], [u8; 64], &'static str);

#[derive(Default)]
struct Memory {
    verdicts: BTreeMap<Checked, bool>,
    /// By their payload's hash.
    words: BTreeMap<[u8; 32], Arc<[u8]>>,
}

thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

/// From now on this thread remembers.
pub fn remember() {
    MEMORY.with_borrow_mut(|memory| {
        memory.get_or_insert_default();
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
        if verdicts.len() >= MAX_REMEMBERED {
            verdicts.clear();
        }
        *verdicts.entry((hash, *signature, domain)).or_insert_with(check)
    })
}

/// The same bytes, of which there may be a copy already.
pub(super) fn share(hash: [u8; 32], bytes: Arc<[u8]>) -> Arc<[u8]> {
    MEMORY.with_borrow_mut(|memory| {
        let Some(Memory { words, .. }) = memory else { return bytes };
        if words.len() >= MAX_REMEMBERED {
            words.clear();
        }
        let known = words.entry(hash).or_insert_with(|| Arc::clone(&bytes));
        if **known == *bytes { Arc::clone(known) } else { bytes }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{remember, share, verdict};

    #[test]
    fn a_verdict_is_asked_for_once_and_only_of_the_very_same_signature() {
        let cases =
            [("a", [1; 32], [1; 64]), ("b", [1; 32], [1; 64]), ("a", [2; 32], [1; 64]), ("a", [1; 32], [2; 64])];
        let again = || unreachable!("it is known");
        assert!(verdict("a", [1; 32], &[1; 64], || true), "without a memory it is asked for each time");
        remember();
        for (index, (domain, hash, signature)) in cases.iter().enumerate() {
            assert_eq!(verdict(domain, *hash, signature, || index % 2 == 0), index % 2 == 0);
        }
        for (index, (domain, hash, signature)) in cases.iter().enumerate() {
            assert_eq!(verdict(domain, *hash, signature, again), index % 2 == 0);
        }
    }

    #[test]
    fn only_the_very_same_bytes_are_shared() {
        let bytes = |text: &str| Arc::<[u8]>::from(text.as_bytes());
        let (one, same, other) = (bytes("one"), bytes("one"), bytes("two"));
        assert!(Arc::ptr_eq(&share([1; 32], Arc::clone(&same)), &same), "without a memory nothing is");
        remember();
        let kept = share([1; 32], Arc::clone(&one));
        assert!(Arc::ptr_eq(&share([1; 32], same), &kept));
        assert_eq!(*share([1; 32], Arc::clone(&other)), *other, "another framing of the same payload");
    }
}
