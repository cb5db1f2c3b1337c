"""Derive `countries.geojson` from Natural Earth 1:50m: one valid, named polygon feature per ISO 3166-1 entry.

The source is `countries-50m.json` of the npm package `world-atlas` 2.0.2 (ISC licence; the data are Natural Earth's and in
the public domain). `npm pack world-atlas@2.0.2` fetches it; unpack it and run

    python data/samples/make_countries.py package/countries-50m.json

The TopoJSON arcs are decoded, polygons that cross 180° or hold a pole are cut, dependent territories that have an ISO code of
their own leave the country that holds them in the source, and names come from CLDR (Babel). `docs/samples.md` gives the rules.
"""

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import antimeridian
import pycountry
import shapely
from babel import Locale
from pyproj import Geod
from shapely.geometry import MultiPolygon, Polygon, mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

SOURCE_SHA256 = "04342cdc1e3016bcd7db1630de95684d67b79fe3c8c460321e87aef469502394"
"""Fingerprint of countries-50m.json in world-atlas 2.0.2."""

DECIMALS = 4
"""Decimals of a degree kept. The source lies on a lattice of 0.0036° by 0.0017°, so neighbours stay joined."""

KM_PER_DEGREE = 111.2
"""Length of a degree of latitude. [km]"""

GEOD = Geod(ellps="WGS84")

Ring = list[tuple[float, float]]


class Territory(NamedTuple):
    """A territory with its own ISO code that the source draws as part of another country."""

    source: str
    """Key of the source feature: its ISO number, or its name where it has none."""
    west: float
    south: float
    east: float
    north: float
    code: str
    """ISO 3166-1 alpha-3."""


TERRITORIES = (
    Territory("250", -55, 2, -51, 6, "GUF"),
    Territory("250", -62, 15.8, -61, 16.6, "GLP"),
    Territory("250", -62, 14, -60.5, 15, "MTQ"),
    Territory("250", 45, -13.1, 45.4, -12.5, "MYT"),
    Territory("250", 55, -21.5, 56, -20.8, "REU"),
    Territory("528", -69, 11.9, -68, 12.4, "BES"),
    Territory("528", -64, 17, -62.5, 18, "BES"),
    Territory("578", 10, 74, 34, 81, "SJM"),
    Territory("578", -10, 70, -7, 72, "SJM"),
    Territory("554", -173, -10, -171, -8, "TKL"),
    Territory("Indian Ocean Ter.", 105, -11, 106, -10, "CXR"),
    Territory("Indian Ocean Ter.", 96, -13, 97, -12, "CCK"),
)
"""Parts that leave their country, by box in degrees."""

OWN_CODES = {"Kosovo": "XKX", "N. Cyprus": "XNC", "Siachen Glacier": "XSG", "Somaliland": "XSL"}
"""Entities without an ISO 3166-1 entry: codes of the user-assigned range XAA to XZZ."""

OWN_NAMES = {
    "XKX": ("Kosovo", "Kosovo", "Kosovo"),
    "XNC": ("Northern Cyprus", "Chypre du Nord", "Chipre del Norte"),
    "XSG": ("Siachen Glacier", "Glacier de Siachen", "Glaciar de Siachen"),
    "XSL": ("Somaliland", "Somaliland", "Somalilandia"),
    # CLDR tells the two Congos apart by their capitals and calls the two regions of China by their status.
    "COD": ("Democratic Republic of the Congo", "République démocratique du Congo", "República Democrática del Congo"),
    "COG": ("Congo", "Congo", "Congo"),
    "HKG": ("Hong Kong", "Hong Kong", "Hong Kong"),
    "MAC": ("Macao", "Macao", "Macao"),
    "MMR": ("Myanmar", "Myanmar", "Myanmar"),
    "PSE": ("Palestine", "Palestine", "Palestina"),
}
"""English, French and Spanish names that do not come from CLDR."""

REGIONS = {
    "Africa": """AGO BDI BEN BFA BWA CAF CIV CMR COD COG COM CPV DJI DZA EGY ERI ESH ETH GAB GHA GIN GMB GNB GNQ KEN LBR LBY
        LSO MAR MDG MLI MOZ MRT MUS MWI MYT NAM NER NGA REU RWA SDN SEN SHN SLE SOM SSD STP SWZ SYC TCD TGO TUN TZA UGA ZAF
        ZMB ZWE IOT ATF XSL""",
    "Asia and Pacific": """AFG ARE ARM AZE BGD BHR BRN BTN CHN CYP GEO HKG IDN IND IRN IRQ ISR JOR JPN KAZ KGZ KHM KOR KWT
        LAO LBN LKA MAC MDV MMR MNG MYS NPL OMN PAK PHL PRK PSE QAT SAU SGP SYR THA TJK TKM TLS TUR TWN UZB VNM YEM
        XNC XSG ASM AUS CCK COK CXR FJI FSM GUM HMD KIR MHL MNP NCL NFK NIU NRU NZL PCN PLW PNG PYF SLB TKL TON VUT WLF
        WSM""",
    "Europe": """ALA ALB AND AUT BEL BGR BIH BLR CHE CZE DEU DNK ESP EST FIN FRA FRO GBR GGY GRC HRV HUN IMN IRL ISL ITA
        JEY LIE LTU LUX LVA MCO MDA MKD MLT MNE NLD NOR POL PRT ROU RUS SJM SMR SRB SVK SVN SWE UKR VAT XKX""",
    "Latin America and Caribbean": """ABW AIA ARG ATG BES BHS BLM BLZ BOL BRA BRB CHL COL CRI CUB CUW CYM DMA DOM ECU FLK
        GLP GRD GTM GUF GUY HND HTI JAM KNA LCA MAF MEX MSR MTQ NIC PAN PER PRI PRY SGS SLV SUR SXM TCA TTO URY VCT VEN VGB
        VIR""",
    "North America": "BMU CAN GRL SPM USA",
}
"""The Initiative's five regions. Each follows UN M49; `docs/samples.md` names the doubtful cases. Antarctica has none."""

REGION_OF = {code: region for region, codes in REGIONS.items() for code in codes.split()}

NO_REGION = {"ATA"}


def decode_arcs(topology: dict[str, Any]) -> list[Ring]:
    """Undo the quantisation and delta coding of the arcs of a TopoJSON topology."""
    (scale_x, scale_y), (shift_x, shift_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for deltas in topology["arcs"]:
        x = y = 0
        arc = []
        for step_x, step_y in deltas:
            x, y = x + step_x, y + step_y
            arc.append((x * scale_x + shift_x, y * scale_y + shift_y))
        arcs.append(arc)
    return arcs


def decode_ring(indices: Sequence[int], arcs: Sequence[Ring]) -> Ring:
    """Join arcs to a ring; a negative index (one's complement) runs its arc backwards."""
    ring: Ring = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        ring += arc if not ring else arc[1:]
    return ring


def polygons_of(geometry: BaseGeometry) -> list[Polygon]:
    """Polygons of any geometry, without the points and lines that a repair can leave."""
    parts = shapely.get_parts(shapely.get_parts([geometry]))
    return [part for part in parts if isinstance(part, Polygon) and part.area > 0]


def cut_polygon(rings: Sequence[Ring]) -> list[Polygon]:
    """Planar, valid, rounded polygons of one spherical polygon: cut at 180° and closed at the pole if it holds one.

    Rings are wound anew before the cut, because the source winds them for the sphere.
    """
    shape = {"type": "Polygon", "coordinates": [list(ring) for ring in rings]}
    cut = antimeridian.fix_shape(shape, great_circle=False, fix_winding=True)
    rounded = shapely.transform(shapely.geometry.shape(cut), lambda xy: xy.round(DECIMALS))
    return polygons_of(shapely.make_valid(rounded, method="structure"))


def read_polygons(path: Path) -> dict[str, list[Polygon]]:
    """Polygons of every source feature, keyed by ISO number, or by name where the source has no number."""
    topology = json.loads(path.read_bytes())
    arcs = decode_arcs(topology)
    polygons: defaultdict[str, list[Polygon]] = defaultdict(list)
    for feature in topology["objects"]["countries"]["geometries"]:
        parts = feature["arcs"] if feature["type"] == "MultiPolygon" else [feature["arcs"]]
        for part in parts:
            # Ashmore and Cartier Islands carry Australia's number, and ISO 3166-1 counts them as Australia.
            polygons[feature.get("id") or feature["properties"]["name"]] += cut_polygon(
                [decode_ring(ring, arcs) for ring in part]
            )
    return dict(polygons)


def assign_codes(polygons: dict[str, list[Polygon]]) -> dict[str, tuple[list[Polygon], str | None]]:
    """Polygons by unique code, with the code of the country that holds a split-off territory."""
    found: dict[str, tuple[list[Polygon], str | None]] = {}
    for source, parts in polygons.items():
        own = OWN_CODES.get(source) or getattr(pycountry.countries.get(numeric=source), "alpha_3", None)
        for part in parts:
            point = part.representative_point()
            territory = next(
                (
                    t
                    for t in TERRITORIES
                    if t.source == source and t.west < point.x < t.east and t.south < point.y < t.north
                ),
                None,
            )
            code = territory.code if territory else own
            if code is None:
                raise SystemExit(f"no code for {source}")
            holder = ("AUS" if own is None else own) if territory else None
            found.setdefault(code, ([], holder))[0].append(part)
    return found


def join_parts(parts: Iterable[Polygon]) -> MultiPolygon:
    """One valid multipolygon with counter-clockwise shells (RFC 7946), largest part first."""
    merged = shapely.make_valid(shapely.union_all(list(parts)), method="structure")
    ordered = sorted(polygons_of(merged), key=lambda part: (-part.area, part.bounds))
    return MultiPolygon([orient(part) for part in ordered])


def area_km2(geometry: BaseGeometry) -> float:
    """Area on the WGS 84 ellipsoid, in km²."""
    return float(abs(GEOD.geometry_area_perimeter(geometry)[0])) / 1e6


def label_point(geometry: MultiPolygon) -> tuple[float, float]:
    """Centre of the largest circle inside the largest part, in degrees, with degrees of longitude shortened."""
    largest = max(geometry.geoms, key=area_km2)
    shrink = area_km2(largest) / (largest.area * KM_PER_DEGREE**2)
    scaled = shapely.transform(largest, lambda xy: xy * [shrink, 1.0])
    centre = shapely.get_point(shapely.maximum_inscribed_circle(scaled, tolerance=0.01), 0)
    return round(centre.x / shrink, 3), round(centre.y, 3)


def names_of(code: str, alpha_2: str | None) -> tuple[str, str, str]:
    """English, French and Spanish name: ours where listed, else the Unicode CLDR's."""
    if code in OWN_NAMES:
        return OWN_NAMES[code]
    english, french, spanish = (str(Locale(language).territories[alpha_2]) for language in ("en", "fr", "es"))
    return english.replace(" & ", " and ").replace("St. ", "Saint "), french, spanish


def describe(code: str, geometry: MultiPolygon, holder: str | None) -> dict[str, Any]:
    """Properties of one feature."""
    entry = pycountry.countries.get(alpha_3=code)
    alpha_2 = entry.alpha_2 if entry else None
    english, french, spanish = names_of(code, alpha_2)
    longitude, latitude = label_point(geometry)
    if code not in REGION_OF and code not in NO_REGION:
        raise SystemExit(f"no region of the Initiative for {code} {english}")
    return {
        "code": code,
        "iso_a3": code if entry else None,
        "iso_a2": alpha_2,
        "iso_n3": entry.numeric if entry else None,
        "part_of": holder,
        "name_en": english,
        "name_fr": french,
        "name_es": spanish,
        "initiative_region": REGION_OF.get(code),
        "label_lon": longitude,
        "label_lat": latitude,
    }


def coordinates(geometry: MultiPolygon) -> Any:
    """Coordinate arrays with the decimals kept, whole numbers without a point."""

    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        number = round(value, DECIMALS)
        return int(number) if number == int(number) else number

    return plain(mapping(geometry)["coordinates"])


def build(path: Path) -> str:
    """Whole GeoJSON text, features sorted by code, one per line."""
    features = []
    for code, (parts, holder) in sorted(assign_codes(read_polygons(path)).items()):
        geometry = join_parts(parts)
        feature = {
            "type": "Feature",
            "properties": describe(code, geometry, holder),
            "geometry": {"type": "MultiPolygon", "coordinates": coordinates(geometry)},
        }
        features.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"


def main() -> None:
    """Write `countries.geojson` beside this script."""
    parser = argparse.ArgumentParser(description="Derive countries.geojson from world-atlas 2.0.2.")
    parser.add_argument("source", type=Path, help="countries-50m.json of the npm package world-atlas 2.0.2")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("countries.geojson"))
    arguments = parser.parse_args()
    if hashlib.sha256(arguments.source.read_bytes()).hexdigest() != SOURCE_SHA256:
        parser.error(f"{arguments.source} is not countries-50m.json of world-atlas 2.0.2")
    text = build(arguments.source)
    arguments.output.write_text(text, encoding="utf-8")
    print(f"{arguments.output}: {len(text.encode()):,} bytes, {text.count(chr(10)) - 2} features")


if __name__ == "__main__":
    main()
