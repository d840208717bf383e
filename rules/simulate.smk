# Beside the flow: a study made from known truth, to plan with and to test against; and what a planned one will show.
# INPUTS   resources/radionuclides.csv, resources/tissues.csv
# OUTPUTS  the folder that simulation.output names: sheets, exports, truth.json and a config;
#          <results>/plan/{precision,power}.csv


rule simulate:
    input:
        radionuclides=resource("radionuclides.csv"),
        tissues=resource("tissues.csv"),
    output:
        study=directory(config["simulation"]["output"]),
    log:
        "<logs>/simulate.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        settings={key: value for key, value in config.items() if key != "pathvars"},
        core=core_digest("simulate_study.py"),
    script:
        "../scripts/simulate_study.py"


rule plan:
    input:
        radionuclides=resource("radionuclides.csv"),
    output:
        precision="<results>/plan/precision.csv",
        power="<results>/plan/power.csv",
    log:
        "<logs>/plan.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        settings={key: value for key, value in config.items() if key != "pathvars"},
        # The full Stein model is one of groups, and a lab's own model knows no truth that mice could be drawn from.
        windows={model: window_of(model) for model in config["expansion"]["models"] if model != "stein"},
        core=core_digest("plan_study.py"),
    script:
        "../scripts/plan_study.py"
