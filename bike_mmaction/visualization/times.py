"""Moments of a video in words."""


def clock(seconds: float) -> str:
    """Such as '2.4 s', '1:02' or '1:00:05'."""
    if seconds < 59.95:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{rest:02}' if hours else f'{minutes}:{rest:02}'
