#!/usr/bin/env bash
# Usage: tools/slurm_test_splits.sh PARTITION JOB_NAME CONFIG [CONFIG ...]
# --checkpoints CHECKPOINT [CHECKPOINT ...] [options]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read if set.
set -e
exec bash "$(dirname "$0")/slurm_launch.sh" "$1" "$2" \
    test_splits.py "${@:3}" --launcher slurm
