//! A disk that is really full: a file system of a few megabytes in memory, which only the processes that are started
//! on it see, and which goes with the last of them. It needs no rights but those that Linux gives to everybody, unless
//! somebody has taken them away.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::node::Node;

/// Mounts the disk over the folder `$1`, puts on it what the folder holds, says so, and waits for the end of its input.
const HOLD: &str = "cp -a \"$1\" \"$1.before\" && mount -t tmpfs -o \"size=$2k\" small \"$1\" && \
                    cp -a \"$1.before/.\" \"$1\" && echo mounted && exec cat";

/// The disk. It goes when this goes, and the last process on it has ended.
pub struct SmallDisk {
    /// Keeps the disk mounted until its input ends, which it does even if this process is killed.
    holder: Child,
    folder: PathBuf,
}

impl SmallDisk {
    /// Makes a disk of so many KiB in the place of a folder. What the folder holds is copied to it.
    ///
    /// # Errors
    /// If this system does not let us: a container often does not.
    pub fn mount(folder: &Path, size_kib: u32) -> io::Result<Self> {
        let mut hold = Command::new("unshare");
        hold.args(["--user", "--map-root-user", "--mount", "sh", "-c", HOLD, "sh"]);
        hold.arg(folder).arg(size_kib.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = hold.spawn()?;
        let mut said = String::new();
        if let Some(output) = holder.stdout.take() {
            BufReader::new(output).read_line(&mut said)?;
        }
        let this = Self { holder, folder: folder.to_owned() };
        if said.trim() == "mounted" { Ok(this) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    /// From its next start on, the household's node has its folder on this disk.
    pub fn carry(&self, node: &mut Node) {
        node.run_by(self.enter());
    }

    /// Makes room.
    ///
    /// # Errors
    /// If that does not work.
    pub fn resize(&self, size_kib: u32) -> io::Result<()> {
        let mut mount = self.command("mount");
        mount.args(["-o", &format!("remount,size={size_kib}k")]).arg(&self.folder);
        if mount.status()?.success() { Ok(()) } else { Err(io::Error::other("the disk was not resized")) }
    }

    /// Writes on the disk until it holds no more.
    ///
    /// # Errors
    /// If that does not work.
    pub fn fill(&self) -> io::Result<()> {
        let mut fill = self.command("sh");
        // It ends when the disk is full, with an error.
        fill.args(["-c", "cat /dev/zero >\"$0/filler\""]).arg(&self.folder).stderr(Stdio::null()).status().map(drop)
    }

    /// A command that sees the disk.
    fn command(&self, program: &str) -> Command {
        let [enter, arguments @ ..] = self.enter();
        let mut command = Command::new(enter);
        command.args(arguments).arg(program);
        command
    }

    /// What goes before a command that is to see the disk.
    fn enter(&self) -> [String; 6] {
        let holder = self.holder.id().to_string();
        ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", &holder].map(str::to_owned)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
