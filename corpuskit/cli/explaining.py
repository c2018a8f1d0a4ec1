"""Command that tells one document's story: explain."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from corpuskit.cli import options
from corpuskit.cli.console import busy, counted, print_json, print_table, print_text, results, say
from corpuskit.errors import InputError

PANEL = "Artifacts"
MARK = "black on yellow"
BRACKETS = ("⟦", "⟧")
"""Stand around marked text where there is no terminal."""
SIGNS = {"passed": "✓", "failed": "✗", "not judged": "–"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    options.adder(app, PANEL)(
        explain,
        "corpuskit explain out doc-17",
        "corpuskit explain out https://example.org/page --source web",
        "corpuskit explain out doc-17 --text --variant filtered",
    )


def explain(
    corpus: Annotated[str, typer.Argument(metavar="CORPUS", help="A prepared corpus.")],
    document: Annotated[
        str, typer.Argument(metavar="ID", help="A document's id, key (32 hex digits), URL, or place: part-0000003:17.")
    ],
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Look among the documents of this source alone.")
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", metavar="", help="Print the text, with what made it fail its rules marked.")
    ] = False,
    variant: Annotated[
        str | None, typer.Option("--variant", metavar="NAME", help="With --text: this variant's text and rules.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Tell one document's story: where it came from, what cleaners changed, its signals against each variant's rules,
    its copies, and why it stays or not.
    """
    from corpuskit.corpus import Corpus
    from corpuskit.workflow import explaining

    if variant and not text:
        raise InputError("--variant names whose text --text prints; the story has all variants")
    opened = Corpus(corpus)
    with busy("looking"):
        match = explaining.the_one(opened, document, source)
        if text:
            failed, pieces = explaining.evidence_text(opened, match, variant)
        else:
            found = explaining.story(opened, match)
    if text and json:
        print_json({"id": match.id, "failed": failed, "pieces": pieces})
    elif text:
        _print_pieces(pieces)
        say(f"marked: what fails {', '.join(failed)}" if failed else "nothing is marked: no rule fails")
    elif json:
        print_json(found)
    else:
        _print_story(found)


def _print_pieces(pieces: Sequence[tuple[str, bool]]) -> None:
    before, after = ("", "") if results.is_terminal else BRACKETS
    whole = Text()
    for piece, is_marked in pieces:
        whole.append(f"{before}{piece}{after}" if is_marked else piece, MARK if is_marked else "")
    results.print(whole)


def _print_story(found: Mapping[str, Any]) -> None:
    _print_record(found)
    for changed in found["cleaned"]:
        _print_change(changed)
    for cluster in found["clusters"]:
        _print_cluster(cluster, found["place"])
    for name, verdict in found["variants"].items():
        _print_verdict(name, verdict)
        for cut in found["cut"]:
            if cut["variant"] == name:
                _print_cut(cut)
    _heading("signals")
    print_table(["", ""], [(name, _shown(value)) for name, value in found["signals"].items()])


def _heading(title: str) -> None:
    print_text()
    results.print(Text(_visible(title), "bold"))


def _visible(text: str) -> str:
    from corpuskit.workflow.excerpts import visible

    return visible(text)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else _visible(str(value))


def _print_record(found: Mapping[str, Any]) -> None:
    results.print(Text(_visible(found["id"]), "bold"))
    facts = {name: found[name] for name in ("source", "url", "key", "timestamp") if found[name]}
    facts |= {"held out": "yes, of all training"} if found["heldout"] else {}
    facts |= {"place": found["place"]}
    metadata = found["metadata"] if isinstance(found["metadata"], Mapping) else {}
    facts |= {str(name): value for name, value in metadata.items() if name not in facts}
    facts["text"] = f"{counted(found['text']['characters'], 'character')}, {counted(found['text']['bytes'], 'byte')}"
    print_table(["", ""], [(_visible(name), _shown(value)) for name, value in facts.items()])
    print_text()
    print_text(found["text"]["excerpt"] or "no text")


def _print_change(changed: Mapping[str, Any]) -> None:
    _heading(f"cleaned, for {', '.join(changed['variants']) or 'no variant'}")
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in changed["counts"].items())
    lost = changed["removed_characters"]
    differ = f"{counted(abs(lost), 'character')} {'fewer' if lost >= 0 else 'more'}" if lost else "as long as before"
    print_text(f"{differ}{': ' if counts else ''}{counts}" if changed["differences"] else "nothing was changed")
    for line in changed["differences"]:
        results.print(Text(_visible(line), "red" if line.startswith("-") else "green" if line.startswith("+") else ""))


def _print_cluster(cluster: Mapping[str, Any], place: str) -> None:
    what = "documents of one URL" if cluster["kind"] == "urls" else "equal and similar texts"
    _heading(f"{cluster['name']}: one of {cluster['size']:,} {what}")
    rows = [
        (
            "→" if member["place"] == place else "",
            _visible(member["id"]),
            member["source"],
            _shown(member["similarity"]),
            member["method"] or "",
            ", ".join(member["kept_by"]) or "none",
        )
        for member in cluster["members"]
    ]
    print_table(["", "id", "source", "similarity", "method", "kept by"], rows, right=[3])
    if len(cluster["members"]) < cluster["size"]:
        print_text(f"… and {cluster['size'] - len(cluster['members']):,} more")
    for variant, keeps in cluster["keeps"].items():
        print_text(f"{variant} keeps {keeps}")


def _print_copy(copy: Mapping[str, Any]) -> None:
    """Say which document the one told of is a copy of, and how similar the two are."""
    where = f" of {copy['corpus']} ({copy['folder'] or 'a folder that is not known'})" if copy["corpus"] else ""
    named = f"{copy['id']}{where}, {copy['place']}, " if copy["place"] else f"a document{where} that is not there, "
    print_text(f"a copy of {_visible(named)}key {copy['key']}")
    measured = {"estimated": copy["similarity"], "true": copy["jaccard"]}
    shown = [f"{_shown(value)} ({how})" for how, value in measured.items() if value is not None]
    if shown:
        print_text(f"similarity: {', '.join(shown)}")
    if copy["excerpt"]:
        print_text(copy["excerpt"])


def _print_verdict(name: str, verdict: Mapping[str, Any]) -> None:
    _heading(f"{name}: {'kept' if verdict['kept'] else 'left out: ' + str(verdict['reason'])}")
    if verdict["copy"]:
        _print_copy(verdict["copy"])
    rows = [
        (
            SIGNS[rule["outcome"]],
            rule["rule"],
            "" if rule["value"] is None else _shown(rule["value"]),
            rule["condition"],
        )
        for rule in verdict["rules"]
    ]
    if rows:
        print_table(["", "rule", "value", "passes"], rows, right=[2])


def _print_cut(cut: Mapping[str, Any]) -> None:
    print_text(f"cut by {cut['step']}: {counted(cut['bytes'], 'byte')} in {counted(cut['count'], 'piece')}, from")
    for piece in cut["pieces"]:
        results.print(Text(f"- {_visible(piece['begins'])}", "red"))
        for other in piece["references"]:
            print_text(f"  in {other['corpus']}, {other['place']}" + (f" ({other['id']})" if other["id"] else ""))
    if len(cut["pieces"]) < cut["count"]:
        print_text(f"… and {cut['count'] - len(cut['pieces']):,} more")
