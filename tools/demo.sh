#!/usr/bin/env bash
# The whole way on a small scale: sets up .venv, renders videos, pre-trains a
# tiny CLIP, finds attributes with it, trains and tests both of BIKE's
# branches, prints a table, draws saliency with attributes and the choice of λ,
# and recognizes videos as a user would.
#
# Usage: bash tools/demo.sh
# About 10 minutes on 2 cores, without a GPU, after the download of the
# packages. What is finished is not done again; delete work_dirs/demo for a
# fresh start. SEEDS is read if set.
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/demo/shell.sh

# Dump the scores of the validation clips, to choose λ on, and the test clips.
dump() { # DIR CONFIG CHECKPOINT
    local dir=$1 split part=$1/unfinished.pkl
    mkdir -p "$dir"
    for split in val test; do
        newer "$dir/$split.pkl" "$3" "$2" $DATA/attributes.json && continue
        say "testing $(basename "$dir") on the $split clips"
        run "$dir/$split.log" bash tools/dist_test.sh "$2" "$3" 2 \
            --dump "$part" --work-dir "$dir/$split" --cfg-options \
            "test_dataloader.dataset.ann_file=$DATA/$split.txt"
        mv "$part" "$dir/$split.pkl"
    done
}

prepare
if ! newer $DATA/attributes.json $OUT/clip.pt $DATA/render.json; then
    say "finding the attributes of all videos"
    "$PYTHON" tools/generate_attributes.py configs/demo/bike_demo.py \
        --lexicon $DATA/lexicon.txt --topk 5 --out $DATA/attributes.json \
        --overwrite --work-dir $OUT/attributes --cfg-options \
        test_dataloader.dataset.ann_file=$DATA/all.txt \
        default_hooks.logger.interval=100
fi

export OMP_NUM_THREADS=1 # two processes share the cores
both=configs/demo/bike_demo_attributes.py # of the branches
for seed in $SEEDS; do
    for model in meanpool vcs; do
        config=configs/demo/bike_demo.py
        [ $model = vcs ] || config=configs/demo/bike_demo_$model.py
        video=$OUT/${model}_seed$seed
        if ! newer "$video/epoch_3.pth" $OUT/clip.pt $DATA/render.json \
            configs/demo/bike_demo.py; then
            rm -rf "$video"
            say "training $model, seed $seed, in two processes"
            run "$video/train.log" bash tools/dist_train.sh $config 2 \
                --seed "$seed" --work-dir "$video"
        fi
        # VCS is tested below, together with the attributes.
        [ $model = vcs ] || dump "$video" $config "$video/epoch_3.pth"
    done
    dir=$OUT/attributes_seed$seed
    if ! newer "$dir/epoch_10.pth" "$video/epoch_3.pth" \
        $DATA/attributes.json $both; then
        rm -rf "$dir"
        say "training attributes, seed $seed, beside VCS"
        run "$dir/train.log" "$PYTHON" tools/train.py $both --seed "$seed" \
            --work-dir "$dir" --cfg-options load_from="$video/epoch_3.pth"
    fi
    dump "$dir" $both "$dir/epoch_10.pth"
done
# Untrained attributes are the same beside any of the video branches.
dump $OUT/plugplay configs/demo/bike_demo_plugplay.py \
    $OUT/vcs_seed"${SEEDS%% *}"/epoch_3.pth

say "choosing λ for seed ${SEEDS%% *}"
A=$OUT/attributes_seed${SEEDS%% *} # also has the V of VCS
V=$OUT/meanpool_seed${SEEDS%% *}
"$PYTHON" tools/fuse_scores.py "$A/test.pkl" --sweep \
    --held-out "$A/val.pkl" --plot $OUT/fusion_vcs.png
"$PYTHON" tools/fuse_scores.py "$V/test.pkl" "$A/test.pkl" --sweep \
    --held-out "$V/val.pkl" "$A/val.pkl" --plot $OUT/fusion_meanpool.png
say "drawing"
# shellcheck disable=SC2086
"$PYTHON" tools/demo/report.py $OUT --seeds $SEEDS
say "recognizing a video, and six joined ones window by window"
model=(--config configs/demo/bike_demo.py --lexicon $DATA/lexicon.txt
    --checkpoint "$OUT/vcs_seed${SEEDS%% *}/epoch_3.pth" --out-dir $OUT/pictures)
"$PYTHON" tools/demo/join.py $OUT/joined.mp4 \
    $DATA/videos/test/00{03,14,08,05,10,00}.mp4
"$PYTHON" tools/infer.py $DATA/videos/test/0001.mp4 "${model[@]}" \
    --formats json png mp4 gif
"$PYTHON" tools/infer.py $OUT/joined.mp4 "${model[@]}" \
    --window 2.56 --stride 0.64 --threshold 0.4
say "done"
