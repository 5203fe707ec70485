"""Hydra's config loader for a sweep. Hydra imports this file in every Hydra program, so it imports nothing heavy."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.config_repository import CachingConfigRepository, IConfigRepository
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf


class _FilesReadOnce(CachingConfigRepository):
    """Gives each composition copies of its own, since overrides are applied to what was read.

    Args:
        delegate: Reads files.
        files: What was read, for all compositions.
    """

    def __init__(self, delegate: IConfigRepository, files: dict[str, ConfigResult | None]) -> None:
        self.delegate, self.cache, self._files = delegate, {}, files

    def load_config(self, config_path: str) -> ConfigResult | None:
        """One file's content."""
        if config_path not in self.cache:
            if config_path not in self._files:
                self._files[config_path] = self.delegate.load_config(config_path=config_path)
            self.cache[config_path] = copy.deepcopy(self._files[config_path])
        return self.cache[config_path]


class SharedConfigLoader(ConfigLoaderImpl):
    """Composes the combinations of a sweep; those that differ in plain values alone share one composition.

    Hydra takes 0.15 s for each, and a grid composes every combination twice: to check it, and to run it. Each YAML file
    is parsed once for all compositions.

    Attributes:
        values: The overrides that set a plain value, and so change nothing of how a config is composed.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        super().__init__(loader.get_search_path())
        self.values: set[str] = set()
        self._whole: dict[tuple[str, ...], DictConfig] = {}
        self._ours: dict[tuple[str, ...], DictConfig] = {}
        self._files: dict[tuple[str, ...], dict[str, ConfigResult | None]] = {}

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The config of a combination, the same as Hydra's own."""
        base, values = self._divided(sweep_overrides)
        if not values:
            return super().load_sweep_config(master_config, sweep_overrides)
        config = copy.deepcopy(self._composed(master_config, base))
        self._set(values, config)
        parsed = OverridesParser.create(self).parse_overrides(
            [*OmegaConf.to_container(master_config.hydra.overrides.hydra), *sweep_overrides]  # type: ignore[misc]
        )
        ours, how = [o for o in parsed if not o.is_hydra_override()], config.hydra.job.config.override_dirname
        config.hydra.overrides.task = [override.input_line for override in ours]
        config.hydra.job.override_dirname = get_overrides_dirname(
            ours, kv_sep=how.kv_sep, item_sep=how.item_sep, exclude_keys=how.exclude_keys
        )
        return config

    def without_hydra(self, master_config: DictConfig, overrides: Sequence[str]) -> DictConfig:
        """The config of a combination without Hydra's own part, which makes a thousand of them faster by far."""
        base, values = self._divided(overrides)
        if not values:  # a thousand combinations that share nothing are not kept
            return _without_hydra(super().load_sweep_config(master_config, list(base)))
        if base not in self._ours:
            self._ours[base] = _without_hydra(self._composed(master_config, base))
        config = copy.deepcopy(self._ours[base])
        self._set(values, config)
        return config

    def __getstate__(self) -> dict[str, Any]:
        """A launcher may send it to other processes, with each job."""
        return {**self.__dict__, "_whole": {}, "_ours": {}, "_files": {}}

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        """Hydra's own, which takes what it read for other compositions from the same folders."""
        parsed, repository = super()._parse_overrides_and_create_caching_repo(config_name, overrides)
        folders = tuple(source.full_path() for source in repository.get_sources())
        return parsed, _FilesReadOnce(repository.delegate, self._files.setdefault(folders, {}))

    def _divided(self, overrides: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        base = tuple(override for override in overrides if override not in self.values)
        return base, tuple(override for override in overrides if override in self.values)

    def _composed(self, master_config: DictConfig, base: tuple[str, ...]) -> DictConfig:
        if base not in self._whole:
            self._whole[base] = super().load_sweep_config(master_config, list(base))
        return self._whole[base]

    def _set(self, values: Sequence[str], config: DictConfig) -> None:
        self._apply_overrides_to_config(OverridesParser.create(self).parse_overrides(list(values)), config)


def _without_hydra(config: DictConfig) -> DictConfig:
    ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    OmegaConf.set_struct(ours, True)
    return ours
