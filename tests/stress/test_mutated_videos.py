"""A small size of the script; it fails where something is silently wrong."""

import os

from tests.stress import mutated_programs
from tests.stress.mutated_videos import is_bad, run, write_sources


def test_mutated_videos(tmp_path):
    sources = write_sources(str(tmp_path))
    verdicts = run(sources, 150, 1, str(tmp_path), workers=1, time_limit=20)
    names = {name for counts in verdicts.values() for name in counts}
    assert not [name for name in names if is_bad(name)]
    assert {'named', 'refused', 'same'} <= names
    assert sum(sum(counts.values()) for counts in verdicts.values()) == 150
    assert sorted(os.listdir(tmp_path)) == ['source.mp4', 'source.webm']


def test_programs(tmp_path):
    sources = write_sources(str(tmp_path))
    verdicts = mutated_programs.run(['infer', 'check'], sources, 40, 0, str(tmp_path))
    assert set(verdicts['infer']) <= {'named', 'same', 'checksum'}
    assert set(verdicts['check']) == {'named', 'checksum'}
    assert verdicts['infer']['same'] and verdicts['infer']['named'] >= 20
    assert sum(verdicts['infer'].values()) == sum(verdicts['check'].values()) == 40
