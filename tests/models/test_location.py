from __future__ import annotations

import time
from pathlib import Path

import pytest

from models.location import PACKAGED, model_folder
from settings import Settings
from state.errors import ModelUnavailable


def test_the_packaged_model_is_found_without_importing_anything_heavy(settings: Settings) -> None:
    folder = model_folder(PACKAGED, settings)
    assert (folder / "config.json").is_file()
    assert (folder / "tokenizer.json").is_file()


def test_a_folder_with_a_model_is_taken_as_it_is(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert model_folder(str(tmp_path), settings) == tmp_path


def test_a_folder_without_a_model_is_refused_by_name(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no config\.json") as caught:
        model_folder(str(tmp_path), settings)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["/no/such/folder", "./missing", "~/missing-model", "one-word", "too/many/parts"])
def test_what_is_neither_folder_nor_hub_name_is_refused_at_once(settings: Settings, name: str) -> None:
    with pytest.raises(ModelUnavailable, match="no model folder"):
        model_folder(name, settings)


def test_a_malformed_hub_name_is_refused(settings: Settings) -> None:
    with pytest.raises(ModelUnavailable, match="valid hub name"):
        model_folder("owner/--bad..name--", settings)


def test_a_hub_model_that_is_not_here_is_not_fetched_when_downloads_are_off(settings: Settings) -> None:
    with pytest.raises(ModelUnavailable, match="downloads are off") as caught:
        model_folder("nobody/no-such-model-on-this-machine", settings)
    assert "nobody/no-such-model-on-this-machine" in str(caught.value)


def test_a_hub_that_never_answers_is_given_up_within_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def hang(*_: object, **__: object) -> None:
        time.sleep(5)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", hang)
    start = time.perf_counter()
    with pytest.raises(ModelUnavailable, match="check the name and the network"):
        model_folder("nobody/no-such-model-on-this-machine", Settings(download_timeout=0.2))
    assert time.perf_counter() - start < 2


def test_a_machine_without_a_network_fails_in_seconds_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def no_network(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    start = time.perf_counter()
    with pytest.raises(ModelUnavailable, match="check the name and the network, or give the model's folder"):
        model_folder("nobody/no-such-model-on-this-machine", Settings(download_timeout=2))
    assert time.perf_counter() - start < 10
