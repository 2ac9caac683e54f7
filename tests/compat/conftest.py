import pytest


@pytest.fixture
def without(monkeypatch):
    """Takes a remedy off a function of a class or module, for one test."""

    def take_off(owner, name):
        original = getattr(owner, name).__wrapped__
        if isinstance(vars(owner)[name], staticmethod):
            original = staticmethod(original)
        monkeypatch.setattr(owner, name, original)

    return take_off
