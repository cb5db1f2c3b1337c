"""Files become frames of text with the row numbers a spreadsheet would show.

Nothing is interpreted here: every cell is the text its author sees. A file that cannot be read as a whole raises
`RefusedFile`, which names the row where it can. Limits are checked before anything is read or unpacked, because a
small file can ask for much memory: a packed workbook, or a sheet with one cell far out.
"""

from app.ingest.readers.files import MAX_BYTES, read_table
from app.ingest.readers.package import MAX_CELLS, UNPACKED_RATIO
from app.ingest.readers.table import MAX_ROWS, ReadingNote, Table, refuse

__all__ = ["MAX_BYTES", "MAX_CELLS", "MAX_ROWS", "UNPACKED_RATIO", "ReadingNote", "Table", "read_table", "refuse"]
