//! What every target asserts: whatever is read is written again as the same bytes.

use wattswap_node::protocol::signed::{Signed, Statement};
use wattswap_node::protocol::wire::cose;

/// Reads the bytes as a signed statement, and as a bare payload.
pub fn statement<T: Statement>(data: &[u8]) {
    if let Ok(signed) = Signed::<T>::parse(data) {
        let signature = data.last_chunk().expect("what was read has a signature");
        assert_eq!(cose::seal(&signed.encode(), signature), data);
    }
    if let Ok(statement) = T::decode(data) {
        assert_eq!(statement.encode(), data);
    }
}
