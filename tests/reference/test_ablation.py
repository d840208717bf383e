"""Every correction is held by a test: it is taken out, and a test must fail."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "ablation.py"
SPEC = importlib.util.spec_from_file_location("ablation", SCRIPT)
ablation = importlib.util.module_from_spec(SPEC)
# A dataclass looks its module up.
sys.modules["ablation"] = ablation
SPEC.loader.exec_module(ablation)
FAST = ("dead time", "residual", "tail of the dose in the counter", "control subtraction")


def called(*names):
    return subprocess.run([sys.executable, SCRIPT, *names], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("correction", ablation.CORRECTIONS, ids=lambda correction: correction.name)
def test_what_is_taken_out_stands_in_the_core_once_and_leaves_python(correction):
    source = (ablation.CORE / correction.file).read_text(encoding="utf-8")
    compile(ablation.without(source, correction), correction.file, "exec")
    assert all((ablation.ROOT / test).is_file() for test in correction.tests)


def test_the_corrections_with_the_largest_effect_are_missed():
    done = called(*FAST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "6 of 6 corrections are held by a test."


def test_a_change_that_changes_nothing_goes_unnoticed(monkeypatch, capsys):
    first = replace(ablation.CORRECTIONS[0], tests=("tests/unit/test_counting.py",))
    monkeypatch.setattr(ablation, "CORRECTIONS", (replace(first, new=first.old),))
    assert ablation.main([]) == 1
    assert "NO TEST FAILS" in capsys.readouterr().out


@pytest.mark.slow
def test_every_correction_is_missed():
    done = called()
    assert done.returncode == 0, done.stdout + done.stderr
