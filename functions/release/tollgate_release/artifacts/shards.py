"""Finds the safetensors files that make up the model, from its index where it has one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tollgate_release.artifacts.reader import shown

if TYPE_CHECKING:
    from tollgate_release.artifacts.reader import ArtifactReader

INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_CONVERT = "Load the model and save it with save_pretrained(folder, safe_serialization=True)."


def weight_files(reader: ArtifactReader) -> dict[str, set[str]]:
    """Find each weight file with the tensors that the index expects in it; empty, with a problem noted, if unusable."""
    present = [name for name in reader.files if name.endswith(".safetensors") and "/" not in name]
    adapters = [name for name in present if name.startswith("adapter_")]
    present = [name for name in present if name not in adapters]
    if not present:
        reader.problems.append(_no_weights(reader.files, adapters))
        return {}
    if "adapter_config.json" in reader.files or adapters:
        reader.warnings.append("The LoRA adapter beside the weights is ignored; merge it if it is not merged yet.")
    if INDEX in reader.files:
        return _files_of_index(reader, present)
    return _files_without_index(reader, present)


def _no_weights(files: dict[str, int], adapters: list[str]) -> str:
    if adapters or "adapter_config.json" in files:
        return (
            "This is a LoRA adapter, not a model. Merge it into its base model "
            "(merge_and_unload), save the result with save_pretrained and import that."
        )
    pickled = sorted(name for name in files if name.endswith(_PICKLED))
    if pickled:
        return f"The weights are pickled ({pickled[0]}); only safetensors files are imported. {_CONVERT}"
    gguf = sorted(name for name in files if name.endswith(".gguf"))
    if gguf:
        return f"The weights are in GGUF ({gguf[0]}); only safetensors files are imported. Use the original weights."
    return f"There are no weights: no .safetensors file. {_CONVERT}"


def _files_of_index(reader: ArtifactReader, present: list[str]) -> dict[str, set[str]]:
    index = reader.read_json(INDEX)
    if index is None:
        return {}
    weight_map: Any = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        reader.problems.append(f"{INDEX} has no weight_map. Save the model again with save_pretrained.")
        return {}
    expected: dict[str, set[str]] = {}
    for tensor, name in weight_map.items():
        if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
            reader.problems.append(
                f"{INDEX} names {shown(name)}, which is not a plain file name beside it. Save the model again."
            )
            return {}
        expected.setdefault(name, set()).add(tensor)
    missing = sorted(name for name in expected if name not in reader.files)
    if missing:
        reader.problems.append(
            f"{len(missing)} of {len(expected)} weight files in {INDEX} are missing, "
            f"first {shown(missing[0])}. Upload them too."
        )
    unused = [name for name in present if name not in expected]
    if unused:
        reader.warnings.append(f"{INDEX} does not name {', '.join(unused[:5])}: leave such files out of the upload.")
    return {name: tensors for name, tensors in expected.items() if name not in missing}


def _files_without_index(reader: ArtifactReader, present: list[str]) -> dict[str, set[str]]:
    shards = [match for match in map(_SHARD.fullmatch, present) if match]
    if shards and int(shards[0]["count"]) > 1:
        reader.problems.append(
            f"The weights are split ({shards[0][0]}) but {INDEX} is missing. Upload it too; save_pretrained writes it."
        )
        return {}
    # What a loader takes where there is no index; all else would count parameters twice.
    whole = [name for name in present if name == "model.safetensors"] or [match[0] for match in shards]
    others = [name for name in present if name not in whole]
    if whole and others:
        reader.warnings.append(
            f"No loader reads {', '.join(others[:5])} beside {whole[0]}: leave such files out of the upload."
        )
        present = whole
    return {name: set() for name in present}
