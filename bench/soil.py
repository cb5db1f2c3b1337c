"""How much faster the science is on many profiles at once than profile by profile; ratios of one run on one machine.

    python bench/soil.py

Invented profiles, the same on every run. Baselines are slow, so they are measured on a part of the profiles, the best
of three passes, and scaled; what is ours is measured on all of them, the best of three. Every comparison first checks
that both sides give the same numbers where they should.

The spline is compared with the package mpspline, which nothing else here needs: `uv pip install mpspline`, or say
where it lies in PYTHONPATH. Without it that comparison is left out and says so.
"""

import importlib
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from app.soil.carbon import Layers, fixed_depth_stock
from app.soil.esm import equivalent_mass_stock, mass_to_depth
from app.soil.spline import interval_means, interval_means_mpspline2, mass_preserving_spline

PROFILES, LAYERS = 250_000, 4
CORES, CORE_LAYERS = 100_000, 5
PASSES = 3
DEPTHS = ((0, 5, 15, 30, 60, 100), (5, 15, 30, 60, 100, 200))
LIMIT_GB = 2.0


def profiles(n: int, n_layers: int) -> Layers:
    """Profiles of n layers each from the surface to about 100 cm, everything measured, some with stones."""
    rng = np.random.default_rng(20)
    thickness = rng.integers(5, 2 * (100 // n_layers) - 5, (n, n_layers)).astype(float)
    bottom = np.cumsum(thickness, axis=1)
    bottom[:, -1] += 30
    top = np.concatenate([np.zeros((n, 1)), bottom[:, :-1]], axis=1)
    size = n * n_layers

    def words(word: str) -> np.ndarray[Any, np.dtype[Any]]:
        return np.full(size, word, dtype=object)

    return Layers(
        profile=np.repeat(np.arange(n), n_layers),
        top=top.ravel(),
        bottom=bottom.ravel(),
        organic=np.zeros(size, dtype=bool),
        soc=(np.exp(rng.normal(3.0, 0.4, (n, 1))) * np.exp(-0.02 * (top + bottom) / 2)).ravel(),
        soc_status=words("measured"),
        bulk_density=rng.uniform(1.0, 1.6, size),
        bulk_density_basis=words("fine_earth"),
        bulk_density_status=words("measured"),
        coarse_fragments=np.where(rng.random(size) < 0.3, rng.uniform(0, 0.4, size), 0.0),
        coarse_fragments_basis=words("volume"),
        coarse_fragments_status=words("measured"),
    )


def single(layers: Layers, count: int, n_layers: int) -> list[Layers]:
    """The first profiles, each as layers of its own."""
    found = []
    for i in range(count):
        columns: dict[str, Any] = {
            column.name: getattr(layers, column.name)[i * n_layers : (i + 1) * n_layers]
            for column in fields(layers)
            if getattr(layers, column.name) is not None
        }
        found.append(Layers(**(columns | {"profile": np.zeros(n_layers, dtype=np.intp)})))
    return found


def seconds(work: Callable[[], object]) -> float:
    """Shortest of some passes."""
    best = np.inf
    for _ in range(PASSES):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return float(best)


def report(name: str, ours: float, baseline: float, part: int, whole: int, wanted: float) -> bool:
    """Print one comparison and tell whether it is fast enough."""
    scaled = baseline * whole / part
    met = scaled / ours >= wanted
    print(f"{name}: {ours:.2f} s for {whole:,}; baseline {baseline:.2f} s for {part:,}, so {scaled:.0f} s for all")
    print(f"    {scaled / ours:.0f} times as fast; wanted {wanted:.0f}: {'met' if met else 'NOT MET'}")
    return met


def bench_stock() -> bool:
    """Fixed-depth stock with uncertainty against a loop of the same function over profiles."""
    layers, part = profiles(PROFILES, LAYERS), 2_000
    ours = seconds(lambda: fixed_depth_stock(layers, PROFILES, 0, 30))
    alone = single(layers, part, LAYERS)
    one_by_one = seconds(lambda: [fixed_depth_stock(one, 1, 0, 30) for one in alone])
    together = fixed_depth_stock(layers, PROFILES, 0, 30)
    apart = [fixed_depth_stock(one, 1, 0, 30) for one in alone[:200]]
    for name in ("value", "u_random", "u_systematic"):
        assert np.allclose([getattr(stock, name)[0] for stock in apart], getattr(together, name)[:200], rtol=1e-12)
    return report("stock 0-30 cm with uncertainty, per profile", ours, one_by_one, part, PROFILES, 100)


def bench_spline() -> bool:
    """Spline and six interval means against the package mpspline, one profile at a time as it works."""
    layers, part = profiles(CORES, CORE_LAYERS), 300
    columns = (layers.profile, layers.top, layers.bottom, layers.soc)

    def fit() -> object:
        return interval_means(mass_preserving_spline(*columns, CORES), *DEPTHS)

    ours = seconds(fit)
    as_the_package = seconds(lambda: interval_means_mpspline2(mass_preserving_spline(*columns, CORES), *DEPTHS))
    print(f"spline with means of whole centimetres as mpspline2: {as_the_package:.2f} s for {CORES:,}")
    try:
        mpspline = importlib.import_module("mpspline").mpspline
    except ImportError:
        print("spline against mpspline: left out, the package is not installed (uv pip install mpspline)")
        return True
    components = [
        {
            "horizons": [
                {"hzname": str(i), "upper": one.top[i], "lower": one.bottom[i], "soc": one.soc[i]}
                for i in range(CORE_LAYERS)
            ]
        }
        for one in single(layers, part, CORE_LAYERS)
    ]
    per_profile = seconds(lambda: [mpspline(c, var_name=["soc"], output_type="wide") for c in components])
    same = interval_means_mpspline2(mass_preserving_spline(*columns, CORES), *DEPTHS, low=0, high=1000).value
    for number, component in enumerate(components[:50]):
        theirs = mpspline(component, var_name=["soc"], output_type="wide")
        for column, (upper, lower) in enumerate(zip(*DEPTHS, strict=True)):
            value = theirs.get(f"soc_{upper}_{lower}", np.nan)
            assert np.isclose(same[number, column], value, rtol=1e-6, equal_nan=True), (number, upper, theirs)
    return report("spline and six interval means, mpspline per profile", ours, per_profile, part, CORES, 20)


def bench_esm() -> bool:
    """Equivalent soil mass, checks and uncertainty included, against SciPy interpolating ready curves core by core."""
    layers, part = profiles(CORES, CORE_LAYERS), 2_000
    target = 0.9 * mass_to_depth(layers, CORES, 30).value
    ours = seconds(lambda: equivalent_mass_stock(layers, CORES, target))
    found = equivalent_mass_stock(layers, CORES, target)
    met = []
    fine = layers.bulk_density * (1 - layers.coarse_fragments) * (layers.bottom - layers.top)
    columns = (100 * fine * (1 - 0.002 * layers.soc), 0.1 * fine * layers.soc)
    curves = [
        tuple(np.concatenate([[0.0], np.cumsum(c[i * CORE_LAYERS : (i + 1) * CORE_LAYERS])]) for c in columns)
        for i in range(part)
    ]
    for name, interpolator in (("PchipInterpolator", PchipInterpolator), ("CubicSpline", CubicSpline)):

        def loop(make: Any = interpolator) -> list[float]:
            return [float(make(*curve)(mass)) for curve, mass in zip(curves, target[:part].tolist(), strict=True)]

        other = np.array(loop())
        print(
            f"    {name} differs by up to {np.abs(other - found.value[:part]).max():.2f} t/ha from the published curve"
        )
        met.append(report(f"equivalent soil mass, SciPy {name} per core", ours, seconds(loop), part, CORES, 20))
    return all(met)


def main() -> int:
    """All comparisons; 1 if one of them is slower or larger than wanted."""
    met = [bench_stock(), bench_spline(), bench_esm()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"peak memory of the whole run: {peak:.2f} GB; wanted below {LIMIT_GB:.0f} GB")
    return 0 if all(met) and peak < LIMIT_GB else 1


if __name__ == "__main__":
    sys.exit(main())
