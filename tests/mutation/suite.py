"""The tests that a patch is judged by: which, in what order, and one run.

The cases of a doctest program go file by file, everything else by ctest. Used
by run.
"""

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import xml.etree.ElementTree
from pathlib import Path

DOCTEST_PROGRAMS = (
    "tests/rotary_test",
    "tests/kernels_test",
    "tests/plan_test",
    "tests/import/import_test",
    "tests/inspect/inspect_test",
)
# Not run: they build or emulate much, for what others see as well.
SLOW = re.compile(r"consumer_|qemu_rotary_test")
# What differs with the targets that are compiled.
EMULATED = re.compile(r"qemu_")

# The folders of tests whose subject a folder of lib is, but for its own name.
RELATED = {
    "apply": ("plan", "fused", "api"),
    "kernels": ("apply", "fused", "rows"),
    "rows": ("api", "kernels"),
    "config": ("plan", "api", "fused"),
    "api": ("config",),
    "frequencies": ("golden",),
    "rotary": ("abi", "api"),
}


class Job:
    """Some tests that one process runs."""

    def __init__(self, name, command, doctest):
        self.name = name
        self.command = command
        self.doctest = doctest
        self.seconds = 0.0  # without a patch


class Suite:
    """The tests of one build tree."""

    def __init__(self, folder, source, emulated, jobs):
        self._folder = folder
        self._source = source
        self._emulated = emulated
        self._workers = jobs
        self._broken = []
        self.jobs = []

    def prepare(self):
        """Runs all tests without a patch, for their times. Those that fail for
        how this is built are left out."""
        self._broken = []
        self._collect()
        times = {}
        waiting = self.jobs
        for _ in range(10):
            failed = self.run(waiting, measure=True)
            times.update((job.name, job.seconds) for job in waiting)
            if not failed:
                break
            names = {job.name for job, _ in failed}
            self._broken += [test for _, test in failed]
            print("left out, fails without a patch:",
                  *self._broken[-len(failed):], flush=True)
            self._collect()
            waiting = [job for job in self.jobs if job.name in names]
        else:
            raise RuntimeError("tests fail without a patch")
        for job in self.jobs:
            job.seconds = times[job.name]

    def save(self, path, tree):
        seconds = {job.name: job.seconds for job in self.jobs}
        known = {"tree": tree, "broken": self._broken, "seconds": seconds}
        path.write_text(json.dumps(known))

    def load(self, path, tree):
        """Whether prepare was run for this tree."""
        if not path.is_file():
            return False
        known = json.loads(path.read_text())
        if known["tree"] != tree:
            return False
        self._broken = known["broken"]
        self._collect()
        for job in self.jobs:
            job.seconds = known["seconds"].get(job.name, 0.0)
        return True

    def _collect(self):
        self.jobs = []
        excluded = ",".join(name.replace(",", "?") for name in self._broken)
        for program in DOCTEST_PROGRAMS:
            listed = subprocess.run(
                [self._folder / program, "-ltc", "-r=xml"],
                capture_output=True, text=True, check=True)
            cases = xml.etree.ElementTree.fromstring(listed.stdout)
            for name in sorted({case.get("filename")
                                for case in cases.iter("TestCase")}):
                self.jobs.append(Job(
                    os.path.relpath(name, self._source / "tests"),
                    [self._folder / program, "--abort-after=1",
                     "--no-colors=true", "--source-file=" + name,
                     "--test-case-exclude=" + excluded], True))
        listed = subprocess.run(
            ["ctest", "--show-only=json-v1"], cwd=self._folder,
            capture_output=True, text=True, check=True)
        for test in json.loads(listed.stdout)["tests"]:
            name = test["name"]
            program = Path(test["command"][0]).name
            if (program in (Path(p).name for p in DOCTEST_PROGRAMS)
                    or SLOW.match(name) or name in self._broken
                    or (EMULATED.match(name) and not self._emulated)):
                continue
            self.jobs.append(Job(
                name, ["ctest", "--output-on-failure", "-R",
                       f"^{re.escape(name)}$"], False))

    def ordered(self, changed):
        """The jobs, those first that may know the changed files best."""
        def words(name):
            return set(re.split(r"[^a-z0-9]+", Path(name).stem)) - {"test"}

        folders = [Path(name).parent.name for name in changed]
        related = [f for folder in folders for f in RELATED.get(folder, ())]
        stems = set().union(*(words(name) for name in changed))

        def rank(job):
            folder = job.name.split("/")[0]
            place = 0 if folder in folders else 1 if folder in related else 2
            seconds = max(job.seconds, 0.05)
            return seconds * (1, 3, 6)[place] / (
                1 + 4 * len(words(job.name) & stems))

        return sorted(self.jobs, key=rank)

    def run(self, jobs, measure=False):
        """Runs jobs until a test fails, or to `measure` them all. Each job that
        failed, with the name of the test."""
        waiting = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        running = set()
        lock = threading.Lock()
        failures = []

        def work():
            while measure or not failures:
                try:
                    job = waiting.get_nowait()
                except queue.Empty:
                    return
                begun = time.monotonic()
                failed = self._run_job(job, running, lock,
                                       [] if measure else failures)
                if measure:
                    job.seconds = time.monotonic() - begun
                if failed is None:
                    continue
                with lock:
                    failures.append((job, failed))
                    if measure:
                        continue
                    for other in running:
                        _kill(other)

        workers = [threading.Thread(target=work) for _ in range(self._workers)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except BaseException:  # ended by a signal
            with lock:
                while not waiting.empty():
                    waiting.get_nowait()
                for process in running:
                    _kill(process)
            raise
        return failures

    def _run_job(self, job, running, lock, failures):
        # Generous: only a hang is one.
        limit = 20 + 15 * job.seconds if job.seconds else 300
        environment = dict(os.environ, OMP_WAIT_POLICY="passive",
                           CTEST_NO_TESTS_ACTION="error")
        with open(os.devnull, "rb") as nothing, lock:
            if failures:
                return None
            process = subprocess.Popen(
                list(map(str, job.command)), cwd=self._folder, stdin=nothing,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=environment, errors="replace", start_new_session=True)
            running.add(process)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return f"timeout ({job.name})"
        finally:
            with lock:
                running.discard(process)
        if process.returncode == 0 or failures:
            return None
        return _name_of_failed(job, output)


def _kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _name_of_failed(job, output):
    if not job.doctest:
        return job.name
    cases = re.findall(r"^TEST CASE: +(.*)$", output, re.MULTILINE)
    return cases[-1].strip() if cases else job.name
