"""Proof of how a site is: what was wanted, what was found and by which evidence, as a value; and two of them compared."""

from bpa.core.compliance.comparison import Comparison, ConditionDifference, SubjectDifference, compare
from bpa.core.compliance.document_words import in_document_words
from bpa.core.compliance.evidence import evidence_of
from bpa.core.compliance.hiding import hidden
from bpa.core.compliance.report import KIND, VERSION, ConditionReport, Machine, Report, Restarts, StepTaken, SubjectReport
from bpa.core.compliance.wanted import asked, is_asked, wanted_of

__all__ = [
    "KIND", "VERSION", "Comparison", "ConditionDifference", "ConditionReport", "Machine", "Report", "Restarts", "StepTaken",
    "SubjectDifference", "SubjectReport", "asked", "compare", "evidence_of", "hidden", "in_document_words", "is_asked",
    "wanted_of",
]
