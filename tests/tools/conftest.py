import sys

import pytest

from tests.kit.tools import refusal, tool


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Run a script of ``tools/data`` in this process."""

    def run(name, *args):
        """Exit status or message, and what it printed."""
        monkeypatch.setattr(sys, 'argv', [name, *map(str, args)])
        try:
            status = tool(f'data/{name}').main() or 0
        except SystemExit as end:
            status = end.code
        captured = capsys.readouterr()
        if status == 2:  # argparse prints its message
            status = captured.err
        return status, captured.out

    return run


@pytest.fixture
def refuse():
    """Message of a script of ``tools/data`` that must fail."""
    return lambda name, *args: refusal(f'data/{name}', *args)
