"""Files that an attacker would upload, made here byte by byte; nothing hostile is stored."""

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from apps.compliance.providers.malware import EICAR
from tests.compliance.factories import image_bytes

SCRIPT = b"<script>alert(document.domain)</script>"
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">'
    b"<foreignObject>" + SCRIPT + b"</foreignObject></svg>"
)
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">'
    b'<!ENTITY % d SYSTEM "http://127.0.0.1:9/d">%d;]><r>&x;</r>'
)


def pdf_bytes(
    pages: int = 1, change: Callable[[Pdf], object] = lambda pdf: None, **options: Any
) -> bytes:
    """Return a PDF of blank pages; `change` may put into it what should not be there."""
    out = io.BytesIO()
    with Pdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(300, 400))
        change(pdf)
        pdf.save(out, **{"compress_streams": False, **options})
    return out.getvalue()


def action(kind: str, **parts: Any) -> Dictionary:
    return Dictionary(Type=Name.Action, S=Name(f"/{kind}"), **parts)


def pdf_with_action(kind: str, **parts: Any) -> bytes:
    return pdf_bytes(change=lambda pdf: pdf.Root.__setitem__("/OpenAction", action(kind, **parts)))


def pdf_with_attachment() -> bytes:
    def attach(pdf: Pdf) -> None:
        pdf.attachments["x.exe"] = b"MZ hello"

    return pdf_bytes(change=attach)


def pdf_with_form_of_xml() -> bytes:
    def add(pdf: Pdf) -> None:
        pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(XXE))

    return pdf_bytes(change=add)


def pdf_with_metadata() -> bytes:
    """Return XMP that asks a parser for a file, on the document and on the page, and a link."""

    def add(pdf: Pdf) -> None:
        pdf.Root.Metadata = pdf.make_stream(XXE, Type=Name.Metadata, Subtype=Name.XML)
        pdf.docinfo["/Author"] = "Home Address 12"
        page = pdf.pages[0]
        page.obj.Metadata = pdf.make_stream(XXE)
        page.obj.AA = Dictionary(O=action("URI", URI="https://evil.example/opened"))
        link = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Link,
            Rect=Array([0, 0, 9, 9]),
            A=action("URI", URI="https://evil.example/"),
        )
        page.obj.Annots = Array([pdf.make_indirect(link)])

    return pdf_bytes(change=add)


def pdf_with_hidden_name() -> bytes:
    """Return JavaScript under a name with an escaped letter."""
    plain = pdf_with_action("JavaScript", JS="app.alert(1)")
    assert b"/JavaScript" in plain
    return plain.replace(b"/JavaScript", b"/Java#53cript")


def zeros_packed(megabytes: int) -> bytes:
    """Return a deflate stream of zeros, quickly: one megabyte packed, again and again."""
    packer = zlib.compressobj(9)
    first, again = (
        packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    return first + again * (megabytes - 1)


def pdf_bomb(*, layers: int = 1, megabytes: int = 400) -> bytes:
    """Return one page whose content unpacks to that many megabytes of zeros."""
    packed = zeros_packed(megabytes)
    if layers == 2:
        packed = zlib.compress(packed, 9)

    def add(pdf: Pdf) -> None:
        stream = pdf.make_stream(b"")
        stream.write(packed, filter=Array([Name.FlateDecode] * layers))
        pdf.pages[0].obj.Contents = stream

    return pdf_bytes(change=add)


def pdf_of_many_objects(count: int = 70_000) -> bytes:
    return pdf_bytes(
        change=lambda pdf: pdf.Root.__setitem__("/X", Array([Array() for _ in range(count)]))
    )


def pdf_nested(depth: int = 20_000) -> bytes:
    return pdf_bytes().replace(b"/Type /Catalog", b"/X " + b"[" * depth + b"]" * depth)


def pdf_that_points_at_itself() -> bytes:
    """Return a PDF whose page tree has itself as a child."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\n"
        b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000052 00000 n \n"
        b"trailer<</Size 3/Root 1 0 R>>\nstartxref\n101\n%%EOF"
    )


def pdf_protected(user: str) -> bytes:
    return pdf_bytes(encryption=pikepdf.Encryption(owner="owner", user=user))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!L", len(data)) + kind + data + struct.pack("!L", zlib.crc32(kind + data))


def png_of(width: int, height: int, rows: bytes) -> bytes:
    head = struct.pack("!LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def png_flood() -> bytes:
    """Return 144 megapixels of black: 432 megabytes from half a megabyte."""
    return png_of(12_000, 12_000, zeros_packed(433))


def png_large(width: int, height: int) -> bytes:
    """Return a valid picture of black."""
    packer, row = zlib.compressobj(1), bytes(1 + width * 3)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_of(width, height, rows)


def jpeg_that_claims(width: int, height: int) -> bytes:
    """Return a small JPEG whose header says it is huge."""
    data = bytearray(image_bytes())
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack("!HH", height, width)
    return bytes(data)


def png_with_text_bomb() -> bytes:
    text = b"Comment\0\0" + zeros_packed(300)
    plain = image_bytes("PNG")
    return plain[:33] + chunk(b"zTXt", text) + plain[33:]


def animated_png() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (200, 200), colour) for colour in ("teal", "red", "blue")]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    return out.getvalue()


def multi_picture_jpeg() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (200, 200), colour) for colour in ("teal", "red")]
    frames[0].save(out, "MPO", save_all=True, append_images=frames[1:])
    return out.getvalue()


def photo_with_whereabouts() -> bytes:
    """Return a JPEG as a telephone makes it: camera, place, comment, XMP, profile."""
    exif = Image.Exif()
    exif[0x010E] = "12 Home Street"
    exif[0x0110] = "CameraModel X"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    return image_bytes(
        exif=exif,
        comment=b"taken at home",
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>GPSLatitude</x:xmpmeta>",
        icc_profile=b"named profile of the owner",
    )


def archive(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in names.items():
            file.writestr(name, data)
    return out.getvalue()


def zip_bomb() -> bytes:
    return archive({f"{number}.bin": bytes(20_000_000) for number in range(5)})


def zip_of_many_files() -> bytes:
    return archive({f"{number}": b"" for number in range(20_000)})


def zip_with_symlink() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        link = zipfile.ZipInfo("passport.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    return out.getvalue()


def tar_with_symlink() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        link = tarfile.TarInfo("passport.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    return out.getvalue()


def office_file(kind: str) -> bytes:
    """Return a docx or xlsx with an external entity in its main part."""
    part = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}[kind]
    return archive({"[Content_Types].xml": XXE, part: XXE, "xl/bomb.xml": bytes(10_000_000)})


def infected_pdf() -> bytes:
    return pdf_bytes() + EICAR
