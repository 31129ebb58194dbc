"""RESULTS.md as one HTML file, pictures inside, for a browser of any width; nothing is fetched."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 75rem; margin: auto; padding: 1rem 1rem 3rem }}
h2 {{ border-top: 1px solid #ccc; padding-top: 1rem; margin-top: 2.5rem }}
nav a {{ display: inline-block; margin-right: 1rem }}
/* what is wider than a phone scrolls, by itself, and stays legible */
.wide {{ display: block; overflow: auto; max-height: 85vh }}
table {{ border-collapse: collapse; font-size: .85rem }}
th, td {{ border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left;
  vertical-align: top }}
th {{ position: sticky; top: 0; background: #f4f4f4 }}
pre {{ overflow: auto; max-height: 60vh; background: #f4f4f4; padding: .6rem; font-size: .8rem }}
img {{ max-width: max(100%, 60rem); height: auto }}
@media (max-width: 60rem) {{ table {{ width: max-content }} th, td {{ max-width: 22rem }} }}
@media print {{ .wide, pre {{ overflow: visible; max-height: none }} img {{ max-width: 100% }} }}
</style>
</head>
<body>
<nav>{contents}</nav>
{body}</body>
</html>
"""


def to_html(markdown: str, title: str, folder: Path) -> str:
    """The page.

    Args:
        markdown: RESULTS.md. Raw HTML in it is shown, not obeyed; its comments are left out.
        folder: what pictures' paths count from; one that is not there stays a name.
    """
    text = re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL)
    # [^seeds]: an interval …
    text = re.sub(r"^\[\^\w+\]:", "†", text, flags=re.MULTILINE)
    text = re.sub(r"\[\^\w+\]", " †", text)
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    for name, rule in RULES.items():
        parser.add_render_rule(name, rule)
    tokens = parser.parse(text)
    body = parser.renderer.render(tokens, parser.options, {"folder": folder})
    heads = [
        tokens[i + 1].content
        for i, token in enumerate(tokens)
        if token.type == "heading_open" and token.tag == "h2"
    ]
    contents = "\n".join(f'<a href="#{slug(head)}">{html.escape(head)}</a>' for head in heads)
    return PAGE.format(title=html.escape(title), contents=contents, body=body)


def slug(heading: str) -> str:
    """`Score lines` -> `score-lines`, as links within RESULTS.md name it."""
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


# What is rendered in another way; markdown-it calls these as methods of its renderer.


def _heading_open(_renderer, tokens: Sequence[Token], i: int, _options, _env) -> str:
    return f'<{tokens[i].tag} id="{slug(tokens[i + 1].content)}">'


def _image(_renderer, tokens: Sequence[Token], i: int, _options, env) -> str:
    alt = html.escape(tokens[i].content)
    file = env["folder"] / str(tokens[i].attrs["src"])
    if not file.is_file():
        return f"[{alt}]"
    drawn = base64.b64encode(file.read_bytes()).decode()
    return f'<span class="wide"><img alt="{alt}" src="data:image/png;base64,{drawn}"></span>'


def _table_open(*_) -> str:
    return '<div class="wide"><table>\n'


def _table_close(*_) -> str:
    return "</table></div>\n"


RULES = {
    "heading_open": _heading_open,
    "image": _image,
    "table_open": _table_open,
    "table_close": _table_close,
}
