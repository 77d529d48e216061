//! Waiting for something that can only be asked for: often enough, and never for ever.

use std::thread;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// It did not come in time.
#[derive(Clone, Debug, thiserror::Error)]
#[error("waited {} s in vain: {what}. Last seen: {last}", limit.as_secs())]
pub struct InVain {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub limit: Duration,
    /// What was there instead when it was last looked at.
    pub last: String,
}

/// Asks again and again until `probe` has an answer; its error says what is there instead.
///
/// # Errors
/// [`InVain`] after `limit`.
pub fn until<T, E: ToString>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<T, E>,
) -> Result<T, InVain> {
    let deadline = Instant::now() + limit;
    loop {
        match probe() {
            Ok(answer) => return Ok(answer),
            Err(last) if Instant::now() >= deadline => {
                return Err(InVain { what: what.to_owned(), limit, last: last.to_string() });
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
