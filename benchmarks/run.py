"""Measure time and memory of the demo study and of simulated studies -> docs/performance.md, benchmarks/results.csv.

Nothing is asserted: a machine's speed is no property of the code.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
CHECKED_OUT = ("Snakefile", "rules", "scripts", "resources", "config", "envs", "profiles")
MARK = "## Measured\n"
# Name of a simulated study: its cohorts, and the mice per cohort and group; there are three groups.
SIZES = {
    "1 cohort of 39": (1, 13),
    "10 cohorts of 39": (10, 13),
    "100 cohorts of 39": (100, 13),
    "1 cohort of 396": (1, 132),
    "1 cohort of 4,002": (1, 1334),
}
# The size at which a lab's own script is timed on the same files.
PLAIN = "1 cohort of 396"
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py") if not path.stem.startswith("write_"))
USED = "import resource as r; u = r.getrusage(r.RUSAGE_SELF); print(u.ru_utime + u.ru_stime, u.ru_maxrss)"
FIELDS = ("what", "step", "n", "wall_s", "cpu_s", "rss_mb")
Row = dict[str, str | int | float]


def check_out(target: Path) -> Path:
    for name in CHECKED_OUT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def snakemake(checkout: Path, probe: Path, *arguments: str) -> tuple[float, float]:
    """Run Snakemake and return the wall time and the CPU time of it and all its jobs [s]."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "benchmarks" / "probe"), "CARTRACE_PROBE": str(probe)}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return timed(command, cwd=checkout, env=environment)


def timed(command: list[str], **options: Any) -> tuple[float, float]:
    """Run a command and return its wall time and the CPU time of it and all its children [s]."""
    before, start_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    wall_s, after = time.perf_counter() - start_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def steps(what: str, probe: Path) -> Iterator[Row]:
    """Yield each script's share of a run: jobs, their wall and CPU time together, the largest memory of one."""
    by_script: dict[str, list[list[float]]] = {}
    with open(probe, encoding="utf-8") as stream:
        for script, *numbers in csv.reader(stream):
            by_script.setdefault(script, []).append([float(number) for number in numbers])
    for script, jobs in by_script.items():
        wall_s, cpu_s, rss_mb = zip(*jobs, strict=True)
        yield made(what, script.removesuffix(".py"), len(wall_s), sum(wall_s), sum(cpu_s), max(rss_mb))


def made(
    what: str, step: str, n: int, wall_s: float | None, cpu_s: float | None = None, rss_mb: float | None = None
) -> Row:
    row: Row = {"what": what, "step": step, "n": n}
    row["wall_s"] = "" if wall_s is None else round(wall_s, 2)
    row["cpu_s"] = "" if cpu_s is None else round(cpu_s, 2)
    row["rss_mb"] = "" if rss_mb is None else round(rss_mb)
    print(*row.values(), sep="\t", flush=True)
    return row


def imports(folder: Path) -> Iterator[Row]:
    """Yield what each script costs before it does anything, the least of five."""
    for script in SCRIPTS:
        code = f"import {script}; {USED}"
        found = []
        for _ in range(5):
            start_s = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
            )
            cpu_s, rss_kb = map(float, done.stdout.split())
            found.append((time.perf_counter() - start_s, cpu_s, rss_kb / 1024))
        yield made("imports", script, 1, *map(min, zip(*found, strict=True)))


def demo(folder: Path, *, repeats: int) -> Iterator[Row]:
    """Yield the demo study from nothing, and again when there is nothing to do; the least of some repeats."""
    checkout = check_out(folder / "demo")
    first, again = [], []
    for repeat in range(repeats):
        shutil.rmtree(checkout / "results", ignore_errors=True)
        shutil.rmtree(checkout / ".snakemake", ignore_errors=True)
        probe = folder / f"demo{repeat}.csv"
        first.append(snakemake(checkout, probe))
        again.append(snakemake(checkout, folder / "idle.csv"))
    yield made("demo", "whole run", repeats, *map(min, zip(*first, strict=True)))
    yield made("demo", "nothing to do", repeats, *map(min, zip(*again, strict=True)))
    yield from steps("demo", folder / "demo0.csv")


def simulated(folder: Path, what: str, *, with_intervals: bool) -> Iterator[Row]:
    """Yield the simulation, the plan and the analysis of a study, and what Snakemake itself took of it."""
    cohorts, per_group = SIZES[what]
    checkout = check_out(folder / what.replace(" ", "_"))
    path = checkout / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["simulation"] = {"n_cohorts": cohorts, "n_per_group": per_group}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    study = checkout / "study"
    command = [sys.executable, "scripts/simulate_study.py", str(path), str(study)]
    yield made(what, "simulation", 1, *timed(command, cwd=checkout))
    yield made(what, "plan", 1, *snakemake(checkout, folder / "idle.csv", "--directory", "study", "-n"))
    probe = folder / f"{checkout.name}.csv"
    wall_s, cpu_s = snakemake(checkout, probe, "--directory", "study")
    yield made(what, "whole run", 1, wall_s, cpu_s)
    report = study / "results" / "7_report" / "report.html"
    print(f"{what:24} report of {report.stat().st_size / 1e6:.2f} MB", flush=True)
    yield made(what, "nothing to do", 1, *snakemake(checkout, folder / "idle.csv", "--directory", "study"))
    of_scripts = list(steps(what, probe))
    yield from of_scripts
    yield made(what, "Snakemake itself", 1, None, cpu_s - sum(float(row["cpu_s"]) for row in of_scripts))
    if what == PLAIN:
        plain = [sys.executable, str(ROOT / "benchmarks" / "plain.py"), str(study)]
        yield made(what, "a lab's own script", 1, *timed(plain))
        if with_intervals:
            step = "a lab's own script, with lmfit's intervals"
            yield made(what, step, 1, *timed([*plain, "--intervals"]))
            yield made(what, f"{step} and a page a mouse", 1, *timed([*plain, "--intervals", "--pages"]))
    shutil.rmtree(checkout)


def page(rows: list[Row]) -> str:
    head = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8").split(MARK)[0]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, `--cores 2`"
    text = f"{head}{MARK}\nBy `make bench`, on {machine}. "
    text += "Times of a step are summed over its n jobs, or the least of n runs; memory is the largest of one job.\n"
    for what in dict.fromkeys(row["what"] for row in rows):
        text += f"\n### {str(what).capitalize()}\n\n| step | n | wall [s] | CPU [s] | memory [MB] |\n"
        text += "| --- | --- | --- | --- | --- |\n"
        for row in rows:
            if row["what"] == what:
                text += "| " + " | ".join(str(row[name]) for name in FIELDS[1:]) + " |\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES), help="simulated studies")
    parser.add_argument("--repeats", type=int, default=3, help="runs of the demo study")
    parser.add_argument("--intervals", action="store_true", help="time lmfit's profile intervals too (minutes)")
    parser.add_argument("--only-print", action="store_true", help="write no file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [*imports(folder), *demo(folder, repeats=options.repeats)]
        for what in options.sizes:
            rows += simulated(folder, what, with_intervals=options.intervals)
    if not options.only_print:
        with open(ROOT / "benchmarks" / "results.csv", "w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        (ROOT / "docs" / "performance.md").write_text(page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
