"""Every block of code on every page is run, or says why not; what a page says that it prints is compared. blocks.py has the notation.

`pytest tests/documentation -k tutorial` runs the pages of that name.
"""

import re
import sys

import pytest
from blocks import Block, blocks
from page import KEOPSC, ROOT, Missing, Page, install

sys.path.append(str(ROOT / "docs" / "site"))

from conf import include_patterns  # noqa: E402  the pages of the site

NAMES = sorted(str(path.relative_to(ROOT)) for pattern in include_patterns for path in ROOT.glob(pattern))
PAGES = {name: blocks((ROOT / name).read_text()) for name in NAMES}


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home in which keopsc is installed, as pages say."""
    if not KEOPSC.is_file():
        pytest.exit(f"{KEOPSC} does not exist: run `make build`, or set KEOPSC to the compiler", returncode=2)
    folder = tmp_path_factory.mktemp("home")
    install(folder)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_blocks_have_a_language(name):
    """And what is no code, or is not run, says so."""
    without = [block.line for block in PAGES[name] if not block.language]
    assert not without, f"{name}: blocks without a language at lines {without}: `text` is what is no code"
    silent = [block.line for block in PAGES[name] if block.reason == ""]
    assert not silent, f"{name}: `not run:` without a reason at lines {silent}"


def test_every_page_is_in_the_index():
    """The site's contents are what the index lists: a page that is not there fails `make docs`, which takes longer."""
    index = ROOT / "docs" / "index.md"
    links = re.findall(r"\]\(([^)#]+\.md)", index.read_text())
    listed = {str((index.parent / link).resolve().relative_to(ROOT)) for link in links}
    assert set(NAMES) - listed == {"docs/index.md"}


def runs(block):
    return block.reason is None and (block.language != "text" or block.is_output)


@pytest.mark.parametrize("name", [name for name, found in PAGES.items() if any(map(runs, found))])
def test_blocks_run(name, tmp_path, home):
    page, missing, wrong = Page(tmp_path, home), set(), None
    for block in filter(runs, PAGES[name]):
        try:
            page.run(block)
        except Missing as tool:
            missing.add(str(tool))
            page.printed = None
        except AssertionError as error:
            wrong = f"{name}:{block.line}: {error}"
            break
    page.close()
    if wrong:
        pytest.fail(wrong, pytrace=False)
    if missing:
        pytest.skip(f"{name}: blocks that need {', '.join(sorted(missing))} DID NOT RUN")


def test_notation():
    page = "# A\n\n```sh not run: no GPU\nx\n```\n\n<!-- ```python\na = 1\n``` -->\n\n    indented\n\n```kf file=a.kf fails\ny\n```\n"
    assert blocks(page) == [
        Block("sh", [], "x\n", 3, "no GPU"),
        Block("python", [], "a = 1\n", 7),
        Block("", [], "indented\n", 11),
        Block("kf", ["file=a.kf", "fails"], "y\n", 13),
    ]
