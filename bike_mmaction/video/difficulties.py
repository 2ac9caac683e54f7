"""What decoders other than PyAV are known to stumble over."""

from .damage import Damage
from .decoding import Decoder
from .order import Order
from .packets import PacketTable


def difficulties_of(
    order: Order,
    table: PacketTable,
    decoder: Decoder,
    is_unordered: bool,
    container: str,
    rotation: int,
    damage: Damage,
) -> dict[str, str]:
    """The difficulties of a file, by kind, in words.

    Args:
        order (Order): Of its frames.
        table (PacketTable): Its packets.
        decoder (Decoder): Of these packets.
        is_unordered (bool): Whether its order is known by decoding only.
        container (str): FFmpeg's name of its format, where a packet is not
            always a frame; else ''.
        rotation (int): Degrees by which its pictures are turned.
        damage (Damage): What is missing.
    """
    tests = {
        'unordered': (is_unordered, 'its order is known by decoding only'),
        'packets': (bool(container), f'a file of the format {container}'),
        'hidden': (any(map(table.is_hidden, range(len(table)))), 'it hides frames'),
        'open': (
            order.refers_back(),
            'frames refer to what is before their keyframe: an open GOP',
        ),
        'refresh': (
            not _starts_at_keyframes(order, table, decoder),
            'its keyframes are none: it is refreshed bit by bit, or not at all',
        ),
        'turned': (rotation != 0, f'it is turned by {rotation} degrees'),
        'damaged': (bool(damage), str(damage)),
    }
    return {kind: text for kind, (is_so, text) in tests.items() if is_so}


def _starts_at_keyframes(order: Order, table: PacketTable, decoder: Decoder) -> bool:
    """Whether a keyframe is one, as far as the second one tells."""
    keys = order.keys
    if len(table.keys) > len(keys):
        return False  # some are known to be none
    if len(keys) < 2 or table.is_hidden(keys[1]):
        return True
    number, picture = next(decoder.decode(keys[1]), (None, None))
    is_key = number == keys[1] and picture is not None and picture.key_frame
    return is_key or order.refers_back()
