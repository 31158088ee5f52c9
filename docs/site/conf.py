"""The site: Markdown of this repository → target/site. `make docs` builds it; anything that does not fit is an error.

The pages are files as they stand, read by MyST, whose headings have GitHub's anchors. What stands in the navigation, and under which heading, is the list in
docs/index.md: a page that is not in it fails the build, and so does a link to a page, a file or a heading that does not exist.
"""

import re
from pathlib import Path

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text

ROOT = Path(__file__).resolve().parents[2]
INDEX = "docs/index"

project = "keopsc"
author = "the authors of keopsc"
copyright = author  # noqa: A001  the name that Sphinx reads
html_title = "keopsc"
html_theme = "furo"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_last_updated_fmt = None

extensions = ["myst_parser"]
root_doc = INDEX
# tests/documentation runs the blocks of the same pages.
include_patterns = ["*.md", "docs/*.md", "bench/*.md", "bench/results/*.md", "bindings/*/README.md", "samples/*.md", "fuzz/*.md"]
exclude_patterns = ["target", ".*"]
myst_heading_anchors = 6
myst_enable_extensions = []
smartquotes = False

FOLDER = re.compile(r"\[([^][]+)\]\(([^)\s#]*)(#[^)\s]*)?\)")
LISTED = re.compile(r"^- \[([^]]+)\]\(([^)#\s]+)\.md\)", re.MULTILINE)


def links_to_folders(page, text):
    """A folder's README in the place of the folder, or its name alone where it has none: sites have no folders."""

    def link(match):
        name, target = match[1], match[2]
        folder = (ROOT / page).parent / target
        if not target or "//" in target or not folder.is_dir():
            return match[0]
        readme = Path(target) / "README.md"
        return f"[{name}]({readme})" if (folder / "README.md").is_file() else name

    return FOLDER.sub(link, text)


def navigation(text):
    """The lists of docs/index.md, a tree of contents for each second-level heading, which the theme shows at the side."""
    trees = []
    for section in text.split("\n## ")[1:]:
        heading, body = section.split("\n", 1)
        pages = "\n".join(f"{title} <{page}>" for title, page in LISTED.findall(body))
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{pages}\n```\n")
    return text + "\n" + "\n".join(trees)


def read(app, page, source):
    source[0] = links_to_folders(page, source[0])
    if page == INDEX:
        source[0] = navigation(source[0])


def entrance(app, failure):
    """Pages stand where the repository has them, so the first one is in a folder."""
    if failure is None:
        start = '<!doctype html><meta charset="utf-8"><title>keopsc</title><meta http-equiv="refresh" content="0; url=docs/index.html">\n'
        (Path(app.outdir) / "index.html").write_text(start)


class Formulas(RegexLexer):
    """Formula files."""

    name, aliases = "Formulas of keopsc", ["kf"]
    tokens = {
        "root": [
            (r"#.*", Comment.Single),
            (words(("dim", "out", "fused", "def", "dtype", "numerics", "use"), prefix=r"\b", suffix=r"\b"), Keyword),
            (words(("Vi", "Vj", "Pm", "Grad", "Diff"), prefix=r"\b", suffix=r"\b"), Name.Builtin),
            (r'"[^"\n]*"', String),
            (r"[A-Z]\w*(?=\s*[\[(])", Name.Function),
            (r"\d+(\.\d*)?([eE][-+]?\d+)?", Number),
            (r"[-+*/%|<>=!^]+", Operator),
            (r"\w+", Name),
            (r"[\s\S]", Text),
        ]
    }


def setup(app):
    app.add_lexer("kf", Formulas)
    app.connect("source-read", read)
    app.connect("build-finished", entrance)
    return {"parallel_read_safe": True}
