# Beside the flow: a study made from known truth, to plan with and to test against.
# INPUTS   resources/radionuclides.csv, resources/tissues.csv
# OUTPUTS  the folder that simulation.output names: sheets, exports, truth.json and a config


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
