"""Where things stand in a case file: key path to line, and how deeply the text nests.

The TOML parser of the standard library keeps no positions and recurses without a limit, so the text is
scanned once before it is parsed. The scan judges nothing: at text that is not TOML it stops, and leaves
the error to the parser.
"""

from __future__ import annotations

import contextlib
import re
import tomllib

from aliascheck.memory import Data, field

KeyPath = tuple[str | int, ...]

MAX_NESTING = 100

_BLANK = re.compile(r"[ \t\r\n]*")
_SPACES = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=")
_LINE_RUN = re.compile(r"[^\"'#\[\]{}\n]+")
_NESTED_RUN = re.compile(r"[^\"'#\[\]{}]+")
_COMMENT = re.compile(r"#[^\n]*")


class NestingError(Exception):
    """The text nests deeper than the limit, at `line`."""

    def __init__(self, line: int) -> None:
        super().__init__(f"nested deeper than {MAX_NESTING} levels at line {line}")
        self.line = line


class Lines(Data, frozen=True):
    """The lines of a file's keys and headers. List items are counted from 0."""

    keys: dict[KeyPath, int] = field(default_factory=dict)
    headers: frozenset[KeyPath] = frozenset()

    def line_of(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest key above it that has one; 1 for the file itself."""
        for length in range(len(path), 0, -1):
            line = self.keys.get(path[:length])
            if line is not None:
                return line
        return 1


def locate(text: str) -> Lines:
    """The lines of all keys and headers of a TOML text.

    Raises: NestingError where the text nests deeper than `MAX_NESTING`.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_NotTomlError):
        scanner.scan()
    return Lines(scanner.lines, frozenset(scanner.headers))


class _NotTomlError(Exception):
    pass


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[KeyPath, int] = {}
        self.headers: set[KeyPath] = set()
        self._table: KeyPath = ()
        self._items: dict[KeyPath, int] = {}
        self._line = 1
        self._counted_to = 0

    def scan(self) -> None:
        while self._skip_blank():
            if self.text.startswith("[", self.position):
                self._header()
            else:
                self._key_and_value()

    def _skip_blank(self) -> bool:
        self._take(_BLANK)
        while self.text.startswith("#", self.position):
            self._take(_COMMENT)
            self._take(_BLANK)
        return self.position < len(self.text)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise _NotTomlError
        self.position = match.end()
        return match[0]

    def _here(self) -> int:
        self._line += self.text.count("\n", self._counted_to, self.position)
        self._counted_to = self.position
        return self._line

    def _check(self, depth: int) -> None:
        if depth > MAX_NESTING:
            raise NestingError(self._here())

    def _header(self) -> None:
        line = self._here()
        is_item = self.text.startswith("[[", self.position)
        self.position += 2 if is_item else 1
        path = self._resolve(self._key(0))
        if is_item:
            self._items[path] = self._items.get(path, -1) + 1
            self.lines.setdefault(path, line)
            path += (self._items[path],)
        self._check(len(path))
        self._table = path
        self.lines.setdefault(path, line)
        self.headers.add(path)
        end = self.text.find("\n", self.position)
        self.position = len(self.text) if end < 0 else end

    def _resolve(self, parts: list[str]) -> KeyPath:
        path: KeyPath = ()
        for part in parts[:-1]:
            path += (part,)
            if path in self._items:
                path += (self._items[path],)
        return (*path, parts[-1])

    def _key(self, depth: int) -> list[str]:
        """The parts of a dotted key that stands below `depth` containers."""
        self._take(_SPACES)
        parts = [self._key_part()]
        while _DOT.match(self.text, self.position):
            self._take(_DOT)
            parts.append(self._key_part())
            self._check(depth + len(parts) - 1)
        return parts

    def _key_part(self) -> str:
        if self.text.startswith('"', self.position):
            return _unescape(self._take(_BASIC))
        if self.text.startswith("'", self.position):
            return self._take(_LITERAL)[1:-1]
        return self._take(_BARE)

    def _key_and_value(self) -> None:
        line = self._here()
        parts = self._key(len(self._table))
        path = self._table
        for part in parts:
            path += (part,)
            self.lines.setdefault(path, line)
        self._take(_EQUALS)
        _Value(self, path).scan()

    def string(self) -> None:
        """Move past the string at the current position."""
        for quotes in ('"""', "'''"):
            if self.text.startswith(quotes, self.position):
                self._long_string(quotes)
                return
        self._take(_BASIC if self.text[self.position] == '"' else _LITERAL)

    def _long_string(self, quotes: str) -> None:
        end = self.text.find(quotes, self.position + 3)
        while end >= 0 and quotes == '"""' and self._is_escaped(end):
            end = self.text.find(quotes, end + 1)
        if end < 0:
            raise _NotTomlError
        self.position = end + 3
        for _ in range(2):  # up to two quotes may stand before the closing three
            if self.text.startswith(quotes[0], self.position):
                self.position += 1

    def _is_escaped(self, position: int) -> bool:
        first = position
        while self.text[first - 1] == "\\":
            first -= 1
        return (position - first) % 2 == 1


class _Value:
    """The scan of one value: brackets and keys inside it, up to the end of its line."""

    def __init__(self, scanner: _Scanner, path: KeyPath) -> None:
        self.scanner = scanner
        self.path = path
        self.depth = len(path) - 1
        self.open: list[tuple[str, int]] = []
        self.dots = 0  # of the key that is being read, in an inline table
        self.in_key = False
        self.item = 0  # of the outermost list

    def scan(self) -> None:
        scanner = self.scanner
        while scanner.position < len(scanner.text):
            char = scanner.text[scanner.position]
            if char in "\"'":
                scanner.string()
            elif char == "#":
                scanner._take(_COMMENT)
            elif char in "[{":
                self._enter(char)
            elif char in "]}":
                self._leave(char)
            elif char == "\n" and not self.open:
                return
            else:
                self._run(scanner._take(_NESTED_RUN if self.open else _LINE_RUN))

    def _enter(self, char: str) -> None:
        if len(self.open) == 1 and self.open[0][0] == "[":
            self.scanner.lines.setdefault((*self.path, self.item), self.scanner._here())
        self.open.append((char, self.depth))
        self.depth += self.dots + 1
        self.dots = 0
        self.in_key = char == "{"
        self.scanner._check(self.depth)
        self.scanner.position += 1

    def _leave(self, char: str) -> None:
        if not self.open or self.open[-1][0] + char not in ("[]", "{}"):
            raise _NotTomlError
        self.depth = self.open.pop()[1]
        self.dots = 0
        self.in_key = False
        self.scanner.position += 1

    def _run(self, run: str) -> None:
        if not self.open:
            return
        if self.open[-1][0] == "[":
            self.item += run.count(",") if len(self.open) == 1 else 0
            return
        for number, segment in enumerate(run.split(",")):
            if number:
                self.dots, self.in_key = 0, True
            if self.in_key:
                key, equals, _ = segment.partition("=")
                self.dots += key.count(".")
                self.in_key = not equals
                self.scanner._check(self.depth + self.dots)


def _unescape(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted[1:-1]
    try:
        return str(tomllib.loads(f"key = {quoted}")["key"])
    except tomllib.TOMLDecodeError:
        raise _NotTomlError from None
