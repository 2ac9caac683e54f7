# What the demo's scripts share; to be sourced in the repository's folder.
VENV=${BIKE_VENV:-$PWD/.venv}
OUT=work_dirs/demo
DATA=$OUT/data
SEEDS=${SEEDS:-0 1 2}
export PORT=${PORT:-29511}
export PYTHONPATH=$PWD CUDA_VISIBLE_DEVICES=-1 MPLBACKEND=Agg
PYTHON=$VENV/bin/python
export PYTHON

say() { echo "== $* (after $SECONDS s)"; }

# Keep the whole log, show the lines that tell the progress.
run() { # LOG COMMAND...
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" 2>&1 | tee "$log" |
        grep --line-buffered -oE 'Epoch\(.*'; then
        tail -n 30 "$log"
        echo "demo: failed, see $log" >&2
        exit 1
    fi
}

# Older than what it was made from, a file is made again.
newer() { # FILE SOURCE...
    local file=$1 source
    shift
    for source in "$@"; do
        [ "$file" -nt "$source" ] || return 1
    done
}

# Set up, draw the videos and pre-train the CLIP, where that is not done.
prepare() {
    bash tools/setup_env.sh "$VENV"
    say "rendering videos"
    "$PYTHON" tools/demo/render.py --out $DATA
    say "pre-training a tiny CLIP"
    "$PYTHON" tools/demo/pretrain.py configs/demo/bike_demo.py --out $OUT/clip.pt
}
