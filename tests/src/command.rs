//! The command under test: where it is, and how to call it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a call of the command did not work.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It was not built.
    #[error("there is no {} beside this program; build it with `cargo build -p wattswap-node --bins`", .0.display())]
    NotBuilt(PathBuf),
    /// It could not be started.
    #[error("can't start {}: {source}", path.display())]
    NotStarted {
        /// The program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It said no.
    #[error("`wattswap {arguments}` failed ({status}): {error}")]
    Failed {
        /// How it was called.
        arguments: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote to standard error.
        error: String,
    },
}

/// The `wattswap` binary that was built together with this program: in the same folder, or, for a test, one above.
///
/// # Errors
/// [`CallError::NotBuilt`].
pub fn wattswap() -> Result<PathBuf, CallError> {
    beside("wattswap")
}

/// A binary of this build by its name.
///
/// # Errors
/// [`CallError::NotBuilt`].
pub fn beside(name: &str) -> Result<PathBuf, CallError> {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().unwrap_or(Path::new("."));
    let candidates = [folder.join(name), folder.parent().unwrap_or(folder).join(name)];
    let found = candidates.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| CallError::NotBuilt(candidates[0].clone()))
}

/// The program with a household's folder, and nothing of this process's environment that it would take for settings.
#[must_use]
pub fn prepare(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("WATTSWAP_")) {
            command.env_remove(name);
        }
    }
    command.env("WATTSWAP_FOLDER", folder).env("WATTSWAP_ZONE", "UTC").stdin(Stdio::null());
    command
}

/// Calls a command for a household and gives what it wrote to standard output.
///
/// # Errors
/// [`CallError`].
pub fn call<A: AsRef<OsStr>>(program: &Path, folder: &Path, arguments: &[A]) -> Result<String, CallError> {
    let output = prepare(program, folder).args(arguments).output();
    let output = output.map_err(|source| CallError::NotStarted { path: program.to_owned(), source })?;
    if !output.status.success() {
        let arguments: Vec<String> =
            arguments.iter().map(|each| each.as_ref().to_string_lossy().into_owned()).collect();
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(CallError::Failed { arguments: arguments.join(" "), status: output.status, error });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
