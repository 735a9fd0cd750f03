// What the package "ai", with "@ai-sdk/openai-compatible", makes of a server: prints everything as one JSON object.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const address = process.argv[2];
const server = createOpenAICompatible({ name: "slora", baseURL: `${address}v1`, includeUsage: true });
const scripted = createOpenAICompatible({ name: "slora", baseURL: `${address}tools/v1`, includeUsage: true });
const prompt = "When are you open?";

const whole = await generateText({ model: server("bakery"), prompt });

const streaming = streamText({ model: server("hotel"), prompt });
let text = "";
for await (const piece of streaming.textStream) {
  text += piece;
}

const asked = [];
const tools = {
  get_weather: tool({
    description: "Tells the weather.",
    inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } } }),
    execute: async ({ city }) => (asked.push(city), "Rain."),
  }),
};
const called = await generateText({ model: scripted("bakery"), prompt, tools, stopWhen: stepCountIs(3) });
const calling = streamText({ model: scripted("bakery"), prompt, tools, stopWhen: stepCountIs(3) });
let calledStreaming = "";
for await (const piece of calling.textStream) {
  calledStreaming += piece;
}

let refusal = null;
try {
  await generateText({ model: server("nobody"), prompt, maxRetries: 0 });
} catch (error) {
  refusal = { status: error.statusCode, message: error.message };
}

let streamRefusal = null;
const refused = streamText({ model: server("nobody"), prompt, maxRetries: 0, onError: ({ error }) => streamRefusal = error.statusCode });
await refused.consumeStream();

console.log(JSON.stringify({
  whole: { text: whole.text, finish: whole.finishReason, usage: whole.usage },
  stream: { text, finish: await streaming.finishReason, usage: await streaming.usage },
  tools: { called: called.text, calledStreaming, asked, steps: called.steps.length },
  refusal,
  streamRefusal,
}));
