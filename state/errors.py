"""Expected failures. Each message is one clear sentence for the user: what, which, what to do."""

from __future__ import annotations


class FootnoteError(Exception):
    """An expected failure whose message may be shown to the user as it is."""


class InvalidQuestion(FootnoteError):
    """The question cannot be searched: empty, too long or not text."""


class QuestionTooLong(InvalidQuestion):
    """The question has more characters or tokens than are read."""


class InvalidFilter(FootnoteError):
    """A filter names an unknown key or has an unusable value."""


class UnreadableDocument(FootnoteError):
    """A file or record cannot be read in: missing, corrupt, encrypted, empty, too large or of no known type."""


class InvalidUpload(FootnoteError):
    """An upload cannot be taken as a whole: no file in it, too many, or too large in all."""


class Busy(FootnoteError):
    """As much is under way as may be at once: the same is possible in a while."""


class NotFound(FootnoteError):
    """What was asked for by its id is not there, or not visible to who asks."""


class NotAuthenticated(FootnoteError):
    """A run or a request without a user: nobody is signed in, or the key is not good."""


class NotPermitted(FootnoteError):
    """Who asks may read, but not change what is stored."""


class StoreUnavailable(FootnoteError):
    """The database cannot be reached within the time limit."""


class StoreMisconfigured(FootnoteError):
    """The database is there, but must not or cannot be used: a superuser, no pgvector, a newer schema."""


class ModelUnavailable(FootnoteError):
    """A model cannot be loaded: unknown name, no network, damaged files."""


class SourceUnavailable(FootnoteError):
    """A source beside the documents gave nothing usable: it is down, slow, refuses the key or the query."""


class ChatUnavailable(FootnoteError):
    """No chat model answered: the service is down, slow, refuses the key, or sends what cannot be read."""
