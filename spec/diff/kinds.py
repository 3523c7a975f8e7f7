"""The kinds of change: the table that says whom each breaks (docs/diff.md shows it)."""

from __future__ import annotations

from collections.abc import Mapping

from .change import Kind, Severity

_BREAKING, _UNKNOWN, _ADDITIVE = Severity.BREAKING, Severity.UNKNOWN, Severity.ADDITIVE
_BOTH = "Keep the old one beside the new one until no client uses it."
_SENT = "Take what clients send today, or give the operation a new version."
_READ = "Give readers time: announce it, or send it only to clients that ask for it."
_LOOK = "Look at it: whether clients notice can't be decided from the documents."


def _kind(
    id: str, sentence: str, sent: Severity, received: Severity | None = None, remedy: str = _BOTH
) -> Kind:
    return Kind(id, sentence, sent, received or sent, remedy)


_ALL = (
    # operations
    _kind("operation-removed", "An operation is gone.", _BREAKING),
    _kind("operation-added", "An operation is new.", _ADDITIVE),
    _kind("operation-moved", "An operation has another path or method.", _BREAKING),
    _kind("operation-deprecated", "An operation is deprecated.", _ADDITIVE),
    _kind("operation-undeprecated", "An operation is no longer deprecated.", _ADDITIVE),
    _kind("operation-id", "An operationId changed: generated clients rename a function.", _UNKNOWN),
    _kind("base-path", "The base path of the paths changed.", _BREAKING),
    _kind("server-removed", "A server is no longer listed.", _UNKNOWN, None, _LOOK),
    _kind("server-added", "A server is new.", _ADDITIVE),
    # parameters
    _kind("parameter-removed", "A parameter is gone.", _BREAKING),
    _kind("parameter-added", "An optional parameter is new.", _ADDITIVE),
    _kind(
        "parameter-added-required",
        "A required parameter is new.",
        _BREAKING,
        None,
        "Make it optional, with a default that does what was done before.",
    ),
    _kind("parameter-moved", "A parameter travels in another place.", _BREAKING),
    _kind(
        "parameter-required", "A parameter became required.", _BREAKING, None, "Keep it optional."
    ),
    _kind("parameter-optional", "A parameter became optional.", _ADDITIVE),
    _kind("parameter-style", "A parameter is serialised in another way.", _BREAKING),
    _kind(
        "parameter-reserved",
        "Other characters of a parameter stand for themselves.",
        _UNKNOWN,
        None,
        _LOOK,
    ),
    _kind("parameter-empty", "A parameter may no longer be empty.", _BREAKING),
    _kind("parameter-may-be-empty", "A parameter may be empty.", _ADDITIVE),
    # bodies
    _kind("body-removed", "A request body is no longer declared.", _UNKNOWN, None, _LOOK),
    _kind("body-added", "An optional request body is new.", _ADDITIVE),
    _kind("body-required", "A request body became required.", _BREAKING, None, _SENT),
    _kind("body-optional", "A request body became optional.", _ADDITIVE),
    _kind("media-type-removed", "A media type is gone.", _BREAKING),
    _kind("media-type-added", "A media type is new.", _ADDITIVE),
    _kind("encoding", "The fields of a form are encoded in another way.", _UNKNOWN, None, _LOOK),
    # responses
    _kind("success-removed", "A success status is gone.", _BREAKING),
    _kind(
        "success-added",
        "A success or redirect status is new; clients that check for one status break.",
        _UNKNOWN,
        None,
        _LOOK,
    ),
    _kind("error-removed", "An error status is no longer declared.", _ADDITIVE),
    _kind("error-added", "An error status is new.", _ADDITIVE),
    _kind("header-removed", "A response header is gone.", _BREAKING),
    _kind("header-added", "A response header is new.", _ADDITIVE),
    _kind("header-optional", "A response header became optional.", _BREAKING),
    _kind("header-required", "A response header is always there.", _ADDITIVE),
    # schemas
    _kind("type-removed", "A type is no longer allowed.", _BREAKING, _ADDITIVE, _SENT),
    _kind("type-added", "A type is newly allowed.", _ADDITIVE, _BREAKING, _READ),
    _kind("type-changed", "A value has another type.", _BREAKING),
    _kind("type-stated", "A type that went without saying is stated.", _UNKNOWN, _ADDITIVE, _LOOK),
    _kind(
        "type-unstated", "A type that was stated goes without saying.", _ADDITIVE, _UNKNOWN, _LOOK
    ),
    _kind("null-removed", "Null is no longer allowed.", _BREAKING, _ADDITIVE, _SENT),
    _kind("null-added", "Null is newly allowed.", _ADDITIVE, _BREAKING, _READ),
    _kind("value-removed", "A value of an enum is gone.", _BREAKING, _ADDITIVE, _SENT),
    _kind("value-added", "A value of an enum is new.", _ADDITIVE, _BREAKING, _READ),
    _kind("values-stated", "Only some values are left.", _BREAKING, _ADDITIVE, _SENT),
    _kind("values-opened", "Values beyond a list are allowed.", _ADDITIVE, _BREAKING, _READ),
    _kind("values-undecided", "A list of values became a rule.", _UNKNOWN, None, _LOOK),
    _kind("limit-tightened", "A limit is tighter.", _BREAKING, _ADDITIVE, _SENT),
    _kind("limit-loosened", "A limit is looser.", _ADDITIVE, _BREAKING, _READ),
    _kind("limit-changed", "A limit is another one.", _BREAKING),
    _kind("format-added", "A format is demanded.", _BREAKING, _ADDITIVE, _SENT),
    _kind("format-removed", "A format is no longer kept.", _ADDITIVE, _BREAKING, _READ),
    _kind("format-changed", "A text has another format.", _BREAKING),
    _kind("format-noted", "A format that nobody checks changed.", _UNKNOWN, None, _LOOK),
    _kind("pattern-added", "A pattern is demanded.", _BREAKING, _ADDITIVE, _SENT),
    _kind("pattern-removed", "A pattern is no longer kept.", _ADDITIVE, _BREAKING, _READ),
    _kind("pattern-changed", "A pattern is another one.", _UNKNOWN, None, _LOOK),
    _kind("encoded-otherwise", "What a text holds is encoded in another way.", _BREAKING),
    _kind("property-added", "An optional property is new.", _ADDITIVE),
    _kind(
        "property-added-required",
        "A required property is new.",
        _BREAKING,
        _ADDITIVE,
        "Make it optional.",
    ),
    _kind(
        "property-added-closed",
        "An optional property is new where none but the declared ones were allowed.",
        _ADDITIVE,
        _BREAKING,
        _READ,
    ),
    _kind(
        "property-added-required-closed",
        "A required property is new where none but the declared ones were allowed.",
        _BREAKING,
        None,
        _BOTH,
    ),
    _kind(
        "property-removed",
        "A property is gone where others may stand; the server may ignore it.",
        _UNKNOWN,
        _BREAKING,
    ),
    _kind(
        "property-refused",
        "A property is gone where none but the declared ones are allowed.",
        _BREAKING,
    ),
    _kind("property-required", "A property became required.", _BREAKING, _ADDITIVE, _SENT),
    _kind("property-optional", "A property became optional.", _ADDITIVE, _BREAKING, _READ),
    _kind("read-only", "A property became read-only.", _UNKNOWN, _ADDITIVE, _LOOK),
    _kind("read-write", "A property may be written.", _ADDITIVE),
    _kind("write-only", "A property became write-only.", _ADDITIVE, _BREAKING, _READ),
    _kind("readable", "A property may be read.", _ADDITIVE),
    _kind(
        "object-closed", "Properties beyond the declared ones are refused.", _BREAKING, _ADDITIVE
    ),
    _kind(
        "object-opened", "Properties beyond the declared ones are allowed.", _ADDITIVE, _BREAKING
    ),
    _kind("branch-removed", "An alternative is gone.", _BREAKING, _ADDITIVE, _SENT),
    _kind("branch-added", "An alternative is new.", _ADDITIVE, _BREAKING, _READ),
    _kind("branch-covered", "An alternative that another one covers came or went.", _ADDITIVE),
    _kind(
        "union-exclusive",
        "Alternatives of which one must fit may overlap.",
        _UNKNOWN,
        _UNKNOWN,
        _LOOK,
    ),
    _kind("undecided", "A schema is too large to be compared.", _UNKNOWN, None, _LOOK),
    _kind("discriminator-changed", "Alternatives are told apart by another member.", _BREAKING),
    _kind("discriminator-stated", "A discriminator is new or gone.", _UNKNOWN, None, _LOOK),
    _kind("condition-added", "A condition is new.", _BREAKING, _ADDITIVE, _SENT),
    _kind("condition-removed", "A condition is gone.", _ADDITIVE, _BREAKING, _READ),
    _kind("condition-changed", "A condition changed.", _UNKNOWN, None, _LOOK),
    _kind(
        "default-changed",
        "A default changed: who leaves the value out gets something else.",
        _BREAKING,
        _ADDITIVE,
        "Keep the default.",
    ),
    _kind("default-stated", "A default is new or gone.", _UNKNOWN, _ADDITIVE, _LOOK),
    _kind("schema-deprecated", "A property or parameter is deprecated.", _ADDITIVE),
    # security
    _kind("security-added", "An operation that was open asks for a key.", _BREAKING),
    _kind("security-removed", "An operation no longer asks for a key.", _ADDITIVE),
    _kind("security-scheme-removed", "A way to give a key is gone.", _BREAKING),
    _kind("security-scheme-added", "There is another way to give a key.", _ADDITIVE),
    _kind("scope-added", "A key needs another scope.", _BREAKING),
    _kind("scope-removed", "A key needs fewer scopes.", _ADDITIVE),
    # streams
    _kind("stream-removed", "An operation no longer streams.", _BREAKING),
    _kind("stream-added", "An operation streams.", _ADDITIVE),
    _kind("stream-form", "A stream is cut or filled in another way.", _BREAKING),
    _kind("stream-undeclared", "What a stream delivers is declared no more, or newly.", _UNKNOWN),
    _kind("event-removed", "An event is gone; readers may wait for it.", _UNKNOWN),
    _kind("event-added", "An event is new.", _BREAKING, None, _READ),
    _kind("terminal-removed", "The event that ends a turn is gone.", _BREAKING),
    _kind("terminal-added", "An event ends a turn.", _ADDITIVE),
    _kind("sentinel", "The text that ends a stream changed.", _UNKNOWN, None, _LOOK),
    # meaning and promises
    _kind("role-changed", "An operation means something else.", _BREAKING),
    _kind("role-added", "An operation is known to be about sessions.", _ADDITIVE),
    _kind("role-inferred", "An operation seems to mean something else.", _UNKNOWN, None, _LOOK),
    _kind("binding-changed", "A part of the meaning stands elsewhere.", _BREAKING),
    _kind("binding-added", "Another part of the meaning is said.", _ADDITIVE),
    _kind("binding-inferred", "A part seems to stand elsewhere.", _UNKNOWN, None, _LOOK),
    _kind("model-changed", "A session, message or event looks different.", _BREAKING),
    _kind("model-added", "More is said of sessions, messages or events.", _ADDITIVE),
    _kind("promise-withdrawn", "A promise no longer stands.", _BREAKING),
    _kind("promise-added", "A promise is new.", _ADDITIVE),
    _kind("promise-changed", "A promise says something else.", _BREAKING),
)

KINDS: Mapping[str, Kind] = {kind.id: kind for kind in _ALL}
