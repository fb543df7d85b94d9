#!/usr/bin/env python3
"""Makes types_table.c, the data behind types.h, out of the options in wici/v1/*.proto.

    gen_types.py DESCRIPTOR_SET OPTIONS_DIR OUTPUT

DESCRIPTOR_SET is what `protoc --include_imports --descriptor_set_out` writes; OPTIONS_DIR is where
`protoc --python_out` put options.proto. A registry that breaks a promise is refused: one line each, exit 1.
"""
import re
import sys

from google.protobuf import descriptor_pb2

sys.path.insert(0, sys.argv[2])
from wici.v1 import options_pb2 as options  # registers the options, so that the set below is read with them

PACKAGE = "wici.v1"
WITHOUT_OPTIONS = {"wici/v1/options.proto", "wici/v1/wire.proto"}  # the wire is not made of fields people fill in
STRING, MESSAGE, ENUM = 9, 11, 14                                  # FieldDescriptorProto.Type
NUMBERS = {4, 8, 13}                                               # uint64, bool, uint32
REPEATED = 3                                                       # FieldDescriptorProto.Label
MAX_DEFAULT = {options.LINE: 200, options.TEXT: 16384}
SLOTS_FIXED, SLOTS_TAIL_MIN = 2, 2                                 # header and note; room for repeated classes
SYS_FIRST = 900
OPENS = {"": "OPENS_NOTHING", "REFERRAL": "OPENS_REFERRAL", "CASE": "OPENS_CASE", "MEETING": "OPENS_MEETING",
         "LETTER": "OPENS_LETTER"}

problems = []


def refuse(where, what):
    problems.append(f"{where}: {what}")


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text else "NULL"


def snake(name):
    """ReferralSubmittedS0 -> referral_submitted_s0, as protoc-c does."""
    return re.sub(r"(?<=[^A-Z])([A-Z])", r"_\1", name).lower()


def camel(type_name):
    """referral.submitted -> ReferralSubmitted"""
    return "".join(word.capitalize() for word in re.split(r"[._]", type_name))


def option(field, name):
    return field.options.Extensions[getattr(options, name)]


def check_field(where, field):
    fmt, codes = option(field, "format"), option(field, "codes")
    if field.type not in NUMBERS | {STRING, MESSAGE, ENUM}:
        refuse(where, "only string, bool, uint32, uint64, enum and message fields can be checked")
    if field.type == STRING and not fmt:
        refuse(where, "a string without a format")
    if field.type != STRING and fmt:
        refuse(where, "a format on a field that is no string")
    if fmt == options.CODE and not codes:
        refuse(where, "a CODE without codes")
    if codes and fmt != options.CODE:
        refuse(where, "codes on a field that is no CODE")
    if codes != " ".join(dict.fromkeys(codes.split())):
        refuse(where, "codes must differ and be separated by one space")
    if field.label == REPEATED and not option(field, "max_count"):
        refuse(where, "a repeated field without max_count")
    if not option(field, "pl") or not option(field, "en"):
        refuse(where, "a label is missing: pl and en are both needed")


def check_no_recursion(messages):
    """A recursive message lets a stranger's bytes nest until the stack ends."""
    def walk(name, above):
        if name in above:
            refuse(above[0], "a message that contains itself")
            return
        for field in messages[name].field:
            if field.type == MESSAGE and field.type_name.split(".")[-1] in messages:
                walk(field.type_name.split(".")[-1], above + [name])

    for name in messages:
        walk(name, [])


def read_types(enum, section, messages):
    """The event types in order of number, each with its classes: {class: message name}."""
    bodies = {field.number: field for field in section.field if field.HasField("oneof_index")}
    types = []
    for value in enum.value[1:]:
        info = value.options.Extensions[options.info]
        classes = {}
        for cls in range(8):
            field = bodies.pop(value.number * 10 + cls, None)
            if field is None:
                continue
            classes[cls] = field.type_name.split(".")[-1]
            if classes[cls] != f"{camel(info.name)}S{cls}" or field.name != snake(classes[cls]):
                refuse(f"Section.{field.name}", f"number {field.number} is for {camel(info.name)}S{cls}")
        types.append((value, info, classes))
        tail = info.slots - SLOTS_FIXED - len(classes)
        if info.name.upper().replace(".", "_") != value.name:
            refuse(value.name, f'its name must spell the same, not "{info.name}"')
        if not info.pl or not info.en:
            refuse(value.name, "a label is missing: pl and en are both needed")
        if 0 not in classes:
            refuse(value.name, "no body of class S0")
        if info.slots not in (4, 8, 16, 32):
            refuse(value.name, f"{info.slots} slots: 4, 8, 16 or 32 are possible")
        elif tail < (SLOTS_TAIL_MIN if value.number < SYS_FIRST else 0):
            refuse(value.name, f"{info.slots} slots are too few for {len(classes)} classes")
        if info.opens not in OPENS:
            refuse(value.name, f'opens "{info.opens}": none of {" ".join(filter(None, OPENS))}')
        if not {int(digit) for digit in info.either} <= set(classes):
            refuse(value.name, f'either "{info.either}": a class that is not declared')
    for field in bodies.values():
        refuse(f"Section.{field.name}", f"number {field.number} belongs to no type and class")
    for name in messages:
        if re.search(r"S[0-7]$", name) and name not in {body for _, _, classes in types for body in classes.values()}:
            refuse(name, "named like a body, but Section does not hold it")
    return sorted(types, key=lambda entry: entry[0].number)


def field_row(field, section_labels, names):
    fmt = option(field, "format")
    child = f"&types_messages[{names.index(field.type_name.split('.')[-1])}]" if field.type == MESSAGE else "NULL"
    pl, en = section_labels.get(field.number) or (option(field, "pl"), option(field, "en"))
    return (f"    {{.number = {field.number}, .format = FIELD_{options.Format.Name(fmt) if fmt else 'ANY'}, "
            f".required = {str(option(field, 'required')).lower()}, "
            f".max = {option(field, 'max') or MAX_DEFAULT.get(fmt, 0)}, .max_count = {option(field, 'max_count')}, "
            f".codes = {c_string(option(field, 'codes'))}, .json = {c_string(field.json_name)}, "
            f".pl = {c_string(pl)}, .en = {c_string(en)}, .message = {child}}},")


def table(files, messages, types):
    names = sorted(messages)  # message_info() searches by name
    section_labels = {value.number * 10 + cls: (info.pl, info.en) for value, info, classes in types for cls in classes}
    yield "/* Made by gen_types.py out of wici/v1/ (the .proto files). */"
    yield '#include "proto/types_table.h"\n'
    for file in files:
        yield f'#include "{file.name.replace(".proto", ".pb-c.h")}"'
    for name in names:
        yield f"\nstatic const struct field_info fields_{snake(name)}[] = {{"
        for field in sorted(messages[name].field, key=lambda f: f.number):  # as protobuf-c sorts them
            yield field_row(field, section_labels if name == "Section" else {}, names)
        yield "};"
    yield "\nconst struct message_info types_messages[] = {"
    for name in names:
        yield f"    {{&{PACKAGE.replace('.', '__')}__{snake(name)}__descriptor, fields_{snake(name)}}},"
    yield "};"
    yield f"const size_t types_messages_count = {len(names)};"
    for name in ("Header", "Section"):
        yield f"const struct message_info *const types_{name.lower()} = &types_messages[{names.index(name)}];"
    yield "\nconst struct type_info types_types[] = {"
    for value, info, classes in types:
        slots = {cls: SLOTS_FIXED + i for i, cls in enumerate(sorted(classes))}
        yield (f"    {{.number = {value.number}, .name = {c_string(info.name)}, "
               f".family = {c_string(info.name.split('.')[0])}, .enum_name = {c_string(value.name)},")
        yield f"     .pl = {c_string(info.pl)}, .en = {c_string(info.en)}, .slots = {info.slots},"
        yield (f"     .classes = {sum(1 << cls for cls in classes):#04x}, "
               f".either = {sum(1 << int(digit) for digit in info.either):#04x}, .opens = {OPENS[info.opens]},")
        yield f"     .slot = {{{', '.join(f'[{cls}] = {slot}' for cls, slot in slots.items())}}},"
        bodies = ", ".join(f"[{cls}] = &types_messages[{names.index(name)}]" for cls, name in sorted(classes.items()))
        yield f"     .body = {{{bodies}}}}},"
    yield "};"
    yield f"const size_t types_types_count = {len(types)};"


def main():
    with open(sys.argv[1], "rb") as file:
        everything = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    files = [f for f in everything.file if f.package == PACKAGE and f.name not in WITHOUT_OPTIONS]
    messages = {message.name: message for file in files for message in file.message_type}
    enum = next(e for file in files for e in file.enum_type if e.name == "EventType")
    for name, message in messages.items():
        for field in message.field:
            if not (name == "Section" and field.HasField("oneof_index")):  # bodies carry their type's labels
                check_field(f"{name}.{field.name}", field)
    check_no_recursion(messages)
    types = read_types(enum, messages["Section"], messages)
    if problems:
        sys.exit("\n".join(problems))
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        file.write("\n".join(table(files, messages, types)) + "\n")


main()
