"""The data types of the SSH protocol, read with every bound checked and written the one way there is.

Whatever is read here may come from an attacker: a length that lies, bytes that
are left over, or a number that could have been written shorter is refused, so that
one value has one encoding and blobs can be compared as bytes.

Invariants, each with a test in tests/unit/signing/test_wire.py:
    - no read goes beyond the data, and a failed read raises WireError and nothing else;
    - ``done`` refuses bytes that nobody read.

Source: RFC 4251, section 5 ("Data Type Representations Used in the SSH Protocols").
"""


class WireError(Exception):
    """The bytes are not what they should be. Parsers turn it into an error of model/errors.py."""


class Reader:
    """Reads values off the front of ``data``, one after the other."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at(self) -> int:
        """How many bytes have been read."""
        return self._at

    def raw(self, count: int) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            WireError: as every read here, when the data end before the value does.
        """
        end = self._at + count
        if end > len(self._data):
            raise WireError(f"ends {end - len(self._data)} bytes early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def u8(self) -> int:
        """Return the next byte."""
        return self.raw(1)[0]

    def u32(self) -> int:
        """Return the next four bytes as a number."""
        return int.from_bytes(self.raw(4), "big")

    def u64(self) -> int:
        """Return the next eight bytes as a number."""
        return int.from_bytes(self.raw(8), "big")

    def string(self) -> bytes:
        """Return the next length-prefixed bytes."""
        return self.raw(self.u32())

    def text(self) -> str:
        """Return the next string as text; what is not UTF-8 or holds a NUL is refused."""
        data = self.string()
        if b"\0" in data:
            raise WireError("holds a NUL byte inside a text")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise WireError("holds a text that is not UTF-8") from None

    def mpint(self) -> int:
        """Return the next number; a negative one, or one with needless zero bytes, is refused."""
        data = self.string()
        if data[:1] >= b"\x80":
            raise WireError("holds a negative number")
        if data[:1] == b"\0" and data[1:2] < b"\x80":
            raise WireError("holds a number with needless zero bytes")
        return int.from_bytes(data, "big")

    def more(self) -> bool:
        """True while there are bytes left."""
        return self._at < len(self._data)

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.raw(len(self._data) - self._at)

    def done(self) -> None:
        """Refuse bytes that nobody read.

        Raises:
            WireError: there are some.
        """
        left = len(self._data) - self._at
        if left:
            raise WireError(f"has {left} bytes too many at its end")


def put_u8(value: int) -> bytes:
    """Return one byte."""
    return value.to_bytes(1, "big")


def put_u32(value: int) -> bytes:
    """Return four bytes."""
    return value.to_bytes(4, "big")


def put_u64(value: int) -> bytes:
    """Return eight bytes."""
    return value.to_bytes(8, "big")


def put_string(value: bytes | str) -> bytes:
    """Return the bytes, or the text as UTF-8, with their length before them."""
    data = value.encode() if isinstance(value, str) else value
    return put_u32(len(data)) + data


def put_mpint(value: int) -> bytes:
    """Return a number that is not negative, in its shortest form."""
    return put_string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")
