# What every rule file shares: the checked config, the cohorts and their files, and the digest of the core.
import ast
import hashlib
from collections import Counter as Tally
from difflib import get_close_matches
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

# Every file of the core, once: only what is named here travels with a hosted module.
CORE = """
__init__ activity agreement calibration cells clock comparison config counting decay dose errors exclusions expansion
fitting growth intake job quality radionuclides selection sheets statistics units uptake
figures/__init__ readers/__init__ report/__init__ simulate/__init__
tables/__init__ tables/contract tables/raw tables/results
""".split()


def resource(name):
    return workflow.source_path(f"../resources/{name}")


# ---- the config: shape by schema, then what a schema cannot say; all problems at once ----


def schema_problems(config, schema):
    for error in sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))):
        place = ".".join(str(part) for part in error.absolute_path) or "the config"
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for key in sorted(set(map(str, error.instance)) - set(known)):
                near = get_close_matches(key, known, n=1, cutoff=0.4)
                hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
                yield f"{place}: the key '{key}' is not known; {hint}"
        else:
            yield f"{place}: {error.message}"


def unknown(names, known, place, kind):
    for name in names:
        if name not in known:
            yield f"{place}: '{name}' is not a {kind} of this study; it has {', '.join(known)}"


def cross_problems(config):
    names = {key: [item["name"] for item in config[key]] for key in ("cohorts", "groups", "tracers", "regions")}
    for key, found in names.items():
        for name, times in Tally(found).items():
            if times > 1:
                yield f"{key}: '{name}' stands {times} times; names are unique"
    for cohort in config["cohorts"]:
        if not Path(cohort["path"]).is_dir():
            yield f"cohorts: the folder '{cohort['path']}' of {cohort['name']} is not there; paths start at {Path.cwd()}"
    if sum(group["role"] == "background" for group in config["groups"]) > 1:
        yield "groups: more than one group has the role background; give it to the group whose signal is subtracted"
    primary = config["comparison"]["primary"]
    yield from unknown(primary["groups"], names["groups"], "comparison.primary.groups", "group")
    yield from unknown(config["counter"]["windows"], names["tracers"], "counter.windows", "tracer")
    if len(set(primary["groups"])) < len(primary["groups"]):
        yield "comparison.primary.groups: a group cannot be compared with itself"
    if primary["endpoint"] in ("uptake", "cells") and not primary["session"]:
        yield f"comparison.primary.session: the endpoint {primary['endpoint']} needs a session"
    if primary["endpoint"] == "uptake" and not primary["modality"]:
        yield "comparison.primary.modality: the endpoint uptake needs pet or counter"
    for key in ("window_days", "exponential_window_days"):
        start, end = config["expansion"][key]
        if start >= end:
            yield f"expansion.{key}: the window ends at day {end:g}, not after its start at day {start:g}"


def checked(config):
    path = workflow.source_path("../config/config.schema.yaml")
    schema = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    own = {key: value for key, value in config.items() if key != "pathvars"}
    problems = list(schema_problems(own, schema))
    if not problems:
        validate(config, path)
        problems = list(cross_problems(config))
    if problems:
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise WorkflowError(f"The config has {count}; nothing was calculated.\n{lines}")
    return config


config = checked(config)
PATHS = {cohort["name"]: Path(cohort["path"]) for cohort in config["cohorts"]}
COHORTS = list(PATHS)
MODELS = config["expansion"]["models"]


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),
    model="|".join(MODELS),


# ---- the files of a cohort ----

SHEETS = ["animals", "doses", "tubes", "scans", "calibration", "readouts", "exclusions", "clocks", "volumes"]


def sheet_files(cohort):
    candidates = [PATHS[cohort] / f"{sheet}.csv" for sheet in SHEETS] + [PATHS[cohort] / "cohort.xlsx"]
    return [str(path) for path in candidates if path.is_file()]


def export_files(cohort, folder=None):
    folders = [folder] if folder else ["counter", "pet", "readouts"]
    found = (path for name in folders for path in (PATHS[cohort] / name).rglob("*"))
    return sorted(str(path) for path in found if path.is_file() and not path.name.startswith("."))


# What a study has decides which figures it gets.
HAS_COUNTER = any(export_files(cohort, "counter") for cohort in COHORTS)
HAS_PET = any(export_files(cohort, "pet") for cohort in COHORTS)


def of_cohorts(path):
    return expand(path, cohort=COHORTS, allow_missing=True)


# ---- the digest of the core: an edit of a core file reruns what imports it, a touch reruns nothing ----

CORE_PATHS = {name: Path(workflow.source_path(f"../scripts/cartrace/{name}.py")) for name in CORE}


def core_imports(path):
    """Names of the core modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cartrace":
            candidates = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        else:
            continue
        for candidate in candidates:
            name = "/".join(candidate.split(".")[1:]) or "__init__"
            yield from (known for known in (name, f"{name}/__init__") if known in CORE_PATHS)


def core_digest(script):
    """SHA-256 over the core files that a script imports, directly or not."""
    used, waiting = set(), [Path(workflow.source_path(f"../scripts/{script}"))]
    while waiting:
        for name in core_imports(waiting.pop()):
            if name not in used:
                used.add(name)
                waiting.append(CORE_PATHS[name])
    digest = hashlib.sha256()
    for name in sorted(used):
        # Hosted git drops a file's last newline.
        digest.update(f"{name}\n{CORE_PATHS[name].read_text(encoding='utf-8').rstrip()}\n".encode())
    return digest.hexdigest()
