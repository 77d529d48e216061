//! What schedulers need to run a sweep's shards: a Slurm job array, or a Kubernetes Indexed Job. Both call the command
//! with `--shard` and `--resume`, so that a shard which is put off or dies goes on with what is left of it.

use std::fmt::Write as _;
use std::path::PathBuf;

/// What both need.
#[derive(Clone, Debug)]
pub struct Array {
    /// What to call the job.
    pub name: String,
    /// The command, as the machines that run it find it.
    pub program: String,
    /// The sweep's file, as they find it.
    pub sweep: PathBuf,
    /// The folder for its runs, which all of them write to.
    pub out: PathBuf,
    /// How many shards.
    pub shards: u32,
    /// Cores of a shard.
    pub cores: u32,
    /// Memory of a shard.
    pub memory_mb: u32,
    /// More of the command's own options, such as `--table homes`.
    pub options: Vec<String>,
}

/// What Slurm needs besides.
#[derive(Clone, Debug)]
pub struct Slurm {
    /// The longest that a shard takes, as Slurm writes it: `HH:MM:SS`.
    pub time: String,
    /// Which partition; the cluster's own default if nothing is said.
    pub partition: Option<String>,
}

/// What Kubernetes needs besides.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    /// The image that has the command.
    pub image: String,
    /// The claim of a volume that many pods can write to at the same time.
    pub claim: String,
    /// Where it is mounted.
    pub mount: String,
}

/// The files of a Slurm job array, by name: the array, what joins its tables, and what submits both.
#[must_use]
pub fn slurm(array: &Array, slurm: &Slurm) -> [(&'static str, String); 3] {
    let out = sh(&array.out.to_string_lossy());
    let mut head = directive("job-name", &plain(&array.name));
    if let Some(partition) = &slurm.partition {
        head += &directive("partition", &sh(partition));
    }
    let (shards, last) = (array.shards, array.shards.saturating_sub(1));
    let log = |name| directive("output", &sh(&array.out.join("logs").join(name).to_string_lossy()));
    let sweep = [
        "#!/bin/bash\n".to_owned(),
        format!(
            "# {shards} shards of a sweep. One that is put off or dies is run again, and does what is left of it.\n"
        ),
        head.clone(),
        directive("array", &format!("0-{last}")),
        directive("ntasks", "1"),
        directive("cpus-per-task", &array.cores.to_string()),
        directive("mem", &format!("{}M", array.memory_mb)),
        directive("time", &slurm.time),
        "#SBATCH --requeue\n#SBATCH --open-mode=append\n".to_owned(),
        log("shard-%a.log"),
        "set -euo pipefail\n# In place of the shell, so that the end that Slurm asks for reaches it.\n".to_owned(),
        format!("exec {} sweep {} --out {out} \\\n", sh(&array.program), sh(&array.sweep.to_string_lossy())),
        format!("  --shard \"$SLURM_ARRAY_TASK_ID/{shards}\" --threads {} --resume{}\n", array.cores, options(array)),
    ];
    let merge = [
        "#!/bin/bash\n# Joins the tables of all shards.\n".to_owned(),
        head,
        directive("ntasks", "1"),
        directive("mem", &format!("{}M", array.memory_mb)),
        directive("time", &slurm.time),
        log("merge.log"),
        format!("set -euo pipefail\nexec {} merge {out}\n", sh(&array.program)),
    ];
    let submit = [
        "#!/bin/sh\n# Submits the shards, and what joins their tables once all of them are done.\nset -eu\n",
        "cd \"$(dirname \"$0\")\"\n",
        "shards=$(sbatch --parsable sweep.sbatch)\n",
        "merge=$(sbatch --parsable --dependency=\"afterok:${shards%%;*}\" --kill-on-invalid-dep=yes merge.sbatch)\n",
        "echo \"shards: job ${shards%%;*}; then merge: job ${merge%%;*}\"\n",
    ];
    [("sweep.sbatch", sweep.concat()), ("merge.sbatch", merge.concat()), ("submit.sh", submit.concat())]
}

/// The manifest of a Kubernetes Indexed Job with a pod for each shard.
#[must_use]
pub fn kubernetes(array: &Array, kubernetes: &Kubernetes) -> String {
    let shards = array.shards;
    let mut arguments = vec!["sweep".to_owned(), array.sweep.to_string_lossy().into_owned()];
    arguments.extend(["--out".to_owned(), array.out.to_string_lossy().into_owned()]);
    arguments.extend(["--shard".to_owned(), format!("$(SHARD)/{shards}")]);
    arguments.extend(["--threads".to_owned(), array.cores.to_string(), "--resume".to_owned()]);
    arguments.extend(array.options.iter().cloned());
    let index = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
    let spec = format!(
        "  completionMode: Indexed\n  completions: {shards}\n  parallelism: {shards}\n  backoffLimitPerIndex: 3\n  \
         maxFailedIndexes: {shards}\n  podFailurePolicy:\n    rules:\n      # A pod that has to go for another one is no \
         failure.\n      - action: Ignore\n        onPodConditions:\n          - type: DisruptionTarget\n"
    );
    let env = format!(
        "          env:\n            - name: SHARD\n              valueFrom:\n                fieldRef:\n                  \
         fieldPath: {}\n",
        yaml(index)
    );
    job(array, kubernetes, &plain(&array.name), &spec, &env, &arguments)
}

/// The manifest of a Kubernetes Job that joins the tables of all shards, once they are done.
#[must_use]
pub fn kubernetes_merge(array: &Array, kubernetes: &Kubernetes) -> String {
    let arguments = ["merge".to_owned(), array.out.to_string_lossy().into_owned()];
    job(array, kubernetes, &format!("{}-merge", plain(&array.name)), "  backoffLimit: 3\n", "", &arguments)
}

fn job(
    array: &Array,
    Kubernetes { image, claim, mount }: &Kubernetes,
    name: &str,
    spec: &str,
    env: &str,
    arguments: &[String],
) -> String {
    let mut text = format!("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\nspec:\n{spec}");
    let _ = write!(
        text,
        "  template:\n    spec:\n      restartPolicy: Never\n      terminationGracePeriodSeconds: 60\n      containers:\n        \
         - name: wattswap-sim\n          image: {}\n          command: [{}]\n          args:\n",
        yaml(image),
        yaml(&array.program)
    );
    arguments.iter().for_each(|argument| text += &format!("            - {}\n", yaml(argument)));
    let _ = write!(
        text,
        "{env}          resources:\n            requests: {{ cpu: \"{cores}\", memory: {memory}Mi }}\n            limits: \
         {{ memory: {memory}Mi }}\n          volumeMounts:\n            - name: sweep\n              mountPath: {mount}\n      \
         volumes:\n        - name: sweep\n          persistentVolumeClaim:\n            claimName: {claim}\n",
        cores = array.cores,
        memory = array.memory_mb,
        mount = yaml(mount),
        claim = yaml(claim),
    );
    text
}

fn directive(name: &str, value: &str) -> String {
    format!("#SBATCH --{name}={value}\n")
}

fn options(array: &Array) -> String {
    array.options.iter().map(|option| format!(" {}", sh(option))).collect()
}

/// A word of a shell.
fn sh(word: &str) -> String {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,%".contains(letter);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text of YAML: JSON's are.
fn yaml(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// A name that every scheduler takes: RFC 1123 allows lower-case letters, digits and `-`, 63 of them.
fn plain(name: &str) -> String {
    let letters =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    let name: String = letters.take(50).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "sweep".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array() -> Array {
        Array {
            name: "Roofs & batteries".to_owned(),
            program: "/opt/wattswap-sim".to_owned(),
            sweep: PathBuf::from("/data/it's here/sweep.toml"),
            out: PathBuf::from("/data/out"),
            shards: 16,
            cores: 4,
            memory_mb: 2_000,
            options: vec!["--table".to_owned(), "homes".to_owned()],
        }
    }

    #[test]
    fn a_job_array() {
        let more = Slurm { time: "02:00:00".to_owned(), partition: Some("long".to_owned()) };
        let [(_, sweep), (_, merge), (_, submit)] = slurm(&array(), &more);
        let expected = "\
#!/bin/bash
# 16 shards of a sweep. One that is put off or dies is run again, and does what is left of it.
#SBATCH --job-name=roofs---batteries
#SBATCH --partition=long
#SBATCH --array=0-15
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=2000M
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=/data/out/logs/shard-%a.log
set -euo pipefail
# In place of the shell, so that the end that Slurm asks for reaches it.
exec /opt/wattswap-sim sweep '/data/it'\\''s here/sweep.toml' --out /data/out \\
  --shard \"$SLURM_ARRAY_TASK_ID/16\" --threads 4 --resume --table homes
";
        assert_eq!(sweep, expected);
        assert!(merge.ends_with("exec /opt/wattswap-sim merge /data/out\n"), "{merge}");
        assert!(submit.contains("afterok"), "{submit}");
    }

    #[test]
    fn an_indexed_job() {
        let more = Kubernetes {
            image: "registry.example/wattswap-sim:1".to_owned(),
            claim: "sweeps".to_owned(),
            mount: "/data".to_owned(),
        };
        let expected = r#"apiVersion: batch/v1
kind: Job
metadata:
  name: roofs---batteries
spec:
  completionMode: Indexed
  completions: 16
  parallelism: 16
  backoffLimitPerIndex: 3
  maxFailedIndexes: 16
  podFailurePolicy:
    rules:
      # A pod that has to go for another one is no failure.
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 60
      containers:
        - name: wattswap-sim
          image: "registry.example/wattswap-sim:1"
          command: ["/opt/wattswap-sim"]
          args:
            - "sweep"
            - "/data/it's here/sweep.toml"
            - "--out"
            - "/data/out"
            - "--shard"
            - "$(SHARD)/16"
            - "--threads"
            - "4"
            - "--resume"
            - "--table"
            - "homes"
          env:
            - name: SHARD
              valueFrom:
                fieldRef:
                  fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']"
          resources:
            requests: { cpu: "4", memory: 2000Mi }
            limits: { memory: 2000Mi }
          volumeMounts:
            - name: sweep
              mountPath: "/data"
      volumes:
        - name: sweep
          persistentVolumeClaim:
            claimName: "sweeps"
"#;
        assert_eq!(kubernetes(&array(), &more), expected);
        let long = Array { name: "n".repeat(70), ..array() };
        let named = |text: String| text.lines().find(|line| line.starts_with("  name: ")).unwrap().to_owned();
        assert_ne!(named(kubernetes(&long, &more)), named(kubernetes_merge(&long, &more)));
        let merge = kubernetes_merge(&array(), &more);
        assert!(merge.contains("name: roofs---batteries-merge\n"), "{merge}");
        assert!(merge.contains("            - \"merge\"\n            - \"/data/out\"\n"), "{merge}");
    }
}
