"""Tables and numbers as text, and progress. Used by report and report_peers."""

import statistics
import sys


def progress(text):
    print(f'report: {text}', file=sys.stderr, flush=True)


def with_range(values, digits=2):
    median = f'{statistics.median(values):.{digits}f}'
    if len(values) == 1:
        return median
    return f'{median} ({min(values):.{digits}f} to {max(values):.{digits}f})'


def table(titles, rows):
    lines = [titles, ['---'] * len(titles), *rows]
    return ['| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells) + ' |'
            for cells in lines] + ['']


def verdict(values, goal):
    return 'yes' if statistics.median(values) >= goal else 'no'
