//! What is printed of a run, and of what it found.

use std::fmt::Arguments;
use std::io::{Write as _, stdout};
use std::process::Command;

use wattswap_simulations::network::Options;
use wattswap_simulations::network::shrink::shrink;
use wattswap_simulations::network::simulation::Finding;

use super::Change;

/// Prints a line. A reader who has gone stops nothing.
pub fn say(line: Arguments<'_>) {
    let _closed = writeln!(stdout().lock(), "{line}");
}

/// Says what was found, looks for a smaller run that finds it too, and says how to replay that.
pub fn finding(change: &Change, options: &Options, finding: &Finding) {
    let seed = options.seed;
    say(format_args!("FOUND by `{}` with seed {seed} at commit {}", finding.violation.checker, commit()));
    say(format_args!("  {}", finding.violation.what));
    say(format_args!("  at step {}, event {}, {:?} after the start", finding.step, finding.event, finding.after));
    let small = shrink(options, &change.without, finding);
    say(format_args!("  smallest failing run of {} that were tried: {} steps", small.runs, small.steps));
    say(format_args!("  {}", small.finding.violation.what));
    say(format_args!("  replay: {}", change.command(seed, &small.without, small.steps)));
}

/// The commit of the working tree, as far as git knows it.
fn commit() -> String {
    let git = |args: &[&str]| Command::new("git").args(args).output().ok().filter(|output| output.status.success());
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain"]).is_some_and(|status| !status.stdout.is_empty());
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_owned();
    if changed { format!("{commit} with changes that are not committed") } else { commit }
}
