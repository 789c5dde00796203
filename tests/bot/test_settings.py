"""Settings: the environment, then `.env`, then the default; secrets stay out of sight."""

from __future__ import annotations

from dataclasses import make_dataclass
from pathlib import Path

import pytest

from bot import settings as module
from bot.errors import Misconfigured
from bot.settings import Secret, Settings, load, misspelt


def test_the_environment_goes_before_dotenv_and_an_empty_variable_counts_for_nothing(
    tmp_path: Path,
) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(
        "# names\n\nexport ASSISTANT_NAME='Ada L.' \nGRAFTBOT_DATA=/srv/bot # where\nCONSOLE = off\nLOG_LEVEL=DEBUG\n"
    )
    settings = load({"LOG_LEVEL": "ERROR", "ASSISTANT_NAME": ""}, dotenv)
    assert settings == Settings(
        assistant_name="Ada L.", graftbot_data=Path("/srv/bot"), console=False, log_level="ERROR"
    )
    assert load({}, tmp_path / "none") == Settings()


@pytest.mark.parametrize(
    ("environment", "dotenv", "message"),
    [
        ({"CONSOLE": "perhaps"}, "", "CONSOLE cannot be 'perhaps'"),
        ({}, "ASSISTANT_NAME=Andy\nnonsense\n", ".env: 'nonsense' is no setting"),
        ({}, "ASSISTANT_NAME=\udcff", ".env cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(
    tmp_path: Path, environment: dict[str, str], dotenv: str, message: str
) -> None:
    path = tmp_path / ".env"
    path.write_text(dotenv, errors="surrogateescape")
    with pytest.raises(Misconfigured, match=message) as caught:
        load(environment, path)
    assert caught.value.hint


def test_the_time_zone_is_the_machines_unless_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for named in ("Asia/Tokyo", ":Asia/Tokyo", "/usr/share/zoneinfo/Asia/Tokyo"):
        monkeypatch.setenv("TZ", named)
        assert load({}, Path("none")).timezone == "Asia/Tokyo"
    assert load({"TIMEZONE": "Europe/Berlin"}, Path("none")).timezone == "Europe/Berlin"
    monkeypatch.setenv("TZ", "no/such")
    monkeypatch.setattr(module.os.path, "realpath", lambda _: "/usr/share/zoneinfo/Asia/Kolkata")  # type: ignore[attr-defined]
    assert load({}, Path("none")).timezone == "Asia/Kolkata"
    monkeypatch.setattr(module.os.path, "realpath", lambda path: path)  # type: ignore[attr-defined]
    assert load({}, Path("none")).timezone


def test_what_is_misspelt_is_named_with_what_is_meant(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ANTHROPIC_APIKEY=x\ntimezone=UTC\nHTTP_PROXY=x\nTIMEZONE=UTC\n")
    assert [one.rpartition(" ")[2] for one in misspelt(tmp_path / ".env")] == [
        "ANTHROPIC_API_KEY?",
        "TIMEZONE?",
    ]


def test_a_field_that_a_skill_adds_is_read_and_a_secret_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extended = make_dataclass(
        "Settings",
        [("token", Secret, Secret()), ("limit", int, 3)],
        bases=(Settings,),
        frozen=True,
        kw_only=True,
    )
    monkeypatch.setattr(module, "Settings", extended)
    settings = load({"TOKEN": "sesame", "LIMIT": "7"}, Path("none"))
    assert settings.token.value == "sesame"  # type: ignore[attr-defined]  # the field has just been added
    assert settings.limit == 7  # type: ignore[attr-defined]
    assert "sesame" not in repr(settings)
    assert list(settings.secrets()) == ["sesame"]
    with pytest.raises(Misconfigured, match="LIMIT"):
        load({"LIMIT": "seven"}, Path("none"))
