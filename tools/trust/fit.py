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

LIMIT, RIDGE, PRIOR = 0.02, 1.0, 0.5
SCORE_OWN = ["samIou", "certainty", "found", "lead", "likeness", "likenessLead", "precision", "coverage", "size", "relativeSize"]
SCORES = {
    "trained": ("prosam", SCORE_OWN),
    "beside": ("nearest", ["trainedSamIou", "trainedCertainty", "certainty", "lead", "likenessLead", "size", "relativeSize"]),
    "drawn": ("refined", SCORE_OWN),
    "cells": ("nearest", ["certainty", "found", "lead", "likeness", "likenessLead", "size", "relativeSize"]),
}
OWN = ["found", "lead", "likeness", "likenessLead", "precision"]
CHOICE = ["samIou", "certainty", "likenessLead", "precision", "coverage", "otherLikenessLead", "otherCertainty"]
CERTAIN = 0.6
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
    weights = np.array([1 / counts[group] if kept else 0 for group, kept in zip(groups, keep)])
    return weights / weights[keep].mean()


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


def crossed(rows, sets, y, x, keep, groups):
    """Estimates for every row by numbers fitted on the other sets."""
    out = np.zeros(len(rows))
    for name in set(sets):
        train = keep & (sets != name)
        out[sets == name] = apply(fit(x[train], y[train], even(groups, train)[train]), x[sets == name])
    return out


def main():
    files = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    rows = [json.loads(line) for file in files for line in Path(file).read_text().splitlines()]
    rows = [row for row in rows if "prosam" in row["methods"] and "samIou" in row["methods"]["prosam"]["evidence"]]
    sets = np.array([row["set"] for row in rows])
    shown = np.array([row["shown"] for row in rows])
    order = list(dict.fromkeys(sets))
    print(f"{len(rows)} targets:", ", ".join(f"{name} {(shown & (sets == name)).sum()} + {(~shown & (sets == name)).sum()} absent" for name in order))
    iou_of = lambda method: np.array([row["methods"][method]["iou"] if row["shown"] else 0 for row in rows])
    numbers = {"SCORES": {}, "CHOICE": {}, "PRESENCE": {}}
    estimates = {}
    for kind, (method, names) in SCORES.items():
        x, iou = matrix(rows, method, names), iou_of(method)
        estimates[kind] = crossed(rows, sets, iou, x, shown, sets)
        final = fit(x[shown], iou[shown], even(sets, shown)[shown])
        numbers["SCORES"][kind] = dict(zip(["bias", *names], [final[1], *final[0]]))
        s = estimates[kind]
        print(f"\nscore {kind} ({method}): rank {spearman(s[shown], iou[shown]):.2f}, calibration error {calibration_error(s[shown], iou[shown]):.3f}")
        print("  " + ", ".join(f"{n} {spearman(s[shown & (sets == n)], iou[shown & (sets == n)]):.2f} ({s[shown & (sets == n)].mean():.2f} for {iou[shown & (sets == n)].mean():.2f})" for n in order))
    both = [f"{name} {present}" for name, present in zip(sets, shown)]
    mixed = np.array([name in {n for n in order if (~shown & (sets == n)).any()} for name in sets])
    for kind, (method, names) in PRESENCE.items():
        numbers["PRESENCE"][kind] = {}
        rival = np.array(["rival" in row["methods"][method]["evidence"] for row in rows])
        for case, more, usable in (("withoutRivals", [], mixed), ("withRivals", ["rival"], mixed & rival)):
            part = [row for row, kept in zip(rows, usable) if kept]
            x, y, own, groups = matrix(part, method, [*names, *more]), shown[usable], sets[usable], [g for g, kept in zip(both, usable) if kept]
            p = crossed(part, own, y.astype(float), x, np.ones(len(part), bool), groups)
            final = fit(x, y.astype(float), even(groups, np.ones(len(part), bool)))
            numbers["PRESENCE"][kind][case] = dict(zip(["bias", *names, *more], [final[1], *final[0]]))
            good = y & (iou_of(method)[usable] > 0.5)
            at = np.quantile(p[good], 0.1)
            iou = np.array([row["methods"][method]["iou"] if row["shown"] else 0 for row in part])
            score = estimates["trained" if kind == "trained" else "cells"][usable]
            print(f"\npresence {kind} {case}: AUROC {auroc(p, y):.3f}; " + ", ".join(f"{n} {auroc(p[own == n], y[own == n]):.2f}" for n in order if (own == n).any()))
            for threshold in (0.3, 0.4, 0.5, at):
                print(f"  threshold {threshold:.2f}: absent masked {(p[~y] >= threshold).mean():.2f}, good kept {(p[good] >= threshold).mean():.2f}, shown kept {(p[y] >= threshold).mean():.2f}")
            print(f"  score x present over all: rank {spearman(score * p, iou):.2f}, calibration error {calibration_error(score * p, iou):.3f}; calibration error of presence {calibration_error(p, y.astype(float)):.3f}")
    part = [row for row, present in zip(rows, shown) if present]
    own, x = sets[shown], matrix(part, "prosam", CHOICE)
    gain = np.array([row["methods"]["nearest"]["iou"] - row["methods"]["prosam"]["iou"] for row in part])
    everyone, leaves = np.ones(len(part), bool), np.zeros(len(part))
    for name in order:
        train = own != name
        weights = even(own, train) * abs(gain)
        leaves[own == name] = apply(fit(x[train], (gain[train] > 0).astype(float), weights[train] / weights[train].mean()), x[own == name])
    weights = even(own, everyone) * abs(gain)
    final = fit(x, (gain > 0).astype(float), weights / weights.mean())
    numbers["CHOICE"] = dict(zip(["bias", *CHOICE], [final[1], *final[0]]))
    print("\nauto, choice by single targets: mIoU of prosam, nearest, the better for each, and what is chosen at 0.5, 0.6 and 0.7")
    for name in order:
        these = own == name
        rows_of = [row for row, kept in zip(part, these) if kept]
        fixed = [class_miou(rows_of, [method] * len(rows_of)) for method in ("prosam", "nearest")]
        best = class_miou(rows_of, np.where(gain[these] > 0, "nearest", "prosam"))
        tried = [class_miou(rows_of, np.where(leaves[these] > limit, "nearest", "prosam")) for limit in (0.5, CERTAIN, 0.7)]
        print(f"  {name}: {fixed[0]:.3f} {fixed[1]:.3f} {best:.3f} | " + " ".join(f"{value:.3f}" for value in tried))
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
