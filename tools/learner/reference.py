"""Golden numbers of the learner, made with NumPy, SciPy and PyTorch alone, in float64: they share no line with the code they check.

Usage: python reference.py FILE     test/unit/learner/golden/reference.json

- intervals: the expanded percentile bootstrap over images (docs/service/learning.md), by enumeration of all n^n draws instead of chance
- tails: the share of draws below its lower end
- emptyMasks: loss and gradient of a mask whose truth is empty, by automatic differentiation (docs/training/further.md)
"""
import itertools, json, math, sys
import numpy as np
import torch
from scipy.stats import norm, t

GAINS = {
    "one label": [[["cup", 0.02]], [["cup", 0.04]], [["cup", -0.01]], [["cup", 0.05]], [["cup", 0.03]], [["cup", 0.0]]],
    "all gain": [[["cup", g]] for g in (0.02, 0.01, 0.03, 0.05, 0.015)],
    "one absent image flips": [[["cup", 0.0]], [["cup", 1.0]], [["cup", 0.01]], [["cup", -0.02]], [["cup", 0.0]]],
    "two labels": [
        [["cup", 0.1], ["jug", 0.0]],
        [["cup", 0.3]],
        [["jug", -0.1]],
        [["cup", 0.2], ["jug", 0.05]],
        [["jug", 0.15]],
    ],
}


def mean_gain(images):
    labels = {}
    for pairs in images:
        for label, gain in pairs:
            labels.setdefault(label, []).append(gain)
    return float(np.mean([np.mean(gains) for gains in labels.values()]))


def tail(n):
    return float(norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf(0.975, n - 1)))


def interval(images):
    n = len(images)
    means = [mean_gain([images[i] for i in draw]) for draw in itertools.product(range(n), repeat=n)]
    low, high = np.quantile(means, [tail(n), 1 - tail(n)])
    return {"images": images, "mean": mean_gain(images), "low": float(low), "high": float(high)}


def empty_mask(name, logits):
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    g = torch.zeros_like(x)
    bce = torch.nn.functional.binary_cross_entropy_with_logits(x, g, reduction="none").mean(1)
    p = torch.sigmoid(x)
    dice = 1 - (2 * (p * g).sum(1) + 1) / (p.sum(1) + g.sum(1) + 1)
    total = (bce + dice).mean()
    total.backward()
    return {
        "name": name,
        "logits": x.detach().tolist(),
        "bce": bce.tolist(),
        "dice": dice.tolist(),
        "total": float(total.detach()),
        "gradient": x.grad.tolist(),
    }


torch.manual_seed(20261130)
result = {
    "intervals": [{"name": name, **interval(images)} for name, images in GAINS.items()],
    "tails": [{"images": n, "tail": tail(n)} for n in (3, 4, 5, 6, 8, 11, 12, 20, 50, 100)],
    "emptyMasks": [
        empty_mask("nothing drawn", [[-12.0] * 16]),
        empty_mask("everything drawn", [[12.0] * 16]),
        empty_mask("two masks of mixed values", (3 * torch.randn(2, 16)).double().tolist()),
    ],
}
with open(sys.argv[1], "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
