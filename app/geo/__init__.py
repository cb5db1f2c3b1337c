"""Space: reprojection, boxes, cells, tiles and boundaries; no database, no HTTP."""
