"""Small groups borrow from their parents: empirical Bayes means, with the share borrowed beside them."""

from __future__ import annotations

import numpy as np


def shrink(mean: np.ndarray, sd: np.ndarray, n: np.ndarray, parent_mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw the means of sibling groups towards their parents' means, the more, the less each group itself shows.

    The spread of the true group means about their parents, tau^2, is estimated by the method of moments of DerSimonian
    and Laird, "Meta-analysis in clinical trials" (Controlled Clinical Trials 7, 1986), from all siblings; the share of
    the parent is then v / (v + tau^2), with v the variance of the group's own mean (Efron and Morris 1975). The spread
    within groups is pooled, so that a group of two songs does not pass for a certain one.

    Args:
        mean: shape (groups, bins): mean of each sibling ("genre=rock", "genre=folk", ...); each bin is on its own.
        sd: same shape: spread of its songs; NaN below two.
        n: same shape: its songs.
        parent_mean: same shape: mean of each one's parent, itself shrunk where it has a parent.

    Returns:
        The shrunk means, and the share of the parent in each, from 0 to 1. A group without songs is all its parent;
        where no group has two songs nothing can be distinguished, and all are their parents.

    >>> means, shares = shrink(*np.array([[[1.0], [3.0]], [[0.1], [0.1]], [[50], [2]], [[2.0], [2.0]]]))
    >>> bool(shares[1, 0] > shares[0, 0])
    True
    """
    freedom = np.maximum(n - 1, 0)
    filled = n > 0
    off = np.where(filled, mean - parent_mean, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = (np.nan_to_num(sd) ** 2 * freedom).sum(axis=0) / freedom.sum(axis=0)
        excess = (n * off**2).sum(axis=0) / within - filled.sum(axis=0)
        between = np.maximum(excess, 0.0) * within / n.sum(axis=0)
        own = within / n
        share = own / (own + between)
    # Groups without any spread within have exact means, however far apart they are.
    share = np.where(within == 0.0, 0.0, share)
    share = np.where(filled & (freedom.sum(axis=0) > 0), share, 1.0)
    return parent_mean + (1 - share) * off, share
