// Codex CLI, which speaks the Responses API alone, and in streams.
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer, check, key, run, url } from "./node_harness.mjs";

function codex(model) {
  const home = mkdtempSync(join(tmpdir(), "codex-"));
  const provider = `name = "Tollgate"\nbase_url = "${url}/stream/v1"\nenv_key = "TOLLGATE_KEY"\nwire_api = "responses"\n`;
  const retries = "request_max_retries = 0\nstream_max_retries = 0\n";
  writeFileSync(join(home, "config.toml"), `model = "${model}"\nmodel_provider = "tollgate"\n[model_providers.tollgate]\n${provider}${retries}`);
  const command = ["exec", "--skip-git-repo-check", "-C", home, "-s", "read-only", "Say hello"];
  const finished = spawnSync(join("node_modules", ".bin", "codex"), command, {
    env: { ...process.env, CODEX_HOME: home, TOLLGATE_KEY: key }, encoding: "utf8", timeout: 60_000,
  });
  check(finished.stdout.includes(answer), finished.stderr.slice(-300));
}

await run("@openai/codex", { stream: codex, tools: codex, responses: codex });
