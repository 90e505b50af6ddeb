// The form that makes a ticket's file.
import { brought, build, takeText } from "./builder.js";
import { ask, problem } from "./send.js";

document.getElementById("import").addEventListener("submit", async (event) => {
  event.preventDefault();
  const address = document.getElementById("address").value.trim();
  if (!address) return;
  brought.textContent = "Asking …";
  const answer = await ask("POST", "/api/v1/tickets/import", { url: address });
  if (answer.ok) takeText(answer.data.text, `Imported from ${address}; fill in what is missing.`);
  else brought.textContent = [404, 405].includes(answer.status) ? "This board can't import issues." : problem(answer);
});

build((p) => {
  const space = Object.entries(p.search_space).map(([name, range]) => `${name}: ${range}`);
  const { trials, parallel, hours } = p.budget;
  return [
    ["Repository", `${p.repository} at ${p.commit.slice(0, 12)} (${p.branch ?? "no branch"}, ${p.files} files)`],
    ["First run", p.first_command],
    ["Metric", `${p.metric}, scored by ${p.scored_by}`],
    ["Search", space.join("; ") || "nothing"],
    ["Data", p.data.join(", ") || "none"],
    ["Environment", p.environment + (p.needs_approval ? "; needs your approval at the plan gate" : "")],
    ["Hosts", p.hosts.join(", ") || "none"],
    ["Budget", `${trials} runs, ${parallel} at once, at most ${hours} h; at most $${p.most_cost_usd.toFixed(2)}`],
    ["Judgements", p.models.join(", ") || "by rules (no chat model is set)"],
    ...p.warnings.map((warning) => ["Note", warning]),
  ];
});
