"""Small groups borrow from their parents: empirical Bayes means, with the share borrowed beside them."""

from __future__ import annotations

import numpy as np


def shrink(
    mean: np.ndarray, sd: np.ndarray, n: np.ndarray, parent_mean: np.ndarray, learned: int | np.ndarray = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the means of sibling groups towards their parents' means, the more, the less each group itself shows.

    The variance of the true group means about their parents, tau^2, is the estimate of DerSimonian and Laird,
    "Meta-analysis in clinical trials" (Controlled Clinical Trials 7, 1986): (Q - (K - 1)) / (sum w - sum w^2 / sum w)
    with Q = sum w (y - mean of y by w)^2 and w = n / variance within groups, which is pooled, so that a group of two
    songs does not pass for a certain one. The parent's share is v / (v + tau^2), v = 1 / w, times (f - 2) / f, with f =
    K less the parents' means that were learned from the same groups (Morris, "Parametric empirical Bayes inference",
    Journal of the American Statistical Association 78, 1983). Without this factor shrunk means of two or three groups
    that differ by much err more than raw means; with it means of K < 4 groups of one column stay as they are.

    Args:
        mean: shape (groups, bins): mean of each sibling ("genre=rock", "genre=folk", ...); each bin is on its own.
        sd: same shape: spread of its songs; NaN below two.
        n: same shape: its songs.
        parent_mean: same shape: mean of each one's parent, itself shrunk where it has a parent.
        learned: free parameters of the parents' means, for all bins or each: 1 for one parent of all siblings.

    Returns:
        The shrunk means, and the share of the parent in each, from 0 to 1. A group without songs is all its parent;
        where no group has two songs nothing can be distinguished, and all are their parents.

    >>> mean, n = np.array([[1.0], [3.0], [2.0], [2.4], [1.7]]), np.array([[50], [2], [9], [9], [9]])
    >>> means, shares = shrink(mean, np.full((5, 1), 2.0), n, np.full((5, 1), 1.4))
    >>> shares.round(2).ravel().tolist()
    [0.13, 0.45, 0.33, 0.33, 0.33]
    """
    filled = n > 0
    freedom = np.maximum(n - 1, 0)
    off = np.where(filled, mean - parent_mean, 0.0)
    groups = filled.sum(axis=0)
    free = groups - learned
    with np.errstate(invalid="ignore", divide="ignore"):
        within = (np.nan_to_num(sd) ** 2 * freedom).sum(axis=0) / freedom.sum(axis=0)
        weight = n / within
        whole = weight.sum(axis=0)
        q = (weight * (off - (weight * off).sum(axis=0) / whole) ** 2).sum(axis=0)
        # The denominator is that of K - 1 free groups; where more means were learned it falls by as much.
        scale = (whole - (weight**2).sum(axis=0) / whole) * free / (groups - 1)
        between = np.maximum((q - free) / scale, 0.0)
        share = 1 / (1 + weight * between) * np.maximum(free - 2, 0) / free
    # Groups without any spread within have exact means; of those that have too few siblings nothing can be learned.
    share = np.where((within > 0.0) & (free > 2), share, 0.0)
    share = np.where(filled & (freedom.sum(axis=0) > 0), share, 1.0)
    return parent_mean + (1 - share) * off, share
