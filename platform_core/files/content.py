"""Stored files by what is in them: `<data dir>/files/ab/cdef…` is the file whose SHA-256 begins with abcdef.

A file is adopted once: hashed at constant memory, then linked (or copied where a link is impossible). Holes of
sparse files are not read. Digests are remembered beside the store by the file's identity (device, inode, time
of change, size), so that looking again at a file that nobody touched costs one `stat`.
"""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 20
_ZEROS = bytes(BLOCK)


@dataclass(frozen=True, slots=True)
class StoredContent:
    """Bytes in the store: their SHA-256 in hexadecimal and their number."""

    sha256: str
    size: int


class WrongContent(ValueError):
    """A file does not hold what was announced, or changed while it was read."""

    def __init__(self, message: str, found: str = "") -> None:
        super().__init__(message)
        self.found = found


class ContentStore:
    """The content store below one data directory. Any number of processes may adopt at once."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "files"
        self.incoming = data_dir / "incoming"
        self._digests = self.root / "digests"

    def path(self, sha256: str) -> Path:
        """Where the bytes with that digest stand, or would stand."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("a SHA-256 digest has 64 hexadecimal digits")
        return self.root / sha256[:2] / sha256[2:]

    def find(self, sha256: str) -> StoredContent | None:
        """The content with that digest, if the store has it."""
        try:
            return StoredContent(sha256, self.path(sha256).stat().st_size)
        except FileNotFoundError:
            return None

    def adopt(self, path: Path, expected_sha256: str | None = None) -> StoredContent:
        """Take the file at `path` into the store; the same file again costs next to nothing.

        Raises WrongContent if its digest is not `expected_sha256`, OSError if it cannot be read.
        """
        source = path.resolve(strict=True)
        content = self.look(source)
        if expected_sha256 is not None and content.sha256 != expected_sha256:
            message = f"{path.name} has the SHA-256 {content.sha256}, not {expected_sha256}"
            raise WrongContent(message, content.sha256)
        target = self.path(content.sha256)
        if not self._is_intact(target, content):
            self._place(source, target)
            self._remember(target, content)
        return content

    def adopt_bytes(self, data: bytes) -> StoredContent:
        """Take a few bytes into the store."""
        content = StoredContent(hashlib.sha256(data).hexdigest(), len(data))
        target = self.path(content.sha256)
        if not self._is_intact(target, content):
            with self._new_file(target) as part:
                part.write_bytes(data)
            self._remember(target, content)
        return content

    def _is_intact(self, target: Path, content: StoredContent) -> bool:
        """Is the content there, and still what it was? A linked file could have been written to since."""
        if not target.exists():
            return False
        if self.look(target) == content:
            return True
        target.unlink()
        return False

    def look(self, path: Path) -> StoredContent:
        """What is in the file at `path`, without taking it in; a file seen before is not read again."""
        before = path.stat()
        note = self._digests / f"{before.st_dev:x}-{before.st_ino:x}.json"
        with suppress(OSError, ValueError, KeyError):
            known = json.loads(note.read_text())
            if (known["mtime_ns"], known["size"]) == (before.st_mtime_ns, before.st_size):
                return StoredContent(known["sha256"], before.st_size)
        content = StoredContent(sha256_of(path), before.st_size)
        after = path.stat()
        if (after.st_mtime_ns, after.st_size) != (before.st_mtime_ns, before.st_size):
            raise WrongContent(f"{path.name} changed while it was read")
        self._remember(path, content)
        return content

    def _remember(self, path: Path, content: StoredContent) -> None:
        status = path.stat()
        note = {"mtime_ns": status.st_mtime_ns, "size": content.size, "sha256": content.sha256}
        name = f"{status.st_dev:x}-{status.st_ino:x}.json"
        with self._new_file(self._digests / name) as part:
            part.write_text(json.dumps(note))

    def _place(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except FileExistsError:
            return
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES):
                raise
            with self._new_file(target) as part:
                copy_sparse(source, part)
        with suppress(PermissionError):
            target.chmod(0o444)

    def _new_file(self, target: Path) -> "_NewFile":
        target.parent.mkdir(parents=True, exist_ok=True)
        return _NewFile(target)


class _NewFile:
    """A file that appears under its name only when it is whole and on the disk."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        handle, name = tempfile.mkstemp(prefix=".part-", dir=self._target.parent)
        os.close(handle)
        self._part = Path(name)
        return self._part

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None:
            self._part.unlink(missing_ok=True)
            return
        with self._part.open("rb") as file:
            os.fsync(file.fileno())
        self._part.replace(self._target)


def extents(descriptor: int, size: int) -> Iterator[tuple[int, int, bool]]:
    """Start, end and "holds data" of each part of a file, in order; holes where the file system tells."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                yield at, size, False
                return
            yield at, size, True
            return
        if start > at:
            yield at, min(start, size), False
        end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
        if start < end:
            yield start, end, True
        at = max(end, start)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, read block by block; holes are hashed without being read."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        for start, end, has_data in extents(file.fileno(), os.fstat(file.fileno()).st_size):
            file.seek(start)
            while start < end:
                length = min(BLOCK, end - start)
                block = file.read(length) if has_data else memoryview(_ZEROS)[:length]
                if not len(block):
                    raise WrongContent(f"{path.name} became shorter while it was read")
                digest.update(block)
                start += len(block)
    return digest.hexdigest()


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a file and keep its holes."""
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        size = os.fstat(reader.fileno()).st_size
        writer.truncate(size)
        for start, end, has_data in extents(reader.fileno(), size):
            if not has_data:
                continue
            reader.seek(start)
            writer.seek(start)
            while start < end:
                block = reader.read(min(BLOCK, end - start))
                if not block:
                    raise WrongContent(f"{source.name} became shorter while it was read")
                view = memoryview(block)
                while view:
                    view = view[writer.write(view) :]
                start += len(block)
