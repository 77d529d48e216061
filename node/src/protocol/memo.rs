//! What this thread has read and checked before: for simulations, in which hundreds of households read the same words.
//!
//! Only there with the cargo feature `memo`, and then only in threads that called [`remember`]; the node never does. A
//! verdict depends on nothing but what is checked, and words are only shared if their bytes are the same; so nothing can be
//! told apart by it but time and memory.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::signed::Parsed;

/// Verdicts of one thread, and words: some hours of a large neighbourhood, about 150 MB.
const MAX_REMEMBERED: usize = 1 << 18;

/// What a signature was over: the kind of statement, its payload's hash, and the signature itself.
type Checked = ([u8; 32], [u8; 64], &'static str);

#[derive(Default)]
struct Memory {
    verdicts: BTreeMap<Checked, bool>,
    /// By their payload's hash.
    words: BTreeMap<[u8; 32], Arc<dyn Any + Send + Sync>>,
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

/// What `parse` makes of these bytes, whose payload has this hash; or what was made of the very same ones before.
pub(super) fn parsed<T: Send + Sync + 'static, E>(
    hash: [u8; 32],
    bytes: &[u8],
    parse: impl FnOnce() -> Result<Arc<Parsed<T>>, E>,
) -> Result<Arc<Parsed<T>>, E> {
    let known = MEMORY.with_borrow(|memory| memory.as_ref()?.words.get(&hash).cloned());
    let known = known.and_then(|known| known.downcast::<Parsed<T>>().ok());
    if let Some(known) = known.filter(|known| *known.bytes == *bytes) {
        return Ok(known);
    }
    let parsed = parse()?;
    MEMORY.with_borrow_mut(|memory| {
        if let Some(Memory { words, .. }) = memory {
            if words.len() >= MAX_REMEMBERED {
                words.clear();
            }
            words.entry(hash).or_insert_with(|| Arc::clone(&parsed) as Arc<dyn Any + Send + Sync>);
        }
    });
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{parsed, remember, verdict};
    use crate::protocol::signed::Parsed;

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
    fn only_the_very_same_bytes_are_parsed_once() {
        let parse =
            |text: &'static str| move || Ok::<_, ()>(Arc::new(Parsed::of(text, [1; 32], text.as_bytes().into())));
        let again = || -> Result<Arc<Parsed<&'static str>>, ()> { unreachable!("it is known") };
        parsed([1; 32], b"one", parse("one")).unwrap();
        let known = parsed([1; 32], b"one", parse("one")).unwrap();
        remember();
        let kept = parsed([1; 32], b"one", parse("one")).unwrap();
        assert!(!Arc::ptr_eq(&kept, &known), "without a memory nothing is");
        assert!(Arc::ptr_eq(&parsed([1; 32], b"one", again).unwrap(), &kept));
        let framed_otherwise = parsed([1; 32], b"two", parse("two")).unwrap();
        assert_eq!(*framed_otherwise.bytes, *b"two");
        let as_something_else =
            parsed([1; 32], b"one", || Ok::<_, ()>(Arc::new(Parsed::of(1, [1; 32], (*b"one").into()))));
        assert_eq!(*as_something_else.unwrap().bytes, *b"one");
        assert_eq!(parsed([2; 32], b"bad", || Err::<Arc<Parsed<u8>>, _>("why")).err(), Some("why"));
    }
}
