"""Frame embeddings at regular times, and texts found in them."""

import csv
import json
import os.path as osp
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.structures import ActionDataSample
from mmengine.dataset import Compose

from bike_mmaction.apis import embed_texts, embed_videos
from bike_mmaction.apis.retrieval import embedding as video_embeddings
from bike_mmaction.apis.retrieval import search
from bike_mmaction.apis.retrieval.index import SearchIndex
from bike_mmaction.apis.retrieval.regular_frames import regular_moments, regular_steps
from bike_mmaction.datasets.embedding_store import EmbeddingStore
from bike_mmaction.datasets.embedding_table import Video
from bike_mmaction.datasets.embedding_writer import StoreWriter
from bike_mmaction.datasets.pipeline_access import video_pipeline
from bike_mmaction.models.frame_encoder import FrameEncoder
from bike_mmaction.models.moments import Queries
from bike_mmaction.models.text_head import with_classes
from bike_mmaction.terminal import clock
from tests.kit.tools import printed_by, run_python
from tests.kit.videos import read_video, write_video


@pytest.fixture
def three(videos, tmp_path):
    """Two seconds each, at 25 frames a second; the second one is cut in half."""
    folder = tmp_path / 'videos'
    folder.mkdir()
    for number, path in enumerate(videos[2:5]):
        shutil.copy(path, folder / f'{number}.mp4')
    return folder


@pytest.fixture(scope='module')
def quick(bike):
    """Reads in this process."""
    bike.workers, before = 0, bike.workers
    yield bike
    bike.workers = before


def test_embeddings_are_of_the_frames_shown_then(quick, three, tmp_path):
    out = str(tmp_path / 'index')
    counts = embed_videos(quick, str(three), out, fps=4)
    (reason,) = counts.pop('unreadable').values()
    assert '1.mp4' in reason and 'moov' in reason
    assert counts == dict(videos=2, frames=16, seconds=4.0, damaged={})
    store = EmbeddingStore.open(out)
    path = f'{three}/2.mp4'
    entry = store.table.find(Video(path))
    times = store.times[entry.first : entry.first + entry.rows]
    np.testing.assert_allclose(times, np.arange(8) / 4 + 1 / 8)
    frames = read_video(path)[np.floor(times * 25 + 1e-6).astype(int)]
    sampled = dict(imgs=list(frames), modality='RGB', clip_len=8, num_clips=1)
    steps = regular_steps(video_pipeline(quick.model.cfg))
    steps = [step for step in steps if step['type'] != 'VideoDecode']
    images = Compose(steps)(dict(sampled, img_shape=frames.shape[1:3]))['inputs']
    expected = FrameEncoder(quick.model)([images])[0, 0]
    np.testing.assert_allclose(store.rows_of(Video(path)), expected, atol=1e-5)


def test_goes_on_and_adds(quick, three, tmp_path, monkeypatch):
    out, embedded = str(tmp_path / 'index'), []
    original = video_embeddings.read_parts

    def noting(files, *args):
        embedded.append([osp.basename(file) for file in files])
        return original(files, *args)

    monkeypatch.setattr(video_embeddings, 'read_parts', noting)
    embed_videos(quick, f'{three}/0.mp4', out)
    shutil.copy(three / '2.mp4', three / '1.mp4')  # was unreadable
    embed_videos(quick, str(three), out)
    write_video(three / '2.mp4', num_frames=100)  # another one now
    shutil.copy(three / '0.mp4', three / 'no\nline.mp4')  # costs itself alone
    counts = embed_videos(quick, [str(three), f'{three}/gone.mp4'], out)
    assert embedded == [['0.mp4'], ['1.mp4', '2.mp4'], ['2.mp4', 'gone.mp4']]
    assert counts['frames'] == 2 + 2 + 4 and len(counts['unreadable']) == 2
    assert 'has a line break' in counts['unreadable'][f'{three}/no\nline.mp4']
    embed_videos(quick, f'{three}/gone.mp4'.replace('gone', '0'), out, retry=True)
    assert embedded[-1] == []
    with pytest.raises(ValueError, match="another 'fps': 1.0, now it is 2.0"):
        embed_videos(quick, str(three), out, fps=2.0)
    with pytest.raises(ValueError, match="another 'dtype'"):
        embed_videos(quick, str(three), out, dtype='float16')
    assert embed_videos(quick, str(three), out, fps=2.0, overwrite=True)['frames'] == 16
    (tmp_path / 'videos.csv').write_text('of somebody else')
    with pytest.raises(FileExistsError, match='has a file videos.csv that is of no'):
        embed_videos(quick, str(three), str(tmp_path), overwrite=True)
    assert (tmp_path / 'videos.csv').read_text() == 'of somebody else'


def test_long_videos_are_read_in_parts_by_workers(bike, tmp_path, monkeypatch):
    """And a file that is lost costs itself alone."""
    files = [write_video(tmp_path / f'{i}.mp4', 30 + 40 * i, seed=i) for i in range(3)]
    one = embed_videos(bike, files, str(tmp_path / 'whole'), fps=25)
    monkeypatch.setattr('bike_mmaction.apis.retrieval.regular_frames.AT_ONCE', 7)
    bike.workers, before = 2, bike.workers
    try:
        other = embed_videos(bike, files, str(tmp_path / 'parts'), fps=25)
    finally:
        bike.workers = before
    assert one == other and one['frames'] == 30 + 70 + 110
    stores = [EmbeddingStore.open(str(tmp_path / n)) for n in ('whole', 'parts')]
    for file in files:
        rows = [store.rows_of(Video(file)) for store in stores]
        np.testing.assert_allclose(*rows, atol=1e-5)


@pytest.fixture
def hour(quick, tmp_path):
    """An index of ten hours, and what happens in the eighth for 4 seconds."""
    queries = embed_texts(quick, 'yoga')
    out = str(tmp_path / 'hours')
    encoder = FrameEncoder(quick.model)
    settings = dict(model=encoder.settings(), fps=1.0)
    rng, times = np.random.RandomState(0), regular_moments(3600, 1)
    with StoreWriter(out, settings, encoder.width) as store:
        for number in range(10):
            rows = rng.normal(0, 1, (3600, encoder.width))
            if number == 7:
                event = queries.targets[0] + 0.5 * queries.words[0].mean(0)
                rows[1800:1804] += 30 * F.normalize(event, dim=0).numpy()
            store.add(Video(f'/{number}.mp4'), 0, '', rows, times)
        store.finish({})
    return out


def test_a_brief_event_in_hours(quick, hour):
    first, other = search(quick, hour, ['yoga', 'a dog'], topk=3)
    assert first[0].video == '/7.mp4' and first[0].query == 'yoga'
    assert (first[0].start, first[0].end) == (1800, 1804)
    assert 1800 < first[0].peak < 1804
    assert first[0].score > first[1].score + 0.1 and len(other) == 3


def test_scored_as_a_clip(quick, tmp_path):
    """By the whole model, with its temporal transformer."""
    frames = quick.model.cfg.test_pipeline[1]['clip_len']
    file = write_video(tmp_path / 'clip.mp4', 25, seed=3)  # a second
    embed_videos(quick, file, str(tmp_path / 'index'), fps=frames)
    ((match,),) = search(quick, str(tmp_path / 'index'), 'yoga')
    rows = EmbeddingStore.open(str(tmp_path / 'index')).rows_of(Video(file))
    model = with_classes(quick.model, ['yoga'])
    with torch.no_grad():
        scores = model.score(torch.from_numpy(rows)[None, None], [ActionDataSample()])
    assert model.with_neck and match.score == round(scores.video.item(), 5)
    peak = scores.saliency.argmax().item()
    assert match.peak == round((peak + 0.5) / frames, 3)


def test_rows_of_files_that_have_changed_do_not_count():
    """They stay in the arrays until the index is made anew."""
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 8, generator=random)
    text = F.normalize(torch.randn(1, 8, generator=random), dim=-1)
    queries = Queries(text[:, None], None, text, 0.05)
    first, counts = np.array([0, 25]), np.array([25, 15])
    (expected,) = SearchIndex(rows, first, counts).search(queries, 2, 8)
    changed = torch.cat([rows, text.repeat(300, 1)])
    (moments,) = SearchIndex(changed, first, counts).search(queries, 2, 8)
    assert moments == expected


def test_refused_by_name(quick, hour, with_attributes, tmp_path):
    with pytest.raises(FileNotFoundError, match='`bike embed VIDEOS'):
        search(quick, str(tmp_path / 'gone'), 'yoga')
    with pytest.raises(ValueError, match='a text to search for is empty'):
        search(quick, hour, ['yoga', ' '])
    about = json.loads(open(f'{hour}/about.json').read())
    about['settings']['model']['sha256'] = '0' * 64
    about['config'] = 'other.py'
    with open(f'{hour}/about.json', 'w') as file:
        json.dump(about, file)
    with pytest.raises(ValueError, match='weights 00000000.* of other.py, not'):
        search(quick, hour, 'yoga')
    del about['settings']['fps']
    with open(f'{hour}/about.json', 'w') as file:
        json.dump(about, file)
    with pytest.raises(ValueError, match='has embeddings for training'):
        search(quick, hour, 'yoga')


def test_commands(folder, bike, three, tmp_path):
    """The model of the index is known from there."""
    out = tmp_path / 'index'
    model = ('--config', folder / 'small.py', '--checkpoint', folder / 'model.pth')
    done = run_python(
        *('-m', 'bike_mmaction', 'embed', three, '--out', out, '--fps', 5, *model)
    )
    assert done.returncode == 1 and '1.mp4' in done.stderr, done.stderr[-2000:]
    assert '2 videos, 20 frames; 1 could not be read' in done.stdout
    table, results = tmp_path / 'results.csv', tmp_path / 'results.json'
    printed = printed_by(
        run_python(
            *('-m', 'bike_mmaction', 'search', out, 'a dog', 'yoga', '--topk', 2),
            *('--window', 0.8, '--out', table, '--json', results),
        )
    )
    rows = json.loads(results.read_text())
    assert [row['query'] for row in rows] == ['a dog'] * 2 + ['yoga'] * 2
    with open(table) as file:
        read = list(csv.DictReader(file))
    assert [float(row['score']) for row in read] == [row['score'] for row in rows]
    expected = search(bike, str(out), ['a dog', 'yoga'], 2, 0.8)
    assert [m.to_dict() for of_text in expected for m in of_text] == rows
    for row in rows:
        assert f'{clock(row["start"], 1)} - {clock(row["end"], 1)}' in printed
