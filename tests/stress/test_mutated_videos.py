"""A small size of the script; it fails where something is silently wrong."""

import os

from tests.stress.mutated_videos import is_bad, run, write_sources


def test_mutated_videos(tmp_path):
    sources = write_sources(str(tmp_path))
    verdicts = run(sources, 150, 1, str(tmp_path), workers=1, time_limit=20)
    names = {name for counts in verdicts.values() for name in counts}
    assert not [name for name in names if is_bad(name)]
    assert {'named', 'refused', 'same'} <= names
    assert sum(sum(counts.values()) for counts in verdicts.values()) == 150
    assert sorted(os.listdir(tmp_path)) == ['source.mp4', 'source.webm']
