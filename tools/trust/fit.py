"""Fits the numbers of src/core/engine/trust/weights.ts and measures them on sets they were not fitted on.

  python tools/trust/fit.py EVIDENCE.jsonl [...] [--write]

Needs numpy. Reads what collect.ts wrote. Every set counts alike, however many pairs it has. Prints, each set measured with numbers fitted
on the others: Spearman's rank correlation of score and IoU, calibration error, AUROC of presence, what the default threshold does, and
class-wise mIoU of 'auto' beside the methods it chooses among. --write writes the numbers fitted on all sets.
"""
import collections
import json
import sys
from pathlib import Path

import numpy as np

LIMIT, RIDGE = 0.02, 1.0
SCORE_OWN = ["samIou", "certainty", "found", "lead", "likeness", "likenessLead", "precision", "coverage", "size", "relativeSize"]
SCORES = {
    "trained": ("prosam", SCORE_OWN),
    "beside": ("nearest", ["trainedSamIou", "trainedCertainty", "certainty", "lead", "likenessLead", "size", "relativeSize"]),
    "drawn": ("refined", SCORE_OWN),
    "cells": ("nearest", ["certainty", "found", "lead", "likeness", "likenessLead", "size", "relativeSize"]),
}
OWN = ["found", "lead", "likeness", "likenessLead", "precision"]
CHOICE = ["samIou", "certainty", "likenessLead", "precision", "coverage", "otherLikenessLead", "otherCertainty"]
CERTAIN = 0.7
PRESENCE = {"trained": ("prosam", [*OWN, "trainedSamIou", "trainedCertainty"]), "alone": ("nearest", [*OWN, "certainty"])}


def logit(share):
    share = min(1 - LIMIT, max(LIMIT, share))
    return float(np.log(share / (1 - share)))


def terms(row, method):
    evidence, trained = row["methods"][method]["evidence"], row["methods"]["prosam"]["evidence"]
    out = {key: value for key, value in evidence.items() if key not in ("certainty", "samIou")}
    out["certainty"], out["samIou"] = logit(evidence["certainty"]), logit(evidence.get("samIou", 0.5))
    out["trainedSamIou"], out["trainedCertainty"] = logit(trained["samIou"]), logit(trained["certainty"])
    other = row["methods"]["nearest"]["evidence"]
    out["otherLikenessLead"], out["otherCertainty"] = other["likenessLead"], logit(other["certainty"])
    return out


def matrix(rows, method, names):
    return np.array([[terms(row, method)[name] for name in names] for row in rows])


def fit(x, y, weights):
    mean, spread = x.mean(0), x.std(0) + 1e-9
    z = np.c_[np.ones(len(x)), (x - mean) / spread]
    b, ridge = np.zeros(z.shape[1]), np.eye(z.shape[1]) * RIDGE
    ridge[0, 0] = 0
    for _ in range(100):
        p = 1 / (1 + np.exp(-z @ b))
        step = np.linalg.solve((z * (weights * p * (1 - p) + 1e-6)[:, None]).T @ z + ridge, z.T @ (weights * (p - y)) + ridge @ b)
        b -= step
        if abs(step).max() < 1e-9:
            break
    return b[1:] / spread, b[0] - (b[1:] / spread) @ mean


def apply(numbers, x):
    return 1 / (1 + np.exp(-(x @ numbers[0] + numbers[1])))


def even(groups, keep):
    """A weight for every row: all groups that are kept count alike."""
    counts = collections.Counter(group for group, kept in zip(groups, keep) if kept)
    return np.array([1 / counts[group] if kept else 0 for group, kept in zip(groups, keep)])


def ranks(values):
    order = np.argsort(values, kind="stable")
    out = np.empty(len(values))
    out[order] = np.arange(len(values))
    for value in set(values):
        out[values == value] = out[values == value].mean()
    return out


def spearman(a, b):
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1]) if len(a) > 3 else float("nan")


def auroc(scores, shown):
    if shown.all() or not shown.any():
        return float("nan")
    return float((ranks(scores)[shown].sum() - shown.sum() * (shown.sum() - 1) / 2) / (shown.sum() * (~shown).sum()))


def calibration_error(scores, ious, bins=10):
    order = np.argsort(scores)
    return sum(abs(scores[part].mean() - ious[part].mean()) * len(part) for part in np.array_split(order, bins) if len(part)) / len(scores)


def class_miou(rows, chosen):
    sums = collections.defaultdict(lambda: [0, 0])
    for row, method in zip(rows, chosen):
        answer = row["methods"][method]
        cell = sums[row["fold"], row["classId"]]
        cell[0] += answer["tp"]
        cell[1] += answer["union"]
    folds = collections.defaultdict(list)
    for (fold, _), (overlap, union) in sums.items():
        folds[fold].append(overlap / max(1, union))
    return float(np.mean([np.mean(values) for values in folds.values()]))


def crossed(sets, groups, y, x, weigh=None):
    """Estimates for every row by numbers fitted on the other sets, and the numbers fitted on all."""
    weigh = np.ones(len(y)) if weigh is None else weigh
    def numbers(kept):
        weights = even(groups, kept)[kept] * weigh[kept]
        return fit(x[kept], y[kept], weights / weights.mean())
    out = np.zeros(len(y))
    for name in set(sets):
        out[sets == name] = apply(numbers(sets != name), x[sets == name])
    return out, numbers(np.ones(len(y), bool))


class Table:
    """Rows that a method answered, as arrays. Each set with each number of references counts alike."""

    def __init__(self, rows, method, kept=lambda row: True):
        self.rows = [row for row in rows if method in row["methods"] and kept(row)]
        self.method = method
        self.sets = np.array([row["set"] for row in self.rows])
        self.shown = np.array([row["shown"] for row in self.rows])
        self.groups = [f"{row['set']} {row['shots']} {row['shown']}" for row in self.rows]
        self.iou = np.array([row["methods"][method]["iou"] if row["shown"] else 0 for row in self.rows])

    def by_set(self, text):
        names = dict.fromkeys((row["set"], row["shots"]) for row in self.rows)
        shots = np.array([row["shots"] for row in self.rows])
        return ", ".join(f"{name}{'' if count == 1 else f' x {count}'} {text((self.sets == name) & (shots == count))}" for name, count in names)


def scores(rows, method, names):
    table = Table(rows, method, lambda row: row["shown"])
    estimate, numbers = crossed(table.sets, table.groups, table.iou, matrix(table.rows, method, names))
    print(f"rank {spearman(estimate, table.iou):.2f}, calibration error {calibration_error(estimate, table.iou):.3f}")
    print("  " + table.by_set(lambda own: f"{spearman(estimate[own], table.iou[own]):.2f} ({estimate[own].mean():.2f} for {table.iou[own].mean():.2f})"))
    return dict(zip(["bias", *names], [numbers[1], *numbers[0]]))


def presence(rows, method, names, mixed):
    table = Table(rows, method, lambda row: row["set"] in mixed and all(name in terms(row, method) for name in names))
    y = table.shown
    p, numbers = crossed(table.sets, table.groups, y.astype(float), matrix(table.rows, method, names))
    good = y & (table.iou > 0.5)
    print(f"AUROC {auroc(p, y):.3f}, of masks above 0.5 {auroc(np.r_[p[good], p[~y]], np.r_[np.ones(good.sum(), bool), np.zeros((~y).sum(), bool)]):.3f}, calibration error {calibration_error(p, y.astype(float)):.3f}")
    print("  " + table.by_set(lambda own: f"{auroc(p[own], y[own]):.2f}"))
    for threshold in (0.3, 0.35, 0.4, 0.45, 0.5, np.quantile(p[~y], 0.85)):
        print(f"  threshold {threshold:.2f}: absent masked {(p[~y] >= threshold).mean():.2f}, good kept {(p[good] >= threshold).mean():.2f}, shown kept {(p[y] >= threshold).mean():.2f}")
    return dict(zip(["bias", *names], [numbers[1], *numbers[0]]))


def choice(rows):
    table = Table(rows, "prosam", lambda row: row["shown"])
    gain = np.array([row["methods"]["nearest"]["iou"] - row["methods"]["prosam"]["iou"] for row in table.rows])
    leaves, numbers = crossed(table.sets, table.groups, (gain > 0).astype(float), matrix(table.rows, "prosam", CHOICE), abs(gain))
    def figures(own):
        these = [row for row, kept in zip(table.rows, own) if kept]
        answers = [["prosam"] * len(these), ["nearest"] * len(these), np.where(gain[own] > 0, "nearest", "prosam")]
        answers += [np.where(leaves[own] > limit, "nearest", "prosam") for limit in (0.5, 0.6, CERTAIN)]
        return " ".join(f"{class_miou(these, chosen):.3f}" for chosen in answers)
    print("  " + table.by_set(figures).replace(", ", "\n  "))
    return dict(zip(["bias", *CHOICE], [numbers[1], *numbers[0]]))


def main():
    files = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    rows = [json.loads(line) for file in files for line in Path(file).read_text().splitlines()]
    rows = [row for row in rows if "samIou" in row["methods"].get("prosam", {}).get("evidence", {})]
    order = list(dict.fromkeys(row["set"] for row in rows))
    counts = collections.Counter((row["set"], row["shots"], row["shown"]) for row in rows)
    print(f"{len(rows)} targets:", ", ".join(f"{name} x {shots} {'shown' if shown else 'absent'} {count}" for (name, shots, shown), count in counts.items()))
    numbers = {"SCORES": {}, "PRESENCE": {}}
    for kind, (method, names) in SCORES.items():
        print(f"\nscore {kind} ({method})", end=": ")
        numbers["SCORES"][kind] = scores(rows, method, names)
    mixed = {row["set"] for row in rows if not row["shown"]}
    for kind, (method, names) in PRESENCE.items():
        numbers["PRESENCE"][kind] = {}
        for case, more in (("withoutRivals", []), ("withRivals", ["rival"])):
            print(f"\npresence {kind} {case}", end=": ")
            numbers["PRESENCE"][kind][case] = presence(rows, method, [*names, *more], mixed)
    print("\nauto: mIoU of prosam, nearest, the better for each target, and what is chosen at 0.5, 0.6 and 0.7")
    numbers["CHOICE"] = choice(rows)
    if "--write" in sys.argv:
        write(numbers, len(rows), order)


def write(numbers, count, order):
    rounded = lambda value: {key: rounded(one) for key, one in value.items()} if isinstance(value, dict) else round(float(value), 3)
    names = sorted(set(numbers["CHOICE"]) | {name for one in numbers["SCORES"].values() for name in one} | {name for one in numbers["PRESENCE"].values() for case in one.values() for name in case})
    text = f'''/**
 * Numbers of the estimates, fitted by tools/trust/fit.py on {count} targets of {", ".join(order)} with the model `small`: logistic regressions,
 * every set counting alike. What they reach on sets that had no part in the fit stands in docs/concepts/trust.md.
 */

/** Terms of evidence; shares as their logits. */
export type Term = {" | ".join(repr(name) for name in names if name != "bias")};
export type Numbers = {{ bias: number }} & Partial<Record<Term, number>>;

/** Expected IoU: of the trained method's mask, of one drawn beside it, and without it of one that SAM drew or did not. */
export const SCORES = {json.dumps(rounded(numbers["SCORES"]), indent=2)} as const satisfies Record<string, Numbers>;

/** Probability that the mask of 'nearest' is better than the trained method's, by the evidence of both. */
export const CHOICE = {json.dumps(rounded(numbers["CHOICE"]), indent=2)} as const satisfies Numbers;

/** Presence: with the trained method's mask as evidence, or without; with images that do not show the concept, or without. */
export const PRESENCE = {json.dumps(rounded(numbers["PRESENCE"]), indent=2)} as const satisfies Record<string, Record<string, Numbers>>;
'''
    path = Path(__file__).parents[2] / "src/core/engine/trust/weights.ts"
    path.write_text(text)
    print(f"\nwrote {path.name}; run prettier on it")


main()
