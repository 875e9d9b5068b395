"""What a table may weigh. Everything beyond is refused with the name of the limit, never cut."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The stated limits of one file; all of them inclusive.

    ``cells`` and ``total_characters`` bound the memory of the finished table. ``decoded_bytes`` is what XLSX
    and Parquet may take once decompressed, read from their directories before anything is decoded.
    ``compression_ratio`` is asked of workbooks above 10 MB only, because small repetitive ones compress
    well.
    """

    file_bytes: int = 60_000_000
    rows: int = 200_000
    columns: int = 256
    cells: int = 5_000_000
    cell_characters: int = 1_000_000
    total_characters: int = 200_000_000
    decoded_bytes: int = 300_000_000
    compression_ratio: int = 200


DEFAULT_LIMITS = FileLimits()
