// What the package "openai" makes of a server: prints everything as one JSON object.
import OpenAI from "openai";

const address = process.argv[2];
const client = new OpenAI({ baseURL: `${address}v1`, apiKey: "none", maxRetries: 0 });
const scripted = new OpenAI({ baseURL: `${address}tools/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "When are you open?" }];

async function refusal(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return { status: error.status, code: error.code, param: error.param, type: error.type, message: error.message };
  }
}

const models = [];
for await (const model of client.models.list()) {
  models.push(model.id);
}

const whole = await client.chat.completions.create({ model: "bakery", messages, logprobs: true, top_logprobs: 2 });
const two = await client.chat.completions.create({ model: "hotel", messages, n: 2, stop: ["anchor"] });

const stream = { text: "", finish: null, usage: null };
for await (const chunk of await client.chat.completions.create({
  model: "hotel", messages, stream: true, stream_options: { include_usage: true },
})) {
  stream.text += chunk.choices[0]?.delta.content ?? "";
  stream.finish = chunk.choices[0]?.finish_reason ?? stream.finish;
  stream.usage = chunk.usage ?? stream.usage;
}

const left = await client.chat.completions.create({ model: "bakery", messages, stream: true, max_tokens: 900, ignore_eos: true });
let pieces = 0;
for await (const _ of left) {
  if (++pieces === 3) {
    break;
  }
}

const asked = [];
const tools = [{
  type: "function",
  function: {
    name: "get_weather",
    parse: JSON.parse,
    function: input => (asked.push(input.city), "Rain."),
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
}];
const called = await scripted.chat.completions.runTools({ model: "bakery", messages, tools }).finalContent();
const calledStreaming = await scripted.chat.completions.runTools({ model: "bakery", messages, tools, stream: true }).finalContent();

const response = await client.responses.create({ model: "museum", input: "When are you open?" });
const events = [];
let responseText = "";
for await (const event of await client.responses.create({ model: "museum", input: "When are you open?", stream: true })) {
  events.push(event.type);
  responseText += event.type === "response.output_text.delta" ? event.delta : "";
}

const completion = await client.completions.create({ model: "bakery", prompt: "When", max_tokens: 4 });

console.log(JSON.stringify({
  models,
  whole: {
    text: whole.choices[0].message.content, finish: whole.choices[0].finish_reason, usage: whole.usage,
    logprobs: whole.choices[0].logprobs.content.length,
  },
  two: two.choices.map(choice => choice.message.content),
  stream,
  tools: { called, calledStreaming, asked },
  response: { text: response.output_text, usage: response.usage, streamed: responseText, last: events.at(-1) },
  completion: { finish: completion.choices[0].finish_reason, usage: completion.usage },
  refusals: {
    unknown: await refusal(() => client.chat.completions.create({ model: "nobody", messages })),
    unknownStreaming: await refusal(() => client.chat.completions.create({ model: "nobody", messages, stream: true })),
    format: await refusal(() => client.chat.completions.create({ model: "bakery", messages, response_format: { type: "json_object" } })),
    many: await refusal(() => client.chat.completions.create({ model: "bakery", messages, n: 100 })),
  },
}));
