# What all other files share: the checked config, the cohorts and their files, and the digest of the core.
import csv
import hashlib
import os
import re
import sys
import zipfile
from collections import Counter as Tally
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from xml.sax.saxutils import unescape
from zoneinfo import ZoneInfo

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import UndefinedPathvarException
from snakemake.utils import validate

# Every file of the core, once: only what is named here travels with a hosted module.
CORE = """
__init__ acknowledged activity agreement association blanks calibration cells cells_quality censored_groups censoring
checked checks clock cohort cohort_stages collapse comparison comparison_tests config contrasts counter_checks
counter_exports counter_rates counting crosstalk decay destructive diagnostics digits display dose earlier_injection
endpoints equivalents error_models errors estimates exclusions expansion exports fitting folder forest grids
group_tests grouped growth growth_curves information intake job lab ledger limits lmfit_results many_groups measured
mixed names next_cohort noncompartmental optimise outcomes outliers overall overrides own_models partial_volume
pet_checks pet_detection pet_exports pet_quantity plan pooled_scatter pooling prediction primary profiles progress
quality quantities quasi_newton radionuclides rank_effects rank_tests ratios readout_agreement readout_days
readout_exports recompute refit regions repeated roi_units rows rule_forms sacrifices selected_rates selection
sensitivity sheet sheet_headers sheet_models sheet_rules sheets specific standards starting_values statistics
strategies survival survival_groups template times tissues tube_rules units uptake vocabulary ways workbooks
figures/__init__ figures/agreement figures/calibration figures/comparison figures/data figures/design
figures/instruments figures/kinetics figures/marks figures/planning figures/readouts figures/style figures/timecourse
figures/tissues figures/uncertainty figures/words
messages/__init__ messages/cells messages/files messages/message messages/names messages/oddities messages/wrong_numbers
planning/__init__ planning/effects planning/next_cohort planning/power planning/precision
plausibility/__init__ plausibility/copies plausibility/counting plausibility/evidence plausibility/moments
plausibility/sizes plausibility/swaps
population/__init__ population/fit population/groups population/inference population/laplace population/likelihood
population/log_linear population/mice population/model population/pairs population/shared
readers/__init__ readers/amide readers/bids readers/caliper readers/cpm readers/dft readers/export readers/hidex
readers/living_image readers/own_model readers/pmod readers/pmod_tac readers/slicer readers/table readers/wide
readers/wizard2
report/__init__ report/arrive report/beside report/blocks report/changes report/comparison report/crate report/design
report/documents report/exchange report/expansion report/inline report/intake report/methods report/mice
report/provenance report/references report/sources report/strategy report/study report/uptake report/verdict
report/workbook
simulate/__init__ simulate/cohort simulate/design simulate/dissection simulate/exports simulate/instruments
simulate/readouts simulate/sheets simulate/truth simulate/world
tables/__init__ tables/activity tables/agreement tables/cells tables/columns tables/comparison tables/contract
tables/destructive tables/endpoints tables/expansion tables/outcomes tables/planning tables/raw tables/report
tables/uptake
""".split()


def source(name):
    """A file of the workflow: where it stands, or the copy that Snakemake fetches of a hosted one."""
    home = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
    if not home.is_dir():
        return workflow.source_path(f"../{name}")
    # In its own folder by its plain name, so that a checkout that moves reruns nothing.
    return name if home.resolve() == Path.cwd() else str(home / name)


def resource(name):
    return source(f"resources/{name}")


# ---- the config: shape by schema, then what a schema cannot say; all problems at once ----


def place(config, path):
    """The dotted key of a problem; an item of a list goes by its name."""
    words = []
    for part in path:
        config = config[part]
        if isinstance(part, int):
            part = config["name"] if isinstance(config, dict) and "name" in config else f"entry {part + 1}"
        words.append(str(part))
    return ".".join(words) or "the config"


def hint(name, known):
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"


def schema_problems(config, schema):
    for error in sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))):
        where = place(config, error.absolute_path)
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for key in sorted(set(map(str, error.instance)) - set(known)):
                yield f"{where}: the key '{key}' is not known; {hint(key, known)}"
        elif error.validator == "required":
            # The validator reports each missing key by itself, and names it in its message only.
            yield f"{where}: the key {error.message.split(' is a ')[0]} is missing"
        else:
            wanted = " or ".join(branch.get("type", "") for branch in error.schema.get("anyOf", []))
            why = f"{error.instance!r} is not of type {wanted}" if wanted else error.message
            meaning = error.schema.get("description")
            yield f"{where}: {why}{remedy(error)}" + (f" ({meaning})" if meaning else "")


def remedy(error):
    """What to do about the two ways in which YAML reads something else than was meant."""
    if error.validator_value == "string" and isinstance(error.instance, int | float):
        return "; put it in quotes"
    if isinstance(error.instance, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", error.instance):
        number = str(float(error.instance))
        return f"; write {number if '.' in number else number.replace('e', '.0e')}"
    return ""


def unknown(names, known, where, kind):
    for name in names:
        if name not in known:
            yield f"{where}: '{name}' is not a {kind} of this study; {hint(name, known)}"


def parts_of(endpoint, regions):
    """The regions that an endpoint names: of a ratio both, of a readout none."""
    if endpoint == "readout":
        return []
    if endpoint != "ratio":
        return list(regions)
    return [part for region in regions for part in region.split("/")]


def name_problems(config):
    for key in ("cohorts", "groups", "tracers", "regions"):
        for name, times in Tally(item["name"] for item in config[key]).items():
            if times > 1:
                yield f"{key}: '{name}' stands {times} times; names are unique"
    try:
        ZoneInfo(config["study"]["timezone"])
    except (KeyError, ValueError):
        yield f"study.timezone: '{config['study']['timezone']}' is not a time zone; write one like Europe/Berlin"
    simulated = Path(config["simulation"]["output"])
    for cohort in config["cohorts"]:
        # A folder that `simulate` or `template` writes need not be there yet.
        is_new = cohort["name"] == config["cohort"]
        if not Path(cohort["path"]).is_dir() and not Path(cohort["path"]).is_relative_to(simulated) and not is_new:
            yield f"cohorts: the folder '{cohort['path']}' of {cohort['name']} {not_there(cohort['path'])}"
    tracers = [tracer["name"] for tracer in config["tracers"]]
    yield from unknown(config["counter"]["windows"], tracers, "counter.windows", "tracer")
    with open(resource("tissues.csv"), encoding="utf-8", newline="") as shipped:
        regions = [region["name"] for region in config["regions"]] + [row["name"] for row in csv.DictReader(shipped)]
    around = [region["surroundings"] for region in config["regions"] if region["surroundings"]]
    yield from unknown(around, regions, "regions.surroundings", "region")
    noise = [config["pet"]["noise_region"]] if config["pet"]["noise_region"] else []
    yield from unknown(noise, regions, "pet.noise_region", "region")
    yield from unknown([config["cells"]["region"]], regions, "cells.region", "region")
    yield from unknown(config["uptake"]["reference_regions"], regions, "uptake.reference_regions", "region")
    primary = config["comparison"]["primary"]
    named = parts_of(primary["endpoint"], [primary["region"]])
    yield from unknown(named, regions, "comparison.primary.region", "region")
    for family in config["comparison"]["secondary"]:
        named = parts_of(family["endpoint"], family["regions"])
        yield from unknown(named, regions, f"comparison.secondary.{family['family']}.regions", "region")
    for number, item in enumerate(config["comparison"]["prediction"], start=1):
        named = [item["early"]["region"]] if item["early"]["region"] else []
        yield from unknown(named, regions, f"comparison.prediction.entry {number}.early.region", "region")


BY_MODALITY = ("uptake", "uptake_pct_id", "suv", "ratio")
# What is measured on a day; all other endpoints come from a fit of growth.
BY_SESSION = (*BY_MODALITY, "cells", "net_pct_id", "readout")


def primary_problems(config):
    primary, roles = config["comparison"]["primary"], {group["name"]: group["role"] for group in config["groups"]}
    endpoint, where = primary["endpoint"], "comparison.primary"
    yield from unknown(primary["groups"], list(roles), f"{where}.groups", "group")
    if len(set(primary["groups"])) < len(primary["groups"]):
        yield f"{where}.groups: a group cannot be compared with itself"
    if endpoint in BY_SESSION and not primary["session"]:
        yield f"{where}.session: the endpoint {endpoint} needs a session"
    if endpoint in BY_MODALITY and not primary["modality"]:
        yield f"{where}.modality: the endpoint {endpoint} needs pet or counter"
    if endpoint == "ratio" and primary["region"].count("/") != 1:
        yield f"{where}.region: a ratio has two regions; write it like tumour/muscle"
    if endpoint not in BY_SESSION and config["study"]["strategy"] != "reporter_gene":
        yield f"{where}.endpoint: {endpoint} comes from a fit of growth, and {config['study']['strategy']} studies get none"
    for group in primary["groups"]:
        if endpoint not in (*BY_MODALITY, "readout") and roles.get(group) == "background":
            yield f"{where}.groups: '{group}' has the role background, and with it no {endpoint}"


def secondary_problems(config):
    roles = {group["name"]: group["role"] for group in config["groups"]}
    for name, times in Tally(item["family"] for item in config["comparison"]["secondary"]).items():
        if times > 1:
            yield f"comparison.secondary: the family '{name}' stands {times} times; names are unique"
    for family in config["comparison"]["secondary"]:
        where, test = f"comparison.secondary.{family['family']}", family["test"]
        named, sessions = family["groups"] or list(roles), family["sessions"]
        yield from unknown(family["groups"], list(roles), f"{where}.groups", "group")
        if test in ("paired_t", "signed_rank"):
            if len(sessions) != 2:
                yield f"{where}.sessions: {test} holds two sessions of the same mice against each other; name two"
        elif len(set(named)) < (3 if test == "games_howell" else 2):
            yield f"{where}.groups: {test} needs {'three' if test == 'games_howell' else 'two'} groups"
        controls = [name for name in named if roles.get(name) == "control"]
        if test == "dunnett" and len(controls) != 1:
            yield f"{where}.groups: dunnett needs one group with the role control, and there are {len(controls)}"


def prediction_problems(config):
    for number, item in enumerate(config["comparison"]["prediction"], start=1):
        early, outcome, where = item["early"], item["outcome"], f"comparison.prediction.entry {number}"
        if early["endpoint"] in ("uptake", "cells") and not early["session"]:
            yield f"{where}.early.session: the endpoint {early['endpoint']} needs a session"
        if early["endpoint"] == "uptake" and not early["modality"]:
            yield f"{where}.early.modality: the endpoint uptake needs pet or counter"
        if outcome["measure"] == "progression" and outcome["threshold"] is None:
            yield f"{where}.outcome.threshold: progression needs one, as a multiple of the baseline"
        if outcome["readout"] == "survival" and outcome["measure"] != "value":
            yield f"{where}.outcome.measure: survival is judged by its day; leave the measure out"
        if outcome["readout"] == "survival" and outcome["threshold"] is not None:
            yield f"{where}.outcome.threshold: survival is judged by its day; leave the threshold out"


def setting_problems(config):
    if sum(group["role"] == "background" for group in config["groups"]) > 1:
        yield "groups: more than one group has the role background; give it to the group whose signal is subtracted"
    for number, table in enumerate(config["pet"]["recovery"], start=1):
        sizes = table["diameter_mm"]
        if len(sizes) != len(table["coefficient"]) or any(a >= b for a, b in zip(sizes, sizes[1:])):
            yield f"pet.recovery.entry {number}: give one coefficient a diameter, diameters rising"
    for key in ("window_days", "exponential_window_days"):
        start, end = config["expansion"][key]
        if start >= end:
            yield f"expansion.{key}: the window ends at day {end:g}, not after its start at day {start:g}"
    yield from model_problems(config["expansion"])
    thresholds = {key: value for key, value in config["quality"].items() if isinstance(value, int | float)}
    for key, warn in thresholds.items():
        fail = thresholds.get(key.replace("_warn_", "_fail_"), warn)
        if warn > fail:
            yield f"quality.{key}: warns above {warn:g}, but fails above {fail:g} already"


def model_problems(expansion):
    names = [*expansion["models"], *(model["name"] for model in expansion["custom_models"])]
    shipped = ("exponential", "lag_exponential", "logistic", "gompertz", "expansion_contraction", "stein")
    for name, times in Tally(names).items():
        if times > 1:
            yield f"expansion.models: '{name}' stands {times} times; names are unique"
    for model in expansion["custom_models"]:
        if model["name"] in shipped and model["name"] not in expansion["models"]:
            yield f"expansion.custom_models: '{model['name']}' is the name of a shipped model; choose another"
        if not Path(model["path"]).is_file():
            yield (f"expansion.custom_models: the file '{model['path']}' of {model['name']} {not_there(model['path'])}")
    if names == ["stein"]:
        yield "expansion.models: stein is fitted to groups only; name a model for single mice beside it"


def redirected(path):
    """A path of the config with the pathvars it names put in; as it is where one is not given."""
    with suppress(UndefinedPathvarException):
        return workflow.pathvars.apply(path)
    return path


def not_there(path):
    missing = re.findall("<[a-z][a-z0-9_]*>", path)
    return f"is not there; paths start at {Path.cwd()}" if not missing else f"names {missing[0]}; give it in pathvars"


def with_redirected_paths(config):
    config["simulation"]["output"] = redirected(config["simulation"]["output"])
    for item in [*config["cohorts"], *config["expansion"]["custom_models"]]:
        item["path"] = redirected(item["path"])
    return config


def checked(config):
    path = str(Path(source("config/config.schema.yaml")).resolve())
    schema = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    own = {key: value for key, value in config.items() if key != "pathvars"}
    problems = list(schema_problems(own, schema))
    if not problems:
        validate(own, path)
        own = with_redirected_paths(own)
        problems = [*name_problems(own), *primary_problems(own), *setting_problems(own)]
        problems += [*secondary_problems(own), *prediction_problems(own)]
    if problems:
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        # Not WorkflowError: it would wrap the message in the lines of this file.
        sys.exit(f"The config has {count}; nothing was calculated.\n{lines}")
    return own


config = checked(config)
# An order of the command line, no setting of the study.
NEW_COHORT = config.pop("cohort")
PATHS = {cohort["name"]: Path(cohort["path"]) for cohort in config["cohorts"]}
COHORTS = list(PATHS)
CUSTOM_MODELS = {model["name"]: model["path"] for model in config["expansion"]["custom_models"]}
MODELS = [*config["expansion"]["models"], *CUSTOM_MODELS]


def window_of(model):
    return config["expansion"]["exponential_window_days" if model == "exponential" else "window_days"]


# A model with a window of its own sees other points, so that its likelihood cannot be compared; one that is fitted to
# groups only has none for a mouse.
COMPARED = [model for model in MODELS if window_of(model) == config["expansion"]["window_days"] and model != "stein"]


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),
    model="|".join(MODELS),


# ---- the files of a cohort ----

TABLE_SUFFIXES = {".csv", ".tsv", ".xlsx", ".xlsm", ".xls", ".ods"}


# As `cartrace.workbooks` holds it against a workbook that is read.
MOST_WORKBOOK_BYTES = 200_000_000


def sheet_files(cohort):
    """Every table that stands in the cohort's folder: of one with a wrong name, the import says so."""
    found = PATHS[cohort].iterdir() if PATHS[cohort].is_dir() else ()
    tables = (path for path in found if path.suffix.lower() in TABLE_SUFFIXES and path.is_file())
    return sorted(str(path) for path in tables if not path.name.startswith((".", "~$", "x_")))


def workbook_texts(path):
    """The texts of a workbook, which is a zip of XML; none of one that the import will refuse, and say why."""
    try:
        with zipfile.ZipFile(path) as book:
            parts = [part for part in book.infolist() if part.filename.endswith(".xml")]
            if sum(part.file_size for part in parts) > MOST_WORKBOOK_BYTES:
                return []
            return [unescape(book.read(part).decode(errors="replace")) for part in parts]
    except Exception:  # whatever a file made to harm may raise
        return []


@cache
def has_background(cohort):
    """Whether the cohort's sheet of animals names the background group; true where the study has none."""
    names = [group["name"] for group in config["groups"] if group["role"] == "background"]
    texts = []
    for path in map(Path, sheet_files(cohort)):
        if path.name == "animals.csv":
            texts.append(path.read_text(encoding="utf-8-sig", errors="replace"))
        elif path.name == "cohort.xlsx":
            texts += workbook_texts(path)
    return not names or any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names for text in texts)


def export_files(cohort, folder=None):
    folders = [folder] if folder else ["counter", "pet", "readouts"]
    found = (path for name in folders for path in (PATHS[cohort] / name).rglob("*"))
    # Neither hidden files nor the locks that Excel leaves beside an open workbook.
    return sorted(str(path) for path in found if path.is_file() and not path.name.startswith((".", "~$")))


# What a study has decides which figures it gets.
HAS_COUNTER = any(export_files(cohort, "counter") for cohort in COHORTS)
HAS_PET = any(export_files(cohort, "pet") for cohort in COHORTS)


def of_cohorts(path):
    return expand(path, cohort=COHORTS, allow_missing=True)


# ---- the digest of the code: an edit of a core file reruns what imports it, a touch reruns nothing ----

CORE_PATHS = {name: Path(source(f"scripts/cartrace/{name}.py")) for name in CORE}


# By its text, since a parse of the whole core at each start would take a third of it.
IMPORTS = re.compile(r"^ *from (cartrace[\w.]*) import (?:\(([^)]*)\)|(.+))|^ *import (cartrace[\w.]*)", re.MULTILINE)


@cache
def core_imports(path):
    """Names of the core files that a file imports, wherever in it, with the packages that they stand in."""
    found = set()
    for package, several, one, module in IMPORTS.findall(path.read_text(encoding="utf-8")):
        names = re.findall(r"(\w+)(?: as \w+)?", re.sub("#.*", "", several or one))
        modules = [f"{package}.{name}" for name in names] if package else [module]
        for parts in (module.split(".") for module in modules):
            places = ["/".join(parts[1:end]) for end in range(1, len(parts) + 1)]
            found.update(
                name for place in places for name in (place, f"{place}/__init__".strip("/")) if name in CORE_PATHS
            )
    return found


def code_of(script):
    """The files of a script: itself and the core files that it imports, directly or not, by name."""
    start = Path(source(f"scripts/{script}"))
    used, waiting = {script: start}, [start]
    while waiting:
        for name in core_imports(waiting.pop()) - set(used):
            used[name] = CORE_PATHS[name]
            waiting.append(CORE_PATHS[name])
    return dict(sorted(used.items()))


def core_digest(script):
    """SHA-256 over a script and the core files that it imports."""
    digest = hashlib.sha256()
    for name, path in code_of(script).items():
        # Hosted git drops a file's last newline.
        digest.update(f"{name}\n{path.read_text(encoding='utf-8').rstrip()}\n".encode())
    return digest.hexdigest()


def assumptions(scripts):
    """What the core that some scripts import marks as assumed: pairs of core file and text."""
    files = {name: path for script in scripts for name, path in code_of(f"{script}.py").items()}
    lines = ((name, line) for name in sorted(files) for line in files[name].read_text(encoding="utf-8").splitlines())
    return [[name, line.split("# ASSUME: ")[1].strip()] for name, line in lines if "# ASSUME: " in line]
