# Where the files of the workflow are, and the digest of the code: an edit of a core file reruns what imports it, a touch
# reruns nothing.
import hashlib
import re
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Every file of the core, once: only what is named here travels with a hosted module.
CORE = """
__init__ acknowledged activity agreement association bands blanks calibration cells cells_quality censored_groups
censoring checked checks clock cohort cohort_stages collapse comparison comparison_tests contrasts counter_checks
counter_exports counter_rates counting crosstalk decay descents destructive diagnostics digits display dose
earlier_injection endpoints equivalents error_models errors estimates exclusions expansion expansion_points exports
fitting folder forest grids group_tests grouped growth growth_curves held information intake job lab ledger limits
lmfit_results many_groups measured mixed names next_cohort noncompartmental optimise outcomes outliers overall overrides
own_models partial_volume pet_checks pet_detection pet_exports pet_quantity plan pooled_scatter pooling prediction
primary profile_search profiles progress quality quantities quasi_newton radionuclides rank_effects rank_tests ratios
readout_agreement readout_days readout_exports recompute refit regions repeated roi_units rows rule_forms sacrifices
selected_rates selection sensitivity sheet sheet_headers sheet_models sheet_rules sheets specific standards
starting_values statistics strategies survival survival_groups template times tissues tube_rules units uptake vocabulary
ways workbooks
config/__init__ config/comparison config/expansion config/instruments config/quality config/section config/simulation
config/study
figures/__init__ figures/agreement figures/calibration figures/comparison figures/data figures/design
figures/instruments figures/kinetics figures/marks figures/planning figures/readouts figures/rendering figures/style
figures/timecourse figures/tissues figures/uncertainty figures/words
messages/__init__ messages/cells messages/files messages/message messages/names messages/oddities messages/wrong_numbers
planning/__init__ planning/effects planning/next_cohort planning/power planning/precision
plausibility/__init__ plausibility/copies plausibility/counting plausibility/evidence plausibility/moments
plausibility/sizes plausibility/swaps
population/__init__ population/fit population/groups population/inference population/laplace population/likelihood
population/log_linear population/mice population/model population/pairs population/shared
readers/__init__ readers/amide readers/bids readers/caliper readers/cpm readers/dft readers/export readers/frames
readers/hidex readers/living_image readers/own_model readers/pmod readers/pmod_tac readers/readings readers/slicer
readers/table readers/wide readers/wizard2
report/__init__ report/arrive report/beside report/blocks report/changes report/comparison report/crate report/design
report/documents report/exchange report/expansion report/inline report/intake report/methods report/mice
report/provenance report/references report/sources report/strategy report/study report/uptake report/verdict
report/workbook
simulate/__init__ simulate/cohort simulate/design simulate/dissection simulate/exports simulate/instruments
simulate/readouts simulate/sheets simulate/truth simulate/world
tables/__init__ tables/activity tables/agreement tables/cells tables/columns tables/comparison tables/contract
tables/destructive tables/endpoints tables/expansion tables/files tables/outcomes tables/planning tables/raw
tables/report tables/uptake
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


def half_of_cores(wildcards):
    """Half of the run's cores, so that other jobs go on beside; one where a command names no cores, as --lint."""
    try:
        return max(1, workflow.cores // 2)
    except WorkflowError:
        return 1


def drawings(figures):
    """The SVG files of figures, as Snakemake's own report shows them."""
    shown = partial(report, category="Figures")
    return [
        shown(
            f"<results>/7_report/figures/{figure}.svg",
            caption=f"../resources/captions/{figure}.rst",
            labels={"figure": figure.replace("_", " ")},
        )
        for figure in figures
    ]


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
