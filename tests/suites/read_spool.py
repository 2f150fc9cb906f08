"""Reads the file of a queue as docs/spool-format.md describes it. Needs nothing but Python 3.

Usage: read_spool.py FILE

Prints what it is as one JSON object, and then each event that waits as another; exits 1 with a word if it can't be read.
"""

import json
import struct
import sys

HEADER, M64, HIGHEST, VAIN_LAPS = 16384, 2**64 - 1, 2**60, 8
SEVERITIES = ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
KINDS = ["SESSION_START", "SESSION_END", "UNHANDLED_EXCEPTION", "GENERIC_EVENT"]
TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data, begin=0):
    crc = begin ^ 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Queue:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        if self.take(0, 8) != b"lastword" or self.word(8) == 0:
            sys.exit("no queue")
        if self.word(8) != 2:
            sys.exit("another version")
        self.nonce, self.words = self.word(16), self.word(24)
        if not 8 <= self.words <= 2**30 or self.words & (self.words - 1):
            sys.exit("no size")
        length, crc = struct.unpack("<II", self.take(32, 8))
        self.label = self.take(4096, length)
        if length > 12288 or crc32c(self.label) != crc:
            sys.exit("no label")
        there = (len(self.bytes) - HEADER) // 8 + 1
        there = max(0, min(there, self.words))
        self.ring = struct.unpack(f"<{there}Q", self.take(HEADER, there * 8))
        self.vain, self.torn, self.records = 0, 0, []
        self.walk()

    def take(self, at, length):
        """What the file does not have is zero."""
        return self.bytes[at : at + length].ljust(length, b"\0")

    def word(self, at):
        return int.from_bytes(self.take(at, 8), "little")

    def data(self, unit):
        place = unit % self.words
        return self.ring[place] if place < len(self.ring) else 0

    def saved_tail(self):
        whole = []
        for at in (1088, 1120):
            units, seq, check = (self.word(at + offset) for offset in (0, 8, 16))
            mixed = (units * 0x9E3779B97F4A7C15 ^ seq * 0xBF58476D1CE4E5B9) & M64
            if check == (mixed ^ mixed >> 29) ^ M64 and units <= HIGHEST and seq <= HIGHEST:
                whole.append((units, seq))
        return max(whole, default=None)

    def record(self, unit):
        """The record that stands there, as (number, kind, payload, where it ends)."""
        first = self.data(unit)
        if first & 3 != 2 or first >> 24 != unit % 2**40:
            return None
        length = first >> 2 & 0x3FFFFF
        words, place = 3 + (length + 7) // 8, unit % self.words
        if place + words > self.words or self.vain > VAIN_LAPS * self.words:
            return None
        kind_and_check, seq = self.data(unit + 1), self.data(unit + 2)
        payload = self.take(HEADER + (place + 3) * 8, length)
        kind = kind_and_check >> 32
        seed = (self.nonce ^ unit * 0x9E3779B97F4A7C15) & M64
        seed = (seed ^ seq) * 0xBF58476D1CE4E5B9 & M64
        seed ^= (kind << 32 | length) * 0x94D049BB133111EB & M64
        if crc32c(payload, (seed ^ seed >> 32) & 0xFFFFFFFF) != kind_and_check & 0xFFFFFFFF or seq > HIGHEST:
            self.vain += words
            return None
        return seq, kind, payload, unit + words

    def oldest(self):
        at = latest = 0
        while at < self.words:
            unit = self.data(at) >> 24
            found = self.record(unit) if unit % self.words == at else None
            latest = max(latest, found[3]) if found else latest
            at = (found[3] - 1) % self.words + 1 if found else at + 1
        return max(latest - self.words, 0)

    def walk(self):
        tail = self.saved_tail()
        at = tail[0] if tail else self.oldest()
        limit, end, expected = at + self.words, at, tail[1] if tail else None
        while at < limit:
            found = self.record(at)
            if found and expected is not None and not 0 <= found[0] - expected <= (at - end) // 3:
                self.vain += found[3] - at
                found = None
            if found:
                self.torn += found[0] - expected if expected is not None else 0
                self.records.append(found)
                expected, end = found[0] + 1, found[3]
            at = end if found else at + 1
        if tail:
            head = self.word(512)
            units, seq = tail[0] + ((head - tail[0]) & 0xFFFFFFFF), tail[1] + ((head >> 32) - tail[1] & 0xFFFFFFFF)
            missing = max(seq - expected, 0)
            self.torn += missing if missing <= max(min(units, limit) - end, 0) // 3 else 0
        if not self.records and (not tail or tail[1] == 0 and self.torn):
            sys.exit("no records")

    def event_id(self, seq, nanos):
        def mix(z):
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
            z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
            return z ^ z >> 31

        high = mix(self.nonce + seq * 0x9E3779B97F4A7C15 & M64)
        low = mix(((self.nonce << 32 | self.nonce >> 32) & M64) + seq * 0xD1B54A32D192ED03 & M64)
        id = bytearray(struct.pack(">QQ", high, low))
        id[:6] = (nanos // 1000000).to_bytes(8, "big")[2:]
        id[6], id[8] = 0x70 | id[6] & 0x0F, 0x80 | id[8] & 0x3F
        digits = id.hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def unpack(data, at):
    """The MessagePack value that stands there, and where it ends."""
    byte = data[at]
    numbers = {0xCA: "f", 0xCB: "d", 0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q", 0xD0: "b", 0xD1: "h", 0xD2: "i", 0xD3: "q"}
    if byte <= 0x7F or byte >= 0xE0:
        return byte - (256 if byte >= 0xE0 else 0), at + 1
    if byte in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[byte], at + 1
    if byte in numbers:
        form = ">" + numbers[byte]
        return struct.unpack_from(form, data, at + 1)[0], at + 1 + struct.calcsize(form)
    if byte in (0xC7, 0xC8, 0xC9):
        # A text with a mark: the text is all that is shown.
        width = 1 << byte - 0xC7
        start = at + 2 + width
        return unpack(data, start)[0], start + int.from_bytes(data[at + 1 : at + 1 + width], "big")
    if byte == 0xD8:
        return int.from_bytes(data[at + 2 : at + 18], "big", signed=data[at + 1] == ord("I")), at + 18
    if 0x80 <= byte <= 0xBF:
        width, length = 0, byte & (0x1F if byte >= 0xA0 else 0x0F)
    else:
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}[byte]
        length = int.from_bytes(data[at + 1 : at + 1 + width], "big")
    at += 1 + width
    if 0xC4 <= byte <= 0xC6:
        return list(data[at : at + length]), at + length
    if 0xA0 <= byte <= 0xBF or 0xD9 <= byte <= 0xDB:
        return data[at : at + length].decode(), at + length
    is_map = 0x80 <= byte <= 0x8F or byte >= 0xDE
    values = []
    for _ in range(length * (2 if is_map else 1)):
        value, at = unpack(data, at)
        values.append(value)
    return (dict(zip(values[::2], values[1::2])) if is_map else values), at


def event(queue, seq, kind, payload):
    values, at = [], 0
    while at < len(payload):
        value, at = unpack(payload, at)
        values.append(value)
    said = {"event": KINDS[kind & 0xFF], "event_id": queue.event_id(seq, values[0]), "event_session_index": seq}
    said |= {"severity": SEVERITIES[kind >> 8 & 0xFF], "nanos": values[0]}
    if kind & 0xFF == 1:
        said |= {"micros": values[1]}
    elif kind & 0xFF == 2:
        said |= {"error_type": values[1], "error_message": values[2], "traceback": values[3]}
    elif kind & 0xFF == 3:
        said |= {"event_name": values[1], "event_data": values[2]}
    return said


def main():
    queue = Queue(sys.argv[1])
    reasons = [queue.word(2048 + reason * 8) for reason in range(16)]
    readers = [[queue.word(2560 + place * 16 + offset) for offset in (0, 8)] for place in range(16)]
    facts = {"label": json.loads(queue.label), "records": len(queue.records), "torn": queue.torn, "refused": reasons}
    print(json.dumps(facts | {"readers": readers, "cause": queue.word(3072), "ended": queue.word(2048 + 48 * 8) != 0}))
    for seq, kind, payload, _ in queue.records:
        print(json.dumps(event(queue, seq, kind, payload)))


main()
