//! Sweeps from a terminal: runs, or a shard of them; what joins shards; and the files that schedulers want.

use std::error::Error;
use std::fs;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf, absolute};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread::available_parallelism;

use clap::{Args, Parser as _, Subcommand};
use wattswap_simulations::scenario;
use wattswap_simulations::sweep::folder::Folder;
use wattswap_simulations::sweep::jobs::{self, Array, Kubernetes, Slurm};
use wattswap_simulations::sweep::merge;
use wattswap_simulations::sweep::work::{Came, News, Task, work};
use wattswap_simulations::sweep::{EXAMPLE, Shard, Sweep};

use super::progress::Progress;
use super::report::say;
use super::run::{TableFormat, WantedTables};
use super::stop;

/// No machine has more cores.
const MOST_THREADS: u64 = 1_024;

/// What to run, which part of it, and what to write.
#[derive(Args)]
pub struct SweepArgs {
    /// The sweep: which scenario, and which of its keys take which values. See docs/simulations.md.
    sweep: PathBuf,
    /// A folder for all runs.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Only the part I, from 0 to N - 1, of N. The parts may write to one folder; `merge` joins them.
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    shard: Shard,
    /// Go on in a folder that holds finished runs: only the others are run.
    #[arg(long)]
    resume: bool,
    /// Runs at the same time; as many as there are cores if nothing is said.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MOST_THREADS))]
    threads: Option<u64>,
    /// Write the report and the summary of every run, too.
    #[arg(long)]
    reports: bool,
    #[command(flatten)]
    tables: WantedTables,
}

/// Which shards to join.
#[derive(Args)]
pub struct MergeArgs {
    /// The folder of the sweep; several, if shards wrote to folders of their own.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// A folder for the joined tables; the first of the others if nothing is said.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// How tables are written.
    #[arg(long, value_enum, default_value_t = TableFormat::Parquet)]
    format: TableFormat,
}

/// For which scheduler.
#[derive(Subcommand)]
pub enum Jobs {
    /// A Slurm job array with a task for each shard: writes submit.sh, sweep.sbatch and merge.sbatch.
    Slurm(SlurmArgs),
    /// A Kubernetes Indexed Job with a pod for each shard: prints its manifest.
    Kubernetes(KubernetesArgs),
}

/// What all schedulers want to know.
#[derive(Args)]
struct ArrayArgs {
    /// The sweep's file, as the machines see it that run the shards.
    sweep: PathBuf,
    /// The folder for its runs, as they see it: all of them write there.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// How many shards.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: u32,
    /// Cores of a shard, and runs that it does at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1024))]
    cores: u32,
    /// Memory of a shard in MB.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(100..))]
    memory_mb: u32,
    /// What to call the job.
    #[arg(long, default_value = "wattswap-sweep")]
    name: String,
    /// More options of `sweep`, such as "--table homes".
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    options: String,
}

/// A Slurm job array.
#[derive(Args)]
pub struct SlurmArgs {
    #[command(flatten)]
    array: ArrayArgs,
    /// The longest that a shard takes, as Slurm writes it: minutes, hours:minutes:seconds, or days-hours.
    #[arg(long, default_value = "12:00:00", value_parser = slurm_time)]
    time: String,
    /// Which partition; the cluster's own default if nothing is said.
    #[arg(long)]
    partition: Option<String>,
    /// The command, as the nodes find it; this one if nothing is said.
    #[arg(long)]
    program: Option<String>,
}

/// A Kubernetes Indexed Job.
#[derive(Args)]
pub struct KubernetesArgs {
    #[command(flatten)]
    array: ArrayArgs,
    /// The image that has the command.
    #[arg(long)]
    image: String,
    /// The claim of a volume that many pods can write to (ReadWriteMany), with the sweep, its scenario and its data.
    #[arg(long)]
    claim: String,
    /// Where the volume is mounted.
    #[arg(long, default_value = "/data")]
    mount: String,
    /// The command in the image.
    #[arg(long, default_value = "wattswap-sim")]
    program: String,
    /// Print the job that joins the shards instead, for when they are done.
    #[arg(long)]
    merge: bool,
}

/// Runs a sweep or a shard of it; joins the tables if it was the whole.
pub fn run(args: &SweepArgs) -> Result<ExitCode, Box<dyn Error>> {
    let sweep = Sweep::read(&args.sweep)?;
    let tables = args.tables.columns()?;
    let names = tables.as_ref().map(|columns| columns.words()).unwrap_or_default();
    let folder = Folder::of(&args.out, &sweep, &names, args.reports, (args.shard, args.resume))?;
    let threads = match args.threads {
        Some(threads) => usize::try_from(threads).expect("a bounded number"),
        None => available_parallelism().map_or(1, usize::from),
    };
    // What one run does side by side shares these threads with the other runs.
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let wish = stop::wish()?;
    let task = Task { sweep: &sweep, folder: &folder, shard: args.shard, threads, tables, reports: args.reports };
    let came = watched(&task, &wish);
    let (of, shard) = (sweep.document.runs(), args.shard);
    let part = if shard.is_part() { format!(" of shard {shard}") } else { String::new() };
    say(format_args!(
        "{} runs{part} finished, {} of them before, {} failed; the sweep has {of}",
        came.before + came.finished,
        came.before,
        came.failed.len()
    ));
    if came.is_stopped {
        say(format_args!("stopped; the same command with --resume goes on"));
        return Ok(stop::code());
    }
    if !came.failed.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if shard.is_part() {
        say(format_args!("`wattswap-sim merge {}` joins all shards, once they are done", args.out.display()));
        return Ok(ExitCode::SUCCESS);
    }
    join(std::slice::from_ref(&args.out), &args.out, TableFormat::Parquet)
}

/// Does the work, and says how far it is: a line for each run.
fn watched(task: &Task<'_>, wish: &std::sync::atomic::AtomicBool) -> Came {
    let left = task.shard.runs(0..task.sweep.document.runs()).filter(|run| !task.folder.is_finished(*run)).count();
    let shown = Mutex::new((Progress::new(left, "runs"), 0));
    let told = |news: News<'_>| {
        let mut shown = shown.lock().expect("nobody panics with it");
        let (progress, done) = &mut *shown;
        *done += 1;
        let line = match news {
            News::Finished(point) => format!("run {} ({point}): finished", point.number),
            News::Failed(point, why) => format!("run {} ({point}): FAILED: {why}", point.number),
        };
        let _closed = writeln!(stderr(), "{line}; {done} of {left}{}", progress.pace(*done));
    };
    work(task, &told, wish)
}

/// Joins shards.
pub fn merge(args: &MergeArgs) -> Result<ExitCode, Box<dyn Error>> {
    let out = args.out.as_ref().or(args.folders.first()).ok_or("name a folder")?;
    join(&args.folders, out, args.format)
}

fn join(folders: &[PathBuf], out: &Path, format: TableFormat) -> Result<ExitCode, Box<dyn Error>> {
    let merged = merge::merge(folders, out, format.into())?;
    let files: Vec<String> = merged.tables.iter().map(|table| format!("{table}.{}", format.extension())).collect();
    say(format_args!("{} runs joined into {} in {}", merged.runs, files.join(", "), out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Writes what a scheduler wants.
pub fn jobs(what: &Jobs) -> Result<(), Box<dyn Error>> {
    match what {
        Jobs::Slurm(args) => slurm(args),
        Jobs::Kubernetes(args) => {
            args.array.check_options()?;
            let array = args.array.array(args.program.clone(), &args.array.sweep, &args.array.out);
            let kubernetes =
                Kubernetes { image: args.image.clone(), claim: args.claim.clone(), mount: args.mount.clone() };
            let manifest = if args.merge { jobs::kubernetes_merge } else { jobs::kubernetes };
            say(format_args!("{}", manifest(&array, &kubernetes).trim_end()));
            Ok(())
        }
    }
}

fn slurm(args: &SlurmArgs) -> Result<(), Box<dyn Error>> {
    // What is not in order is found here, and not by every node.
    Sweep::read(&args.array.sweep)?;
    args.array.check_options()?;
    let program = match &args.program {
        // `submit.sh` and the nodes run in other folders.
        Some(program) if program.contains('/') => absolute(program)?.to_string_lossy().into_owned(),
        Some(program) => program.clone(),
        None => std::env::current_exe()?.to_string_lossy().into_owned(),
    };
    let out = absolute(&args.array.out)?;
    let array = args.array.array(program, &absolute(&args.array.sweep)?, &out);
    let slurm = Slurm { time: args.time.clone(), partition: args.partition.clone() };
    let folder = out.join("slurm");
    let cant = |error| format!("{}: {error}", out.display());
    // Slurm writes logs only into folders that are there.
    for folder in [&out.join("logs"), &folder] {
        fs::create_dir_all(folder).map_err(cant)?;
    }
    for (name, text) in jobs::slurm(&array, &slurm) {
        fs::write(folder.join(name), text).map_err(cant)?;
    }
    say(format_args!(
        "wrote {0}; `sh {0}` submits {1} shards, and what joins them",
        folder.join("submit.sh").display(),
        array.shards
    ));
    Ok(())
}

/// As `sbatch --time` takes it: up to three numbers, or days and up to three.
fn slurm_time(text: &str) -> Result<String, String> {
    let of_day = text.split_once('-').map_or(Some(text), |(days, of_day)| is_number(days).then_some(of_day));
    let parts = of_day.map(|of_day| of_day.split(':').collect::<Vec<_>>()).unwrap_or_default();
    if (1..=3).contains(&parts.len()) && parts.iter().all(|part| is_number(part)) {
        Ok(text.to_owned())
    } else {
        Err("write minutes, hours:minutes:seconds or days-hours, such as 12:00:00 or 2-12".to_owned())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl ArrayArgs {
    /// Whether `sweep` knows the options that it is to be given.
    fn check_options(&self) -> Result<(), String> {
        let command = ["wattswap-sim", "sweep", "sweep.toml", "--out", "out"];
        let words = command.into_iter().chain(self.options.split_whitespace());
        super::Cli::try_parse_from(words).map(|_| ()).map_err(|error| format!("--options {:?}: {error}", self.options))
    }

    fn array(&self, program: String, sweep: &Path, out: &Path) -> Array {
        Array {
            name: self.name.clone(),
            program,
            sweep: sweep.to_owned(),
            out: out.to_owned(),
            shards: self.shards,
            cores: self.cores,
            memory_mb: self.memory_mb,
            options: self.options.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

/// Writes a commented example of a sweep beside its scenario.
pub fn example(path: &Path) -> Result<(), Box<dyn Error>> {
    let scenario = path.with_file_name("scenario.toml");
    if path == scenario {
        return Err("scenario.toml is to be the sweep's scenario: name another file".into());
    }
    super::scenario::write_new(path, EXAMPLE)?;
    if !scenario.exists() {
        super::scenario::write_new(&scenario, scenario::EXAMPLE)?;
    }
    say(format_args!("wrote {0}; `wattswap-sim sweep {0} --out FOLDER` runs it", path.display()));
    Ok(())
}
