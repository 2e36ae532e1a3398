"""Markdown tables of the results."""

from typing import Any

Results = dict[str, dict[str, Any]]


def page(machine: dict[str, Any], table: str) -> str:
    """Return a table with the machine that it was measured on."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in machine.items())
    return f"{table}\n\nMeasured with `make bench-peers`.\n\n| machine | |\n|---|---|\n{rows}\n"


def cold_start(results: Results) -> str:
    """Return the table of the handlers."""
    return _starts(
        "# From the start of a process to its first prediction\n\n"
        "Medians. CPU is user and system time, of which a ratio is the median over pairs of "
        "processes that ran one after the other. The event is that of an HTTP API, with a JPEG of "
        "150x150 pixels.",
        results,
    )


def cold_start_measures(results: Results) -> str:
    """Return the table of the service with one measure undone."""
    return _starts(
        "# What each measure saves in a cold start\n\nThe service, and with one measure undone.",
        results,
    )


def _starts(head: str, results: Results) -> str:
    rows = [
        f"| {name} | {x['cpu_ms']:.0f} ({x['cpu_ms_min']:.0f}-{x['cpu_ms_max']:.0f}) "
        f"| {x['cpu_ratio']:.2f} | {x['wall_ms']:.0f} | {x['wall_ratio']:.2f} | {x['rss_mb']:.0f} |"
        for name, x in results.items()
    ]
    return _table(head, "| | CPU ms (min-max) | ratio | ms by the clock | ratio | RSS MB |", rows)


def _table(introduction: str, header: str, rows: list[str]) -> str:
    line = "|---" * (header.count("|") - 1) + "|"
    return "\n".join([introduction, "", header, line, *rows])


def emulator(results: Results) -> str:
    """Return the table of the handlers behind the emulator."""
    rows = [
        f"| {name} | {x['first_ms']:.0f} ({x['first_ms_min']:.0f}-{x['first_ms_max']:.0f}) "
        f"| {x['first_ratio']:.2f} | {x['cpu_ms']:.0f} | {x['cpu_ratio']:.2f} "
        f"| {x['warm_ms']:.1f} | {x['rss_mb']:.0f} |"
        for name, x in results.items()
    ]
    head = (
        "# Handlers behind the Runtime Interface Emulator\n\n"
        "Medians. The emulator starts a handler with AWS' Runtime Interface Client at the first "
        "request: first is the time to its response, CPU the handler's processor time until then, "
        "and warm the time of a later request. A ratio is the median over starts that followed "
        "each other."
    )
    header = "| | first, ms (min-max) | ratio | CPU ms | ratio | warm, ms | RSS MB |"
    return _table(head, header, rows)


def inference(results: Results) -> str:
    """Return the table of the runtimes."""
    rows = [
        f"| {name} | {_figure(x['inference_ms'], 2)} | {_figure(x['import_ms'])} "
        f"| {_figure(x['load_ms'])} | {_figure(x['rss_mb'])} | {_figure(x['installed_mb'])} "
        f"| {_figure(x['accuracy'], 3)} | {_figure(x['agreement'], 3)} |"
        for name, x in results.items()
    ]
    head = (
        "# Runtimes with the same network\n\nOne thread, medians of processor time in "
        "milliseconds. Load includes the first inference. Installed are the runtime, NumPy and "
        "Pillow with what they need. Accuracy is that on the test pictures, and "
        "agreement the share with the first runtime's label. Both need the pictures. The floor is "
        "the time that the network would take at the speed of the fastest int8 layer that LiteRT "
        "runs on this machine."
    )
    header = "| | inference | import | load | RSS MB | installed MB | accuracy | agreement |"
    return _table(head, header, rows)


def _figure(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def decoders(results: Results) -> str:
    """Return the table of the JPEG decoders."""
    rows = [
        f"| {picture} | {name} | {x['cpu_ms']:.2f} | {x['difference']} |"
        for picture, found in results.items()
        for name, x in found.items()
    ]
    head = (
        "# JPEG decoders\n\nFrom bytes to pixels of the input size, medians of processor time. "
        "Difference is the largest one of a pixel value to Pillow's."
    )
    return _table(head, "| picture | decoder | CPU ms | difference |", rows)


def tutorial(results: Results) -> str:
    """Return the table of the ways from pictures to predictions."""
    rows = [
        f"| {name} | {x['training_s']:.0f} | {x['keras_accuracy']:.3f} | {x['conversion_s']:.0f} "
        f"| {x['scheme']} | {x['accuracy']:.3f} | {x['model_mb']:.1f} "
        f"| {x['classification_s']:.1f} | {_figure(x.get('keras_classification_s'), 1)} |"
        for name, x in results.items()
    ]
    head = (
        "# From pictures to predictions\n\nMobileNetV2 with the same ImageNet weights, trained and "
        "converted by the commands and by TensorFlow's tutorials, each with its own defaults, on "
        "the same pictures. The commands use the fastest scheme that passes the gate. Accuracies "
        "are those on the validation pictures. Times are by the clock, with the start of each "
        "command; that of the tutorials is not counted. "
        "Conversion by the commands includes the gate, the thresholds and the card."
    )
    header = (
        "| | training, s | accuracy | conversion, s | scheme | accuracy | MB | classification, s "
        "| the same with Keras `predict`, s |"
    )
    return _table(head, header, rows)


def folder(results: Results) -> str:
    """Return the table of the ways to classify a folder."""
    rows = [
        f"| {size} | {name} | {_speed(x)} | {x['cpu_ms']:.1f} |"
        for size, found in results.items()
        for name, x in found.items()
    ]
    head = (
        "# Classifying a folder\n\nFrom the start of the command to its end, medians of rounds. "
        "The scripts use the same model and decoding, without limits, checks, progress and "
        "resuming."
    )
    header = "| pictures | processors | | pictures/s (min-max) | CPU ms/picture |"
    return _table(head, header, rows)


def batch(results: Results) -> str:
    """Return the table of the bulk workers."""
    delays = list(next(iter(results.values())))
    rows = [
        f"| {name} | "
        + " | ".join(f"{_speed(x)}, {x['cpu_ms']:.1f}" for x in found.values())
        + " |"
        for name, found in results.items()
    ]
    head = (
        "# Classifying a batch of objects\n\nA loaded handler on one processor, and a stand-in for "
        "S3, which answers a GET after a delay. Pictures of 150x150 pixels, medians of rounds."
    )
    columns = " | ".join(f"delay {ms} ms: pictures/s (min-max), CPU ms/picture" for ms in delays)
    return _table(head, f"| | {columns} |", rows)


def _speed(found: dict[str, float]) -> str:
    return f"{found['pictures_a_second']:.0f} ({found['min']:.0f}-{found['max']:.0f})"


def throughput(results: Results) -> str:
    """Return the table of the servers."""
    clients = [name for name in next(iter(results.values())) if name.isdecimal()]
    head = (
        "# Servers under load\n\nThe load generator is wrk on the same processors. Each server has "
        "a worker process per processor. The peers use the same model and decoding, without "
        "authentication (LitServe, BentoML, Flask, FastAPI), limits, validation or logs. Medians "
        "of rounds."
    )
    loaded = " | ".join(
        f"{n} clients: requests/s (min-max), p50, p99 ms, CPU ms/request" for n in clients
    )
    header = f"| | start s | {loaded} | RSS, PSS MB | failed |"
    rows = []
    for name, x in results.items():
        loads = " | ".join(
            f"{x[n]['requests_a_second']:.0f} ({x[n]['min']:.0f}-{x[n]['max']:.0f}), "
            f"{x[n]['p50']:.1f}, {x[n]['p99']:.1f}, {x[n]['cpu_ms']:.2f}"
            for n in clients
        )
        failed = sum(x[n]["failed"] for n in clients)
        rows.append(
            f"| {name} | {x['start_s']:.1f} | {loads} | {x['rss_mb']:.0f}, {x['pss_mb']:.0f} "
            f"| {failed:.0f} |"
        )
    return _table(head, header, rows)
