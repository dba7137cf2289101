// What each script of a client in JavaScript uses; see harness.py.
import { readFileSync } from "node:fs";

export const url = process.env.TOLLGATE_URL ?? "http://127.0.0.1:3000";
export const key = process.env.TOLLGATE_KEY ?? "tollgate-local";
export const models = ["agent-demo", "agent-qwen3"];
export const answer = "The tool says";
export const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

export function check(condition, what = "not as expected") {
  if (!condition) throw new Error(what);
}

export async function run(name, checks) {
  const results = {};
  for (const [feature, one] of Object.entries(checks)) {
    results[feature] = "ok";
    for (const model of models) {
      try {
        await one(model);
      } catch (error) {
        console.error(error);
        results[feature] = `${model}: ${error.name}: ${String(error.message).slice(0, 200)}`;
        break;
      }
    }
  }
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`));
  console.log(JSON.stringify({ version, results }));
}
