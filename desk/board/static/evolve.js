// The form that makes a loop's spec.
import { build } from "./builder.js";

build((p) => {
  const splits = Object.entries(p.cases).map(([split, count]) => `${count} ${split}`);
  const { rounds, hours, parallel, model_tokens, model_usd } = p.budget;
  const usd = model_usd === null ? "" : `, $${model_usd.toFixed(2)}`;
  return [
    ["Repository", `${p.repository} at ${p.commit.slice(0, 12)} (${p.branch ?? "no branch"})`],
    ["May change", p.editable.join(", ")],
    ["Program", p.program],
    ["Scorer", p.scorer],
    ["Metric", p.metric],
    ["Cases", splits.join(", ") + (p.protected_cases ? `; ${p.protected_cases} protected` : "")],
    ["Proposers", p.proposers.join(", ")],
    ["Budget", `${rounds} rounds, at most ${hours} h, ${parallel} runs at once`],
    ["Models", `at most ${model_tokens.toLocaleString("en")} tokens${usd}`],
    ...p.warnings.map((warning) => ["Note", warning]),
  ];
});
