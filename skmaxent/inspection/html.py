"""HTML of an explanation: self-contained, no script, readable on light and dark pages."""

import re
from html import escape

from .text import heading, number_format, printable

# Colours are half transparent and text keeps the page's colour, so that both themes work.
FOR, AGAINST = "38,132,255", "240,98,40"
_STYLE = """<style>
.skmaxent{overflow-x:auto;font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;color:inherit}
.skmaxent p{margin:.4em 0}
.skmaxent table{border-collapse:collapse;background:transparent;color:inherit;font-size:inherit;margin:.4em 0}
.skmaxent caption{text-align:start;font-weight:600;color:inherit;padding:2px 8px;max-width:60em;
overflow-wrap:anywhere}
.skmaxent th,.skmaxent td{padding:1px 8px;border:0;text-align:right;background:transparent;
font-variant-numeric:tabular-nums;white-space:nowrap}
.skmaxent th{font-weight:600;vertical-align:bottom;white-space:normal;overflow-wrap:anywhere;
min-width:6em;max-width:16em}
.skmaxent thead th{border-bottom:1px solid rgba(128,128,128,.6)}
.skmaxent .name{text-align:left;max-width:24em;overflow-wrap:break-word}
.skmaxent tbody th{font-weight:inherit;vertical-align:top}
.skmaxent tr.rest>*{opacity:.8;font-style:italic}
.skmaxent tr.sum>*{border-top:1px solid rgba(128,128,128,.6);font-weight:600}
.skmaxent tr.proba>*{font-weight:600}
.skmaxent .bar{display:inline-block;position:relative;width:80px;height:.9em;margin-right:6px;
vertical-align:-1px}
.skmaxent .n{display:inline-block;text-align:right}
.skmaxent .bar i{position:absolute;top:0;bottom:0;border-radius:2px}
.skmaxent .side{display:inline-table;margin-right:1.5em;vertical-align:top}
.skmaxent .text{max-height:24em;overflow:auto;max-width:60em;
white-space:pre-wrap;overflow-wrap:anywhere;padding:6px 8px;
border:1px solid rgba(128,128,128,.4);border-radius:4px}
.skmaxent mark{border-radius:2px;color:inherit;background:transparent}
.skmaxent mark.for{border-bottom:2px solid rgba(38,132,255,.9)}
.skmaxent mark.against{border-bottom:2px dotted rgba(240,98,40,.9)}
.skmaxent summary{cursor:pointer}
.skmaxent .note{opacity:.8}
</style>"""
_MAX_TEXT = 20_000  # characters of a text that are shown
_MAX_WORDS = 200  # words in the list of their votes


def _name(label):
    return f"<bdi>{escape(printable(label))}</bdi>"


def _row_head(label):
    return f'<th scope="row" class="name">{_name(label)}</th>'


def _table(caption, heads, lines, classes=""):
    """A table whose cells tell a screen reader what they belong to."""
    first, *others = (f'<th scope="col">{head}</th>' for head in heads)
    head = first.replace("<th ", '<th class="name" ') + "".join(others)
    return (
        f"<table{classes}><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _bar(vote, largest, zero=50):
    """A bar that starts `zero` per cent from the left: to the right for a vote, to the left against."""
    share = (100 - zero) * min(abs(vote) / largest, 1) if largest > 0 else 0
    side, colour = (f"left:{zero}%", FOR) if vote >= 0 else (f"right:{zero}%", AGAINST)
    bar = f'<i style="{side};width:{share:.1f}%;background:rgba({colour},.6)"></i>'
    return f'<span class="bar" aria-hidden="true">{bar}</span>'


def _number_format(numbers):
    """As in the text table, with signs of one width, so that the bars are in line."""
    write = number_format(numbers)
    width = max((len(write(number)) for number in numbers), default=1)
    return lambda number: f'<span class="n" style="min-width:{width}ch">{write(number)}</span>'.replace(
        ">-", ">\u2212"
    )


def explanation_html(explanation, shown):
    """HTML of an explanation.

    Parameters
    ----------
    explanation : Explanation
    shown : list of int
        Numbers of the score columns to show.
    """
    rows = explanation.table_rows()
    votes = [row.votes[j] for row in rows for j in shown]
    write, write_weight = _number_format(votes), _number_format(explanation._numbers[1][:, 0].tolist())
    # An intercept may be a hundred times the votes: its bar ends where theirs are still seen.
    of_features, of_others = (
        max(
            (abs(row.votes[j]) for row in rows[:-1] if (row.kind == "feature") == own for j in shown),
            default=0.0,
        )
        for own in (True, False)
    )
    largest = max(of_features, min(of_others, 1.6 * of_features or of_others))
    single = len(explanation.classes) == 1
    heads = [explanation.column_name(j) for j in shown]
    one, each = explanation.headings
    lines = []
    for row in rows:
        kind = {"feature": "", "sum": ' class="sum"'}.get(row.kind, ' class="rest"')
        value = "" if row.single is None else re.sub("^-", "\u2212", f"{row.single:.4g}")
        line = [f"{_row_head(row.name)}<td>{value}</td>"]
        if single:
            line.append(f"<td>{'' if row.several is None else write_weight(row.several[0])}</td>")
        for j in shown:
            bar = "" if row.kind == "sum" else _bar(row.votes[j], largest)
            line.append(f"<td>{bar}{write(row.votes[j])}</td>")
        lines.append(f"<tr{kind}>{''.join(line)}</tr>")
    if proba := explanation.shown_probabilities(shown):
        line = [f"{_row_head('probability')}<td></td>", "<td></td>" if single else ""]
        line += [f"<td>{p}</td>" for p in proba]
        lines.append(f'<tr class="proba">{"".join(line)}</tr>')
    who, what = explanation._headline()
    heads = ["feature", one, *[each][:single], *map(_name, heads)]
    table = _table(f"{escape(who)}: <bdi>{escape(what)}</bdi>", heads, lines)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in explanation._notes(len(shown)))
    return f"{_STYLE}{_region('explanation', f'{table}{notes}{_texts(explanation)}')}"


def _region(what, body, classes="skmaxent", attributes=""):
    """A part of a page that keys can scroll."""
    return f'<div class="{classes}" role="region" aria-label="{what}" tabindex="0"{attributes}>{body}</div>'


def _texts(explanation):
    """The texts of an explanation with marked words, and the list of the words' votes."""
    texts = [_marked_text(text, spans) for text, spans in explanation.marked_texts]
    if not any(spans for _, spans in explanation.marked_texts):
        return "".join(texts)
    legend = _name(explanation.column_name(explanation.focus))
    marks = (
        f'<mark class="{side}" style="background:rgba({colour},.45)">{side}</mark>'
        for side, colour in (("for", FOR), ("against", AGAINST))
    )
    note = f'<p class="note">Words by their vote for {legend}: {" ".join(marks)}</p>'
    return f"{note}{''.join(texts)}{_word_list(explanation.marked_texts)}"


def _words_of(text, spans):
    """The spans; those of single characters, the marks of character n-grams, joined to words."""
    pieces = [span for span in spans if not text[span[0] : span[1]].isspace()]
    if any(end - start > 1 for start, end, _ in pieces):
        return spans
    words = []
    for start, end, vote in pieces:
        if words and words[-1][1] == start:
            words[-1] = words[-1][0], end, words[-1][2] + vote
        else:
            words.append((start, end, vote))
    return words


def _word_list(marked):
    """The votes of the marked words in a table that a key opens, the largest first."""
    totals = {}
    for text, spans in marked:
        for start, end, vote in _words_of(text, spans):
            count, total = totals.get(text[start:end], (0, 0.0))
            totals[text[start:end]] = count + 1, total + vote
    ranked = sorted(totals.items(), key=lambda item: -abs(item[1][1]))[:_MAX_WORDS]
    write = _number_format([vote for _, (_, vote) in ranked])
    lines = (
        f"<tr>{_row_head(word)}<td>{count}</td><td>{write(vote)}</td></tr>" for word, (count, vote) in ranked
    )
    which = f"{len(ranked)} of {len(totals):,} words" if len(totals) > len(ranked) else "words"
    table = _table("Sums over the occurrences", ["word", "occurrences", "vote"], lines)
    return f"<details><summary>Votes of the {which}</summary>{table}</details>"


def page(title, body):
    """A page of HTML, light or dark as the reader's screen is."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title></head><body>{body}</body></html>\n"
    )


def _marked_text(text, spans):
    largest = max((abs(vote) for _, _, vote in spans), default=0.0)
    pieces, place = [], 0
    for start, end, vote in spans:
        if end > _MAX_TEXT:
            break
        pieces.append(escape(text[place:start]))
        alpha = 0.7 * abs(vote) / largest if largest > 0 else 0.0
        word = escape(text[start:end])
        if alpha >= 0.01:
            side, colour = ("for", FOR) if vote > 0 else ("against", AGAINST)
            word = f'<mark class="{side}" style="background:rgba({colour},{alpha:.2f})">{word}</mark>'
        pieces.append(word)
        place = end
    pieces.append(escape(text[place:_MAX_TEXT]))
    if len(text) > _MAX_TEXT:
        pieces.append(f'<span class="note"> … {len(text) - _MAX_TEXT:,} more characters</span>')
    return _region("text with marked words", "".join(pieces), "text", ' dir="auto"')


def weights_html(top, note):
    """HTML of the strongest features of each class, side by side."""
    write = _number_format([weight for pairs in top.values() for _, weight in pairs])
    largest = max((abs(weight) for pairs in top.values() for _, weight in pairs), default=0.0)
    blocks = []
    for label, pairs in top.items():
        zero = 50 if any(weight < 0 for _, weight in pairs) else 0
        lines = (
            f"<tr>{_row_head(name)}<td>{_bar(weight, largest, zero)}{write(weight)}</td></tr>"
            for name, weight in pairs
        )
        blocks.append(_table(_name(heading(label)), ["feature", "weight"], lines, ' class="side"'))
    blocks.append(f'<p class="note">{escape(note)}</p>' if note else "")
    return f"{_STYLE}{_region('strongest features', ''.join(blocks))}"


def summary_html(summary):
    """HTML of the votes in many rows."""
    sizes, means = summary.mean_sizes.tolist(), summary.mean_votes.tolist()
    write = _number_format([*sizes, *means])
    largest = max(sizes, default=0.0)
    lines = [
        f"<tr>{_row_head(name)}<td>{_bar(size, largest, 0)}{write(size).replace('>+', '>')}</td>"
        f"<td>{_bar(mean, largest)}{write(mean)}</td><td>{share:.3f}</td></tr>"
        for name, size, mean, share in zip(summary.features, sizes, means, summary.shares.tolist())
    ]
    heads = ["feature", "mean size", "mean vote", "share of rows"]
    body = _table(f"<bdi>{escape(summary.headline())}</bdi>", heads, lines)
    if summary.n_remaining:
        body += f'<p class="note">and {summary.n_remaining:,} other features</p>'
    return f"{_STYLE}{_region('votes in many rows', body)}"
