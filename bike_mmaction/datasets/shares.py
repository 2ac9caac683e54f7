"""How much of the clips each part gets."""


def read_shares(text: str) -> tuple[float, float, float]:
    """Shares of train, val and test, as typed: '70,15,15' or '0.8,0.2,0'.

    Raises:
        ValueError: if they are not three, negative, or there is no training.
    """
    try:
        shares = [float(part) for part in text.split(',')]
    except ValueError:
        shares = []
    fit = all(0 <= share < float('inf') for share in shares)
    if len(shares) != 3 or not fit or shares[0] == 0:
        raise ValueError(
            f'{text!r}: expected the shares of train, val and test, such as 70,15,15'
        )
    whole = sum(shares)
    return shares[0] / whole, shares[1] / whole, shares[2] / whole
