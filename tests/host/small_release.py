"""An archive in the layout of MMAction2's releases, with a few small tests."""

import io
import tarfile
import textwrap

TOP = 'mmaction2-1.2.0'
SMALL = {
    'setup.cfg': """
        [tool:pytest]
        addopts = --no-such-option
        """,
    'tools/data/label_map.txt': 'archery\nbowling\n',
    'tests/data/list.txt': 'a.mp4 0\nb.mp4 1\n',
    'tests/datasets/__init__.py': '',
    'tests/datasets/base.py': """
        import os.path as osp

        DATA = osp.join(osp.dirname(osp.dirname(__file__)), 'data')
        """,
    'tests/datasets/test_transforms.py': """
        import random

        from mmaction.datasets import VideoDataset
        from mmaction.datasets.transforms import SampleFrames

        from .base import DATA


        def test_sampling():
            sample = SampleFrames(clip_len=1, num_clips=4, test_mode=True)
            results = sample(dict(total_frames=8, start_index=0))
            assert results['frame_inds'].tolist() == [1, 3, 5, 7]


        def test_list():
            videos = VideoDataset(f'{DATA}/list.txt', [])
            assert [videos.get_data_info(i)['label'] for i in range(2)] == [0, 1]


        def test_names():
            with open('tools/data/label_map.txt') as file:
                assert len(file.readlines()) == 2


        def test_same_start():
            assert random.random() == random.Random(0).random()
        """,
    'tests/test_heads.py': """
        def test_head():  # of a wheel without a part of its models
            from mmaction.models import TSNHead

            TSNHead(num_classes=2, in_channels=3)
        """,
    'tests/test_registry.py': """
        import pytest
        from mmaction.registry import MODELS


        def test_no_recognizer_of_plugins():
            is_known = 'CLIPRecognizer' in MODELS.module_dict
            assert not is_known


        def test_broken():
            assert MODELS is None


        @pytest.fixture
        def left_behind():
            yield
            assert 'CLIPRecognizer' not in MODELS.module_dict, 'left behind'


        def test_teardown(left_behind):
            pass


        def test_skipped():
            pytest.skip('needs a GPU')
        """,
    'tests/test_alone.py': """
        import sys

        if 'bike_mmaction' in sys.modules:
            raise ImportError('somebody was here before')


        def test_alone():
            pass
        """,
    'tests/test_z_last.py': """
        import os
        import sys


        def test_crash():
            if 'bike_mmaction' in sys.modules:
                os._exit(3)


        def test_after_crash():
            pass
        """,
}
HANGING = {
    'tests/test_time.py': """
        import time


        def test_quick():
            pass


        def test_hangs():
            time.sleep(600)
        """
}


def write_release(path, files, top=TOP):
    """Write an archive of texts, by the paths of their files below ``top``."""
    with tarfile.open(path, 'w:gz') as tar:
        for name, text in files.items():
            content = textwrap.dedent(text).encode()
            member = tarfile.TarInfo(f'{top}/{name}')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return str(path)
