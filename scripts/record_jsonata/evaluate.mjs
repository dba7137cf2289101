// Evaluates expressions with the reference implementation of JSONata, in the version that Step Functions documents.
// Standard input: [{"expression", "bindings"}]; standard output: [{"value"} or {"undefined"} or {"error"}].
// record.py starts it.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const jsonata = createRequire(process.cwd() + "/")("jsonata");

async function evaluate({ expression, bindings }) {
  try {
    const compiled = jsonata(expression);
    compiled.registerFunction("parse", (text) => JSON.parse(text), "<s:x>");
    const value = await compiled.evaluate(undefined, bindings);
    return value === undefined ? { undefined: true } : { value: JSON.parse(JSON.stringify(value)) };
  } catch (error) {
    return { error: String(error.code ?? error.name) };
  }
}

const items = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const item of items) {
  answers.push(await evaluate(item));
}
process.stdout.write(JSON.stringify(answers));
