#!/usr/bin/env bash
# What the slurm_*.sh scripts share: start a tool as a job.
# Usage: tools/slurm_launch.sh PARTITION JOB_NAME SCRIPT [arguments of it]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read if set.
set -e

PARTITION=$1
JOB_NAME=$2
SCRIPT=$3
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
CPUS_PER_TASK=${CPUS_PER_TASK:-5}
export MASTER_PORT=${MASTER_PORT:-$((12000 + RANDOM % 20000))}
ROOT=$(cd "$(dirname "$0")/.." && pwd)

# shellcheck disable=SC2086
PYTHONPATH="$ROOT:$PYTHONPATH" \
srun -p "$PARTITION" --job-name="$JOB_NAME" \
    --gres=gpu:"$GPUS_PER_NODE" --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" --cpus-per-task="$CPUS_PER_TASK" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "$0")/$SCRIPT" "${@:4}"
