"""What the displays share: matplotlib on demand, panels with room for their labels, colours."""

import math
import textwrap

import numpy as np

from ..inspection.text import display_width, isolate, printable, shorten

# Told apart with any kind of colour vision (Okabe and Ito 2008, those with a contrast of 3 to white and to
# black); lines differ in style as well.
FOR, AGAINST, NEUTRAL = "#2684ff", "#f06228", "0.5"
COLOURS = ("#0072B2", "#D55E00", "#009E73")
STYLES = ("-", "--", "-.", ":")

_TALLEST = 60  # inches of a figure
_LEAST, _THINNED = 5.5, 8.0  # points of the smallest letters, and of letters when not all cells have a name
_CELL = 10.0  # points of the largest letters that name cells
_LETTER = 0.62  # width of a letter, in units of its size
_LEFT_TO_RIGHT = "\u200e{}\u200e"


def pyplot(caller):
    """matplotlib.pyplot, or an ImportError that says who needs it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. You can install matplotlib with `pip install matplotlib`"
        ) from error
    return plt


def plain(text, width=28):
    """A name on one line, cut to `width`, that does not reorder what stands beside it."""
    text = shorten(printable(text), width)
    # Marks rather than isolates, which the fonts of matplotlib have no glyphs for.
    return _LEFT_TO_RIGHT.format(text) if isolate(text) != text else text


def label(text, width=28):
    """The same for matplotlib, nothing in it read as mathematics."""
    return plain(text, width).replace("$", r"\$")


def line_style(number):
    """Colour and dashes of the line of a number, the same for all displays."""
    # Three colours and four styles: twelve lines differ, and neighbours in both.
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": STYLES[number % len(STYLES)]}


class Panels:
    """A grid of axes: a new figure of panels of `size` inches, or the room of a given axes divided.

    Attributes
    ----------
    figure : matplotlib Figure or SubFigure
    axes : ndarray of Axes of shape (n_rows, n_columns)
    given : bool
        Whether the room is that of a given axes.
    """

    def __init__(self, plt, ax, n_rows, n_columns, size):
        self.given, self._cells = ax is not None, []
        if not self.given:
            shape = (size[0] * n_columns, min(size[1] * n_rows, _TALLEST))
            made = plt.subplots(n_rows, n_columns, figsize=shape, squeeze=False, layout="constrained")
            self.figure, self.axes = made
            self._room = (0.0, 0.0, 1.0, 1.0)
            return
        self.figure, self._room, self._box = ax.figure, room_of(ax), box_of(ax)
        if n_rows == n_columns == 1:
            self.axes = np.array([[ax]], dtype=object)
            return
        ax.set_axis_off()
        if ax.get_subplotspec() is None:
            (left, bottom), (right, top) = self._box.get_points()
            grid = ax.figure.add_gridspec(n_rows, n_columns, left=left, right=right, bottom=bottom, top=top)
        else:
            grid = ax.get_subplotspec().subgridspec(n_rows, n_columns, wspace=0.1, hspace=0.1)
        self.axes = grid.subplots(squeeze=False)

    @property
    def points(self):
        """Width and height, in points, that one panel has with all its labels."""
        return room_points(self.figure, self._room) / self.axes.shape[::-1]

    def columns(self, most, share, size):
        """Letters of a size that take a share of the width of a panel, at most `most`."""
        return int(min(most, max(6, share * self.points[0] / (_LETTER * size)))) if self.given else most

    def letters(self, n, largest, share=0.75, across=False):
        """Size of letters for n labels one below the other (or beside), and of how many one is written.

        Parameters
        ----------
        n : int
        largest : float
            Points, where there is room.
        share : float
            Part of the height of a panel that the labels share.
        across : bool
            Whether they stand beside one another.
        """
        return _letters_in(share * self.points[0 if across else 1] / max(n, 1), largest)

    def rows(self, panel, name, numbers, *, largest, most, share):
        """Rows one below the other: names at the left, numbers at the right, a line at zero.

        Where there is no room for all, every second (third, ...) row is named.

        Parameters
        ----------
        panel : Axes
        name : callable(number of a row, columns) -> str
        numbers : list of str
        largest : float
            Points of the letters, where there is room.
        most : int
            Columns of a name.
        share : float
            Part of the width of a given axes that a name may take.

        Returns
        -------
        points : float
            Width of the numbers.
        """
        letters, step = self.letters(len(numbers), largest)
        columns = self.columns(most, share, letters)
        shown = range(0, len(numbers), step)
        panel.set_yticks(shown, [name(row, columns) for row in shown], fontsize=letters)
        panel.set_ylim(len(numbers) - 0.4, -0.6)
        panel.axvline(0, color="gray", linewidth=0.8, zorder=0)
        style = {"transform": panel.get_yaxis_transform(), "va": "center", "fontsize": 0.85 * letters}
        for row in shown:
            panel.text(1.01, row, numbers[row], **style)
        return 0.65 * letters * max(map(len, numbers), default=0)

    def cells(self, panel, names, most, across=0):
        """Names of the rows of a picture of cells, or of its columns, turned by an angle `across`.

        Where there is no room for all, every second (third, ...) cell is named. Returns the size of the
        letters.
        """
        self._cells.append((panel, names, most, across))
        fit = self.letters(len(names), _CELL, share=0.62, across=bool(across))
        return self._name_cells(panel, names, most, across, *fit)

    def _name_cells(self, panel, names, most, across, letters, step):
        width = self.columns(most, 0.25, letters)
        if across and self.given:  # along the height of the panel
            width = int(min(most, max(6, 0.25 * self.points[1] / (_LETTER * letters))))
        places, shown = range(0, len(names), step), [label(name, width) for name in names[::step]]
        if across:
            turned = {"ha": "right" if across < 90 else "center", "va": "top"}
            anchor = {"rotation_mode": "anchor", "va": "center"} if across < 90 else {}
            panel.set_xticks(places, shown, fontsize=letters, rotation=across, **{**turned, **anchor})
        else:
            panel.set_yticks(places, shown, fontsize=letters)
        return letters

    def _name_fewer_cells(self):
        """Smaller or fewer names where cells are smaller than was thought before all labels were there."""
        for panel, names, most, across in self._cells:
            panel.apply_aspect()
            side = panel.get_window_extent().size[0 if across else 1] * 72 / panel.figure.dpi
            letters, step = _letters_in(side / len(names), _CELL)
            ticks = (panel.xaxis if across else panel.yaxis).get_ticklabels()
            if step * len(ticks) > len(names) + step - 1 or letters < ticks[0].get_size():
                self._name_cells(panel, names, most, across, letters, step)

    def legend_below(self, panel, lines):
        """A legend under the label of the horizontal axis, where nothing is drawn."""
        from matplotlib.transforms import ScaledTranslation

        drop = (panel.xaxis.get_tightbbox().y0 - panel.bbox.y0) / panel.figure.dpi
        letters = 0.83 * panel.xaxis.label.get_size()
        names = [line.get_label() for line in lines]
        room = self.points[0] / (_LETTER * letters)
        panel.legend(
            handles=lines,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            bbox_transform=panel.transAxes + ScaledTranslation(0, drop, panel.figure.dpi_scale_trans),
            ncols=len(lines) if sum(map(len, names)) + 8 * len(names) < room else 1,
            frameon=False,
            fontsize=letters,
        )

    def finish(self, texts=()):
        """Make room for all labels, and break titles into lines where they would be cut.

        Parameters
        ----------
        texts : list of (Text, str)
            Titles and labels of axes, or of the figure, with what they are to say.
        """
        for artist, text in texts:
            artist.set_text(" " if text else "")
        self._settle()
        for artist, text in texts:
            write(artist, text, self._width_for(artist))
        self._settle()
        if self._cells:
            self._name_fewer_cells()
            self._settle()

    def _width_for(self, artist):
        """Pixels that a centred title may take."""
        left, _, right, _ = self._room
        whole = self.figure.bbox.width
        owners = [panel for panel in self.axes.flat if artist in (panel.title, panel.xaxis.label)]
        if not owners:
            return 0.96 * whole
        box = owners[0].get_position()
        if self.axes.shape[1] > 1:
            return box.width * whole
        middle = (box.x0 + box.x1) / 2
        return 1.96 * min(middle - left, right - middle) * whole

    def _settle(self):
        """Put the panels where their labels are inside the room; an engine of the figure does that itself."""
        engine = self.figure.get_layout_engine()
        if engine is not None:
            engine.execute(self.figure.canvas.figure)
            return
        left, bottom, right, top = self._room
        for _ in range(2):  # other sizes have other ticks
            margins = np.array([[_margins(panel) for panel in row] for row in self.axes])
            lefts, rights = margins[:, :, 0].max(axis=0), margins[:, :, 2].max(axis=0)
            bottoms, tops = margins[:, :, 1].max(axis=1), margins[:, :, 3].max(axis=1)
            # Panels stay within the axes that was given, in line with its neighbours.
            lefts[0], rights[-1] = max(lefts[0], self._box.x0 - left), max(rights[-1], right - self._box.x1)
            bottoms[-1], tops[0] = max(bottoms[-1], self._box.y0 - bottom), max(tops[0], top - self._box.y1)
            width = _share(right - left, lefts.sum() + rights.sum(), len(lefts))
            height = _share(top - bottom, bottoms.sum() + tops.sum(), len(tops))
            x = left + np.cumsum(lefts + np.r_[0, rights[:-1] + width])
            y = top - np.cumsum(tops + height + np.r_[0, bottoms[:-1]])
            for (i, j), panel in np.ndenumerate(self.axes):
                panel.set_position((x[j], y[i], width, height))


def box_of(ax):
    """The place of an axes in its figure, as it was made."""
    spec = ax.get_subplotspec()
    return ax.get_position(original=True) if spec is None else spec.get_position(ax.figure)


def room_of(ax):
    """(left, bottom, right, top), in fractions of the figure, that an axes and its labels may take.

    Labels may stand in the gaps between the axes of a figure: the gap on the left belongs to the axes
    on its right; two thirds of the gap below belong to the upper axes, the rest to the title of the lower,
    but for what is written there already.
    """
    box = box_of(ax)
    left, bottom, right, top = 0.01, 0.01, 0.99, 0.99
    to_figure = ax.figure.transSubfigure.inverted()
    for panel in ax.figure.axes:
        if panel is ax:
            continue
        other, labelled = box_of(panel), to_figure.transform_bbox(panel.get_tightbbox())
        beside = other.y0 < box.y1 and box.y0 < other.y1
        aligned = other.x0 < box.x1 and box.x0 < other.x1
        if beside and other.x1 <= box.x0:
            left = max(left, min(max(other.x1, labelled.x1) + 0.01, box.x0))
        elif beside and other.x0 >= box.x1:
            right = box.x1
        elif aligned and other.y1 <= box.y0:
            share = box.y0 - 0.66 * (box.y0 - other.y1)
            bottom = max(bottom, share, min(labelled.y1 + 0.01, box.y0))
        elif aligned and other.y0 >= box.y1:
            share = box.y1 + 0.33 * (other.y0 - box.y1)
            top = min(top, share, max(labelled.y0 - 0.01, box.y1))
    return left, bottom, right, top


def room_points(figure, room):
    """Width and height of a part of a figure, in points."""
    left, bottom, right, top = room
    return np.array([right - left, top - bottom]) * [figure.bbox.width, figure.bbox.height] * 72 / figure.dpi


def _letters_in(each, largest):
    """Size of letters, at most `largest`, on lines of `each` points, and of how many lines one is written."""
    if 0.8 * each >= _LEAST:
        return min(largest, 0.8 * each), 1
    size = min(largest, _THINNED)
    return size, math.ceil(size / (0.8 * each))


def _share(room, labels, n):
    """Size of each of n panels; a fifth of the room at least is theirs."""
    return max(room - labels, 0.2 * room) / n


def _margins(panel):
    """How far the labels of a panel reach out on the left, below, on the right and above."""
    from matplotlib.transforms import Bbox

    pad = 4 * panel.figure.dpi / 72
    box = panel.get_position()
    # With a second axes of scores in the same place.
    twins = [other for other in panel.figure.axes if np.array_equal(other.get_position(), box)]
    tight = Bbox.union([twin.get_tightbbox(for_layout_only=True) for twin in twins])
    tight = panel.figure.transSubfigure.inverted().transform_bbox(tight.padded(pad / 2))
    return np.maximum([box.x0 - tight.x0, box.y0 - tight.y0, tight.x1 - box.x1, tight.y1 - box.y1], 0)


def write(artist, text, width, most=3):
    """Set a text in lines of `width` pixels; what `most` lines do not hold is cut out of its middle."""

    def lines(columns):
        whole = textwrap.wrap(text, columns) or [""]
        short = text
        while len(whole) > most and len(short) > columns:
            short = shorten(short, display_width(short) - 1)
            whole = textwrap.wrap(short, columns)
        return "\n".join(line.replace("$", r"\$") for line in whole)

    columns = max(len(text), 1)
    artist.set_text(lines(columns))
    while columns > 6 and (wide := artist.get_window_extent().width) > width:
        columns = max(6, min(columns - 1, int(columns * width / wide)))
        artist.set_text(lines(columns))


def colour_bar(panel, image, text, points=0.0):
    """A colour bar beside a panel, part of its labels, `points` further to the right."""
    from matplotlib.transforms import ScaledTranslation

    shift = ScaledTranslation(points / 72, 0, panel.figure.dpi_scale_trans)
    place = panel.inset_axes([1.03, 0.0, 0.04, 1.0], transform=panel.transAxes + shift)
    bar = panel.figure.colorbar(image, cax=place, label=text)
    bar.ax.tick_params(labelsize="small")
    return bar
