"""What may be uploaded as evidence: decided by content, within bounds, and cleaned."""

import io
import warnings
from dataclasses import dataclass

import puremagic
from PIL import Image, ImageOps
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import DictionaryObject

from apps.core.errors import InvalidInput

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 40_000_000
MIN_SIDE_PIXELS = 100
MAX_PAGES = 30
IMAGE_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}
MAGIC = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "application/pdf": b"%PDF-",
}
# Names of a PDF's parts that run something or carry another file.
ACTIVE = ("/JavaScript", "/JS", "/Launch", "/EmbeddedFiles", "/RichMedia", "/XFA")


@dataclass(frozen=True)
class CleanFile:
    content: bytes
    media_type: str


def upload_clean(data: bytes) -> CleanFile:
    """Return the bytes to keep: an image is drawn anew, without metadata or anything appended.

    The type is found from the content.  Raises InvalidInput with the field `file` for an empty or
    large file, another type, a broken or too large image, an encrypted, active or long PDF.
    """
    if not data:
        raise _refused("The file is empty.", "file_empty")
    if len(data) > MAX_BYTES:
        raise _refused("The file is larger than 8 MB.", "file_too_large")
    media_type = _sniff(data)
    if media_type == "application/pdf":
        _check_pdf(data)
        return CleanFile(data, media_type)
    return CleanFile(_redraw(data, IMAGE_FORMATS[media_type]), media_type)


def _refused(message: str, code: str) -> InvalidInput:
    return InvalidInput(message, code=code, field="file")


def _sniff(data: bytes) -> str:
    """Return the type that both puremagic and the first bytes name: no polyglot passes."""
    try:
        guess = puremagic.from_string(data, mime=True)
    except (puremagic.PureError, ValueError):
        guess = ""
    found = next((kind for kind, magic in MAGIC.items() if data.startswith(magic)), "")
    if not found or guess not in {found, ""}:
        raise _refused("Only JPEG, PNG and PDF files are taken.", "file_type")
    return found


def _redraw(data: bytes, kind: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=[kind])
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise _refused("The picture has too many pixels.", "file_too_many_pixels")
            if min(width, height) < MIN_SIDE_PIXELS:
                raise _refused("The picture is too small to read.", "file_too_few_pixels")
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused("The picture has too many pixels.", "file_too_many_pixels") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _refused("The picture is broken.", "file_broken") from error
    mode = "L" if upright.mode in {"1", "L", "I;16", "LA"} else "RGB"
    plain = Image.new(mode, upright.size, "white")
    plain.paste(upright.convert(mode))
    out = io.BytesIO()
    plain.save(out, kind, **({"quality": 90} if kind == "JPEG" else {"optimize": False}))
    return out.getvalue()


def _check_pdf(data: bytes) -> None:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise _refused("The PDF is protected by a password.", "file_encrypted")
        pages = len(reader.pages)
        active = _has_active_content(reader)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused("The PDF is broken.", "file_broken") from error
    if not 1 <= pages <= MAX_PAGES:
        raise _refused(f"A PDF has 1 to {MAX_PAGES} pages.", "file_too_many_pages")
    if active:
        raise _refused("The PDF carries scripts or other files.", "file_active")


def _has_active_content(reader: PdfReader) -> bool:
    """Look into every object that the cross-reference table names."""
    for number in range(1, int(str(reader.trailer.get("/Size", 0)))):
        item = reader.get_object(number)
        if not isinstance(item, DictionaryObject):
            continue
        if any(name in item for name in ACTIVE) or item.get("/S") in ACTIVE:
            return True
    return False
