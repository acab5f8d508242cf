"""The JSON Schema of case files says what the loader does."""

from __future__ import annotations

import json
import subprocess
import sys

from aliascheck.cases import FINDING_NAMES, json_schema
from aliascheck.cases.schema import NOT_YET, Audit, Defaults


def test_schema_is_json_and_closed() -> None:
    schema = json.loads(json.dumps(json_schema()))
    definitions = schema["$defs"]
    assert schema["$ref"] == "#/$defs/CaseFile"
    assert definitions["CaseFile"]["required"] == ["audit"]
    assert all(
        table["additionalProperties"] is False for table in definitions.values() if "properties" in table
    )


def test_every_key_is_described() -> None:
    for table in json_schema()["$defs"].values():
        assert table["description"]
        for key in table.get("properties", {}).values():
            assert "description" in key or "$ref" in key


def test_keys_are_those_of_the_format() -> None:
    audit = set(Audit.__struct_fields__)
    assert audit == {
        *(
            "id",
            "title",
            "loss",
            "params",
            "modes",
            "expect",
            "contract",
            "stop_gradient",
            "ties",
            "tolerance",
        ),
        *("seed", "probes", "thorough", "timeout", "matrix", "args", "skip"),
    }
    assert audit - set(Defaults.__struct_fields__) == {"id", "loss"}
    assert not audit & NOT_YET


def test_references_lead_somewhere() -> None:
    schema = json_schema()
    text = json.dumps(schema)
    names = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert names <= set(schema["$defs"])


def test_findings_are_patterns() -> None:
    import re

    items = json_schema()["$defs"]["ModeExpectation"]["properties"]["findings"]["items"]
    assert re.search(items["pattern"], "AC101:x")
    assert re.search(items["pattern"], "AC203")
    assert not re.search(items["pattern"], "AC101")
    assert not re.search(items["pattern"], "AC999:x")
    assert len(FINDING_NAMES) == 17


def test_schema_module_is_light() -> None:
    code = (
        "import sys, aliascheck.cases.load; "
        "print([name for name in ('click', 'rich', 'scipy', 'torch') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
