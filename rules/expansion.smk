# Stage 5: the kinetics of expansion, one model a job, all mice of all cohorts at once; then one model for the study.
# INPUTS   <results>/{cohort}/4_cells/cells.csv
# OUTPUTS  <results>/5_expansion/{model}/{estimates,curves,fits,population}.csv,
#          <results>/5_expansion/{selection,noncompartmental}.csv


rule fit_expansion:
    input:
        cells=of_cohorts(rules.estimate_cells.output.cells),
        own_models=list(CUSTOM_MODELS.values()),
    output:
        estimates="<results>/5_expansion/{model}/estimates.csv",
        curves="<results>/5_expansion/{model}/curves.csv",
        fits="<results>/5_expansion/{model}/fits.csv",
        population="<results>/5_expansion/{model}/population.csv",
    log:
        "<logs>/fit_expansion/{model}.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        model="{model}",
        own_names=list(CUSTOM_MODELS),
        strategy=config["study"]["strategy"],
        compared=COMPARED,
        window_days=lambda wildcards: window_of(wildcards.model),
        auc_days=config["expansion"]["window_days"],
        confidence=config["expansion"]["confidence"],
        interval=config["expansion"]["interval"],
        error_model=config["expansion"]["error_model"],
        use_measurement_se=config["expansion"]["use_measurement_se"],
        groups=config["groups"],
        population_method=config["expansion"]["population"],
        population_p=config["expansion"]["population_p"],
        population_simulations=config["expansion"]["population_simulations"],
        seed=config["seed"],
        core=core_digest("fit_expansion.py"),
    script:
        "../scripts/fit_expansion.py"


rule select_model:
    input:
        fits=expand("<results>/5_expansion/{model}/fits.csv", model=MODELS),
    output:
        selection="<results>/5_expansion/selection.csv",
    log:
        "<logs>/select_model.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        not_compared=[model for model in MODELS if model not in COMPARED],
        core=core_digest("select_model.py"),
    script:
        "../scripts/select_model.py"


rule describe_mice:
    input:
        cells=of_cohorts(rules.estimate_cells.output.cells),
    output:
        noncompartmental="<results>/5_expansion/noncompartmental.csv",
    log:
        "<logs>/describe_mice.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        window_days=config["expansion"]["window_days"],
        core=core_digest("describe_mice.py"),
    script:
        "../scripts/describe_mice.py"
