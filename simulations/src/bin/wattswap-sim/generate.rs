//! Makes up homes from a seed, writes them as tables, and prints their figures beside those of real ones.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::{Table, TableStyle};
use wattswap_simulations::homes::Community;
use wattswap_simulations::homes::compare::{self, Group};
use wattswap_simulations::homes::export::{self, What};
use wattswap_simulations::homes::statistics::{NAMES, spread};

use super::report::say;

/// How many homes, and what to do with them.
#[derive(Args)]
pub struct Generate {
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    homes: u32,
    /// Decides everything about them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many days of 2016, from its first.
    #[arg(long, default_value_t = 366, value_parser = clap::value_parser!(u32).range(2..=366))]
    days: u32,
    /// Whose days the tables have.
    #[arg(long, default_value = "Europe/Berlin")]
    time_zone: String,
    /// A folder for the tables need.csv and pv.csv (a roof of 1 kW each), in Wh for each slot of 15 minutes.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print their figures beside those of real homes.
    #[arg(long)]
    compare: bool,
    /// With --compare, the folder with the real homes' profiles: `simbench_lv` and `hisim_vdi4657` in it.
    #[arg(long, env = "WATTSWAP_DATA")]
    data: Option<PathBuf>,
}

/// Makes them up, and gives how many figures lie outside of what real homes have.
pub fn run(args: &Generate) -> Result<usize, Box<dyn Error>> {
    if let Some(folder) = &args.out {
        write(&compare::generated(args.homes, args.seed, args.days, &args.time_zone)?, folder)?;
    }
    if !args.compare {
        return Ok(0);
    }
    let mut groups = compare::made_up(args.homes, args.seed, args.days)?;
    match &args.data {
        Some(data) => groups.extend(compare::real(data)?),
        None => say(format_args!("no real homes: name the folder of their profiles with --data or WATTSWAP_DATA")),
    }
    print(&groups);
    let outside = compare::outside(&groups);
    for line in &outside {
        say(format_args!("OUTSIDE    {line}"));
    }
    Ok(outside.len())
}

fn write(community: &Community, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder).map_err(|source| format!("{}: {source}", folder.display()))?;
    for (name, what) in [("need.csv", What::Need), ("pv.csv", What::Pv)] {
        export::homes(&folder.join(name), community, what)?;
        say(format_args!("wrote {}", folder.join(name).display()));
    }
    Ok(())
}

/// A row for each figure, a column for each group: the least, the middle, the most.
fn print(groups: &[Group]) {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let names = groups.iter().map(|group| format!("{} ({})", group.name, group.profiles.len()));
    table.set_header(std::iter::once("least/middle/most".to_owned()).chain(names));
    for (number, name) in NAMES.iter().enumerate() {
        let cells = groups.iter().map(|group| {
            let spread = spread(&group.profiles).map(|spread| spread[number]);
            spread.map_or_else(String::new, |[least, middle, most]| format!("{least}/{middle}/{most}"))
        });
        table.add_row(std::iter::once((*name).to_owned()).chain(cells));
    }
    say(format_args!("{table}"));
}
