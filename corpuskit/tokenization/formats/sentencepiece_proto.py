"""The parts of SentencePiece's `ModelProto` that decide ids, as protobuf messages.

The module that ships with sentencepiece asks for a newer protobuf than Beam allows, so the messages are declared here;
fields that are not are kept as they are. Names, numbers and defaults are those of `sentencepiece_model.proto`.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from corpuskit.errors import ArtifactError

UNIGRAM, BPE = 1, 2
"""Values of `trainer_spec.model_type`."""
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""Values of a piece's `type`."""
_FIELDS: dict[str, tuple[tuple[str, int, str, str], ...]] = {
    "SentencePiece": (("piece", 1, "string", ""), ("score", 2, "float", ""), ("type", 3, "int32", "1")),
    "TrainerSpec": (
        ("model_type", 3, "int32", "1"),
        ("vocab_size", 4, "int32", "8000"),
        ("treat_whitespace_as_suffix", 24, "bool", "false"),
        ("byte_fallback", 35, "bool", "false"),
        ("unk_id", 40, "int32", "0"),
        ("bos_id", 41, "int32", "1"),
        ("eos_id", 42, "int32", "2"),
        ("pad_id", 43, "int32", "-1"),
        ("unk_piece", 45, "string", "<unk>"),
        ("bos_piece", 46, "string", "<s>"),
        ("eos_piece", 47, "string", "</s>"),
        ("pad_piece", 48, "string", "<pad>"),
    ),
    "NormalizerSpec": (
        ("name", 1, "string", ""),
        ("precompiled_charsmap", 2, "bytes", ""),
        ("add_dummy_prefix", 3, "bool", "true"),
        ("remove_extra_whitespaces", 4, "bool", "true"),
        ("escape_whitespaces", 5, "bool", "true"),
    ),
}
"""Message -> (field, number, type, default); an enumeration travels as an int32."""
_PACKAGE = "corpuskit.sentencepiece"


@cache
def model_class() -> Any:
    """Return the class of `ModelProto` messages: `pieces`, `trainer_spec`, `normalizer_spec`."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, number, kind, default in fields:
            _declare(declared, name, number, kind, default)
    model = file.message_type.add(name="ModelProto")
    _declare(model, "pieces", 1, "SentencePiece", repeated=True)
    _declare(model, "trainer_spec", 2, "TrainerSpec")
    _declare(model, "normalizer_spec", 3, "NormalizerSpec")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.ModelProto"))


def parse(data: bytes) -> Any:
    """Return the `ModelProto` of a file.

    Raises:
        ArtifactError: it is no SentencePiece model.
    """
    try:
        model = model_class().FromString(data)
    except DecodeError as error:
        raise ArtifactError(f"not a SentencePiece model: {error}") from error
    if not model.pieces:
        raise ArtifactError("not a SentencePiece model: it has no pieces")
    return model


def _declare(message: Any, name: str, number: int, kind: str, default: str = "", repeated: bool = False) -> None:
    types = descriptor_pb2.FieldDescriptorProto
    label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if kind in _FIELDS:
        field.type, field.type_name = types.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = getattr(types, f"TYPE_{kind.upper()}")
        if default:
            field.default_value = default
