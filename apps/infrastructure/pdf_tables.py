"""The one place that writes PDF: a plain table over as many pages as it takes."""

import io
from collections.abc import Iterable, Sequence
from itertools import pairwise

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
MARGIN, LEADING, SIZE = 40, 14, 8.5
FONT, BOLD = "Helvetica", "Helvetica-Bold"


def table_pdf(
    title: str,
    facts: Sequence[tuple[str, str]],
    header: Sequence[str],
    widths: Sequence[float],
    rows: Iterable[Sequence[str]],
) -> bytes:
    """Return the facts and then the rows under their header; the last two columns stand right.

    `widths` are shares of the line.  Pages are written as the rows come and kept compressed.
    """
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(title)
    page = _Page(canvas, title, header, _columns(widths))
    for name, value in facts:
        page.fact(name, value)
    page.head()
    for row in rows:
        page.row(row)
    page.end()
    canvas.save()
    return out.getvalue()


def _columns(widths: Sequence[float]) -> list[tuple[float, float]]:
    """Return each column's left and right edge."""
    edges = [float(MARGIN)]
    for share in widths:
        edges.append(edges[-1] + share / sum(widths) * (WIDTH - 2 * MARGIN))
    return list(pairwise(edges))


class _Page:
    """Where on which page the next line goes."""

    def __init__(
        self,
        canvas: Canvas,
        title: str,
        header: Sequence[str],
        columns: Sequence[tuple[float, float]],
    ) -> None:
        self.canvas, self.header, self.columns = canvas, header, columns
        self.number, self.y = 1, HEIGHT - MARGIN
        canvas.setFont(BOLD, 14)
        canvas.drawString(MARGIN, self.y, _latin(title))
        self.y -= 2 * LEADING

    def fact(self, name: str, value: str) -> None:
        self.canvas.setFont(FONT, SIZE)
        self.canvas.drawString(MARGIN, self.y, _latin(name))
        self.canvas.drawString(MARGIN + 130, self.y, _latin(value))
        self.y -= LEADING

    def head(self) -> None:
        self.y -= LEADING / 2
        self._line(self.header, BOLD)
        self.canvas.line(MARGIN, self.y + LEADING - 3, WIDTH - MARGIN, self.y + LEADING - 3)

    def row(self, cells: Sequence[str]) -> None:
        if self.y < MARGIN + LEADING:
            self.end()
            self.number += 1
            self.y = HEIGHT - MARGIN
            self.head()
        self._line(cells, FONT)

    def end(self) -> None:
        self.canvas.setFont(FONT, SIZE)
        self.canvas.drawRightString(WIDTH - MARGIN, MARGIN / 2, f"Page {self.number}")
        self.canvas.showPage()

    def _line(self, cells: Sequence[str], font: str) -> None:
        self.canvas.setFont(font, SIZE)
        for place, (cell, (left, right)) in enumerate(zip(cells, self.columns, strict=True)):
            text = _fitted(_latin(cell), right - left - 4, font)
            if place >= len(self.columns) - 2:
                self.canvas.drawRightString(right, self.y, text)
            else:
                self.canvas.drawString(left, self.y, text)
        self.y -= LEADING


def _latin(text: str) -> str:
    """Return what the built-in fonts can show; a letter that they lack is a question mark."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _fitted(text: str, width: float, font: str) -> str:
    while text and stringWidth(text, font, SIZE) > width:
        text = text[:-1]
    return text
