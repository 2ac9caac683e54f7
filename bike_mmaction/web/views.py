"""What visitors see of videos: of their own, and of those of an index."""

import asyncio
import mimetypes
from typing import Any, Callable, Optional

from .answers import answer
from .limits import Limits
from .moments import Moments
from .previews import Previews
from .rules import INDEXED, MOMENT, PREVIEW

NO_VIDEO = b'this page has no such video, or it has changed: search again'


class Views:
    """Answers requests for pictures of videos, and for videos of an index.

    Args:
        limits (Limits): Of the page.
        moments (Moments, optional): What searches have given. Defaults to
            None: there is no index.
    """

    def __init__(self, limits: Limits, moments: Optional[Moments] = None) -> None:
        self._previews, self._moments = Previews(limits), moments

    async def __call__(self, scope: Any, receive: Any, send: Any) -> bool:
        """Answer a request; whether it was one of these."""
        path = scope['path']
        if path.startswith(PREVIEW):
            await _send_picture(self._previews.of, path[len(PREVIEW) :], send)
        elif not path.startswith((MOMENT, INDEXED)):
            return False
        elif self._moments is None:
            await answer(send, 404, b'this page has no index')
        elif path.startswith(MOMENT):
            await _send_picture(self._moments.picture_of, path[len(MOMENT) :], send)
        else:
            video = self._moments.video_of(path[len(INDEXED) :])
            await _send_video(video, scope, receive, send)
        return True


async def _send_picture(make: Callable[[str], bytes], what: str, send: Any) -> None:
    loop = asyncio.get_running_loop()
    content = await loop.run_in_executor(None, make, what)
    if content:
        await answer(send, 200, content, 'image/jpeg')
    else:
        await answer(send, 404, b'there is no picture of this file')


async def _send_video(path: str, scope: Any, receive: Any, send: Any) -> None:
    """Send a file, or the part that a browser asks for."""
    from starlette.responses import FileResponse

    if not path:
        await answer(send, 404, NO_VIDEO)
        return
    kind = mimetypes.guess_type(path)[0] or ''
    if not kind.startswith('video/'):
        kind = 'application/octet-stream'
    await FileResponse(path, media_type=kind)(scope, receive, send)
