"""Nonlinear mixed models: one population of mice, whose curves differ by group and by mouse.

``model`` says what is fitted (`responses`, `Population`, `group_design`), ``fit`` fits it (`fit`), ``inference`` tests
the group effect (`bootstrap`, `permutation`), and ``shared`` is the fixed-effects fit in which mice differ in level
only (`fit_shared`). ``likelihood`` and ``laplace`` hold the approximation of the likelihood and its gradient.

A test of the growth rate between two groups, on the log response of a registered model of growth::

    data = responses(day, log_response, critical_level=log_critical_level)
    population = Population(model.log_curve, model.gradient, random=(0, 1, 2))
    null_design, full_design = group_design(group, 3, ()), group_design(group, 3, (1,))
    null = fit(data, population, null_design, two_stage_theta)
    full = fit(data, population, full_design, two_stage_theta, also=null)
    test = bootstrap(data, population, null_design, full_design, null=null, full=full, n=999, seed=seed)

A curve on the natural scale with additive residuals is the same with another `curve`, `gradient` and response.
"""
