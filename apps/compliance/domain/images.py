"""A picture is drawn anew: no metadata, no second frame, nothing appended; it runs sandboxed."""

import io
import warnings
from importlib import import_module

from PIL import Image, ImageOps

from apps.compliance.domain.uploads import broken, refused

MAX_PIXELS = 40_000_000
MIN_SIDE_PIXELS = 100
# An A4 page at 300 dpi has 9 million; what is larger is made smaller.
KEPT_PIXELS = 12_000_000

# Pillow would load these on first use, when the sandbox opens no file any more.
Image.preinit()
for _plugin in ("MpoImagePlugin", "TiffImagePlugin"):
    import_module(f"PIL.{_plugin}")


def jpeg_redraw(data: bytes) -> tuple[dict[str, str], bytes]:
    return _redraw(data, "JPEG")


def png_redraw(data: bytes) -> tuple[dict[str, str], bytes]:
    return _redraw(data, "PNG")


def _redraw(data: bytes, kind: str) -> tuple[dict[str, str], bytes]:
    """Return the picture's size and a new file of its first frame, upright, in plain colours.

    Raises InvalidInput `file_too_many_pixels` from the header alone, before anything is decoded,
    `file_too_few_pixels` or `file_broken`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Pillow reads text and colour profiles with the header, within its own bounds.
            image: Image.Image = Image.open(io.BytesIO(data), formats=[kind])
        _check_size(image)
        if image.width * image.height > KEPT_PIXELS:
            # A JPEG can be decoded at half its size, which costs a quarter.
            image.draft("RGB", (image.width // 2, image.height // 2))
        image.load()
        image = _direct(image)
        if image.width * image.height > KEPT_PIXELS:
            image = image.reduce(2)
        plain = _plain(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise refused("The picture has too many pixels.", "file_too_many_pixels") from error
    except (OSError, SyntaxError, ValueError, TypeError, EOFError) as error:
        raise broken() from error
    out = io.BytesIO()
    plain.save(out, kind, **({"quality": 90} if kind == "JPEG" else {"compress_level": 1}))
    return {"width": str(plain.width), "height": str(plain.height)}, out.getvalue()


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise refused("The picture has too many pixels.", "file_too_many_pixels")
    if min(image.size) < MIN_SIDE_PIXELS:
        raise refused("The picture is too small to read.", "file_too_few_pixels")


def _direct(image: Image.Image) -> Image.Image:
    """Return the picture in grey or colours, with its transparency: no palette, no 16 bits."""
    if image.mode == "I;16":
        # A plain conversion would clip: everything but the darkest would come out white.
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    return image


def _plain(image: Image.Image) -> Image.Image:
    """Paste the pixels onto white, the right way up: only pixels go over."""
    upright = ImageOps.exif_transpose(image)
    plain = Image.new("L" if upright.mode in {"L", "LA"} else "RGB", upright.size, "white")
    if upright.mode in {"LA", "RGBA"}:
        plain.paste(upright.convert(plain.mode), mask=upright.getchannel("A"))
    else:
        plain.paste(upright.convert(plain.mode))
    return plain
