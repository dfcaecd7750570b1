"""How a DOCX looks: its page and its styles, for headings, numbered rules, remarks, cells and code."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from pyoutcome.legal.document.library import load

INK: Final = "1F2933"
PALE: Final = "5B6670"
RULE: Final = "C9D1D8"
SHADE: Final = "F4F6F8"
_SERIF: Final = "Times New Roman"
"""Its figures have one height and width; where it is missing another with the same widths stands in."""
_FIXED: Final = "Consolas"
_HALF_POINT: Final = 6350
"""Of Office's own units of length."""
WIDTH: Final = 164
"""Between the margins, mm."""
_TEXTS: Final = {"Rule": 22, "Remark": 18, "Entry": 20, "Cell": 18, "Foot": 16}
"""Styles of our own for paragraphs, by the size of their letters in half points."""


def set_styles(file: Any) -> None:
    """Sets page and styles of a new file of the library ``docx``."""
    shared: Any = load("docx.shared")
    kinds: Any = load("docx.enum.style").WD_STYLE_TYPE
    qualified: Any = load("docx.oxml.ns").qn
    styles = file.styles
    section = file.sections[0]
    section.page_width, section.page_height = shared.Mm(210), shared.Mm(297)
    section.left_margin = section.right_margin = shared.Mm((210 - WIDTH) // 2)
    section.top_margin, section.bottom_margin = shared.Mm(26), shared.Mm(24)
    for name in _TEXTS:
        styles.add_style(name, kinds.PARAGRAPH).base_style = styles["Normal"]
    halves = {"Normal": 22, "Title": 46, "Subtitle": 22, "Heading 1": 28, "Heading 2": 23, "Caption": 18, **_TEXTS}
    for name, size in halves.items():
        style = styles[name]
        style.font.name, style.font.size = _SERIF, shared.Emu(size * _HALF_POINT)
        style.font.bold = name in ("Title", "Heading 1", "Heading 2")
        style.font.italic = False
        pale = name in ("Subtitle", "Caption", "Remark", "Foot")
        style.font.color.rgb = shared.RGBColor.from_string(PALE if pale else INK)
        _match_other_scripts(style.element.get_or_add_rPr(), qualified)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            if key.endswith(("Theme", "theme")):
                del fonts.attrib[key]
        for key in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
            fonts.set(qualified(key), _SERIF)
    spaces = {"Heading 1": (18, 6), "Heading 2": (12, 4), "Normal": (0, 6), "Caption": (8, 3), "Rule": (0, 6)}
    for name, (before, after) in {**spaces, "Remark": (0, 6), "Entry": (0, 2), "Cell": (2, 2)}.items():
        form = styles[name].paragraph_format
        form.space_before, form.space_after = shared.Pt(before), shared.Pt(after)
        form.keep_with_next = True if name in ("Heading 1", "Heading 2", "Caption") else None
        form.line_spacing = 1 if name == "Cell" else Fraction(28, 25)
        form.widow_control = True
    rule, entry = styles["Rule"].paragraph_format, styles["Entry"].paragraph_format
    rule.left_indent, rule.first_line_indent = shared.Mm(14), -shared.Mm(14)
    rule.tab_stops.add_tab_stop(shared.Mm(14))
    entry.tab_stops.add_tab_stop(shared.Mm(9))
    code = styles.add_style("Code", kinds.CHARACTER)
    code.font.name, code.font.size = _FIXED, shared.Emu(16 * _HALF_POINT)
    border = styles["Title"].element.find(f".//{qualified('w:pBdr')}")
    if border is not None:
        border.getparent().remove(border)


def _match_other_scripts(form: Any, qualified: Any) -> None:
    """Gives letters of right-to-left scripts, which have settings of their own, the size and weight of the others."""
    make: Any = load("docx.oxml").OxmlElement
    for name in ("w:sz", "w:b"):
        own = form.find(qualified(name))
        for old in form.findall(qualified(f"{name}Cs")):
            form.remove(old)
        other = make(f"{name}Cs")
        for key, value in own.attrib.items():
            other.set(key, value)
        own.addnext(other)
