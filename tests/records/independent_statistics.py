"""The statistics of jaxpe a second time, from their formulas, with loops: nothing here is imported from the package."""

import csv
import gzip
import math
from fractions import Fraction
from itertools import permutations, product

import numpy as np

LEVEL = Fraction(1, 20)


def compute_sign_flip_p(differences):
    """The share of all 2ⁿ sign patterns whose sum is at least as far from 0 as that of the differences."""
    observed = abs(math.fsum(differences))
    extreme = 0
    for signs in product((1, -1), repeat=len(differences)):
        total = abs(math.fsum(sign * value for sign, value in zip(signs, differences, strict=True)))
        extreme += total >= observed - 1e-12 * (1 + observed)
    return extreme / 2 ** len(differences)


def compute_sign_flip_interval(differences):
    """The shifts that the test does not reject at 5 %, without searching for them.

    Flip the signs in a subset F of k of the n differences d − m. The flipped sum is at least as far from 0 as the plain one if
    and only if m lies between the mean of F and the mean of the others: with S = Σ d and D = Σ_F d it is
    (S − 2 D − m (n − 2 k))² ≥ (S − n m)², which is 4 k (n − k) (m − D / k) ((S − D) / (n − k) − m) ≥ 0. All these ranges hold
    the mean of all, so above it p(m) is the share of subsets whose upper end is at least m. The subsets with nobody and with
    everybody count everywhere.
    """
    n, total = len(differences), math.fsum(differences)
    lows, highs = [], []
    for chosen in product((False, True), repeat=n):
        k = sum(chosen)
        if 0 < k < n:
            part = math.fsum(value for value, is_in in zip(differences, chosen, strict=True) if is_in)
            means = sorted((part / k, (total - part) / (n - k)))
            lows.append(means[0])
            highs.append(means[1])
    needed = math.floor(LEVEL * 2**n - 2) + 1  # so many of these subsets keep p above the level
    return sorted(lows)[needed - 1], sorted(highs, reverse=True)[needed - 1]


def estimate_difference(a, b):
    """Mean, interval, n and p of paired differences: no test below three pairs, no interval below six."""
    differences = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    n, mean = len(differences), math.fsum(differences) / len(differences)
    p = compute_sign_flip_p(differences) if n >= 3 else None
    low, high = compute_sign_flip_interval(differences) if n >= 6 else (None, None)
    return mean, low, high, n, p


def compute_binomial_tail(successes, n, share):
    """The probability of at least so many successes."""
    return math.fsum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(successes, n + 1))


def bisect(function, low, high):
    """Where a rising function crosses 0."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return (low + high) / 2


def estimate_share(successes, n):
    """A share with the interval of Clopper and Pearson: the shares under which neither tail is below 2.5 %."""
    low, high = 0.0, 1.0
    if successes > 0:
        low = bisect(lambda share: compute_binomial_tail(successes, n, share) - 0.025, 0.0, 1.0)
    if successes < n:
        high = bisect(lambda share: compute_binomial_tail(successes + 1, n, share) - 0.975, 0.0, 1.0)
    return successes / n, low, high, n, None


def compute_t_quantile(degrees, probability=0.975):
    """A quantile of Student's t: its density integrated by Simpson's rule, and the integral inverted."""
    constant = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def integrate(end, steps=2000):
        xs = [end * i / steps for i in range(steps + 1)]
        ys = [constant * (1 + x * x / degrees) ** (-(degrees + 1) / 2) for x in xs]
        return end / steps / 3 * (ys[0] + ys[-1] + 4 * math.fsum(ys[1:-1:2]) + 2 * math.fsum(ys[2:-1:2]))

    return bisect(lambda end: 0.5 + integrate(end) - probability, 0.0, 60.0)


def estimate_mean(values, criterion):
    """A mean with its t-interval, for at least three values on one side of a criterion."""
    n, mean = len(values), math.fsum(values) / len(values)
    if n < 3 or len({value >= criterion for value in values}) > 1:
        return mean, None, None, n, None
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = compute_t_quantile(n - 1) * deviation / math.sqrt(n)
    return mean, mean - half, mean + half, n, None


def compute_jackknife_half(without):
    """Half the width of a t-interval, from the estimates that leave out one unit each."""
    n, mean = len(without), math.fsum(without) / len(without)
    error = math.sqrt((n - 1) / n * math.fsum((value - mean) ** 2 for value in without))
    return compute_t_quantile(n - 1) * error


def estimate_pairs(first, second, values):
    """A mean over pairs, leaving out one member of pairs at a time; the interval ends at 0 and 1."""
    names = sorted({*first, *second})
    mean = math.fsum(values) / len(values)
    if len(names) < 4:
        return mean, None, None, len(names), None
    without = []
    for name in names:
        kept = [v for a, b, v in zip(first, second, values, strict=True) if name not in (a, b)]
        without.append(math.fsum(kept) / len(kept))
    half = compute_jackknife_half(without)
    return mean, max(0.0, mean - half), min(1.0, mean + half), len(names), None


def estimate_ratio(part, whole):
    """A ratio of means, leaving out one unit at a time."""
    ratio = math.fsum(part) / math.fsum(whole)
    if len(part) < 4:
        return ratio, None, None, len(part), None
    without = [
        math.fsum(part[j] for j in range(len(part)) if j != i) / math.fsum(whole[j] for j in range(len(part)) if j != i)
        for i in range(len(part))
    ]
    half = compute_jackknife_half(without)
    return ratio, ratio - half, ratio + half, len(part), None


def average_middle(values):
    """The mean of what is left when a quarter, rounded down, is cut at each end."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def estimate_middle(scores, draws=2000):
    """The mean of the middle half of scores[task][seed], and its bootstrap interval over seeds within each task."""
    tasks, seeds = len(scores), len(scores[0])
    picks = np.random.default_rng(0).integers(0, seeds, (draws, tasks, seeds))  # the draws are data, not a formula
    means = sorted(
        average_middle([scores[task][seed] for task in range(tasks) for seed in pick[task]]) for pick in picks
    )
    return (
        average_middle([value for row in scores for value in row]),
        *(cut(means, q) for q in (0.025, 0.975)),
        seeds,
        None,
    )


def cut(ordered, share):
    """A quantile, between the two nearest values in proportion."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def adjust(p_values):
    """Holm: the i-th smallest of m counts m − i + 1 times, and none less than a smaller one before it."""
    adjusted = {}
    largest = 0.0
    for rank, (p, place) in enumerate(sorted((p, place) for place, p in enumerate(p_values))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[place] = largest
    return [adjusted[place] for place in range(len(p_values))]


def compute_tau(first, second):
    """Kendall's τ-b: concordant minus discordant pairs, over the pairs without a tie in each."""
    pairs = [(i, j) for i in range(len(first)) for j in range(i)]
    signs = [[(x[i] > x[j]) - (x[i] < x[j]) for i, j in pairs] for x in (first, second)]
    untied = [sum(sign != 0 for sign in of_one) for of_one in signs]
    if not all(untied):
        return 0.0
    return sum(a * b for a, b in zip(*signs, strict=True)) / math.sqrt(untied[0] * untied[1])


def compute_tau_p(first, second):
    """The share of all orders of the second whose τ-b is at least as far from 0."""
    observed = abs(compute_tau(first, second))
    taus = [abs(compute_tau(first, order)) for order in permutations(second)]
    return sum(tau >= observed - 1e-12 for tau in taus) / len(taus)


# ── cells of a table ────────────────────────────────────────────────────────────────────────────────────────────────


def read_rows(path):
    """The rows of a table, which may be compressed, as dictionaries of texts."""
    packed = path.with_name(f"{path.name}.gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def select(rows, **columns):
    """The rows with these entries; numbers are compared as numbers, and '' is an empty entry."""
    return [row for row in rows if all(is_equal(row[name], value) for name, value in columns.items())]


def is_equal(entry, value):
    if isinstance(value, (int, float)):
        return entry != "" and math.isclose(float(entry), value)
    return entry == value


def average(rows, column="value"):
    """The mean of a column by seed."""
    by_seed = {}
    for row in rows:
        if row["seed"] != "" and row[column] != "":
            by_seed.setdefault(int(float(row["seed"])), []).append(float(row[column]))
    return {seed: math.fsum(values) / len(values) for seed, values in by_seed.items()}


def pair(first, second):
    """Two means by seed on the seeds that both have, in their order."""
    seeds = sorted(set(first) & set(second))
    return [first[seed] for seed in seeds], [second[seed] for seed in seeds]
