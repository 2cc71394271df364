"""Look at a whole site at once, without acting: what plan, status, verify, explain and report start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bpa.core.plan import SubjectPlan, make_plan, plan_hash
from bpa.engine import Subject, Survey, survey


@dataclass(frozen=True, slots=True)
class SiteSurvey:
    """Every subject's survey and plan by name, in the order of the documents, and the hash of the whole plan."""

    surveys: dict[str, Survey[Any, Any]]
    plans: tuple[SubjectPlan, ...]
    hash: str

    @property
    def met(self) -> bool:
        return all(plan.met for plan in self.plans)


def survey_site(
    hosts: Sequence[Subject[Any, Any]], clusters: Sequence[Subject[Any, Any]], took: dict[str, dict[str, float]],
    seen: Callable[[str, Survey[Any, Any]], None], workers: int = 16,
) -> SiteSurvey:
    """Survey the hosts in parallel, then the clusters, whose facts include how far their hosts are.

    `took` are learned durations by subject and condition; `seen` is told of every survey as soon as it is there.
    """
    surveys: dict[str, Survey[Any, Any]] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        for group in (hosts, clusters):
            for subject, result in zip(group, pool.map(survey, group), strict=True):
                surveys[subject.name] = result
                seen(subject.name, result)
    plans = tuple(
        make_plan(s.name, s.want, surveys[s.name].have, surveys[s.name].judged, surveys[s.name].unseen,
                  s.world.identity(surveys[s.name].have), took.get(s.name, {}))
        for s in (*hosts, *clusters))
    return SiteSurvey(surveys, plans, plan_hash(plans))
