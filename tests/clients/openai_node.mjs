// openai-node.
import OpenAI from "openai";
import { answer, check, key, models, run, schema, url } from "./node_harness.mjs";

const clients = ["/v1", "/stream/v1"].map((base) => new OpenAI({ baseURL: url + base, apiKey: key, maxRetries: 0 }));
const messages = [{ role: "user", content: "Hello" }];
const tool = { name: "weather", description: "Weather", parameters: schema };

await run("openai", {
  async plain(model) {
    for (const client of clients) check((await client.chat.completions.create({ model, messages })).choices[0].message.content);
  },
  async stream(model) {
    for (const client of clients) {
      let text = "";
      for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) text += chunk.choices[0]?.delta.content ?? "";
      check(text);
    }
  },
  async tools(model) {
    const tools = [{ type: "function", function: { ...tool, function: () => "18", parse: JSON.parse } }];
    check((await clients[0].chat.completions.runTools({ model, messages, tools }).finalContent()).includes(answer));
  },
  async forced_tools(model) {
    const tools = [{ type: "function", function: tool }];
    const called = await clients[0].chat.completions.create({ model, messages, tools, tool_choice: "required" });
    check(called.choices[0].message.tool_calls[0].function.name === "weather");
  },
  async structured(model) {
    const response_format = { type: "json_schema", json_schema: { name: "city", schema } };
    check(JSON.parse((await clients[0].chat.completions.create({ model, messages, response_format })).choices[0].message.content).city);
  },
  async responses(model) {
    for (const client of clients) {
      check((await client.responses.create({ model, input: "Hello" })).output_text);
      const stream = client.responses.stream({ model, input: "Hello", tools: [{ type: "function", strict: false, ...tool }] });
      check((await stream.finalResponse()).output.at(-1).type === "function_call");
    }
  },
  async models(model) {
    for (const client of clients) check((await client.models.list()).data.some((one) => one.id === model));
  },
});
