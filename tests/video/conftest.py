import pytest

from tests.kit.video_kinds import write_kinds


@pytest.fixture(scope='session')
def files(unchanged):
    """Paths of a file of each kind, by name."""
    return unchanged('kinds', write_kinds)


@pytest.fixture
def long_files(monkeypatch):
    """Files are read as if they were too long to keep anything of them."""
    monkeypatch.setattr('bike_mmaction.video.packets.KEPT_BYTES', 0)
    monkeypatch.setattr('bike_mmaction.video.pyav_backend.KEPT_BYTES', -1)
    monkeypatch.setattr('bike_mmaction.video.pyav_backend.LONG_BYTES', 0)
