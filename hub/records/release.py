"""Releases and the deployments that bring them to an environment."""

# ruff: noqa: RUF012 - msgspec copies an empty default for each record

from typing import Annotated, Literal

from hub.records.base import AnyRef, CustomerRef, Instant, Part, PersonRef, Record, ref

__all__ = ["Acceptance", "Artefact", "DeliveryAcceptance", "Deployment", "DeploymentCheck", "Release", "ReleaseParty"]


class Artefact(Part, kw_only=True):
    """A thing delivered."""

    uri: str | None = None
    """Where it is."""
    digest: str | None = None
    """Its digest."""
    signed: bool | None = None
    """Carries a signature."""
    library: str | None = None
    """Definitive library it was taken from."""
    library_digest: str | None = None
    """Digest of the copy in that library, as the library tells it."""


class Acceptance(Part, kw_only=True):
    """The customer's or service owner's acceptance."""

    by: PersonRef | None = None
    """Who accepted."""
    at: Instant | None = None
    """When."""
    digest: str | None = None
    """Digest of what was accepted."""


class DeliveryAcceptance(Part, kw_only=True):
    """A customer signed for what was delivered."""

    customer_id: CustomerRef | None = None
    """Which customer."""
    by: PersonRef | None = None
    """Who signed."""
    at: Instant | None = None
    """When."""
    version: str | None = None
    """Version it names."""
    items: list[str] = []
    """Things it names."""


class ReleaseParty(Part, kw_only=True):
    """One who takes part in a release."""

    party: AnyRef | None = None
    """Who."""
    site: str | None = None
    """Where."""
    approval_id: str | None = None
    """Id of that party's approval."""


class Release(Record, tag="release", kw_only=True):
    """Changes that go live together."""

    version: str | None = None
    """Version."""
    type: Literal["major", "minor", "emergency"] | None = None
    """Weight."""
    plan_id: Annotated[str, ref("plan")] | None = None
    """Release plan."""
    planned_release_at: Instant | None = None
    """Planned date."""
    delivery_at: Instant | None = None
    """When it was handed over."""
    released_at: Instant | None = None
    """When it was live."""
    change_ids: list[Annotated[str, ref("change")]] = []
    """Changes it brings."""
    problem_ids: list[Annotated[str, ref("problem")]] = []
    """Problems it solves."""
    known_error_ids: list[Annotated[str, ref("known_error")]] = []
    """Known errors it brings or ends."""
    none_declared: list[str] = []
    """Which of the lists above are empty by statement."""
    artefacts: list[Artefact] = []
    """What is delivered."""
    acceptance: Acceptance | None = None
    """Acceptance before it went live."""
    parties: list[ReleaseParty] = []
    """Who takes part."""
    supersedes: Annotated[str, ref("release")] | None = None
    """Release it replaces."""
    delivery_acceptances: list[DeliveryAcceptance] = []
    """Customers who signed for the delivery."""


class DeploymentCheck(Part, kw_only=True):
    """An automatic check around a deployment."""

    result: Literal["passed", "failed"] | None = None
    """How it ended."""
    at: Instant | None = None
    """When."""


class Deployment(Record, tag="deployment", kw_only=True):
    """A revision brought to an environment."""

    release_id: Annotated[str, ref("release", index=True)] | None = None
    """Release it brings."""
    change_id: Annotated[str, ref("change", index=True)] | None = None
    """Change it carries out."""
    change_ids: list[Annotated[str, ref("change")]] = []
    """Changes it carries out, where they are several; none of them stands in `change_id`."""
    environment: str | None = None
    """Environment, as the source names it."""
    tier: Literal["production", "staging", "testing", "development", "other"] | None = None
    """What the environment is for."""
    started_at: Instant | None = None
    """Start."""
    finished_at: Instant | None = None
    """End."""
    deployment_status: Literal["running", "success", "failed", "cancelled", "blocked", "rolled_back"] | None = None
    """How it stands; the tool's word is in `status`."""
    commit: str | None = None
    """Commit deployed."""
    artefact_digest: str | None = None
    """Digest of what was deployed."""
    source_uri: str | None = None
    """Where it was taken from."""
    from_protected_ref: bool | None = None
    """The commit could be reached from a protected branch or tag."""
    prereq_check: DeploymentCheck | None = None
    """Check of the prerequisites."""
    integrity_check: DeploymentCheck | None = None
    """Check that it is what was released."""
    actor: PersonRef | None = None
    """Who deployed."""
    approvals: list[Annotated[str, ref("approval")]] = []
    """Approvals of the deployment."""
