"""The web page without a browser, and files that harm it."""

import io
import json
import os
import os.path as osp
from fractions import Fraction

import av
import httpx
from PIL import Image

from tests.kit.videos import write_video

CALL = '/gradio_api/call'
FRAME = Fraction(1, 25)
META = {'_type': 'gradio.FileData'}


class PageClient:
    """Asks the page as a script does.

    Args:
        url (str): Of the page.
        timeout (float): Seconds for an answer.
        address (str): Of this machine (127.x.x.x), as which visitor it asks.
    """

    def __init__(self, url, timeout=120, address='127.0.0.1'):
        # Without certificates, which take long to read; a connection for each
        # request, as the page closes those that wait.
        transport = httpx.HTTPTransport(
            verify=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            local_address=address,
        )
        self.http = httpx.Client(base_url=url, timeout=timeout, transport=transport)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def upload(self, path, name=None):
        """The answer, and the path that the page gave the file, or None."""
        with open(path, 'rb') as file:
            files = {'files': (name or osp.basename(path), file)}
            answer = self.http.post('/gradio_api/upload', files=files)
        return answer, answer.json()[0] if answer.status_code == 200 else None

    def join(self, video, classes='a dog,yoga', threshold=0, window=0, headers=()):
        """Wait in the queue: the answer, which names the place in it."""
        if isinstance(video, str):
            video = {'path': video, 'meta': META}
        values = [video, classes, threshold, window, True, None]
        return self.post('recognize', values, headers)

    def post(self, button, values, headers=()):
        """Press a button, with the values of its fields."""
        data = json.dumps({'data': values})
        headers = {'content-type': 'application/json', **dict(headers)}
        return self.http.post(f'{CALL}/{button}', content=data, headers=headers)

    def recognize(self, video, *args, **options):
        """What the page shows: its summary; or what it answers instead."""
        return self.result(self.join(video, *args, **options), 'recognize')[0]

    def result(self, answer, button='recognize'):
        """What the page shows at last, by the answer to :meth:`post`: the values of
        all fields; or alone what it answers instead."""
        if answer.status_code != 200:
            return [f'{answer.status_code} {answer.text}']
        answer = self.http.get(f'{CALL}/{button}/{answer.json()["event_id"]}')
        kind, _, content = answer.text.strip().rpartition('event: ')[2].partition('\n')
        content = json.loads(content.partition('data: ')[2])
        return content if kind == 'complete' else [f'{kind} {content}']


def repeat_video(path, source, times):
    """Write a file that shows a video again and again; nothing is encoded."""
    with av.open(str(source)) as given, av.open(str(path), 'w') as container:
        old = given.streams.video[0]
        new = container.add_stream_from_template(old)
        packets = [(p.pts, p.dts, p.is_keyframe, bytes(p)) for p in given.demux(old)]
        packets = [packet for packet in packets if packet[0] is not None]
        step = max(pts for pts, *_ in packets) + packets[1][1] - packets[0][1]
        for number in range(times):
            for pts, dts, is_keyframe, content in packets:
                packet = av.Packet(content)
                packet.stream, packet.time_base = new, old.time_base
                packet.pts, packet.dts = pts + number * step, dts + number * step
                packet.is_keyframe = is_keyframe
                container.mux(packet)
    return str(path)


def write_mpeg4(path):
    """Write a video that browsers do not play."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for number in range(50):
            image = Image.new('RGB', (64, 48), (5 * number, 100, 200))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    return str(path)


def write_large_frame(path, side):
    """Write a small file of one frame of so many pixels square."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mjpeg', rate=25)
        stream.width = stream.height = side
        stream.pix_fmt = 'yuvj420p'
        content = io.BytesIO()
        Image.new('L', (side, side)).save(content, 'jpeg')
        packet = av.Packet(content.getvalue())
        packet.stream, packet.time_base, packet.pts, packet.dts = stream, FRAME, 0, 0
        packet.is_keyframe = True
        container.mux(packet)
    return str(path)


def write_lying_size(path, large):
    """The same as Matroska, whose header says that the frames are small."""
    with av.open(str(large)) as container:
        side = container.streams.video[0].width
    with open(large, 'rb') as file:
        content = file.read()
    for box in (b'\xb0', b'\xba'):  # PixelWidth, PixelHeight
        said = box + b'\x82' + side.to_bytes(2, 'big')
        assert content.count(said) == 1
        content = content.replace(said, box + b'\x82' + (64).to_bytes(2, 'big'))
    with open(path, 'wb') as file:
        file.write(content)
    return str(path)


def write_playlists(folder, secret):
    """Write files that name another one, each in the way of its format."""
    files = {
        'list.m3u8': f'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n'
        '#EXT-X-ENDLIST\n',
        'list.mp4': f'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n'
        '#EXT-X-ENDLIST\n',
        'concat.mp4': f"ffconcat version 1.0\nfile '{secret}'\n",
        'list.sdp': 'v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n',
    }
    paths = []
    for name, text in files.items():
        paths.append(osp.join(folder, name))
        with open(paths[-1], 'w') as file:
            file.write(text)
    return paths


def bytes_under(folder):
    """Of all files."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(osp.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total


def write_good(folder):
    """A video that anybody may send."""
    return write_video(osp.join(folder, 'good.mp4'), num_frames=50)
