"""What is asked of an archive: echo, find, retrieve, send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, build_role
from pynetdicom import sop_class as sop
from pynetdicom.association import Association

from core.adapters.dicom_header import dicom_errors, is_dicom
from core.adapters.pacs.association import (
    FILM_CLASSES,
    SYNTAXES,
    CancelCheck,
    Progress,
    check_status,
    connected,
    never,
    size_guard,
)
from core.adapters.pacs.query import Series, Study, StudyQuery, query_dataset, read_series, read_study
from core.adapters.pacs.receiver import Receiver, inbox_of, storing
from core.adapters.pacs.settings import PacsSettings, Peer
from core.errors import NetworkError, ReadError

_FIND = sop.StudyRootQueryRetrieveInformationModelFind
_GET = sop.StudyRootQueryRetrieveInformationModelGet
_MOVE = sop.StudyRootQueryRetrieveInformationModelMove
_PLAIN = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
MOST_MATCHES = 500
_NO_FILMS = frozenset({"AU", "DOC", "ECG", "KO", "PR", "REG", "SEG", "SR"})  # modalities


@dataclass(frozen=True)
class Retrieved:
    """Files that arrived, and how many objects did not."""

    paths: tuple[Path, ...]
    failed: int


@dataclass(frozen=True)
class Sent:
    """Files that the peer took, and (file, reason) of the others."""

    paths: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]


def _silent(part: float, text: str) -> None:
    """Progress that nobody watches."""


def echo(settings: PacsSettings, peer: Peer, *, cancelled: CancelCheck = never) -> None:
    """Ask ``peer`` for a sign of life (C-ECHO). Raises :class:`NetworkError`."""
    with connected(settings, peer, [build_context(sop.Verification)], cancelled=cancelled) as association:
        check_status(association.send_c_echo(), peer, "Echo")


def find_studies(
    settings: PacsSettings, peer: Peer, query: StudyQuery, *, cancelled: CancelCheck = never
) -> list[Study]:
    """Studies that match, newest first, at most :data:`MOST_MATCHES` (C-FIND). Raises ``NetworkError``."""
    found = [read_study(item) for item in _find(settings, peer, query_dataset(query), cancelled)]
    return sorted(found, key=lambda study: (study.date, study.uid), reverse=True)


def find_series(
    settings: PacsSettings, peer: Peer, study_uid: str, *, cancelled: CancelCheck = never
) -> list[Series]:
    """The series of a study (C-FIND). Raises :class:`NetworkError`."""
    return [read_series(item) for item in _find(settings, peer, _series_query(study_uid), cancelled)]


def _series_query(study_uid: str) -> Dataset:
    request = Dataset()
    request.QueryRetrieveLevel, request.StudyInstanceUID = "SERIES", study_uid
    for keyword in (
        "SeriesInstanceUID", "Modality", "SeriesDescription", "SeriesNumber", "BodyPartExamined",
        "NumberOfSeriesRelatedInstances",
    ):  # fmt: skip
        setattr(request, keyword, None)
    return request


def _find(settings: PacsSettings, peer: Peer, request: Dataset, cancelled: CancelCheck) -> list[Dataset]:
    with connected(settings, peer, [build_context(_FIND, _PLAIN)], cancelled=cancelled) as association:
        return _matches(association, peer, request)


def _matches(association: Association, peer: Peer, request: Dataset) -> list[Dataset]:
    """The answers to ``request``; with too many, the association is cut."""
    found: list[Dataset] = []
    for status, match in association.send_c_find(request, _FIND):
        if check_status(status, peer, "Query") == "Pending" and match is not None:
            found.append(match)
        if len(found) >= MOST_MATCHES:
            association.abort()
            break
    return found


def retrieve(
    settings: PacsSettings,
    peer: Peer,
    study_uid: str,
    series_uid: str = "",
    *,
    progress: Progress = _silent,
    cancelled: CancelCheck = never,
    listening: bool = False,
) -> Retrieved:
    """Fetch the films of a study, or of one series, into the inbox.

    By C-GET where the peer offers it, else by C-MOVE to a listener of our own, which is open for that time
    only. ``listening`` says that such a listener is open already; what arrives there by C-MOVE is then
    told to its owner and not in the result. Raises :class:`NetworkError`.
    """
    inbox = inbox_of(settings)
    paths: list[Path] = []
    reasons: list[str] = []
    contexts = [build_context(service, _PLAIN) for service in (_FIND, _GET, _MOVE)]
    contexts += [build_context(film, SYNTAXES) for film in FILM_CLASSES]
    with connected(
        settings,
        peer,
        contexts,
        cancelled=cancelled,
        roles=[build_role(film, scp_role=True) for film in FILM_CLASSES],
        handlers=[storing(inbox, paths.append, reasons.append), size_guard(inbox.max_object_bytes)],
    ) as association:
        offered = {str(context.abstract_syntax) for context in association.accepted_contexts}
        wanted = [series_uid]
        if not series_uid and _FIND in offered:
            wanted = _film_series(association, peer, study_uid)
        requests = [_request(study_uid, uid) for uid in wanted]
        if _GET in offered:
            failed = _transfer(association, requests, peer, progress, move_to="")
        elif _MOVE not in offered:
            raise NetworkError(
                f"{peer} offers neither C-GET nor C-MOVE", remedy="Ask the administrator of the archive."
            )
        elif listening:
            failed = _transfer(association, requests, peer, progress, move_to=settings.ae_title)
        else:
            with Receiver(settings, paths.append, reasons.append):
                failed = _transfer(association, requests, peer, progress, move_to=settings.ae_title)
    if reasons and not paths:
        raise NetworkError(
            f"Nothing was kept: {reasons[0]}",
            path=inbox.folder,
            remedy="Delete films that are no longer needed, or allow more room in the settings.",
        )
    return Retrieved(tuple(dict.fromkeys(paths)), failed)


def _film_series(association: Association, peer: Peer, study_uid: str) -> list[str]:
    """The series of films in a study that also holds reports, else "" for the whole study.

    Archives have refused to send a study at all when it also holds reports, which are not taken here.
    """
    series = [read_series(item) for item in _matches(association, peer, _series_query(study_uid))]
    films = [one.uid for one in series if one.modality not in _NO_FILMS]
    return films if films and len(films) < len(series) else [""]


def _request(study_uid: str, series_uid: str) -> Dataset:
    request = Dataset()
    request.QueryRetrieveLevel = "SERIES" if series_uid else "STUDY"
    request.StudyInstanceUID = study_uid
    if series_uid:
        request.SeriesInstanceUID = series_uid
    return request


def _transfer(
    association: Association, requests: Sequence[Dataset], peer: Peer, progress: Progress, *, move_to: str
) -> int:
    """Run C-MOVE to ``move_to``, or C-GET without it. Returns how many objects could not be had."""
    lost = 0
    for number, request in enumerate(requests):
        if move_to:
            responses = association.send_c_move(request, move_to, _MOVE)
        else:
            responses = association.send_c_get(request, _GET)
        failed = 0
        for status, _ in responses:
            check_status(status, peer, "Retrieval")
            done, left = (
                int(status.get(f"NumberOf{kind}Suboperations") or 0) for kind in ("Completed", "Remaining")
            )
            failed = int(status.get("NumberOfFailedSuboperations") or 0)
            total = done + left + failed
            part = done / total if total else 0.0
            progress((number + part) / len(requests), f"{done} of {total} films")
        lost += failed
    return lost


def send(
    settings: PacsSettings,
    peer: Peer,
    paths: Sequence[Path],
    *,
    progress: Progress = _silent,
    cancelled: CancelCheck = never,
) -> Sent:
    """Send DICOM files (C-STORE), as they are or, if the peer wants that, uncompressed.

    Raises ``ReadError`` for a file that is not DICOM before anything is sent, and ``NetworkError``.
    """
    headers = [_header(path) for path in paths]
    kinds = sorted({(str(ds.SOPClassUID), str(ds.file_meta.TransferSyntaxUID)) for ds in headers})
    contexts = [build_context(kind, syntax) for kind, syntax in kinds]
    contexts += [build_context(kind, _PLAIN) for kind in sorted({kind for kind, _ in kinds})]
    sent: list[Path] = []
    failed: list[tuple[Path, str]] = []
    with connected(settings, peer, contexts, cancelled=cancelled) as association:
        for number, path in enumerate(paths):
            progress(number / len(paths), f"{number + 1} of {len(paths)} files")
            try:
                status = association.send_c_store(_sendable(path, association))
                check_status(status, peer, "Sending")
                sent.append(path)
            except NetworkError as error:
                failed.append((path, error.what))
                if not association.is_established:
                    failed += [(rest, "not sent") for rest in paths[number + 1 :]]
                    break
            except ValueError:
                failed.append((path, f"{peer} takes no objects of this kind"))
    return Sent(tuple(sent), tuple(failed))


def _header(path: Path) -> FileDataset:
    with dicom_errors(path):
        with path.open("rb") as file:
            start = file.read(132)
        if not is_dicom(start):
            raise ReadError(
                "The file is not DICOM and cannot be sent", path=path, remedy="Choose DICOM files."
            )
        ds = dcmread(path, stop_before_pixels=True)
        if not ds.get("SOPClassUID") or not ds.get("SOPInstanceUID"):
            raise ReadError("The file has no SOP class or instance", path=path, remedy="Export it again.")
        return ds


def _sendable(path: Path, association: Association) -> FileDataset:
    """The file's data set, decompressed when the peer did not accept its compression."""
    with dicom_errors(path):
        ds = dcmread(path)
        syntax = ds.file_meta.TransferSyntaxUID
        accepted = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0]))
            for context in association.accepted_contexts
        }
        kind = str(ds.SOPClassUID)
        plain = any((kind, str(other)) in accepted for other in _PLAIN)
        if (kind, str(syntax)) not in accepted and syntax.is_compressed and plain:
            ds.decompress(generate_instance_uid=False)
        return ds
