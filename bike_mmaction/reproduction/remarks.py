"""What a reader of a reproduced table must know of its rows."""

import os.path as osp
from typing import Optional

from .plan import PlannedRow, read_json
from .rows import Row, result_of
from .settings import Settings

LOG = (
    "Authors' log: best epoch on the test set / last epoch, with the views "
    'in brackets. Measured is the last epoch, unless another checkpoint '
    'was given.'
)
# What makes a difference, besides the notes of the rows; more in
# docs/model_zoo.md.
CHOICES = {
    'general': 'Published figures are often those of the best epoch on the test set. '
    'Of V+A, V and A are each from its best epoch. The published mAP of '
    'Charades is a mean over batches, 0.5 to 1.3 above that of all videos, '
    'which is measured here; that of ActivityNet is of one more softmax in '
    'float32.',
    'few-shot': 'In the published runs each of the 8 processes drew shots of its own, '
    'about 14 different videos a class in "2-shot" HMDB-51; here all draw the '
    'same. Expect lower figures.',
    'zero-shot': 'Published over whole data sets (UCF-101, HMDB-51, ActivityNet), and '
    'over the test part of Kinetics-600.',
    'ablations': 'Published figures are often those of the best epoch on the test set. '
    'Of V+A, V and A are each from its best epoch.',
    'multi-view': 'Published figures are often those of the best epoch on the test '
    'set. Of V+A, V and A are each from its best epoch.',
    'demo': 'Published is mean ± standard deviation over seeds, measured is one seed.',
}


def remarks_of(
    planned: PlannedRow, failure: Optional[str], settings: Settings
) -> list[str]:
    """Why a row is not done, or with what its figures are not comparable.

    Args:
        planned (PlannedRow): As it is now.
        failure (str, optional): Why it has failed.
        settings (Settings): Of the user.
    """
    if failure:
        return [f'failed: {failure}']
    if planned.results:
        remarks = _remarks_on_videos(planned.row, planned.results)
        return remarks + _remarks_on_weights(planned, planned.results, settings)
    return _remarks_on_missing(planned) or ['not run yet']


def _remarks_on_missing(planned: PlannedRow) -> list[str]:
    remarks = [f'missing: {need.what}; {need.how}' for need in planned.lacking]
    what, weights = 'missing', planned.weights
    if weights.missing and weights.trainings:
        name = weights.trainings[-1].name
        remarks.append(
            f'missing: a checkpoint of {name}; --checkpoints {name}=FILE, or train it'
        )
        what = 'missing for its training'
    return remarks + [
        f'{what}: {need.what}; {need.how}'
        for need in weights.missing
        if need not in planned.lacking
    ]


def _remarks_on_videos(row: Row, results: dict) -> list[str]:
    remarks = []
    listed = results['list']['videos']
    evaluated = results['videos']['evaluated']
    official = result_of(row.entry).get('Videos')
    if evaluated < listed:
        remarks.append(f'only {evaluated} of {listed} listed videos could be read')
    if official and listed != official:
        remarks.append(
            f'the list (fingerprint {results["list"]["fingerprint"]})'
            f' has {listed} videos, not the official {official}'
        )
    if results['views'] != row.views:
        remarks.append(f'tested with the views {results["views"]}')
    return remarks


def _remarks_on_weights(
    planned: PlannedRow, results: dict, settings: Settings
) -> list[str]:
    remarks = []
    if results['checkpoint'] is None:
        own = results['model'].get('pretrained')
        remarks.append(
            "not trained: CLIP's own weights" if own else 'not trained: random weights'
        )
    if settings.cfg_options:
        remarks.append(
            'with ' + ' '.join(f'{k}={v}' for k, v in settings.cfg_options.items())
        )
    begun = read_json(osp.join(osp.dirname(planned.weights.file), 'begun.json'))
    if begun and begun['total_batch'] != begun['published_batch']:
        remarks.append(
            f'trained with {begun["total_batch"]} videos a step, not '
            f'{begun["published_batch"]}'
        )
    return remarks
