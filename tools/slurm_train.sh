#!/usr/bin/env bash
# Usage: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read if set.
set -e
exec bash "$(dirname "$0")/slurm_launch.sh" "$1" "$2" \
    train.py "$3" --launcher slurm "${@:4}"
