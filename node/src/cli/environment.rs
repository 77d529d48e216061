//! The environment variables that the command knows, and the refusal of those that it does not.
//!
//! A variable that is misspelt would otherwise silently do nothing. Which ones there are is taken from the command line
//! itself: every flag that can also be set by a variable says so.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

/// Every variable of ours starts like this.
const PREFIX: &str = "WATTSWAP_";
/// Where the tests find their data. The command has no use for it, but must not stumble over it.
const TEST_DATA: &str = "WATTSWAP_DATA";

/// A variable that looks like ours and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} is not one that wattswap knows; those are: {known}")]
pub(super) struct UnknownVariable {
    name: String,
    known: String,
}

/// Looks through this process's environment.
///
/// # Errors
/// [`UnknownVariable`], the first of them.
pub(super) fn refuse_unknown(command: &clap::Command) -> Result<(), UnknownVariable> {
    check(std::env::vars_os().map(|(name, _)| name), &known(command))
}

/// The variable that a value comes from that the command line refuses; none if it was written there.
pub(super) fn origin(error: &clap::Error, command: &clap::Command) -> Option<String> {
    let ContextValue::String(value) = error.get(ContextKind::InvalidValue)? else { return None };
    let is_it = |name: &String| std::env::var(name).is_ok_and(|set| set == *value);
    let is_written = std::env::args().skip(1).any(|written| written.contains(value.as_str()));
    known(command).into_iter().find(|name| !is_written && is_it(name))
}

fn check(names: impl Iterator<Item = OsString>, known: &BTreeSet<String>) -> Result<(), UnknownVariable> {
    let mut names = names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(PREFIX));
    match names.find(|name| !known.contains(name) && name != TEST_DATA) {
        Some(name) => Err(UnknownVariable { name, known: known.iter().cloned().collect::<Vec<_>>().join(", ") }),
        None => Ok(()),
    }
}

fn known(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env());
    let own = own.filter_map(|name| name.to_str()).map(str::to_owned);
    own.chain(command.get_subcommands().flat_map(known)).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_misspelt_variable_is_refused_by_name() {
        let known = known(&super::super::Cli::command());
        let check = |names: &[&str]| check(names.iter().map(OsString::from), &known);
        check(&[]).unwrap();
        check(&["PATH", "WATTSWAP_DATA", "WATTSWAP_FOLDER", "WATTSWAP_HTTP_LISTEN", "WATTSWAP_NETWORK_MDNS"]).unwrap();
        for name in ["WATTSWAP_HTTP_LISTENS", "WATTSWAP_", "WATTSWAP_folder"] {
            let error = check(&["HOME", name]).unwrap_err();
            assert_eq!(error.name, name);
            assert!(error.known.contains("WATTSWAP_TOKEN"), "{error}");
        }
    }
}
