"""Many small checks in one test, which tells all that fail."""

import os.path as osp
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

import pytest


@contextmanager
def collected() -> Iterator[Callable]:
    """Go on after a check that fails, and fail at the end with all of them.

    with collected() as check:
        for name in names:
            with check(name):
                assert ...

    Yields:
        Callable: A context of one check, given what it is about. What it
        raises is noted under that.
    """
    failures, done = [], []

    @contextmanager
    def check(about: object) -> Iterator[None]:
        done.append(about)
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            failures.append(f'{about}: {_describe(error)}')

    yield check
    if failures:
        count = f'{len(failures)} of {len(done)} checks failed'
        pytest.fail('\n'.join([f'{count}:', *failures]), pytrace=False)
    assert done, 'nothing was checked'


def _describe(error: BaseException) -> str:
    """Where in the tests, and why, a check has failed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if osp.basename(f.filename).startswith('test_')]
    frame = (own or frames)[-1]
    why = str(error) if isinstance(error, AssertionError) else repr(error)
    return f'{osp.basename(frame.filename)}:{frame.lineno}: {why or frame.line}'
