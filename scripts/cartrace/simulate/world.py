"""What all cohorts of a simulated study share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cartrace.simulate import design
from cartrace.simulate.design import Tissue


@dataclass(frozen=True)
class World:
    """What all cohorts of a study share.

    Parameters
    ----------
    settings : mapping
        The whole config, defaults filled.
    half_life_s : float
        Half-life of the tracer's nuclide [s].
    density_g_per_ml : mapping
        Density of each tissue [g/mL].
    scanner_gain : float
        Activity in the image over true activity, the same in every scan.
    """

    settings: Mapping[str, Any]
    half_life_s: float
    density_g_per_ml: Mapping[str, float]
    scanner_gain: float

    @classmethod
    def of(cls, settings: Mapping[str, Any], *, half_life_s: float, density_g_per_ml: Mapping[str, float]) -> World:
        """Draw what a study's cohorts share; densities of the config go before the shipped ones."""
        own = {region["name"]: region["density_g_per_ml"] for region in settings["regions"]}
        drawn = np.random.default_rng(settings["seed"]).standard_normal()
        return cls(
            settings=settings,
            half_life_s=half_life_s,
            density_g_per_ml={**density_g_per_ml, **{name: density for name, density in own.items() if density}},
            scanner_gain=float(1 + settings["uncertainty"]["scanner_frac"] * drawn),
        )

    @property
    def simulation(self) -> Mapping[str, Any]:
        """The config's section `simulation`."""
        section: Mapping[str, Any] = self.settings["simulation"]
        return section

    @property
    def noise(self) -> Mapping[str, float]:
        """The config's section `uncertainty`: what the instruments' noise is."""
        section: Mapping[str, float] = self.settings["uncertainty"]
        return section

    @property
    def tissues(self) -> tuple[Tissue, ...]:
        """The dissected tissues; the first is the region that the study follows."""
        followed = self.settings["cells"]["region"]
        others = tuple(tissue for tissue in design.TISSUES[1:] if tissue.name != followed)
        return (replace(design.TISSUES[0], name=followed), *others)
