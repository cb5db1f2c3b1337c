"""Rules of reading: what was skipped, assumed or repaired on the way from bytes to rows."""

from app.ingest.rules.rule import ignore_rule, note_rule, row_rule

READING_RULES = (
    note_rule("BYTE_ORDER_MARK", "The text starts with a byte order mark; it is skipped.", "Byte order mark skipped."),
    note_rule(
        "ENCODING_ASSUMED",
        "The text is not UTF-8 and was read in another encoding.",
        "Read as {detail}; first text outside ASCII: {value}.",
        "Check that accented letters are right, or save as UTF-8.",
        severity="warning",
    ),
    note_rule(
        "QUOTE_BACKSLASH",
        "Quotes inside a text are written with a backslash, as R does; they were read as quotes.",
        "{quotes} quotes were written with a backslash.",
    ),
    note_rule(
        "HEADER_EMPTY", "A column has no name; it is not read.", "Column {position} has no name; it is not read."
    ),
    note_rule(
        "HEADER_BELOW",
        "The column names do not stand in the first row; what stands above them is not read.",
        "Column names stand in row {header}; the rows above are not read.",
    ),
    note_rule(
        "COLUMN_UNKNOWN",
        "A column is not part of the schema or mapping; it is not read.",
        "Column is not read; it holds {filled} filled cells.",
    ),
    note_rule(
        "FORMULA_UNCOMPUTED",
        "The sheet has formulas without a stored result; their cells are read as empty.",
        "{cells} formulas have no stored result; their cells are empty.",
        "Open the workbook in a spreadsheet program and save it, so that results are stored.",
        severity="warning",
    ),
    note_rule(
        "CELL_ERROR",
        "The sheet has cells with an error such as #DIV/0!; they are read as empty.",
        "{cells} cells hold an error; they are empty.",
        "Correct the formulas.",
        severity="warning",
    ),
    note_rule(
        "CRS_OF_FILE",
        "Positions are taken in the coordinate reference system that the file itself names.",
        "Positions are in {crs}, as the file says.",
    ),
    note_rule(
        "GEOMETRY_HEIGHT",
        "Points have a height, which is not read.",
        "{features} points have a height; it is not read.",
    ),
    note_rule(
        "COLUMN_NESTED",
        "The cells of a column are lists, records or bytes; it is not read.",
        "Cells of the column are no single values; it is not read.",
        severity="warning",
    ),
    note_rule(
        "TEXT_NORMALISED",
        "Cells held subscripts, superscripts or odd blanks; they were read as plain text, so that codes match each other.",
        "{cells} cells were read without subscripts, superscripts or odd blanks.",
    ),
    note_rule(
        "CONTACTS_LEFT_OUT",
        "The workbook names people and their addresses; that sheet is not read, stored or published.",
        "Sheet {sheet!r} with names and addresses of people is not read.",
    ),
    note_rule(
        "GLOSIS_PROPERTY_UNCLEAR",
        "A heading may mean several properties, and Procedures do not say which; the column is not read.",
        "{heading!r} may be organic or total carbon; it is not read.",
        "Name the property of this heading in the sheet Procedures.",
        severity="warning",
    ),
    row_rule(
        "ROW_RAGGED",
        "The row has another number of fields than the header.",
        "The row has {found} fields, the header {expected}.",
        "Often a text with the delimiter in it lacks its quotes.",
    ),
    ignore_rule("ROW_BLANK", "The row is blank.", "Blank row."),
    ignore_rule(
        "ROW_OUTSIDE",
        "The row lies above or below the table: a title, a note or another table.",
        "The row is no part of the table that is read.",
    ),
    note_rule(
        "TABLE_WIDE",
        "Columns of a wide table were turned into rows, as the mapping says.",
        "{columns} columns of {rows} rows became {layers} rows.",
    ),
    note_rule(
        "MISSING_MARKER",
        "The cell holds a marker for a missing value; it is empty, never a number.",
        "Marker for a missing value.",
    ),
    note_rule("DECIMAL_COMMA", "The numbers of the column have decimal commas.", "Read with decimal commas."),
    ignore_rule(
        "NOT_REFERENCED", "The row of a joined table belongs to no row of the main table.", "No row refers to this one."
    ),
)
