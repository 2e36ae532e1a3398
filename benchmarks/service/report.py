"""Markdown report of the results, with goals."""

from typing import Any

Row = tuple[str, str, str, bool]


def markdown(results: dict[str, Any]) -> str:
    """Return the report of a run."""
    machine = "\n".join(f"| {name} | {value} |" for name, value in results["machine"].items())
    goals = "\n".join(
        f"| {what} | {goal} | {measured} | {'met' if met else '**missed**'} |"
        for what, goal, measured, met in _goals(results)
    )
    cold, warm, load = results["cold_start"], results["warm"], results["load"]
    starts = "\n".join(
        f"| {what} | {ms:,.0f} |"
        for what, ms in [
            ("import of the libraries only", cold["libraries_alone"]["import_ms"]),
            ("import of the handler, including the model", cold["handler"]["import_ms"]),
            ("loading of the model, included above", cold["handler"]["model_load_ms"]),
            ("first request", cold["handler"]["first_request_ms"]),
            ("start of the process to the first response", cold["handler"]["answered_ms"]),
        ]
    )
    kinds = "\n".join(
        f"| {name.replace('_', ' ')} | {ms['p10']:.2f} | {ms['p50']:.2f} | {ms['p99']:.2f} |"
        for name, ms in warm["ms"].items()
    )
    imports = "\n".join(f"| {name} | {ms} |" for name, ms in results["imports_ms"].items())
    memory = ", ".join(f"{mb} MB {when.replace('_', ' ')}" for when, mb in load["rss_mb"].items())
    return f"""\
# Benchmarks of the service

Measured with `make bench`. Compare shares and ratios: milliseconds depend on the machine, and on
other processes that ran at the same time (see the load average). They affect processor time less
than wall-clock time.

| machine | |
|---|---|
{machine}

| goal | | measured | |
|---|---|---|---|
{goals}

## Cold start, milliseconds (median of processes)
| | ms |
|---|---|
{starts}

Import time by package, without nested imports:

| package | ms |
|---|---|
{imports}

## Warm, milliseconds
For a JPEG of 150x150 pixels. *bare* is decoding and inference with `Classifier.classify`;
*detector* is the part of it that recognizes unknown pictures.
*handler* is the Lambda handler with an event of API Gateway, with the picture as the body or in a
form. All were measured alternately in one process.

| | p10 | p50 | p99 |
|---|---|---|---|
{kinds}

## uvicorn with {load["clients"]} concurrent clients
{load["requests"]:,} requests in {load["seconds"]} s: {load["requests_a_second"]} per second.
Latency: p50 {load["ms"]["p50"]:.0f} ms, p99 {load["ms"]["p99"]:.0f} ms.
The clients ran on the same machine. Resident memory: {memory}.
"""


def _goals(results: dict[str, Any]) -> list[Row]:
    cold, warm, load = results["cold_start"], results["warm"], results["load"]
    rss = list(load["rss_mb"].values())
    growth = rss[-1] / rss[0]
    unwanted = cold["unwanted_modules"]
    errors = load["errors_or_other_answers"]
    return [
        ("import of our code over FastAPI, numpy, Pillow and LiteRT, processor time",
         "at most +25 %", f"{cold['added_cpu']:+.0%}", cold["added_cpu"] <= 0.25),
        ("import of our code, wall-clock time",
         "at most +25 %", f"{cold['added']:+.0%}", cold["added"] <= 0.25),
        ("no boto3, TensorFlow, pandas or matplotlib imported", "none",
         ", ".join(unwanted) or "none", not unwanted),
        ("resident memory of the handler after 200 requests", "at most 150 MB",
         f"{cold['rss_mb']:.0f} MB", cold["rss_mb"] <= 150),
        *(
            (f"warm handler / bare, picture {how}, p50 of {time}", "at most 1.25",
             f"{warm[ratios][kind]:.2f}", warm[ratios][kind] <= 1.25)
            for kind, how in (("handler_raw", "as the body"), ("handler_form", "in a form"))
            for ratios, time in (("ratios_cpu", "processor time"), ("ratios", "wall-clock time"))
        ),
        ("detector of unknown pictures / bare, processor time", "at most 0.02",
         f"{warm['ratios_cpu']['detector']:.3f}", warm["ratios_cpu"]["detector"] <= 0.02),
        ("occlusion map of 7x7 / inference, processor time", "at most 60",
         f"{warm['ratios_cpu']['map_7x7']:.0f}", warm["ratios_cpu"]["map_7x7"] <= 60),
        ("errors, or predictions that differ from sequential ones, under load", "0", str(errors),
         errors == 0),
        ("growth of resident memory from 1,000 to 20,000 requests", "at most 10 %",
         f"{growth - 1:+.1%}", growth <= 1.1),
    ]  # fmt: skip
