"""Runs rotary_peers several times; its part of report's page. Used by report.

A goal says how many times faster than its peers the library is to be: in every
case that `case` of goals.json is found in, than that peer or, if there is none,
than the fastest of them. It is reached if the median of the runs is not below
it.
"""

import json
import re
import statistics
import subprocess
import sys

from report_text import progress, table, verdict, with_range


def run_peers(program, pattern):
    """The context, and all results by case and peer."""
    done = subprocess.run([program, '--json', f'--filter={pattern}'],
                          stdout=subprocess.PIPE, text=True, check=False)
    try:
        output = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f'report: {program} ended with {done.returncode}, '
                 'without a result')
    if done.returncode != 0:
        progress(f'{program} ended with {done.returncode}')
    results = {(one['case'], one['peer']): one for one in output['results']}
    return output['context'], results


def times_faster(runs, case, peers):
    """Than the fastest of these peers, in each run that has one."""
    found = [[run[case, peer]['times_faster'] for peer in peers
              if (case, peer) in run] for run in runs]
    return [min(times) for times in found if times]


def goals_table(goals, runs):
    names = {key for run in runs for key in run}
    all_peers = sorted({peer for _, peer in names})
    rows = []
    for goal in goals:
        peers = [goal['peer']] if 'peer' in goal else all_peers
        text = f"than {goal.get('peer', 'the fastest')}, `{goal['case']}`"
        for case in sorted({case for case, _ in names}):
            if not re.search(goal['case'], case):
                continue
            values = times_faster(runs, case, peers)
            if values:
                rows.append((text, case, values, goal['times']))
    return rows


def summary(rows):
    """For each goal the case that is furthest from it."""
    lines = []
    for text in dict.fromkeys(row[0] for row in rows):
        of_goal = [row for row in rows if row[0] == text]
        _, case, values, goal = min(
            of_goal, key=lambda row: statistics.median(row[2]))
        reached = sum(verdict(row[2], goal) == 'yes' for row in of_goal)
        lines.append((text, f'{goal:.2f}', f'{reached} of {len(of_goal)}',
                      with_range(values), f'`{case}`'))
    return lines


def missed_table(rows):
    missed = [(text, f'`{case}`', with_range(values), f'{goal:.2f}')
              for text, case, values, goal in rows
              if verdict(values, goal) == 'no']
    if not missed:
        return ['All are reached.', '']
    return ['Not reached:', ''] + table(('goal', 'case', 'measured', 'goal'),
                                        missed)


def cases_table(runs):
    rows = []
    for case, peer in sorted({key for run in runs for key in run}):
        found = [run[case, peer] for run in runs if (case, peer) in run]

        def values(field, found=found):
            return [one[field] for one in found]

        rows.append((
            f'`{case}`', peer, with_range(values('ns'), 0),
            with_range(values('of_limit')), with_range(values('rotary_ns'), 0),
            with_range(values('rotary_of_limit')),
            with_range(values('times_faster')),
            with_range([one['ns'] / one['rotary_from_positions_ns']
                        for one in found])))
    return rows


def peers_section(program, pattern, count, goals):
    """The lines of the page."""
    runs = []
    context = {}
    for i in range(count):
        progress(f'run {i + 1} of {count}, peers')
        context, found = run_peers(program, pattern)
        runs.append(found)
    rows = goals_table(goals, runs)
    facts = [(name, str(value)) for name, value in context.items()]
    return (
        ['## Peers', ''] + table(('', ''), facts) +
        ['How many times faster.', ''] +
        table(('goal', 'times', 'reached in', 'least', 'in'), summary(rows)) +
        missed_table(rows) +
        ['All cases. `times faster` is of the call that does the same work; '
         'the last column of the one from positions.', ''] +
        table(('case', 'peer', 'ns', 'of_limit', 'rotary ns', 'of_limit',
               'times faster', 'from positions'), cases_table(runs)))
