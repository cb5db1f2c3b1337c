"""What is known of a file, what has to be asked, and the mapping that the answers make."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from app.ingest.mapping import LICENCE_CLASSES
from app.ingest.numbers import Decimal
from app.ingest.propose.columns import (
    DATE_CELLS,
    RANGE,
    UNKNOWN,
    WIDE_HEADING,
    Column,
    Meaning,
    look,
    looks_sexagesimal,
    meaning,
)
from app.ingest.propose.headings import LONGEST, is_length, phrase
from app.ingest.propose.places import country_codes, systems
from app.ingest.propose.proposal import Builder, Guess, Option, Question
from app.ingest.propose.quantities import METHODS, Quantity, quantities
from app.ingest.propose.words import LAND_USE_CODES

_PLAIN_RANGE = r"^-?\d[\d.,]*\s*(?:-|–|—|to)\s*-?\d[\d.,]*\s*\+?\s*(?:cm)?$"
_ANY_RANGE = r"^\s*(?<depth_from>-?\d+(?:[.,]\d+)?)\s*(?:-|–|—|to|a|à|bis|/)\s*(?<depth_to>-?\d+(?:[.,]\d+)?)"
_ORGANIC = r"^\d?[OLFH]+[a-z]{0,2}\d*(?:[ /-].*)?$"
_PLACE = r"-?\d{1,3}(?:\.\d+)?[ ,;]+-?\d{1,2}(?:\.\d+)?[ ,;]+\d+(?:\.\d+)?"
_DEEP_CM = 400.0
_FLAT_M = 3.0


@dataclass(kw_only=True, slots=True)
class Asking:
    """Columns of one table, and the questions that they leave open."""

    columns: list[Column]
    frame: pl.DataFrame
    crs: str | None
    country: str | None
    boundaries: Path | None
    decimal: Decimal
    decimal_is_open: bool
    source: dict[str, object]
    name: str
    title: str
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Guess] = field(default_factory=dict)
    wide: list[tuple[Column, str, str, str]] = field(default_factory=list)
    """Columns of a wide table: the column, the name of its values, and its depths as text."""
    found: list[Quantity] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def finish(self) -> tuple[tuple[Guess, ...], tuple[Question, ...], Builder]:
        """All guesses, all questions, and what makes the mapping of their answers."""
        meanings = {column.name: meaning(column) for column in self.columns}
        if not {"silt", "sand"} & {said.name for said in meanings.values()}:
            # Alone, it is tonnes of something and no German clay.
            lonely = Meaning(
                kind=UNKNOWN, name="clay", confidence=0.0, reason="Clay comes with silt or sand; here is none."
            )
            meanings |= {column.name: lonely for column in self.columns if column.words == "ton"}
        self._find_wide(meanings)
        by_field = self._by_field(meanings)
        self._position(by_field)
        self._site(by_field)
        self._when(by_field)
        self._depth(by_field)
        self._attributes(by_field)
        self._values(meanings, by_field)
        self._terms(by_field)
        for column in self.columns:
            if column.name not in self.roles:
                said = meanings[column.name]
                reason = said.reason if said.kind == UNKNOWN else "It is not needed beside the columns that are read."
                self._role(column, UNKNOWN, 0.0, reason)
        guesses = tuple(self.roles[column.name] for column in self.columns)
        return guesses, tuple(self.questions), self.build

    # Columns -----------------------------------------------------------------------------------------------------------

    def _role(self, column: Column, role: str, confidence: float, reason: str, *alternatives: str) -> None:
        samples = tuple(column.cells.unique(maintain_order=True).head(3).to_list())
        self.roles[column.name] = Guess(
            column=column.name,
            position=column.position,
            role=role,
            unit=column.unit,
            confidence=round(confidence, 2),
            reason=reason,
            alternatives=alternatives,
            samples=samples,
        )

    def _by_field(self, meanings: Mapping[str, Meaning]) -> dict[str, list[Column]]:
        found: dict[str, list[Column]] = {}
        for column in self.columns:
            said = meanings[column.name]
            if said.kind == "field":
                found.setdefault(said.name, []).append(column)
        for name, members in found.items():
            members.sort(key=lambda column: (-meanings[column.name].confidence, column.position))
            for column in members[1:]:
                if name not in {"site_id", "remarks"}:
                    self._role(column, UNKNOWN, 0.0, f"{members[0].name!r} is taken for {name} already.", name)
        return found

    def _take(self, name: str, column: Column, confidence: float, reason: str) -> None:
        self.fields[name] = {"column": column.name}
        self._role(column, name, confidence, reason)

    def _ask(self, question: Question) -> None:
        self.questions.append(question)

    # Where -------------------------------------------------------------------------------------------------------------

    def _position(self, by_field: Mapping[str, list[Column]]) -> None:
        lon, lat = by_field.get("longitude"), by_field.get("latitude")
        east, north = by_field.get("easting"), by_field.get("northing")
        geometry = {column.name: column for column in self.columns if column.name in {"geometry_x", "geometry_y"}}
        if len(geometry) == 2:
            crs = self.crs or "EPSG:4326"
            said = f"The position is part of the format, in {crs}."
            self._take("longitude", geometry["geometry_x"], 1.0, said)
            self._take("latitude", geometry["geometry_y"], 1.0, said)
            self.extra["crs"] = crs
            return
        if lon and lat:
            self._take("longitude", lon[0], 0.95, "The heading says so, and all values are degrees.")
            self._take("latitude", lat[0], 0.95, "The heading says so, and all values are degrees.")
            self.notes.append(
                "Positions are read as degrees in WGS 84; say so in the mapping if they are in another datum."
            )
            return
        if east and north:
            x, y = east[0], north[0]
            if x.between(-180, 180) == 1 and y.between(-90, 90) == 1 and _has_decimals(x) and _has_decimals(y):
                self._take("longitude", x, 0.85, "All values are degrees with decimals, and x comes with y.")
                self._take("latitude", y, 0.85, "All values are degrees with decimals, and y comes with x.")
                return
            self._take("longitude", x, 0.9, "The heading says east; which system is asked.")
            self._take("latitude", y, 0.9, "The heading says north; which system is asked.")
            self._ask_crs(x, y, by_field)
            return
        unread = [column.name for column in self.columns if looks_sexagesimal(column)]
        said = (
            f"Positions in {' and '.join(map(repr, unread))} are degrees, minutes and seconds, which are not read: send "
            "the file again with decimal degrees. Only if all samples lie at one place: where"
            if unread
            else "No columns hold positions. Where"
        )
        self._ask(
            Question(
                id="position",
                text=f"{said} do all samples lie: longitude, latitude [degree, WGS 84] and radius [m]?",
                options=(),
                form=_PLACE,
                example="-0.366 51.803 200",
            )
        )

    def _ask_crs(self, x: Column, y: Column, by_field: Mapping[str, list[Column]]) -> None:
        countries = [self.country] if self.country else []
        if not countries and "country_code" in by_field:
            words = by_field["country_code"][0].cells.unique().to_list()
            countries = [word.upper() for word in words if re.fullmatch("[A-Za-z]{2}", word)]
            countries += list(country_codes(words, self.boundaries).values())
        size = min(len(x.numbers), len(y.numbers))
        ranked = systems(
            x.numbers.head(size).to_numpy(),
            y.numbers.head(size).to_numpy(),
            countries=countries,
            boundaries=self.boundaries,
        )
        self._ask(
            Question(
                id="crs",
                text=f"In which coordinate reference system are {x.name!r} and {y.name!r}?",
                options=tuple(
                    Option(value=s.code, label=f"{s.name} ({s.code})", confidence=s.confidence, reason=s.reason)
                    for s in ranked
                ),
                columns=(x.name, y.name),
                form=r"(?:EPSG|ESRI):\d{4,6}",
                example="EPSG:32737",
            )
        )

    def _site(self, by_field: Mapping[str, list[Column]]) -> None:
        places = [self.fields[name]["column"] for name in ("longitude", "latitude") if name in self.fields]
        candidates = by_field.get("site_id", [])
        chosen = next((column for column in candidates if self._one_place(column, places)), None)
        profile = by_field.get("profile_id", [None])[0]
        if chosen is None and candidates:
            chosen = candidates[0]
            if profile is not None and self._one_place(profile, places):
                # The site has several positions, its profiles have one each.
                self.fields["cluster"] = {"column": chosen.name}
                self._role(chosen, "cluster", 0.8, "Its samples lie at several positions; each profile has one.")
                chosen = None
        if chosen is None and profile is not None:
            self._take("site_id", profile, 0.85, "Profiles are the only places that the table names.")
            chosen = profile
        elif chosen is not None:
            self._take("site_id", chosen, 0.95, "The heading says so.")
            if profile is not None:
                self._take("profile_id", profile, 0.95, "The heading says so.")
        for column in candidates:
            if column.name not in self.roles:
                self._role(column, UNKNOWN, 0.0, "Another column is taken for the site already.", "site_id")
        if chosen is None:
            self._ask_site(places)
        name = by_field.get("site_name")
        if name and "site_name" not in self.fields:
            self._take("site_name", name[0], 0.9, "The heading says so.")

    def _ask_site(self, places: list[str]) -> None:
        options = []
        if len(places) == 2:
            label = "Each position is a site of its own"
            options.append(Option(value="position", label=label, confidence=0.5, reason="No column names the sites."))
        options += [
            Option(value=f"column:{column.name}", label=f"The column {column.name!r}", confidence=0.3)
            for column in self.columns
            if column.name not in self.roles and column.cells.n_unique() > 1
        ]
        options.append(Option(value="one", label="All samples are from one site", confidence=0.1))
        self._ask(
            Question(id="site", text="What names the place where a sample was taken?", options=tuple(options[:30]))
        )

    def _one_place(self, column: Column, places: list[str]) -> bool:
        if len(places) < 2:
            return True
        pairs = self.frame.select(column.name, *places).drop_nulls().unique()
        return bool(pairs.height == pairs[column.name].n_unique())

    # When --------------------------------------------------------------------------------------------------------------

    def _when(self, by_field: Mapping[str, list[Column]]) -> None:
        forms: list[str] = []
        date = by_field.get("sampling_date", [None])[0]
        year = by_field.get("year", [None])[0]
        if date is not None:
            shares = {form: date.share(pattern) for form, pattern in DATE_CELLS.items()}
            forms = [form for form, share in shares.items() if share > 0]
            if "excel" in forms and max(shares, key=lambda form: shares[form]) != "excel":
                forms.remove("excel")
            self._take(
                "sampling_date", date, 0.95, f"The heading says so, and cells are written as {', '.join(forms)}."
            )
            if "dd/mm/yyyy" in forms:
                forms = self._day_first(date, forms)
        if year is not None:
            if date is None:
                self._take("sampling_date", year, 0.9, "The heading says year, and all values are years.")
            else:
                self.fields["sampling_date"] = [{"column": date.name}, {"column": year.name}]
                self._role(year, "sampling_date", 0.8, "The year, where the date is empty.")
            forms.append("year")
        if date is None and year is None:
            self.notes.append("No column holds a sampling date: the samples will count for no period and no trend.")
        self.extra["forms"] = list(dict.fromkeys(forms))

    def _day_first(self, date: Column, forms: list[str]) -> list[str]:
        parts = date.cells.str.extract_groups(r"^(?<a>\d{1,2})[-/.](?<b>\d{1,2})[-/.]\d{4}$").struct.unnest()
        first, second = (int(parts[name].cast(pl.Int64).max() or 0) for name in ("a", "b"))  # type: ignore[arg-type]
        rest = [form for form in forms if form != "dd/mm/yyyy"]
        if first > 12 >= second:
            return [*rest, "dd/mm/yyyy"]
        if second > 12 >= first:
            return [*rest, "mm/dd/yyyy"]
        self._ask(
            Question(
                id="date_order",
                text=f"Is {date.cells[0]!r} in {date.name!r} day first or month first?",
                options=(
                    Option(value="dd/mm/yyyy", label="Day, month, year", confidence=0.6),
                    Option(value="mm/dd/yyyy", label="Month, day, year", confidence=0.4),
                ),
                columns=(date.name,),
            )
        )
        return rest

    # How deep ----------------------------------------------------------------------------------------------------------

    def _depth(self, by_field: Mapping[str, list[Column]]) -> None:
        if self.wide:
            self.fields["top_cm"], self.fields["bottom_cm"] = {"column": "top"}, {"column": "bottom"}
            return
        top, bottom, middle, thickness, depth = (
            by_field.get(name, [None])[0] for name in ("top_cm", "bottom_cm", "middle_cm", "thickness_cm", "depth")
        )
        sure = 0.95, "The heading says so, and the cells are depths."
        if top is not None and bottom is not None:
            self._take("top_cm", top, *sure)
            self._take("bottom_cm", bottom, *sure)
            if thickness is not None:
                self._take("thickness_cm", thickness, *sure)
            self._ask_depth_unit(top, bottom)
            self._ask_heights(top, bottom, by_field)
            return
        if thickness is not None and (start := top or middle) is not None:
            self._take("top_cm" if start is top else "middle_cm", start, *sure)
            self._take("thickness_cm", thickness, *sure)
            self._ask_depth_unit(start, thickness)
            return
        if depth is not None and depth.share(RANGE) >= 0.8:
            if depth.share(_PLAIN_RANGE) == 1:
                self._take("depth_range", depth, 0.95, "The cells are intervals such as 0-23.")
            else:
                self.source["extract"] = [{"column": depth.name, "pattern": _ANY_RANGE}]
                self.fields["top_cm"], self.fields["bottom_cm"] = {"column": "depth_from"}, {"column": "depth_to"}
                self._role(depth, "depth_range", 0.9, "The cells are two depths with a word or mark between them.")
            if depth.unit and is_length(depth.unit) and depth.unit != "cm":
                self.extra["depth_unit"] = depth.unit
            return
        text = "No column says from where to where the samples reach. Which depths hold for all of them [cm]?"
        if depth is not None:
            text = f"{depth.name!r} holds single numbers. From where to where do all samples reach [cm]?"
            self._role(depth, UNKNOWN, 0.0, "It holds single numbers: top, middle or bottom.", "top_cm", "bottom_cm")
        self._ask(Question(id="depth", text=text, options=(), form=r"\d{1,3}-\d{1,4}", example="0-30"))

    def _ask_depth_unit(self, *columns: Column) -> None:
        said = {column.unit for column in columns if column.unit and is_length(column.unit)}
        if len(said) == 1:
            self.extra["depth_unit"] = said.pop()
            return
        deepest = max(column.span()[1] for column in columns)
        if _FLAT_M < deepest <= _DEEP_CM:
            self.extra["depth_unit"] = "cm"
            self.notes.append(f"No heading says the unit of depth; down to {deepest:g} it is taken for cm.")
            return
        self._ask(
            Question(
                id="depth_unit",
                text=f"In which unit are depths given? The deepest is {deepest:g}.",
                options=tuple(Option(value=unit, label=unit) for unit in ("cm", "m", "mm", "dm")),
                columns=tuple(column.name for column in columns),
            )
        )

    def _ask_heights(self, top: Column, bottom: Column, by_field: Mapping[str, list[Column]]) -> None:
        numbers = self.frame.select(
            pl.col(top.name)
            .str.replace(",", ".")
            .str.extract(r"^\s*(-?[\d.]+)")
            .cast(pl.Float64, strict=False)
            .alias("t"),
            pl.col(bottom.name)
            .str.replace(",", ".")
            .str.extract(r"^\s*(-?[\d.]+)")
            .cast(pl.Float64, strict=False)
            .alias("b"),
        )
        upward = numbers.filter(pl.col("t") > pl.col("b")).height
        if upward:
            self._ask(
                Question(
                    id="heights",
                    text=f"In {upward} rows the top is a larger number than the bottom. What are they?",
                    options=(
                        Option(
                            value="heights", label="Heights above the mineral surface: organic layers", confidence=0.6
                        ),
                        Option(value="mistakes", label="Mistakes: refuse these rows", confidence=0.4),
                    ),
                    columns=(top.name, bottom.name),
                )
            )
        horizon = by_field.get("horizon", [None])[0]
        if horizon is None:
            return
        organic = self.frame.select(pl.col(horizon.name).str.contains(_ORGANIC).fill_null(value=False)).to_series()
        below = (numbers["t"] >= 0) & (numbers["b"] > numbers["t"])
        if (organic & below.fill_null(value=False)).any():
            self._ask(
                Question(
                    id="surface",
                    text="Organic layers have depths below zero depth. Where is zero?",
                    options=(
                        Option(value="organic_top", label="At the top of the organic layer", confidence=0.6),
                        Option(
                            value="mineral",
                            label="At the mineral surface; the organic layers are buried",
                            confidence=0.3,
                        ),
                    ),
                    columns=(horizon.name, top.name),
                )
            )

    # What else ---------------------------------------------------------------------------------------------------------

    def _attributes(self, by_field: Mapping[str, list[Column]]) -> None:
        for name in ("layer_id", "replicate", "cluster", "coord_uncertainty_m", "campaign", "horizon", "management",
                     "rock_depth_cm", "wrb", "usda"):  # fmt: skip
            if name in by_field and name not in self.fields:
                self._take(name, by_field[name][0], 0.9, "The heading says so.")
        use = by_field.get("land_use", [None])[0]
        if use is not None:
            codes = set(use.cells.str.to_uppercase().unique()) <= LAND_USE_CODES
            if codes:
                self._take("land_use", use, 0.95, "The heading says so, and all cells are FAO codes.")
            elif "management" not in self.fields:
                self._take("management", use, 0.85, "It names land uses in words that are no FAO codes.")
        remarks = by_field.get("remarks", [])
        if remarks:
            self.fields["remarks"] = [{"column": column.name} for column in remarks]
            for column in remarks:
                self._role(column, "remarks", 0.9, "The heading says so.")
        country = by_field.get("country_code", [None])[0]
        if country is not None:
            self._country(country)

    def _country(self, column: Column) -> None:
        words = column.cells.unique().to_list()
        if all(re.fullmatch("[A-Za-z]{2}", word) for word in words):
            self._take("country_code", column, 0.95, "The heading says so, and all cells are two letters.")
            return
        known = country_codes(words, self.boundaries)
        if len(known) == len(words):
            self.fields["country_code"] = {"column": column.name, "words": known}
            self._role(column, "country_code", 0.9, "All cells are names or codes of countries.")
            return
        self._role(column, UNKNOWN, 0.0, "Not all of its cells are countries that we know.", "country_code")

    # Values ------------------------------------------------------------------------------------------------------------

    def _find_wide(self, meanings: dict[str, Meaning]) -> None:
        """Columns whose headings name a quantity and a depth."""
        seen: list[tuple[Column, Column, Meaning, str, str]] = []
        for column in self.columns:
            match = WIDE_HEADING.match(column.name) if len(column.name) <= LONGEST else None
            if match is None or not float(match["top"]) < float(match["bottom"]):
                continue
            bare = look(
                f"{match['base']} {match['rest']}".strip(), column.position, self.frame[column.name], self.decimal
            )
            said = meaning(bare)
            if said.kind in {"value", "ambiguous"}:
                seen.append((column, bare, said, match["top"], match["bottom"]))
        if len({(top, bottom) for *_, top, bottom in seen}) < 2:
            return
        for column, bare, said, top, bottom in seen:
            value = phrase(bare.name) or said.name
            self.wide.append((column, value, top, bottom))
            meanings[column.name] = said
            self._role(
                column, said.name, said.confidence, f"{said.reason} Its depth {top}-{bottom} cm is in the heading."
            )

    def _values(self, meanings: Mapping[str, Meaning], by_field: Mapping[str, list[Column]]) -> None:
        seen: list[tuple[str, Column, Meaning]] = []
        taken = {column.name for column, *_ in self.wide}
        for value in dict.fromkeys(value for _, value, *_ in self.wide):
            members = [column for column, name, *_ in self.wide if name == value]
            cells = pl.concat([self.frame[column.name] for column in members])
            original = next(column for column in members)
            match = WIDE_HEADING.match(original.name)
            heading = f"{match['base']} {match['rest']}" if match else original.name
            seen.append((value, look(heading.strip(), original.position, cells, self.decimal), meanings[original.name]))
        for column in self.columns:
            said = meanings[column.name]
            if column.name in taken or said.kind not in {"value", "ambiguous"}:
                continue
            twin = next((c for _, c, m in seen if m.name == said.name and said.kind == "value"), None)
            if twin is not None:
                reason = f"{twin.name!r} is taken for {said.name} already."
                self._role(column, UNKNOWN, 0.0, reason, said.name)
                continue
            seen.append((column.name, column, said))
        unit_column = by_field.get("soc_unit", [None])[0]
        self.found = quantities(seen, unit_column, self.frame, wide=bool(self.wide))
        for quantity in self.found:
            self.questions += quantity.questions
            if not self.wide or quantity.heading in {column.name for column in self.columns}:
                self._role(quantity.column, quantity.role, quantity.confidence, quantity.reason, *quantity.alternatives)
        if unit_column is not None and any(quantity.unit_column for quantity in self.found):
            self._role(unit_column, "unit", 0.95, "Its cells are units.")
        for name in ("laboratory", "method"):
            words = by_field.get(name, [None])[0]
            if words is not None:
                self.extra[name] = words.name
                self._role(words, name, 0.85, "The heading says so.")

    def _terms(self, by_field: Mapping[str, list[Column]]) -> None:
        carbon = any(q.may_be("soc") for q in self.found)
        if not carbon:
            matter = any(q.may_be("organic_matter") for q in self.found)
            self.notes.append(
                "No column holds organic carbon: no carbon content, stock or trend can be computed from this file."
                + (" Organic matter is kept as it is and never converted into carbon." if matter else "")
            )
        if carbon and "method" not in self.extra:
            options = [Option(value=code, label=label) for code, label in METHODS]
            label = "Not known: the values will count for no trend"
            self._ask(
                Question(
                    id="method",
                    text="How was organic carbon measured?",
                    options=(*options, Option(value="not stated", label=label)),
                )
            )
        if self.decimal_is_open:
            self._ask(
                Question(
                    id="decimal",
                    text="Cells such as 1,234 can be read in two ways. What is the comma?",
                    options=(
                        Option(value=",", label="A decimal mark: 1.234"),
                        Option(value=".", label="A mark between thousands: 1234"),
                    ),
                )
            )
        licence = by_field.get("licence", [None])[0]
        if licence is not None and licence.cells.n_unique() == 1:
            self.extra["licence"] = licence.name
            self._role(licence, "licence", 0.95, "The heading says so.")
            return
        options = [Option(value=code, label=f"{code} ({kind})") for code, kind in LICENCE_CLASSES.items()]
        self._ask(Question(id="licence", text="Under which licence do you give the data?", options=tuple(options)))

    # The mapping -------------------------------------------------------------------------------------------------------

    def build(self, answers: Mapping[str, str]) -> dict[str, Any]:
        """The tree of the mapping that follows from the answers."""
        source, fields = dict(self.source), dict(self.fields)
        if "decimal" in answers:
            source["decimal"] = answers["decimal"]
        if self.wide:
            source["wide"] = {
                "columns": [
                    {"column": column.name, "value": value, "top": top, "bottom": bottom}
                    for column, value, top, bottom in self.wide
                ]
            }
        tree: dict[str, Any] = {"name": self.name, "title": self.title, "dataset": self._dataset(answers)}
        tree["tables"] = [source]
        if crs := answers.get("crs") or self.extra.get("crs"):
            tree["position"] = {"crs": crs}
        tree["depths"] = {"unit": answers.get("depth_unit") or self.extra.get("depth_unit") or "cm"}
        if answers.get("heights") == "heights":
            tree["depths"]["upward_depths_are_heights"] = True
        forms = list(self.extra["forms"])
        if "date_order" in answers:
            forms.append(answers["date_order"])
        if forms:
            tree["dates"] = {"forms": forms}
        if self.wide:
            tree["rows"] = {"ignore_without_values": True}
        self._answered(fields, answers)
        tree["fields"] = fields
        tree["values"] = [
            entry
            for quantity in self.found
            if (
                entry := quantity.entry(
                    answers, method=self.extra.get("method"), laboratory=self.extra.get("laboratory")
                )
            )
        ]
        return tree

    def _answered(self, fields: dict[str, Any], answers: Mapping[str, str]) -> None:
        """Add to the fields what no column holds."""
        if "position" in answers:
            place = re.split(r"[ ,;]+", answers["position"])
            fields |= dict(
                zip(("longitude", "latitude", "coord_uncertainty_m"), ({"constant": p} for p in place), strict=True)
            )
        if "depth" in answers:
            fields["depth_range"] = {"constant": answers["depth"]}
        if "surface" in answers:
            # A field and no term of the dataset: registered terms would win over the answer about this file.
            fields["surface_convention"] = {"constant": answers["surface"]}
        if "site" in answers:
            fields["site_id"] = self._site_from(answers["site"])

    def _site_from(self, answer: str) -> dict[str, str]:
        if answer == "one":
            return {"constant": "1"}
        if answer == "position":
            x, y = (self.fields[name]["column"] for name in ("longitude", "latitude"))
            return {"template": f"{{{x}}} {{{y}}}"}
        return {"column": answer.removeprefix("column:")}

    def _dataset(self, answers: Mapping[str, str]) -> dict[str, Any]:
        if "licence" in self.extra:
            return {"from_columns": {"licence": self.extra["licence"]}}
        if "licence" not in answers:
            # Terms are registered elsewhere and win; used without them, the mapping publishes no record.
            return {
                "slug": self.name,
                "title": self.title,
                "licence": "not stated",
                "licence_class": "aggregate_only",
            }
        return {"slug": self.name, "title": self.title, "licence": answers["licence"]}


def _has_decimals(column: Column) -> bool:
    return column.share(r"[.,]\d{2,}$") > 0.5
