"""An external segmenter for prosam: pixels whose color is nearer to the object's colors than to all others of the references.

The standard library alone. Speaks the protocol over HTTP (python3 segmenter.py --port 8700) or, without --port, line by line over
standard input and output. Replace `segment` by a model of your own and keep the rest.
"""

import argparse
import base64
import http.server
import json
import math
import sys

PROTOCOL = 1
NAME, VERSION, MAX_BATCH = "color-similarity", "1", 4
BINS = 16  # levels of each color channel
MAX_BYTES = 2**28


def pixels_of(image):
    """One color index per pixel, row by row: each channel in BINS levels."""
    rgb = base64.b64decode(image["rgb"])
    shift = 256 // BINS
    return [(r // shift * BINS + g // shift) * BINS + b // shift for r, g, b in zip(rgb[0::3], rgb[1::3], rgb[2::3])]


def mask_of(rle):
    """Run lengths down the columns, zeros first -> 0/1 per pixel, row by row."""
    height, width = rle["size"]
    columns, value = [], 0
    for run in rle["counts"]:
        columns += [value] * run
        value = 1 - value
    return [columns[x * height + y] for y in range(height) for x in range(width)]


def rle_of(mask, width, height):
    """The way back."""
    counts, value, run = [], 0, 0
    for x in range(width):
        for y in range(height):
            if mask[y * width + x] != value:
                counts.append(run)
                value, run = 1 - value, 0
            run += 1
    return {"size": [height, width], "counts": counts + [run]}


def color_odds(references):
    """Probability of the object for each color, learned from the references (Laplace's rule)."""
    inside, outside = [1] * BINS**3, [1] * BINS**3
    for reference in references:
        for color, marked in zip(pixels_of(reference["image"]), mask_of(reference["mask"])):
            (inside if marked else outside)[color] += 1
    in_all, out_all = sum(inside), sum(outside)
    return [i / in_all / (i / in_all + o / out_all) for i, o in zip(inside, outside)]


def segment(references, target):
    """The mask of the references' concept in one target, and how sure of it this is, 0..1."""
    odds = color_odds(references)
    likely = [odds[color] for color in pixels_of(target)]
    mask = [1 if p > 0.5 else 0 for p in likely]
    marked = [p for p in likely if p > 0.5]
    score = math.fsum(marked) / len(marked) if marked else 0.0
    return {"mask": rle_of(mask, target["width"], target["height"]), "score": score}


def answer(message):
    """One message -> one answer, both as dictionaries."""
    if message.get("protocol") != PROTOCOL:
        return {"error": f"expected protocol {PROTOCOL}, got {message.get('protocol')}"}
    if message.get("type") == "describe":
        return {"name": NAME, "version": VERSION, "maxBatch": MAX_BATCH}
    if message.get("type") == "segment":
        return {"results": [segment(message["references"], target["image"]) for target in message["targets"]]}
    return {"error": f"expected describe or segment, got {message.get('type')}"}


def answer_bytes(data):
    """The same for JSON; whatever goes wrong becomes an answer in words."""
    name = None
    try:
        message = json.loads(data)
        name = message.get("id")
        said = answer(message)
    except Exception as error:  # pylint: disable=broad-except
        said = {"error": f"{type(error).__name__}: {error}"}
    return json.dumps({"protocol": PROTOCOL, "id": name, **said}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > MAX_BYTES:
            self.send_error(413)
            return
        data = answer_bytes(self.rfile.read(length))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, help="serves HTTP on 127.0.0.1; 0 takes a free port")
    port = arguments.parse_args().port
    if port is None:
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(answer_bytes(line) + b"\n")
            sys.stdout.buffer.flush()
    else:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        print(f"listening on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
        server.serve_forever()
