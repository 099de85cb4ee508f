"""What may be uploaded as evidence, and within which bounds."""

from apps.core.errors import InvalidInput
from apps.infrastructure.sandbox import Bounds

MAX_BYTES = 8 * 1024 * 1024
# What one client may keep with the firm, quarantine included.
MAX_FILES = 40
MAX_TOTAL_BYTES = 100 * 1024 * 1024
QUARANTINE_DAYS = 90
MAGIC = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "application/pdf": b"%PDF-",
}
# What reads and rewrites a type; named, because only a sandboxed process loads it.
CLEANERS = {
    "image/jpeg": "apps.compliance.domain.images:jpeg_redraw",
    "image/png": "apps.compliance.domain.images:png_redraw",
    "application/pdf": "apps.compliance.domain.pdfs:pdf_rewrite",
}
# One gigabyte of address space holds the interpreter and the largest picture twice.
BOUNDS = Bounds(cpu_seconds=4, wall_seconds=12, memory_bytes=1024**3, output_bytes=24 * 1024**2)


def refused(message: str, code: str) -> InvalidInput:
    return InvalidInput(message, code=code, field="file")


def broken() -> InvalidInput:
    return refused("The file is broken or cannot be read.", "file_broken")


def check_size(data: bytes) -> None:
    """Raise InvalidInput `file_empty` or `file_too_large`."""
    if not data:
        raise refused("The file is empty.", "file_empty")
    if len(data) > MAX_BYTES:
        raise refused("The file is larger than 8 MB.", "file_too_large")


def media_type_of(data: bytes) -> str:
    """Return the type that the first bytes name; raises InvalidInput `file_type`.

    Only three types are taken and each is rewritten, so nothing is guessed: archives, office files,
    SVG and other XML are refused unread.
    """
    found = next((kind for kind, magic in MAGIC.items() if data.startswith(magic)), "")
    if not found:
        raise refused("Only JPEG, PNG and PDF files are taken.", "file_type")
    return found
