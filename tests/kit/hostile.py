"""A transform that breaks processes, as decoders of native code do."""

import faulthandler
import os
import time

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform


@TRANSFORMS.register_module()
class DecodeOrBreak(BaseTransform):
    """By the name of the file: crashes, waits for ever, or does nothing."""

    def transform(self, results):
        name = os.path.basename(results['filename'])
        if 'abort' in name:
            faulthandler.disable()  # pytest would print where
            os.abort()
        if 'hang' in name:
            time.sleep(100)
        return results
