"""The literature that the methods can cite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A publication."""

    key: str
    text: str
    doi: str = ""


REFERENCES: tuple[Reference, ...] = (
    Reference("ensdf", "Evaluated Nuclear Structure Data File (ENSDF), National Nuclear Data Center, Brookhaven."),
    Reference(
        "icrp107", "ICRP. Nuclear decay data for dosimetric calculations. ICRP Publication 107. Ann ICRP 2008;38(3)."
    ),
    Reference(
        "currie",
        "Currie LA. Limits for qualitative detection and quantitative determination. Anal Chem 1968;40:586-593.",
        "10.1021/ac60259a007",
    ),
    Reference(
        "fieller",
        "Fieller EC. Some problems in interval estimation. J R Stat Soc B 1954;16:175-185.",
        "10.1111/j.2517-6161.1954.tb00159.x",
    ),
    Reference(
        "verhulst",
        "Richards FJ. A flexible growth function for empirical use. J Exp Bot 1959;10:290-301.",
        "10.1093/jxb/10.2.290",
    ),
    Reference("laird", "Laird AK. Dynamics of tumour growth. Br J Cancer 1964;18:490-502.", "10.1038/bjc.1964.55"),
    Reference(
        "stein",
        "Stein AM, Grupp SA, Levine JE, et al. Tisagenlecleucel model-based cellular kinetic analysis of "
        "chimeric antigen receptor-T cells. CPT Pharmacometrics Syst Pharmacol 2019;8:285-295.",
        "10.1002/psp4.12388",
    ),
    Reference(
        "beal",
        "Beal SL. Ways to fit a PK model with some data below the quantification limit. J "
        "Pharmacokinet Pharmacodyn 2001;28:481-504.",
        "10.1023/A:1012299115260",
    ),
    Reference(
        "marquardt",
        "Marquardt DW. An algorithm for least-squares estimation of nonlinear parameters. J Soc Ind "
        "Appl Math 1963;11:431-441.",
        "10.1137/0111030",
    ),
    Reference(
        "hurvich",
        "Hurvich CM, Tsai CL. Regression and time series model selection in small samples. Biometrika 1989;76:297-307.",
        "10.1093/biomet/76.2.297",
    ),
    Reference(
        "welch",
        "Welch BL. The generalization of 'Student's' problem when several different population "
        "variances are involved. Biometrika 1947;34:28-35.",
        "10.1093/biomet/34.1-2.28",
    ),
    Reference(
        "hoffman",
        "Hoffman EJ, Huang SC, Phelps ME. Quantitation in positron emission computed tomography: 1. Effect of object "
        "size. J Comput Assist Tomogr 1979;3:299-308.",
        "10.1097/00004728-197906000-00001",
    ),
    Reference(
        "hedges",
        "Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. "
        "J Educ Stat 1981;6:107-128.",
        "10.3102/10769986006002107",
    ),
    Reference(
        "cumming",
        "Cumming G, Finch S. A primer on the understanding, use, and calculation of confidence "
        "intervals that are based on central and noncentral distributions. Educ Psychol Meas "
        "2001;61:532-574.",
        "10.1177/0013164401614002",
    ),
    Reference("holm", "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70."),
    Reference(
        "BH",
        "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful "
        "approach to multiple testing. J R Stat Soc B 1995;57:289-300.",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    Reference(
        "tobin",
        "Tobin J. Estimation of relationships for limited dependent variables. Econometrica 1958;26:24-36.",
        "10.2307/1907382",
    ),
    Reference(
        "mann",
        "Mann HB, Whitney DR. On a test of whether one of two random variables is stochastically larger than the "
        "other. Ann Math Stat 1947;18:50-60.",
        "10.1214/aoms/1177730491",
    ),
    Reference(
        "phipson",
        "Phipson B, Smyth GK. Permutation p-values should never be zero. Stat Appl Genet Mol Biol 2010;9:39.",
        "10.2202/1544-6115.1585",
    ),
    Reference(
        "games",
        "Games PA, Howell JF. Pairwise multiple comparison procedures with unequal n's and/or variances. "
        "J Educ Stat 1976;1:113-125.",
        "10.3102/10769986001002113",
    ),
    Reference(
        "dunnett",
        "Dunnett CW. A multiple comparison procedure for comparing several treatments with a control. "
        "J Am Stat Assoc 1955;50:1096-1121.",
        "10.1080/01621459.1955.10501294",
    ),
    Reference("student", "Student. The probable error of a mean. Biometrika 1908;6:1-25.", "10.1093/biomet/6.1.1"),
    Reference(
        "wilcoxon",
        "Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bull 1945;1:80-83.",
        "10.2307/3001968",
    ),
    Reference(
        "bland",
        "Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res 1999;8:135-160.",
        "10.1177/096228029900800204",
    ),
    Reference(
        "carkeet",
        "Carkeet A. Exact parametric confidence intervals for Bland-Altman limits of agreement. Optom"
        " Vis Sci 2015;92:e71-e80.",
        "10.1097/OPX.0000000000000513",
    ),
    Reference(
        "snakemake",
        "Mölder F, Jablonski KP, Letcher B, et al. Sustainable data analysis with Snakemake. F1000Research 2021;10:33.",
        "10.12688/f1000research.29032.2",
    ),
    Reference(
        "numpy",
        "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 2020;585:357-362.",
        "10.1038/s41586-020-2649-2",
    ),
    Reference(
        "scipy",
        "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for scientific "
        "computing in Python. Nat Methods 2020;17:261-272.",
        "10.1038/s41592-019-0686-2",
    ),
    Reference(
        "matplotlib",
        "Hunter JD. Matplotlib: a 2D graphics environment. Comput Sci Eng 2007;9:90-95.",
        "10.1109/MCSE.2007.55",
    ),
)


class Citations:
    """Numbers references in the order in which a text cites them."""

    def __init__(self) -> None:
        self._known = {reference.key: reference for reference in REFERENCES}
        self.cited: list[Reference] = []

    def __call__(self, *keys: str) -> str:
        """Return the numbers of references, e.g. ``[1, 2]``, and remember them for the list."""
        for key in keys:
            if self._known[key] not in self.cited:
                self.cited.append(self._known[key])
        return f"[{', '.join(str(self.cited.index(self._known[key]) + 1) for key in keys)}]"
