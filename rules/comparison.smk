# Stage 6: groups are summarised and compared, PET is held against the counter.
# INPUTS   the study's uptake, ratios and cells, the estimates of every model, the selection
# OUTPUTS  <results>/6_comparison/{endpoints,summaries,comparisons,agreement}.csv


rule compare_groups:
    input:
        uptake=of_cohorts(rules.compute_uptake.output.uptake),
        cells=of_cohorts(rules.estimate_cells.output.cells),
        estimates=expand("<results>/5_expansion/{model}/estimates.csv", model=MODELS),
        selection=rules.select_model.output.selection,
    output:
        endpoints="<results>/6_comparison/endpoints.csv",
        summaries="<results>/6_comparison/summaries.csv",
        comparisons="<results>/6_comparison/comparisons.csv",
        agreement="<results>/6_comparison/agreement.csv",
    log:
        "<logs>/compare_groups.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        groups=config["groups"],
        region=config["cells"]["region"],
        primary=config["comparison"]["primary"],
        secondary=config["comparison"]["secondary"],
        adjustment=config["comparison"]["secondary_adjustment"],
        exploratory_adjustment=config["comparison"]["exploratory_adjustment"],
        confidence=config["comparison"]["confidence"],
        seed=config["seed"],
        core=core_digest("compare_groups.py"),
    script:
        "../scripts/compare_groups.py"
