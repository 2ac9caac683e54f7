#!/usr/bin/env bash
# Usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -e
exec bash "$(dirname "$0")/dist_launch.sh" "$3" \
    test.py "$1" "$2" --launcher pytorch "${@:4}"
