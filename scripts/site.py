"""Stage the documents for Sphinx in build/site, a tree for each language: `make site` builds the pages of them.

Documents stay where they are in the repository, with links that work there; here they are copied to where the site has
them, what leads to code is a path to read instead of a link, and what is not translated is there in English.
"""

import os
import posixpath
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
STAGED = ROOT / "build" / "site"
LANGUAGES = ("en", "zh")
CHINESE = ".zh-CN"
# Documents that do not lie under docs/, or are elsewhere in the site → their page.
ELSEWHERE = {
    "README": "about",
    "CHANGELOG": "changes",
    "CONTRIBUTING": "contribute",
    "SECURITY": "security",
    "docs/site/index": "index",
}
# Said under the title of a page of the Chinese tree that is not translated.
IN_ENGLISH = "*本页只有英文版。*"
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"(^ *```.*?^ *```)", re.M | re.S)
_WIDE, _MARK = r"\u3000-\u303f\u4e00-\u9fff\uff00-\uffef", r"\u3000-\u303f\uff00-\uffef"
# A line break between two Chinese characters, or beside Chinese punctuation, that begins no list, table or the like.
_BREAK = re.compile(
    rf"(?:(?<=[{_WIDE}])\n *(?=[{_WIDE}])|(?<=[{_MARK}])\n *(?=\S)|(?<=\S)\n *(?=[{_MARK}]))(?![-+*|#>] |\||#|\d+\. )"
)
_DECISION = re.compile(r"(?:^|/)\d{4}-")


def places() -> dict[str, str]:
    """Where each document, picture and example of the repository is in the tree of its language."""
    paths = [path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in (".md", ".png", ".yaml")]
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    found = {name: name.removeprefix("docs/").replace(f"{CHINESE}.md", ".md") for name in names}
    for source, place in ELSEWHERE.items():
        found |= {f"{source}{suffix}.md": f"{place}.md" for suffix in ("", CHINESE) if _exists(f"{source}{suffix}.md")}
    return found


def _exists(name: str) -> bool:
    return (ROOT / name).is_file()


def linked(text: str, source: str, page: str, where: dict[str, str], plain: Collection[str] = ()) -> str:
    """A text with the links of the site: one from the document `source` of the repository that is at `page` in the
    site. What is not in the site is named by its path; links to the pages `plain` lead to their top."""
    here = posixpath.dirname(page) or "."

    def leads(match: re.Match[str]) -> str:
        picture, words, target = match.groups()
        path, _, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        place = where.get(meant) or where.get(f"{meant}/README.md")
        if place is None:
            return words if meant in words else f"{words} (`{meant}`)"
        there = posixpath.relpath(place, here)
        if place == page:  # the same page in the other language
            up = posixpath.relpath(".", here)
            other = "en" if CHINESE in source else "zh"
            return f'<a href="{up}/../{other}/{place.removesuffix(".md")}.html">{words}</a>'
        return f"{picture}[{words}]({there}{'#' + anchor if anchor and place not in plain else ''})"

    return _LINK.sub(leads, text)


def chapters(language: str) -> str:
    """The navigation, as Sphinx's directives at the end of the first page."""
    decisions = sorted({each for each in places().values() if _DECISION.search(each)}, key=posixpath.basename)
    parts = []
    for chapter in yaml.safe_load((ROOT / "docs/site/nav.yml").read_text()):
        pages = decisions if chapter["pages"] == ["DECISIONS"] else chapter["pages"]
        listed = "\n".join(each.removesuffix(".md") for each in pages)
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {chapter['title'][language]}\n\n{listed}\n```")
    return "\n\n".join(parts) + "\n"


def stage(generated: Iterable[tuple[str, str]]) -> None:
    """Write what Sphinx reads: a tree for each language. `generated`: pages as (path, text), those in Chinese with the
    suffix that translated documents have."""
    shutil.rmtree(STAGED, ignore_errors=True)
    where = places()
    made = dict(generated)
    chinese = {place for source, place in where.items() if CHINESE in source}
    for language in LANGUAGES:
        tree = STAGED / language
        for source, place in sorted(where.items(), key=lambda each: CHINESE in each[0]):  # the translated ones last
            if language == "zh" or CHINESE not in source:
                foreign = language == "zh" and CHINESE not in source
                # A heading has another name in the other language.
                _copy(source, tree / place, where, chinese if foreign else (), foreign and place not in chinese)
        for place, text in made.items():
            if language == "zh" or CHINESE not in place:
                text = linked(text, "README.md", place, where)
                _write(tree / place.replace(CHINESE, ""), text if language == "en" or CHINESE in place else noted(text))
        with (tree / "index.md").open("a") as front:
            front.write("\n" + chapters(language))
        shutil.copyfile(ROOT / "docs/site/conf.py", tree / "conf.py")
    _write(
        STAGED / "html/index.html",
        '<meta http-equiv="refresh" content="0; url=en/index.html"><a href="en/index.html">sgportal</a>\n',
    )


def joined(text: str) -> str:
    """A Chinese text without the line breaks that a browser would show as spaces within a sentence."""
    parts = _BLOCK.split(text)
    return "".join(part if at % 2 else _BREAK.sub("", part) for at, part in enumerate(parts))


def noted(text: str) -> str:
    """A page of the Chinese tree that says that it is in English alone."""
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{IN_ENGLISH}\n{rest}"


def _copy(source: str, to: Path, where: dict[str, str], plain: Collection[str], alone: bool) -> None:
    if source.endswith(".md"):
        text = (ROOT / source).read_text()
        text = linked(joined(text) if CHINESE in source else text, source, where[source], where, plain)
        _write(to, noted(text) if alone else text)
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, to)


def _write(to: Path, text: str) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text)


def main() -> None:
    """Stage, with the pages that are generated from code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sgportal.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from scripts import reference

    stage(reference.pages())


if __name__ == "__main__":
    main()
