"""Settings: the environment, then `.env`, then the default; secrets stay out of sight."""

from __future__ import annotations

import re
from dataclasses import make_dataclass
from pathlib import Path

import pytest

from bot import settings as module
from bot.errors import Misconfigured
from bot.settings import Secret, Settings, load, machine_zone, misspelt


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
        ({}, "ASSISTANT_NAME=Andy\nnonsense\n", ".env, line 2 is no setting"),
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
        [("token", Secret, Secret()), ("limit", int, 3), ("home_server", str, "")],
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
    for key, value in (("LIMIT", "seven"), ("HOME_SERVER", "localhost:80")):
        with pytest.raises(Misconfigured, match=f"{key} cannot be"):
            load({key: value}, Path("none"))


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("MAX_CONTAINERS", "0", "a whole number from 1"),
        ("MAX_CONTAINERS", "-3", "a whole number from 1"),
        ("CONTAINER_MEMORY", "2", "a whole number from 256"),
        ("CONTAINER_MEMORY", "9999999", "a whole number from 256 to 1048576"),
        ("ATTACHMENT_MB", "99999999", "a whole number from 0 to 2000"),
        ("KEEP_DAYS", "1" * 400, "a whole number from 0"),
        ("IDLE_SECONDS", "inf", "a number from 1"),
        ("TURN_SECONDS", "1e300", "a number from 1"),
        ("KEEP_DAYS", "1.5", "a whole number from 0"),
        ("DAILY_TOKENS", "-1", "a whole number from 0"),
        ("TURN_SECONDS", "nan", "a number from 1"),
        ("ATTACHMENTS_KEPT", "0", "a whole number from 1"),
        ("ASSISTANT_NAME", " ", "a text in one line"),
        ("ASSISTANT_NAME", "@", "a text in one line, without @ before it"),
        ("ASSISTANT_NAME", "@Andy", "a text in one line, without @ before it"),
        ("ASSISTANT_NAME", "a\u200eb", "a text in one line"),
        ("AGENT_IMAGE", "a\nb", "a text in one line"),
        *(
            ("ANTHROPIC_BASE_URL", address, "an address: https://host")
            for address in (
                *("api.example.org", "ftp://x", "http://", "https://:443", "https://x y"),
                *("https://x:99999", "https://x:port", "https://x?y", "https://x#y"),
            )
        ),
        ("CONSOLE", "maybe", "yes or no"),
    ],
)
def test_a_value_that_nobody_could_be_answered_with_is_refused(
    key: str, value: str, hint: str
) -> None:
    with pytest.raises(Misconfigured, match=re.escape(f"{key} cannot be {value!r}")) as refused:
        load({key: value}, Path("/nowhere"))
    assert f"set {key} to {hint}" in refused.value.hint


def test_a_secret_that_can_be_none_is_refused_without_being_shown() -> None:
    with pytest.raises(Misconfigured, match="ANTHROPIC_API_KEY cannot be what it is") as refused:
        load({"ANTHROPIC_API_KEY": "sesame\n"}, Path("/nowhere"))
    assert "sesame" not in repr(refused.value)


def test_env_files_as_editors_write_them_and_lines_that_are_no_setting(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(
        b"\xef\xbb\xbfASSISTANT_NAME=\"Bea C\"\r\n# comment\r\n\r\nTIMEZONE='Asia/Tokyo'\r\n"
        b"export LOG_LEVEL=warning  # x\r\nMAX_CONTAINERS = 3\r\nASSISTANT_NAME=Cleo\r\n"
    )
    settings = load({}, file)
    assert (settings.assistant_name, settings.timezone) == ("Cleo", "Asia/Tokyo")
    assert (settings.log_level, settings.max_containers) == ("warning", 3)
    assert list(misspelt(file)) == [
        f"{file}: ASSISTANT_NAME stands there 2 times; the last one counts"
    ]
    wrong = [("A=1\njust text\n", 2), ("=x\n", 1), ("A=1\n\nLOG_LEVEL\n", 3)]
    for text, line in (*wrong, ('ANTHROPIC_API_KEY="sk-ant-1\n', 1), ("A=1\nsk-ant-1\n", 2)):
        file.write_text(text)
        with pytest.raises(Misconfigured, match="is no setting") as refused:
            load({}, file)
        assert f"line {line} is" in refused.value.message
        assert "sk-ant" not in repr(refused.value)


def test_a_machine_that_nobody_has_told_where_it_is_is_in_utc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("UTC", "Etc/UTC", "Etc/UCT", "GMT", ":Etc/Zulu"):
        monkeypatch.setenv("TZ", name)
        assert machine_zone() == "UTC"
    monkeypatch.setenv("TZ", "Atlantic/Reykjavik")
    assert machine_zone() == "Atlantic/Reykjavik"
    assert list(misspelt(Path("none"))) == []
    monkeypatch.delenv("TIMEZONE", raising=False)
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    (note,) = misspelt(Path("none"))
    assert "names no place: set TIMEZONE" in note
    monkeypatch.setenv("TIMEZONE", "Europe/Berlin")
    assert list(misspelt(Path("none"))) == []
