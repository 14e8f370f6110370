"""Styles of SVG as far as they decide what is drawn; a property that could change the outline is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from assembly_rl.controllers.validation import InputError
from assembly_rl.envs.geometry.svg_path import NUMBER

HARMLESS = re.compile(
    r"-\w+-.*|fill-rule|clip-rule|stroke-(linecap|linejoin|miterlimit|dasharray|dashoffset|alignment)|paint-order|"
    r"vector-effect|color|color-\w+(-\w+)*|(shape|image|text)-rendering|stop-\w+|solid-\w+|flood-\w+|lighting-color|"
    r"font|font-[\w-]+|text-[\w-]+|(line|letter|word|white|writing|baseline|dominant|alignment|unicode|direction|"
    r"glyph|kerning|tab|hyphens|shape|inline)[\w-]*|enable-background|isolation|mix-blend-mode|cursor|"
    r"pointer-events|overflow|background(-\w+)*|user-select|src"
)
"""Properties that change colours, widths or texts, not where a line is."""

EFFECTS = ("clip-path", "mask", "filter", "marker", "marker-start", "marker-mid", "marker-end", "transform")
"""Properties that are accepted with the value none alone."""

OPACITIES = ("opacity", "fill-opacity", "stroke-opacity")

PROPERTIES = ("display", "visibility", "fill", "stroke", "stroke-width", *OPACITIES, *EFFECTS)

SELECTOR = re.compile(r"\*|[.#]?[A-Za-z_][\w-]*")

INVISIBLE = ("none", "transparent")


@dataclass(frozen=True)
class Style:
    """Visibility of an element and paint of its lines.

    Attributes:
        displayed: False if neither the element nor its children are drawn.
        visible: False for an element that is hidden; its children may be visible.
        fill: True if areas are painted.
        stroke: True if lines are painted.
        width: False if lines have no width.
    """

    displayed: bool = True
    visible: bool = True
    fill: bool = True
    stroke: bool = False
    width: bool = True

    @property
    def paints(self) -> bool:
        """True if a shape of this style can be seen."""
        return self.visible and (self.fill or (self.stroke and self.width))


class StyleSheet:
    """Rules of all ``<style>`` elements of a file.

    Args:
        text: CSS; selectors of a single element, class or id are understood.

    Raises:
        ValueError: A rule that cannot be understood could change the outline.
    """

    def __init__(self, text: str):
        # By selector and property: rank of the selector, place of the rule, value; the largest wins.
        self._rules: dict[str, dict[str, tuple[int, int, str]]] = {}
        *rules, rest = _without_comments(text).split("}")
        if rest.strip():
            raise InputError(f"<style> has {rest.strip()!r:.60}, which is not understood")
        for place, rule in enumerate(rules):
            selectors, brace, block = rule.partition("{")
            if not brace or "{" in block:
                raise InputError(f"<style> has {rule.strip()!r:.60}, which is not understood")
            if selectors.strip() != "@font-face":
                self._add(place, selectors, _declarations(block, "<style>"))

    def _add(self, place: int, selectors: str, declared: dict[str, str]) -> None:
        for selector in map(str.strip, selectors.split(",")):
            if SELECTOR.fullmatch(selector):
                rank = {"*": 0, ".": 2, "#": 3}.get(selector[0], 1)
                ranked = {key: (rank, place, value) for key, value in declared.items()}
                self._rules.setdefault(selector, {}).update(ranked)
            elif declared:
                raise InputError(
                    f"<style> has the selector {selector!r:.40}: only elements, classes, ids are read"
                )

    def style(self, element: Element, name: str, label: str, inherited: Style) -> Style:
        """Compute the style of an element.

        Args:
            element: Element.
            name: Its name.
            label: Its name in messages.
            inherited: Style of its parent.

        Raises:
            ValueError: A property could change the outline, or is not understood.
        """
        values = {
            key: element.attrib[key].strip()
            for key in PROPERTIES
            if key in element.attrib and key != "transform"
        }
        selectors = {"*", name, f"#{element.get('id')}", *(f".{c}" for c in element.get("class", "").split())}
        rules = [rule for selector in selectors for rule in self._rules.get(selector, {}).items()]
        values |= {key: value for key, (_, _, value) in sorted(rules, key=lambda rule: rule[1][:2])}
        values |= _declarations(element.get("style", ""), label)
        return _style(values, label, inherited)


def _without_comments(text: str) -> str:
    parts, place = [], 0
    while (start := text.find("/*", place)) >= 0:
        parts.append(text[place:start])
        end = text.find("*/", start + 2)
        place = end + 2 if end >= 0 else len(text)
    return " ".join([*parts, text[place:]])


def _declarations(text: str, label: str) -> dict[str, str]:
    """Properties with an effect on what is drawn, from CSS declarations."""
    values = {}
    for declaration in _without_comments(text).split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if not declaration.strip() or HARMLESS.fullmatch(name):
            continue
        if not colon or name not in PROPERTIES or "!" in value:
            raise InputError(
                f"{label} has the style {declaration.strip()!r:.60}, which is not understood: remove it"
            )
        values[name] = value
    return values


def _style(values: Mapping[str, str], label: str, inherited: Style) -> Style:
    given = {key: value.lower() for key, value in values.items() if value not in ("inherit", "unset")}
    for key in EFFECTS:
        if given.get(key, "none") != "none":
            raise InputError(f"{label} has {key} {given[key]!r:.40}, which changes what is drawn: remove it")
    for key in OPACITIES:
        if _is_zero(given.get(key, "1")):
            raise InputError(f"{label} has {key} 0: remove it, or hide it with display none")
    visibility = given.get("visibility", "visible" if inherited.visible else "hidden")
    if visibility not in ("visible", "hidden", "collapse"):
        raise InputError(f"{label} has visibility {visibility!r:.40}; known: visible, hidden, collapse")
    style = replace(inherited, displayed=given.get("display") != "none", visible=visibility == "visible")
    if "fill" in given:
        style = replace(style, fill=given["fill"] not in INVISIBLE)
    if "stroke" in given:
        style = replace(style, stroke=given["stroke"] not in INVISIBLE)
    if "stroke-width" in given:
        style = replace(style, width=not _is_zero(given["stroke-width"]))
    return style


def _is_zero(text: str) -> bool:
    """Return True for the number 0 with any unit."""
    number = re.match(NUMBER, text)
    return number is not None and float(number[0]) == 0.0
