//! Signatures that this thread has checked before: for simulations, in which hundreds of households check the same ones.
//!
//! Only there with the cargo feature `memo`, and then only in threads that called [`remember`]; the node never does. A
//! verdict depends on nothing but what is checked, so nothing can be told apart by it but the time that it takes.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// Verdicts of one thread: some hours of a large neighbourhood, about 40 MB.
const MAX_VERDICTS: usize = 1 << 18;

/// What a signature was over: the kind of statement, its payload's hash, and the signature itself.
type Checked = ([u8; 32], [u8; 64], &'static str);

thread_local! {
    static VERDICTS: RefCell<Option<BTreeMap<Checked, bool>>> = const { RefCell::new(None) };
}

/// From now on this thread remembers verdicts.
pub fn remember() {
    VERDICTS.with_borrow_mut(|verdicts| {
        verdicts.get_or_insert_default();
    });
}

/// The verdict that is known, or the one that `check` gives.
pub(super) fn verdict(
    domain: &'static str,
    hash: [u8; 32],
    signature: &[u8; 64],
    check: impl FnOnce() -> bool,
) -> bool {
    VERDICTS.with_borrow_mut(|verdicts| {
        let Some(verdicts) = verdicts else { return check() };
        if verdicts.len() >= MAX_VERDICTS {
            verdicts.clear();
        }
        *verdicts.entry((hash, *signature, domain)).or_insert_with(check)
    })
}

#[cfg(test)]
mod tests {
    use super::{remember, verdict};

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
}
