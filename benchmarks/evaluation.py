"""`python -m benchmarks.evaluation`: C-Eval questions scored by this project and by lm-eval, same
weights, prompts and machine.

Prints a table and, as its last line, one JSON object. A random model of the debug shape is asked:
speed and agreement of the picked letters are measured, not knowledge. Needs
`../shared/data/bench/ceval`, or `--data`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

# Read at import by Hugging Face's libraries: nothing is asked of the net.
os.environ.update(
    HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_EVALUATE_OFFLINE="1"
)

from model.evaluate.choices import evaluate_choices, prompt, spread
from model.evaluate.files import read_answers
from model.evaluate.questions import BENCHMARKS, Archive
from model.evaluate.scorer import load_scorer
from model.network.config import preset

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "bench"
TASK = """task: ceval_local
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: ["A", "B", "C", "D"]
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
metadata: {{version: 1.0}}
"""


def byte_tokenizer(texts: list[str], folder: Path) -> None:
    """A byte-level BPE of 8,192 pieces, so that both sides read the same tokenizer.json."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<unk>", "<s>", "</s>"]
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=8192, initial_alphabet=alphabet, special_tokens=special)
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def peer_class() -> Any:
    """lm-eval's Hugging Face model class. Its file imports accelerate, which is used only to spread
    models over devices: where that package is absent, empty names stand in for it during the
    import."""
    if importlib.util.find_spec("accelerate") is None:
        names = {
            "accelerate": ("Accelerator", "InitProcessGroupKwargs", "find_executable_batch_size"),
            "accelerate.utils": ("get_max_memory",),
        }
        for module, attributes in names.items():
            sys.modules[module] = types.ModuleType(module)
            for attribute in attributes:
                setattr(sys.modules[module], attribute, None)
        try:
            from lm_eval.models.huggingface import HFLM
        finally:
            for module in names:
                del sys.modules[module]
        return HFLM
    from lm_eval.models.huggingface import HFLM

    return HFLM


def ask_lm_eval(folder: Path, items: list[dict[str, str]], work: Path) -> tuple[float, list[str]]:
    """Seconds and picked letters of lm-eval's own Hugging Face model class, at batch 8."""
    import lm_eval
    import torch
    from lm_eval.tasks import TaskManager
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    HFLM = peer_class()

    file = work / "items.jsonl"
    file.write_text("".join(json.dumps(i, ensure_ascii=False) + "\n" for i in items), encoding="utf-8")
    (work / "tasks").mkdir()
    (work / "tasks" / "ceval_local.yaml").write_text(TASK.format(file=file))
    os.environ["HF_DATASETS_CACHE"] = str(work / "cache")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    peer = HFLM(
        pretrained=network,
        tokenizer=tokenizer,
        batch_size=8,
        device="cpu",
        add_bos_token=False,
        max_length=network.config.max_position_embeddings,
    )
    manager = TaskManager(include_path=str(work / "tasks"), include_defaults=False)
    start = time.perf_counter()
    out = lm_eval.simple_evaluate(
        model=peer,
        tasks=["ceval_local"],
        task_manager=manager,
        bootstrap_iters=0,
        log_samples=True,
        num_fewshot=0,
    )
    seconds = time.perf_counter() - start
    picked: dict[int, str] = {}
    for sample in out["samples"]["ceval_local"]:
        scores = [float(r[0]) for r in sample["filtered_resps"]]
        picked[sample["doc_id"]] = "ABCD"[scores.index(max(scores))]
    return seconds, [picked[i] for i in range(len(items))]


def measure_evaluation(data: Path, items: int) -> dict[str, Any]:
    import torch

    from model.checkpoints.export import export_model
    from model.network.architecture import Skywork

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        archive = Archive(data, BENCHMARKS["ceval"])
        # Whole subjects, as an evaluation asks them: as many as reach the wished number.
        asked: dict[str, Any] = {}
        for subject in sorted(archive.subjects):
            if sum(map(len, asked.values())) < items:
                asked[subject] = archive.questions(BENCHMARKS["ceval"].asked, subject)
        (work / "ceval").mkdir()
        (work / "ceval" / "mapping.json").write_text(json.dumps({s: archive.subjects[s] for s in asked}))
        (work / "ceval" / "ceval.zip").symlink_to(archive.zip)
        order = spread({s: len(v) for s, v in asked.items()}, 0)
        rows = []
        for subject, i in order:
            shots = archive.examples(subject)
            text = prompt("ceval", archive.subjects[subject]["name"], shots, asked[subject][i])
            rows.append({"prompt": text, "answer": asked[subject][i].answer})
        byte_tokenizer([r["prompt"] for r in rows], work)
        config = preset("debug")
        export_model(Skywork(config, seed=0).state_dict(), config, work / "tokenizer.json", work / "export")

        scorer = load_scorer(work / "export", "cpu")
        scorer.next_logits([[1, 2, 3]])
        start = time.perf_counter()
        evaluate_choices(scorer, "ceval", work, work / "answers.jsonl", limit=0)
        ours = time.perf_counter() - start
        answers = read_answers(work / "answers.jsonl")
        theirs, picked = ask_lm_eval(work / "export", rows, work)
        same = sum(
            answers[f"{s}/{i}"]["picked"] == letter for (s, i), letter in zip(order, picked, strict=True)
        )
        return {
            "items": len(rows),
            "items_per_second": len(rows) / ours,
            "items_per_second_lm_eval": len(rows) / theirs,
            "ratio_lm_eval": theirs / ours,
            "agreement_lm_eval": same / len(rows),
            "threads": torch.get_num_threads(),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about 100 questions instead of 400")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with ceval/ceval.zip")
    options = parser.parse_args()
    command = "python -m benchmarks.evaluation" + (" --quick" if options.quick else "")
    goal = {"ratio_lm_eval": 1.0, "agreement_lm_eval": 1.0}
    result: dict[str, Any] = {"name": "evaluation", "metrics": {}, "goal": goal, "command": command}
    result["hardware"] = {"machine": platform.machine(), "cores": os.cpu_count()}
    if (options.data / "ceval" / "ceval.zip").is_file():
        result["metrics"] = measure_evaluation(options.data, 100 if options.quick else 400)
        print(f"{'figure':28}{'value':>12}")
        for key, value in result["metrics"].items():
            print(f"{key:28}{value:>12.3f}")
    else:
        result["missing"] = "ceval/ceval.zip is not in the data folder: name one by --data"
        print(result["missing"])
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
