// Vercel's AI SDK: openai(model) is the Responses API, openai.chat(model) chats.
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { answer, check, key, run, schema, url } from "./node_harness.mjs";

const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const weather = tool({ description: "Weather", inputSchema: jsonSchema(schema), execute: async () => "18" });
const common = { prompt: "Hello", maxRetries: 0 };

await run("ai", {
  async plain(model) {
    check((await generateText({ ...common, model: openai.chat(model) })).text);
  },
  async stream(model) {
    let text = "";
    for await (const piece of streamText({ ...common, model: openai.chat(model) }).textStream) text += piece;
    check(text);
  },
  async tools(model) {
    const result = await generateText({ ...common, model: openai.chat(model), tools: { weather }, stopWhen: stepCountIs(2) });
    check(result.text.includes(answer), result.text);
  },
  async forced_tools(model) {
    const result = await generateText({ ...common, model: openai.chat(model), tools: { weather }, toolChoice: "required" });
    check(result.toolCalls.length === 1);
  },
  async structured(model) {
    check((await generateObject({ ...common, model: openai.chat(model), schema: jsonSchema(schema) })).object.city);
  },
  async responses(model) {
    const result = await generateText({ ...common, model: openai(model), tools: { weather }, stopWhen: stepCountIs(2) });
    check(result.text.includes(answer), result.text);
    let text = "";
    for await (const piece of streamText({ ...common, model: openai(model) }).textStream) text += piece;
    check(text);
  },
});
