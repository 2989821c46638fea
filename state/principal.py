"""Who asks. Identity comes from the command line's user or an authenticated server user, never from graph input."""

from __future__ import annotations

from dataclasses import dataclass

from settings import Settings

EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user of a tenant with the groups they are in; ``can_write`` allows reading documents in and deleting them."""

    tenant: str
    user: str
    groups: tuple[str, ...] = ()
    can_write: bool = False

    @property
    def grantees(self) -> tuple[str, ...]:
        """Names under which access may have been granted: everyone, the user, each group. Sorted, so comparable."""
        return (EVERYONE, *sorted([f"user:{self.user}", *(f"group:{group}" for group in self.groups)]))


def local_principal(settings: Settings) -> Principal:
    """Return the command line's user: a principal like any other, who may read documents in."""
    return Principal(tenant=settings.tenant, user=settings.user, can_write=True)
