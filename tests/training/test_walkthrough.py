"""The notebook runs to its end, and is committed without outputs."""

import ast
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lambda_api.classifier import Classifier
from lambda_api.manifest import MANIFEST_FILE
from training.report.report import METRICS_FILE, PAGE_FILE
from training.run.folder import Run

NOTEBOOK = Path(__file__).parents[2] / "training" / "walkthrough.ipynb"
ALLOWED = {"training", "convert", "lambda_api", "numpy", "PIL", "IPython", "pathlib", "os"}
ALLOWED |= {"tempfile"}  # where it writes


@pytest.fixture
def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_writes_a_report_and_a_working_bundle(
    committed: nbformat.NotebookNode,
    crops: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(crops, data)
    shutil.copy(data / "train/hubble/00.jpg", data / "train/coffee/wrong.jpg")
    out.mkdir()
    monkeypatch.setenv("LANDSCAPE_DATA", str(data))
    monkeypatch.setenv("TMPDIR", str(out))  # the notebook writes to a temporary folder
    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}  # where Jupyter starts
    NotebookClient(committed, timeout=240, resources=folder).execute()

    counts = [cell.execution_count for cell in _code(committed)]
    assert counts == list(range(1, len(counts) + 1))
    (written,) = out.glob("walkthrough-*")
    run = Run(written / "run")
    assert run.finished
    assert "coffee/wrong.jpg" not in {*run.split().train, *run.split().validation}
    assert {PAGE_FILE, METRICS_FILE} <= {path.name for path in (run.folder / "report").iterdir()}
    (manifest,) = written.rglob(MANIFEST_FILE)
    bundle = Classifier(manifest.parent)
    assert bundle.manifest.classes == ("coffee", "flower", "hubble")
    outputs = [output for cell in _code(committed) for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "train/coffee/wrong.jpg train/hubble/00.jpg" in said
    assert f"the bundle {bundle.manifest.evaluation.bundle.accuracy:.3f}" in said
    assert "confident:" in said.splitlines()[-1]
    shown = [set(output.data) for output in outputs if output.output_type != "stream"]
    figures = len(list((run.folder / "report").glob("*.png")))
    # Samples, augmentation, the figures of the report, the classified picture; no warning.
    image = {"image/png", "text/plain"}
    assert shown == [image] * (2 + figures) + [{"image/jpeg", "text/plain"}]


def test_it_is_committed_without_outputs(committed: nbformat.NotebookNode) -> None:
    nbformat.validate(committed)
    for cell in _code(committed):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert committed.metadata.keys() == {"kernelspec", "language_info"}
    assert committed.metadata.kernelspec.name == "python3"


def test_it_only_calls_the_packages(committed: nbformat.NotebookNode) -> None:
    for cell in _code(committed):
        nodes = list(ast.walk(ast.parse(cell.source)))
        imported = {
            alias.name.split(".")[0]
            for node in nodes
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
        assert imported <= ALLOWED
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in nodes)
        assert len(cell.source.splitlines()) <= 12
