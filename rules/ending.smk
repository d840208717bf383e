# The last lines of a run: where the report is and what to look at first; or what failed, of which cohort, and why.
# INPUTS   the tables of quality and of exclusions; the logs of this run's jobs
# OUTPUTS  none: it is said on standard error
import time

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


def unfinished(home):
    """Logs of this run's jobs that did not end well, with what they say."""
    for log in sorted(home.rglob("*.log")):
        if log.stat().st_mtime >= STARTED_S:
            text = log.read_text(encoding="utf-8", errors="replace")
            lines = text.splitlines()
            if not lines or not lines[-1].startswith("wrote "):
                yield log, lines


def failure_lines(home, snakemake_log):
    failed = list(unfinished(home))
    for log, lines in failed:
        own = [line for line in lines if not line.startswith(("read  ", "doing  "))]
        if not own:
            doing = [line.removeprefix("doing").strip() for line in lines if line.startswith("doing  ")]
            when = f" while {doing[-1]}" if doing else ""
            own = [f"It ended without a word{when}: killed, or out of memory or time. Run again; what is done is kept."]
        if len(own) > MOST_LINES:
            own = [*own[:MOST_LINES], f"... and {len(own) - MOST_LINES} lines more in the log"]
        yield from (f"FAILED: {name_of(log, home)}", *(f"  {line}" for line in own), f"  log: {log}")
    if not failed:
        yield "FAILED before any job could say why; what Snakemake wrote above has the reason."
        yield f"  log: {snakemake_log}"


onsuccess:
    html = Path(str(rules.build_report.output.html))
    if html.is_file() and html.stat().st_mtime >= STARTED_S:
        say(success_lines(html))


onerror:
    say(failure_lines(Path(str(rules.build_report.log[0])).parent, log))
