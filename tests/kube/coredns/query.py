"""A question to a DNS server from an address of the asker's choice (RFC 1035), so that a test can ask as any pod."""

import json
import secrets
import socket
import struct
import sys
from typing import NamedTuple

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33}
_NAMES = {number: name for name, number in TYPES.items()}
_CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


class Record(NamedTuple):
    """A record of an answer; `value` is an address, a name, or of SRV `port target`."""

    name: str
    type: str
    value: str


class Answer(NamedTuple):
    """What a server says: its code, and the records of its answer."""

    code: str
    records: tuple[Record, ...]

    @property
    def values(self) -> list[str]:
        """What the records say, in order."""
        return sorted(each.value for each in self.records)


def ask(server: tuple[str, int], name: str, kind: str = "A", source: str = "", seconds: float = 5) -> Answer:
    """The answer to a question about a whole name. Raises OSError where there is none."""
    number = secrets.randbelow(65536)
    labels = b"".join(struct.pack("B", len(each)) + each.encode() for each in name.rstrip(".").split("."))
    question = labels + b"\0" + struct.pack("!HH", TYPES[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        if source:
            asking.bind((source, 0))
        asking.connect(server)
        asking.send(struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + question)
        said = asking.recv(65535)
    assert struct.unpack_from("!H", said)[0] == number
    flags, _, count = struct.unpack_from("!3H", said, 2)
    place, records = 12 + len(question), []
    for _ in range(count):
        record, place = _record(said, place)
        records.append(record)
    return Answer(_CODES.get(flags & 15, str(flags & 15)), tuple(records))


def _record(said: bytes, place: int) -> tuple[Record, int]:
    name, place = _name(said, place)
    number, _, _, length = struct.unpack_from("!HHIH", said, place)
    place += 10
    kind, data = _NAMES.get(number, str(number)), said[place : place + length]
    if kind in ("A", "AAAA"):
        value = socket.inet_ntop(socket.AF_INET if kind == "A" else socket.AF_INET6, data)
    elif kind == "SRV":
        value = f"{struct.unpack('!3H', data[:6])[2]} {_name(said, place + 6)[0]}"
    elif kind == "CNAME":
        value = _name(said, place)[0]
    else:
        value = data.hex()
    return Record(name, kind, value), place + length


def _name(said: bytes, place: int) -> tuple[str, int]:
    labels, after = [], 0
    while length := said[place]:
        if length >= 192:  # a pointer to the rest of the name
            after = after or place + 2
            place = struct.unpack_from("!H", said, place)[0] & 0x3FFF
            continue
        labels.append(said[place + 1 : place + 1 + length].decode())
        place += 1 + length
    return ".".join(labels), after or place + 1


if __name__ == "__main__":  # in the network of a pod: SERVER PORT KIND NAME…, an answer in JSON per line
    for each in sys.argv[4:]:
        found = ask((sys.argv[1], int(sys.argv[2])), each, sys.argv[3])
        print(json.dumps([found.code, found.values]))
