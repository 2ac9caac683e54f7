#!/usr/bin/env bash
# Usage: tools/dist_generate_attributes.sh CONFIG GPUS [options of
# tools/generate_attributes.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
set -e
exec bash "$(dirname "$0")/dist_launch.sh" "$2" \
    generate_attributes.py "$1" --launcher pytorch "${@:3}"
