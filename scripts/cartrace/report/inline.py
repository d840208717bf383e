"""Puts a figure's SVG into the page: no header, no identifier twice on the page, colours that follow the theme."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

_HEADER = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_IDENTIFIER = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(url\(#|href="#)([^)"]*)')
_REFERENCE_TO = re.compile(r'(?:url\(#|href="#)([^)"]*)')
_SIZE = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="([\d.]+)pt"([^>]*>)')
_STYLE = re.compile(r' style="([^"]*)"')
MANY_ALIKE = 4
# What is drawn without a group's colour follows the page's theme.
THEMED = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#eeeeee": "var(--shade)",
    "#dddddd": "var(--line)",
    "#bbbbbb": "var(--line)",
    "#555555": "var(--soft)",
}
_POINTS_TO_PX = 96 / 72
_TAG = re.compile(r"<[^>]+>")
# A hundredth of a point is finer than any screen. Of places only: a number between tags is one to be read.
_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+(?![\d%])")
_BREAK = re.compile(r"\s*\n\s*")
_BETWEEN = re.compile(r">\s*\n\s*<")


def inline_svg(
    svg: str,
    *,
    name: str,
    alt: str,
    tags: Mapping[str, Mapping[str, Any]] | None = None,
    mice: Mapping[tuple[str, str], int] | None = None,
    groups: Sequence[str] = (),
) -> Markup:
    """Return a figure's SVG for the page.

    Parameters
    ----------
    svg : str
        The file as matplotlib wrote it.
    name : str
        Name of the figure; its identifiers start with it.
    alt : str
        Text alternative.
    tags : mapping, optional
        What :func:`cartrace.figures.marks.collect_tags` returned: group and mice of each tagged artist.
    mice : mapping, optional
        Number of each mouse in the report; its marks get it as ``data-m``.
    groups : sequence of str
        Names of the groups in order; the marks of a group get its number as ``data-g``.

    Returns
    -------
    Markup
        An ``svg`` element with ``role="img"``. Black and white become the theme's text and paper.
    """
    body = _METADATA.sub("", _HEADER.sub("", svg, count=1))
    body = _BREAK.sub(" ", _BETWEEN.sub("><", body))
    body = _TAG.sub(lambda tag: _LONG_NUMBER.sub(r"\1", tag[0]), body)
    # Every browser of today knows the short form.
    body = body.replace("xlink:href=", "href=")
    body = _tagged(body, tags or {}, mice or {}, list(groups))
    numbers = {target: at for at, target in enumerate(dict.fromkeys(_REFERENCE_TO.findall(body)))}
    body = _IDENTIFIER.sub(lambda match: _numbered(' id="', name, numbers, match.group(1)), body)
    body = _REFERENCE.sub(lambda match: _numbered(match.group(1), name, numbers, match.group(2)), body)
    for colour, follows in THEMED.items():
        body = body.replace(colour, follows)
    # A colour that matplotlib leaves out is black.
    body = body.replace('<text style="', '<text style="fill: currentColor; ')
    body, rules = _shared(body, name)
    label = escape(alt)
    return Markup(_SIZE.sub(lambda match: _opened(match, name, label) + rules, body, count=1))


def _numbered(before: str, name: str, numbers: Mapping[str, int], identifier: str) -> str:
    """Return an identifier, or a reference to one, as the figure's name and a number; nothing where nobody refers."""
    if identifier not in numbers:
        return ""
    return f"{before}{name}-{numbers[identifier]}" + ('"' if before == ' id="' else "")


def _shared(svg: str, name: str) -> tuple[str, str]:
    """Return the SVG with a class in place of each style that many elements share, and the rules of these classes."""
    times = Counter(_STYLE.findall(svg))
    classes = {style: f"c{at}" for at, style in enumerate(style for style, n in times.items() if n >= MANY_ALIKE)}
    body = _STYLE.sub(lambda match: f' class="{classes[match[1]]}"' if match[1] in classes else match[0], svg)
    rules = "".join(f".plot-{name} .{one}{{{style}}}" for style, one in classes.items())
    return body, f"<style>{rules}</style>" if rules else ""


_ELEMENT = re.compile(r"<(/?)(g|defs|use|path|image)\b([^>]*?)(/?)>")
_IDENTITY = re.compile(r'\bid="(marks-\d+)"')


def _tagged(
    svg: str, tags: Mapping[str, Mapping[str, Any]], mice: Mapping[tuple[str, str], int], groups: list[str]
) -> str:
    """Return the SVG with the number of its group on each tagged artist, and that of its mouse on each of its marks."""
    parts: list[str] = []
    end = depth = in_defs = 0
    artist: tuple[int, list[int]] | None = None
    position = 0
    for match in _ELEMENT.finditer(svg):
        closing, element, attributes, is_empty = match.groups()
        added = ""
        if element == "defs" and not is_empty:
            in_defs += -1 if closing else 1
        elif element == "g" and not closing:
            identity = _IDENTITY.search(attributes)
            if artist is None and identity and identity.group(1) in tags:
                tag = tags[identity.group(1)]
                artist = (depth, [mice.get((cohort, animal), -1) for cohort, animal in tag["mice"]])
                position = 0
                if tag["group"] in groups:
                    added = f' data-g="{groups.index(tag["group"])}"'
            depth += not is_empty
        elif element == "g":
            depth -= 1
            if artist is not None and depth == artist[0]:
                artist = None
        elif artist is not None and not in_defs and not closing and artist[1]:
            # A single mouse stands for every mark of its artist, such as the points of a line.
            numbers = artist[1]
            number = numbers[0] if len(numbers) == 1 else numbers[position] if position < len(numbers) else -1
            position += 1
            added = f' data-m="{number}"' if number >= 0 else ""
        if added:
            parts.append(svg[end : match.end() - len(is_empty) - 1] + added)
            end = match.end() - len(is_empty) - 1
    return "".join(parts) + svg[end:]


def _opened(match: re.Match[str], name: str, label: Markup) -> str:
    width = float(match.group(2)) * _POINTS_TO_PX
    size = f'style="width:{width:.0f}px" class="plot plot-{name}"'
    return f'{match.group(1)} role="img" aria-label="{label}" {size}{match.group(4)}'
