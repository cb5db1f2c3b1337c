"""How soil tables name their columns, in English, French, Spanish, Portuguese and German: data, not code.

Each entry is written as `headings.phrase` writes a heading: small letters, no accents, one space between words, without
its unit. A heading is recognised when it is one of these whole; a word inside another heading is no evidence.
"""

from collections.abc import Mapping
from types import MappingProxyType

_PROPERTIES: dict[str, str] = {
    "soc": "soc|oc|orgc|org c|c org|corg|toc|soil organic carbon|organic carbon|organic c|total organic carbon|"
    "soc content|oc content|organic carbon content|soil organic carbon content|percent soc|percent oc|"
    "carbone organique|c organique|cot|carbone organique total|teneur en carbone organique|carbone org|corganique|"
    "carbono organico|carbono organico total|c organico|cos|carbono organico del suelo|carbono organico do solo|"
    "carbono org|corganico|organischer kohlenstoff|organischer kohlenstoffgehalt|corg gehalt|toc gehalt|"
    "organisch gebundener kohlenstoff",
    "total_c": "total carbon|total c|tc|c tot|ctot|totc|c total|carbone total|carbono total|gesamtkohlenstoff|cges|"
    "c gesamt|kohlenstoff gesamt|percent total c",
    "inorganic_c": "inorganic carbon|inorganic c|tic|cinorg|c inorg|total inorganic carbon|carbone inorganique|"
    "carbone mineral|carbono inorganico|anorganischer kohlenstoff|canorg",
    "caco3": "caco3|calcium carbonate|calcium carbonate equivalent|carbonate|carbonates|cce|calcaire total|calcaire|"
    "calcaire tot|carbonato de calcio|carbonatos|carbonatos totales|carbonat|carbonatgehalt|kalkgehalt|tceq",
    "organic_matter": "organic matter|soil organic matter|som|om|organic matter content|matiere organique|"
    "matieres organiques|materia organica|materia organica do solo|materia organica del suelo|organische substanz|"
    "humus|humusgehalt|mos",
    "total_n": "total nitrogen|total n|tn|ntot|n tot|n total|nt|totn|nitrogen|soil nitrogen|azote|azote total|"
    "nitrogeno|nitrogeno total|nitrogenio|nitrogenio total|stickstoff|gesamtstickstoff|nges|n gesamt|nitkjd|"
    "kjeldahl n|kjeldahl nitrogen|percent n|percent total n",
    "bulk_density": "bulk density|bulkdensity|bd|bulk dens|soil bulk density|dry bulk density|densite apparente|"
    "densite|masse volumique|masse volumique apparente|densidad aparente|dap|densidad ap|densidade|densidade do solo|"
    "densidade aparente|lagerungsdichte|trockenrohdichte|rohdichte trocken|rohdichte|trd|db|dens apparente",
    "bulk_density_fine_earth": "bulk density fine earth|fine earth bulk density|bd fine|bd fine earth|bdfe|bdfi|bdfiod|"
    "densite apparente terre fine|densidad aparente tierra fina|densidade da terra fina|feinbodendichte",
    "bulk_density_whole": "bulk density whole soil|whole soil bulk density|bd whole|bdws|bdwsod|bulk density whole|"
    "densite apparente totale|densidade do solo total",
    "coarse_fragments": "coarse fragments|coarse fragment|coarse|cf|rock fragments|rock fragment content|gravel|stones|"
    "stone content|stoniness|coarse fragment content|elements grossiers|eg|refus|fragmentos gruesos|gravas|esqueleto|"
    "fragmentos grossos|cascalho|grobboden|grobanteil|skelett|skelettgehalt|bodenskelett|steingehalt|steine",
    "coarse_fragments_volume": "coarse fragments volume|coarse vol|cf vol|cfvo|rock fragments volume|"
    "coarse fragments by volume|elements grossiers volume|skelettgehalt volumen",
    "coarse_fragments_mass": "coarse fragments mass|coarse fragments weight|cf mass|cf wt|cfgr|gravel mass|"
    "coarse fragments by mass|elements grossiers masse|skelettgehalt masse",
    "clay": "clay|clay content|clay total|total clay|percent clay|argile|argiles|arcilla|arcillas|argila|argila total|"
    "ton|tongehalt|clay frac|clay fraction",
    "silt": "silt|silt content|silt total|total silt|percent silt|limon|limons|limon total|limons totaux|limo|limos|silte|"
    "silte total|schluff|schluffgehalt|silt fraction",
    "sand": "sand|sand content|sand total|total sand|percent sand|sable|sables|sable total|sables totaux|arena|arenas|"
    "areia|areia total|sandgehalt|sand fraction",
    "ph_h2o": "ph h2o|phh2o|ph water|ph in water|ph w|phw|ph in h2o|ph eau|pheau|ph agua|ph en agua|ph em agua|"
    "ph wasser|phaq|ph aq",
    "ph_cacl2": "ph cacl2|phcacl2|ph cacl|ph ca|phca|ph in cacl2",
    "ph_kcl": "ph kcl|phkcl|ph in kcl|phkc",
    "ph": "ph|soil ph|ph value|ph wert|ph do solo|ph del suelo|ph du sol",
    "ec": "ec|electrical conductivity|conductivity|soil ec|ec 1 5|ec 1 2 5|conductivite|conductivite electrique|"
    "conductividad|conductividad electrica|condutividade|condutividade eletrica|elektrische leitfahigkeit|"
    "leitfahigkeit",
    "cec": "cec|cation exchange capacity|cec ph7|capacite d echange cationique|capacite d echange|"
    "capacidad de intercambio cationico|cic|capacidade de troca de cations|capacidade de troca cationica|ctc|"
    "kationenaustauschkapazitat|kak|kakpot",
    "porosity": "porosity|total porosity|porosite|porosite totale|porosidad|porosidad total|porosidade|"
    "porosidade total|porenvolumen|gesamtporenvolumen",
    "soc_stock_reported": "soc stock|carbon stock|c stock|soc stocks|carbon stocks|cstock|socstock|soil carbon stock|"
    "soil organic carbon stock|stock de carbone|stock c|stock carbone|stock cos|stock de carbono|reserva de carbono|"
    "estoque de carbono|estoque c|estoque de c|kohlenstoffvorrat|c vorrat|corg vorrat",
}

_AMBIGUOUS: dict[str, str] = {
    "carbon": "carbon|c|carbon content|soil carbon|c content|c percent|percent c|carbone|carbono|kohlenstoff|"
    "kohlenstoffgehalt|c gehalt|teneur en carbone|co",
    "organic": "mo|loi|loss on ignition|perte au feu|gluhverlust|perda por ignicao|perdida por ignicion",
}
"""Headings that stand for different things in different tables: only the owner can say which."""

_FIELDS: dict[str, str] = {
    "site_id": "site id|site|siteid|site code|site no|site number|station|station id|location id|plot id|plot|plotid|"
    "plot no|plot code|point id|point|pointid|point no|sampling point|sampling site|id site|code site|parcelle|"
    "id parcelle|code parcelle|point de prelevement|placette|sitio|id sitio|sitio id|codigo sitio|parcela|id parcela|"
    "punto|id punto|punto de muestreo|ponto|id ponto|ponto id|ponto de coleta|ponto de amostragem|standort|"
    "standort id|standortnr|standort nr|parzelle|messpunkt|punkt|punkt id|punkt nr|main plot",
    "site_name": "site name|location name|location|nom du site|lieu dit|lieu|nombre del sitio|localidad|localidade|"
    "standortname|ort",
    "profile_id": "profile id|profile|profileid|profile code|profile no|pedon|pedon id|pedonid|pit|pit id|core|core id|"
    "coreid|profil|profil id|id profil|profil nr|profilnr|profil no|fosse|sondage|perfil|perfil id|id perfil|"
    "calicata|trincheira|bohrung",
    "layer_id": "layer id|layerid|sample id|sampleid|sample|sample no|sample number|sample code|lab no|lab id|lab number|"
    "labid|horizon id|horizon number|echantillon|id echantillon|code echantillon|no echantillon|muestra|id muestra|"
    "codigo muestra|amostra|id amostra|amostra id|codigo amostra|probe|probe nr|probennummer|probennr|proben id|"
    "proben nr",
    "replicate": "replicate|rep|repetition|repeticion|repeticao|wiederholung|sub plot|subplot|subsample",
    "cluster": "cluster|farm|farm id|transect|exploitation|ferme|finca|fazenda|betrieb",
    "longitude": "longitude|lon|long|lng|longitude dd|lon dd|long dd|longitude wgs84|lon wgs84|gps lon|gps long|"
    "gps longitude|decimal longitude|decimallongitude|x lon|x wgs84|longitud|longitude x|geographische lange|lange|"
    "langengrad|geo lange|geometry x",
    "latitude": "latitude|lat|latitude dd|lat dd|latitude wgs84|lat wgs84|gps lat|gps latitude|decimal latitude|"
    "decimallatitude|y lat|y wgs84|latitud|latitude y|geographische breite|breite|breitengrad|geo breite|geometry y",
    "easting": "easting|east|x|x coord|xcoord|coord x|coordx|x coordinate|utm x|utm e|utme|utm easting|xutm|x utm|este|"
    "coordenada x|coord este|utm este|rechtswert|ostwert|ost|est|x lambert|x l93|x lambert93|lambert x|coordenada e",
    "northing": "northing|north|y|y coord|ycoord|coord y|coordy|y coordinate|utm y|utm n|utmn|utm northing|yutm|y utm|"
    "norte|coordenada y|coord norte|utm norte|hochwert|nordwert|nord|y lambert|y l93|y lambert93|lambert y|"
    "coordenada n",
    "coord_uncertainty_m": "coord uncertainty|coordinate uncertainty|position uncertainty|gps accuracy|gps error|"
    "coordinate uncertainty in meters|coordinateuncertaintyinmeters|precision gps|precision coord",
    "country_code": "country|country code|countrycode|country iso|iso|iso2|iso a2|iso code|pays|code pays|pais|pais id|"
    "codigo pais|staat|land|nuts 0",
    "sampling_date": "date|sampling date|sample date|sampledate|samplingdate|date sampled|collection date|"
    "date collected|date of sampling|observation date|survey date|date prelevement|date de prelevement|"
    "date echantillonnage|date d echantillonnage|fecha|fecha muestreo|fecha de muestreo|fecha toma|data|data coleta|"
    "data da coleta|data de coleta|data amostragem|data da amostragem|datum|probenahmedatum|entnahmedatum|"
    "datum der probenahme|probenahme",
    "year": "year|sampling year|sample year|year sampled|survey year|year of sampling|annee|annee prelevement|"
    "annee de prelevement|ano|anio|ano de muestreo|ano de coleta|ano coleta|jahr|probenahmejahr|entnahmejahr",
    "campaign": "campaign|campagne|campana|campanha|kampagne|survey",
    "top_cm": "top|top depth|depth top|upper|upper depth|depth upper|udepth|depth from|from|from depth|start depth|"
    "depth start|depth min|min depth|upper limit|upper boundary|horizon top|layer top|z top|ztop|hzdept|depth 1 upper|"
    "profondeur sup|profondeur superieure|profondeur haut|profondeur min|prof sup|prof haut|prof min|limite sup|"
    "limite superieure|de|profondeur debut|profundidad superior|profundidad sup|profundidad inicial|profundidad desde|"
    "limite superior|desde|profundidade superior|profundidade inicial|profund sup|prof inicial|profundidade sup|"
    "von|tiefe von|obertiefe|oberkante|tiefe oben|obergrenze|ok",
    "bottom_cm": "bottom|bottom depth|depth bottom|lower|lower depth|depth lower|ldepth|depth to|to|to depth|end depth|"
    "depth end|depth max|max depth|lower limit|lower boundary|horizon bottom|layer bottom|z bottom|zbottom|hzdepb|"
    "bot|depth bot|profondeur inf|profondeur inferieure|profondeur bas|profondeur max|prof inf|prof bas|prof max|"
    "limite inf|limite inferieure|a|profondeur fin|profundidad inferior|profundidad inf|profundidad final|"
    "profundidad hasta|limite inferior|hasta|profundidade inferior|profundidade final|profund inf|prof final|"
    "profundidade inf|ate|bis|tiefe bis|untertiefe|unterkante|tiefe unten|untergrenze|uk",
    "depth": "depth|depth interval|depth range|depth class|depth layer|layer|layer depth|soil depth|sampling depth|"
    "sample depth|horizon depth|depth cm|profondeur|prof|couche|horizon profondeur|intervalle|profundidad|"
    "intervalo|capa|profundidade|camada|tiefe|tiefenstufe|bodentiefe|schicht|entnahmetiefe",
    "middle_cm": "mid depth|middepth|midpoint|depth mid|mean depth|middle depth|depth midpoint|profondeur moyenne|"
    "prof moyenne|profundidad media|profundidade media|mitteltiefe|mittlere tiefe|tiefe mitte",
    "thickness_cm": "thickness|layer thickness|horizon thickness|epaisseur|espesor|espessura|machtigkeit|dicke",
    "horizon": "horizon|hor|hz|hzn|hzname|horizon name|horizon designation|designation|horizonte|horizont|"
    "horizontbezeichnung|nom horizon|nombre horizonte",
    "land_use": "land use|landuse|lu|land use code|occupation du sol|usage du sol|usage|occupation|uso del suelo|"
    "uso de la tierra|uso do solo|uso da terra|uso|landnutzung|nutzung|bodennutzung|land cover|land use type",
    "management": "management|treatment|traitement|gestion|manejo|tratamiento|tratamento|bewirtschaftung|behandlung|"
    "crop|culture|cultivo|cultura|kultur",
    "rock_depth_cm": "bedrock depth|rock depth|depth to bedrock|profondeur roche|profundidad roca",
    "wrb": "wrb|wrb group|wrb reference group|reference soil group|soil type wrb",
    "usda": "usda|soil taxonomy|usda order|taxonomy order",
    "remarks": "remarks|remark|comments|comment|notes|note|note id|remarque|remarques|commentaire|commentaires|observaciones|"
    "observacoes|obs|comentarios|notas|bemerkung|bemerkungen|anmerkung|anmerkungen|kommentar",
    "laboratory": "lab|laboratory|laboratoire|laboratorio|labor",
    "method": "soc method|oc method|carbon method|method|methode|metodo|analysis method|analytical method|"
    "methode c|metodo c",
    "soc_unit": "soc unit|oc unit|carbon unit|unit soc|unit|units|unite|unidad|unidade|einheit",
    "licence": "licence|license|lizenz|licencia|licenca",
}

RISKY: frozenset[str] = frozenset({"a", "de", "c", "co", "mo", "om", "eg", "to", "cf", "n", "x", "y", "bd", "db", "ton", "ok", "uk", "est", "ost", "or", "nt", "tn", "tc", "oc"})  # fmt: skip
"""Headings so short that they are believed only where their values, or a column beside them, agree."""


def _by_phrase(table: Mapping[str, str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for meaning, phrases in table.items():
        for phrase in phrases.split("|"):
            if found.setdefault(phrase, meaning) != meaning:
                raise ValueError(f"{phrase!r} stands for {found[phrase]} and for {meaning}")
    return MappingProxyType(found)


PROPERTY_WORDS: Mapping[str, str] = _by_phrase(_PROPERTIES)
"""Headings of measured values, and the property each is."""
AMBIGUOUS_WORDS: Mapping[str, str] = _by_phrase(_AMBIGUOUS)
FIELD_WORDS: Mapping[str, str] = _by_phrase(_FIELDS)
"""Headings of places, dates and depths, and the field each is."""

LAND_USE_CODES = frozenset(
    {
        "AA",
        "AP",
        "AT",
        "A",
        "M",
        "H",
        "HE",
        "HI",
        "F",
        "FN",
        "FP",
        "P",
        "PN",
        "PD",
        "S",
        "SR",
        "SI",
        "SC",
        "SX",
        "Y",
        "U",
    }
)
"""Land uses by FAO (2006), as far as they are written in columns."""
