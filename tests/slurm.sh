#!/usr/bin/env bash
# A sweep through a real Slurm on this machine alone: controller, node and authentication of its own, on loopback, with
# all their files in a folder that goes away. A shard is put off while it runs. What its shards come to must be what one
# process comes to, byte for byte. The argument is the command wattswap-sim.
set -euo pipefail
program=$(realpath "$1")
scenarios=$(realpath "$(dirname "$0")/../simulations/scenarios")
folder=$(mktemp -d)
chmod 755 "$folder"
host=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf

started=()
# Ends what was started here, and nothing else.
finish() {
  local status=$? name
  scancel --full --user="$(id -un)" 2>/dev/null || true
  for name in "${started[@]}"; do
    [ ! -f "$folder/$name.pid" ] || kill "$(cat "$folder/$name.pid")" 2>/dev/null || true
  done
  if [ "$status" -ne 0 ]; then tail -n 20 "$folder"/*.log "$folder"/out/logs/*.log >&2 || true; fi
  rm -rf "$folder"
}
trap finish EXIT

# Asks again until the answer is yes, for a minute at the most.
until_true() {
  local what=$1 _
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "error: waited in vain until $what" >&2
  exit 1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_slurm() {
  mkdir -p "$folder"/{state,spool}
  head -c 1024 /dev/urandom >"$folder/munge.key"
  chmod 400 "$folder/munge.key"
  cat >"$SLURM_CONF" <<CONF
ClusterName=wattswap
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=requeue_setup_env_fail
ReturnToService=2
KillWait=10
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"
  started+=(munged)
  slurmctld
  started+=(slurmctld)
  slurmd -N "$host"
  started+=(slurmd)
  until_true 'the node is idle' node_is idle
}

node_is() {
  sinfo --noheader --format=%T | grep -qx "$1"
}

# A street's week for each of some seeds, in four shards.
write_sweep() {
  cat >"$folder/sweep.toml" <<SWEEP
name = "Through Slurm"
scenario = "$scenarios/street-summer.toml"
[[axes]]
key = "market.mechanism"
values = ["continuous", "call"]
[[axes]]
key = "seed"
values = [1, 2, 3, 4, 5, 6, 7, 8]
SWEEP
}

any_run() {
  compgen -G "$folder/out/runs/0*" | grep -qv part
}

is_pending() {
  squeue --noheader --job="$1" --states=pending | grep -q .
}

all_over() {
  [ -z "$(squeue --noheader)" ]
}

start_slurm
write_sweep
"$program" jobs slurm "$folder/sweep.toml" --out "$folder/out" --shards 4 --cores 1 --memory-mb 200 --time 00:10:00
submitted=$(sh "$folder/out/slurm/submit.sh")
echo "$submitted"
job=${submitted#shards: job }
job=${job%%;*}
until_true 'a first run is finished' any_run
scontrol requeue "${job}_0"
until_true 'its shard is put off' is_pending "${job}_0"
# Slurm lets a job that was put off wait for two minutes; nobody here has to.
scontrol update "JobId=${job}_0" StartTime=now
until_true 'shards and merge are over' all_over
cat "$folder/out/logs/merge.log"
"$program" sweep "$folder/sweep.toml" --out "$folder/alone" 2>/dev/null
for table in runs members; do
  cmp "$folder/out/$table.parquet" "$folder/alone/$table.parquet"
done
grep -h 'stopped\|of shard' "$folder"/out/logs/shard-*.log
echo 'the same bytes from shards through Slurm and from one process'
