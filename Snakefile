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


rule all:
    default_target: True
    input:
        rules.build_report.output,
        rules.draw_figures.output,
        rules.draw_checks.output,
        rules.check_comparison.output,
        rules.predict_outcomes.output,
        rules.describe_mice.output,
        rules.integrate_uptake.output,
