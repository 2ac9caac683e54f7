"""The page of the model zoo is that of the metafiles, and README agrees."""

import os.path as osp
import re

import pytest

from bike_mmaction.datasets.catalog import CATALOG
from bike_mmaction.reproduction.rows import input_size, result_of
from tests.kit import ROOT
from tests.kit.checks import collected
from tests.kit.published import PUBLISHED, zoo

PAGE = 'docs/model_zoo.md'
MODELS = zoo.read_models()
# | [name](configs/name.py) | data set | 8x224² | 4x3 | 88.3 | source |
README_ROW = re.compile(
    r'^\| \[(?P<name>\w+)\]\((?P<config>configs/[\w/]+\.py)\) '
    r'\| (?P<dataset>[\w-]+) \| (?P<input>\w+²) \| (?P<views>\d+x\d+) '
    r'\| (?P<figures>[^|]+) \| (?P<source>[^|]+) \|$',
    re.M,
)


def read(path):
    return zoo.read(osp.join(ROOT, path))


def test_page_is_that_of_the_metafiles():
    """Otherwise run tools/model_zoo.py."""
    page = read(PAGE)
    assert zoo.render(page, MODELS) == page


def test_every_figure_of_the_page_is_published():
    text = re.sub(r'```.*?```|\]\([^)]*\)', '', read(PAGE), flags=re.S)
    shown = set(re.findall(r'\d+\.\d+', text))
    logs = [f'{zoo.log(entry)} {zoo.log_time(entry)}' for entry in MODELS]
    logs = set(re.findall(r'\d+\.\d+', ' '.join(logs)))
    assert shown - logs <= set().union(*PUBLISHED.values())


def test_every_command_is_on_the_page_once():
    page = read(PAGE).splitlines()
    with collected() as check:
        for entry in MODELS:
            config, metadata = entry['Config'], entry['Metadata']
            lines = [line for line in page if f' {config} ' in line]
            trains = [line for line in lines if 'dist_train.sh' in line]
            tests = [line for line in lines if 'test' in line.split()[1]]
            with check(entry['Name']):
                assert len(trains) == ('Epochs' in metadata)
                begins = metadata.get('Checkpoint Of') == 'pretrained'
                checkpoint = ' pretrained' if begins else ' CHECKPOINT'
                assert len(tests) == 1 and checkpoint in tests[0]
                assert len(lines) == len(trains) + len(tests)
                if 'Evaluator' not in metadata or begins:
                    assert tests[0].endswith(
                        f' 8 --views {metadata["Inference Views"]}'
                    )


def test_page_prepares_every_data_set():
    prepared = re.findall(r'^bike prepare (\w+) ', read(PAGE), re.M)
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


def test_model_zoo_of_readme_is_that_of_the_metafiles():
    readme = read('README.md')
    section = re.search(r'^## Model zoo\n.*?(?=^## )', readme, re.M | re.S)[0]
    assert f']({PAGE})' in section
    rows = [match.groupdict() for match in README_ROW.finditer(section)]
    assert len(rows) == section.count('\n| [')
    assert {row['dataset'] for row in rows} >= {'Kinetics-400', 'Charades'}
    entries = {entry['Name']: entry for entry in MODELS}
    with collected() as check:
        for row in rows:
            with check(row['name']):
                entry = entries[row['name']]
                figures = set(map(str, result_of(entry)['Metrics'].values()))
                said = re.findall(r'\d+\.\d+', row.pop('figures'))
                assert said and set(said) <= figures
                assert row == dict(
                    name=entry['Name'],
                    config=entry['Config'],
                    dataset=result_of(entry)['Dataset'],
                    input=input_size(entry),
                    views=entry['Metadata']['Inference Views'],
                    source=entry['Metadata']['Published In'],
                )
