"""Makes sample-formats.fixture.json: image files as people have them, and the pixels they are to become.

    pip install numpy pillow tifffile imagecodecs
    python test/unit/core/image/sample-formats.fixture.py

The pixels come from numpy by the rule of docs/files.md, those of BMP and plain files from Pillow; nothing of this library is used.
"""

import base64
import hashlib
import io
import json
import pathlib
import struct

import numpy as np
import tifffile
from PIL import Image

H, W = 12, 20
G = np.linspace(0, 1, H * W).reshape(H, W)
RGB = np.stack([G, G[::-1], G[:, ::-1]], -1)
BANDS = np.stack([G * (i + 1) / 5 for i in range(5)], -1)
CASES = []


def tiff(array, **how):
    out = io.BytesIO()
    how.setdefault("photometric", "rgb" if array.ndim == 3 and array.shape[-1] == 3 else "minisblack")
    tifffile.imwrite(out, array, **how)
    return out.getvalue()


def levels(array, black, white):
    """0..255; NaN and the lowest infinity black."""
    share = np.clip((np.nan_to_num(array.astype("f8"), nan=black, neginf=black, posinf=1e300) - black) / (white - black), 0, 1)
    return np.floor(255 * share + 0.5).astype("u1")


def own(array):
    """The range without the lowest and the highest thousandth: values by rank, rounded."""
    values = np.sort(array.astype("f8").ravel())
    values = values[np.isfinite(values) & (np.abs(values) < 1e37)]
    at = lambda share: values[int(np.floor(share * (len(values) - 1) + 0.5))]
    return at(0.001), at(0.999)


def case(name, file, pixels, notices=(), **options):
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, -1)
    CASES.append(
        {
            "name": name,
            "file": base64.b64encode(file).decode(),
            "width": int(pixels.shape[1]),
            "height": int(pixels.shape[0]),
            "sha256": hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
            "first": [int(v) for v in pixels[0, :3].ravel()],
            "last": [int(v) for v in pixels[-1, -2:].ravel()],
            "notices": list(notices),
            **options,
        }
    )


S = "VALUES_SCALED"
f4 = G.astype("f4")
case("float32, 0 to 1", tiff(f4), levels(f4, 0, 1), [S])
case("float32, 0 to 255", tiff(f4 * 255), levels(f4 * 255, 0, 255), [S])
wide = (G * 10000).astype("f4")
case("float32, 0 to 10,000", tiff(wide), levels(wide, *own(wide)), [S])
dim = (G * 0.3).astype("f4")
case("float32, 0 to 0.3", tiff(dim), levels(dim, *own(dim)), [S])
case("float16, 0 to 1", tiff(G.astype("f2")), levels(G.astype("f2"), 0, 1), [S])
case("float64, -5 to 5", tiff(G * 10 - 5), levels(G * 10 - 5, *own(G * 10 - 5)), [S])
case("float32 RGB", tiff(RGB.astype("f4")), levels(RGB.astype("f4"), 0, 1), [S])
case("float32 with the float predictor and Deflate", tiff(f4, compression="deflate", predictor=3), levels(f4, 0, 1), [S])
odd = f4.copy()
odd[0, :4] = np.nan
odd[1, 0] = np.inf
odd[1, 1] = -3.4028235e38
case("float32 with NaN, infinity and the lowest float", tiff(odd), levels(odd, 0, 1), ["VALUES_MISSING", S])
nodata = wide.copy()
nodata[:6] = -9999
want = levels(nodata, *own(wide[6:]))
want[:6] = 0
case("float32 with a GDAL mark for no data", tiff(nodata, extratags=[(42113, 2, 6, "-9999", True)]), want, ["VALUES_MISSING", S])
ct = np.round(G * 4000 - 1024).astype("i2")
case("int16 as a CT has it", tiff(ct), levels(ct, *own(ct)), [S])
case("int16 with a window", tiff(ct), levels(ct, -160, 240), [], valueRange=[-160, 240])
case("int8", tiff((G * 200 - 100).astype("i1")), levels((G * 200 - 100).astype("i1"), *own((G * 200 - 100).astype("i1"))), [S])
u4 = (G * 100000).astype("u4")
case("uint32", tiff(u4), levels(u4, *own(u4)), [S])
case("uint64", tiff((G * 1e12).astype("u8")), levels((G * 1e12).astype("u8"), *own((G * 1e12).astype("u8"))), [S])
u2 = np.round(G * 65535).astype("u2")
case("uint16, full", tiff(u2), levels(u2, 0, 65535))
twelve = np.round(G * 4095).astype("u2")
case("12 bits in 16", tiff(twelve), levels(twelve, 0, 4095), [S])
case("8 bits in 16", tiff(np.round(G * 255).astype("u2")), levels(np.round(G * 255), 0, 255), [S])
sentinel = np.round(RGB * 10000).astype("u2")
case("Sentinel-2 reflectances", tiff(sentinel), levels(sentinel, *own(sentinel)), [S])
case("Sentinel-2 reflectances with a range", tiff(sentinel), levels(sentinel, 0, 3000), [], valueRange=[0, 3000])
hot = np.tile(twelve, (5, 5))
hot[0, 0] = 65535
case("12 bits in 16 with a hot pixel", tiff(hot, compression="lzw"), levels(hot, 0, 4095), [S])
case("uint16, big-endian, LZW, horizontal differences", tiff(twelve, byteorder=">", compression="lzw", predictor=2), levels(twelve, 0, 4095), [S])
case("uint16, PackBits", tiff(twelve, compression="packbits"), levels(twelve, 0, 4095), [S])
case("uint16, white is zero", tiff(twelve, photometric="miniswhite"), 255 - levels(twelve, 0, 4095), [S])
case("float32, white is zero", tiff(f4, photometric="miniswhite"), 255 - levels(f4, 0, 1), [S])
case("uint8, white is zero", tiff((G * 255).astype("u1"), photometric="miniswhite"), 255 - (G * 255).astype("u1"))
case("uint16 in tiles of 16, Deflate, BigTIFF", tiff(twelve, tile=(16, 16), compression="deflate", bigtiff=True), levels(twelve, 0, 4095), [S])
case("uint16 RGB, each channel by itself", tiff(np.round(RGB * 4095).astype("u2").transpose(2, 0, 1), photometric="rgb", planarconfig="separate"), levels(np.round(RGB * 4095), 0, 4095), [S])
case("uint8 RGB in tiles, each channel by itself", tiff((RGB * 255).astype("u1").transpose(2, 0, 1), photometric="rgb", planarconfig="separate", tile=(16, 16)), (RGB * 255).astype("u1"))
five = np.round(BANDS * 10000).astype("u2")
C = "CHANNELS_LEFT_OUT"
case("five channels of uint16", tiff(five, planarconfig="contig"), levels(five[..., :3], *own(five[..., :3])), [C, S])
case("five channels of uint16, each by itself", tiff(five.transpose(2, 0, 1), planarconfig="separate"), levels(five[..., :3], *own(five[..., :3])), [C, S])
case("five channels of uint8", tiff((BANDS * 255).astype("u1"), planarconfig="contig"), (BANDS * 255).astype("u1")[..., :3], [C])
case("three channels called grey", tiff((RGB * 255).astype("u1"), photometric="minisblack", planarconfig="contig"), (RGB * 255).astype("u1"))
case("two channels of float32", tiff(BANDS[..., :2].astype("f4"), planarconfig="contig"), levels(BANDS[..., 0].astype("f4"), *own(BANDS[..., 0].astype("f4"))), [C, S])
same = np.full((H, W), 7.5, "f4")
case("float32, all the same", tiff(same), np.zeros((H, W), "u1"), ["VALUES_CONSTANT"])
sparse = np.zeros((H, W), "f4")
sparse[3, 3] = 1000
case("float32, all but one the same", tiff(np.tile(sparse, (5, 5))), levels(np.tile(sparse, (5, 5)), 0, 1000), [S])
turned = io.BytesIO()
tifffile.imwrite(turned, twelve, photometric="minisblack", extratags=[(274, 3, 1, 6, True)])
case("uint16, turned by its tag", turned.getvalue(), levels(np.rot90(twelve, -1), 0, 4095), [S])

def pages(*arrays, **how):
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for array, more in arrays:
            writer.write(array, photometric="rgb" if array.ndim == 3 else "minisblack", **more)
    return out.getvalue()


P = "PAGES_LEFT_OUT"
picture = (RGB * 255).astype("u1")
case("a thumbnail first", pages((picture[::4, ::4].copy(), {"subfiletype": 1}), (picture, {})), picture, [P])
case("a thumbnail first that is not marked as one", pages((picture[::4, ::4].copy(), {}), (picture, {})), picture, [P])
case("smaller versions behind", pages((picture, {}), (picture[::2, ::2].copy(), {"subfiletype": 1})), picture)
case("two pages, the first", pages((picture, {}), (255 - picture, {})), picture, [P])
case("two pages, the second", pages((picture, {}), (255 - picture, {})), 255 - picture, [], page=2)
stack = io.BytesIO()
tifffile.imwrite(stack, np.stack([twelve, twelve // 2, twelve // 4]), imagej=True, metadata={"axes": "CYX"})
case("channels as pages, by ImageJ", stack.getvalue(), levels(twelve, 0, 4095), [P, S])
case("channels as pages, by ImageJ, the third", stack.getvalue(), levels(twelve // 4, *own(twelve // 4)), [S], page=3)


def pil(image, kind, **how):
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def plain(name, file, notices=(), **options):
    case(name, file, np.asarray(Image.open(io.BytesIO(file)).convert("RGB")), notices, **options)


case("PNG of 16 bits", pil(Image.fromarray(u2), "PNG"), levels(u2, 0, 65535))
case("PNG with 12 bits in 16", pil(Image.fromarray(twelve), "PNG"), levels(twelve, 0, 4095), [S])
grey = Image.fromarray((G * 255).astype("u1"))
plain("PNG, grey with alpha", pil(Image.merge("LA", [grey, grey]), "PNG"))
plain("PNG of 1 bit", pil(Image.fromarray(G > 0.5), "PNG"))
plain("TIFF of 1 bit", pil(Image.fromarray(G > 0.5), "TIFF"))
palette = Image.fromarray(picture).quantize(16)
plain("PNG with a palette", pil(palette, "PNG"))
plain("TIFF with a palette", pil(palette, "TIFF"))
plain("GIF of two frames, the first", pil(palette, "GIF", save_all=True, append_images=[Image.fromarray(255 - picture).quantize(16)]), [P])
plain("uint8 with a range", pil(grey, "PNG"), ["VALUE_RANGE_UNUSED"], valueRange=[0, 4095])

# BMP: Pillow writes some forms; the others are put together by hand and read by Pillow.
plain("BMP of 24 bits", pil(Image.fromarray(picture), "BMP"))
plain("BMP of 8 bits, grey", pil(grey, "BMP"))
plain("BMP of 8 bits with a palette", pil(palette, "BMP"))
plain("BMP of 1 bit", pil(Image.fromarray(G > 0.5), "BMP"))


def bmp(body, bits, w, h, compression=0, colours=b"", fields=b"", head=40):
    rest = struct.pack("<iiHHIIiiII", w, h, 1, bits, compression, len(body), 2835, 2835, len(colours) // 4, 0)
    header = struct.pack("<I", head) + rest
    if head > 40:
        header += fields + bytes(head - 40 - len(fields))
        fields = b""
    offset = 14 + len(header) + len(fields) + len(colours)
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + header + fields + colours + body


def rows(array, bits):
    out = b""
    for line in array:
        text = "".join(format(int(v), f"0{bits}b") for v in line)
        text += "0" * (-len(text) % 32)
        out += int(text, 2).to_bytes(len(text) // 8, "big")
    return out


sixteen = b"".join(bytes([16 * i, 255 - 16 * i, 7 * i, 0]) for i in range(16))
index = (np.round(G * 15)).astype("u1")[:, :19]
plain("BMP of 4 bits, odd width", bmp(rows(index[::-1], 4), 4, 19, H, colours=sixteen))
rgb24 = b"".join(line[:, ::-1].tobytes() + bytes(-3 * W % 4) for line in picture)
plain("BMP of 24 bits, rows from the top", bmp(rgb24, 24, W, -H))
rgb32 = np.dstack([picture[:, :, ::-1], np.zeros((H, W), "u1")])[::-1].copy().tobytes()
plain("BMP of 32 bits", bmp(rgb32, 32, W, H))
word = ((picture[..., 0].astype("u2") >> 3) << 10) | ((picture[..., 1].astype("u2") >> 3) << 5) | (picture[..., 2] >> 3)
plain("BMP of 16 bits, 5 each", bmp(word[::-1].copy().tobytes(), 16, W, H))
word = ((picture[..., 0].astype("u2") >> 3) << 11) | ((picture[..., 1].astype("u2") >> 2) << 5) | (picture[..., 2] >> 3)
plain("BMP of 16 bits, fields of 5, 6 and 5", bmp(word[::-1].copy().tobytes(), 16, W, H, 3, fields=struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
quad = np.dstack([picture, np.full((H, W), 255, "u1")])[::-1].copy().tobytes()
masks = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
plain("BMP of 32 bits, fields in a V5 head", bmp(quad, 32, W, H, 3, fields=masks, head=124))
quad = np.dstack([picture[:, :, ::-1], np.full((H, W), 255, "u1")])[::-1].copy().tobytes()
masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
plain("BMP of 32 bits, fields in a V4 head", bmp(quad, 32, W, H, 3, fields=masks, head=108))
runs = b""
for line in index[::-1]:
    runs += b"".join(bytes([1, int(v)]) for v in line[:9]) + bytes([0, 10]) + line[9:].tobytes() + b"\0\0"
plain("BMP of 8 bits, run lengths", bmp(runs + b"\0\1", 8, 19, H, 1, colours=sixteen))
jump = bytes([3, 5, 0, 2, 2, 1, 4, 7, 10, 3, 0, 0, 19, 1, 0, 0, 0, 1])
plain("BMP of 8 bits, run lengths with a jump", bmp(jump, 8, 19, 3, 1, colours=sixteen))
runs = b""
for line in index[::-1]:
    pairs = [int(a) << 4 | int(b) for a, b in zip(line[6::2], list(line[7::2]) + [0])]
    runs += bytes([6, int(line[0]) << 4 | int(line[0])]) + bytes([0, 13]) + bytes(pairs) + bytes(len(pairs) % 2) + b"\0\0"
fixed = index.copy()
fixed[:, :6] = fixed[:, :1]
plain("BMP of 4 bits, run lengths", bmp(runs + b"\0\1", 4, 19, H, 2, colours=sixteen))
old = b"BM" + struct.pack("<IHHI", 0, 0, 0, 26) + struct.pack("<IHHHH", 12, W, H, 1, 24) + b"".join(line[:, ::-1].tobytes() + bytes(-3 * W % 4) for line in picture[::-1])
plain("BMP with OS/2's head", old)

pathlib.Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
print(len(CASES))
