"""Plugins: found and registered once at start-up, then seen by each store through its own caller."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import structlog

from platform_core.db.migrate import CORE, Scripts, plugin_scripts
from platform_core.plugin_api import API_VERSION, hookspecs
from platform_core.plugin_api.types import AccessTerms, Fragment, PluginInfo, Settings, Shop

GROUP = "webstore.plugins"
SLOW_SECONDS = 1.0
KEPT_FAULTS = 1000
# It stands in paths, names of tables and version tables, and in columns of 64 characters.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME_LENGTH = 40
log = structlog.get_logger("webstore.plugins")

# What one answer of a hook must be; None stands for "the answer is ignored".
ANSWERS: Mapping[str, type | None] = {
    "webstore_access_terms": AccessTerms,
    "webstore_order_placed": None,
    "webstore_slot": Fragment,
}


class PluginError(RuntimeError):
    """A plugin that cannot be started with; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A hook that did not do well: `kind` is raised, wrong_type or slow."""

    plugin: str
    hook: str
    kind: str
    detail: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One plugin's answer to a hook."""

    plugin: str
    value: Any


class _Manager(pluggy.PluginManager):
    """Registers until it is frozen: a caller built before a late registration would call it (pluggy 1.7)."""

    frozen = False

    def register(self, plugin: Any, name: str | None = None) -> str | None:
        if self.frozen:
            raise PluginError(f"plugin {name} comes too late: all plugins are registered at start-up")
        return super().register(plugin, name)


class Plugins:
    """All plugins of this installation, frozen after construction."""

    def __init__(
        self, modules: Mapping[str, ModuleType | object], absent: Mapping[str, str] | None = None
    ) -> None:
        self.manager = _Manager("webstore")
        self.manager.add_hookspecs(hookspecs)
        self.absent = dict(absent or {})
        self.modules = dict(sorted(modules.items()))
        for name, module in self.modules.items():
            self.manager.register(module, name=name)
        self.manager.check_pending()
        self.manager.frozen = True
        self.infos: dict[str, PluginInfo] = {}
        self.schemas: dict[str, type[Settings]] = {}
        for name in self.modules:
            self.infos[name] = self._info(name)
            self.schemas[name] = self._schema(name)
        self._callers: dict[frozenset[str], TenantHooks] = {}
        self.faults: deque[Fault] = deque(maxlen=KEPT_FAULTS)

    @classmethod
    def installed(cls, found: Iterable[EntryPoint] | None = None) -> "Plugins":
        """Load the entry points. One whose own module is gone is an absent plugin; any other error stops the start."""
        modules: dict[str, ModuleType] = {}
        absent: dict[str, str] = {}
        for point in entry_points(group=GROUP) if found is None else found:
            if point.name in modules or point.name in absent:
                raise PluginError(f"two packages offer a plugin named {point.name}; uninstall one of them")
            try:
                loaded = point.load()
            except ModuleNotFoundError as error:
                if not _is_gone(point.module, error):
                    raise
                loaded = None
            if loaded is None or _is_husk(loaded):
                absent[point.name] = point.module
                log.warning("plugin_absent", plugin=point.name, module=point.module)
            elif not hasattr(loaded, "__path__"):
                raise PluginError(
                    f"plugin {point.name}: its entry point must name a package; {point.value} is none"
                )
            else:
                modules[point.name] = loaded
        return cls(modules, absent)

    def _one(self, name: str, hook: str) -> Any:
        return self._caller(name, hook)[-1] if self._implements(name, hook) else None

    def _implements(self, name: str, hook: str) -> bool:
        plugin = self.modules[name]
        return any(impl.plugin is plugin for impl in getattr(self.manager.hook, hook).get_hookimpls())

    def _caller(self, name: str, hook: str, **arguments: Any) -> Any:
        others = [module for other, module in self.modules.items() if other != name]
        return [None, *self.manager.subset_hook_caller(hook, others)(**arguments)]

    def _info(self, name: str) -> PluginInfo:
        if not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH:
            raise PluginError(
                f"plugin {name}: a name has up to {_NAME_LENGTH} small letters, digits and single underscores"
            )
        info = self._one(name, "webstore_plugin_info")
        if not isinstance(info, PluginInfo) or info.name != name:
            raise PluginError(f"plugin {name}: webstore_plugin_info must answer a PluginInfo with that name")
        low, high = info.api
        if not low <= API_VERSION <= high:
            raise PluginError(
                f"plugin {name} is for plugin API {low} to {high}; this platform has {API_VERSION}"
            )
        return info

    def _schema(self, name: str) -> type[Settings]:
        schema = self._one(name, "webstore_settings_schema")
        if schema is None:
            return Settings
        if not isinstance(schema, type) or not issubclass(schema, Settings):
            raise PluginError(f"plugin {name}: webstore_settings_schema must answer a subclass of Settings")
        return schema

    def scripts(self) -> list[Scripts]:
        """The sets of migrations, the core's first."""
        folders = {name: self._one(name, "webstore_migrations") for name in self.modules}
        return [CORE] + [plugin_scripts(name, Path(folder)) for name, folder in folders.items() if folder]

    def include(self, name: str, config: Any) -> None:
        """Let a plugin register its views, under its own package, so that the gate knows them."""
        if self._implements(name, "webstore_includeme"):
            self._caller(name, "webstore_includeme", config=config.with_package(self.modules[name]))

    def owner_of(self, package: str) -> str | None:
        """The plugin that a package belongs to, by the module that its entry point names."""
        for name, module in self.modules.items():
            root = getattr(module, "__name__", type(module).__module__)
            if package == root or package.startswith(root + "."):
                return name
        return None

    def hooks(self, enabled: Iterable[str]) -> "TenantHooks":
        """The caller of a store that has `enabled` on: all plugins minus the others, never from an off-list."""
        key = frozenset(enabled) & frozenset(self.modules)
        if key not in self._callers:
            self._callers[key] = TenantHooks(self, key)
        return self._callers[key]


def _is_gone(module: str, error: ModuleNotFoundError) -> bool:
    missing = error.name or ""
    return module == missing or module.startswith(missing + ".")


def _is_husk(module: object) -> bool:
    """Is it only a folder? What stays of a package that was removed is often its `__pycache__`."""
    return isinstance(module, ModuleType) and module.__file__ is None


class TenantHooks:
    """Hooks of one store's enabled plugins. Each plugin is called alone, so that a failure stays its own."""

    def __init__(self, plugins: Plugins, enabled: frozenset[str]) -> None:
        self.enabled = enabled
        self._plugins = plugins
        self._calls: dict[str, list[tuple[str, Any]]] = {}
        for hook in ANSWERS:
            self._calls[hook] = [
                (
                    name,
                    plugins.manager.subset_hook_caller(
                        hook, [m for n, m in plugins.modules.items() if n != name]
                    ),
                )
                for name in sorted(enabled)
                if plugins._implements(name, hook)
            ]

    def ask(
        self,
        hook: str,
        shop: Callable[[str], Shop],
        around: Callable[[], Any] | None = None,
        **arguments: Any,
    ) -> list[Answer]:
        """Ask every enabled plugin, one at a time, in order of name.

        `shop(name)` makes what the plugin is handed; `around()` gives a context manager to run each call in
        (a savepoint). A plugin that raises, or answers another type than the hook's, is left out; that and a
        slow answer are logged and kept as faults with the plugin's name.
        """
        answers: list[Answer] = []
        for name, call in self._calls[hook]:
            started = time.perf_counter()
            kind = detail = ""
            try:
                if around is None:
                    results = call(shop=shop(name), **arguments)
                else:
                    with around():
                        results = call(shop=shop(name), **arguments)
                values = [
                    value
                    for result in results
                    for value in (result if isinstance(result, list) else [result])
                ]
                expected = ANSWERS[hook]
                if expected is not None:
                    wrong = [value for value in values if not isinstance(value, expected)]
                    if wrong:
                        kind, detail = (
                            "wrong_type",
                            f"{type(wrong[0]).__name__} instead of {expected.__name__}",
                        )
                    else:
                        answers += [Answer(name, value) for value in values]
            except Exception as error:
                kind, detail = "raised", _where(error)
                log.exception("plugin_hook_raised", plugin=name, hook=hook)
            spent = time.perf_counter() - started
            if not kind and spent >= SLOW_SECONDS:
                kind, detail = "slow", f"{spent:.1f} s"
            if kind:
                fault = Fault(name, hook, kind, detail, int(spent * 1000))
                log.warning(
                    "plugin_fault", plugin=name, hook=hook, kind=kind, detail=detail, ms=fault.milliseconds
                )
                self._plugins.faults.append(fault)
        return answers


def _where(error: Exception) -> str:
    """What was raised and where. Without its text, which may hold personal values; the log has it all."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" in {Path(code.co_filename).name}:{trace.tb_lineno} ({code.co_name})"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"[:200]
