"""Markdown pages whose blocks, between a pair of markers, are written from the recorded runs of cases."""

from __future__ import annotations

from boathook.conformance.documents.model import Change, Report, Style
from boathook.conformance.documents.pages import Page, parse_page
from boathook.conformance.documents.render import block_of, placeholder
from boathook.conformance.documents.replacing import replace_files
from boathook.conformance.documents.stored import read_results, results_text
from boathook.conformance.documents.writing import diff_of, filled, read_pages, write_documents

__all__ = [
    "Change",
    "Page",
    "Report",
    "Style",
    "block_of",
    "diff_of",
    "filled",
    "parse_page",
    "placeholder",
    "read_pages",
    "read_results",
    "replace_files",
    "results_text",
    "write_documents",
]
