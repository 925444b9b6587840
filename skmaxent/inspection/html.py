"""HTML of an explanation: self-contained, no script, readable on light and dark pages."""

from html import escape

from .text import heading, number_format, printable

# Colours are half transparent and text keeps the page's colour, so that both themes work.
FOR, AGAINST = "38,132,255", "240,98,40"
_STYLE = """<style>
.skmaxent{overflow-x:auto;font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;color:inherit}
.skmaxent p{margin:.4em 0}
.skmaxent table{border-collapse:collapse;background:transparent;color:inherit;font-size:inherit;margin:.4em 0}
.skmaxent th,.skmaxent td{padding:1px 8px;border:0;text-align:right;background:transparent;
font-variant-numeric:tabular-nums;white-space:nowrap;max-width:16em;overflow:hidden;text-overflow:ellipsis}
.skmaxent th{font-weight:600;vertical-align:bottom;white-space:normal;
overflow-wrap:break-word;border-bottom:1px solid rgba(128,128,128,.6)}
.skmaxent td.name,.skmaxent th.name{text-align:left;max-width:24em}
.skmaxent tr.rest td{opacity:.75;font-style:italic}
.skmaxent tr.sum td{border-top:1px solid rgba(128,128,128,.6);font-weight:600}
.skmaxent tr.proba td{font-weight:600}
.skmaxent .bar{display:inline-block;position:relative;width:80px;height:.9em;margin-right:6px;
vertical-align:-1px}
.skmaxent .n{display:inline-block;text-align:right}
.skmaxent .bar i{position:absolute;top:0;bottom:0;border-radius:2px}
.skmaxent .text{max-height:24em;overflow:auto;max-width:60em;
white-space:pre-wrap;overflow-wrap:anywhere;padding:6px 8px;
border:1px solid rgba(128,128,128,.4);border-radius:4px}
.skmaxent .text span{border-radius:2px}
.skmaxent .note{opacity:.75}
</style>"""
_MAX_TEXT = 20_000  # characters of a text that are shown


def _name(label):
    text = escape(printable(label))
    return f'<bdi title="{text}">{text}</bdi>'


def _bar(vote, largest, zero=50):
    """A bar that starts `zero` per cent from the left: to the right for a vote, to the left against."""
    share = (100 - zero) * min(abs(vote) / largest, 1) if largest > 0 else 0
    side, colour = (f"left:{zero}%", FOR) if vote >= 0 else (f"right:{zero}%", AGAINST)
    return f'<span class="bar"><i style="{side};width:{share:.1f}%;background:rgba({colour},.6)"></i></span>'


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
    largest = max((abs(row.votes[j]) for row in rows[:-1] for j in shown), default=0.0)
    single = len(explanation.classes) == 1
    heads = [explanation.column_name(j) for j in shown]
    one, each = explanation.headings
    cells = [
        f'<th class="name">feature</th><th>{one}</th>',
        f"<th>{each}</th>" if single else "",
    ]
    cells += [f"<th>{_name(head)}</th>" for head in heads]
    lines = [f"<tr>{''.join(cells)}</tr>"]
    for row in rows:
        kind = {"feature": "", "sum": ' class="sum"'}.get(row.kind, ' class="rest"')
        value = "" if row.single is None else f"{row.single:.4g}"
        line = [f'<td class="name">{_name(row.name)}</td><td>{value}</td>']
        if single:
            line.append(f"<td>{'' if row.several is None else write_weight(row.several[0])}</td>")
        for j in shown:
            bar = "" if row.kind == "sum" else _bar(row.votes[j], largest)
            line.append(f"<td>{bar}{write(row.votes[j])}</td>")
        lines.append(f"<tr{kind}>{''.join(line)}</tr>")
    if proba := explanation.shown_probabilities(shown):
        line = ['<td class="name">probability</td><td></td>', "<td></td>" if single else ""]
        line += [f"<td>{p}</td>" for p in proba]
        lines.append(f'<tr class="proba">{"".join(line)}</tr>')
    texts = [_marked_text(text, spans) for text, spans in explanation.marked_texts]
    if any(spans for _, spans in explanation.marked_texts):
        legend = escape(printable(explanation.column_name(explanation.focus)))
        texts.insert(
            0,
            f'<p class="note">Words by their vote for <bdi>{legend}</bdi>: '
            f'<span style="background:rgba({FOR},.45)">for</span> '
            f'<span style="background:rgba({AGAINST},.45)">against</span></p>',
        )
    who, what = explanation._headline()
    title = f"<p><b>{escape(who)}</b>: {escape(what)}</p>"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in explanation._notes(len(shown)))
    body = f"<table>{''.join(lines)}</table>{notes}{''.join(texts)}"
    return f'{_STYLE}<div class="skmaxent">{title}{body}</div>'


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
            colour = FOR if vote > 0 else AGAINST
            word = f'<span style="background:rgba({colour},{alpha:.2f})" title="{vote:+.3g}">{word}</span>'
        pieces.append(word)
        place = end
    pieces.append(escape(text[place:_MAX_TEXT]))
    if len(text) > _MAX_TEXT:
        pieces.append(f'<span class="note"> … {len(text) - _MAX_TEXT:,} more characters</span>')
    return f'<div class="text" dir="auto">{"".join(pieces)}</div>'


def weights_html(top, note):
    """HTML of the strongest features of each class, side by side."""
    write = _number_format([weight for pairs in top.values() for _, weight in pairs])
    largest = max((abs(weight) for pairs in top.values() for _, weight in pairs), default=0.0)
    blocks = []
    for label, pairs in top.items():
        zero = 50 if any(weight < 0 for _, weight in pairs) else 0
        lines = "".join(
            f'<tr><td class="name">{_name(name)}</td>'
            f"<td>{_bar(weight, largest, zero)}{write(weight)}</td></tr>"
            for name, weight in pairs
        )
        head = f'<tr><th class="name" colspan="2">{_name(heading(label))}</th></tr>'
        blocks.append(
            f'<table style="display:inline-table;margin-right:1.5em;vertical-align:top">{head}{lines}</table>'
        )
    blocks.append(f'<p class="note">{escape(note)}</p>' if note else "")
    return f'{_STYLE}<div class="skmaxent">{"".join(blocks)}</div>'
