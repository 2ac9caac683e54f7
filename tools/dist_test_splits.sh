#!/usr/bin/env bash
# Usage: tools/dist_test_splits.sh GPUS CONFIG [CONFIG ...] --checkpoints
# CHECKPOINT [CHECKPOINT ...] [options of tools/test_splits.py]
set -e
exec bash "$(dirname "$0")/dist_launch.sh" "$1" \
    test_splits.py "${@:2}" --launcher pytorch
