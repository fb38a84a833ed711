"""JSON that does not fit is refused with the place and the reason."""

from dataclasses import dataclass
from fractions import Fraction

import pytest

from helpers.runtime.schema import Sha256, Whole, decode_json, encode


@dataclass(frozen=True)
class Row:
    size: Whole
    time: Fraction
    sha256: Sha256 = "0" * 64


def test_what_fits_is_read_exactly():
    row = Row(1 << 70, Fraction(1001, 24000))
    assert decode_json(b'{"size": %d, "time": "1001/24000"}' % (1 << 70), Row) == row
    assert encode(row) == {"size": 1 << 70, "time": "1001/24000", "sha256": "0" * 64}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"\xfe\xff",
        b'{"size": 1}',
        b'{"size": -1, "time": "1"}',
        b'{"size": "1", "time": "1"}',
        b'{"size": 1.5, "time": "1"}',
        b'{"size": true, "time": "1"}',
        b'{"size": 1, "time": "1/0"}',
        b'{"size": 1, "time": "1/000"}',
        b'{"size": 1, "time": "1e999999999"}',
        b'{"size": 1, "time": NaN}',
        b'{"size": Infinity, "time": "1"}',
        b'{"size": 1, "time": "' + b"9" * 5000 + b'"}',
        b'{"size": 1, "time": "1", "sha256": "../../etc/passwd"}',
        b'{"size": 1, "time": "1", "sha256": "' + b"0" * 64 + b'\\n"}',
        b"[" * 100_000,
        b"9" * 100_000,
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(data):
    with pytest.raises(ValueError):
        decode_json(data, Row)
