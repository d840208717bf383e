# Beside the flow: is every cohort's folder fit to be imported? Computes nothing; ends with an error where one is not.
# INPUTS   what stage 1 reads
# OUTPUTS  <results>/{cohort}/check.json; of a workbook also <results>/{cohort}/{cohort}.checked.xlsx, its cells marked

WITH_WORKBOOK = [cohort for cohort in COHORTS if (PATHS[cohort] / "cohort.xlsx").is_file()]
NO_COHORT = "(?!)"


# Succeeds whatever it finds: the outputs of a job that fails would be deleted.
rule check_cohort:
    input:
        **rules.import_tables.input,
    output:
        found="<results>/{cohort}/check.json",
    log:
        "<logs>/{cohort}/check_cohort.log",
    wildcard_constraints:
        cohort="|".join(re.escape(cohort) for cohort in COHORTS if cohort not in WITH_WORKBOOK) or NO_COHORT,
    conda:
        "../envs/cartrace.yaml"
    params:
        **{key: value for key, value in rules.import_tables.params.items() if key != "core"},
        core=core_digest("check_cohort.py"),
    script:
        "../scripts/check_cohort.py"


use rule check_cohort as check_workbook with:
    output:
        found="<results>/{cohort}/check.json",
        checked="<results>/{cohort}/{cohort}.checked.xlsx",
    log:
        "<logs>/{cohort}/check_workbook.log",
    wildcard_constraints:
        cohort="|".join(map(re.escape, WITH_WORKBOOK)) or NO_COHORT,


rule check:
    input:
        found=expand("<results>/{cohort}/check.json", cohort=COHORTS),
    log:
        "<logs>/check.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        core=core_digest("tell_check.py"),
    script:
        "../scripts/tell_check.py"
