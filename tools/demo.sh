#!/usr/bin/env bash
# The whole way on a small scale: sets up .venv, renders videos, pre-trains a
# tiny CLIP, trains and tests BIKE on it, prints a table and draws saliency.
#
# Usage: bash tools/demo.sh
# About 10 minutes on 2 cores, without a GPU, after the download of the
# packages. What is finished is not done again; delete work_dirs/demo for a
# fresh start. SEEDS is read if set.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=${BIKE_VENV:-$PWD/.venv}
OUT=work_dirs/demo
SEEDS=${SEEDS:-0 1 2}
export PORT=${PORT:-29511}
export PYTHONPATH=$PWD CUDA_VISIBLE_DEVICES=-1 MPLBACKEND=Agg

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

bash tools/setup_env.sh "$VENV"
export PYTHON=$VENV/bin/python
say "rendering videos"
"$PYTHON" tools/demo/render.py --out $OUT/data
say "pre-training a tiny CLIP"
"$PYTHON" tools/demo/pretrain.py configs/bike_demo.py --out $OUT/clip.pt

export OMP_NUM_THREADS=1 # two processes share the cores
for seed in $SEEDS; do
    for model in meanpool vcs; do
        config=configs/bike_demo.py
        [ $model = vcs ] || config=configs/bike_demo_$model.py
        dir=$OUT/${model}_seed$seed
        # Older than what it was made from, a model is made again.
        if [ ! "$dir/epoch_3.pth" -nt $OUT/clip.pt ] ||
            [ ! "$dir/epoch_3.pth" -nt configs/bike_demo.py ]; then
            rm -rf "$dir"
            say "training $model, seed $seed, in two processes"
            run "$dir/train.log" bash tools/dist_train.sh $config 2 \
                --seed "$seed" --work-dir "$dir"
        fi
        if ! compgen -G "$dir/test/*/*.json" >/dev/null; then
            say "testing $model, seed $seed, with 4x3 views"
            run "$dir/test.log" bash tools/dist_test.sh $config \
                "$dir/epoch_3.pth" 2 --views 4x3 --work-dir "$dir/test"
        fi
    done
done

say "drawing"
# shellcheck disable=SC2086
OMP_NUM_THREADS=2 "$PYTHON" tools/demo/report.py $OUT --seeds $SEEDS
say "done"
