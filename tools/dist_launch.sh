#!/usr/bin/env bash
# What the dist_*.sh scripts share: start a tool in several processes.
# Usage: tools/dist_launch.sh GPUS SCRIPT [arguments of the script]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
# Without a GPU the processes share the CPU.
set -e

GPUS=$1
SCRIPT=$2
NNODES=${NNODES:-1}
NODE_RANK=${NODE_RANK:-0}
PORT=${PORT:-29500}
MASTER_ADDR=${MASTER_ADDR:-"127.0.0.1"}
ROOT=$(cd "$(dirname "$0")/.." && pwd)

PYTHONPATH="$ROOT:$PYTHONPATH" \
${PYTHON:-python} -m torch.distributed.run \
    --nnodes="$NNODES" --node_rank="$NODE_RANK" \
    --master_addr="$MASTER_ADDR" --master_port="$PORT" \
    --nproc_per_node="$GPUS" \
    "$(dirname "$0")/$SCRIPT" "${@:3}"
