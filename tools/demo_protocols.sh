#!/usr/bin/env bash
# Few-shot and zero-shot recognition on the demo's videos: trains on 1, 2 and 5
# videos of each class, and on half of the classes to recognize the others.
#
# Usage: bash tools/demo_protocols.sh
# About 12 minutes on 2 cores, after what tools/demo.sh has in common with it.
# What is finished is not done again. SEEDS is read if set.
set -euo pipefail
cd "$(dirname "$0")/.."

SEEDS=${SEEDS:-0 1 2}
. tools/demo/shell.sh

# Train in two processes.
train() { # DIR CONFIG SEED [cfg-options]
    newer "$1/epoch_3.pth" $OUT/clip.pt $DATA/render.json configs/demo/bike_demo.py \
        "$2" && return
    rm -rf "$1"
    say "training $(basename "$1"), seed $3"
    run "$1/train.log" bash tools/dist_train.sh "$2" 2 --seed "$3" \
        --work-dir "$1" --cfg-options val_cfg=None val_dataloader=None \
        val_evaluator=None "${@:4}"
}

# Test, and keep the results under a name that does not tell the time.
results() { # FILE CONFIG CHECKPOINT [options]
    local dir=${1%.json} made_from=$OUT/clip.pt
    [ "$3" = pretrained ] || made_from=$3
    newer "$1" "$made_from" $DATA/render.json "$2" && return
    rm -rf "$dir"
    say "testing $(basename "$dir")"
    run "$dir.log" bash tools/dist_test.sh "$2" "$3" 2 --work-dir "$dir" \
        "${@:4}"
    cp "$dir"/*/results.json "$1"
}

prepare
"$PYTHON" tools/demo/hold_out.py $DATA
export OMP_NUM_THREADS=1 # two processes share the cores
DIR=$OUT/protocols
results $DIR/all_pretrained.json configs/demo/bike_demo.py pretrained
results $DIR/unseen_pretrained.json configs/demo/bike_demo_unseen.py pretrained
for seed in $SEEDS; do
    for shots in 1 2 5; do
        name=${shots}shot_seed$seed
        train $DIR/$name configs/demo/bike_demo_few_shot.py "$seed" \
            train_dataloader.dataset.shots=$shots \
            train_dataloader.dataset.seed="$seed"
        results $DIR/all_$name.json configs/demo/bike_demo.py \
            $DIR/$name/epoch_3.pth
    done
    train $DIR/seen_seed$seed configs/demo/bike_demo_seen.py "$seed"
    for weight in 1 0.5; do
        results "$DIR/unseen_weight${weight}_seed$seed.json" \
            configs/demo/bike_demo_unseen.py "$DIR/seen_seed$seed/epoch_3.pth" \
            --interpolate $weight
    done
done
# shellcheck disable=SC2086
"$PYTHON" tools/demo/protocols.py $DIR --seeds $SEEDS
say "done"
