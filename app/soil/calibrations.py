"""What is known of each pedotransfer function for bulk density: its soils, its range, its errors, and how we know.

Three kinds of statement are kept apart, because they deserve different trust: what the author of a function or a
collection of functions reports of its calibration; what others, or we, found on soils the function was not made from;
and our judgement, which is always marked with that word.

The original papers are behind walls, and none of the sources we could read prints the range of their data. So no
range of inputs is sourced. Each is our judgement, and conservative: it goes no further than we know the soils of the
function to go, and it is cut where the function leaves independent soils. That cut is a rule a test holds: inside the
range, and in every class of an input with at least ten layers of FEBR, the mean error stays within 0.25 g/cm3.

FEBR here means 1,184 layers of 20 Brazilian datasets with measured carbon, texture and density (Free Brazilian
Repository for Open Soil Data, CC BY 4.0): at least 95 % of fine earth by mass, texture adding up to 95 to 105 %,
density 0.1 to 1.9 g/cm3, without the built soil of a landfill (ctb0036). They are no probability sample of anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ErrorKind = Literal["published", "ours", "judgement"]
"""Who found an error on independent soils: a publication, we on open data, or nobody, so that we judge it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionError:
    """How far a function was from densities it was not made from.

    data : the soils. n : their number of layers, None if not known. rmse : root mean square error; the upper end
    where a range is printed for several functions together, with its lower end in `low`. [g/cm3]
    bias : mean of predicted minus measured, None if not known. [g/cm3]
    """

    data: str
    n: int | None
    rmse: float
    low: float | None = None
    bias: float | None = None
    kind: ErrorKind
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """What a function was made from, where it may be used and how wrong it was.

    region, soils : of the calibration. n_samples, r2, deepest : size, share of variance and depth of its deepest
    sample [cm], None if not known; `calibration_source` says where they stand.
    domain : inputs and the closed range in which the function may be used, soc in [g/kg], texture in [%].
    domain_source : where the range is from; it begins with `judgement` where no source prints it.
    errors : on independent soils. note : what else a user must know. doi : of the paper, None if not confirmed.
    """

    region: str
    soils: str
    n_samples: int | None
    r2: float | None
    deepest: float | None
    calibration_source: str
    domain: Mapping[str, tuple[float, float]]
    domain_source: str
    errors: tuple[PredictionError, ...]
    reference: str
    doi: str | None
    note: str = ""

    @property
    def rmse(self) -> float:
        """The error that enters a stock: the largest found, since nobody knows which soils a new place is like."""
        return max(error.rmse for error in self.errors)


SOILPTF = "metadata of the collection soilptf (AgroCares, dev/sptf_bulkdensity.csv)"
KAUR = "Kaur et al. 2002, abstract, doi:10.1071/SR01023"


def _almora(low: float, rmse: float, functions: str) -> PredictionError:
    return PredictionError(
        data="Almora, India",
        n=None,
        low=low,
        rmse=rmse,
        kind="published",
        source=f"{KAUR}: one range for {functions}",
    )


def _febr(n: int, rmse: float, bias: float) -> PredictionError:
    return PredictionError(
        data="FEBR, Brazil",
        n=n,
        rmse=rmse,
        bias=bias,
        kind="ours",
        source="computed from febr-camada.txt, tests/published/test_pedotransfer_errors.py",
    )


_ROOTS = _almora(0.18, 0.23, "Alexander A and B, Manrique and Jones A and B, and Rawls, with a bias of -0.08 to -0.15")
_AMAZON = _almora(0.18, 0.20, "Bernoux, Huntington B and Tomasella, with little or no bias")
_MIXING = _almora(0.23, 0.45, "Adams, Curtis and Post, Federer and Huntington A, with a bias of +0.10 to +0.38")

_UNPRINTED = "judgement: no source we could read prints the range of the data"
_CLAY, _SILT, _SAND = {"clay": (0.0, 90.0)}, {"silt": (0.0, 80.0)}, {"sand": (0.0, 100.0)}
_ALEXANDER = "Alexander, E. B. 1980. Soil Science Society of America Journal 44, 689–692"
_ALEXANDER_DOI = "10.2136/sssaj1980.03615995004400040005x"
_HOLLIS = "Hollis, J. M., Hannam, J., Bellamy, P. H. 2012. European Journal of Soil Science 63, 96–109"
_HOLLIS_DOI = "10.1111/j.1365-2389.2011.01412.x"

CALIBRATIONS: Mapping[str, Calibration] = MappingProxyType(
    {
        "alexander1980_a": Calibration(
            region="California",
            soils="all",
            n_samples=721,
            r2=0.46,
            deepest=292,
            calibration_source=SOILPTF,
            domain={"soc": (1.0, 60.0)},
            domain_source=f"{_UNPRINTED}; mineral soils",
            errors=(_ROOTS, _febr(1088, 0.24, 0.06)),
            reference=_ALEXANDER,
            doi=_ALEXANDER_DOI,
        ),
        "alexander1980_b": Calibration(
            region="California",
            soils="alluvial",
            n_samples=721,
            r2=0.33,
            deepest=264,
            calibration_source=SOILPTF,
            domain={"soc": (1.0, 60.0)},
            domain_source=f"{_UNPRINTED}; mineral soils",
            errors=(_ROOTS, _febr(1088, 0.27, 0.14)),
            reference=_ALEXANDER,
            doi=_ALEXANDER_DOI,
            note="The collection gives 721 samples for both functions of Alexander; this one used the alluvial part.",
        ),
        "manrique_jones1991": Calibration(
            region="USA, Hawaii, Puerto Rico and others",
            soils="all orders",
            n_samples=19651,
            r2=0.41,
            deepest=None,
            calibration_source=f"{SOILPTF}; about 12,000 pedons: abstract of the paper",
            domain={"soc": (1.0, 100.0)},
            domain_source=f"{_UNPRINTED}; mineral soils",
            errors=(_ROOTS, _febr(1117, 0.24, 0.05)),
            reference="Manrique, L. A., Jones, C. A. 1991. Soil Science Society of America Journal 55, 476–481",
            doi="10.2136/sssaj1991.03615995005500020030x",
            note="The densities are those of soil at 33 kPa: moist clay that swells has a larger volume than dry.",
        ),
        "honeysett_ratkowsky1989": Calibration(
            region="Tasmania",
            soils="forest",
            n_samples=136,
            r2=0.95,
            deepest=80,
            calibration_source=SOILPTF,
            domain={"soc": (10.0, 200.0)},
            domain_source=f"{_UNPRINTED}; below 10 g/kg it lies 0.23 to 0.30 above FEBR",
            errors=(_febr(482, 0.27, 0.10),),
            reference="Honeysett, J. L., Ratkowsky, D. A. 1989. Journal of Soil Science 40, 299–308",
            doi="10.1111/j.1365-2389.1989.tb01275.x",
            note=(
                "Made for loss on ignition, here from 1.724 x carbon. Software also has 1 / (0.548 + 0.0588 OM). "
                "Among the best of nine on Brazilian organic horizons (Beutler et al. 2017)."
            ),
        ),
        "tomasella_hodnett1998": Calibration(
            region="Brazilian Amazonia",
            soils="all",
            n_samples=613,
            r2=0.22,
            deepest=None,
            calibration_source=SOILPTF,
            domain={"soc": (1.0, 60.0), "silt": (0.0, 60.0)} | _CLAY,
            domain_source=f"{_UNPRINTED}; above 60 % of silt it lies 0.32 to 0.41 below FEBR",
            errors=(
                _AMAZON,
                PredictionError(
                    data="test soils of all Brazil",
                    n=None,
                    rmse=0.20,
                    kind="published",
                    source="Hierarchical pedotransfer functions, Scientia Agricola 81 (2024), abstract",
                ),
                _febr(1061, 0.20, -0.05),
            ),
            reference="Tomasella, J., Hodnett, M. G. 1998. Soil Science 163, 190–202",
            doi="10.1097/00010694-199803000-00003",
        ),
        "bernoux1998": Calibration(
            region="Brazilian Amazonia",
            soils="all",
            n_samples=323,
            r2=0.50,
            deepest=35,
            calibration_source=SOILPTF,
            domain={"soc": (1.0, 60.0)} | _CLAY,
            domain_source=f"{_UNPRINTED}; mineral soils",
            errors=(_AMAZON, _febr(1088, 0.23, -0.13)),
            reference="Bernoux, M. et al. 1998. Soil Science Society of America Journal 62, 743–749",
            doi="10.2136/sssaj1998.03615995006200030029x",
        ),
        "kaur2002": Calibration(
            region="Almora, Himalaya, India",
            soils="four small watersheds",
            n_samples=224,
            r2=0.50,
            deepest=110,
            calibration_source=f"{SOILPTF}; other software says R² 0.62",
            domain={"soc": (1.0, 20.0), "clay": (0.0, 45.0), "silt": (0.0, 30.0)},
            domain_source=(
                f"{_UNPRINTED}; above 45 % of clay the square of clay takes over, above 20 g/kg of carbon or 30 % of "
                "silt it lies 0.27 to 0.42 below FEBR"
            ),
            errors=(_febr(456, 0.24, -0.11),),
            reference="Kaur, R., Kumar, S., Gurung, H. P. 2002. Australian Journal of Soil Research 40, 847–857",
            doi="10.1071/SR01023",
        ),
        "hollis2012_cultivated": Calibration(
            region="Europe",
            soils="arable topsoils",
            n_samples=333,
            r2=0.62,
            deepest=30,
            calibration_source=SOILPTF,
            domain={"soc": (1.0, 60.0), "clay": (0.0, 80.0)} | _SAND,
            domain_source=f"{_UNPRINTED}; above 80 % of clay it lies 0.28 above FEBR",
            errors=(_febr(599, 0.23, 0.07),),
            reference=_HOLLIS,
            doi=_HOLLIS_DOI,
            note="FEBR names no land use: the error is that of all layers that begin above 30 cm.",
        ),
        "hollis2012_mineral": Calibration(
            region="Europe",
            soils="other mineral horizons",
            n_samples=925,
            r2=0.63,
            deepest=190,
            calibration_source=SOILPTF,
            domain={"soc": (0.5, 120.0), "clay": (0.0, 80.0)} | _SAND,
            domain_source=f"{_UNPRINTED}; above 80 % of clay it lies 0.25 above FEBR",
            errors=(_febr(1108, 0.21, 0.0),),
            reference=_HOLLIS,
            doi=_HOLLIS_DOI,
        ),
        "hollis2012_organic": Calibration(
            region="Europe",
            soils="organic horizons",
            n_samples=67,
            r2=0.68,
            deepest=190,
            calibration_source=SOILPTF,
            domain={"soc": (120.0, 580.0)},
            domain_source=f"{_UNPRINTED}; organic horizons by the definition of 120 g/kg, checked on FEBR to 200 only",
            errors=(
                _febr(34, 0.12, 0.07),
                PredictionError(
                    data="organic horizons of Brazil",
                    n=None,
                    rmse=0.26,
                    low=0.22,
                    kind="judgement",
                    source=(
                        "Beutler et al. 2017, doi:10.1590/18069657rbcs20160158, abstract: it names this function among "
                        "the best and prints 0.22 and 0.26 for the other two; we take the larger"
                    ),
                ),
            ),
            reference=_HOLLIS,
            doi=_HOLLIS_DOI,
            note="33 of the 34 layers of FEBR are dark topsoils of one dataset (ctb0019), not peat.",
        ),
        "jeffrey1970": Calibration(
            region="Australia",
            soils="surface soils",
            n_samples=98,
            r2=0.82,
            deepest=5,
            calibration_source=f"{SOILPTF}; other software says 80 samples",
            domain={"soc": (5.0, 200.0)},
            domain_source=f"{_UNPRINTED}; below 5 g/kg the logarithm runs away",
            errors=(_febr(757, 0.26, -0.02),),
            reference="Jeffrey, D. W. 1970. Journal of Ecology 58, 297–299",
            doi="10.2307/2258183",
            note="Made for loss on ignition, here from 1.724 x carbon.",
        ),
        "adams1973": Calibration(
            region="Wales",
            soils="uncultivated podzols",
            n_samples=77,
            r2=0.90,
            deepest=30,
            calibration_source=SOILPTF,
            domain={"soc": (5.0, 200.0)},
            domain_source=f"{_UNPRINTED}; above 200 g/kg nothing checks it",
            errors=(_MIXING, _febr(757, 0.26, -0.08)),
            reference="Adams, W. A. 1973. Journal of Soil Science 24, 10–17",
            doi="10.1111/j.1365-2389.1973.tb00737.x",
            note="Made for loss on ignition, here from 1.724 x carbon.",
        ),
    }
)
"""What is known of each function, by its id."""
