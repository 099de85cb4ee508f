"""What clients upload as evidence: refused or made anew, in bounded time and memory."""

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from apps.compliance.domain.images import KEPT_PIXELS
from apps.compliance.domain.pdfs import MAX_PAGES
from apps.compliance.domain.uploads import CLEANERS, MAX_BYTES, check_size, media_type_of
from apps.compliance.services.documents import file_clean
from apps.core.errors import InvalidInput
from tests.compliance import hostile
from tests.compliance.factories import image_bytes

ROOT = Path(__file__).resolve().parents[2]


def clean(data: bytes) -> tuple[str, bytes]:
    """Make the file anew as the sandboxed process does, in this one: it costs no start."""
    media_type = media_type_of(data)
    module, _, name = CLEANERS[media_type].partition(":")
    _, content = getattr(import_module(module), name)(data)
    return media_type, content


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        clean(data)
    assert refused.value.facts == {"field": "file"}
    return refused.value.code


def redrawn(data: bytes) -> Image.Image:
    media_type, content = clean(data)
    image = Image.open(io.BytesIO(content))
    image.load()
    assert media_type == f"image/{str(image.format).lower()}"
    return image


def test_file_that_is_empty_or_too_large_is_refused() -> None:
    for data, code in ((b"", "file_empty"), (b"\xff\xd8\xff" + bytes(MAX_BYTES), "file_too_large")):
        with pytest.raises(InvalidInput) as refused:
            check_size(data)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: b"MZ\x90\0" + bytes(100), "file_type"),
        (lambda: b"<html>" + hostile.SCRIPT, "file_type"),
        (lambda: image_bytes("GIF"), "file_type"),
        (lambda: image_bytes("TIFF"), "file_type"),
        (lambda: b"  " + image_bytes(), "file_type"),
        (lambda: image_bytes()[:300], "file_broken"),
        (lambda: image_bytes("PNG")[:60], "file_broken"),
        (lambda: b"\xff\xd8\xff" + bytes(100), "file_broken"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "file_broken"),
        (lambda: b"\xff\xd8\xff" + hostile.pdf_bytes(), "file_broken"),
        (lambda: image_bytes("PNG", (50, 500)), "file_too_few_pixels"),
        (lambda: b"%PDF-1.7 nothing more", "file_broken"),
        (lambda: hostile.pdf_bytes(0), "file_broken"),
        (lambda: hostile.pdf_bytes(MAX_PAGES + 1), "file_too_many_pages"),
        (lambda: hostile.pdf_protected("secret"), "file_encrypted"),
        (lambda: hostile.pdf_protected(""), "file_encrypted"),
        (hostile.pdf_that_points_at_itself, "file_broken"),
        (hostile.pdf_of_many_objects, "file_too_complex"),
    ],
)
def test_file_that_is_no_evidence_is_refused(make: Callable[[], bytes], code: str) -> None:
    assert refusal(make()) == code


def test_asvs_v1_3_4_svg_with_script_is_refused() -> None:
    assert refusal(hostile.SVG) == "file_type"
    assert refusal(b"\xef\xbb\xbf" + hostile.SVG) == "file_type"


@pytest.mark.parametrize(
    "make",
    [
        hostile.zip_bomb,
        hostile.zip_of_many_files,
        lambda: hostile.office_file("docx"),
        lambda: hostile.office_file("xlsx"),
    ],
)
def test_asvs_v5_2_3_archive_of_any_size_is_refused_unread(make: Callable[[], bytes]) -> None:
    data = make()
    started_at = time.perf_counter()

    assert refusal(data) == "file_type"
    assert time.perf_counter() - started_at < 1


@pytest.mark.parametrize("layers", [1, 2])
def test_asvs_v5_2_3_pdf_that_unpacks_without_end_is_refused(layers: int) -> None:
    data = hostile.pdf_bomb(layers=layers)
    assert len(data) < 500_000

    assert refusal(data) == "file_too_complex"


@pytest.mark.parametrize("make", [hostile.zip_with_symlink, hostile.tar_with_symlink])
def test_asvs_v5_2_5_archive_with_symlink_is_refused(make: Callable[[], bytes]) -> None:
    assert refusal(make()) == "file_type"


@pytest.mark.parametrize("data", [hostile.XXE, hostile.office_file("docx")])
def test_xml_with_an_external_entity_is_refused_by_no_parser_at_all(data: bytes) -> None:
    assert refusal(data) == "file_type"
    assert refusal(hostile.pdf_with_form_of_xml()) == "file_active"


@pytest.mark.parametrize(
    "make",
    [
        lambda: hostile.pdf_with_action("JavaScript", JS="app.alert(1)"),
        lambda: hostile.pdf_with_action("Launch", F="calc.exe"),
        lambda: hostile.pdf_with_action("SubmitForm", F="https://evil.example"),
        lambda: hostile.pdf_with_action("ImportData", F="x"),
        lambda: hostile.pdf_with_action("GoToR", F="//evil.example/share"),
        lambda: hostile.pdf_with_action("GoToE", F="x"),
        hostile.pdf_with_attachment,
        hostile.pdf_with_hidden_name,
    ],
)
def test_pdf_that_acts_or_carries_files_is_refused(make: Callable[[], bytes]) -> None:
    assert refusal(make()) == "file_active"


def test_pdf_is_written_anew_without_metadata_links_and_what_was_appended() -> None:
    media_type, content = clean(hostile.pdf_with_metadata() + hostile.SCRIPT)

    assert media_type == "application/pdf"
    for trace in (b"ENTITY", b"Home Address", b"evil.example", b"<script>"):
        assert trace not in content
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert len(pdf.pages) == 1
        assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
        assert "/AA" not in pdf.pages[0].obj
        assert "/A" not in pdf.pages[0].obj.Annots[0]


def test_pdf_keeps_what_its_page_shows() -> None:
    def draw(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0]
        page.obj.Contents = pdf.make_stream(b"BT /F1 12 Tf (Account statement) Tj ET")
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.obj.Rotate = 90

    _, content = clean(hostile.pdf_bytes(3, change=draw))

    with pikepdf.open(io.BytesIO(content)) as pdf:
        first = pdf.pages[0].obj
        assert len(pdf.pages) == 3
        assert b"(Account statement) Tj" in first.Contents.read_bytes()
        assert first.Resources.Font.F1.BaseFont == pikepdf.Name.Helvetica
        assert [int(first.Rotate), *map(int, first.MediaBox.as_list())] == [90, 0, 0, 300, 400]


def test_asvs_v14_2_8_picture_loses_place_camera_and_comments() -> None:
    data = hostile.photo_with_whereabouts()
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)

    _, content = clean(data)

    image = Image.open(io.BytesIO(content))
    assert not dict(image.getexif())
    assert not {"exif", "xmp", "comment", "icc_profile"} & set(image.info)
    for trace in (b"Home", b"home", b"Camera", b"GPS", b"owner", b"Exif"):
        assert trace not in content


def test_picture_that_is_also_a_page_or_an_archive_is_only_a_picture_afterwards() -> None:
    for kind in ("JPEG", "PNG"):
        data = image_bytes(kind) + hostile.SCRIPT + hostile.archive({"x.js": b"alert(1)"})
        assert zipfile.is_zipfile(io.BytesIO(data))

        _, content = clean(data)

        assert hostile.SCRIPT not in content
        assert not zipfile.is_zipfile(io.BytesIO(content))


def test_picture_on_its_side_is_kept_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    assert redrawn(image_bytes(size=(300, 200), exif=exif)).size == (200, 300)


@pytest.mark.parametrize("make", [hostile.animated_png, hostile.multi_picture_jpeg])
def test_picture_of_many_frames_keeps_the_first(make: Callable[[], bytes]) -> None:
    image = redrawn(make())

    assert getattr(image, "n_frames", 1) == 1
    red, green, blue = image.convert("RGB").tobytes()[:3]
    assert (red, abs(green - 128) < 4, abs(blue - 128) < 4) == (0, True, True)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 100, 100),
        ("1", 1, 255),
        ("I;16", 100 * 256, 100),
        ("LA", (0, 0), 255),
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_picture_of_any_mode_keeps_its_colours_on_white(
    mode: str, colour: Any, expected: Any
) -> None:
    out = io.BytesIO()
    Image.new(mode, (150, 150), colour).save(out, "PNG")

    assert redrawn(out.getvalue()).getpixel((5, 5)) == expected


def test_picture_larger_than_needed_is_made_smaller() -> None:
    image = redrawn(hostile.png_large(6_000, 4_000))

    assert image.size == (3_000, 2_000)
    assert image.width * image.height <= KEPT_PIXELS


# Runs in a small process: the high-water mark of a child starts with that of its parent.
PROBE = """
import json, pathlib, resource, sys
sys.path.insert(0, sys.argv[1])
from apps.compliance.domain.uploads import BOUNDS, CLEANERS, media_type_of
from apps.core.errors import InvalidInput
from apps.infrastructure.sandbox import run_sandboxed
data = sys.stdin.buffer.read()
try:
    run_sandboxed(CLEANERS[media_type_of(data)], data, BOUNDS)
    code = ""
except InvalidInput as error:
    code = error.code
child = resource.getrusage(resource.RUSAGE_CHILDREN)
own = pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(json.dumps([code, child.ru_utime + child.ru_stime, int(own) >> 10, child.ru_maxrss >> 10]))
"""


@pytest.mark.parametrize(
    ("make", "code", "megabytes"),
    [
        (hostile.png_flood, "file_too_many_pixels", 80),
        (lambda: hostile.jpeg_that_claims(65_000, 65_000), "file_too_many_pixels", 80),
        (lambda: hostile.jpeg_that_claims(12_000, 12_000), "file_too_many_pixels", 80),
        (hostile.png_with_text_bomb, "file_broken", 80),
        (hostile.pdf_bomb, "file_too_complex", 100),
        (hostile.pdf_nested, "file_broken", 100),
        # The largest that is taken: 39 megapixels.
        (lambda: hostile.png_large(7_200, 5_400), "", 420),
    ],
)
def test_asvs_v5_2_6_flood_of_pixels_costs_neither_time_nor_memory(
    make: Callable[[], bytes], code: str, megabytes: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, str(ROOT)],
        input=make(),
        capture_output=True,
        check=True,
        timeout=60,
    )

    found, seconds, own_peak, childs_peak = json.loads(ended.stdout)
    assert found == code
    assert seconds < 2
    assert own_peak < 80
    assert childs_peak < megabytes


@pytest.mark.parametrize(
    "make",
    [
        *(image_bytes, lambda: image_bytes("PNG"), hostile.pdf_bytes),
        *(hostile.photo_with_whereabouts, hostile.multi_picture_jpeg, hostile.animated_png),
    ],
)
def test_file_is_made_anew_in_a_process_of_its_own(make: Callable[[], bytes]) -> None:
    data = make()

    assert file_clean(data) == clean(data)
