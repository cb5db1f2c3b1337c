"""Soil Health Observatory: soil observations in, audited soil organic carbon indicators out."""
