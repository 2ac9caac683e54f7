#!/usr/bin/env bash
# Usage: tools/dist_label.sh GPUS INPUT [INPUT ...] --out OUT [options of
# tools/label.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -e
exec bash "$(dirname "$0")/dist_launch.sh" "$1" \
    label.py "${@:2}" --launcher pytorch
