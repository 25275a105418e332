"""Train the estimator of reverberation on rows, evaluate it on held-out singers, and write it to a file.

Every singer of the test rows is evaluated by networks trained without that singer; the model in the file is trained on
all training rows. The caller must draw test responses that are not in the training set.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixprior.learning.reverb_training.rows import Rows
from mixprior.learning.reverb_training.voices import SOURCES, sources
from mixprior.stats.reverb.blind.perceptron import LOG_SPREAD, Perceptrons, normalised

HIDDEN = (64, 32)
EPOCHS = 40
BATCH = 64
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.03
DROPOUT = 0.3
INPUT_DROPOUT = 0.1
CONTINUED_EPOCHS, CONTINUED_RATE = 30, 1e-3
SEPARATED_SHARE = 2 / 3
USUAL_DB = (-22.0, -8.0)
AS_STATED = np.array([0.0, 0.0, 1.0, 0.0], np.float32)
"""A `spread_law` that leaves the spread as it is, until `spread` fits another."""
OF_LAPLACE = np.log(np.array([10.0, 10.0], np.float32))
"""An `interval_law` that covers 90 % of a Laplace distribution, likewise."""
_AUDIBLE_WET = 0.03
_SHOWN_WET = 0.02


def targets(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """(values, which of them count): ln RT, of rows that are wet enough, then wet levels in dB; (rows, 12)."""
    values = np.concatenate([rows.log_rt, rows.wet_db], axis=1).astype(np.float32)
    known = np.isfinite(values)
    known[:, : rows.log_rt.shape[1]] &= (rows.wet > _SHOWN_WET)[:, None]
    return np.nan_to_num(values), known


def weights(rows: Rows) -> np.ndarray:
    """Weights (rows,): of separated vocals two thirds in all, and more where songs lie, at -22 to -8 dB."""
    share = float(np.clip(rows.separated.mean(), 1e-3, 1 - 1e-3))
    kind = np.where(rows.separated, SEPARATED_SHARE / share, (1 - SEPARATED_SHARE) / (1 - share))
    usual = (rows.wet_db[:, 0] > USUAL_DB[0]) & (rows.wet_db[:, 0] < USUAL_DB[1])
    return np.asarray(kind * np.where(usual, 1.5, 1.0), np.float32)


def fit(rows: Rows, networks: int, seed: int = 0, start: Perceptrons | None = None) -> Perceptrons:
    """Train networks on rows, each from another seed, or go on with those of an earlier model.

    Each predicts a Laplace distribution of every target, and is trained by its likelihood: the estimate is the median,
    the spread its expected absolute error.
    """
    if start is not None:
        return _continued(rows, start, seed)
    values, known = targets(rows)
    missing, centre, scale = _scales(rows.features)
    columns = [values[known[:, k], k] for k in range(values.shape[1])]
    target_centre = np.array([c.mean() for c in columns], np.float32)
    target_scale = np.array([c.std() for c in columns], np.float32)
    features = torch.from_numpy(normalised(rows.features, missing, centre, scale))
    wanted = torch.from_numpy((values - target_centre) / target_scale)
    weight = torch.from_numpy(known * weights(rows)[:, None])
    trained = [
        _trained(_network(features.shape[1], wanted.shape[1], seed + k), features, wanted, weight)
        for k in range(networks)
    ]
    scales = {"missing": missing, "centre": centre, "scale": scale}
    return _packed(trained, **scales, target_centre=target_centre, target_scale=target_scale)


def _continued(rows: Rows, start: Perceptrons, seed: int) -> Perceptrons:
    """The networks of a model, trained on with its own scales, shortly and at a low rate.

    Features that rows have after those of the model begin without any weight.
    """
    start = _extended(start, rows.features)
    values, known = targets(rows)
    features = torch.from_numpy(normalised(rows.features, start.missing, start.centre, start.scale))
    wanted = torch.from_numpy((values - start.target_centre) / start.target_scale)
    weight = torch.from_numpy(known * weights(rows)[:, None])
    trained = []
    for k in range(len(start.weights_1)):
        net = _network(features.shape[1], wanted.shape[1], seed + k)
        for n, layer in enumerate(m for m in net if isinstance(m, torch.nn.Linear)):
            layer.weight.data = torch.from_numpy(getattr(start, f"weights_{n + 1}")[k].T.astype(np.float32).copy())
            layer.bias.data = torch.from_numpy(getattr(start, f"bias_{n + 1}")[k].copy())
        trained.append(_trained(net, features, wanted, weight, CONTINUED_EPOCHS, CONTINUED_RATE))
    scales = {name: getattr(start, name) for name in ("missing", "centre", "scale", "target_centre", "target_scale")}
    return _packed(trained, **scales)


def _extended(start: Perceptrons, features: np.ndarray) -> Perceptrons:
    known = start.centre.size
    missing, centre, scale = _scales(features[:, known:])
    more = np.zeros((len(start.weights_1), features.shape[1] - known, start.weights_1.shape[2]), np.float16)
    return replace(
        start,
        missing=np.append(start.missing, missing),
        centre=np.append(start.centre, centre),
        scale=np.append(start.scale, scale),
        weights_1=np.concatenate([start.weights_1, more], axis=1),
    )


def _scales(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What stands for a feature that is missing, then mean and deviation of each."""
    missing = np.nan_to_num(np.nanmedian(features, axis=0)).astype(np.float32)
    filled = np.where(np.isfinite(features), features, missing)
    return missing, filled.mean(0), filled.std(0) + 1e-6


def _packed(trained: Sequence[torch.nn.Sequential], **scales: np.ndarray) -> Perceptrons:
    layers = [[m for m in net if isinstance(m, torch.nn.Linear)] for net in trained]
    arrays: dict[str, np.ndarray] = {}
    for n in range(3):
        arrays[f"weights_{n + 1}"] = np.stack([net[n].weight.detach().numpy().T for net in layers]).astype(np.float16)
        arrays[f"bias_{n + 1}"] = np.stack([net[n].bias.detach().numpy() for net in layers])
    return Perceptrons(**scales, **arrays, spread_law=AS_STATED, interval_law=OF_LAPLACE)


def _network(features: int, count: int, seed: int) -> torch.nn.Sequential:
    """A network of two hidden layers, drawn from a seed."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Dropout(INPUT_DROPOUT),
        torch.nn.Linear(features, HIDDEN[0]),
        torch.nn.ReLU(),
        torch.nn.Dropout(DROPOUT),
        torch.nn.Linear(*HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Dropout(DROPOUT),
        torch.nn.Linear(HIDDEN[1], 2 * count),
    )


def _trained(
    net: torch.nn.Sequential,
    features: torch.Tensor,
    wanted: torch.Tensor,
    weight: torch.Tensor,
    epochs: int = EPOCHS,
    rate: float = LEARNING_RATE,
) -> torch.nn.Sequential:
    """Train a network with AdamW over one cycle of learning rates."""
    count, half = wanted.shape[1], wanted.shape[1] // 2
    steps = epochs * (len(features) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(features))
        for start in range(0, len(features) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            answer = net(features[batch])
            log_spread = answer[:, count:].clamp(*LOG_SPREAD)
            off = (answer[:, :count] - wanted[batch]).abs()
            loss = (off * torch.exp(-log_spread) + log_spread) * weight[batch]
            total = loss[:, :half].mean() + loss[:, half:].mean()
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return net.eval()


def errors(estimate: np.ndarray, spread: np.ndarray, mean: np.ndarray, rows: Rows) -> dict[str, Any]:
    """Errors on rows; `mean`, of the same shape as `estimate`, is the estimate without any audio."""
    shown = rows.wet > _AUDIBLE_WET

    def off(guess: np.ndarray, b: int) -> float:
        known = shown & np.isfinite(rows.log_rt[:, b])
        return round(100 * float(np.median(np.abs(np.expm1(guess[known, b] - rows.log_rt[known, b])))), 1)

    def points(guess: np.ndarray) -> float:
        amplitude = 10 ** (guess[:, 6] / 20)
        return round(100 * float(np.mean(np.abs(amplitude / (1 + amplitude) - rows.wet))), 2)

    error = estimate[:, 0] - rows.log_rt[:, 0]
    return {
        "stems": len(rows.wet),
        "wet_stems": int(shown.sum()),
        "rt_error_percent": off(estimate, 0),
        "rt_error_percent_of_mean": off(mean, 0),
        "rt_error_percent_of_confident_half": round(
            100 * float(np.median(np.abs(np.expm1(error[shown & (spread[:, 0] <= np.median(spread[shown, 0]))])))), 1
        ),
        "rt_error_percent_octaves": [off(estimate, b) for b in range(1, 6)],
        "rt_error_percent_octaves_of_mean": [off(mean, b) for b in range(1, 6)],
        "rt_bias_percent": round(100 * float(np.expm1(np.mean(error[shown]))), 1),
        "log_rt_correlation": _correlation(estimate[shown, 0], rows.log_rt[shown, 0]),
        "wet_points": points(estimate),
        "wet_points_of_mean": points(mean),
        "wet_db": round(float(np.median(np.abs(estimate[:, 6] - rows.wet_db[:, 0]))), 2),
        "wet_db_correlation": _correlation(estimate[:, 6], rows.wet_db[:, 0]),
        "spread_to_error_correlation": _correlation(spread[shown, 0], np.abs(error[shown])),
    }


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return round(float(np.corrcoef(a, b)[0, 1]), 3)


def held_out(
    rows: Rows, test: Rows, networks: int, start: Perceptrons | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimates, spreads and means of the targets for test rows, by networks trained without the row's singer."""
    estimate = np.empty((len(test.wet), 12))
    spread, mean = np.empty_like(estimate), np.empty_like(estimate)
    known_singers = [singer for singer in np.unique(test.singer) if (rows.singer == singer).any()]
    groups = [(test.singer == singer, rows[rows.singer != singer]) for singer in known_singers]
    groups.append((~np.isin(test.singer, known_singers), rows))
    for which, training in groups:
        if which.any():
            model = fit(training, networks, start=start)
            estimate[which], spread[which] = model.predict(test.features[which])
            mean[which] = model.target_centre
    return estimate, spread, mean


def main(argv: Sequence[str]) -> int:
    """`python -m mixprior.learning.reverb_training.train`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", nargs="+", type=Path, required=True, metavar="ROWS", help="npz files of rows")
    parser.add_argument("--test", nargs="+", type=Path, required=True, metavar="ROWS")
    parser.add_argument("--networks", type=int, default=4)
    parser.add_argument(
        "-o", dest="model", type=Path, required=True, help="file of the model; its card is put beside it"
    )
    parser.add_argument("--continue", dest="start", type=Path, help="a model to go on from, with its card beside it")
    parser.add_argument("--pool", type=int, default=0, metavar="N", help="train and test on sets of up to N stretches")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows, test = (Rows.joined([Rows.load(path) for path in paths]) for paths in (args.train, args.test))
    if args.pool:
        rows, test = rows.pooled(args.pool), test.pooled(args.pool)
    start, earlier = None, {}
    if args.start is not None:
        start = Perceptrons.load(args.start)
        earlier = json.loads(args.start.with_suffix(".json").read_text(encoding="utf-8"))["trained_on"]
        seen = sorted(set(earlier["singers"]) & {str(singer) for singer in test.singer})
        if seen:
            raise SystemExit(f"{', '.join(seen)}: the earlier model was trained on these singers, which cannot test it")
    parts = {"clean": ~test.separated, "separated": test.separated}
    estimate, spread, mean = held_out(rows, test, args.networks, start)
    figures = {name: errors(estimate[k], spread[k], mean[k], test[k]) for name, k in parts.items()}
    fit(rows, args.networks, start=start).save(args.model)
    trained = {
        "rows": len(rows.wet),
        "clips": int(np.unique(rows.clip).size),
        "separated_rows": int(rows.separated.sum()),
        "singers": {**earlier.get("singers", {}), **licences(rows.singer)},
    }
    if earlier:
        trained["continues"] = {name: earlier[name] for name in ("rows", "clips", "separated_rows")}
    tested = {"tested_on": licences(test.singer), "held_out": figures}
    card = {"trained_on": trained, "bytes": args.model.stat().st_size, **tested}
    args.model.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card, indent=2))
    return 0


def licences(singers: np.ndarray) -> dict[str, str]:
    """Licence of each singer's recordings by name, as voices.csv has them; "own" for generated ones."""
    known = {source.singer: source.licence for source in sources(SOURCES)}
    return {name: known.get(name, "own") for name in sorted({str(singer) for singer in singers})}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
