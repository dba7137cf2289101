// AWS's SDK for JavaScript, version 3.
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import {
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  SageMakerRuntimeClient,
} from "@aws-sdk/client-sagemaker-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { check, key, run, schema, url } from "./node_harness.mjs";

const credentials = { accessKeyId: key, secretAccessKey: "x" };
const common = { region: "us-east-1", endpoint: url, credentials, maxAttempts: 1 };
const sagemakerClient = new SageMakerRuntimeClient({ ...common, endpoint: `${url}/k/${key}` });
const bedrock = new BedrockRuntimeClient({ ...common, requestHandler: new NodeHttpHandler() });
const messages = [{ role: "user", content: [{ text: "Hello" }] }];

async function sagemaker(model) {
  const given = { EndpointName: model, Body: JSON.stringify({ inputs: "Hello", parameters: { max_new_tokens: 8 } }) };
  const answered = await sagemakerClient.send(new InvokeEndpointCommand(given));
  check(JSON.parse(Buffer.from(answered.Body))[0].generated_text);
  let text = "";
  for await (const event of (await sagemakerClient.send(new InvokeEndpointWithResponseStreamCommand(given))).Body) {
    text += Buffer.from(event.PayloadPart.Bytes);
  }
  check(text.includes("generated_text"));
}

async function converse(model) {
  check((await bedrock.send(new ConverseCommand({ modelId: model, messages }))).output.message.content.at(-1).text);
  const tools = [{ toolSpec: { name: "weather", inputSchema: { json: schema } } }];
  const called = await bedrock.send(new ConverseCommand({ modelId: model, messages, toolConfig: { tools } }));
  check(called.output.message.content.at(-1).toolUse.name === "weather");
  const kinds = [];
  for await (const event of (await bedrock.send(new ConverseStreamCommand({ modelId: model, messages }))).stream) kinds.push(Object.keys(event)[0]);
  check(kinds.at(-1) === "metadata");
}

await run("@aws-sdk/client-bedrock-runtime", { plain: converse, stream: sagemaker, tools: converse, converse, sagemaker });
