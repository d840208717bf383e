# Stage 4: the uptake of the followed region becomes a number of cells.
# INPUTS   <results>/{cohort}/3_uptake/uptake.csv, <results>/{cohort}/1_tables/calibration.csv; where a cohort has no
#          mouse of the background group, the uptake of the other cohorts
# OUTPUTS  <results>/{cohort}/4_cells/{cells,calibration,quality,labelled,specific}.csv


rule estimate_cells:
    input:
        uptake=rules.compute_uptake.output.uptake,
        # Only a cohort without background mice of its own needs those of the others.
        other_uptake=lambda wildcards: [
            expand(rules.compute_uptake.output.uptake, cohort=cohort)[0]
            for cohort in ([] if has_background(wildcards.cohort) else COHORTS)
            if cohort != wildcards.cohort
        ],
        calibration=rules.import_tables.output.calibration,
    output:
        cells="<results>/{cohort}/4_cells/cells.csv",
        calibration_lines="<results>/{cohort}/4_cells/calibration.csv",
        quality="<results>/{cohort}/4_cells/quality.csv",
    log:
        "<logs>/{cohort}/estimate_cells.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        cohort="{cohort}",
        groups=config["groups"],
        modality=config["cells"]["modality"],
        region=config["cells"]["region"],
        kind=config["cells"]["calibration"],
        confidence=config["expansion"]["confidence"],
        core=core_digest("estimate_cells.py"),
    script:
        "../scripts/estimate_cells.py"


rule apply_strategy:
    input:
        uptake=rules.compute_uptake.output.uptake,
        ratios=rules.compute_uptake.output.ratios,
        dose_activity=rules.compute_activity.output.dose_activity,
    output:
        labelled_cells="<results>/{cohort}/4_cells/labelled.csv",
        specific_uptake="<results>/{cohort}/4_cells/specific.csv",
    log:
        "<logs>/{cohort}/apply_strategy.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        strategy=config["study"]["strategy"],
        groups=config["groups"],
        label=config["label"],
        recovery=config["pet"]["recovery"],
        pet_quantity=config["pet"]["quantity"],
        confidence=config["comparison"]["confidence"],
        core=core_digest("apply_strategy.py"),
    script:
        "../scripts/apply_strategy.py"
