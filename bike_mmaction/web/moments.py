"""Search on the page, and what visitors may see of the videos of its index."""

import hashlib
import math
import os
import os.path as osp
import stat
import threading
from collections import OrderedDict
from typing import Optional

from ..apis.retrieval.search import Match, VideoSearch
from ..datasets.embedding_table import Video
from .limits import Limits
from .previews import PATIENCE
from .sheets import Wish, make_sheet

REMEMBERED = 10_000  # moments that searches have given
KEPT = 500  # pictures of them, in memory


class Moments:
    """Searches an index, and knows what its searches have given: nothing else is
    ever shown.

    Args:
        search (VideoSearch): The index, open.
        limits (Limits): Of the page.
    """

    def __init__(self, search: VideoSearch, limits: Limits) -> None:
        self._search, self._limits = search, limits
        self._given: OrderedDict[str, Match] = OrderedDict()
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._searching, self._drawing = threading.Lock(), threading.Lock()
        folders = {osp.dirname(path) for path in search.paths}
        self._root = osp.join(osp.commonpath(folders), '')

    @property
    def count(self) -> int:
        """Videos of the index."""
        return len(self._search.paths)

    def find(
        self, text: Optional[str], topk: Optional[float], window: Optional[float]
    ) -> list[Match]:
        """Search, one visitor after the other.

        Args:
            text (str, optional): As typed.
            topk (float, optional): Videos to give.
            window (float, optional): In seconds; 0 or None: as many frames as
                the model sees of a clip.

        Raises:
            ValueError: if something is missing, or above its limit.
        """
        text, topk, window = (text or '').strip(), topk or 0, window or None
        if not text:
            raise ValueError('Say what to search for.')
        most = self._limits.query
        if len(text) > most:
            raise ValueError(
                f'the text has {len(text):,} characters; the page takes at most '
                f'{most:,}'
            )
        if not (1 <= topk <= self._limits.matches and topk == int(topk)):
            raise ValueError(
                f'the number of videos is {topk:g}; expected 1 to '
                f'{self._limits.matches}'
            )
        if window is not None and not 0 < window < math.inf:
            raise ValueError(
                f'the window is {window} s; expected seconds, or 0 for what the '
                'model sees of a clip'
            )
        with self._searching:
            return self._search(text, int(topk), window)[0]

    def name_of(self, match: Match) -> str:
        """How visitors know a video: its path below the folder of them all."""
        name = match.video[len(self._root) :]
        return os.fsencode(name).decode(errors='replace')  # it may be no UTF-8

    def remember(self, match: Match) -> str:
        """A key, by which visitors may see the moment and its video from now on."""
        text = f'{match.video}\0{match.start}\0{match.end}'
        key = hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:32]
        with self._searching:
            self._given[key] = match
            self._given.move_to_end(key)
            if len(self._given) > REMEMBERED:
                self._given.popitem(last=False)
        return key

    def video_of(self, key: str) -> str:
        """The path of a video; '' if no search has given it, or its file is
        another one than when it was indexed."""
        match = self._given.get(key)
        entry = match and self._search.store.table.find(Video(match.video))
        if not match or not entry:
            return ''
        try:
            state = os.stat(match.video)
        except (OSError, ValueError):
            return ''
        is_same = (state.st_size, state.st_mtime_ns) == (entry.size, entry.mtime_ns)
        return match.video if is_same and stat.S_ISREG(state.st_mode) else ''

    def picture_of(self, key: str) -> bytes:
        """A JPEG of frames of the moment; empty if there can be none, or not now."""
        video = self.video_of(key)
        if not video or not self._drawing.acquire(timeout=PATIENCE):
            return b''
        try:
            if key not in self._pictures:
                match = self._given[key]
                wish = Wish(video, (match.start, match.end))
                self._pictures[key] = make_sheet(wish, self._limits)
                if len(self._pictures) > KEPT:
                    self._pictures.popitem(last=False)
            return self._pictures[key]
        except KeyError:  # so many searches meanwhile
            return b''
        finally:
            self._drawing.release()
