# Stage 3: activity over dose and mass becomes uptake, with its uncertainty; the checks of quality.
# INPUTS   <results>/{cohort}/1_tables/{animals,doses,tubes,scans,quality}.csv, <results>/{cohort}/2_activity/*.csv
# OUTPUTS  <results>/{cohort}/3_uptake/{uptake,ratios,quality}.csv


rule compute_uptake:
    input:
        animals=rules.import_tables.output.animals,
        doses=rules.import_tables.output.doses,
        tubes=rules.import_tables.output.tubes,
        scans=rules.import_tables.output.scans,
        tube_activity=rules.compute_activity.output.tube_activity,
        dose_activity=rules.compute_activity.output.dose_activity,
        roi_activity=rules.compute_activity.output.roi_activity,
        import_quality=rules.import_tables.output.quality,
    output:
        uptake="<results>/{cohort}/3_uptake/uptake.csv",
        ratios="<results>/{cohort}/3_uptake/ratios.csv",
        quality="<results>/{cohort}/3_uptake/quality.csv",
    log:
        "<logs>/{cohort}/compute_uptake.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        groups=config["groups"],
        regions=config["regions"],
        recovery=config["pet"]["recovery"],
        noise_region=config["pet"]["noise_region"],
        pet_quantity=config["pet"]["quantity"],
        reference_regions=config["uptake"]["reference_regions"],
        uncertainty=config["uncertainty"],
        thresholds={key: value for key, value in config["quality"].items() if key != "acknowledged"},
        core=core_digest("compute_uptake.py"),
    script:
        "../scripts/compute_uptake.py"
