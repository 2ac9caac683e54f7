"""The metafiles say what the configs do, and what the authors published."""

import copy
import functools
import glob
import os.path as osp
import re
import statistics

import pytest
import yaml
from mmengine.config import Config
from modelindex.load_model_index import load as load_model_index

from bike_mmaction.datasets.catalog import CATALOG
from bike_mmaction.recipes import set_views
from bike_mmaction.reproduction import read_index
from bike_mmaction.reproduction.rows import METRICS, published, result_of, tables_of
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.configs import is_known
from tests.kit.published import PUBLISHED, places, values, zoo

INDEX = read_index(osp.join(ROOT, 'configs'))
# Without the demo, and what this open_clip does not know.
MODELS = [e for e in zoo.read_models() if is_known(osp.join(ROOT, e['Config']))]
METAFILES = sorted(
    osp.relpath(path, ROOT)
    for path in glob.glob(
        osp.join(ROOT, 'configs', '**', 'metafile.yml'), recursive=True
    )
)


def read(path):
    return zoo.read(osp.join(ROOT, path))


@functools.cache
def config(name):
    return Config.fromfile(INDEX.configs[name])


def is_trained(cfg):
    """Not zero-shot, and not plug-and-play."""
    untrained_branch = 'attributes_head' in cfg.model and 'attributes' not in (
        cfg.model.get('train_branches') or []
    )
    return bool(cfg.get('train_dataloader')) and not untrained_branch


def evaluators_of(cfg):
    evaluators = cfg.test_evaluator
    return evaluators if isinstance(evaluators, list) else [evaluators]


# --- the files


def test_every_config_is_listed_once():
    """In the metafile of its folder; of the demo those with a figure."""
    with collected() as check:
        for path in METAFILES:
            folder = osp.dirname(path)
            names = [osp.basename(p) for p in glob.glob(osp.join(ROOT, folder, '*.py'))]
            listed = [entry['Config'] for entry in yaml.safe_load(read(path))['Models']]
            expected = {f'{folder}/{name}' for name in names}
            with check(path):
                if folder == 'configs/demo':
                    assert set(listed) <= expected
                else:
                    assert sorted(listed) == sorted(expected)


def test_mim_reads_the_same():
    """model-index.yml has all metafiles, with collections that are inherited."""
    assert sorted(yaml.safe_load(read('model-index.yml'))['Import']) == METAFILES
    index = load_model_index(osp.join(ROOT, 'model-index.yml'))
    index.build_models_with_collections()
    with collected() as check:
        for model in index.models:
            with check(model.name):
                metadata = dict(model.full_model.metadata.data)
                assert metadata == INDEX.entries[model.name]['Metadata']
                assert model.config == INDEX.entries[model.name]['Config']
    assert len(index.models) == len(INDEX.entries)


def test_what_never_varies_is_said_once():
    """In the collection; and each entry is of the collection of its file."""
    with collected() as check:
        for path in METAFILES:
            content = yaml.safe_load(read(path))
            (collection,) = content['Collections']
            entries = content['Models']
            with check(path):
                assert osp.isfile(osp.join(ROOT, collection['README']))
                assert {e['In Collection'] for e in entries} == {collection['Name']}
            for key in {key for e in entries for key in e.get('Metadata', {})}:
                given = [e.get('Metadata', {}).get(key) for e in entries]
                with check(f'{path}, {key}'):
                    assert None in given or len(set(given)) > 1
                    assert collection['Metadata'].get(key, 'absent') not in given


# --- the entries and the configs


def check_input(entry, cfg):
    metadata = entry['Metadata']
    transforms = {t.type: t for t in cfg.test_dataloader.dataset.pipeline}
    size = transforms['RoundedCenterCrop'].crop_size
    assert entry['Name'] == osp.basename(entry['Config'])[: -len('.py')]
    assert metadata['Frames'] == transforms['SparseSampleFrames'].clip_len
    assert metadata['Resolution'] == f'{size}x{size}'


def check_model(entry, cfg):
    metadata = entry['Metadata']
    if zoo.home(entry) == 'encoders':
        for tower in (cfg.model.backbone, cfg.model.cls_head.text_encoder):
            assert metadata['Architecture'] == tower.arch
            assert metadata['Pretrained'] == tower.pretrained
    elif zoo.home(entry) == 'backbones':
        backbone = cfg.model.backbone.get('backbone', cfg.model.backbone)
        assert metadata['Recognizer'] == cfg.model.type
        assert metadata['Backbone'] == backbone.type
        assert metadata['Head'] == cfg.model.cls_head.type
    else:
        arch = metadata['Architecture'].replace('/', '-')
        assert cfg.model.backbone.arch.startswith(f'{arch}-')
    branches = 'V+A' if 'attributes_head' in cfg.model else None
    assert metadata.get('Branches') == branches


def check_training(entry, cfg):
    """Batch Size may also stand in the collection of what is not trained."""
    metadata = entry['Metadata']
    epochs, shots, start = map(metadata.get, ('Epochs', 'Shots', 'Starts From'))
    if not is_trained(cfg):
        assert epochs is shots is start is None
        return
    assert metadata['Batch Size'] == cfg.train_dataloader.batch_size
    assert epochs == cfg.train_cfg.max_epochs
    assert shots == cfg.train_dataloader.dataset.get('shots')
    last = start and INDEX.entries[start]['Metadata']['Epochs']
    assert cfg.get('load_from') == (
        f'work_dirs/{start}/epoch_{last}.pth' if start else None
    )


def check_tested_checkpoint(entry, cfg):
    """It is of a config that is trained, and fits."""
    name = entry['Metadata'].get('Checkpoint Of')
    assert (name is None) == is_trained(cfg)
    if name is None:
        return
    if name == 'pretrained':  # see test_encoders.py
        return
    assert is_trained(config(name))
    model, trained = cfg.model, config(name).model
    assert model.backbone == trained.backbone
    assert model.cls_head.text_encoder == trained.cls_head.text_encoder
    if model.neck != trained.neck:  # left out
        assert model.neck is None and model.optional == ['neck.']


def check_vote(entry, cfg):
    evaluators = evaluators_of(cfg)
    votes = [e.get('evaluator') for e in evaluators]
    assert votes == [entry['Metadata'].get('Evaluator')] * len(votes)
    protocol = {
        (False, False): 'Action Recognition',
        (True, False): 'Few-Shot Action Recognition',
        (False, True): 'Zero-Shot Action Recognition',
    }['Shots' in entry['Metadata'], 'Evaluator' in entry['Metadata']]
    if [e.type for e in evaluators] == ['MeanAPMetric']:
        protocol = f'Multi-Label {protocol}'
    assert result_of(entry)['Task'] == protocol


def check_data_set(entry, cfg):
    info = CATALOG[zoo.data_name(entry)]
    split = entry['Metadata'].get('Split')
    part = info.tested
    if 'Evaluator' in entry['Metadata'] and 'full' in info.parts:
        part = 'full'  # of all splits together
    assert (split is None) == (part == 'full' or not info.splits)
    if 'class_names' in cfg.model.cls_head:
        assert cfg.model.cls_head.class_names == info.classes(split)
    assert cfg.model.cls_head.num_classes == info.num_classes
    assert cfg.data_root == info.data_root
    ann_file = cfg.test_dataloader.dataset.ann_file
    assert ann_file == f'{info.data_root}/{info.list_name(part, split)}'


def check_views(entry, cfg):
    """The config can be tested with the views of its figure."""
    set_views(copy.deepcopy(cfg), entry['Metadata']['Inference Views'])
    if not result_of(entry)['Metrics']:
        assert entry['Metadata']['Inference Views'] == '1x1'


CHECKS = (
    check_input,
    check_model,
    check_training,
    check_tested_checkpoint,
    check_vote,
    check_data_set,
    check_views,
)


@pytest.mark.parametrize('check_entry', CHECKS, ids=lambda check: check.__name__)
def test_entries_say_what_their_configs_do(check_entry):
    with collected() as check:
        for entry in MODELS:
            with check(entry['Name']):
                check_entry(entry, config(entry['Name']))


# --- the figures


def test_no_figure_passes_for_a_measurement():
    with collected() as check:
        for entry in MODELS:
            with check(entry['Name']):
                assert 'Weights' not in entry
                source = entry['Metadata'].get('Published In', '')
                assert bool(result_of(entry)['Metrics']) == bool(source)
                assert not source or re.search("paper, Table|authors' README", source)


def test_every_figure_is_published_where_the_entry_says():
    with collected() as check:
        for entry in MODELS:
            for row in published(entry):
                with check(f'{entry["Name"]}, {row.source}'):
                    tables = [PUBLISHED[place] for place in places(row.source)]
                    assert all(figures & values(row) for figures in tables)
                    assert values(row) <= set().union(*tables)
                    assert tables_of(row)  # that tools/reproduce.py knows


def test_every_published_figure_is_in_the_index():
    rows = [row for entry in MODELS for row in published(entry)]
    with collected() as check:
        for place in PUBLISHED:
            if place == 'text':
                continue
            listed = [values(row) for row in rows if place in places(row.source)]
            with check(place):
                # The mean of the three splits is that of their figures, see below.
                missing = PUBLISHED[place] - set().union(*listed)
                assert missing <= {'68.53', '1.23'}


def check_log(entry):
    """Log and README agree; whether both have a figure of top-1 or mAP."""
    log = result_of(entry)['Authors Log']
    assert log['Views'] == '1x1' and log['File'].endswith('log.txt')
    for metric, last in log.get('Last', {}).items():
        assert metric in METRICS and last <= log['Best'][metric]
    metadata = entry['Metadata']
    if "authors' README" not in metadata['Published In']:
        return 0
    both = [metric for metric in ('Top 1 Accuracy', 'mAP') if metric in log['Best']]
    for metric in both:
        gain = result_of(entry)['Metrics'][metric] - log['Best'][metric]
        one_view = metadata['Inference Views'] == '1x1'
        assert abs(gain) < 0.1 if one_view else 0 < gain < 2
    return len(both)


def test_logs_agree_with_what_is_published():
    """In the authors' README: of the best epoch, with one view or more."""
    counts = []
    with collected() as check:
        for entry in MODELS:
            if 'Authors Log' in result_of(entry):
                with check(entry['Name']):
                    counts.append(check_log(entry))
    assert sum(counts) == 13


def test_demo_is_that_of_its_page():
    """The table that tools/reproduce.py compares with."""
    told = set(re.findall(r'\d+\.\d(?: ± \d+\.\d)?', read('docs/demo.md')))
    with collected() as check:
        for entry in INDEX.entries.values():
            if zoo.folder(entry) == 'demo':
                with check(entry['Name']):
                    (row,) = published(entry)
                    assert tables_of(row) == ['demo']
                    assert {str(figure) for figure in row.figures} <= told


def test_average_of_kinetics_600_is_that_of_its_splits():
    figures = [
        result_of(entry)['Metrics']['Full-classes Top 1 Accuracy']
        for entry in MODELS
        if zoo.data_name(entry) == 'kinetics600_zeroshot'
    ]
    assert len(figures) == 3
    mean, std = statistics.mean(figures), statistics.pstdev(figures)
    assert f'{mean:.2f} ± {std:.2f}' in read('docs/model_zoo.md')
