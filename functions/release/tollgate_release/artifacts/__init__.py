"""Model artifacts in Hugging Face's layout, judged by the rules of Custom Model Import before a job starts.

Only file names, JSON files and the headers of safetensors files are read: never a tensor, never a pickle.
"""

from tollgate_release.artifacts.inspection import Inspection, InspectionError, inspect
from tollgate_release.artifacts.source import ArtifactSource, LocalArtifacts

__all__ = ["ArtifactSource", "Inspection", "InspectionError", "LocalArtifacts", "inspect"]
