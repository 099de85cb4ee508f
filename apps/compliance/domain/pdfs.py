"""A PDF is written anew from what a page needs; what acts is refused; it runs sandboxed."""

import io
import zlib
from collections.abc import Iterator
from itertools import islice

import pikepdf
from pikepdf import Array, Dictionary, Object, Pdf, Stream

from apps.compliance.domain.images import MAX_PIXELS
from apps.compliance.domain.uploads import broken, refused

MAX_PAGES = 30
MAX_PARTS = 60_000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_STREAM_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 1024 * 1024
# Keys and actions that run something, send something, ask another system or carry another file.
ACTIVE = frozenset(
    {
        *("/JavaScript", "/JS", "/Launch", "/EmbeddedFiles", "/EmbeddedFile", "/EF", "/RichMedia"),
        *("/XFA", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/Movie"),
        *("/Sound", "/Screen", "/3D", "/FileAttachment", "/RichMediaExecute"),
    }
)
PAGE_KEYS = frozenset(
    {
        *("/Type", "/Parent", "/Contents", "/Resources", "/MediaBox", "/CropBox", "/BleedBox"),
        *("/TrimBox", "/ArtBox", "/Rotate", "/UserUnit", "/Group", "/Annots"),
    }
)
# What may stay of an annotation is how it looks: no action, no address, no way elsewhere.
ANNOTATION_KEYS = frozenset({"/Type", "/Subtype", "/Rect", "/AP", "/AS", "/F", "/C", "/Border"})
PRIVATE_KEYS = ("/Metadata", "/PieceInfo", "/AF", "/OPI", "/Ref", "/LastModified")
# Filters that unpack: two in a row are a bomb, and LZW is written by nobody any more.
FLATE = frozenset({"/FlateDecode", "/Fl"})
UNPACKING = FLATE | {"/RunLengthDecode", "/RL"}
TEXTUAL = frozenset({"/ASCII85Decode", "/A85", "/ASCIIHexDecode", "/AHx"})
PICTURES = frozenset(
    {"/DCTDecode", "/DCT", "/JPXDecode", "/CCITTFaxDecode", "/CCF", "/JBIG2Decode"}
)


def pdf_rewrite(data: bytes) -> tuple[dict[str, str], bytes]:
    """Return the number of pages and a new PDF of only them: no metadata, no links, no history.

    Raises InvalidInput `file_encrypted`, `file_too_many_pages`, `file_active`, `file_too_complex`
    (more parts, pixels or unpacked bytes than a document of this size has) or `file_broken`.
    """
    pikepdf.settings.set_qpdf_limits(
        parser_max_nesting=50,
        max_stream_filters=3,
        doc_max_warnings=100,
        flate_max_memory=MAX_STREAM_BYTES,
        png_max_memory=MAX_STREAM_BYTES,
        run_length_max_memory=MAX_STREAM_BYTES,
    )
    try:
        with Pdf.open(io.BytesIO(data)) as source, Pdf.new() as target:
            if source.is_encrypted:
                raise _encrypted()
            pages = len(source.pages)
            if not 1 <= pages <= MAX_PAGES:
                raise refused(f"A PDF has 1 to {MAX_PAGES} pages.", "file_too_many_pages")
            _check(source)
            for page in source.pages:
                _keep(page.obj, PAGE_KEYS)
                _strip_annotations(page.obj)
                target.pages.append(page)
            _strip_private(target)
            out = io.BytesIO()
            target.save(out, deterministic_id=True)
    except pikepdf.PasswordError as error:
        raise _encrypted() from error
    except (pikepdf.PikepdfError, zlib.error, ValueError, TypeError, KeyError) as error:
        raise broken() from error
    return {"pages": str(pages)}, out.getvalue()


def _encrypted() -> Exception:
    return refused("The PDF is protected by a password.", "file_encrypted")


def _too_complex() -> Exception:
    return refused("The PDF is too complex to read.", "file_too_complex")


def _parts(pdf: Pdf) -> Iterator[Object]:
    """Yield every array, dictionary and stream of the file, also what no page refers to."""
    waiting = [item for item in pdf.objects if isinstance(item, Array | Dictionary | Stream)]
    seen = 0
    while waiting:
        item = waiting.pop()
        seen += 1
        if seen > MAX_PARTS:
            raise _too_complex()
        yield item
        inner = item if isinstance(item, Array) else dict(item.items()).values()
        waiting.extend(
            part
            for part in islice(iter(inner), MAX_PARTS)
            if isinstance(part, Array | Dictionary) and not part.is_indirect
        )


def _check(pdf: Pdf) -> None:
    unpacked = 0
    for item in _parts(pdf):
        if isinstance(item, Array):
            continue
        kinds = {str(item.get(name, "")) for name in ("/S", "/Subtype", "/Type")}
        if not ACTIVE.isdisjoint(item.keys()) or not ACTIVE.isdisjoint(kinds):
            raise refused("The PDF carries scripts or other files.", "file_active")
        if isinstance(item, Stream):
            unpacked += _unpacked_bytes(item, MAX_UNPACKED_BYTES - unpacked)
            if int(item.get("/Width", 0)) * int(item.get("/Height", 0)) > MAX_PIXELS:
                raise _too_complex()


def _unpacked_bytes(stream: Stream, left: int) -> int:
    """Return how many bytes the stream unpacks to, counted and not believed."""
    found = stream.get("/Filter", Array())
    filters = [str(name) for name in found] if isinstance(found, Array) else [str(found)]
    packed = [name for name in filters if name in UNPACKING]
    if not set(filters) <= UNPACKING | TEXTUAL | PICTURES or len(packed) > 1:
        raise _too_complex()
    if not packed:
        return 0
    if filters[0] in FLATE:
        size = _flate_bytes(stream.read_raw_bytes(), left)
    else:
        size = len(stream.read_bytes())
    if size > left:
        raise _too_complex()
    return size


def _flate_bytes(packed: bytes, left: int) -> int:
    """Count piece by piece, and stop just beyond what is left."""
    unpacker, size = zlib.decompressobj(), 0
    while packed and size <= left:
        size += len(unpacker.decompress(packed, PIECE_BYTES))
        packed = unpacker.unconsumed_tail
    return size


def _keep(item: Object, keys: frozenset[str]) -> None:
    for name in set(item.keys()) - keys:
        del item[name]


def _strip_annotations(page: Object) -> None:
    for annotation in page.get("/Annots", Array()):
        _keep(annotation, ANNOTATION_KEYS)


def _strip_private(pdf: Pdf) -> None:
    for item in _parts(pdf):
        if not isinstance(item, Array):
            for name in PRIVATE_KEYS:
                if name in item:
                    del item[name]
