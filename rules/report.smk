# Stage 7: figures, then one report with its tables.
# INPUTS   the tables of all stages
# OUTPUTS  <results>/7_report/{report.html,methods.md,methods.docx,arrive.md,run.yaml,tables.xlsx,tables/,figures/,
#          source_data/,exchange/,ro-crate-metadata.json}; <results>/.history/ keeps those of the last runs

FOLLOWS_CELLS = HAS_PET if config["cells"]["modality"] == "pet" else HAS_COUNTER
FIGURES = {
    "timeline": True,
    "counter_quality": HAS_COUNTER,
    "dose_quality": True,
    "biodistribution": HAS_COUNTER,
    "ratios": HAS_COUNTER,
    "pet_timecourse": HAS_PET,
    "calibration": FOLLOWS_CELLS and config["cells"]["calibration"] != "none",
    "expansion_fits": FOLLOWS_CELLS,
    "growth_parameters": FOLLOWS_CELLS,
    "primary_comparison": True,
    "cohort_forest": len(COHORTS) > 1,
    "sensitivity": True,
    "agreement": HAS_COUNTER and HAS_PET,
    "readouts": True,
    "uncertainty": True,
    "next_cohort": True,
}
# What the report's record names the code of.
SCRIPTS = """
import_tables compute_activity compute_uptake estimate_cells apply_strategy fit_expansion select_model describe_mice
compare_groups check_comparison predict_outcomes integrate_uptake draw_figures draw_checks build_report
""".split()
DRAWN = [name for name, has_data in FIGURES.items() if has_data]
# What is drawn from the tables that stand beside the comparison; all others need not wait for those.
OF_CHECKS = [name for name in DRAWN if name in ("cohort_forest", "sensitivity", "next_cohort")]
OF_STUDY = [name for name in DRAWN if name not in OF_CHECKS]


rule draw_figures:
    input:
        uptake=of_cohorts(rules.compute_uptake.output.uptake),
        ratios=of_cohorts(rules.compute_uptake.output.ratios),
        cells=of_cohorts(rules.estimate_cells.output.cells),
        calibration=of_cohorts(rules.import_tables.output.calibration),
        calibration_lines=of_cohorts(rules.estimate_cells.output.calibration_lines),
        estimates=expand("<results>/5_expansion/{model}/estimates.csv", model=MODELS),
        curves=expand("<results>/5_expansion/{model}/curves.csv", model=MODELS),
        selection=rules.select_model.output.selection,
        endpoints=rules.compare_groups.output.endpoints,
        summaries=rules.compare_groups.output.summaries,
        comparisons=rules.compare_groups.output.comparisons,
        agreement=rules.compare_groups.output.agreement,
        animals=of_cohorts(rules.import_tables.output.animals),
        readouts=of_cohorts(rules.import_tables.output.readouts),
        tube_activity=of_cohorts(rules.compute_activity.output.tube_activity),
        dose_activity=of_cohorts(rules.compute_activity.output.dose_activity),
        journals=resource("journals.csv"),
    output:
        svg=drawings(OF_STUDY),
        pdf=expand("<results>/7_report/figures/{figure}.pdf", figure=OF_STUDY),
        png=expand("<results>/7_report/figures/{figure}.png", figure=OF_STUDY),
        source_data=expand("<results>/7_report/source_data/{figure}.xlsx", figure=OF_STUDY),
        captions="<results>/7_report/figures/captions.json",
    log:
        "<logs>/draw_figures.log",
    conda:
        "../envs/cartrace.yaml"
    threads: half_of_cores
    params:
        figures=OF_STUDY,
        groups=config["groups"],
        recovery=config["pet"]["recovery"],
        pet_quantity=config["pet"]["quantity"],
        region=config["cells"]["region"],
        kind=config["cells"]["calibration"],
        journal=config["report"]["journal"],
        label=config["report"]["label"],
        confidence=config["comparison"]["confidence"],
        fit_confidence=config["expansion"]["confidence"],
        core=core_digest("draw_figures.py"),
    script:
        "../scripts/draw_figures.py"


rule draw_checks:
    input:
        forest=rules.check_comparison.output.forest,
        sensitivity=rules.check_comparison.output.sensitivity,
        power=rules.check_comparison.output.power,
        journals=resource("journals.csv"),
    output:
        svg=drawings(OF_CHECKS),
        pdf=expand("<results>/7_report/figures/{figure}.pdf", figure=OF_CHECKS),
        png=expand("<results>/7_report/figures/{figure}.png", figure=OF_CHECKS),
        source_data=expand("<results>/7_report/source_data/{figure}.xlsx", figure=OF_CHECKS),
        captions="<results>/7_report/figures/captions_of_checks.json",
    log:
        "<logs>/draw_checks.log",
    conda:
        "../envs/cartrace.yaml"
    params:
        figures=OF_CHECKS,
        journal=config["report"]["journal"],
        core=core_digest("draw_checks.py"),
    script:
        "../scripts/draw_checks.py"


rule build_report:
    input:
        animals=of_cohorts(rules.import_tables.output.animals),
        doses=of_cohorts(rules.import_tables.output.doses),
        counts=of_cohorts(rules.import_tables.output.counts),
        scans=of_cohorts(rules.import_tables.output.scans),
        rois=of_cohorts(rules.import_tables.output.rois),
        readouts=of_cohorts(rules.import_tables.output.readouts),
        exclusions=of_cohorts(rules.import_tables.output.exclusions),
        overrides=of_cohorts(rules.import_tables.output.overrides),
        imported=of_cohorts(rules.import_tables.output.imported),
        tube_activity=of_cohorts(rules.compute_activity.output.tube_activity),
        dose_activity=of_cohorts(rules.compute_activity.output.dose_activity),
        roi_activity=of_cohorts(rules.compute_activity.output.roi_activity),
        uptake=of_cohorts(rules.compute_uptake.output.uptake),
        ratios=of_cohorts(rules.compute_uptake.output.ratios),
        quality=of_cohorts(rules.compute_uptake.output.quality),
        cells=of_cohorts(rules.estimate_cells.output.cells),
        labelled_cells=of_cohorts(rules.apply_strategy.output.labelled_cells),
        specific_uptake=of_cohorts(rules.apply_strategy.output.specific_uptake),
        calibration_lines=of_cohorts(rules.estimate_cells.output.calibration_lines),
        cells_quality=of_cohorts(rules.estimate_cells.output.quality),
        estimates=expand("<results>/5_expansion/{model}/estimates.csv", model=MODELS),
        curves=expand("<results>/5_expansion/{model}/curves.csv", model=MODELS),
        fits=expand("<results>/5_expansion/{model}/fits.csv", model=MODELS),
        population=expand("<results>/5_expansion/{model}/population.csv", model=MODELS),
        noncompartmental=rules.describe_mice.output.noncompartmental,
        selection=rules.select_model.output.selection,
        endpoints=rules.compare_groups.output.endpoints,
        summaries=rules.compare_groups.output.summaries,
        comparisons=rules.compare_groups.output.comparisons,
        agreement=rules.compare_groups.output.agreement,
        overall=rules.check_comparison.output.overall,
        paired=rules.check_comparison.output.paired,
        repeated=rules.check_comparison.output.repeated,
        forest=rules.check_comparison.output.forest,
        diagnostics=rules.check_comparison.output.diagnostics,
        sensitivity=rules.check_comparison.output.sensitivity,
        power=rules.check_comparison.output.power,
        survival=rules.predict_outcomes.output.survival,
        predictions=rules.predict_outcomes.output.predictions,
        readout_agreement=rules.predict_outcomes.output.readout_agreement,
        destructive=rules.integrate_uptake.output.destructive,
        figures=expand("<results>/7_report/figures/{figure}.svg", figure=DRAWN),
        figure_files=[
            *expand("<results>/7_report/figures/{figure}.{form}", form=["svg", "pdf", "png"], figure=DRAWN),
            *expand("<results>/7_report/source_data/{figure}.xlsx", figure=DRAWN),
        ],
        captions=[rules.draw_figures.output.captions, rules.draw_checks.output.captions],
        guides=[resource(f"captions/{figure}.rst") for figure in DRAWN],
        template=resource("report.html.j2"),
        style=resource("report.css"),
        script=resource("report.js"),
        methods_template=resource("methods.md.j2"),
    output:
        html=report(
            "<results>/7_report/report.html",
            caption="../resources/captions/report.rst",
            category="Report",
            labels={"file": "report"},
        ),
        methods="<results>/7_report/methods.md",
        document="<results>/7_report/methods.docx",
        arrive="<results>/7_report/arrive.md",
        run="<results>/7_report/run.yaml",
        workbook_file="<results>/7_report/tables.xlsx",
        tables_folder=report(
            directory("<results>/7_report/tables"),
            patterns=["{table}.csv"],
            caption="../resources/captions/tables.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        exchange_folder=directory("<results>/7_report/exchange"),
        crate_file="<results>/7_report/ro-crate-metadata.json",
    log:
        "<logs>/build_report.log",
    conda:
        "../envs/cartrace.yaml"
    threads: 2
    params:
        settings={key: value for key, value in config.items() if key not in ("simulation", "pathvars")},
        assumptions=assumptions(SCRIPTS),
        digests={script: core_digest(f"{script}.py") for script in SCRIPTS},
        core=core_digest("build_report.py"),
    script:
        "../scripts/build_report.py"
