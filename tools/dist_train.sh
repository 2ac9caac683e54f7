#!/usr/bin/env bash
# Usage: tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -e
exec bash "$(dirname "$0")/dist_launch.sh" "$2" \
    train.py "$1" --launcher pytorch "${@:3}"
