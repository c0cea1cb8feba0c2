"""Conditions and matchers as people write them → `ConditionConfig` and `MatcherConfig`."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any, Final, Literal, Protocol

import attrs

from gatekeeper.config.addresses import Network
from gatekeeper.config.conditions import (
    FORMS,
    IDENTITY_KEYS,
    Condition,
    ConditionConfig,
    Match,
    Matcher,
    MatcherConfig,
    PathPattern,
)
from gatekeeper.config.document import BROKEN, shown
from gatekeeper.config.hints import hint
from gatekeeper.config.kinds import PartKind
from gatekeeper.config.problems import Place, quoted
from gatekeeper.config.structure import Expand, Reader
from gatekeeper.config.units import HostPattern, LiteralPath, Method, Name, Share
from gatekeeper.config.wording import LISTS, keys, origin, written
from gatekeeper.policy.regex import Regex


class Template(Protocol):
    """A parsed path template."""

    @property
    def captures(self) -> Mapping[str, frozenset[str] | str]:
        """What it captures: name → choices, or type; `service` is one, empty is any segment."""
        ...


ParseTemplate = Callable[[str], Template]
"""Reads a path template, and raises ValueError where it is none."""

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_KEYS: Final = tuple(key for key in keys(ConditionConfig) if key != "predicates")
_FORMS: Final = tuple(form.rstrip("_") for form in FORMS)

Where = Literal["match", "not in match", "when"]
"""What a condition is for: what is negated in a `match` may ask for as little as the rest of it."""

_NO_LITERAL: Final = re.compile(r"[\[\]\\^|<>]")
"""What no path holds, and regular expressions and other templates do."""


class ConditionReader(Reader):
    """Reads conditions too. `place` and `locate` come from whoever knows the files."""

    def __init__(
        self,
        base: FilePath,
        expand: Mapping[type, Expand],
        later: Callable[[tuple[str | int, ...]], bool],
        predicates: Mapping[str, PartKind],
        template: ParseTemplate,
    ) -> None:
        super().__init__(base, expand, later)
        self.predicates = predicates
        self.template = template
        factory = self.converter.register_structure_hook_factory
        factory(lambda kind: kind == Match, lambda _: self._condition_hook("match"))
        factory(lambda kind: kind == Condition, lambda _: self._condition_hook("when"))
        factory(lambda kind: kind == Matcher, lambda _: self._matcher)
        factory(lambda kind: kind == PathPattern, lambda _: self._path_pattern)
        self._readers: Final[Mapping[str, Callable[[Any], Any]]] = {
            "host": lambda value: self._several(value, HostPattern),
            "path": lambda value: self._several(value, PathPattern),
            "method": lambda value: self._several(value, Method),
            "scheme": lambda value: self._several(value, Literal["http", "https"]),
            "listener": lambda value: self._several(value, Name),
            "header": self._header,
            "query": self._named,
            "cookie": self._named,
            "address": lambda value: self._several(value, Network),
            **dict.fromkeys(("consumer", "role", "scope"), self._words),
            **{key: lambda value: self._several(value, Name) for key in ("plan", "authenticator")},
            "claim": self._named,
            "share": lambda value: self.read(value, Share),
        }

    def locate(self) -> Place:
        """Where the value that is being read stands."""
        return Place(tuple(self.path))

    # ---- conditions -----------------------------------------------------------------------------------------------

    def _condition_hook(self, where: Where) -> Callable[[Any, Any], Any]:
        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, list):
                found = self._condition(value, where)
                return found if found is BROKEN else (found,)
            if not value:
                return self._empty(where)
            conditions = []
            for index, item in enumerate(value):
                self.path.append(index)
                conditions.append(BROKEN if item is BROKEN else self._condition(item, where))
                self.path.pop()
            return tuple(item for item in conditions if item is not BROKEN) or BROKEN

        return hook

    def _empty(self, where: Where) -> Any:
        if where == "match":
            return self.refuse("`match` is empty; `/**` matches every path")
        return self.refuse("the condition is empty; leave it out where everything fits")

    def _condition(self, value: Any, where: Where) -> Any:
        if isinstance(value, str):
            if not value.startswith("/"):
                return self.refuse(f"`{shown(value)}` is no condition; {_instead(value)}")
            pattern = self._path_pattern(value, None)
            return BROKEN if pattern is BROKEN else ConditionConfig(path=(pattern,), place=self.locate())
        if not isinstance(value, dict):
            return self.mistyped("a condition, like `{path: /users/**}`", value)
        if not value:
            return self._empty(where)
        found: dict[str, Any] = {}
        predicates: dict[str, Any] = {}
        whole = True
        for key, item in value.items():
            self.path.append(key)
            result = BROKEN if item is BROKEN else self._key(key, item, where)
            self.path.pop()
            if result is BROKEN:
                whole = False
            elif key in self._readers or key == "not":
                found["not_" if key == "not" else key] = result
            else:
                predicates[key] = result
        if not whole and not found and not predicates:
            return BROKEN
        return ConditionConfig(**found, predicates=predicates, place=self.locate())

    def _key(self, key: str, value: Any, where: Where) -> Any:
        if key == "not":
            return self._condition_hook("when" if where == "when" else "not in match")(value, None)
        if where != "when" and key == "share":
            return self.refuse(
                "`share` is no part of `match`; give the targets under `to` weights", "not-here", at_key=True
            )
        if where != "when" and key in IDENTITY_KEYS:
            message = f"`{key}` is not known when routes are matched; write `authorize: {{{key}: ...}}` into `filters`"
            return self.refuse(message, "no-identity", at_key=True)
        if key in self._readers:
            return self._readers[key](value)
        if key in self.predicates:
            return self._options(self.predicates[key], value)
        known = [key for key in _KEYS if where == "when" or key not in IDENTITY_KEYS]
        known += self.predicates
        return self.refuse(f"unknown key `{key}`{hint('match', key, known)}", "unknown-key", at_key=True)

    def _options(self, kind: PartKind, value: Any) -> Any:
        if not isinstance(value, dict) and kind.main is not None:
            several = origin(keys(attrs.resolve_types(kind.config))[kind.main].type) in LISTS
            value = {kind.main: [value] if several and not isinstance(value, list) else value}
        return self.read(value, kind.config)

    def _several(self, value: Any, kind: Any) -> Any:
        """One value or a list of them."""
        if not isinstance(value, list):
            result = self.read(value, kind)
            return result if result is BROKEN else (result,)
        if not value:
            return self.refuse(f"`{self.path[-1]}` is an empty list, which no request fits")
        results = [self.read(item, kind, index) for index, item in enumerate(value)]
        return tuple(result for result in results if result is not BROKEN) or BROKEN

    def _words(self, value: Any) -> Any:
        return self._several(value, str)

    def _header(self, value: Any) -> Any:
        found = self._named(value)
        if found is BROKEN:
            return BROKEN
        lower: dict[str, Any] = {}
        for name, matcher in found.items():
            if not _TOKEN.fullmatch(name):
                self.refuse(f"`{name}` is not a header field name", "bad-value", name, at_key=True)
            elif name.lower() in lower:
                self.refuse(
                    f"`{name}` stands twice: names compare without case", "bad-value", name, at_key=True
                )
            else:
                lower[name.lower()] = matcher
        return lower or BROKEN

    def _named(self, value: Any) -> Any:
        key = self.path[-1]
        if not isinstance(value, dict):
            return self.mistyped(f"a mapping of names, like `{_as_mapping(value)}`", value)
        if not value:
            return self.refuse(f"`{key}` is empty; name at least one, or leave it out")
        found = {name: self.read(item, Matcher, name) for name, item in value.items()}
        return {name: item for name, item in found.items() if item is not BROKEN} or BROKEN

    # ---- matchers -------------------------------------------------------------------------------------------------

    def _matcher(self, value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            found = self._one_matcher(value)
            return found if found is BROKEN else (found,)
        if not value:
            return self.refuse("an empty list, which no value fits")
        results = []
        for index, item in enumerate(value):
            self.path.append(index)
            results.append(BROKEN if item is BROKEN else self._one_matcher(item))
            self.path.pop()
        return tuple(result for result in results if result is not BROKEN) or BROKEN

    def _one_matcher(self, value: Any) -> Any:
        if isinstance(value, str):
            return MatcherConfig(exact=str(value))
        if isinstance(value, bool | int | float):
            return self.mistyped("text", value, f'; write "{written(value)}"')
        if not isinstance(value, dict):
            return self.mistyped("text, or a matcher like `{prefix: x}`", value)
        form = self._form(value)
        if form is None:
            return BROKEN
        kinds: Mapping[str, Any] = {"regex": Regex, "present": bool, "not": Matcher}
        return self._made(form, self.read(value[form], kinds.get(form, str), form))

    def _path_pattern(self, value: Any, _: Any) -> Any:
        """A path template, or a matcher; the texts of a matcher are in the form that paths are compared in."""
        if isinstance(value, str):
            return self._template(str(value))
        if not isinstance(value, dict):
            return self.mistyped("a path like `/users/{id}`, or a matcher like `{regex: ...}`", value)
        form = self._form(value)
        if form is None:
            return BROKEN
        if form == "present":
            return self.refuse(
                "every request has a path; write what it must be", "bad-value", form, at_key=True
            )
        if form == "not":
            self.path.append(form)
            negated = self._several(value[form], PathPattern)
            self.path.pop()
            return self._made(form, negated)
        kinds: Mapping[str, Any] = {"regex": Regex, "exact": LiteralPath, "prefix": LiteralPath}
        found = self.read(value[form], kinds.get(form, str), form)
        if isinstance(found, Regex) and found.prefix and not found.prefix.startswith("/"):
            return self.refuse(f"no path fits `{found}`: each begins with `/`", "bad-value", form)
        return self._made(form, found)

    def _template(self, text: str) -> Any:
        try:
            self.template(text)
        except ValueError as error:
            return self.refuse(str(error))
        for segment in text.split("/"):
            # no template, and a path that is never asked for: `{exact: ...}` would take it
            if segment.startswith(":"):
                return self.refuse(
                    f"`{segment}` is text here; a capture is written `{{{segment[1:] or 'name'}}}`"
                )
            if not segment.startswith("{") and _NO_LITERAL.search(segment):
                hint = "write a capture like `{id}` or `{id:int}`, or `path: {regex: ...}`"
                return self.refuse(f"`{segment}` is text here, which no path holds; {hint}")
        return text

    def _form(self, value: Mapping[str, Any]) -> str | None:
        """The one key of a matcher; None, and a fault, where it has another number of them."""
        unknown = [key for key in value if key not in _FORMS]
        for key in unknown:
            message = f"unknown key `{key}`{hint('matcher', key, _FORMS)}"
            self.refuse(message, "unknown-key", key, at_key=True)
        if unknown:
            return None
        if len(value) != 1:
            self.refuse(f"a matcher is one of {quoted(_FORMS)}; a list of them is any of them", "one-kind")
            return None
        return next(iter(value))

    def _made(self, form: str, value: Any) -> Any:
        if value is BROKEN:
            return BROKEN
        if form in {"prefix", "suffix", "contains"} and not value:
            return self.refuse("an empty text is everywhere; write some characters", "bad-value", form)
        return MatcherConfig(**{"not_" if form == "not" else form: value})


def _instead(text: str) -> str:
    """What to write instead of a text that is no condition."""
    if re.fullmatch("[A-Z]+", text):
        return f"write `{{method: {text}}}`"
    return f"write a path like `/{shown(text)}`, or a mapping like `{{method: GET}}`"


def _as_mapping(value: Any) -> str:
    """The mapping that was probably meant by a name, a pair, or a list of names."""
    name = value[0] if isinstance(value, list) and value else value
    key, pair, item = str(name).partition("=") if isinstance(name, str) else ("name", "", "")
    return f'{{{key}: "{item}"}}' if pair else f"{{{key}: {{present: true}}}}"
