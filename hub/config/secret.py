"""Puts secrets where settings expect them: from files only their owner may read, or the environment."""

from __future__ import annotations

import os
import stat
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr

from hub.errors import Fault

__all__ = ["SecretReader", "models_in"]

KeyPath = tuple[str, ...]
_LONGEST = 100_000


class SecretReader:
    """Replaces `{ file = "…" }` and `{ env = "NAME" }` by what they name, wherever a model has a `SecretStr`.

    A secret written into the TOML file itself is refused. Faults are collected, not raised; none
    contains a secret.
    """

    def __init__(
        self,
        base_dir: Path,
        environment: Mapping[str, str],
        *,
        is_from_environment: Callable[[KeyPath], bool],
        locate: Callable[[KeyPath, str], Fault],
    ) -> None:
        self._base_dir = base_dir
        self._environment = environment
        self._is_from_environment = is_from_environment
        self._locate = locate
        self.faults: list[Fault] = []
        self.faulty: set[KeyPath] = set()
        """Paths a fault was written for; the model's own complaint about them says nothing new."""
        self.values: set[str] = set()
        """Every secret read, to be kept out of messages."""

    def resolve(self, value: Any, annotation: Any, path: KeyPath) -> Any:
        """Return `value` with secrets in the places where `annotation` has them."""
        if holds_secret(annotation):
            return self._secret(value, path)
        if isinstance(value, dict):
            for model in models_in(annotation):
                fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
                return {key: self.resolve(item, fields.get(key), (*path, key)) for key, item in value.items()}
            inner = _arguments(annotation, dict)
            return {key: self.resolve(item, inner[-1], (*path, key)) for key, item in value.items()} if inner else value
        if isinstance(value, list) and (inner := _arguments(annotation, list)):
            return [self.resolve(item, inner[0], (*path, str(index))) for index, item in enumerate(value)]
        return value

    def _secret(self, value: Any, path: KeyPath) -> Any:
        match value:
            case {"file": str(name), **rest} if not rest:
                secret = self._from_file(name, path)
            case {"env": str(name), **rest} if not rest:
                secret = self._environment.get(name)
                if not secret:
                    self._fault(path, f"the environment variable {name} is not set")
            case str() if self._is_from_environment(path):
                secret = value
            case None:
                return None
            case _:
                name = path[-1].replace("_", "-")
                self._fault(
                    path,
                    "a secret does not belong into this file; "
                    f'write {{ file = "secrets/{name}" }} or {{ env = "NAME" }}',
                )
                secret = None
        if secret:
            self.values.add(secret)
        return secret

    def _from_file(self, name: str, path: KeyPath) -> str | None:
        try:
            return _read_secret(self._base_dir, name)
        except ValueError as fault:
            self._fault(path, str(fault))
            return None

    def _fault(self, path: KeyPath, message: str) -> None:
        self.faults.append(self._locate(path, message))
        self.faulty.add(path)


def _read_secret(base_dir: Path, name: str) -> str:
    """Read a secret from a file of its owner alone; raises ValueError that says what is wrong with it."""
    try:
        file = base_dir / Path(name).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} names the home of a user who is not known here") from None
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for ever
            raise ValueError(f"{file} is no file; write the secret into one")
        with file.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            content = stream.read(_LONGEST + 1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    if os.name == "posix" and mode & 0o077:
        raise ValueError(f"{file} can be read by others (mode {mode:04o}). Run: chmod 600 '{file}'")
    if len(content) > _LONGEST:
        raise ValueError(f"{file} is longer than any secret")
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8 text") from None
    if not secret:
        raise ValueError(f"{file} is empty")
    return secret


def holds_secret(annotation: Any) -> bool:
    """Tell whether a field is a secret itself (`SecretStr`, `SecretStr | None`, annotated or not)."""
    if get_origin(annotation) is Annotated:
        return holds_secret(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return any(holds_secret(choice) for choice in get_args(annotation))
    return annotation in {SecretStr, SecretBytes}


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """List the models an annotation allows, outermost only."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in {Union, types.UnionType, Annotated}:
        return [model for choice in get_args(annotation) for model in models_in(choice)]
    return []


def _arguments(annotation: Any, container: type) -> tuple[Any, ...]:
    """Return the type arguments of a `container[…]` inside an annotation."""
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(container, origin):
        return get_args(annotation)
    if origin in {Union, types.UnionType, Annotated}:
        return next((found for choice in get_args(annotation) if (found := _arguments(choice, container))), ())
    return ()
