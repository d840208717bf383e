# Stage 1: the lab's sheets and exports become tables in canonical names and units.
# INPUTS   the sheets of a cohort's folder and its exports, as the instruments wrote them;
#          resources/{tissues,radionuclides}.csv
# OUTPUTS  <results>/{cohort}/1_tables/*.csv


rule import_tables:
    input:
        sheets=lambda wildcards: sheet_files(wildcards.cohort),
        exports=lambda wildcards: export_files(wildcards.cohort),
        tissues=resource("tissues.csv"),
        radionuclides=resource("radionuclides.csv"),
    output:
        animals="<results>/{cohort}/1_tables/animals.csv",
        doses="<results>/{cohort}/1_tables/doses.csv",
        tubes="<results>/{cohort}/1_tables/tubes.csv",
        counts="<results>/{cohort}/1_tables/counts.csv",
        scans="<results>/{cohort}/1_tables/scans.csv",
        rois="<results>/{cohort}/1_tables/rois.csv",
        calibration="<results>/{cohort}/1_tables/calibration.csv",
        readouts="<results>/{cohort}/1_tables/readouts.csv",
        exclusions="<results>/{cohort}/1_tables/exclusions.csv",
        overrides="<results>/{cohort}/1_tables/overrides.csv",
        imported="<results>/{cohort}/1_tables/import.csv",
        quality="<results>/{cohort}/1_tables/quality.csv",
    log:
        "<logs>/{cohort}/import_tables.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        cohort="{cohort}",
        folder=lambda wildcards: str(PATHS[wildcards.cohort]),
        timezone=config["study"]["timezone"],
        date_format=config["study"]["date_format"],
        groups=[group["name"] for group in config["groups"]],
        tracers=config["tracers"],
        regions=config["regions"],
        counter=config["counter"],
        pet=config["pet"],
        residual_missing=config["uptake"]["residual_missing"],
        readout_time_of_day=config["readouts"]["time_of_day"],
        core=core_digest("import_tables.py"),
    script:
        "../scripts/import_tables.py"
