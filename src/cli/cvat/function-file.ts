/** `prosam cvat function-file`: a Python file for `cvat-cli task auto-annotate` that calls the running service and nothing else. */
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { CVAT_FUNCTION_FILE } from './spec.ts';

/** Resolves to the exit code. */
export function cvatFunctionFile(args: readonly string[], { print }: Terminal): Promise<number> {
  const { url, project } = parseCommand(CVAT_FUNCTION_FILE, args).values;
  if (!URL.canParse(url)) throw new UsageError(`--url: expected the address of the running service, got ${JSON.stringify(url)}.`);
  print(functionFile(url.replace(/\/+$/, ''), project));
  return Promise.resolve(EXIT.ok);
}

/** Text of the file; JSON strings are Python strings. */
export function functionFile(url: string, project: string): string {
  return `"""Asks a running prosam service for masks.

cvat-cli task auto-annotate TASK --function-file THIS_FILE -p project=str:NAME [--conv-mask-to-poly] [--conf-threshold X]
A token for the service, where it wants one, is read from the environment variable PROSAM_TOKEN.
"""

import base64
import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import PIL.Image

import cvat_sdk.auto_annotation as cvataa
from cvat_sdk.masks import encode_mask


def _ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    if os.environ.get("PROSAM_TOKEN"):
        # For this address alone: other headers would be sent on to wherever it redirects.
        request.add_unredirected_header("Authorization", "Bearer " + os.environ["PROSAM_TOKEN"])
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"prosam: {error.code}: {error.read(2000).decode(errors='replace')}") from error


class _Function:
    def __init__(self, url, project):
        self._url = url
        self._project = project
        concepts = _ask(f"{url}/v1/projects/{urllib.parse.quote(project, safe='')}")["concepts"]
        self._ids = {concept["label"]: i for i, concept in enumerate(concepts)}
        self.spec = cvataa.DetectionFunctionSpec(
            labels=[cvataa.label_spec(label, i) for label, i in self._ids.items()]
        )

    def detect(self, context, image):
        bytes_of = io.BytesIO()
        image.convert("RGB").save(bytes_of, "PNG")
        # Without a threshold of CVAT's the service's own holds.
        options = {} if context.conf_threshold is None else {"options": {"threshold": context.conf_threshold}}
        answer = _ask(
            f"{self._url}/v1/predict",
            {
                **options,
                "project": self._project,
                "image": {"base64": base64.b64encode(bytes_of.getvalue()).decode()},
                "format": "polygon" if context.conv_mask_to_poly else "png",
                # Polygons of CVAT have no holes: slits lead to them.
                "holes": "slits",
            },
        )
        shapes = []
        for mask in answer["masks"]:
            if mask["label"] not in self._ids or mask["area"] == 0:
                continue
            label = self._ids[mask["label"]]
            if context.conv_mask_to_poly:
                for polygon in mask["polygons"]:
                    shapes.append(cvataa.polygon(label, [float(value) for corner in polygon["exterior"] for value in corner]))
            else:
                png = PIL.Image.open(io.BytesIO(base64.b64decode(mask["png"])))
                shapes.append(cvataa.mask(label, encode_mask(np.asarray(png.convert("L")) > 127)))
        return shapes


def create(url=${JSON.stringify(url)}, project=${JSON.stringify(project)}):
    return _Function(url.rstrip("/"), project)
`;
}
