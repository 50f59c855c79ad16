"""Compose files -> one merged tree: interpolation, ``extends``, ``include``, several files, profiles (spec 11).

Reads further files by the function that it is given, and nothing else.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from boathook.compose.reading.canonical import canonical
from boathook.compose.reading.dotenv import parse_dotenv
from boathook.compose.reading.interpolate import BadInterpolation, Interpolator
from boathook.compose.reading.merge import merge, merge_service, unique
from boathook.compose.reading.problems import Problems
from boathook.compose.reading.relative import Resolver
from boathook.compose.reading.tree import Node, TreeDocument, document_of, mapped, plain, read_tree, without_tags
from boathook.compose.reading.values import found
from boathook.documents.document import Path as ValuePath
from boathook.documents.scalars import Scalar
from boathook.errors import ManifestError, UsageError

Read: TypeAlias = Callable[[Path], str | None]
"""The text of a further file that the project names; None: it is not there."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileText:
    """One file as it is to be read. ``file`` is how messages call it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A project's files as one, every short form written out, nothing checked that merging does not need."""

    name: str
    directory: Path
    files: tuple[str, ...]
    document: TreeDocument
    """Without the services that no profile enables."""
    disabled: Mapping[str, tuple[str, ...]]
    """Those services, with their profiles."""
    profiles: tuple[str, ...]
    """All that any service names, sorted."""
    variables: dict[str, str]
    problems: Problems
    read: Read
    environment_files: tuple[str, ...] = ()
    """Those that were given by hand, absolute."""


def check_name(name: str) -> str:
    """A project name given by hand, as it is. Raises ``UsageError`` with the peer's words."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f'invalid project name "{name}": must consist only of lowercase alphanumeric characters, hyphens, and '
            "underscores as well as start with a letter or number"
        )
    return name


def normal_name(name: str) -> str:
    """The project name that a directory's or the file's own name stands for: ``My App`` -> ``myapp``."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def load(
    files: Sequence[FileText],
    *,
    directory: Path,
    name: str | None,
    variables: Mapping[str, str],
    read: Read,
    profiles: Collection[str] = (),
    services: Collection[str] = (),
    interpolate: bool = True,
) -> Loaded:
    """The project of these files, later ones over earlier ones. Raises ``ManifestError`` for what cannot be merged.

    ``name`` is the one given by hand; naming a service enables it, and every other of its profiles.
    """
    problems = Problems()
    loader = _Loader(problems=problems, read=read, interpolate=interpolate)
    trees = loader.trees(files)
    known = dict(variables)
    project = _project_name(loader, trees, name, directory, known)
    known["COMPOSE_PROJECT_NAME"] = project
    root = without_tags(loader.model(trees, _Origin(directory, known, tuple(one.file for one in files))))
    root = _with_name(root, project)
    all_services = root.get("services")
    named = {key: _profiles(one) for key, one in all_services.entries().items()} if all_services else {}
    disabled = _disabled(named, profiles, services)
    document = document_of(_without(root, disabled), files[0].file)
    return Loaded(
        name=project,
        directory=directory,
        files=tuple(one.file for one in files),
        document=document,
        disabled={key: named[key] for key in disabled},
        profiles=tuple(sorted({profile for one in named.values() for profile in one})),
        variables=known,
        problems=problems,
        read=read,
    )


@dataclass(frozen=True, slots=True)
class _Origin:
    """What the files of one model count from. ``chain`` names the files that led here."""

    directory: Path
    variables: Mapping[str, str]
    chain: tuple[str, ...]


@dataclass(slots=True)
class _Loader:
    problems: Problems
    read: Read
    interpolate: bool
    prepared: dict[Path, Node | None] = field(default_factory=dict)
    """Files that something is extended from."""

    def trees(self, files: Sequence[FileText]) -> tuple[Node, ...]:
        """The files' values. Every problem of the syntax of any of them is raised at once."""
        trees: list[Node] = []
        broken: list[ManifestError] = []
        for one in files:
            try:
                trees.append(_one_tree(one, self.problems))
            except ManifestError as error:
                broken.append(error)
        if broken:
            raise ManifestError(tuple(problem for error in broken for problem in error.problems))
        return tuple(trees)

    def model(self, trees: Sequence[Node], origin: _Origin) -> Node:
        """Several files as one, with what they include and extend."""
        result: Node | None = None
        for tree in trees:
            whole = self._with_included(self._extended(self._prepare(tree, origin), origin), origin)
            result = whole if result is None else merge(result, whole)
        assert result is not None
        return result

    def _prepare(self, tree: Node, origin: _Origin) -> Node:
        if self.interpolate:
            tree = mapped(tree, lambda value, path, node: self.text(value, path, node, origin.variables))
        resolver = Resolver(origin.directory, origin.variables.get("HOME", "/"))
        return unique(resolver.file(canonical(tree)))

    def text(self, value: Scalar, path: ValuePath, node: Node, variables: Mapping[str, str]) -> Scalar:
        """A scalar with its variables replaced."""
        if not isinstance(value, str) or "$" not in value:
            return value
        interpolator = Interpolator(variables)
        try:
            result = interpolator.value(value)
        except BadInterpolation as error:
            self.problems.error("interpolation", node.place.source(path), str(error))
            return value
        for variable in interpolator.unset:
            self.problems.warn(
                "unset-variable",
                node.place.source(path),
                f'The "{variable}" variable is not set. Defaulting to a blank string.',
                once=variable,
            )
        return result

    def _extended(self, root: Node, origin: _Origin) -> Node:
        """The services of a file, each over the one that it extends."""
        services = root.get("services")
        if services is None or not isinstance(services.value, dict):
            return root
        done = {key: self._service(key, root, origin, ()) for key in services.value}
        return root.holding({**root.entries(), "services": services.holding(done)})

    def _service(self, name: str, root: Node, origin: _Origin, chain: tuple[tuple[str, str], ...]) -> Node:
        service = root.entries()["services"].entries()[name]
        extends = service.get("extends")
        if extends is None:
            return service
        own = service.holding({key: one for key, one in service.entries().items() if key != "extends"})
        path: ValuePath = ("services", name, "extends")
        step = (service.place.file, name)
        if step in chain:
            circle = " -> ".join(one for _, one in (*chain[chain.index(step) :], step))
            self.problems.error("extends", extends.place.source(path), f"services extend each other: {circle}")
            return own
        base = self._base(extends, path, root, origin, (*chain, step))
        if base is None:
            return own
        return dataclasses.replace(merge_service(base, own), place=service.place, key=service.key)

    def _base(
        self, extends: Node, path: ValuePath, root: Node, origin: _Origin, chain: tuple[tuple[str, str], ...]
    ) -> Node | None:
        """The service that is extended, with what it extends itself."""
        service = extends.text("service")
        if not service:
            message = f'{_found(extends)}, expected a service\'s name or a mapping with "service"'
            self.problems.error("extends", extends.place.source(path), message)
            return None
        where = ""
        if file := extends.text("file"):
            other = self._other_file(file, extends, path, origin)
            if other is None:
                return None
            root, origin = other
            where = f" in {file}"
        services = root.get("services")
        if services is None or service not in services.entries():
            message = f'cannot extend service "{service}"{where}: there is none of that name'
            self.problems.error("extends", extends.place.source(path), message)
            return None
        return self._service(service, root, origin, chain)

    def _other_file(self, file: str, extends: Node, path: ValuePath, origin: _Origin) -> tuple[Node, _Origin] | None:
        whole = Path(Resolver(origin.directory, origin.variables.get("HOME", "/")).path(file))
        inner = _Origin(whole.parent, origin.variables, origin.chain)
        if whole not in self.prepared:
            text = self.read(whole)
            if text is None:
                self.problems.error("missing-file", extends.place.source((*path, "file")), f"{whole} is not there")
            tree = _one_tree(FileText(file=str(whole), text=text), self.problems) if text is not None else None
            self.prepared[whole] = self._prepare(tree, inner) if tree is not None else None
        prepared = self.prepared[whole]
        return None if prepared is None else (prepared, inner)

    def _with_included(self, root: Node, origin: _Origin) -> Node:
        include = root.get("include")
        if include is None:
            return root
        own = root.holding({key: one for key, one in root.entries().items() if key != "include"})
        if not isinstance(include.value, list):
            message = f"{_found(include)}, expected a list of paths or mappings"
            self.problems.error("include", include.place.source(("include",)), message)
            return own
        base: Node | None = None
        for position, one in enumerate(include.value):
            model = self._included(one, ("include", position), origin)
            if model is not None:
                base = model if base is None else merge(base, model)
        return own if base is None else dataclasses.replace(merge(base, own), place=own.place, key=own.key)

    def _included(self, entry: Node, path: ValuePath, origin: _Origin) -> Node | None:
        files = [one.value for one in _list_at(entry, "path") if isinstance(one.value, str)]
        for key in entry.entries().keys() - {"path", "project_directory", "env_file"}:
            source = entry.entries()[key].key.source((*path, key))
            self.problems.error("unknown-field", source, f'unknown field "{key}"')
        if not files:
            self.problems.error("include", entry.place.source(path), f'{_found(entry)}, expected a "path"')
            return None
        resolver = Resolver(origin.directory, origin.variables.get("HOME", "/"))
        places = [Path(resolver.path(one)) for one in files]
        if circle := [str(one) for one in places if str(one) in origin.chain]:
            chain = " -> ".join([*origin.chain, circle[0]])
            self.problems.error("include", entry.place.source(path), f"include cycle detected: {chain}")
            return None
        texts = [text for one in places if (text := self._text_of(one, entry, path)) is not None]
        if len(texts) < len(places):
            return None
        written = entry.text("project_directory")
        directory = Path(resolver.path(written)) if written else places[0].parent
        variables = self._variables(entry, path, directory, origin)
        inner = _Origin(directory, variables, (*origin.chain, *(str(one) for one in places)))
        model = self.model(self.trees(texts), inner)
        model = model.holding({key: one for key, one in model.entries().items() if key != "name"})
        return _with_environment(model, variables)

    def _text_of(self, file: Path, entry: Node, path: ValuePath) -> FileText | None:
        text = self.read(file)
        if text is None:
            self.problems.error("missing-file", entry.place.source(path), f"{file} is not there")
            return None
        return FileText(file=str(file), text=text)

    def _variables(self, entry: Node, path: ValuePath, directory: Path, origin: _Origin) -> Mapping[str, str]:
        """The including file's variables over those of the included one's own environment files."""
        resolver = Resolver(origin.directory, origin.variables.get("HOME", "/"))
        named = [resolver.path(one.value) for one in _list_at(entry, "env_file") if isinstance(one.value, str)]
        result: dict[str, str] = {}
        for file in named or [str(directory / ".env")]:
            text = self.read(Path(file))
            if text is None and named:
                self.problems.error("missing-file", entry.place.source(path), f"env file {file} not found")
            values = parse_dotenv(text or "", {**result, **origin.variables}, file=file)
            result |= {key: value for key, value in values.items() if value is not None}
        return {**result, **origin.variables}


def _one_tree(file: FileText, problems: Problems) -> Node:
    trees = read_tree(file.text, file.file)
    if len(trees) == 1 and isinstance(trees[0].value, dict):
        return trees[0]
    if not trees:
        raise problems.refused_file(file.file, "empty", "the file is empty, expected services")
    if len(trees) > 1:
        finding = problems.finding("several-documents", trees[1].place.source(()), "a Compose file has one document")
    else:
        finding = problems.finding("wrong-type", trees[0].place.source(()), f"{_found(trees[0])}, expected a mapping")
    raise ManifestError((finding,))


def _found(node: Node) -> str:
    return f"found {found(plain(node))}"


def _list_at(node: Node, key: str) -> Iterator[Node]:
    listed = node.get(key)
    if listed is not None:
        yield from listed.items()


def _project_name(
    loader: _Loader, trees: Sequence[Node], given: str | None, directory: Path, variables: Mapping[str, str]
) -> str:
    if given is not None:
        return check_name(given)
    written = [tree for tree in trees if tree.text("name")]
    name, source = directory.name, trees[0].place.source(("name",))
    if written:
        node = written[-1].entries()["name"]
        source = node.place.source(("name",))
        name = str(loader.text(node.value, ("name",), node, variables)) if isinstance(node.value, str) else name
    normal = normal_name(name)
    if not normal:
        message = f'no project name can be made of "{name}"'
        loader.problems.error("project-name", source, message, remedy="give one with -p")
    return normal


def _with_name(root: Node, name: str) -> Node:
    node = root.get("name")
    return root.holding({**root.entries(), "name": (node or root).new(name)})


def _with_environment(root: Node, variables: Mapping[str, str]) -> Node:
    """Variables that a service only names take the value that they have where the service is written."""
    services = root.get("services")
    if services is None:
        return root
    result = {}
    for name, service in services.entries().items():
        environment = service.get("environment")
        if environment is not None:
            known = {
                key: one.holding(variables.get(key)) if one.value is None else one
                for key, one in environment.entries().items()
            }
            service = service.holding({**service.entries(), "environment": environment.holding(known)})
        result[name] = service
    return root.holding({**root.entries(), "services": services.holding(result)})


def _profiles(service: Node) -> tuple[str, ...]:
    return tuple(str(one.value) for one in _list_at(service, "profiles"))


def _disabled(
    named: Mapping[str, tuple[str, ...]], profiles: Collection[str], services: Collection[str]
) -> tuple[str, ...]:
    active = set(profiles) | {profile for service in services for profile in named.get(service, ())}
    if "*" in active:
        return ()
    return tuple(key for key, own in named.items() if own and key not in services and not active & set(own))


def _without(root: Node, services: tuple[str, ...]) -> Node:
    listed = root.get("services")
    if listed is None or not services:
        return root
    left = {key: one for key, one in listed.entries().items() if key not in services}
    return root.holding({**root.entries(), "services": listed.holding(left)})
