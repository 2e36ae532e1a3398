"""Charts of the report, each a PNG. The model card uses two of them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager, rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter
from matplotlib.typing import RcKeyType

from training.calibration import BINS, Bin
from training.metrics import ClassScores, ReportMetrics
from training.run.history import Epoch

DARK, BLUE, LIGHT, ORANGE, GRAY = "#12344d", "#2a6f97", "#a9d6e5", "#d9772b", "#616e7c"
DPI = 110
NUMBERED = 30  # classes; numbers in a larger matrix are too small to read
BARRED = 40  # classes, at most, in the bar chart
LONGEST = 28  # characters of a class name
# Fallbacks, if installed, for characters that matplotlib's own font does not contain.
FONTS = {"Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Hiragino Sans", "Yu Gothic"}

# No math: a `$` in a class name does not start a formula.
STYLE: dict[RcKeyType, Any] = {
    "text.parse_math": False,
    "font.family": [
        *rcParams["font.family"],
        *sorted(FONTS & set(font_manager.get_font_names())),
    ],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.edgecolor": GRAY,
    "legend.frameon": False,
}


def short(text: str, longest: int = LONGEST) -> str:
    """Shorten `text` to `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


@rc_context(STYLE)
def draw_curves(path: Path, epochs: Sequence[Epoch]) -> None:
    """Draw accuracy and loss by epoch, with a line between the two phases if there are two."""
    figure = Figure(figsize=(10, 4.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = [epoch.epoch + 1 for epoch in epochs]
    best = max(epochs, key=lambda epoch: epoch.val_accuracy)
    accuracy, val_accuracy = [e.accuracy for e in epochs], [e.val_accuracy for e in epochs]
    _draw_curve(left, "accuracy", x, accuracy, val_accuracy)
    _draw_curve(right, "loss", x, [e.loss for e in epochs], [e.val_loss for e in epochs])
    left.plot(
        best.epoch + 1,
        best.val_accuracy,
        marker="o",
        markersize=11,
        markerfacecolor="none",
        color=DARK,
        linestyle="none",
        label=f"best on validation, {best.val_accuracy:.4f}",
    )
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    fine = [epoch.epoch + 1 for epoch in epochs if epoch.phase == "all"]
    if 0 < len(fine) < len(epochs):
        for axes in (left, right):
            border = min(fine) - 0.5
            axes.axvline(border, color=GRAY, linestyle="--", linewidth=1)
            for text, side, shift in (("head ", "right", -2), (" all layers", "left", 2)):
                axes.annotate(
                    text,
                    (border, 1),
                    xycoords=axes.get_xaxis_transform(),
                    xytext=(shift, 3),
                    textcoords="offset points",
                    ha=side,
                    fontsize="small",
                    color=GRAY,
                )
    save(figure, path)


def _draw_curve(
    axes: Axes, name: str, x: list[int], train: list[float], validation: list[float]
) -> None:
    axes.plot(x, train, color=ORANGE, marker="o", markersize=3, label="training")
    axes.plot(x, validation, color=BLUE, marker="o", markersize=3, label="validation")
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", alpha=0.3)


@rc_context(STYLE)
def draw_confusion(
    path: Path, counts: Sequence[Sequence[int]], classes: Sequence[str], title: str, *, shares: bool
) -> None:
    """Draw the confusion matrix, shaded by the share of the row.

    Args:
        path: of the PNG.
        counts: number of pictures by true class (row) and predicted class (column).
        classes: class names.
        title: of the figure.
        shares: whether to print percentages of the row instead of counts.
    """
    numbers = np.array(counts)
    rows = numbers / np.maximum(numbers.sum(axis=1, keepdims=True), 1)
    side = min(2.5 + 0.6 * len(numbers), 16)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(classes))
    size = "medium" if len(classes) <= NUMBERED else 5
    names = [short(name) for name in classes]
    axes.set_xticks(ticks, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(ticks, names, fontsize=size)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title)
    if len(classes) <= NUMBERED:
        for (row, column), count in np.ndenumerate(numbers):
            text = f"{100 * rows[row, column]:.1f}" if shares else str(count)
            shade = "white" if rows[row, column] > 0.5 else "black" if count else "silver"
            axes.text(column, row, text, ha="center", va="center", color=shade)
    save(figure, path)


@rc_context(STYLE)
def draw_classes(path: Path, per_class: dict[str, ClassScores]) -> None:
    """Draw bars of precision, recall and F1 for each class, at most the 40 with the lowest F1."""
    shown = per_class
    if len(per_class) > BARRED:
        worst = sorted(per_class, key=lambda name: per_class[name].f1)[:BARRED]
        shown = {name: per_class[name] for name in worst}
    figure = Figure(figsize=(8, 1.2 + 0.62 * len(shown)), layout="constrained")
    axes = figure.subplots()
    y = np.arange(len(shown))
    bars = {
        "precision": (DARK, [scores.precision for scores in shown.values()]),
        "recall": (BLUE, [scores.recall for scores in shown.values()]),
        "F1": (LIGHT, [scores.f1 for scores in shown.values()]),
    }
    for i, (label, (color, values)) in enumerate(bars.items()):
        drawn = axes.barh(y + 0.26 * (i - 1), values, 0.24, color=color, label=label)
        axes.bar_label(drawn, fmt="%.3f", padding=3, fontsize=7, color=GRAY)
    axes.set_yticks(y, [f"{short(name)} ({m.support:,})" for name, m in shown.items()])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(shown) - 0.5, -0.5)  # the first class on top
    if shown is not per_class:
        axes.set_title(f"The {BARRED} of {len(per_class)} classes with the lowest F1")
    axes.set_xlim(0, 1.06)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper right", ncols=3)
    save(figure, path)


@rc_context(STYLE)
def draw_reliability(path: Path, curves: dict[str, list[Bin]]) -> None:
    """Draw accuracy by confidence, and below it a histogram of the confidence.

    Args:
        path: of the PNG.
        curves: one or two results of `calibration.calibration_bins`, by label.
    """
    figure = Figure(figsize=(5.5, 6.6), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1, label="perfect")
    colors = (ORANGE, BLUE)[-len(curves) :]
    for i, ((label, bins), color) in enumerate(zip(curves.items(), colors, strict=True)):
        confidence, accuracy, counts = zip(*bins, strict=True)
        axes.plot(confidence, accuracy, color=color, marker="o", markersize=4, label=label)
        slots = np.minimum(np.floor(np.array(confidence) * BINS), BINS - 1)
        places = (slots + (i + 0.5) / len(curves)) / BINS
        below.bar(places, counts, width=0.85 / BINS / len(curves), color=color)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), ylabel="accuracy")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    below.set(xlabel="mean confidence", ylabel="pictures", yscale="log")
    below.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    below.yaxis.set_minor_formatter(NullFormatter())
    below.set_ylim(bottom=0.5)  # keeps the bar of a single picture visible
    save(figure, path)


@rc_context(STYLE)
def draw_coverage(path: Path, metrics: ReportMetrics) -> None:
    """Draw accuracy by coverage, and mark the threshold."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    curve, calibration = metrics.coverage, metrics.calibration
    axes.plot(curve.coverage, curve.accuracy, color=BLUE)
    axes.axhline(
        calibration.target_accuracy,
        color=GRAY,
        linestyle="--",
        linewidth=1,
        label=f"target on validation, {calibration.target_accuracy:.0%}",
    )
    if metrics.accuracy_confident is not None:
        axes.plot(
            metrics.share_confident,
            metrics.accuracy_confident,
            marker="o",
            color=ORANGE,
            linestyle="none",
            label=f"confidence of {calibration.threshold:.3f} or more: "
            f"{metrics.share_confident:.1%} of pictures, accuracy {metrics.accuracy_confident:.1%}",
        )
    lowest = min(metrics.accuracy, calibration.target_accuracy, *curve.accuracy)
    axes.set(xlim=(0, 1.01), ylim=(max(0, lowest - 0.03), 1.005))
    axes.set(xlabel="coverage (share of pictures)", ylabel="accuracy on these pictures")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG."""
    with warnings.catch_warnings():
        # A character without a glyph is drawn as a box; page and JSON contain the whole name.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(path, dpi=DPI)
