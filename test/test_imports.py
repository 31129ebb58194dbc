"""Imports go downwards only: bin, then tasks and registry, then model, then the rooms, then config.

Read from the source (ast), so that nothing heavy is loaded.
"""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "espnet_ext"
COMMANDS = sorted(p.stem for p in (PACKAGE / "bin").glob("*.py") if p.stem != "__init__")

ROOMS = {
    *("frontend", "masking", "encoder", "targets", "loss", "transducer"),
    *("decode", "data", "score", "analysis"),
}
# What each part may import besides itself. A new part must be given its place here.
ALLOWED = {
    "bin": {"tasks", "registry", "model", "stage", "config", *ROOMS},
    "tasks": {"registry", "model", "config", *ROOMS},
    "registry": {"model", "schedules", "config", *ROOMS},
    "model": {"config", *ROOMS - {"data", "score", "analysis"}},
    "schedules": {"config"},
    "stage": {"config"},
    "config": set(),
    **{room: {"config"} for room in ROOMS},
}
TOP_LEVEL_ONLY = {"torch", "espnet2", "espnet", "torchaudio", "transformers", "matplotlib"}


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> set[str]:
    """Modules a file imports, anywhere in it, by absolute name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; write the full name"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def imports_between_parts() -> dict[tuple[str, str], Path]:
    edges = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imported(path):
            if name.startswith("espnet_ext."):
                target = part_of(name)
                if target != part and (
                    (PACKAGE / target).is_dir() or (PACKAGE / f"{target}.py").exists()
                ):
                    edges.setdefault((part, target), path.relative_to(ROOT))
    return edges


def test_imports_go_downwards():
    wrong = [
        f"{path}: {part} imports {target}; it may import {sorted(ALLOWED.get(part, ()))}"
        for (part, target), path in imports_between_parts().items()
        if part != "__init__" and target not in ALLOWED.get(part, set())
    ]
    assert not wrong, "\n".join(wrong)


def test_no_circle():
    """`tasks` hands classes to `registry` or takes them from it, not both."""
    edges = imports_between_parts()
    circles = [(a, b) for a, b in edges if a < b and (b, a) in edges]
    assert not circles, f"{circles}: {[str(edges[pair]) for pair in circles]}"


@pytest.mark.parametrize("room", ["data", "score"])
def test_data_and_score_know_no_model(room):
    """No torch; of ESPnet only the preprocessor that an utterance passes on its way to a batch."""
    for path in (PACKAGE / room).rglob("*.py"):
        wrong = {
            name
            for name in imported(path)
            if name.split(".")[0] in ("torch", "torchaudio", "espnet", "espnet2")
            and not name.startswith("espnet2.train.preprocessor")
        }
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


def test_commands_load_what_is_heavy_only_when_they_run():
    for command in COMMANDS:
        tree = ast.parse((PACKAGE / "bin" / f"{command}.py").read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [a.name for a in node.names] + [getattr(node, "module", "") or ""]
                heavy = {name.split(".")[0] for name in names} & TOP_LEVEL_ONLY
                assert not heavy, f"espnet_ext/bin/{command}.py imports {heavy} at the top"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_quick_and_shows_an_example(command):
    code = (
        "import runpy, sys; sys.argv = [sys.argv[1], '--help']\n"
        "try: runpy.run_module(sys.argv[0], run_name='__main__')\n"
        "finally: print('loaded:', *sorted({'torch', 'espnet2'} & set(sys.modules)))"
    )
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", code, f"espnet_ext.bin.{command}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "example" in run.stdout.lower() and f"espnet_ext.bin.{command}" in run.stdout
    assert run.stdout.splitlines()[-1].strip() == "loaded:", run.stdout.splitlines()[-1]
    assert time.monotonic() - began < 10, "--help takes too long"
