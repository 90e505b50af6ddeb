// A ticket's fields as the text of its file: Markdown with YAML front matter.
const PLAIN = /^[A-Za-z][\w ./-]*[\w/]$|^[A-Za-z]$/;
const WORDS = /^(true|false|null|yes|no|on|off|y|n|nan|inf|infinity)$/i;

function scalar(value) {
  if (typeof value !== "string") return String(value);
  return PLAIN.test(value) && !WORDS.test(value) ? value : JSON.stringify(value);
}

const flat = (value) => value === null || typeof value !== "object";

function lines(value, indent) {
  const lead = " ".repeat(indent);
  return Object.entries(value).flatMap(([name, inner]) => {
    const head = `${lead}${scalar(name)}:`;
    if (flat(inner)) return [`${head} ${scalar(inner)}`];
    if (Array.isArray(inner)) {
      if (inner.every(flat)) return [`${head} [${inner.map(scalar).join(", ")}]`];
      return [head, ...inner.flatMap((one) => item(one, indent + 2))];
    }
    return [head, ...lines(inner, indent + 2)];
  });
}

function item(value, indent) {
  const [first, ...rest] = lines(value, indent + 2);
  return [`${" ".repeat(indent)}- ${first.trimStart()}`, ...rest];
}

export function ticketFile(fields) {
  const { question = "", ...rest } = fields;
  return ["---", ...lines(rest, 0), "---", "", question, ""].join("\n");
}
