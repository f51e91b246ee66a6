"""Saves images with at most 256 colours, in a third of the bytes."""

import base64
import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

PIXELS: Final = """
async (picture) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + picture;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, image.width, image.height).data;
  let text = '';
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [image.width, image.height, btoa(text)];
}
"""


def save(page: Page, picture: bytes, path: Path) -> None:
    """Write the PNG with a palette; other colours become the nearest in the palette."""
    width, height, data = page.evaluate(PIXELS, base64.b64encode(picture).decode())
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, 4)[:, :3].astype(np.int64)
    codes, places, counts = np.unique(pixels @ [65_536, 256, 1], return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
    palette = _palette(colours[np.argsort(-counts, kind="stable")])
    nearest = np.array([((palette - colour) ** 2).sum(axis=1).argmin() for colour in colours], np.uint8)
    rows = nearest[places].reshape(height, width)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, content) for name, content in parts))


def _palette(colours: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most 256 of the colours, the most frequent first and at a minimum distance, to keep rare ones, too."""
    apart = 0
    while True:
        chosen: list[NDArray[np.int64]] = []
        for colour in colours:
            if not chosen or ((np.array(chosen) - colour) ** 2).sum(axis=1).min() > apart:
                chosen.append(colour)
            if len(chosen) > 256:
                break
        if len(chosen) <= 256:
            return np.array(chosen)
        apart = max(8, 2 * apart)


def _part(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
