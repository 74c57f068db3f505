"""A plan for a person: phases, learning rates, tokens and repetitions of every source.

Belongs here: text. Does not belong here: what a plan costs (cost/). No torch.
"""

from __future__ import annotations

import numpy as np

from model.plan.plan import Plan


def describe_plan(plan: Plan) -> str:
    """The plan for a person: phases, learning-rate milestones, tokens and repetitions of every
    source."""
    lines = [
        f"run {plan.name}: {plan.steps:,} steps of {plan.tokens_per_step:,} tokens,"
        f" {plan.steps * plan.tokens_per_step:,} in all"
    ]
    for p in plan.phases:
        lines.append(
            f"  {p.stage} {p.name}: steps {p.start_step} to {p.end_step - 1}, {p.tokens:,} tokens of"
            f" release {p.release}"
        )
        marks = {"begins": p.start_step, "half": p.start_step + p.steps // 2, "ends": p.end_step - 1}
        if p.schedule.warmup_tokens:
            marks["peak"] = p.start_step + max(1, -(-p.schedule.warmup_tokens // plan.tokens_per_step)) - 1
        rates = [
            f"{plan.lr_at(step):.2e} {name} (step {step})"
            for name, step in sorted(marks.items(), key=lambda m: (m[1], m[0]))
        ]
        lines.append(f"    learning rate: {', '.join(rates)}")
        if p.stem.none:
            lines.append("    SkyPile-STEM: none")
        else:
            mean = p.stem.integral(np.ones(1))[0]
            lines.append(
                f"    SkyPile-STEM: {p.stem.share(0.0):.1%} to {p.stem.share(1.0):.1%}, {mean:.1%} on average"
            )
    lines.append(
        f"  {'source':<28}{'tokens held':>20}{'tokens read':>20}"
        f"{'repetitions':>13}{'tail dropped per pass':>23}"
    )
    repetitions = plan.repetitions()
    for source, reads in zip(plan.sources, plan.carried[-1], strict=True):
        held = list(source.held.values())[-1]
        tail = held.tokens - held.sequences * plan.sequence_length
        read, often = int(reads) * plan.sequence_length, repetitions[source.name]
        lines.append(f"  {source.name:<28}{held.tokens:>20,}{read:>20,}{often:>13.2f}{tail:>23,}")
    return "\n".join(lines)
