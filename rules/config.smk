# The checked config: its shape by the schema, then what a schema cannot say; all problems at once.
# INPUTS   the config, config/config.schema.yaml, resources/tissues.csv
# OUTPUTS  config, PATHS, COHORTS, MODELS; or every problem, and no run
import csv
import sys
from collections import Counter as Tally
from contextlib import suppress
from difflib import get_close_matches
from zoneinfo import ZoneInfo

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import UndefinedPathvarException
from snakemake.utils import validate


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
