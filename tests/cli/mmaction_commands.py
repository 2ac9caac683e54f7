"""What the tests of MMAction2's tools run, and how they compare pictures."""

import json

import numpy as np

# A tool's path and arguments, by what is looked at.
COMMANDS = dict(
    show='{mmaction}/test.py {config} {checkpoint} --show-dir show '
    '--work-dir test_show --dump show.pkl',
    features='{mmaction}/misc/clip_feature_extraction.py {config} {checkpoint} '
    'features --cfg-options model.type=Recognizer3D test_cfg.type=TestLoop',
    confusion='{own} analysis_tools/confusion_matrix {config} {checkpoint} '
    '--out confusion.pkl',
    publish='{own} deployment/publish_model.py {checkpoint} published.pth',
    flops='{mmaction}/analysis_tools/get_flops.py {config} --shape 1 3 8 224 224',
    report='{mmaction}/analysis_tools/report_accuracy.py --preds {dump} {other_dump} '
    '--coefficients 0.6 0.4',
    metric='{mmaction}/analysis_tools/eval_metric.py {config} {other_dump}',
    check='{mmaction}/analysis_tools/check_videos.py {config} --split val '
    '--cfg-options val_dataloader.dataset.ann_file={root}/more.txt',
    browse='{mmaction}/visualizations/browse_dataset.py {config} browse '
    '--show-number 2',
)
API = """
import json, sys
import bike_mmaction
from mmaction.apis import inference_recognizer, init_recognizer
from mmaction.apis.inferencers import MMAction2Inferencer
site, config, checkpoint, root = sys.argv[1:]
assert bike_mmaction.__file__.startswith(site), bike_mmaction.__file__
videos = [f'{root}/videos_val/v{i}.mp4' for i in range(5)]
model = init_recognizer(config, checkpoint, device='cpu')
scores = [inference_recognizer(model, v).pred_score.tolist() for v in videos]
inferencer = MMAction2Inferencer(config, checkpoint, device='cpu')
inferred = inferencer(videos, batch_size=2, vid_out_dir='drawn', fps=10)
with open('api.json', 'w') as file:
    json.dump(dict(scores=scores, inferencer=inferred['predictions']), file)
"""


def assert_same_colors(drawn, original):
    """As it was, but for what older matplotlib blurs; red is not blue."""
    right, swapped = (
        np.abs(image - original).mean() for image in (drawn, drawn[..., ::-1])
    )
    assert right < 0.9 * swapped


def values(path, name):
    """A column of a log with a JSON object a line."""
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    return [row[name] for row in rows if name in row]


def layer(tokens, width):
    """Multiplications in a transformer block, without its norms."""
    projections = 4 * tokens * width**2
    attention = 2 * tokens**2 * width
    mlp = 2 * tokens * width * 4 * width
    return projections + attention + mlp
