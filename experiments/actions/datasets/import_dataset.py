"""Import a test set: the whole file or nothing, as a new frozen version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from experiments.actions.authorise import authorise
from experiments.datasets.examples import Example, build_examples, dataset_hash
from experiments.datasets.matching import check_column
from experiments.datasets.profiles import TableProfile, profile_table
from experiments.datasets.reading import read_table
from experiments.datasets.roles import propose_roles
from experiments.datasets.table import Table
from experiments.errors import BakeoffError, Conflict
from experiments.experiment_file import plain_name
from experiments.loading.find import find_dataset
from experiments.permissions import Operation
from experiments.vocabulary import Actor
from storage.records import DatasetRecord, DatasetVersionRecord
from storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class ImportedDataset:
    """What an import did; ``is_new`` is False when this very content was there already."""

    dataset: DatasetRecord
    version: DatasetVersionRecord
    is_new: bool
    notices: tuple[str, ...]


def import_dataset(
    store: Store,
    content: bytes,
    *,
    filename: str,
    name: str,
    actor: Actor,
    roles: Mapping[str, Any] | None = None,
    encoding: str | None = None,
) -> ImportedDataset:
    """The test set with a new version made of the file, or the version that has this content already.

    Raises:
        BakeoffError: whatever is wrong with the file, with line and column; nothing is kept then. Forbidden.
    """
    authorise(store, actor, Operation.IMPORT_DATA, f"dataset:{name}")
    table = read_table(content, filename=filename, encoding=encoding)
    return import_table(store, table, filename=filename, name=name, actor=actor, roles=roles)


def import_table(
    store: Store,
    table: Table,
    *,
    filename: str,
    name: str,
    actor: Actor,
    roles: Mapping[str, Any] | None = None,
) -> ImportedDataset:
    """``import_dataset`` for a table that is read already."""
    authorise(store, actor, Operation.IMPORT_DATA, f"dataset:{name}")
    checked = checked_name(name)
    profile = profile_table(table)
    examples = build_examples(table)
    with store.begin() as tx:
        return insert_dataset(tx, table, examples, profile, filename=filename, name=checked, actor=actor, roles=roles)


def insert_dataset(
    tx: Transaction,
    table: Table,
    examples: tuple[Example, ...],
    profile: TableProfile,
    *,
    filename: str,
    name: str,
    actor: Actor,
    roles: Mapping[str, Any] | None,
) -> ImportedDataset:
    """``import_table`` inside a transaction that does more."""
    notices = tuple(n.message for n in (*table.report.notices, *profile.notices))
    dataset = tx.datasets.by_name(name)
    if dataset is None:
        proposed = roles if roles is not None else proposed_roles(profile)
        dataset = tx.datasets.add(name, roles=proposed, actor=actor.name, at=tx.clock())
    elif dataset.archived_at is not None:
        raise Conflict("archived", f"The test set '{name}' is archived.", "Choose another name.")
    content_hash = dataset_hash(examples)
    known = tx.datasets.version_with_hash(dataset.id, content_hash)
    if known is not None:
        return ImportedDataset(dataset, known, False, notices)
    version = tx.datasets.add_version(
        dataset.id,
        content_hash=content_hash,
        columns=table.columns,
        examples=((e.values, e.content_hash) for e in examples),
        source_name=filename,
        report=_report(table, profile),
        actor=actor.name,
        at=tx.clock(),
    )
    details = {"version": version.number, "rows": version.row_count, "hash": content_hash}
    tx.audit.append(actor.name, "dataset_imported", f"dataset:{name}", details)
    return ImportedDataset(dataset, version, True, notices)


def set_roles(store: Store, name: str, roles: Mapping[str, Any], *, actor: Actor) -> None:
    """Say which columns are unit, cluster, reference and slices; experiments made later start from that.

    Raises:
        BakeoffError: ``unknown_column``; NotFound; Forbidden.
    """
    authorise(store, actor, Operation.IMPORT_DATA, f"dataset:{name}")
    with store.begin() as tx:
        dataset, version = find_dataset(tx, name)
        for role in ("unit", "cluster", "reference"):
            if roles.get(role) is not None:
                check_column(roles[role], version.columns, role=role)
        for column in roles.get("slices", ()):
            check_column(column, version.columns, role="slice")
        tx.datasets.set_roles(dataset.id, roles)
        tx.audit.append(actor.name, "dataset_roles_set", f"dataset:{name}", dict(roles))


def archive_dataset(store: Store, name: str, *, actor: Actor, archived: bool = True) -> None:
    """Hide a test set from the lists, or bring it back; experiments on it are not touched."""
    authorise(store, actor, Operation.IMPORT_DATA, f"dataset:{name}")
    with store.begin() as tx:
        dataset, _ = find_dataset(tx, name)
        tx.datasets.set_archived(dataset.id, tx.clock() if archived else None)
        tx.audit.append(actor.name, "dataset_archived" if archived else "dataset_restored", f"dataset:{name}")


def proposed_roles(profile: TableProfile) -> dict[str, Any]:
    """The likely roles of the columns, for a person to confirm."""
    proposal = propose_roles(profile)
    return {
        "reference": proposal.reference,
        "unit": proposal.unit,
        "cluster": proposal.cluster,
        "slices": list(proposal.slices),
    }


def checked_name(name: str) -> str:
    """The name itself. Raises BakeoffError ``bad_name``."""
    try:
        plain = plain_name(name.strip())
    except ValueError as error:
        raise BakeoffError("bad_name", f"{error}.") from None
    if "@" in plain:
        raise BakeoffError("bad_name", "A test set's name holds no '@'; that marks its version.")
    return plain


def _report(table: Table, profile: TableProfile) -> dict[str, Any]:
    read = table.report
    return {
        "format": read.format,
        "encoding": read.encoding,
        "delimiter": read.delimiter,
        "notices": [{"code": n.code, "message": n.message} for n in (*read.notices, *profile.notices)],
        "repeated_rows": asdict(profile.repeated_rows),
        "columns": [
            {
                "name": c.name,
                "missing": c.missing.count,
                "empty": c.empty.count,
                "distinct": c.distinct,
                "longest_characters": c.longest_characters,
                "levels": list(c.levels),
                "constant": c.constant,
                "unique": c.unique,
                "personal_data": dict(c.personal_data),
            }
            for c in profile.columns
        ],
    }
