//! A wall clock that a test sets, for a node that is the program as it ships: libfaketime stands between that process
//! and the system's clock. Timers and deadlines, which are not by the wall clock, stay as they are.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The clock of the processes that are started with its [environment](Self::environment).
pub struct WallClock {
    library: String,
    file: String,
}

/// How far a clock is from the right time.
#[derive(Clone, Copy, Debug)]
pub enum Shows {
    /// It is right.
    RightTime,
    /// It is ahead.
    Ahead(Duration),
    /// It is behind.
    Behind(Duration),
}

impl WallClock {
    /// A clock that shows the right time, and keeps in this folder by how much it is to be wrong.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if libfaketime is not installed; or the file can't be written, or its name is no text.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let library =
            library().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "libfaketime is not installed"))?;
        let file = folder.join("wall-clock").into_os_string().into_string();
        let this = Self { library, file: file.map_err(|_| io::ErrorKind::InvalidFilename)? };
        this.set(Shows::RightTime)?;
        Ok(this)
    }

    /// Sets the clock, at once and for all that runs by it.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn set(&self, shows: Shows) -> io::Result<()> {
        let offset = match shows {
            Shows::RightTime => "+0".to_owned(),
            Shows::Ahead(by) => format!("+{}", by.as_secs()),
            Shows::Behind(by) => format!("-{}", by.as_secs()),
        };
        // Never there in part: who reads it may do so at any time.
        let new = format!("{}.new", self.file);
        fs::write(&new, offset)?;
        fs::rename(new, &self.file)
    }

    /// What a process must be started with to run by this clock.
    #[must_use]
    pub fn environment(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", &self.file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

/// Where the library for programs with threads is: on Debian and Ubuntu, on others, or where it was built by hand.
fn library() -> Option<String> {
    let on_debian = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let folders = [&on_debian, "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let paths = folders.into_iter().map(|folder| format!("{folder}/faketime/libfaketimeMT.so.1"));
    paths.into_iter().find(|path| Path::new(path).is_file())
}
