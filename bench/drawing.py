"""Numbers → SVG, without a library, so that the same numbers give the same bytes everywhere."""

from html import escape
from math import ceil, floor, log10

INK, GRID = "#222222", "#dddddd"
COLOURS = ["#c8500a", "#e8a33d", "#5b6770", "#2f7d5b", "#8a5fa8", "#111111"]


def power(exponent):
    """0.1, 1, 10, 1000, 1e-07"""
    return f"{10.0**exponent:g}"


class Drawing:
    """Elements of a picture of a width and a height."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.elements = [f'<rect width="{width}" height="{height}" fill="white"/>']

    def text(self, x, y, words, anchor="start", colour=INK, weight="normal"):
        style = f'font-size="12" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}"'
        self.elements.append(f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour=GRID, width=1):
        self.elements.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def dot(self, x, y, colour, radius=4.5):
        self.elements.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def path(self, points, colour, width):
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.elements.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def svg(self):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" font-family="Helvetica, Arial, sans-serif">'
        return "\n".join([head, *self.elements, "</svg>\n"])


class Scale:
    """Numbers, by their logarithms, between two places."""

    def __init__(self, numbers, start, end):
        self.low, self.high = floor(log10(min(numbers)) * 5) / 5, ceil(log10(max(numbers)) * 5) / 5
        self.start, self.end = start, end

    def __call__(self, number):
        share = (log10(number) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def powers(self):
        return [(power(exponent), self(10.0**exponent)) for exponent in range(ceil(self.low - 1e-9), floor(self.high + 1e-9) + 1)]


def dots(rows, names, caption):
    """A row of dots for each workload: `rows` are (label, {name: number}, words at the end), 1 has a line of its own."""
    height, left, right = 24, 320, 805
    picture = Drawing(880, 64 + height * len(rows))
    numbers = [number for _, values, _ in rows for number in values.values()] + [1]
    scale = Scale(numbers, left + 10, right)
    bottom = 50 + height * len(rows)
    for words, x in scale.powers():
        picture.line(x, 44, x, bottom)
        picture.text(x, 38, words, "middle")
    picture.line(scale(1), 44, scale(1), bottom, INK, 1.5)
    x = 12
    for words, colour in [(caption, INK), *((name, COLOURS[number]) for number, name in enumerate(names))]:
        if colour != INK:
            picture.dot(x + 5, 12, colour)
        picture.text(x + (0 if colour == INK else 14), 16, words, colour=colour)
        x += 32 + 6.2 * len(words)
    for number, (label, values, end) in enumerate(rows):
        y = 60 + height * number
        picture.text(left, y + 4, label, "end")
        picture.text(picture.width - 8, y + 4, end, "end", weight="bold")
        for name, value in values.items():
            picture.dot(scale(value), y, COLOURS[names.index(name)])
    return picture.svg()


def lines(series, x_label, y_label):
    """Lines through points: `series` is {name: [(x, y), …]}."""
    left, right, top, bottom = 70, 560, 34, 354
    picture = Drawing(880, 399)
    across = Scale([x for points in series.values() for x, _ in points], left, right)
    up = Scale([y for points in series.values() for _, y in points], bottom, top)
    for words, x in across.powers():
        picture.line(x, top, x, bottom)
        picture.text(x, bottom + 16, words, "middle")
    for words, y in up.powers():
        picture.line(left, y, right, y)
        picture.text(left - 6, y + 4, words, "end")
    picture.text((left + right) / 2, bottom + 36, x_label, "middle")
    picture.text(8, 12, y_label)
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number]
        picture.path([(across(x), up(y)) for x, y in points], colour, 2)
        for x, y in points:
            picture.dot(across(x), up(y), colour, 3)
        picture.line(right + 20, 34 + 22 * number, right + 44, 34 + 22 * number, colour, 2)
        picture.text(right + 50, 38 + 22 * number, name)
    return picture.svg()
