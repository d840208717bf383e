"""Mutations of files, seeded: the same ones in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

N_MUTATIONS = 2_000
# What a mutation may bring in: signs that mean something to one of the parsers.
PIECES = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xb2",
    b'"',
    b"\r",
    b"\n\n",
    b"\t",
    b";",
    b",",
    b"=1+1",
    b"[",
    b"]]]",
    b"(((",
    b"#",
    b"nan",
    b"1e999",
    b"-1",
    b"9" * 400,
    "²".encode(),
    "٣".encode(),
    b"9999-12-31 23:59:59",
    b"0001-01-01 00:00",
    b"DATE_TIME[2026.13.45_25:61:61]",
    b"// # ~ ' {x} <!DOCTYPE",
)


def mutations(seeds: tuple[bytes, ...], count: int, seed: str) -> Iterator[bytes]:
    """Yield an empty file, then seeds with a few bytes flipped, cut, doubled, put in, or in another encoding."""
    generator = random.Random(seed)
    yield b""
    for _ in range(count - 1):
        content = bytearray(generator.choice(seeds))
        for _ in range(generator.randint(1, 3)):
            at = generator.randrange(len(content) + 1)
            kind = generator.randrange(6)
            if kind == 0 and at < len(content):
                content[at] ^= 1 << generator.randrange(8)
            elif kind == 1:
                del content[at : at + generator.randint(1, 40)]
            elif kind == 2:
                content[at:at] = generator.choice(PIECES)
            elif kind == 3:
                content = content[:at]
            elif kind == 4:
                content[at:at] = content[at : at + generator.randint(1, 200)]
            elif generator.random() < 0.3:
                text = content.decode("cp1252", errors="replace")
                content = bytearray(
                    text.encode(generator.choice(["utf-8", "utf-16", "utf-16-le", "latin-1"]), "replace")
                )
        yield bytes(content)
