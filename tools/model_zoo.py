"""Write the tables and commands of docs/model_zoo.md from the model index.

Usage: python tools/model_zoo.py [--check]

In the page, what lies between `<!-- models: SECTION -->` and `<!-- end -->`
is written anew from the metafiles of configs/; the text around it stays.
"""

import argparse
import os.path as osp
import re
import sys
from typing import Callable

from bike_mmaction.reproduction import read_index
from bike_mmaction.reproduction.rows import METRICS, input_size, log_figures, log_time
from bike_mmaction.reproduction.rows import result_of as result
from bike_mmaction.shipped import PRETRAINED

ROOT = osp.abspath(osp.join(osp.dirname(__file__), '..'))
PAGE = osp.join(ROOT, 'docs', 'model_zoo.md')
BLOCK = re.compile(r'<!-- models: (.+?) -->\n.*?<!-- end -->', re.S)
HALF = 'Half-classes Top 1 Accuracy'


def read(path: str) -> str:
    """The text of a file.

    Raises:
        OSError: if there is none.
    """
    with open(path, encoding='utf-8') as file:
        return file.read()


def read_models() -> list[dict]:
    """The entries of the model index, without the demo."""
    index = read_index(osp.join(ROOT, 'configs'))
    return [model for model in index.entries.values() if folder(model) != 'demo']


def folder(model: dict) -> str:
    """Where its config lies: 'configs', 'few_shot' ..."""
    return osp.basename(osp.dirname(model['Config']))


def branch(model: dict) -> str:
    """Whether it has an attributes branch."""
    return 'attributes' if 'Branches' in model['Metadata'] else 'video'


def home(model: dict) -> str:
    """The section that has its commands."""
    if folder(model) == 'zero_shot':
        return f'zero-shot, {model["Metadata"]["Evaluator"]}'
    if folder(model) in ('few_shot', 'backbones', 'encoders'):
        return folder(model).replace('_', '-')
    if folder(model) == 'ablations':
        return f'ablations, {branch(model)}'
    if folder(model) in ('configs', 'attributes'):
        return f'kinetics-400, {branch(model)}'
    multi_label = result(model)['Task'].startswith('Multi-Label')
    return 'multi-label' if multi_label else 'other data sets'


def in_section(model: dict, section: str) -> bool:
    """Whether its table has it; ablations also have their baselines."""
    if section == f'ablations, {branch(model)}':
        return 'Description' in model['Metadata']
    return home(model) == section


def data_name(model: dict) -> str:
    """The name of its data set on the command line of prepare.py."""
    name = result(model)['Dataset'].lower().replace('-', '')
    if (folder(model), name) == ('zero_shot', 'kinetics600'):
        return 'kinetics600_zeroshot'
    return name


def figure(*keys: str) -> Callable[[dict], str]:
    """A column of published figures: one, or mean and deviation."""

    def column(model: dict) -> str:
        metrics = result(model)['Metrics']
        return ' ± '.join(str(metrics[k]) for k in keys if k in metrics) or '—'

    return column


def log(model: dict) -> str:
    """What the authors' log says: best epoch and last one."""
    best = result(model).get('Authors Log', {}).get('Best', {})
    names = [METRICS[metric][0] for metric in best]
    lines = [log_figures(model, metric) for metric in best]
    if 'top-1 of A' in names:  # beside that of V+A
        lines = [
            f'{"A" if name.endswith("A") else "V+A"} {line}'
            for name, line in zip(names, lines)
        ]
    return '; '.join(lines) or '—'


def metadata(key: str) -> Callable[[dict], str]:
    """A column of properties."""
    return lambda model: str(model['Metadata'].get(key) or '—')


COLUMNS: dict[str, Callable[[dict], str]] = {
    'config': lambda model: f'[{model["Name"]}](../{model["Config"]})',
    'what differs': metadata('Description'),
    'backbone': metadata('Architecture'),
    'recognizer': metadata('Recognizer'),
    'type': metadata('Backbone'),
    'image-text model': metadata('Architecture'),
    'weights': metadata('Pretrained'),
    'head': metadata('Head'),
    'note': metadata('Needs'),
    'data set': lambda model: result(model)['Dataset'],
    'split': metadata('Split'),
    'shots': metadata('Shots'),
    'input': input_size,
    'views': metadata('Inference Views'),
    'top-1': figure('Top 1 Accuracy'),
    'V+A': figure('Top 1 Accuracy'),
    'A': figure('Attributes Branch Top 1 Accuracy'),
    'mAP': figure('mAP'),
    'all classes': figure('Full-classes Top 1 Accuracy'),
    'half of the classes': figure(HALF, f'{HALF} Standard Deviation'),
    "authors' log": log,
    'trained in': lambda model: log_time(model) or '—',
    'published in': metadata('Published In'),
}
INPUT = ' config | data set | split | input | views |'
ABLATION = ' backbone | what differs |'
KINETICS = ' config | input | views |'
LOG = "authors' log | trained in"
ZERO_SHOT = f'{INPUT} all classes | half of the classes | published in '
# Of each section: the columns of its table.
SECTIONS = {
    'kinetics-400, video': f'{KINETICS} top-1 | {LOG} | published in ',
    'kinetics-400, attributes': f'{KINETICS} A | V+A | {LOG} | published in ',
    'ablations, video': f'{ABLATION} top-1 | published in | config ',
    'ablations, attributes': f'{ABLATION} A | V+A | published in | config ',
    'other data sets': f"{INPUT} top-1 | mAP | authors' log | published in ",
    'multi-label': " config | input | views | mAP | authors' log | published in ",
    'few-shot': f'{INPUT} shots | top-1 | published in ',
    'backbones': ' config | recognizer | backbone | type | head | input | note ',
    'encoders': ' config | image-text model | weights | input | top-1 | note ',
    'zero-shot, frames': ZERO_SHOT,
    'zero-shot, video': ZERO_SHOT,
}


def table(models: list[dict], header: str) -> str:
    """A Markdown table, a model a line."""
    columns = [COLUMNS[name.strip()] for name in header.split('|')]
    lines = [header, '|'.join(['---'] * len(columns))]
    for model in models:
        cells = ' | '.join(column(model) for column in columns)
        lines.append(f' {cells} ')
    return '\n'.join(f'|{line}|' for line in lines)


def commands(model: dict) -> list[str]:
    """What trains and tests it."""
    config, data = model['Config'], model['Metadata']
    if folder(model) == 'zero_shot':
        return [f'bike test {config} CHECKPOINT']
    begins = data.get('Checkpoint Of') == PRETRAINED
    test = (
        f'bash tools/dist_test.sh {config} {PRETRAINED if begins else "CHECKPOINT"} 8'
    )
    lines = [f'{test} --views {data["Inference Views"]}']
    if 'Epochs' in data:
        start = data.get('Starts From')
        comment = f'  # starts from {start}' if start else ''
        lines.insert(0, f'bash tools/dist_train.sh {config} 8{comment}')
    return lines


def render_section(models: list[dict], section: str) -> str:
    """Table and commands of a section."""
    rows = [model for model in models if in_section(model, section)]
    own = [model for model in rows if home(model) == section]
    lines = [
        f'bike prepare {name} --annotations ANNOTATIONS'
        for name in dict.fromkeys(map(data_name, own))
    ]
    lines += [line for model in own for line in commands(model)]
    code = '\n'.join(lines)
    return f'{table(rows, SECTIONS[section])}\n\n```bash\n{code}\n```'


def render(page: str, models: list[dict]) -> str:
    """The page with its sections, all of them once, written anew."""
    sections = BLOCK.findall(page)
    if sorted(sections) != sorted(SECTIONS):
        raise ValueError(f'sections {sections}, expected {list(SECTIONS)}')
    return BLOCK.sub(
        lambda match: (
            f'<!-- models: {match[1]} -->\n'
            f'{render_section(models, match[1])}\n<!-- end -->'
        ),
        page,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--check', action='store_true', help='write nothing, only compare'
    )
    args = parser.parse_args()
    try:
        page = read(PAGE)
        rendered = render(page, read_models())
    except (OSError, ValueError) as error:
        sys.exit(f'model_zoo: {error}')
    if args.check and rendered != page:
        sys.exit(
            f"model_zoo: '{PAGE}' differs from the model index: run "
            'python tools/model_zoo.py'
        )
    if not args.check:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(rendered)


if __name__ == '__main__':
    main()
