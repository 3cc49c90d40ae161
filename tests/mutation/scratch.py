"""The scratch copy of the repository and its build trees, in build/mutation.

A build tree is saved once it is built without a patch. After a patch, what
differs from that, by size and time, is put back, so that the next patch costs
the files that it changes and no others. Used by run.
"""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

# Of the repository, neither copied nor part of what a result depends on.
SKIPPED = ("build/", "bench/", "tests/mutation/", ".git/", ".git", ".cache/")

# -O1 compiles kernels in little more than half the time of -O2 and costs the
# tests nothing; a program that is there need not be linked to each library.
OPTIONS = (
    "-DCMAKE_BUILD_TYPE=None",
    "-DCMAKE_C_FLAGS=-O1",
    "-DCMAKE_CXX_FLAGS=-O1",
    "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON",
    "-DROTARY_BUILD_BENCH=OFF",
)


def files_of(repository):
    """The names of the files that a copy of the repository has."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = os.fsdecode(listed.stdout).split("\0")
    else:  # not a clone
        names = [
            str(path.relative_to(repository))
            for path in Path(repository).rglob("*")
        ]
    return sorted(
        name
        for name in names
        if name
        and not name.startswith(SKIPPED)
        and (repository / name).is_file()
    )


def tree_hash(repository, names):
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0")
        digest.update(hashlib.sha256((repository / name).read_bytes()).digest())
    return digest.hexdigest()


def stamp(path):
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def regular_files(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if path.is_file() or path.is_symlink():
                yield path.relative_to(folder)


def make_equal(source, target):
    """Makes one folder what the other is, times included."""
    wanted = set(regular_files(source))
    for name in set(regular_files(target)) - wanted:
        (target / name).unlink()
    for name in wanted:
        old, new = source / name, target / name
        if old.is_symlink():
            if new.is_symlink() and os.readlink(new) == os.readlink(old):
                continue
        elif new.is_file() and not new.is_symlink():
            if stamp(old) == stamp(new):
                continue
        new.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        shutil.copy2(old, new, follow_symlinks=False)


class Source:
    """The scratch copy, to which one patch at a time is applied."""

    def __init__(self, repository, folder):
        self.folder = folder
        names = files_of(repository)
        self.tree = tree_hash(repository, names)
        for name in set(map(str, regular_files(folder))) - set(names):
            (folder / name).unlink()
        for name in names:
            target = folder / name
            data = (repository / name).read_bytes()
            if target.is_file() and target.read_bytes() == data:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            shutil.copymode(repository / name, target)
        self._kept = {}

    def apply(self, patch):
        """The files that it changed, or None if it does not apply."""
        text = patch.read_text(errors="surrogateescape")
        names = re.findall(r"^(?:---|\+\+\+) [^/\s]+/(\S+)", text, re.MULTILINE)
        names = sorted(set(names) - {"dev/null"})
        for name in names:
            path = self.folder / name
            self._kept[path] = path.is_file() and (
                path.read_bytes(),
                path.stat().st_mtime_ns,
            )
        applied = subprocess.run(
            ["patch", "-p1", "--force", "--silent", "--no-backup-if-mismatch",
             "--reject-file=-", "--input", str(patch.resolve())],
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        changed = [
            name
            for name in names
            if self._content(name)
            != (self._kept[self.folder / name] or [None])[0]
        ]
        if applied.returncode == 0 and changed:
            return changed
        self.restore()
        return None

    def _content(self, name):
        path = self.folder / name
        return path.read_bytes() if path.is_file() else None

    def restore(self):
        for path, kept in self._kept.items():
            if not kept:
                path.unlink(missing_ok=True)
                continue
            data, time = kept
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, ns=(time, time))
        self._kept = {}


class Build:
    """A build tree of the scratch copy, without some of the targets."""

    def __init__(self, source, folder, skipped_targets, jobs):
        self.folder = folder
        self._source = source
        self._skipped = skipped_targets
        self._jobs = jobs
        self._saved = folder.with_name(folder.name + ".saved")

    def prepare(self):
        """Builds it without a patch; raises if that fails."""
        if self._saved.is_dir():
            make_equal(self._saved, self.folder)
        failure = self.configure() or self.build()
        if failure:
            raise RuntimeError(f"it does not build without a patch:\n{failure}")
        make_equal(self.folder, self._saved)

    def restore(self):
        make_equal(self._saved, self.folder)

    def configure(self):
        return _failure(
            ["cmake", "-S", self._source.folder, "-B", self.folder, "-G",
             "Ninja", *OPTIONS, "-DROTARY_SKIPPED_TARGETS=" + self._skipped],
        )

    def build(self, *targets):
        """What the compiler said, or None if all is built."""
        return _failure(
            ["ninja", "-C", self.folder, "-j", str(self._jobs), *targets]
        )


def _failure(command):
    done = subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        errors="replace",
        check=False,
    )
    return None if done.returncode == 0 else done.stdout
