"""Trainings that are killed go on; the whole of it is in ``tests/stress``."""

from tests.kit.tools import printed_by, run_python


def test_killed_trainings_go_on():
    out = printed_by(run_python('-m', 'tests.stress.kills', '4'))
    assert 'In all: 4 resumed' in out, out
