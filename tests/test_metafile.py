"""Model index, configs and README's model zoo tell the same."""
import glob
import os.path as osp
import re

import pytest
import yaml
from mmengine.config import Config

ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..'))
# | [name](configs/name.py) | 8x224² | 4x3 | 88.3 | paper, Table 1 |
ZOO_ROW = re.compile(
    r'^\| \[(?P<Name>\w+)\]\((?P<Config>configs/\w+\.py)\) '
    r'\| (?P<frames>\d+)x(?P<size>\d+)² \| (?P<views>\d+x\d+) '
    r'\| (?P<top1>\d+\.\d) \| (?P<source>[^|]+) \|$', re.M)


def read(path):
    with open(osp.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


METAFILE = yaml.safe_load(read('configs/metafile.yml'))
MODELS = METAFILE['Models']
README = read('README.md')


def top1(entry):
    result, = entry['Results']
    assert result['Dataset'] == 'Kinetics-400'
    return result['Metrics']['Top 1 Accuracy']


@pytest.fixture(params=MODELS, ids=lambda entry: entry['Name'])
def entry(request):
    return request.param


def test_every_config_is_listed_once():
    configs = sorted(
        osp.relpath(path, ROOT)
        for path in glob.glob(osp.join(ROOT, 'configs', '*.py'))
        if 'demo' not in path and not path.endswith('_rawframes.py'))
    assert sorted(entry['Config'] for entry in MODELS) == configs


def test_every_ablation_is_linked_once():
    """In README's tables, by its own name; the figures stand there only."""
    links = re.findall(r'\[(\w+)\]\((configs/ablations/\w+\.py)\) \|$', README,
                       re.M)
    names = [
        osp.basename(path)[:-len('.py')]
        for path in glob.glob(osp.join(ROOT, 'configs', 'ablations', '*.py'))
    ]
    assert sorted(links) == sorted(
        (name, f'configs/ablations/{name}.py') for name in names)


def test_figure_of_the_zoo_is_that_of_the_ablations(entry):
    """Where a config is in both tables, at 1x1 views."""
    row = re.search(rf'^\| .* \| (\d+\.\d|—) \| \[{entry["Name"]}\]', README,
                    re.M)
    if row:
        assert float(row[1]) == top1(entry)


def test_every_entry_has_a_variant_on_frames(entry):
    assert osp.isfile(
        osp.join(ROOT, entry['Config'].replace('.py', '_rawframes.py')))


def test_entry_belongs_to_a_collection(entry):
    collections = {c['Name']: c for c in METAFILE['Collections']}
    assert osp.isfile(
        osp.join(ROOT, collections[entry['In Collection']]['README']))


def test_entry_says_what_its_config_does(entry):
    cfg = Config.fromfile(osp.join(ROOT, entry['Config']))
    metadata = entry['Metadata']
    transforms = {t.type: t for t in cfg.test_dataloader.dataset.pipeline}
    size = transforms['CenterCrop'].crop_size
    assert entry['Name'] == osp.basename(entry['Config'])[:-len('.py')]
    assert metadata['Frames'] == transforms['SparseSampleFrames'].clip_len
    assert metadata['Resolution'] == f'{size}x{size}'
    arch = metadata['Architecture'].replace('/', '-')
    assert cfg.model.backbone.arch.startswith(f'{arch}-')
    branches = 'V+A' if 'attributes_head' in cfg.model else None
    assert metadata.get('Branches') == branches
    assert metadata['Batch Size'] == cfg.train_dataloader.batch_size
    assert metadata['Epochs'] == cfg.train_cfg.max_epochs


def test_no_figure_passes_for_a_measurement(entry):
    metadata = entry['Metadata']
    assert metadata['Published By'] == 'authors'
    assert re.search("paper, Table|authors' README", metadata['Published In'])
    assert metadata['Measured Here'] is False
    assert entry['Weights'] is None


def test_model_zoo_of_readme_is_the_metafile():
    rows = [match.groupdict() for match in ZOO_ROW.finditer(README)]
    assert rows == [
        dict(
            Name=entry['Name'],
            Config=entry['Config'],
            frames=str(entry['Metadata']['Frames']),
            size=entry['Metadata']['Resolution'].split('x')[0],
            views=entry['Metadata']['Inference Views'],
            top1=f'{top1(entry):.1f}',
            source=entry['Metadata']['Published In']) for entry in MODELS
    ]


@pytest.mark.parametrize('name',
                         ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
def test_files_that_the_documents_name_exist(name):
    text = read(name)
    links = re.findall(r'\]\((?!https?:|#)([^)#]+)\)', text)
    paths = re.findall(
        r'\b(?:configs|tools|tests|requirements|bike_mmaction)/'
        r'[\w/]+\.(?:py|sh|yml|txt)\b', text)
    absent = [
        path for path in links + paths if not osp.exists(osp.join(ROOT, path))
    ]
    assert not absent


def test_headings_that_readme_links_to_exist():
    headings = {
        re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')
        for heading in re.findall(r'^#+ (.+)$', README, re.M)
    }
    assert set(re.findall(r'\]\(#([^)]+)\)', README)) <= headings
