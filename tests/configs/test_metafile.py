"""Model index, configs, model-zoo page and README tell the same."""

import copy
import functools
import glob
import os.path as osp
import re
import statistics

import pytest
import yaml
from mmengine.config import Config

from bike_mmaction.datasets.catalog import CATALOG
from bike_mmaction.recipes import set_views
from bike_mmaction.reproduction.index import METRICS, published, read_index, tables_of
from tests.kit import ROOT
from tests.kit.tools import tool

PAGE = 'docs/model_zoo.md'
DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'] + sorted(
    osp.relpath(path, ROOT) for path in glob.glob(osp.join(ROOT, 'docs', '*.md'))
)
# What the authors published for BIKE, by the table of the paper.
PUBLISHED = {
    '1': '88.1 88.3 88.6',
    '2': '94.7 96.1',
    '3': '50.4',
    '4': '72.3 95.2 86.6 73.5 73.5 96.1 88.7 75.5 77.7 96.5 90.9 78.2',
    '6a': '76.8 78.5 78.7 78.9',
    '6b': '78.1 74.7 78.5',
    '6c': '46.2 51.2 56.6',
    '6d': '53.4 79.9 56.6 80.0 57.1 79.7',
    '6e': '56.6 80.0 69.6 81.4',
    '6f': '79.2 81.4',
    '6g': '80.3 81.4',
    '6i': '76.8 78.9 81.4 80.2 81.9 79.9 82.1 83.2 83.9 85.2 86.4 86.5 87.4',
    "authors' README": '81.4 84.0 87.4 88.1 88.3 88.7 94.4 96.3 94.7 96.1 '
    '50.7 98.7 98.9 82.9 84.3 80.83 86.63 3.4 52.75 61.37 3.68 80.04 86.18 '
    '1.05 70.14 68.31 67.15',
    # Only in the text of the page: section 3.2, deviations of Table 5, the
    # three splits of Kinetics-600, section numbers, and differences.
    'text': '98.8 83.1 3.6 1.0 68.53 1.23 3.2 0.5 0.7 1.3',
}
PUBLISHED = {key: set(text.split()) for key, text in PUBLISHED.items()}
# | [name](configs/name.py) | data set | 8x224² | 4x3 | 88.3 | source |
README_ROW = re.compile(
    r'^\| \[(?P<name>\w+)\]\((?P<config>configs/[\w/]+\.py)\) '
    r'\| (?P<dataset>[\w-]+) \| (?P<input>\w+²) \| (?P<views>\d+x\d+) '
    r'\| (?P<figures>[^|]+) \| (?P<source>[^|]+) \|$',
    re.M,
)

zoo = tool('model_zoo')


def read(path):
    return zoo.read(osp.join(ROOT, path))


METAFILE = yaml.safe_load(read('configs/metafile.yml'))
MODELS = zoo.read_models()
BY_NAME = {entry['Name']: entry for entry in MODELS}


@functools.cache
def config(path):
    return Config.fromfile(osp.join(ROOT, path))


@pytest.fixture(params=MODELS, ids=lambda entry: entry['Name'])
def entry(request):
    return request.param


def figures(entry):
    return [str(value) for value in zoo.result(entry)['Metrics'].values()]


def is_trained(cfg):
    """Not zero-shot, and not plug-and-play."""
    untrained_branch = 'attributes_head' in cfg.model and 'attributes' not in (
        cfg.model.get('train_branches') or []
    )
    return bool(cfg.get('train_dataloader')) and not untrained_branch


# --- the index and the configs


def test_every_config_is_listed_once():
    configs = [
        osp.relpath(path, ROOT)
        for path in glob.glob(osp.join(ROOT, 'configs', '**', '*.py'), recursive=True)
    ]
    configs = [
        path
        for path in configs
        if '_base_' not in path
        and 'demo' not in path
        and not path.endswith('_rawframes.py')
    ]
    assert sorted(entry['Config'] for entry in MODELS) == sorted(configs)
    assert len(BY_NAME) == len(MODELS)


def test_frames_variants_are_those_that_exist(entry):
    variant = entry['Config'].replace('.py', '_rawframes.py')
    exists = osp.isfile(osp.join(ROOT, variant))
    assert entry['Metadata'].get('Frames Variant') == (variant if exists else None)


def test_entry_belongs_to_a_collection(entry):
    collections = {c['Name']: c for c in METAFILE['Collections']}
    assert osp.isfile(osp.join(ROOT, collections[entry['In Collection']]['README']))


def test_entry_says_what_its_config_does(entry):
    cfg = config(entry['Config'])
    metadata = entry['Metadata']
    transforms = {t.type: t for t in cfg.test_dataloader.dataset.pipeline}
    size = transforms['RoundedCenterCrop'].crop_size
    assert entry['Name'] == osp.basename(entry['Config'])[: -len('.py')]
    assert metadata['Frames'] == transforms['SparseSampleFrames'].clip_len
    assert metadata['Resolution'] == f'{size}x{size}'
    if zoo.home(entry) == 'backbones':
        backbone = cfg.model.backbone.get('backbone', cfg.model.backbone)
        assert metadata['Recognizer'] == cfg.model.type
        assert metadata['Backbone'] == backbone.type
        assert metadata['Head'] == cfg.model.cls_head.type
    else:
        arch = metadata['Architecture'].replace('/', '-')
        assert cfg.model.backbone.arch.startswith(f'{arch}-')
    branches = 'V+A' if 'attributes_head' in cfg.model else None
    assert metadata.get('Branches') == branches


def test_entry_says_how_its_config_trains(entry):
    cfg = config(entry['Config'])
    said = {
        key: entry['Metadata'].get(key)
        for key in ('Batch Size', 'Epochs', 'Shots', 'Starts From')
    }
    if not is_trained(cfg):
        assert set(said.values()) == {None}
        return
    assert said['Batch Size'] == cfg.train_dataloader.batch_size
    assert said['Epochs'] == cfg.train_cfg.max_epochs
    assert said['Shots'] == cfg.train_dataloader.dataset.get('shots')
    start = said['Starts From']
    epochs = start and BY_NAME[start]['Metadata']['Epochs']
    assert cfg.get('load_from') == (
        f'work_dirs/{start}/epoch_{epochs}.pth' if start else None
    )


def test_checkpoint_that_is_tested_fits_the_config(entry):
    cfg = config(entry['Config'])
    name = entry['Metadata'].get('Checkpoint Of')
    assert (name is None) == is_trained(cfg)
    if name is None:
        return
    assert is_trained(config(BY_NAME[name]['Config']))
    model, trained = cfg.model, config(BY_NAME[name]['Config']).model
    assert model.backbone == trained.backbone
    assert model.cls_head.text_encoder == trained.cls_head.text_encoder
    if model.neck != trained.neck:  # left out
        assert model.neck is None and model.optional == ['neck.']


def test_entry_says_how_its_config_votes(entry):
    evaluators = config(entry['Config']).test_evaluator
    evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
    votes = [e.get('evaluator') for e in evaluators]
    assert votes == [entry['Metadata'].get('Evaluator')] * len(votes)
    protocol = {
        (False, False): 'Action Recognition',
        (True, False): 'Few-Shot Action Recognition',
        (False, True): 'Zero-Shot Action Recognition',
    }['Shots' in entry['Metadata'], 'Evaluator' in entry['Metadata']]
    if [e.type for e in evaluators] == ['MeanAPMetric']:
        protocol = f'Multi-Label {protocol}'
    assert zoo.result(entry)['Task'] == protocol


def test_entry_says_the_data_set_of_its_config(entry):
    cfg = config(entry['Config'])
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
    assert (
        cfg.test_dataloader.dataset.ann_file
        == f'{info.data_root}/{info.list_name(part, split)}'
    )


def test_config_can_be_tested_with_the_views_of_its_figure(entry):
    cfg = copy.deepcopy(config(entry['Config']))
    set_views(cfg, entry['Metadata']['Inference Views'])
    if not zoo.result(entry)['Metrics']:
        assert entry['Metadata']['Inference Views'] == '1x1'


# --- the figures


def test_no_figure_passes_for_a_measurement(entry):
    metadata = entry['Metadata']
    by, source = metadata['Published By'], metadata['Published In']
    assert metadata['Measured Here'] is False
    assert entry['Weights'] is None
    if zoo.result(entry)['Metrics']:
        assert by == 'authors'
        assert re.search("paper, Table|authors' README", source)
    else:
        assert by is None and source is None


def places(source):
    """Tables of the paper, and the authors' README."""
    return re.findall(r"\b\d[a-i]?\b|authors' README", source or '')


def values(row):
    return {
        str(value)
        for figure in row.figures
        for value in (figure.value, figure.deviation)
        if value is not None
    }


def test_every_figure_is_published_where_the_entry_says(entry):
    for row in published(entry):
        found = [PUBLISHED[place] for place in places(row.source)]
        assert all(figures & values(row) for figures in found)
        assert values(row) <= set().union(*found)
        assert tables_of(row)  # that tools/reproduce.py knows


@pytest.mark.parametrize('place', [key for key in PUBLISHED if key != 'text'])
def test_every_published_figure_is_in_the_index(place):
    found = [
        values(row)
        for entry in MODELS
        for row in published(entry)
        if place in places(row.source)
    ]
    missing = PUBLISHED[place] - set().union(*found)
    # The mean of the three splits is that of their figures, see below.
    assert missing <= {'68.53', '1.23'}


def test_logs_agree_with_what_is_published():
    """In the authors' README: of the best epoch, with one view or more."""
    count = 0
    for entry in MODELS:
        log = zoo.result(entry).get('Authors Log')
        if log is None:
            continue
        assert log['Views'] == '1x1' and log['File'].endswith('log.txt')
        for metric, last in log.get('Last', {}).items():
            assert metric in METRICS and last <= log['Best'][metric]
        metadata = entry['Metadata']
        if "authors' README" not in metadata['Published In']:
            continue
        for metric in ('Top 1 Accuracy', 'mAP'):
            if metric in log['Best']:
                count += 1
                gain = zoo.result(entry)['Metrics'][metric] - log['Best'][metric]
                one_view = metadata['Inference Views'] == '1x1'
                assert abs(gain) < 0.1 if one_view else 0 < gain < 2
    assert count == 13


def test_every_figure_of_the_page_is_published():
    text = re.sub(r'```.*?```|\]\([^)]*\)', '', read(PAGE), flags=re.S)
    found = set(re.findall(r'\d+\.\d+', text))
    logs = [f'{zoo.log(entry)} {zoo.log_time(entry)}' for entry in MODELS]
    logs = set(re.findall(r'\d+\.\d+', ' '.join(logs)))
    assert found - logs <= set().union(*PUBLISHED.values())


def test_demo_is_that_of_its_page():
    """The table that tools/reproduce.py compares with."""
    demo = read_index(osp.join(ROOT, 'configs', 'demo.yml'))
    told = set(re.findall(r'\d+\.\d(?: ± \d+\.\d)?', read('docs/demo.md')))
    for entry in demo.entries.values():
        (row,) = published(entry)
        assert tables_of(row) == ['demo']
        assert {str(figure) for figure in row.figures} <= told


def test_average_of_kinetics_600_is_that_of_its_splits():
    values = [
        zoo.result(entry)['Metrics']['Full-classes Top 1 Accuracy']
        for entry in MODELS
        if zoo.data_name(entry) == 'kinetics600_zeroshot'
    ]
    assert len(values) == 3
    mean, std = statistics.mean(values), statistics.pstdev(values)
    assert f'{mean:.2f} ± {std:.2f}' in read(PAGE)


# --- the page and README


def test_page_is_that_of_the_index():
    """Otherwise run tools/model_zoo.py."""
    page = read(PAGE)
    assert zoo.render(page, MODELS) == page


def test_every_command_is_on_the_page_once(entry):
    config, metadata = entry['Config'], entry['Metadata']
    lines = [line for line in read(PAGE).splitlines() if f' {config} ' in line]
    trains = [line for line in lines if 'dist_train.sh' in line]
    tests = [line for line in lines if 'test' in line.split()[1]]
    assert len(trains) == ('Epochs' in metadata)
    assert len(tests) == 1 and ' CHECKPOINT' in tests[0]
    assert len(lines) == len(trains) + len(tests)
    if 'Evaluator' not in metadata:
        assert tests[0].endswith(f' 8 --views {metadata["Inference Views"]}')


def test_page_prepares_every_data_set():
    prepared = re.findall(r'^python tools/data/prepare\.py (\w+) ', read(PAGE), re.M)
    assert set(prepared) == set(CATALOG)


@pytest.mark.parametrize('page', ['', '<!-- models: few-shot -->\n<!-- end -->'])
def test_page_without_a_section_is_refused(page):
    with pytest.raises(ValueError, match='expected'):
        zoo.render(page, MODELS)


def test_check_tells_a_page_that_differs(tmp_path, monkeypatch):
    page = tmp_path / 'model_zoo.md'
    page.write_text(read(PAGE).replace('| 88.3 |', '| 99.9 |'), encoding='utf-8')
    monkeypatch.setattr(zoo, 'PAGE', str(page))
    monkeypatch.setattr('sys.argv', ['model_zoo.py', '--check'])
    with pytest.raises(SystemExit, match='run python tools/model_zoo.py'):
        zoo.main()
    monkeypatch.setattr('sys.argv', ['model_zoo.py'])
    zoo.main()
    assert page.read_text(encoding='utf-8') == read(PAGE)


def test_model_zoo_of_readme_is_the_metafile():
    section = re.search(r'^## Model zoo\n.*?(?=^## )', read('README.md'), re.M | re.S)[
        0
    ]
    assert f']({PAGE})' in section
    rows = [match.groupdict() for match in README_ROW.finditer(section)]
    assert len(rows) == section.count('\n| [')
    assert {row['dataset'] for row in rows} >= {'Kinetics-400', 'Charades'}
    for row in rows:
        entry = BY_NAME[row['name']]
        said = re.findall(r'\d+\.\d+', row.pop('figures'))
        assert said and set(said) <= set(figures(entry))
        assert row == dict(
            name=entry['Name'],
            config=entry['Config'],
            dataset=zoo.result(entry)['Dataset'],
            input=zoo.input_size(entry),
            views=entry['Metadata']['Inference Views'],
            source=entry['Metadata']['Published In'],
        )


# --- all documents


@pytest.mark.parametrize('name', DOCUMENTS)
def test_files_that_the_documents_name_exist(name):
    text = read(name)
    folder = osp.dirname(osp.join(ROOT, name))
    links = re.findall(r'\]\((?!https?:|#)([^)#]+)', text)
    paths = re.findall(
        r'(?<![\w/])(?:configs|tools|tests|requirements|bike_mmaction)/'
        r'[\w/]+\.(?:py|sh|yml|txt)\b',
        text,
    )
    absent = [path for path in links if not osp.exists(osp.join(folder, path))]
    absent += [path for path in paths if not osp.exists(osp.join(ROOT, path))]
    assert not absent


def headings(name):
    return {
        re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')
        for heading in re.findall(r'^#+ (.+)$', read(name), re.M)
    }


@pytest.mark.parametrize('name', DOCUMENTS)
def test_headings_that_the_documents_link_to_exist(name):
    links = re.findall(r'\]\((?!https?:)([^)#]*\.md)?#([^)]+)\)', read(name))
    for path, heading in links:
        target = osp.join(osp.dirname(name), path) if path else name
        assert heading in headings(target)


def test_documents_name_checkpoints_by_the_last_epoch():
    count = 0
    for name in DOCUMENTS:
        found = re.findall(r'work_dirs/([\w{},]+)/epoch_(\d+)', read(name))
        for run, epoch in found:
            if 'demo' not in run:
                run = re.sub(r'{(\d).*}', r'\1', run)
                assert BY_NAME[run]['Metadata']['Epochs'] == int(epoch), run
                count += 1
    assert count > 5


def test_documents_train_with_256_videos_in_all():
    """On any number of machines and GPUs."""
    count = 0
    text = re.sub(r'\\\n\s*', '', ''.join(map(read, DOCUMENTS)))
    for line in text.splitlines():
        train = re.search(r'(?:dist|slurm)_train\.sh.* (configs/\S+\.py) ?(\d*)', line)
        if not train:
            continue
        nodes, gpus, batch = (
            re.search(rf'\b{key}=(\d+)', line)
            for key in ('NNODES', 'GPUS', 'batch_size')
        )
        total = int(gpus[1] if gpus else train[2])
        total *= int(nodes[1]) if nodes else 1
        total *= (
            int(batch[1]) if batch else config(train[1]).train_dataloader.batch_size
        )
        assert total == 256, line
        count += 1
    assert count > 50
