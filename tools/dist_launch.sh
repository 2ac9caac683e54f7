#!/usr/bin/env bash
# What the dist_*.sh scripts share: start a tool in several processes.
# Usage: tools/dist_launch.sh GPUS SCRIPT [arguments of the script]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT on each.
# On one machine they meet at a free port, unless PORT is set.
# Without a GPU the processes share the CPU.
set -e

GPUS=$1
SCRIPT=$2
NNODES=${NNODES:-1}
NODE_RANK=${NODE_RANK:-0}
MASTER_ADDR=${MASTER_ADDR:-"127.0.0.1"}
ROOT=$(cd "$(dirname "$0")/.." && pwd)

# The port to meet at: PORT, or a free one; several machines need to agree.
find_port() {
    local port=${PORT:-0} cure="leave PORT unset for a free one, or set it to another"
    if [ "$NNODES" != 1 ]; then
        port=${PORT:-29500}
        cure="set PORT to another one, the same on all machines"
    fi
    if [ "$NODE_RANK" != 0 ]; then # it is a port of the first machine
        echo "$port"
        return
    fi
    ${PYTHON:-python} - "$port" "$cure" <<'EOF'
import socket
import sys

port, cure = sys.argv[1:]
with socket.socket() as end:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        end.bind(('', int(port)))
    except (OSError, OverflowError, ValueError) as error:
        busy = isinstance(error, OSError) and 'in use' in str(error)
        reason = 'is in use by another job' if busy else f'cannot be used ({error})'
        sys.exit(f'dist_launch.sh: error: port {port} {reason}: {cure}')
    print(end.getsockname()[1])
EOF
}
PORT=$(find_port)

# torch.distributed.run, which has a traceback for each signal that stops it.
LAUNCHER='
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.run import main

try:
    main()
except SignalException as stop:
    sys.exit(128 + stop.sigval)
'

# In the place of this script, so that a signal to it reaches them.
PYTHONPATH="$ROOT:$PYTHONPATH" \
exec ${PYTHON:-python} -c "$LAUNCHER" \
    --nnodes="$NNODES" --node_rank="$NODE_RANK" \
    --master_addr="$MASTER_ADDR" --master_port="$PORT" \
    --nproc_per_node="$GPUS" \
    "$(dirname "$0")/$SCRIPT" "${@:3}"
