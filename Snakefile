# cartrace: from counts and clocks to cell expansion, in seven stages.
from snakemake.utils import min_version

min_version("9.17.1")


# A study named by --configfile stands alone: merged with another, it would get what it does not state from that.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/config.smk"
include: "rules/cohort_files.smk"
include: "rules/tables.smk"
include: "rules/activity.smk"
include: "rules/uptake.smk"
include: "rules/cells.smk"
include: "rules/expansion.smk"
include: "rules/comparison.smk"
include: "rules/report.smk"
include: "rules/check.smk"
include: "rules/template.smk"
include: "rules/simulate.smk"
include: "rules/ending.smk"


# Every table of every stage is a result: one that is missing is made again, also where the report is up to date.
rule all:
    default_target: True
    input:
        of_cohorts(rules.import_tables.output),
        of_cohorts(rules.compute_activity.output),
        of_cohorts(rules.compute_uptake.output),
        of_cohorts(rules.apply_strategy.output),
        of_cohorts(rules.estimate_cells.output),
        expand(rules.fit_expansion.output, model=MODELS),
        rules.select_model.output,
        rules.describe_mice.output,
        rules.compare_groups.output,
        rules.recompute_study.output,
        rules.check_comparison.output,
        rules.predict_outcomes.output,
        rules.integrate_uptake.output,
        rules.draw_figures.output,
        rules.draw_checks.output,
        rules.build_report.output,
