# Stage 6: groups are summarised and compared, PET is held against the counter.
# INPUTS   the study's uptake, ratios and cells, the estimates of every model, the selection;
#          animals, readouts, exclusions
# OUTPUTS  <results>/6_comparison/{endpoints,summaries,comparisons,agreement}.csv, and what stands beside the declared
#          comparisons: {alternatives,overall,paired,repeated,forest,diagnostics,sensitivity,power,survival,prediction,
#          readouts,destructive}.csv


rule compare_groups:
    input:
        uptake=of_cohorts(rules.compute_uptake.output.uptake),
        ratios=of_cohorts(rules.compute_uptake.output.ratios),
        cells=of_cohorts(rules.estimate_cells.output.cells),
        estimates=expand("<results>/5_expansion/{model}/estimates.csv", model=MODELS),
        selection=rules.select_model.output.selection,
        animals=of_cohorts(rules.import_tables.output.animals),
        readouts=of_cohorts(rules.import_tables.output.readouts),
        exclusions=of_cohorts(rules.import_tables.output.exclusions),
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
        recovery=config["pet"]["recovery"],
        pet_quantity=config["pet"]["quantity"],
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


rule recompute_study:
    input:
        **{
            name: of_cohorts(getattr(rules.import_tables.output, name))
            for name in (
                "animals",
                "doses",
                "tubes",
                "counts",
                "scans",
                "rois",
                "calibration",
                "readouts",
                "exclusions",
            )
        },
        endpoints=rules.compare_groups.output.endpoints,
        comparisons=rules.compare_groups.output.comparisons,
        selection=rules.select_model.output.selection,
        radionuclides=resource("radionuclides.csv"),
        own_models=list(CUSTOM_MODELS.values()),
    output:
        alternatives="<results>/6_comparison/alternatives.csv",
    log:
        "<logs>/recompute_study.log",
    # What the report waits for longest.
    priority: 1
    conda:
        "../envs/cartrace.yaml"
    params:
        # Of the section study the strategy alone: a report that becomes final computes nothing anew.
        settings={"study": {"strategy": config["study"]["strategy"]}}
        | {
            name: config[name]
            for name in (
                "groups",
                "tracers",
                "regions",
                "counter",
                "pet",
                "uptake",
                "uncertainty",
                "cells",
                "expansion",
            )
        },
        windows={model: window_of(model) for model in MODELS},
        own_names=list(CUSTOM_MODELS),
        secondary=config["comparison"]["secondary"],
        core=core_digest("recompute_study.py"),
    script:
        "../scripts/recompute_study.py"


rule check_comparison:
    input:
        alternatives=rules.recompute_study.output.alternatives,
        endpoints=rules.compare_groups.output.endpoints,
        comparisons=rules.compare_groups.output.comparisons,
        estimates=expand("<results>/5_expansion/{model}/estimates.csv", model=MODELS),
        fits=expand("<results>/5_expansion/{model}/fits.csv", model=MODELS),
        selection=rules.select_model.output.selection,
        cells=of_cohorts(rules.estimate_cells.output.cells),
        animals=of_cohorts(rules.import_tables.output.animals),
    output:
        overall="<results>/6_comparison/overall.csv",
        paired="<results>/6_comparison/paired.csv",
        repeated="<results>/6_comparison/repeated.csv",
        forest="<results>/6_comparison/forest.csv",
        diagnostics="<results>/6_comparison/diagnostics.csv",
        sensitivity="<results>/6_comparison/sensitivity.csv",
        power="<results>/6_comparison/power.csv",
    log:
        "<logs>/check_comparison.log",
    # What the report waits for longest.
    priority: 1
    conda:
        "../envs/cartrace.yaml"
    params:
        groups=config["groups"],
        secondary=config["comparison"]["secondary"],
        adjustment=config["comparison"]["secondary_adjustment"],
        confidence=config["comparison"]["confidence"],
        next_cohort_effects=config["comparison"]["next_cohort_effects"],
        windows={model: window_of(model) for model in MODELS},
        expansion=config["expansion"],
        seed=config["seed"],
        primary=config["comparison"]["primary"],
        exploratory_adjustment=config["comparison"]["exploratory_adjustment"],
        core=core_digest("check_comparison.py"),
    script:
        "../scripts/check_comparison.py"


rule predict_outcomes:
    input:
        endpoints=rules.compare_groups.output.endpoints,
        uptake=of_cohorts(rules.compute_uptake.output.uptake),
        animals=of_cohorts(rules.import_tables.output.animals),
        readouts=of_cohorts(rules.import_tables.output.readouts),
        exclusions=of_cohorts(rules.import_tables.output.exclusions),
    output:
        survival="<results>/6_comparison/survival.csv",
        predictions="<results>/6_comparison/prediction.csv",
        readout_agreement="<results>/6_comparison/readouts.csv",
    log:
        "<logs>/predict_outcomes.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        groups=config["groups"],
        prediction=config["comparison"]["prediction"],
        region=config["cells"]["region"],
        window_days=config["expansion"]["window_days"],
        confidence=config["comparison"]["confidence"],
        core=core_digest("predict_outcomes.py"),
    script:
        "../scripts/predict_outcomes.py"


rule integrate_uptake:
    input:
        uptake=of_cohorts(rules.compute_uptake.output.uptake),
        dose_activity=of_cohorts(rules.compute_activity.output.dose_activity),
    output:
        destructive="<results>/6_comparison/destructive.csv",
    log:
        "<logs>/integrate_uptake.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        reference_regions=config["uptake"]["reference_regions"],
        tail=config["comparison"]["residence_tail"],
        human_weight_kg=config["comparison"]["human_weight_kg"],
        confidence=config["comparison"]["confidence"],
        core=core_digest("integrate_uptake.py"),
    script:
        "../scripts/integrate_uptake.py"
