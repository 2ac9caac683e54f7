"""A pytest plugin: writes down each test's outcome as soon as it is known.

A line of JSON each, in the file that ``HOST_OUTCOMES`` names: what a run that
crashes or hangs has done until then is there. Each test begins with the same
random numbers, so that none differs by chance between two runs.
"""

import json
import os
import random
import sys

import pytest

OUTCOMES = 'HOST_OUTCOMES'
_file = None


def pytest_configure(config):
    global _file
    if not hasattr(config, 'workerinput'):  # pytest-xdist reports to one process
        _file = open(os.environ[OUTCOMES], 'w', buffering=1, encoding='utf-8')


def _write(**line):
    if _file is not None:
        print(json.dumps(line), file=_file)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    random.seed(0)
    if 'numpy' in sys.modules:  # what no test has imported stays so
        sys.modules['numpy'].random.seed(0)
    if 'torch' in sys.modules:
        sys.modules['torch'].manual_seed(0)


def pytest_runtest_logstart(nodeid, location):
    _write(test=nodeid, phase='start')


def pytest_runtest_logreport(report):
    _write(
        test=report.nodeid,
        phase=report.when,
        outcome=report.outcome,
        reason=_reason(report),
    )


def pytest_collectreport(report):
    if report.failed:
        _write(
            test=report.nodeid,
            phase='import',
            outcome=report.outcome,
            reason=_reason(report),
        )


def pytest_sessionfinish(session, exitstatus):
    _write(phase='end', status=int(exitstatus))


def _reason(report):
    """The line that says why a test failed."""
    if not report.failed:
        return ''
    crash = getattr(report.longrepr, 'reprcrash', None)
    text = crash.message if crash else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ''
    return lines[0] if crash else lines[-1]
