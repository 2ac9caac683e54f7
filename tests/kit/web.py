"""The web page, used from Python."""

import os.path as osp
import shutil
import tempfile


def drop(page, video):
    """Put a copy where uploads lie, as a browser does it; its path."""
    folder = tempfile.mkdtemp(dir=page._uploads.folder)
    return shutil.copy(video, osp.join(folder, osp.basename(video)))
