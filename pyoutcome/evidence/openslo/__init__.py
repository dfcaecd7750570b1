"""OpenSLO v1 files: service level objectives as KPIs and KPIs as objectives; what has no counterpart is listed."""

from pyoutcome.evidence.openslo.documents import Unexpressed
from pyoutcome.evidence.openslo.exporting import Exported, export_openslo
from pyoutcome.evidence.openslo.importing import Imported, import_openslo

__all__ = ["Exported", "Imported", "Unexpressed", "export_openslo", "import_openslo"]
