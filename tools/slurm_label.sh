#!/usr/bin/env bash
# Usage: tools/slurm_label.sh PARTITION JOB_NAME INPUT [INPUT ...] --out OUT
# [options of tools/label.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read if set.
set -e
exec bash "$(dirname "$0")/slurm_launch.sh" "$1" "$2" \
    label.py "${@:3}" --launcher slurm
