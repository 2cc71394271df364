"""A report as JUnit XML: a suite per host, a case per condition.

Elements and attributes are those that Jenkins' junit-10.xsd (xunit-plugin) allows; GitLab reads a subset, and shows of a
failure its text and not its message, and of two cases of one name only the first.
"""

from __future__ import annotations

import time
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from bpa.cli.report.telling import wanted_told
from bpa.core.compliance import ConditionReport, Report, SubjectReport
from bpa.core.compliance.report import Result

TAG = {"failed": "failure", "error": "error", "skipped": "skipped"}


def junit(report: Report) -> str:
    """failure: it does not hold; error: nobody knows, since a source did not answer or it could not be judged yet;
    skipped: the documents do not ask it.
    """
    root = Element("testsuites", name=_text(f"bpa {report.site}"), tests=str(sum(len(s.requirements) for s in report.subjects)),
                   failures=_sum(report, "failed"), errors=_sum(report, "error"))
    for subject in report.subjects:
        _suite(root, report, subject)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, subject: SubjectReport) -> None:
    suite = SubElement(
        root, "testsuite", name=_text(subject.name), hostname=_text(subject.name), tests=str(len(subject.requirements)),
        failures=str(subject.count("failed")), errors=str(subject.count("error")), skipped=str(subject.count("skipped")),
        time=f"{subject.seconds:.3f}", timestamp=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(subject.looked)))
    about = {"bpa": report.bpa, "plan": report.plan, "documents": subject.documents, "uuid": subject.machine.uuid,
             "serial": subject.machine.serial, "model": f"{subject.machine.manufacturer} {subject.machine.model}".strip(),
             "bios": subject.machine.bios_version, "boot_id": subject.machine.boot_id}
    properties = SubElement(suite, "properties")
    for name, value in about.items():
        if value:
            SubElement(properties, "property", name=name, value=_text(value))
    for one in subject.requirements:
        _case(suite, report, subject, one)


def _case(suite: Element, report: Report, subject: SubjectReport, one: ConditionReport) -> None:
    # Jenkins takes what is before the last dot for a package.
    case = SubElement(suite, "testcase", classname=_text(f"{report.site.replace('.', '_')}.{subject.name.replace('.', '_')}"),
                      name=_text(one.condition), time=f"{one.seconds or 0:.3f}")
    if tag := TAG.get(one.result):
        told = SubElement(case, tag, message=_text(one.found), type=one.state if one.seen else "unseen")
        lines = [one.about, one.found, f"try: {one.advice}" if one.advice else "", one.changed]
        told.text = _text("\n".join(line for line in lines if line))
    wanted = [f"wanted {path}: {value}" for path, value in wanted_told(one).items()]
    shown = [*wanted, f"found: {one.found}", *one.evidence]
    SubElement(case, "system-out").text = _text("\n".join(shown))


def _sum(report: Report, result: Result) -> str:
    return str(sum(subject.count(result) for subject in report.subjects))


def _text(value: str) -> str:
    """What XML 1.0 can hold of it (section 2.2, Char)."""
    return "".join(char if char in "\t\n" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
                   else "\ufffd" for char in value)
