"""Trainings that are killed go on; the whole of it is in ``tests/stress``."""

from tests.kit.tools import printed_by, run_python


def test_killed_trainings_go_on():
    out = printed_by(run_python('-m', 'tests.stress.kills', '4'))
    assert 'In all: 4 resumed' in out, out


def test_they_end_with_the_same_bits():
    """Two ranks with workers that live on; seeds of ranks, and no seed at all."""
    options = '--ranks 2 --workers 2p --places middle --data repeated'.split()
    out = printed_by(run_python('-m', 'tests.stress.identity', *options))
    assert '3 of 3 are equal' in out, out
