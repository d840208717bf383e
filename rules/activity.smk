# Stage 2: counts and regions become activity at injection; readings become the dose.
# INPUTS   <results>/{cohort}/1_tables/*.csv, resources/radionuclides.csv
# OUTPUTS  <results>/{cohort}/2_activity/{tubes,doses,rois}.csv


rule compute_activity:
    input:
        animals=rules.import_tables.output.animals,
        doses=rules.import_tables.output.doses,
        tubes=rules.import_tables.output.tubes,
        counts=rules.import_tables.output.counts,
        scans=rules.import_tables.output.scans,
        rois=rules.import_tables.output.rois,
        exclusions=rules.import_tables.output.exclusions,
        radionuclides=resource("radionuclides.csv"),
    output:
        tube_activity="<results>/{cohort}/2_activity/tubes.csv",
        dose_activity="<results>/{cohort}/2_activity/doses.csv",
        roi_activity="<results>/{cohort}/2_activity/rois.csv",
    log:
        "<logs>/{cohort}/compute_activity.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        tracers=config["tracers"],
        half_lives=config["uptake"]["half_lives"],
        dose_route=config["uptake"]["dose_route"],
        dead_time_us=config["counter"]["dead_time_us"],
        dead_time_model=config["counter"]["dead_time_model"],
        background_cps=config["counter"]["background_cps"],
        background_drift_p=config["counter"]["background_drift_p"],
        uncertainty=config["uncertainty"],
        core=core_digest("compute_activity.py"),
    script:
        "../scripts/compute_activity.py"
