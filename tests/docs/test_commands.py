"""The commands of the pages: what is cheap is run, the rest is parsed.

Parsed means: the command, the config and the tool exist, and the command has
these options and accepts these values.
"""

import os
import os.path as osp
import re
import warnings

import mmaction
import pytest

from bike_mmaction.cli import commands as cli
from bike_mmaction.files import write_json
from bike_mmaction.shipped import DEFAULT_CONFIG, find_config
from tests.kit import ROOT
from tests.kit.lists import write_text
from tests.kit.pages import PAGES, blocks, commands, commands_in_lines

# What is only parsed, by its first words, and why.
PARSED = {
    'bike train bike_': 'trains for hours; tests of the configs train each',
    'bike train mydata': 'takes a minute; tests of own training run it',
    'bike infer new.mp4': 'its model is trained by these',
    'bike test bike_': 'tests of the configs test each',
    'bike test-splits': 'tests of the tool run it',
    'bike reproduce': 'trains and tests; tests of reproduction run it',
    'bike generate-attributes': 'tests of the tool run it',
    'bike export': 'tests of the snippets run what it writes',
    'bike share hf-hub:': 'uploads; tests of the hub do',
    'bike report': 'needs what was tested; tests of the report make it',
    'bike benchmark': 'takes minutes; tests of the command run it',
    'bike web': 'serves until it is stopped; tests of the page use it',
    'bike mmaction': 'tests of the tools of MMAction2 run them',
    'bike infer 0': 'needs a camera',
    'bash': 'needs several processes or takes minutes; other tests run them',
    'python': 'tests of the tools run them',
    'pip': 'changes the environment',
}
# Its data sets are not at hand, and it is generated.
PARSED_PAGE = 'docs/model_zoo.md'
# Run though they begin as one of those: a user's own videos.
RUN = ('bike test my_config.py', 'bike test bike_vitl14_k400 bike_vitl14.pth --class')
# Positions of what launchers take for themselves, before what a command reads.
LAUNCHERS = {
    'dist_train': ('train', (1,)),
    'dist_test': ('test', (2,)),
    'dist_test_splits': ('test-splits', (0,)),
    'dist_label': ('label', (0,)),
    'slurm_label': ('label', (0, 1)),
    'dist_generate_attributes': ('generate-attributes', (1,)),
    'slurm_train': ('train', (0, 1)),
    'slurm_test': ('test', (0, 1)),
}
# Words of the pages for what a reader has, and an example of each.
EXAMPLES = {'CONFIG': 'bike_vitb16_k400', 'CHECKPOINT': 'CHECKPOINT.pth'}
TOOLS = osp.join(osp.dirname(mmaction.__file__), '.mim', 'tools')


def commands_of(page):
    """Those of its blocks, without variables before them."""
    lines = []
    for words in (words for block in blocks(page, 'bash') for words in commands(block)):
        first = next(
            i for i, w in enumerate(words) if not re.match('[A-Z0-9_]+=[^(]*$', w)
        )
        lines.append(words[first:])
    return lines


def last_page(line):
    """Where a command is run that several pages have, in a list."""
    pages = [page for page in PAGES if page != PARSED_PAGE]
    return [page for page in pages if line in map(' '.join, commands_of(page))][-1:]


def test_reasons_are_still_needed():
    """Whoever deletes a command from the pages deletes its reason."""
    lines = [' '.join(words) for page in PAGES for words in commands_of(page)]
    lines += [' '.join(words) for page in PAGES for words in commands_in_lines(page)]
    unused = [s for s in (*PARSED, *RUN) if not any(x.startswith(s) for x in lines)]
    assert not unused


@pytest.mark.parametrize(
    'page',
    [
        pytest.param(page, marks=[pytest.mark.slow] * (page == 'docs/training.md'))
        for page in PAGES
        if commands_of(page)
    ],
)
def test_commands_of_blocks(page, desk, capsys):
    write_config(page)
    failures = []
    for words in commands_of(page):
        line = ' '.join(words)
        run = is_run(line) and [page] == last_page(line)
        words = [EXAMPLES.get(word, word) for word in words]
        provide(desk, words, run)
        try:
            args = parse(words)
            assert not run or cli.run(words[1], args) == 0
        except (Exception, SystemExit) as error:
            told = capsys.readouterr()
            failures.append(f'{line}\n{error!r}\n{told.out[-500:]}\n{told.err[-500:]}')
    assert not failures, '\n\n'.join(failures)


def test_commands_in_the_text():
    """They may lack arguments: the command exists, and has these options."""
    failures = []
    for page in PAGES:
        for _, name, *words in commands_in_lines(page):
            options = [word for word in words if re.match('--[a-z]', word)]
            if name not in cli.COMMANDS:
                failures.append(f'{page}: {name}')
                continue
            if name == 'mmaction' and words and words[0] != 'NAME':
                with open(osp.join(TOOLS, f'{words[0]}.py'), encoding='utf-8') as file:
                    known = file.read()
            else:
                known = cli.load(name).parser().format_help()
            failures += [
                f'{page}: {name} {option}' for option in options if option not in known
            ]
    assert not failures


def is_run(line):
    """Whether a command is cheap enough, see PARSED and RUN."""
    return line.startswith(RUN) or not line.startswith((*PARSED, 'TOOLS='))


def write_config(page):
    """The config of one's own that the commands of a page name."""
    for block in blocks(page, 'python'):
        if block.text.startswith('# my_config.py'):
            with open('my_config.py', 'w', encoding='utf-8') as file:
                file.write(block.text)
                # Ten checkpoints would have 2 GB.
                file.write("model['neck'] = dict(num_layers=1)\n")


def provide(desk, words, run):
    """Make the files that a command reads; empty ones where it is parsed."""
    if words[:2] == ['bike', 'convert-checkpoint']:
        words = words[:3]
    elif words[:2] == ['bike', 'merge-checkpoints']:
        words = words[:4]
    configs = [word for word in words if is_config(word)]
    if 'mydata' in words and words[1] != 'data' and not osp.exists('mydata'):
        write_text('mydata/config.py')
    if '--index' in words and not osp.exists('index'):
        write_json('index/about.json', dict(format=1, config=DEFAULT_CONFIG))
    if 'ANNOTATIONS' in words:
        os.makedirs('ANNOTATIONS', exist_ok=True)
    for option, word in zip(words, words[1:]):
        if option == '--lexicon' and word.endswith('.txt') and not osp.exists(word):
            write_text(word, 'a phrase')
    for word in words:
        if not re.fullmatch(r'[\w./-]+\.(pth|pt)', word) or osp.exists(word):
            continue
        os.makedirs(osp.dirname(osp.abspath(word)), exist_ok=True)
        if run:
            desk.write_weights(word, *configs[:1])
        else:
            open(word, 'w').close()


def is_config(word):
    try:
        return bool(find_config(word))
    except FileNotFoundError:
        return False


def parse(words):
    """Read the arguments of a command as itself does it; raise what it says.

    Old names of configs, which still work with a warning, are errors.
    """
    for word in words:
        if re.fullmatch(r'configs/\S+', word):
            assert osp.isfile(word), f"no config '{word}'"
        elif re.fullmatch(r'(bike|vcs|clip)_[a-z0-9_]+', word):
            assert is_config(word), f"no config '{word}'"
    with warnings.catch_warnings():
        warnings.simplefilter('error', FutureWarning)
        return _parse(words)


def _parse(words):
    program, *rest = words
    if program == 'bike':
        return cli.read_arguments(rest[0], rest[1:], f'bike {rest[0]}')
    if program == 'bash':
        path, *rest = rest
        assert osp.isfile(path.replace('$TOOLS', TOOLS)) or osp.isfile(
            osp.join(ROOT, path)
        )
        command, taken = LAUNCHERS.get(osp.basename(path)[: -len('.sh')], (None, ()))
        if command and not path.startswith('$'):
            assert all(re.fullmatch(r'\w+', rest[i]) for i in taken)
            rest = [word for i, word in enumerate(rest) if i not in taken]
            cli.read_arguments(command, rest, command)
    elif program == 'python':
        path, *rest = rest
        assert osp.isfile(path.replace('$TOOLS', TOOLS)), path
        name = osp.basename(path)[: -len('.py')].replace('_', '-')
        if name in cli.COMMANDS and not path.startswith('$'):
            cli.read_arguments(name, rest, name)
    else:
        assert program == 'pip' or program.startswith('TOOLS=')
    return None
