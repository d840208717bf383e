# The last lines of a run: where the report is and what to look at first; or what failed, of which cohort, and why.
# INPUTS   the tables of quality and of exclusions; the logs of this run's jobs
# OUTPUTS  none: it is said on standard error
import csv
import os
import sys
import time
from collections import Counter as Tally

STARTED_S = time.time()
# More of a defect's traceback or of a lab's mistakes than this stands in the log only.
MOST_LINES = 60


# The command line of a job that failed tells a lab nothing: what failed, and why, is the end of the run's output.
logger.addFilter(lambda record: not record.getMessage().startswith("RuleException:\nCalledProcessError"))


def say(lines):
    sys.stderr.write("\n" + "\n".join(lines) + "\n\n")
    sys.stderr.flush()


def rows_of(paths):
    for path in filter(os.path.isfile, paths):
        with open(path, encoding="utf-8", newline="") as stream:
            yield from csv.DictReader(stream)


def counted(number, one, many):
    return f"{number} {one if number == 1 else many}"


def worth_a_look():
    """What a reader should know before the results: checks that did not pass, and what was left out."""
    checks = of_cohorts(rules.compute_uptake.output.quality) + of_cohorts(rules.estimate_cells.output.quality)
    tally = Tally((row["status"], row["cohort"]) for row in rows_of(checks))
    for status, one, many in (
        ("fail", "failed check", "failed checks"),
        ("warn", "warning", "warnings"),
    ):
        cohorts = {cohort: number for (found, cohort), number in tally.items() if found == status}
        if cohorts:
            where = ", ".join(f"{cohort} ({number})" for cohort, number in list(cohorts.items())[:10])
            more = ", ..." if len(cohorts) > 10 else ""
            yield f"  {counted(sum(cohorts.values()), one, many)} of quality: {where}{more}; see #quality"
    excluded = Tally(row["cohort"] for row in rows_of(of_cohorts(rules.import_tables.output.exclusions)))
    if excluded:
        where = ", ".join(f"{cohort} ({number})" for cohort, number in list(excluded.items())[:10])
        more = ", ..." if len(excluded) > 10 else ""
        yield f"  {counted(excluded.total(), 'exclusion', 'exclusions')}: {where}{more}; see #exclusions"


def success_lines(html):
    found = list(worth_a_look())
    if found:
        return [f"The report: {html}", "Look first at", *found]
    return [f"The report: {html}", "Every check of quality passed, and nothing was excluded."]


def name_of(log, home):
    """What a job was, by the place of its log: <cohort>/<rule>.log, <rule>.log or <rule>/<model>.log."""
    *folder, last = log.relative_to(home).with_suffix("").parts
    if not folder:
        return last
    return f"{last}, cohort {folder[0]}" if folder[0] in COHORTS else f"{folder[0]}, {last}"


def of_this_run(folder):
    """The logs below a folder that were written since this run began, with their lines; the newest last."""
    logs = [(log.stat().st_mtime, log) for log in folder.rglob("*.log")]
    for _, log in sorted(item for item in logs if item[0] >= STARTED_S):
        yield log, log.read_text(encoding="utf-8", errors="replace").splitlines()


def unfinished(home):
    """Logs of this run's jobs that did not end well, with what they say."""
    for log, lines in of_this_run(home):
        if not log.is_relative_to(home / "slurm") and not (lines and lines[-1].startswith("wrote ")):
            yield log, lines


def silent_end(lines):
    """What to say of a job that said nothing itself."""
    if not lines:
        yield "It ended before it began: killed at once, or refused by a scheduler for what it asks for (memory, time,"
        yield "partition, account). --verbose shows what was submitted, to be tried by hand."
        return
    doing = [line.removeprefix("doing").strip() for line in lines if line.startswith("doing  ")]
    when = f" while {doing[-1]}" if doing else ""
    yield f"It ended without a word{when}: killed, or out of memory or time. Run again; what is done is kept."


def slurm_words(home, rule):
    """The last thing that Slurm said of a job of a rule: that it was cancelled, or had no time or memory left."""
    said = [
        (line, log)
        for log, lines in of_this_run(home / "slurm")
        for line in lines
        if rule in log.parent.as_posix() and re.search(r"slurmstepd|DUE TO|[Ee]xceeded|oom.kill|CANCELLED", line)
    ]
    return [f"Slurm: {line} ({log})" for line, log in said[-1:]]


def failure_lines(home, snakemake_log):
    failed = list(unfinished(home))
    for log, lines in failed:
        own = [line for line in lines if not line.startswith(("read  ", "doing  "))]
        if not own:
            own = [*silent_end(lines), *slurm_words(home, name_of(log, home).split(",")[0])]
        if len(own) > MOST_LINES:
            own = [*own[:MOST_LINES], f"... and {len(own) - MOST_LINES} lines more in the log"]
        yield from (f"FAILED: {name_of(log, home)}", *(f"  {line}" for line in own), f"  log: {log}")
    if not failed:
        yield from ("FAILED before any job began; what Snakemake wrote above may have the reason.", *silent_end([]))
        yield from (f"  log: {path}" for path in snakemake_log)


onsuccess:
    html = Path(str(rules.build_report.output.html))
    if html.is_file() and html.stat().st_mtime >= STARTED_S:
        say(success_lines(html))


onerror:
    say(failure_lines(Path(str(rules.build_report.log[0])).parent, log))
