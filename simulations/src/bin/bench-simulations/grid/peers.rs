//! The other programs, in a Python process of their own.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/bench-simulations/grid/peers.py");

/// A process that is told what to run, a line each time, and answers with a line.
pub struct Peers {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    _results: TempDir,
}

impl Peers {
    /// Starts it; it reads the feeder.
    pub fn start(python: &Path, data: &Path) -> Result<Self, Box<dyn Error>> {
        let results = TempDir::new()?;
        let mut process = Command::new(python)
            .args([Path::new(SCRIPT), data, results.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}; ./dev bench grid makes it", python.display()))?;
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("its output is piped")?);
        Ok(Self { process, questions, answers, _results: results })
    }

    /// How long a method takes for a step, in microseconds of processor time.
    pub fn time(&mut self, method: &str) -> Result<f64, Box<dyn Error>> {
        Ok(self.ask(method)?.parse()?)
    }

    /// The voltages that a method comes to, in volts: for each step and bus, each phase.
    pub fn voltages(&mut self, method: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        let bytes = fs::read(self.ask(&format!("voltages {method}"))?)?;
        let (doubles, _) = bytes.as_chunks();
        Ok(doubles.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    fn ask(&mut self, question: &str) -> Result<String, Box<dyn Error>> {
        let questions = self.questions.as_mut().ok_or("it still listens")?;
        writeln!(questions, "{question}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(format!("the peers' process ended at `{question}`").into());
        }
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It ends when there are no more questions.
        self.questions = None;
        let _ended = self.process.wait();
    }
}
