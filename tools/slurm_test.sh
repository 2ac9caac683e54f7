#!/usr/bin/env bash
# Usage: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read if set.
set -e
exec bash "$(dirname "$0")/slurm_launch.sh" "$1" "$2" \
    test.py "$3" "$4" --launcher slurm "${@:5}"
