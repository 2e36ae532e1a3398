"""The schemes side by side."""

from collections.abc import Sequence

from convert.candidate import Candidate
from convert.latency import latencies
from convert.source import Source
from lambda_api.evaluation import Metrics
from training.data import read_picture

_HEADER = "| scheme | MB | ms | accuracy | lowest recall | calibration error | agreement | gate |"


def timed(source: Source, candidates: Sequence[Candidate]) -> dict[str, float]:
    """Median milliseconds of an inference on one thread, by scheme, of those that run."""
    running = {c.scheme: c.measured.network for c in candidates if c.measured}
    first = source.validation.root / source.validation.paths[0]
    pixels = read_picture(first, source.config.image_size)
    return dict(zip(running, latencies(list(running.values()), pixels), strict=True))


def table(candidates: Sequence[Candidate], milliseconds: dict[str, float]) -> str:
    """The candidates and, for comparison, Keras, in Markdown; as measured on validation."""
    keras = next((_figures(c.measured.keras) for c in candidates if c.measured), None)
    lines = [_HEADER, "|---" * 8 + "|"]
    if keras:
        lines.append(f"| Keras | | | {keras} | | |")
    for c in candidates:
        failed = ", ".join(failure.check for failure in c.failed)
        verdict = f"refused: {failed}" if failed else "passes"
        size = f"{len(c.file) / 1e6:.1f}" if c.file else ""
        if c.measured:
            speed, figures = f"{milliseconds[c.scheme]:.1f}", _figures(c.measured.metrics)
            agreeing = f"{c.measured.gate.agreement:.4f}"
        else:
            speed, figures, agreeing = "", "| |", ""
        lines.append(f"| {c.scheme} | {size} | {speed} | {figures} | {agreeing} | {verdict} |")
    return "\n".join(lines)


def _figures(metrics: Metrics) -> str:
    lowest = min(figures.recall for figures in metrics.per_class.values())
    return f"{metrics.accuracy:.4f} | {lowest:.4f} | {metrics.calibration_error:.4f}"
