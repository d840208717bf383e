# Beside the flow: the folder of a new cohort, with empty sheets to fill in.
# INPUTS   resources/tissues.csv; its name: --config cohort=C03
# OUTPUTS  cohorts/<name>/, or the folder that the config has for it


# Its folder is no output: Snakemake would remove one that is there already, with all that a lab put into it.
rule template:
    input:
        tissues=resource("tissues.csv"),
    log:
        "<logs>/template.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        cohort=NEW_COHORT,
        folder=str(PATHS.get(NEW_COHORT, Path("cohorts") / NEW_COHORT)),
        groups=[group["name"] for group in config["groups"]],
        tracers=[tracer["name"] for tracer in config["tracers"]],
        regions=config["regions"],
        core=core_digest("write_template.py"),
    script:
        "../scripts/write_template.py"
