//! Ctrl-C, and the end that a scheduler asks for: the first time a wish, the second time an end at once.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What shells report of a process that was interrupted.
const INTERRUPTED: u8 = 130;

/// A flag that is set once somebody wants an end.
pub fn wish() -> io::Result<Arc<AtomicBool>> {
    let wish = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second one finds the flag set.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&wish))?;
        flag::register(signal, Arc::clone(&wish))?;
    }
    Ok(wish)
}

/// How a command ends that was stopped.
pub fn code() -> ExitCode {
    ExitCode::from(INTERRUPTED)
}
