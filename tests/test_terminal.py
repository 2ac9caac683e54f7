"""Names that would steer a terminal are shown, not obeyed."""

import json
import logging
import warnings

import pytest
from mmengine.logging.logger import MMFormatter

from bike_mmaction.apis.inference.recognition import Recognition, describe
from bike_mmaction.cli import commands
from bike_mmaction.cli.mistakes import mistakes_in_one_line
from bike_mmaction.files import write_json
from bike_mmaction.terminal import clock, printable
from tests.kit.tools import outcome

# Colour, title of the window, back to the begin of the line, an escape of one
# byte, the other direction, half of a character.
EVIL = 'a\x1b[31m\x1b]0;title\x07\r\x9b2J\u202e\udcff'
SHOWN = r'a\x1b[31m\x1b]0;title\x07\r\x9b2J\u202e\udcff'


def test_printable():
    assert printable(f'{EVIL}\n\tä 中 😀 \\') == f'{SHOWN}\n\tä 中 😀 \\'
    assert printable('a\nb', in_one_line=True) == r'a\nb'


def test_what_is_recognized(tmp_path):
    """The line for people; the file keeps the name."""
    name = EVIL.replace('\udcff', '\nb.mp4: ')
    shown = SHOWN.replace(r'\udcff', r'\nb.mp4: ')
    recognition = Recognition(
        f'{name}.mp4', [(name, 0.5)], name, attributes=[(name, 0.1)], warning=name
    )
    line = f'{shown}.mp4: {shown} ({shown} 50.0 %); {shown}; {shown}'
    assert describe(recognition) == line
    write_json(str(tmp_path / 'a.json'), recognition.to_dict())
    assert json.loads((tmp_path / 'a.json').read_text())['label'] == name


def test_errors_options_and_output(tmp_path, capsys):
    message, _ = outcome('fuse_scores', tmp_path / EVIL)
    assert message.endswith(f"{SHOWN}' does not exist")
    message, _ = outcome('fuse_scores', 'a.pkl', f'--{EVIL}')
    assert SHOWN in message and '\x1b' not in message
    with pytest.raises(SystemExit):
        commands.choose([EVIL])
    assert f"no command '{SHOWN}'" in capsys.readouterr().err
    with mistakes_in_one_line('bike'):
        warned = warnings.formatwarning(EVIL, UserWarning, 'f.py', 1, line='')
    assert warned == f'f.py:1: UserWarning: {SHOWN}\n'


def test_log():
    record = logging.LogRecord('mmengine', logging.INFO, '', 1, '%s', (EVIL,), None)
    assert MMFormatter(color=False).format(record).endswith(SHOWN)


def test_clock():
    texts = {
        (0, 0): '0.0 s',
        (2.44, 0): '2.4 s',
        (59.94, 1): '59.9 s',
        (59.96, 0): '1:00',
        (59.96, 1): '1:00.0',
        (62.4, 0): '1:02',
        (125, 1): '2:05.0',
        (3605, 0): '1:00:05',
        (3725.04, 1): '1:02:05.0',
    }
    assert {times: clock(*times) for times in texts} == texts
