"""Puts a figure's SVG into the page: no header, no identifier twice on the page, colours that follow the theme."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_HEADER = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_IDENTIFIER = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(url\(#|xlink:href="#|href="#)([^)"]*)')
_SIZE = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="([\d.]+)pt"')
_POINTS_TO_PX = 96 / 72


def inline_svg(svg: str, *, name: str, alt: str) -> Markup:
    """Return a figure's SVG for the page.

    Parameters
    ----------
    svg : str
        The file as matplotlib wrote it.
    name : str
        Name of the figure; its identifiers start with it.
    alt : str
        Text alternative.

    Returns
    -------
    Markup
        An ``svg`` element with ``role="img"``. Black and white become the theme's text and paper.
    """
    body = _METADATA.sub("", _HEADER.sub("", svg, count=1))
    used = {match.group(2) for match in _REFERENCE.finditer(body)}
    body = _IDENTIFIER.sub(lambda match: f' id="{name}-{match.group(1)}"' if match.group(1) in used else "", body)
    body = _REFERENCE.sub(rf"\1{name}-\2", body)
    body = body.replace("#000000", "currentColor").replace("#ffffff", "var(--paper)")
    # A colour that matplotlib leaves out is black.
    body = body.replace('<text style="', '<text style="fill: currentColor; ').replace("#eeeeee", "var(--shade)")
    label = escape(alt)
    return Markup(_SIZE.sub(lambda match: _opened(match, name, label), body, count=1))


def _opened(match: re.Match[str], name: str, label: Markup) -> str:
    width = float(match.group(2)) * _POINTS_TO_PX
    return f'{match.group(1)} role="img" aria-label="{label}" style="width:{width:.0f}px" class="plot plot-{name}"'
