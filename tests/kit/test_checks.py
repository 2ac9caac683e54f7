"""``collected`` hides no failure."""

import pytest

from tests.kit.checks import collected


def test_all_failures_are_told():
    with pytest.raises(pytest.fail.Exception) as failed, collected() as check:
        for number in range(4):
            with check(f'number {number}'):
                assert number % 2, 'even'
                assert number != 3 or {}['three']
    told = str(failed.value)
    assert told.startswith('3 of 4 checks failed:')
    for text in ('number 0: test_checks.py:', 'number 2: ', "KeyError('three')"):
        assert text in told
    assert 'number 1' not in told


def test_what_is_not_raised_is_a_failure():
    with pytest.raises(pytest.fail.Exception, match='2 of 2'), collected() as check:
        for number in range(2):
            with check(number), pytest.raises(ValueError):
                int(number)


def test_nothing_to_check_is_a_failure():
    with pytest.raises(AssertionError, match='nothing was checked'), collected():
        pass
