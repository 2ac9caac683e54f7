"""Several videos at once."""

import csv
import io
import json
import shutil

import httpx
import pytest

from bike_mmaction.apis.inference.recognition import Recognition
from bike_mmaction.datasets.result_tables import SEVERAL
from bike_mmaction.web.jobs import Jobs
from bike_mmaction.web.limits import Limits
from bike_mmaction.web.models import Wanted
from bike_mmaction.web.tables import tabulate_videos, write_results
from tests.kit.videos import write_video
from tests.kit.web_client import META, bytes_under, write_mpeg4

pytest.importorskip('gradio', reason='Gradio is not installed')


def rows_of(visit):
    """Name, answer and confidence of each video, as they are shown."""
    return [
        [cell.text for cell in row.find_elements('css selector', 'td')[1:]]
        for row in visit.all('#table tr')[1:]
    ]


@pytest.mark.slow
class TestInBrowser:
    def test_table_of_videos(self, rich_visit, folder, tmp_path, trained):
        visit = rich_visit
        names = ['one.mp4', 'broken.mp4', 'old ${1+1} {{2}} &lt;.avi', 'notes.txt']
        videos = [tmp_path / name for name in names]
        write_video(videos[0], num_frames=50)
        shutil.copy(folder / 'text.mp4', videos[1])
        write_mpeg4(videos[2])
        videos[3].write_text('nothing')
        visit.open_tab('Several videos')
        assert not visit.shows('#window, #recognize')
        (field,) = visit.all('#videos input[type=file]')
        field.send_keys('\n'.join(map(str, videos)))
        visit.wait(lambda: 'notes' in visit.all('#videos')[0].text, 'the uploads')
        visit.type('#threshold', '0')
        visit.all('#recognize_each')[0].click()
        hrefs = 'return [...document.querySelectorAll("#results a")].map(a => a.href)'
        addresses = visit.wait(
            lambda: visit.browser.execute_script(hrefs), 'the results'
        )
        assert visit.all('#progress .prose')[0].text.splitlines() == [
            '4 videos',
            '2 could not be recognized.',
        ]
        one, broken, old, notes = rows_of(visit)
        (recognition,) = trained(str(videos[0]), threshold=0)
        (name, value), (other, rest) = recognition.predictions
        assert one == [
            'one.mp4',
            f'{name}\nthen {other}, {100 * rest:.0f} %',
            f'{100 * value:.0f} %',
        ]
        assert broken[0] == 'broken.mp4' and "'broken.mp4': it is no video" in broken[1]
        assert old[0].startswith('old') and old[0].endswith('.avi') and old[2]
        assert "'notes.txt'" in notes[1]
        count = visit.value_of('#table', 'querySelectorAll("img").length')
        assert count == 2
        visit.wait(lambda: visit.value_of('#table img', 'naturalWidth'), 'frames')
        assert visit.fits()
        table, content = (httpx.get(address).text for address in addresses)
        rows = list(csv.DictReader(io.StringIO(table)))
        assert [row['video'] for row in rows] == [one[0], broken[0], old[0], notes[0]]
        assert rows[0]['label'] == name and rows[0]['confidence'] == str(
            round(value, 5)
        )
        assert json.loads(rows[0]['predictions'])[1]['class'] == other
        expected = dict(recognition.to_dict(), source='one.mp4')
        assert json.loads(content)[0] == json.loads(json.dumps(expected))
        assert 'it is no video' in json.loads(content)[1]['error']
        # Another tab does not show it, and it is there again afterwards.
        visit.open_tab('One video')
        assert not visit.shows('#table') and visit.shows('#recognize')

    def test_file_that_is_refused(self, rich_visit, folder, rich_page, monkeypatch):
        """Each is sent by itself, and the one that is refused is named."""
        visit = rich_visit
        uploads = rich_page._uploads
        monkeypatch.setattr(uploads, '_sent', [])
        monkeypatch.setattr(uploads, 'most', bytes_under(uploads.folder) + 2000)
        visit.open_tab('Several videos')
        (field,) = visit.all('#videos input[type=file]')
        field.send_keys(f'{folder / "text.mp4"}\n{folder / "good.mp4"}')
        text = visit.value_of('[data-testid="toast-text"]', 'textContent')
        assert text.startswith(('good.mp4: the page keeps', 'good.mp4: one visitor'))


def test_requests_for_several_that_are_refused(rich_client, folder):
    client = rich_client
    _, good = client.upload(folder / 'good.mp4')
    file = {'path': good, 'meta': META}
    outside = {'path': str(folder / 'good.mp4'), 'meta': META}
    wrong = {}
    for name, videos, message in (
        ('none', [], 'Drop some videos first'),
        ('too many', [file] * 51, 'there are 51 videos; the page takes at most 50'),
        ('of this machine', [file, outside], 'this page has no such file'),
        (
            'address',
            [file, dict(outside, path='http://127.0.0.1:1/a')],
            'this page has no such file',
        ),
        ('no list', good, 'this page has no such file'),
    ):
        answer = client.post('recognize_each', [videos, 'a dog,yoga', 0, True, None])
        shown = client.result(answer, 'recognize_each')[0]
        if message not in shown:
            wrong[name] = shown
    assert not wrong
    answer = client.post('recognize_each', [[file], 'a dog,yoga', 0, True, None])
    summary, table, files = client.result(answer, 'recognize_each')
    assert summary == '## 1 video' and 'good.mp4' in table['value']
    assert [file['orig_name'] for file in files['value']] == [
        'results.csv',
        'results.json',
    ]


def test_time_for_several(bike, rich_client, folder, rich_page, tmp_path):
    """What is done is shown, and the others are named."""
    _, good = rich_client.upload(folder / 'good.mp4')
    jobs = Jobs(str(tmp_path), rich_page._uploads, Limits(seconds=0.05))
    results = list(jobs.recognize_each([good] * 3, Wanted(bike, ['a dog'], 0)))
    assert results[0].label == 'a dog' and not results[0].error
    assert 'not looked at: 0.05 s' in results[2].error


def test_several_labels_of_a_video(tmp_path):
    """Each has a confidence of its own; they stand one below the other."""
    recognition = Recognition(
        'a.mp4',
        [('<sea>', 0.9), ('wave', 0.7), ('sun', 0.2)],
        '<sea>',
        independent=True,
        _above=2,
    )
    table = tabulate_videos(['/x/a.mp4'], [recognition])
    space = '\N{NO-BREAK SPACE}'
    assert '<b>&lt;sea&gt;</b><br><b>wave</b><small>then sun, 20' in table
    assert f'>90{space}%<br>70{space}%<' in table
    path, _ = write_results(str(tmp_path), [recognition])
    with open(path) as file:
        (row,) = csv.DictReader(file)
    named = [label['class'] for label in json.loads(row[SEVERAL])]
    assert (row['label'], named) == ('<sea>', ['<sea>', 'wave'])
