"""One's own videos: files, folders, arrays, windows, streams."""

import http.server
import io
import json
import os.path as osp
import threading
import time

import decord
import numpy as np
import open_clip
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from PIL import Image

from bike_mmaction.apis import BIKEInferencer, ResultWriter
from bike_mmaction.apis.recognition import Recognition, describe
from bike_mmaction.apis.sources import ImageFolder, Source, find_sources, windows_of
from bike_mmaction.apis.streams import Stream, is_stream
from bike_mmaction.datasets.typed_names import read_classes
from bike_mmaction.models.text_head import with_classes
from bike_mmaction.shipped import find_config
from tests.kit import ROOT
from tests.kit.configs import load_config, shrink_model
from tests.kit.models import CLASSES, TINY_ARCH, write_checkpoint, write_clip
from tests.kit.tools import run_tool
from tests.kit.videos import write_frames, write_video

LEXICON = ['sea', 'wave', 'sun', 'grass']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('inferencer')


@pytest.fixture(scope='module')
def bike(folder):
    cfg = load_config('bike_vitb32_k400')
    shrink_model(cfg.model)
    cfg.model.backbone.pretrained = write_clip(
        folder / 'clip.pt', cfg.model.backbone.arch
    )
    checkpoint = write_checkpoint(MODELS.build(cfg.model), folder / 'model.pth')
    cfg.dump(folder / 'small.py')
    return BIKEInferencer(str(folder / 'small.py'), checkpoint, device='cpu')


@pytest.fixture(scope='module')
def with_attributes(folder, bike):
    """The same video branch, and a plugged-in attributes branch."""
    cfg = Config.fromfile(str(folder / 'small.py'))
    cfg.model.attributes_head = dict(
        type='AttributesTextHead', num_classes=400, class_names='kinetics400', mlp=False
    )
    return BIKEInferencer(
        cfg, str(folder / 'model.pth'), lexicon=LEXICON, num_attributes=3
    )


@pytest.fixture(scope='module')
def videos(folder):
    """Ten files, the fourth of them broken."""
    paths = [
        write_video(folder / f'videos/v{i}.mp4', seed=i, num_frames=50)
        for i in range(10)
    ]
    with open(paths[3], 'rb+') as file:
        file.truncate(osp.getsize(paths[3]) // 2)
    return paths


def test_nine_results_and_one_named_failure(bike, videos):
    found = bike(videos, CLASSES)
    assert [r.source for r in found] == videos
    assert [r.error is not None for r in found] == [i == 3 for i in range(10)]
    assert 'v3.mp4' in found[3].error and not found[3].predictions
    for recognition in found[:3] + found[4:]:
        values = [value for _, value in recognition.predictions]
        assert values == sorted(values, reverse=True)
        assert sum(values) == pytest.approx(1, abs=1e-5)
        assert recognition.label == recognition.predictions[0][0]
        assert set(recognition.saliency) == set(CLASSES)
        assert recognition.frames == [0, 6, 12, 18, 25, 31, 37, 43]
        for shares in recognition.saliency.values():
            assert len(shares) == 8 and sum(shares) == pytest.approx(1)
    json.dumps([r.to_dict() for r in found])


def test_batches_change_nothing(bike, videos):
    one, four = (bike(videos[:3], CLASSES, batch_size=size) for size in (1, 4))
    for a, b in zip(one, four):
        assert [n for n, _ in a.predictions] == [n for n, _ in b.predictions]
        np.testing.assert_allclose(
            [v for _, v in a.predictions], [v for _, v in b.predictions], rtol=1e-4
        )


def test_confidences_are_calibrated(bike, videos):
    """softmax(logit_scale · cosine), as the toolbox's own way gives it."""
    from mmaction.apis import inference_recognizer

    (found,) = bike(videos[0], CLASSES, topk=3)
    model = with_classes(bike.model, CLASSES, average_clips='score')
    model.cfg = load_config('bike_vitb32_k400')
    sample = inference_recognizer(model, videos[0])
    scale = bike.head.logit_scale.exp().item()
    expected = (scale * sample.pred_score).softmax(-1)
    for name, value in found.predictions:
        assert value == pytest.approx(expected[CLASSES.index(name)].item(), rel=1e-4)


def test_files_folders_and_arrays_agree(bike, videos, folder):
    (expected,) = bike(videos[0], CLASSES)
    frames = decord.VideoReader(videos[0])[:].asnumpy()
    write_frames(videos[0], str(folder / 'frames'), 'img_{:05}.png')
    for source in (frames, str(folder / 'frames'), folder / 'frames'):
        (found,) = bike(source, CLASSES)
        assert found.frames == expected.frames
        np.testing.assert_allclose(
            [v for _, v in found.predictions],
            [v for _, v in expected.predictions],
            rtol=1e-3,
        )
    assert len(bike(str(folder / 'videos'), CLASSES)) == 10


def test_class_names_are_embedded_once(bike, videos, embedded):
    for classes in (['one', 'two'], ['three'], ['one', 'two']):
        bike(videos[:2], classes, batch_size=1)
    bike.timeline(videos[0], ['three'], window=1)
    assert embedded == [('one', 'two'), ('three',)]


@pytest.fixture
def embedded(bike, monkeypatch):
    """The sets of class names that were given to the text tower."""
    found = []
    encoder = bike.head.text_encoder
    embed = encoder.embed

    def spy(texts, *args, **kwargs):
        start = len(bike.head.prompt) - 2
        found.append(tuple(text[start:] for text in texts))
        return embed(texts, *args, **kwargs)

    monkeypatch.setattr(encoder, 'embed', spy)
    return found


def test_classes_of_a_call_are_its_own(bike, videos):
    whole = len(bike.head.class_names)
    bike(videos[0], CLASSES)
    with pytest.warns(UserWarning, match='400 classes of the config'):
        (found,) = bike(videos[0], topk=whole)
    assert len(found.predictions) == whole == len(bike.classes)
    bike.set_classes(CLASSES)
    bike(videos[0], ['another'])
    (found,) = bike(videos[0])
    assert {name for name, _ in found.predictions} == set(CLASSES)
    bike._classes = None


def test_none_of_these(bike, videos):
    (found,) = bike(videos[0], CLASSES, threshold=0.999)
    assert found.label is None and found.predictions
    assert 'none of these' in describe(found)


def test_timeline(bike, videos):
    """50 frames at 25 a second: windows of a second, by half of one."""
    found = bike.timeline(videos[0], CLASSES, window=1)
    assert [r.segment for r in found] == [(0, 1), (0.5, 1.5), (1, 2)]
    assert found[1].frames == [12, 15, 18, 21, 24, 27, 30, 33]
    frames = decord.VideoReader(videos[0])[:].asnumpy()
    again = bike.timeline(frames, CLASSES, window=1)
    for a, b in zip(found, again):
        assert (a.frames, a.segment) == (b.frames, b.segment)
        np.testing.assert_allclose(
            [v for _, v in a.predictions], [v for _, v in b.predictions], rtol=1e-3
        )
    with pytest.raises(ValueError, match='fps=0 must be'):
        bike.timeline(frames, CLASSES, fps=0)
    (broken,) = bike.timeline(videos[3], CLASSES)
    assert 'v3.mp4' in broken.error and not broken.predictions
    with pytest.raises(ValueError, match='one video, got 10'):
        bike.timeline(videos, CLASSES)


def test_attributes_are_the_nearest_phrases(with_attributes, videos, folder):
    """Mean pooling by the CLIP that was not fine-tuned, here by open_clip."""
    (found,) = with_attributes(videos[0], CLASSES)
    clip = open_clip.CLIP(
        **Config.fromfile(str(folder / 'small.py')).model.backbone.arch
    )
    clip.load_state_dict(torch.load(folder / 'clip.pt'))
    clip.eval()
    batch = with_attributes.reader(*find_sources(videos[0]))
    inputs = with_attributes.model.data_preprocessor(
        dict(inputs=[batch['inputs']], data_samples=[batch['data_samples']])
    )['inputs']
    with torch.no_grad():
        frames = clip.encode_image(inputs[0, 0].transpose(0, 1))
        texts = clip.encode_text(
            open_clip.tokenize(
                [f'This is a video about {phrase}' for phrase in LEXICON]
            )
        )
    cosines = torch.cosine_similarity(frames.mean(0), texts)
    best = cosines.argsort(descending=True)[:3].tolist()
    assert [name for name, _ in found.attributes] == [LEXICON[i] for i in best]
    np.testing.assert_allclose(
        [value for _, value in found.attributes], cosines[best], atol=1e-5
    )


def test_both_branches_are_fused(bike, with_attributes, videos):
    """In the order of a test, and not in that of the video branch alone."""
    model, names = with_attributes.model, CLASSES + ['wave and sun']
    model.fusion_weight = 0.2
    (found,) = with_attributes(videos[0], names)
    assert not bike(videos[0], names)[0].attributes
    batch = with_attributes.reader(*find_sources(videos[0]))
    with torch.no_grad():
        (sample,) = with_classes(model, names).test_step(
            dict(inputs=[batch['inputs']], data_samples=[batch['data_samples']])
        )
    assert sample.attributes == [name for name, _ in found.attributes]
    expected = sample.pred_score ** model.cls_head.logit_scale.exp().item()
    expected /= expected.sum()
    video = sample.video_score.argsort(descending=True).tolist()
    order = sample.pred_score.argsort(descending=True).tolist()
    assert order != video
    assert [name for name, _ in found.predictions] == [names[i] for i in order]
    np.testing.assert_allclose(
        [value for _, value in found.predictions], expected[order], rtol=1e-5
    )
    model.fusion_weight = 0.7


def test_attributes_branch_without_lexicon(folder, with_attributes):
    cfg = with_attributes.model.cfg.copy()
    cfg.model = dict(cfg.model, association=None)
    with pytest.raises(ValueError, match='name a lexicon'):
        BIKEInferencer(cfg, str(folder / 'model.pth'))


def test_lexicon_needs_a_clip_recognizer():
    cfg = Config(dict(model=dict(type='Recognizer2D')))
    with pytest.raises(ValueError, match="needs a CLIPRecognizer.*'Recogni"):
        BIKEInferencer(cfg, lexicon=LEXICON)


def test_repeated_frames_are_told(bike, folder):
    short = write_video(folder / 'short.mp4', num_frames=1)
    (found,) = bike(short, CLASSES)
    assert 'only 1 of the 8 frames' in found.warning
    assert found.warning in describe(found)


def test_one_class_alone(bike, videos):
    """Whatever the video shows, and whatever the threshold."""
    (found,) = bike(videos[0], ['another'], threshold=1)
    assert found.label == 'another'
    assert 'one class alone has a confidence of 1' in describe(found)
    assert bike(videos[0], CLASSES)[0].warning is None


class TestWriter:
    def test_whole_video(self, with_attributes, videos, tmp_path):
        writer = ResultWriter(tmp_path, ('json', 'png', 'mp4', 'gif'))
        (found,) = with_attributes(videos[0], CLASSES, writer=writer)
        content = json.loads((tmp_path / 'v0_bike.json').read_text())
        assert content == json.loads(json.dumps(found.to_dict()))
        with Image.open(tmp_path / 'v0_bike.png') as picture:
            assert picture.width > 800
        video = decord.VideoReader(str(tmp_path / 'v0_bike.mp4'))
        assert len(video) == 50 and video.get_avg_fps() == 25
        # 64 x 48 pixels become 480 x 360, over 3 rows and the strip.
        assert video[0].shape == (360 + 3 * 24 + 40 + 8, 480, 3)
        with Image.open(tmp_path / 'v0_bike.gif') as gif:
            assert gif.n_frames == 17  # each third: 8 a second

    def test_frames_are_those_of_the_video(self, bike, videos, tmp_path):
        writer = ResultWriter(tmp_path, ['mp4'])
        bike(videos[0], CLASSES, writer=writer)
        original = decord.VideoReader(videos[0])
        written = decord.VideoReader(str(tmp_path / 'v0_bike.mp4'))
        for i in (0, 25, 49):  # the number of a frame is its brightness
            rows = original[i].asnumpy()[:6], written[i].asnumpy()[:45]
            assert abs(rows[0].mean() - rows[1].mean()) < 8

    def test_timeline(self, bike, videos, tmp_path):
        writer = ResultWriter(tmp_path, threshold=0.4)
        found = bike.timeline(videos[0], CLASSES, window=1, writer=writer)
        content = json.loads((tmp_path / 'v0_bike.json').read_text())
        assert [r['segment'] for r in content] == [[0, 1], [0.5, 1.5], [1, 2]]
        assert content[2]['predictions'][0][0] == found[2].predictions[0][0]
        assert {p.name for p in tmp_path.iterdir()} == {
            'v0_bike.json',
            'v0_bike.png',
            'v0_bike.mp4',
        }

    def test_broken_videos_and_equal_names(self, bike, videos, tmp_path):
        frames = decord.VideoReader(videos[0])[:8].asnumpy()
        writer = ResultWriter(tmp_path, ('json', 'png'))
        bike([frames, videos[3], frames], CLASSES, writer=writer)
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            'array_bike.json',
            'array_bike.png',
            'array_bike_2.json',
            'array_bike_2.png',
            'v3_bike.json',
        ]
        assert 'v3.mp4' in json.loads((tmp_path / 'v3_bike.json').read_text())['error']

    def test_unknown_format(self, tmp_path):
        with pytest.raises(ValueError, match="'avi'.*'mp4'"):
            ResultWriter(tmp_path, ['avi'])

    def test_the_video_itself_is_left_alone(self, bike, tmp_path):
        """Results may lie beside it."""
        path = write_video(tmp_path / 'a.mp4', num_frames=9)
        before = (tmp_path / 'a.mp4').read_bytes()
        for _ in range(2):
            bike(path, CLASSES, writer=ResultWriter(tmp_path))
        assert (tmp_path / 'a.mp4').read_bytes() == before
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            'a.mp4',
            'a_bike.json',
            'a_bike.mp4',
            'a_bike.png',
        ]

    def test_damage_between_the_frames(self, bike, folder, tmp_path):
        """The pictures are lost, but neither the result nor other videos."""
        frames = folder / 'damaged'
        write_frames(write_video(folder / 'to_damage.mp4'), str(frames), 'i{:02}.png')
        (frames / 'i02.png').write_text('no image')
        good = write_video(folder / 'good.mp4')
        writer = ResultWriter(tmp_path, ('json', 'mp4'))
        found = bike([frames, good], CLASSES, writer=writer)
        assert found[0].label and "no 'damaged_bike.mp4'" in found[0].warning
        assert 'i02.png' in found[0].warning and not found[1].warning
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            'damaged_bike.json',
            'good_bike.json',
            'good_bike.mp4',
        ]

    @pytest.mark.parametrize('size', [(1024, 16), (32, 640), (50, 38)])
    def test_shapes(self, bike, size, tmp_path):
        path = write_video(tmp_path / 'a$b$ (x).mp4', 9, size)
        writer = ResultWriter(tmp_path / 'out', ('png', 'mp4', 'gif'))
        (found,) = bike(path, ['a $5', 'b $x_{$', '_c'], writer=writer)
        assert found.warning is None
        assert len(list((tmp_path / 'out').iterdir())) == 3

    def test_frames_that_are_too_narrow(self, bike, tmp_path):
        path = write_video(tmp_path / 'narrow.mp4', 9, (16, 640))
        (found,) = bike(path, CLASSES)
        assert 'narrow.mp4' in found.error and '(640, 16, 6)' in found.error

    def test_a_window_that_is_unreadable(self, bike, tmp_path, folder):
        frames = folder / 'window'
        write_frames(
            write_video(folder / 'windows.mp4', num_frames=75),
            str(frames),
            'i{:02}.png',
        )
        (frames / 'i60.png').write_text('no image')
        writer = ResultWriter(tmp_path, ('json', 'png'))
        found = bike.timeline(str(frames), CLASSES, window=1, stride=1, writer=writer)
        assert [r.error is None for r in found] == [True, True, False]
        assert (tmp_path / 'window_bike.png').exists()

    def test_videos_with_an_unreadable_window(self, bike, videos, tmp_path):
        found = bike.timeline(videos[0], CLASSES, window=1)
        found[1] = Recognition(videos[0], segment=found[1].segment, error='-')
        writer = ResultWriter(tmp_path, ['mp4', 'gif'])
        assert len(writer.write(*find_sources(videos[0]), found)) == 2
        assert found[0].warning is None

    def test_folder_of_frames_that_is_here(self, bike, folder, tmp_path, monkeypatch):
        write_frames(
            write_video(folder / 'here.mp4', 9), str(folder / 'x.v2'), '{}.png'
        )
        monkeypatch.chdir(folder / 'x.v2')
        (found,) = bike('.', CLASSES, writer=ResultWriter(tmp_path, ['json']))
        assert (tmp_path / 'x.v2_bike.json').exists()


def test_file_without_suffix_is_itself(bike, videos, folder):
    """The toolbox would open another, with .mp4."""
    write_video(folder / 'other.mp4', num_frames=16, seed=5)
    with open(videos[0], 'rb') as file:
        (folder / 'other').write_bytes(file.read())
    (found,) = bike(str(folder / 'other'), CLASSES)
    assert found.frames == bike(videos[0], CLASSES)[0].frames


def test_numbers_of_images_count_as_numbers(folder):
    path = folder / 'numbers'
    path.mkdir()
    for i in (1, 2, 10, 11):
        (path / f'{i}.png').touch()
    names = [osp.basename(p) for p in ImageFolder(path).paths]
    assert names == ['1.png', '2.png', '10.png', '11.png']


def test_random_weights_are_refused(bike, folder):
    cfg = Config.fromfile(str(folder / 'small.py'))
    with pytest.raises(ValueError, match=r"'neck', 'cls_head.text_encoder'"):
        BIKEInferencer(cfg)


@pytest.mark.parametrize(
    'text,expected',
    [
        ('yoga', ['yoga']),
        ('a dog, yoga', ['a dog', 'yoga']),
        ('kinetics400', 'kinetics400'),
        ('imagenet1k', 'imagenet1k'),
        ('absent.txt', 'absent.txt'),
    ],
)
def test_classes_as_typed(text, expected):
    assert read_classes(text) == expected


def test_ranks_are_those_of_the_test(bike, videos):
    """Also of a model that averages cosines, with several views."""
    bike.head.average_clips = 'score'
    (found,) = bike(videos[0], CLASSES)
    bike.head.average_clips = 'prob'
    (again,) = bike(videos[0], CLASSES)
    for (name, value), other in zip(found.predictions, again.predictions):
        assert name == other[0]  # of one view both are equal
        assert value == pytest.approx(other[1], rel=1e-4)


class Camera(http.server.BaseHTTPRequestHandler):
    """Two seconds of ever brighter images, as network cameras send them."""

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for i in range(40):
            image = io.BytesIO()
            Image.fromarray(np.full((48, 64, 3), 6 * i, np.uint8)).save(image, 'JPEG')
            self.wfile.write(
                b'--frame\r\nContent-Type: image/jpeg\r\n\r\n'
                + image.getvalue()
                + b'\r\n'
            )
            time.sleep(0.05)

    def log_message(self, *_):
        pass


@pytest.fixture
def camera():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Camera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/camera.mjpg'
    server.shutdown()


class TestStream:
    def test_windows_follow_the_present(self, bike, camera):
        found = list(bike.stream(camera, CLASSES, window=0.8, stride=0.4, fps=10))
        assert len(found) >= 2
        for before, after in zip(found, found[1:]):
            assert after.segment[0] > before.segment[0]
            assert after.segment[1] - before.segment[1] >= 0.4
        for recognition in found:
            begin, end = recognition.segment
            assert 0 < end - begin <= 0.8
            assert set(dict(recognition.predictions)) == set(CLASSES)
            assert max(recognition.frames) < 0.8 * 10

    def test_images_are_those_of_the_camera(self, camera):
        with Stream(camera, 0.5, 10) as stream:
            source, _ = next(stream.windows(1))
        levels = [image.mean() for image in source.content]
        assert 3 <= len(levels) <= 6 and source.name == camera
        assert (np.diff(levels) > 0).all()

    def test_no_camera(self):
        with pytest.raises(ValueError, match='cannot open.*127.0.0.1'):
            Stream('http://127.0.0.1:9/none', 1, 8)

    def test_file_is_no_stream(self, videos):
        """It would be read faster than it plays."""
        with pytest.raises(ValueError, match='a file of 50 frames'):
            Stream('file://' + osp.abspath(videos[0]), 1, 8)

    def test_errors_of_the_reader_arrive(self, bike, camera):
        with pytest.raises(ZeroDivisionError), Stream(camera, 1, 8) as stream:
            stream._period = 0  # of its own doing none is known
            next(stream.windows(1))

    @pytest.mark.parametrize(
        'name,expected',
        [
            ('0', True),
            (0, True),
            ('rtsp://host/path', True),
            ('video.mp4', False),
            (ROOT, False),
        ],
    )
    def test_names(self, name, expected):
        assert is_stream(name) == expected

    def test_command_line(self, bike, folder, camera, capsys):
        run_tool(
            'infer',
            camera,
            '--config',
            folder / 'small.py',
            '--checkpoint',
            folder / 'model.pth',
            '--classes',
            'a,b',
            '--window',
            0.5,
            '--stride',
            0.5,
            '--json',
            folder / 'stream.json',
        )
        found = json.loads((folder / 'stream.json').read_text())
        lines = capsys.readouterr().out.strip().splitlines()[-len(found) :]
        assert len(found) >= 2
        for line in lines:
            assert line.startswith('camera.mjpg ') and 'frames' in line


@pytest.mark.parametrize(
    'window,stride,starts',
    [(4, 2, [0, 2, 4, 6]), (4, 4, [0, 4, 6]), (3, 10, [0, 7]), (20, 5, [0])],
)
def test_windows_reach_the_end(window, stride, starts):
    source = Source('array', [0] * 250)
    found = windows_of(source, window, stride)
    assert [s.segment[0] for s in found] == starts
    assert found[-1].segment[1] == 10


@pytest.mark.parametrize(
    'inputs,error,message',
    [
        (7, TypeError, 'a path, an array'),
        (np.zeros((4, 8, 8), dtype=np.uint8), ValueError, r'\(4, 8, 8\)'),
        (np.zeros((4, 8, 8, 3)), ValueError, 'uint8, got .* float64'),
    ],
)
def test_unfit_inputs(inputs, error, message):
    with pytest.raises(error, match=message):
        find_sources(inputs)


def test_files_of_macos_are_no_sources(tmp_path):
    for name in ('._1.png', '1.png', '._a.mp4'):
        (tmp_path / name).touch()
    (source,) = find_sources(str(tmp_path))  # the frames of one video
    assert [osp.basename(path) for path in source.content.paths] == ['1.png']
    (tmp_path / 'a.mp4').touch()
    found = find_sources(str(tmp_path))
    assert [osp.basename(source.name) for source in found] == ['a.mp4']


def test_empty_folder(tmp_path):
    with pytest.raises(ValueError, match='neither videos .* nor images'):
        find_sources(str(tmp_path))


def test_other_heads_are_refused(folder):
    cfg = load_config('clip_vitb32_tsn_k400')
    cfg.model.backbone.update(arch=TINY_ARCH, pretrained=None)
    with pytest.raises(ValueError, match='is a VCSHead, got TSNHead'):
        BIKEInferencer(cfg, 'pretrained', device='cpu')


def test_command_line(bike, videos, folder, capsys):
    args = [
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        ','.join(CLASSES),
        '--device',
        'cpu',
        '--json',
        folder / 'out.json',
    ]
    run_tool('infer', *videos[:2], *args)
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-2].startswith('v0.mp4: ') and '%' in lines[-1]
    found = json.loads((folder / 'out.json').read_text())
    assert [r['source'] for r in found] == videos[:2]
    with pytest.raises(SystemExit) as end:
        run_tool('infer', *videos[2:4], *args)
    assert end.value.code == 1  # one could not be read
    run_tool('infer', videos[0], *args, '--window', 1)
    assert len(json.loads((folder / 'out.json').read_text())) == 3


def test_command_line_writes_pictures(bike, videos, folder, tmp_path):
    run_tool(
        'infer',
        videos[0],
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        'a dog, yoga',
        '--lexicon',
        ','.join(LEXICON + ['sand']),
        '--out-dir',
        tmp_path,
        '--formats',
        'json',
        'png',
    )
    found = json.loads((tmp_path / 'v0_bike.json').read_text())
    assert set(found['saliency']) == {'a dog', 'yoga'}
    assert len(found['attributes']) == 5
    assert osp.getsize(tmp_path / 'v0_bike.png') > 10000


def test_default_model_is_clip(videos, tmp_path, monkeypatch):
    """Its weights are to be downloaded, which is not allowed here."""
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path))
    with pytest.raises(SystemExit) as end:
        run_tool('infer', videos[0], '--classes', 'a,b')
    assert "weights 'openai' of ViT-B-16" in end.value.code


def test_results_that_cannot_be_written(videos, folder):
    with pytest.raises(SystemExit) as end:
        run_tool('infer', videos[0], '--json', folder / 'absent' / 'x.json')
    assert 'absent/x.json' in end.value.code


def test_windows_of_a_folder(bike, videos, folder, tmp_path):
    for i in range(2):
        (tmp_path / f'v{i}.mp4').symlink_to(videos[i])
    run_tool(
        'infer',
        tmp_path,
        '--config',
        folder / 'small.py',
        '--checkpoint',
        folder / 'model.pth',
        '--classes',
        'a,b',
        '--window',
        2,
        '--json',
        tmp_path / 'out.json',
    )
    found = json.loads((tmp_path / 'out.json').read_text())
    assert [osp.basename(r['source']) for r in found] == ['v0.mp4', 'v1.mp4']


def test_configs_are_found_by_name():
    path = find_config('vcs_tsm_resnet50_k400')
    assert osp.samefile(
        path, osp.join(ROOT, 'configs/backbones/vcs_tsm_resnet50_k400.py')
    )
    with pytest.raises(FileNotFoundError, match="'nosuch' is neither"):
        find_config('nosuch')
