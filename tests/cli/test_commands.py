"""The command `bike`: what it answers before torch is imported."""

import argparse
import json
import subprocess
import sys

import pytest

from bike_mmaction.apis import export
from bike_mmaction.apis.inference import pictures
from bike_mmaction.cli import commands
from bike_mmaction.cli import export as export_command
from bike_mmaction.cli import infer as infer_command
from bike_mmaction.cli.mmaction_arguments import TEST, TRAIN, add_arguments
from bike_mmaction.cli.mmaction_tools import load_mmaction_tool
from bike_mmaction.evaluation.fusion import RELEASED
from bike_mmaction.models.text_head import PROMPT
from bike_mmaction.version import __version__
from tests.kit.tools import (
    environment,
    printed_by,
    run_process,
    run_python,
    start_process,
)

K400 = 'bike_vitb32_k400'
PORT = 'is not a whole number from 1 to 65535'
# Values that cannot be, places that cannot be written, options without effect.
WRONG = [
    (['infer', '.', '--topk', '0'], "argument --topk: '0' is not a whole number"),
    (['infer', '.', '--threshold', 'nan'], "--threshold: 'nan' is not in [0, 1]"),
    (['infer', '.', '--window', 'inf'], "--window: 'inf' is not a number above 0"),
    (['infer', '.', '--stride', '2'], '--stride needs --window'),
    (['infer', '.', '--formats', 'png'], '--formats needs --out-dir'),
    (['infer', '.', '--out-dir', '/dev/null/x'], "--out-dir: cannot write to '/dev"),
    (['infer', '.', '--classes', 'gone.txt'], "--classes='gone.txt' is no"),
    (['infer', '.', '--classes', 'a,a'], '--classes: named more than once: a'),
    (['infer', '.', '--lexicon', 'gone.txt'], "--lexicon='gone.txt' is no"),
    (['infer', 'gone.mp4'], "no such file or folder: 'gone.mp4'"),
    (['infer', '0', '--out-dir', 'x'], 'a camera or stream must be alone'),
    (['label', '.'], 'required: --out'),
    (['label', '.', '--out', 'x.json'], "--out 'x.json' must end with .jsonl, .csv"),
    (['label', '.', '--out', '/dev/null/x.csv'], "--out: cannot write to '/dev/null'"),
    (['label', '.', '--out', 'x.csv', '--stride', '2'], '--stride needs --window'),
    (['label', 'gone', '--out', 'x.csv'], "no such file or folder: 'gone'"),
    (['label', 'gone.mp4', '--out', 'x.csv'], "no such file or folder: 'gone.mp4'"),
    (['label', '.', '--out', 'x.csv', '--root', 'gone'], "--root: 'gone' does not"),
    (['label', '.', '--out', 'x.csv', '--prompt', 'a'], 'argument --prompt: '),
    (['data', '.'], 'required: --out'),
    (['data', 'gone', '--out', 'x'], "SOURCE: 'gone' does not exist"),
    (['data', '.', '--out', '/dev/null/x'], "--out: cannot write to '/dev/null"),
    (['data', '.', '--out', 'x', '--shares', '70,30'], "--shares: '70,30': expected"),
    (['data', '.', '--out', 'x', '--group-by', '('], "--group-by: '(' is no regular"),
    (['data', '.', '--out', 'x', '--base', 'bike_dmo'], "did you mean 'bike_demo'?"),
    (['data', '.', '--out', 'x', '--classes', 'gone.txt'], "class_names='gone.txt'"),
    (['embed', '.'], 'required: --out'),
    (['embed', 'gone', '--out', 'x'], "no such file or folder: 'gone'"),
    (['embed', '.', '--out', '/dev/null/x'], "--out: cannot write to '/dev/null/x'"),
    (['embed', '.', '--out', 'x', '--fps', '0'], "--fps: '0' is not a number above 0"),
    (['search', 'gone', 'a dog'], "'gone' does not exist: no frame embeddings"),
    (['search', '.', 'a dog'], "'.' is no folder of frame embeddings"),
    (['search', '.'], 'required: TEXT'),
    (['web', '--port', '99999999'], f"--port: '99999999' {PORT}"),
    (['web', '--port', '0'], f"--port: '0' {PORT}"),
    (['web', '--host', 'no.such.host'], "--host 'no.such.host' is no address"),
    (['web', '--host', '192.0.2.1'], "--host '192.0.2.1' is no address"),
    (['train', K400, '--evl'], 'unrecognized arguments: --evl'),
    (['train', K400, '--resme'], "--resme; did you mean '--resume'?"),
    (['train', K400, '--seed', '-1'], "--seed: '-1' is not a whole number from 0"),
    (['train', K400, '--work-dir', '/dev/null/x'], '--work-dir: cannot write to'),
    (['train', K400, '--resume', 'gone.pth'], "'gone.pth' does not exist"),
    (['test', K400, 'pretrained', '--interval', '0'], '--interval: '),
    (['test', K400, 'pretrained', '--interval', '5'], '--interval needs --show or'),
    (['test', K400, 'pretrained', '--wait-time', 'nan'], '--wait-time: '),
    (['test', K400, 'pretrained', '--wait-time', '1'], '--wait-time needs --show'),
    (['test', K400, 'pretrained', '--show-dir', '/dev/null/x'], '--show-dir: cannot'),
    (
        ['test-splits', K400, '--checkpoints', 'pretrained', '--work-dir', '/dev/null'],
        "--work-dir: cannot write to '/dev/null'",
    ),
    (
        ['generate-attributes', K400, '--lexicon', 'gone.txt', '--out', 'x'],
        "lexicon='gone.txt' is no existing file",
    ),
    (
        ['generate-attributes', K400, '--lexicon', 'ucf101', '--out', '/dev/null/x'],
        "--out: cannot write to '/dev/null'",
    ),
    (['export', K400, 'pretrained', 'x.txt'], "OUT 'x.txt' must end with .onnx or"),
    (['export', K400, 'pretrained', '/dev/null/x.pt2'], 'OUT: cannot write to'),
    (['export', K400, 'pretrained', 'x.pt2', '--batch', '-1'], '--batch: '),
    (['fuse-scores', 'gone.pkl'], "scores: 'gone.pkl' does not exist"),
    (['fuse-scores', 'x.pkl', '--weight', '2'], "--weight: '2' is not in [0, 1]"),
    (['prepare', 'ucf101', '--annotations', 'gone'], "'gone' is no folder"),
    (['prepare', 'ucf101', '--annotations', '.', '--fps', 'nan'], '--fps: '),
    (['convert-list', 'gone.txt', 'x', '--to', 'videos'], "'gone.txt' does not"),
    (['convert-labels', 'gone.csv', '--out', 'x.csv'], "LABELS: 'gone.csv' does not"),
    (['convert-labels', 'a.csv', '--out', 'x.json'], 'for another program add --to'),
    (
        ['convert-list', 'a', 'b', '--to', 'rawframes', '--extension', '.avi'],
        '--extension needs --to videos',
    ),
    (['reproduce', 'general', '--work-dir', '/dev/null/x'], '--work-dir: cannot'),
]
# Arguments, and what the answer begins with or contains.
ANSWERS = [
    ([], 'usage: bike COMMAND'),
    (['--help'], 'train '),
    (['--version'], f'bike_mmaction {__version__}'),
    (['trian'], "there is no command 'trian'; did you mean 'train'?"),
    (['nonsense'], "there is no command 'nonsense' ("),
    (['test_splits'], 'usage: bike test-splits'),
    (['train'], 'the following arguments are required: config'),
    (['train', 'bike_vitb31_k400'], "made; did you mean 'bike_vitb32_k400'"),
    (['train', 'absent/c.py'], "bike train: error: config 'absent/c.py' does not"),
    (['train', 'bike_vitb32_k400', '--sede', '1'], "--sede 1; did you mean '--seed'"),
    (['train', 'bike_vitb32_k400', '--epochs', '0'], "argument --epochs: '0' is"),
    (
        ['test', 'bike_vitb32_k400', 'none.pth'],
        "test: error: checkpoint 'none.pth' does not",
    ),
    (['test', 'bike_vitb32_k400', 'x', '--views', '5x2'], 'argument --views: '),
    (['test-splits', 'a', 'b', 'c', '--checkpoints', 'x', 'y'], '3 configs, but 2'),
    (['infer', 'v.mp4', '--pretrained', 'no.pt'], "'no.pt' does not exist"),
    (['infer', 'v.mp4', '--views', '9x9'], 'infer: error: '),
    (['infer', 'v.mp4', '--json', 'absent/x.json'], "cannot write 'absent/x.json'"),
    (
        ['web', '--config', 'nosuch'],
        "web: error: 'nosuch' is neither a config file nor",
    ),
    (['export', 'bike_vitb32_k400', 'x.pth', 'x.onnx'], "checkpoint 'x.pth' does not"),
    (['generate-attributes', 'nosuch', '--lexicon', 'x', '--out', 'y'], 'is neither'),
    (['fuse-scores', 'x.pkl', '--step', '0.1'], '--step needs --sweep'),
    (['merge-checkpoints', 'a', 'b', 'c'], "checkpoint 'a' does not exist"),
    (['convert-checkpoint', 'a', 'b'], "checkpoint 'a' does not exist"),
    (['reproduce', 'everything'], 'invalid choice: '),
    (['reproduce', 'general', '--index', 'x'], "--index 'x' does not exist"),
    (['prepare', 'ucf102', '--annotations', 'x'], "dataset 'ucf102' is unknown"),
    (['convert-list', 'a', 'b'], 'required: --to'),
    (['check-videos', 'bike_vitb32_k400', '--workers', '0'], '--workers: '),
    (['mmaction'], 'analysis_tools/get_flops  Get model flops and params'),
    (['mmaction', '--help'], 'analysis_tools/get_flops  Get model flops'),
    (['mmaction', 'misc/print_confg'], 'is in none of '),
    (['env', 'x'], 'unrecognized arguments: x'),
    *WRONG,
    *(([name, '--help'], f'usage: bike {name}') for name in commands.COMMANDS),
]
ASK = """
import contextlib, io, json, sys
import bike_mmaction_cli
answers = []
for argv in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            bike_mmaction_cli.main(argv)
        except SystemExit as end:
            print(end.code, file=out)
    slow = {'torch', 'mmaction', 'cv2', 'bike_mmaction'} & set(sys.modules)
    answers.append([out.getvalue(), sorted(slow)])
    if slow:
        break
json.dump(answers, sys.stdout)
"""


def test_answers_come_before_torch(tmp_path):
    """In a folder without anything: configs are found from anywhere."""
    asked = subprocess.run(
        [sys.executable, '-c', ASK],
        input=json.dumps([argv for argv, _ in ANSWERS]),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert asked.returncode == 0, asked.stderr
    answers = json.loads(asked.stdout)
    wrong = [
        f'bike {" ".join(argv)}: not {words!r}, but {answer[-300:]!r}; imports {slow}'
        for (argv, words), (answer, slow) in zip(ANSWERS, answers)
        if words not in answer or slow or 'Traceback' in answer
    ]
    assert not wrong, '\n'.join(wrong)
    assert len(answers) == len(ANSWERS)


def test_overview_has_a_line_for_each():
    overview = commands.overview()
    for name in commands.COMMANDS:
        summary = ' '.join(commands.first_line(commands.load(name)).split())
        assert summary.endswith('.') and f' {name} {summary}' in ' '.join(
            overview.split()
        )


@pytest.mark.parametrize('name', ['--help', *commands.COMMANDS])
def test_help_fits_a_terminal(name, monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '80')
    with pytest.raises(SystemExit):
        commands.choose([name]) if name == '--help' else commands.read_arguments(
            name, ['--help'], f'bike {name}'
        )
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5 and [line for line in lines if len(line) >= 80] == []


def test_registration_follows_the_arguments():
    """What was imported for the arguments is imported anew, and complete."""
    code = """
import sys, bike_mmaction_cli as cli
with cli.nothing_registered():
    import bike_mmaction.cli.train as early
    assert not hasattr(sys.modules['bike_mmaction'], '__version__')
assert not [name for name in sys.modules if name.startswith('bike_mmaction.')]
import bike_mmaction, bike_mmaction.cli.train as late
from mmaction.registry import MODELS
assert MODELS.get('CLIPRecognizer') and early is not late
with cli.nothing_registered():
    import bike_mmaction.cli.train as again
assert again is late and bike_mmaction.__version__
"""
    printed_by(run_process(sys.executable, '-W', 'ignore', '-c', code))


def test_package_as_a_program():
    done = run_process(sys.executable, '-W', 'ignore', '-m', 'bike_mmaction', 'env')
    assert done.returncode == 0, done.stderr
    assert f'bike_mmaction    {__version__}\n' in done.stdout
    assert 'torch ' in done.stdout and 'GPUs ' in done.stdout


@pytest.mark.parametrize('name, table', [('train', TRAIN), ('test', TEST)])
def test_arguments_are_those_of_mmaction(name, table, monkeypatch):
    """As MMAction2's own file adds them to its parser."""
    parsers = []

    def stop(parser, *args, **kwargs):
        parsers.append(parser)
        raise SystemExit

    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', stop)
    with pytest.raises(SystemExit):
        load_mmaction_tool(name).parse_args()
    own = argparse.ArgumentParser()
    add_arguments(own, table)
    expected, actual = (
        {
            tuple(action.option_strings) or action.dest: {
                key: value
                for key, value in vars(action).items()
                if key not in ('help', 'container', 'metavar')
            }
            | {'kind': type(action)}
            for action in parser._actions
        }
        for parser in (parsers[0], own)
    )
    assert actual == expected
    assert list(actual)[1] == list(expected)[1] == 'config'  # the first positional


def test_choices_are_those_of_the_package():
    """The commands repeat them: these modules import torch."""
    assert infer_command.FORMATS == pictures.FORMATS
    assert export_command.FORMATS == export.FORMATS
    for name, value in (('generate-attributes', PROMPT), ('fuse-scores', RELEASED)):
        text = commands.load(name).parser().format_help()
        assert f'{value}' in ' '.join(text.split())


def test_old_tool_names_the_new_one():
    done = run_python('tools/toolbox.py', '--help')
    assert done.returncode == 0
    assert 'toolbox.py is now tools/mmaction_tool.py' in done.stderr


@pytest.mark.parametrize('words', ['--help', 'train --help', 'doctor'])
def test_nobody_reads_on(words):
    """As `bike --help | head -1`: it ends, and says no more."""
    command = [sys.executable, '-u', '-m', 'bike_mmaction_cli', *words.split()]
    process = start_process(*command)
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(120) in (0, 141)
