"""Rules of a file as a whole: whether it can be read at all."""

from app.ingest.rules.rule import file_rule

FILE_RULES = (
    file_rule("FILE_NOT_FOUND", "The file, or a file that the mapping joins to it, is not there.", "Check the path."),
    file_rule(
        "FILE_TOO_LARGE",
        "The file is larger than the limit; it is refused before it is read.",
        "Split it by site, or ask the operator to raise OBSERVATORY_MAX_UPLOAD_MB.",
    ),
    file_rule("FILE_EMPTY", "The file, or the sheet, holds nothing.", "Check the export that made it."),
    file_rule("HEADER_ONLY", "There is a header but no row below it.", "Check the export that made it."),
    file_rule(
        "FORMAT_UNSUPPORTED",
        "The file is no text table and no XLSX workbook.",
        "Save it as CSV (UTF-8) or as XLSX.",
    ),
    file_rule(
        "NOT_XLSX",
        "The file is named .xlsx but its content is something else.",
        "Open it in a spreadsheet program and save it as XLSX.",
    ),
    file_rule(
        "CONTENT_MISMATCH",
        "The name promises another format than the content is.",
        "Export it again from the program that made it, or give it the ending of its format.",
    ),
    file_rule("XLSX_BROKEN", "The workbook is damaged or incomplete.", "Open it, repair it and save it again."),
    file_rule(
        "PACKAGE_UNSAFE",
        "The workbook's package is encrypted, packed beyond reason, holds more than it says, or names parts outside of itself.",
        "Open it in a spreadsheet program and save it anew, without a password.",
    ),
    file_rule(
        "XML_UNSAFE",
        "The workbook's XML declares a document type or entities, or is not UTF-8: no spreadsheet program writes that.",
        "Open it in a spreadsheet program and save it anew.",
    ),
    file_rule(
        "GEOFILE_BROKEN",
        "The GeoJSON, GeoPackage, Shapefile or GeoParquet file is damaged or incomplete.",
        "Open it in a geographic information system and export it again.",
    ),
    file_rule(
        "GEOFILE_UNSAFE",
        "A layer of the GeoPackage is a view, a virtual table or has computed columns: it is not stored features.",
        "Export the layer as features into a new GeoPackage.",
    ),
    file_rule(
        "CRS_MIXED",
        "Features of one file are in several coordinate reference systems.",
        "Transform all features to one system, or import one file per system.",
    ),
    file_rule(
        "CRS_UNKNOWN",
        "The coordinate reference system that the file names is not known, or stands outside of the file.",
        "Export it in a system with an EPSG code; EPSG:4326 is always right.",
    ),
    file_rule(
        "CRS_MISSING",
        "Positions are taken from a geometry, and neither the file nor the mapping says in which coordinate reference system.",
        "Add the .prj, or declare position.crs in the mapping.",
    ),
    file_rule(
        "CRS_CONFLICT",
        "The mapping declares another coordinate reference system than the file itself.",
        "Correct the one that is wrong; none is taken by guess.",
    ),
    file_rule(
        "GLOSIS_SHEETS_DIFFER",
        "A workbook that the Observatory wrote was changed: `Specimen Data` and `Observatory` hold different numbers.",
        "Change both sheets alike, or delete the sheet Observatory to import the others as they are.",
    ),
    file_rule(
        "SHEET_MISSING",
        "The workbook has no sheet of the name that the mapping asks for, or no sheet with the required columns.",
        "Name the sheet, or put the column names into row 1 of a sheet.",
    ),
    file_rule(
        "SHEET_TOO_LARGE",
        "The sheet spans more cells than the limit, often because of one stray cell far out.",
        "Delete empty rows and columns behind the table.",
    ),
    file_rule(
        "ROWS_TOO_MANY",
        "The table has more than 5,000,000 rows; it is refused before they are held.",
        "Split it by site.",
    ),
    file_rule("NUL_BYTES", "The text holds NUL bytes: it is binary, or cut off.", "Export it again as CSV (UTF-8)."),
    file_rule(
        "ENCODING_UNKNOWN",
        "The bytes are not text in the declared encoding, in UTF-8 or in Windows-1252.",
        "Save it as CSV (UTF-8).",
    ),
    file_rule("QUOTE_UNCLOSED", "A quoted text is opened and never closed.", "Close the quote, or remove it."),
    file_rule(
        "QUOTE_STRAY",
        'A quote (") stands inside a text that is not quoted.',
        'Put the whole text in quotes and double the quote inside: "9"" core".',
    ),
    file_rule(
        "DELIMITER_UNKNOWN",
        "The header holds none of the delimiters comma, semicolon, tab or |.",
        "Save it as CSV with one of these delimiters.",
    ),
    file_rule(
        "ROWS_RAGGED",
        "Most rows have another number of fields than the header.",
        "Often the decimal comma is also the delimiter: save with semicolons, or with decimal points.",
    ),
    file_rule("HEADER_DUPLICATE", "A column name occurs twice.", "Rename or remove one of the columns."),
    file_rule(
        "HEADER_MISMATCH",
        "The row declared for the column names is empty, or more columns are declared than there are.",
        "Correct header_row or columns in the mapping.",
    ),
    file_rule(
        "COLUMNS_MISSING",
        "Required columns are missing.",
        "Add the columns, or choose the mapping that describes this file.",
    ),
    file_rule(
        "DATASET_MIXED",
        "A column that describes the whole dataset (licence, project, design …) holds several values.",
        "Import one file per dataset.",
    ),
    file_rule(
        "DATASET_INVALID",
        "A column that describes the whole dataset holds a word that is not allowed.",
        "Use one of the words named.",
    ),
    file_rule(
        "LICENCE_UNKNOWN",
        "The licence is missing, or is not one whose terms we know.",
        "Use an SPDX identifier such as CC-BY-4.0 or CC0-1.0.",
    ),
)
