"""Time the fitting engine beside lmfit, SciPy and R on the same curves -> docs/performance.md, section Fitting.

Nothing is asserted: a machine's speed is no property of the code. R takes part where Rscript is installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# One thread for everybody: the curves are many and small.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import lmfit  # noqa: E402
import numpy as np  # noqa: E402
import scipy.optimize  # noqa: E402

from cartrace.calibration import t_quantile  # noqa: E402
from cartrace.censoring import Points  # noqa: E402
from cartrace.fitting import Fit, fit  # noqa: E402
from cartrace.growth import BY_NAME, Model  # noqa: E402
from cartrace.optimise import least_squares, minimise  # noqa: E402
from cartrace.profiles import Wanted, profile_limits  # noqa: E402
from cartrace.starting_values import starting_values  # noqa: E402

MARK, NEXT = "## Fitting\n", "\n## "
TYPICAL = {
    "exponential": [np.log(2e5), 0.35],
    "lag_exponential": [np.log(2e5), np.log(0.35), 5.0],
    "logistic": [np.log(5e6), np.log(0.45), 9.0],
    "gompertz": [np.log(5e6), np.log(0.2), 7.0],
    "expansion_contraction": [np.log(4e7), np.log(0.45), np.log(0.12), 11.0],
}
DAYS = np.array([1.0, 4.0, 7.0, 10.0, 14.0, 21.0, 28.0])
SIGMA, SPREAD = 0.25, 0.15
BEST = 1e-6  # relative excess over the lowest sum of squares found by anyone
SAME = 1e-6
# The same curves as a user of lmfit or SciPy writes them.
PLAIN = {
    "exponential": lambda day, a, b: a + b * day,
    "lag_exponential": lambda day, a, b, c: a + np.logaddexp(0.0, np.exp(b) * (day - c)),
    "logistic": lambda day, a, b, c: a - np.logaddexp(0.0, -np.exp(b) * (day - c)),
    "gompertz": lambda day, a, b, c: a - np.exp(-np.exp(b) * (day - c)),
    "expansion_contraction": lambda day, a, b, c, d: a - np.logaddexp(-np.exp(b) * (day - d), np.exp(c) * (day - d)),
}
IN_R = {
    "exponential": "a + b * day",
    "lag_exponential": "a + log1p(exp(exp(b) * (day - c)))",
    "logistic": "a - log1p(exp(-exp(b) * (day - c)))",
    "gompertz": "a - exp(-exp(b) * (day - c))",
    "expansion_contraction": "a - log(exp(-exp(b) * (day - d)) + exp(exp(c) * (day - d)))",
}
R_SCRIPT = """
job <- commandArgs(TRUE)
y <- as.matrix(read.csv(file.path(job[1], "y.csv"), header = FALSE))
start <- as.matrix(read.csv(file.path(job[1], "start.csv"), header = FALSE))
day <- scan(file.path(job[1], "day.csv"), quiet = TRUE)
model <- as.formula(paste("y ~", job[2]))
sse <- rep(NA, nrow(y))
spent <- system.time(for (i in seq_len(nrow(y))) {
  found <- try(nls(model, list(y = y[i, ], day = day),
                   start = setNames(as.list(start[i, ]), letters[seq_len(ncol(start))])), silent = TRUE)
  if (!inherits(found, "try-error")) sse[i] <- deviance(found)
})
cat(spent[["user.self"]] + spent[["sys.self"]], spent[["elapsed"]], ifelse(is.na(sse), "nan", format(sse, digits = 17)))
"""
Timed = tuple[float, float, np.ndarray]  # CPU and wall time [s], sum of squares of each curve


def simulate(model: Model, n: int, *, seed: int = 2026) -> Points:
    rng = np.random.default_rng(seed)
    theta = np.array(TYPICAL[model.name]) + rng.normal(0.0, SPREAD, (n, model.n_parameters))
    day = np.tile(DAYS, (n, 1))
    log_response = model.log_curve(day, theta) + rng.normal(0.0, SIGMA, day.shape)
    used = np.ones(day.shape, dtype=bool)
    return Points(day, log_response, used, np.zeros_like(used))


def squares(model: Model, points: Points, theta: np.ndarray) -> np.ndarray:
    return np.sum((points.log_response - model.log_curve(points.day, theta)) ** 2, axis=1)


def timed(model: Model, points: Points, solve: Callable[[], np.ndarray], *, repeats: int = 1) -> Timed:
    """Return the least CPU and wall time of some repeats, and the sums of squares of what is found."""
    cpu_s, wall_s = [], []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        theta = solve()
        cpu_s.append(time.process_time() - cpu)
        wall_s.append(time.perf_counter() - wall)
    return min(cpu_s), min(wall_s), squares(model, points, theta)


# ---- those that are compared ----


def engine(model: Model, points: Points, start: np.ndarray) -> np.ndarray:
    free = np.full_like(start, np.inf)
    local = least_squares(model.log_curve, model.gradient, points.day, points.log_response, points.used)
    return minimise(local, start, -free, free).x


def one_by_one(
    model: Model, points: Points, start: np.ndarray, solve: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    found = np.full_like(start, np.nan)
    for row, first in enumerate(start):
        try:
            found[row] = solve(points.log_response[row], first)
        except (RuntimeError, ValueError):  # not converged, or the curve left the numbers
            continue
    return found


def with_minimize(model: Model, points: Points, start: np.ndarray) -> np.ndarray:
    curve, names = PLAIN[model.name], "abcd"[: model.n_parameters]

    def residual(parameters: lmfit.Parameters, y: np.ndarray) -> np.ndarray:
        return y - curve(DAYS, **parameters.valuesdict())

    def solve(y: np.ndarray, first: np.ndarray) -> np.ndarray:
        found = lmfit.minimize(residual, lmfit.create_params(**dict(zip(names, first, strict=True))), args=(y,))
        return np.array(list(found.params.valuesdict().values()))

    return one_by_one(model, points, start, solve)


def with_model(model: Model, points: Points, start: np.ndarray) -> np.ndarray:
    curve, names = lmfit.Model(PLAIN[model.name]), "abcd"[: model.n_parameters]

    def solve(y: np.ndarray, first: np.ndarray) -> np.ndarray:
        parameters = curve.make_params(**dict(zip(names, first, strict=True)))
        return np.array(list(curve.fit(y, parameters, day=DAYS).best_values.values()))

    return one_by_one(model, points, start, solve)


def with_curve_fit(model: Model, points: Points, start: np.ndarray, *, jacobian: bool) -> np.ndarray:
    def slope(day: np.ndarray, *theta: float) -> np.ndarray:
        return model.gradient(day[None], np.array([theta]))[0]

    def solve(y: np.ndarray, first: np.ndarray) -> np.ndarray:
        return scipy.optimize.curve_fit(PLAIN[model.name], DAYS, y, first, jac=slope if jacobian else None)[0]

    return one_by_one(model, points, start, solve)


def with_r(model: Model, points: Points, start: np.ndarray) -> Timed:
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "y.csv", points.log_response, delimiter=",", fmt="%.17g")
        np.savetxt(Path(folder) / "start.csv", start, delimiter=",", fmt="%.17g")
        np.savetxt(Path(folder) / "day.csv", DAYS)
        command = ["Rscript", "-e", R_SCRIPT, folder, IN_R[model.name]]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(told[0]), float(told[1]), np.array(told[2:], dtype=float)


def compare(name: str, n: int) -> list[list[str]]:
    """Return rows of: model, method, CPU and wall time [s], share at the lowest sum of squares, failures, ratio."""
    model = BY_NAME[name]
    points = simulate(model, n)
    start = starting_values(model, points)[0]
    found = {
        "cartrace, one descent": timed(model, points, lambda: engine(model, points, start), repeats=5),
        "cartrace, whole fit": timed(model, points, lambda: fit(model, points).theta, repeats=5),
        "lmfit.minimize": timed(model, points, lambda: with_minimize(model, points, start)),
        "lmfit.Model.fit": timed(model, points, lambda: with_model(model, points, start)),
        "curve_fit": timed(model, points, lambda: with_curve_fit(model, points, start, jacobian=False)),
        "curve_fit, Jacobian": timed(model, points, lambda: with_curve_fit(model, points, start, jacobian=True)),
    }
    if shutil.which("Rscript"):
        found["R nls"] = with_r(model, points, start)
    lowest = np.nanmin([sse for _, _, sse in found.values()], axis=0)
    own_s = found["cartrace, one descent"][0]
    rows = []
    for method, (cpu_s, wall_s, sse) in found.items():
        at_best = np.mean(sse <= lowest * (1.0 + BEST) + 1e-12)
        cells = [f"{cpu_s:.4f}", f"{wall_s:.4f}", f"{100 * at_best:.1f}", str(int(np.isnan(sse).sum()))]
        rows.append([model.label, method, *cells, f"{cpu_s / own_s:.0f}"])
    return rows


# ---- intervals ----


def compare_profiles(name: str, n: int, n_lmfit: int) -> list[list[str]]:
    """Return rows of: model, method, curves, CPU time per 1,000 curves [s], ratio, agreement with our limits."""
    model = BY_NAME[name]
    points = simulate(model, n)
    found = fit(model, points)
    t = t_quantile(0.975, found.df)
    cpu = time.process_time()
    own = limits_of(model, points, found, t)
    own_s = (time.process_time() - cpu) / n * 1000
    theirs, cpu = np.full((model.n_parameters, 2, n_lmfit), np.nan), time.process_time()
    for row in range(n_lmfit):
        theirs[:, :, row] = conf_interval(model, points.log_response[row], found.theta[row])
    lmfit_s = (time.process_time() - cpu) / n_lmfit * 1000
    exact, cpu = np.full_like(theirs, np.nan), time.process_time()
    for row in range(n_lmfit):
        exact[:, :, row] = with_roots(model, points.log_response[row], found.theta[row], found.covariance[row], t[row])
    exact_s = (time.process_time() - cpu) / n_lmfit * 1000
    se = np.sqrt(np.einsum("mpp->pm", found.covariance))[:, None, :n_lmfit]

    def agreement(limits: np.ndarray) -> str:
        gap = np.abs(own[:, :, :n_lmfit] - limits) / se
        known = np.isfinite(gap)
        return f"{np.median(gap[known]):.1e}; {100 * np.mean(gap[known] <= SAME):.0f}"

    return [
        [model.label, "cartrace", str(n), f"{own_s:.3f}", "1", ""],
        [
            model.label,
            "lmfit.conf_interval",
            str(n_lmfit),
            f"{lmfit_s:.1f}",
            f"{lmfit_s / own_s:.0f}",
            agreement(theirs),
        ],
        [model.label, "SciPy, precise", str(n_lmfit), f"{exact_s:.1f}", f"{exact_s / own_s:.0f}", agreement(exact)],
    ]


def with_roots(model: Model, y: np.ndarray, theta: np.ndarray, covariance: np.ndarray, t: float) -> np.ndarray:
    """Return limits by a root finder about leastsq, both to the last digits; missing beyond ten standard errors."""
    curve, p = PLAIN[model.name], len(theta)
    best = float(np.sum((y - curve(DAYS, *theta)) ** 2))
    limits = np.full((p, 2), np.nan)
    for index in range(p):
        se = float(np.sqrt(covariance[index, index]))
        for place, side in enumerate((-1.0, 1.0)):
            others = np.delete(theta, index)

            def beyond(steps: float, index: int = index, side: float = side, se: float = se) -> float:
                nonlocal others
                value = theta[index] + side * steps * se

                def residual(free: np.ndarray) -> np.ndarray:
                    return y - curve(DAYS, *np.insert(free, index, value))

                others = scipy.optimize.leastsq(residual, others, ftol=1e-15, xtol=1e-15, maxfev=2000)[0]
                worse = float(np.sum(residual(others) ** 2)) - best
                return float(np.sqrt(max(worse, 0.0) * (len(y) - p) / best) - t)

            far = next((steps for steps in np.arange(0.5, 10.5, 0.5) if beyond(steps) > 0.0), None)
            if far is not None:
                limits[index, place] = theta[index] + side * se * scipy.optimize.brentq(
                    beyond, far - 0.5, far, rtol=1e-13
                )
    return limits


def limits_of(model: Model, points: Points, found: Fit, t: np.ndarray) -> np.ndarray:
    """Return the limits of all parameters, shape (p, 2, m)."""
    every = np.arange(len(t))
    wanted = [
        Wanted(None, index, every, np.full(len(t), 10.0 if parameter.scale == "log" else 2.0 * np.ptp(DAYS)))
        for index, parameter in enumerate(model.parameters)
    ]
    return np.stack([np.stack([one.low, one.high]) for one in profile_limits(model, points, found, wanted, quantile=t)])


def conf_interval(model: Model, y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    curve, names = PLAIN[model.name], "abcd"[: model.n_parameters]

    def residual(parameters: lmfit.Parameters) -> np.ndarray:
        return y - curve(DAYS, **parameters.valuesdict())

    fitter = lmfit.Minimizer(residual, lmfit.create_params(**dict(zip(names, theta, strict=True))))
    try:
        told = lmfit.conf_interval(fitter, fitter.minimize(xtol=1e-12, ftol=1e-12), sigmas=[0.95])
    except (ValueError, RuntimeError, lmfit.MinimizerException):
        return np.full((len(names), 2), np.nan)
    return np.array([[told[name][0][1], told[name][-1][1]] for name in names])


# ---- memory ----

MEMORY = """
import resource, sys
sys.path[:0] = {paths!r}
import fitting as benchmark
points = benchmark.simulate(benchmark.BY_NAME[{name!r}], {n})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import time
cpu = time.process_time()
benchmark.fit(benchmark.BY_NAME[{name!r}], points)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, time.process_time() - cpu)
"""


def memory(name: str, n: int) -> list[str]:
    """Return: model, curves, CPU time [s], memory on top of the imports and the points [MB]."""
    code = MEMORY.format(paths=[str(ROOT / "benchmarks"), str(ROOT / "scripts")], name=name, n=n)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return [BY_NAME[name].label, f"{n:,}", f"{float(told[1]):.2f}", f"{float(told[0]):.0f}"]


# ---- page ----


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def versions() -> str:
    told = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    told += f", lmfit {lmfit.__version__}"
    if shutil.which("Rscript"):
        command = ["Rscript", "-e", "cat(R.version$major, R.version$minor, sep = '.')"]
        told += f", R {subprocess.run(command, capture_output=True, text=True, check=True).stdout}"
    return told


def section(options: argparse.Namespace) -> str:
    n, scans = options.curves, len(DAYS)
    points = [row for name in TYPICAL for row in compare(name, n)]
    profiles = [row for name in TYPICAL for row in compare_profiles(name, n, options.intervals)]
    needed = [memory(name, size) for name in ("logistic", "expansion_contraction") for size in (n, 3 * n, 10 * n)]
    return f"""{MARK}
By `python benchmarks/fitting.py`, on {versions()}, one thread. {n:,} simulated curves per model, {scans} scans each
with a scatter of {100 * SIGMA:.0f} %, the same start for everyone. *Whole fit* is what the flow does: it looks for
starts itself, descends from three of them and inverts the information. *At best* is the share of curves whose sum of
squares is the lowest that anyone found, to {BEST:g}.

{table(["model", "method", "CPU [s]", "wall [s]", "at best [%]", "failed", "times as long"], points)}
Profile-likelihood limits of all parameters, 95 %. The last column: median difference from our limits in standard
errors; share of limits that differ by less than {SAME:g} [%]. lmfit looks for a limit to a relative tolerance of
5e-5 only, so that a precise root finder about SciPy's leastsq stands beside it. What then still differs are limits
where the curve of least squares jumps to another branch.

{table(["model", "method", "curves", "CPU per 1,000 [s]", "times as long", "difference; same [%]"], profiles)}
Memory of a whole fit on top of the curves themselves:

{table(["model", "curves", "CPU [s]", "memory [MB]"], needed)}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=1000, help="curves per model")
    parser.add_argument("--intervals", type=int, default=20, help="curves whose limits lmfit is asked for")
    parser.add_argument("--only-print", action="store_true", help="write no file")
    options = parser.parse_args()
    text = section(options)
    print(text)
    if options.only_print:
        return
    path = ROOT / "docs" / "performance.md"
    page = path.read_text(encoding="utf-8")
    head, _, tail = page.partition(MARK)
    rest = tail.partition(NEXT)[2]
    path.write_text(f"{head}{text}{NEXT}{rest}" if rest else f"{head.rstrip()}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
