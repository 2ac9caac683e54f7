"""Copies of a process in which a thread has converted pictures."""

import os
import threading
import time

import av
import numpy as np

import bike_mmaction  # noqa: F401  (applies the remedy)


def test_a_copy_does_not_wait_for_threads_that_are_gone():
    converted, done = threading.Event(), threading.Event()

    def convert():
        picture = np.zeros((48, 64, 3), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
        frame.to_ndarray(format='yuv420p')
        converted.set()
        done.wait(30)

    thread = threading.Thread(target=convert)
    thread.start()
    assert converted.wait(30)
    copy = os.fork()
    if copy == 0:
        os._exit(7)
    end, status = time.monotonic() + 20, 0
    while not status and time.monotonic() < end:
        status = os.waitpid(copy, os.WNOHANG)[1]
        time.sleep(0.01)
    done.set()
    thread.join()
    if not status:
        os.kill(copy, 9)
        os.waitpid(copy, 0)
    assert os.waitstatus_to_exitcode(status) == 7
