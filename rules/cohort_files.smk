# The files of each cohort, as its folder holds them.
# INPUTS   PATHS
# OUTPUTS  sheet_files, export_files, has_background; HAS_COUNTER, HAS_PET
import zipfile
from xml.sax.saxutils import unescape

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
