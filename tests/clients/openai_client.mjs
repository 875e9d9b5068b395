// The OpenAI client for Node, unchanged: prints what it got as one line of JSON.
import OpenAI from "openai";

const [baseURL, apiKey, unit] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const ask = { model: "experiment:refund-reply", messages: [], user: unit, variables: { ticket: "Where is it?" } };

const { data, response } = await client.chat.completions.create(ask).withResponse();
let streamed = "";
let chunks = 0;
for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
  streamed += chunk.choices[0].delta.content ?? "";
  chunks += 1;
}
const errors = {};
for (const [name, body] of Object.entries({
  unknown: { ...ask, model: "prompt:nothing" },
  missing: { ...ask, model: "prompt:reply", variables: {} },
  limited: { model: "openai/fault-429", messages: [{ role: "user", content: "x" }] },
})) {
  try {
    await client.chat.completions.create(body);
  } catch (error) {
    errors[name] = [error.constructor.name, error.status, error.code];
  }
}
const stranger = new OpenAI({ baseURL, apiKey: "bk_wrong", maxRetries: 0 });
await stranger.chat.completions.create(ask).catch((error) => {
  errors.stranger = [error.constructor.name, error.status, error.code];
});
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const tools = [{ type: "function", function: { name: "look_up", parameters: { type: "object", properties: {} } } }];
const called = await client.chat.completions.create({
  model: "openai/fault-tool", messages: [{ role: "user", content: "x" }], tools,
});
console.log(JSON.stringify({
  text: data.choices[0].message.content,
  tokens: data.usage.total_tokens,
  variant: response.headers.get("x-bakeoff-variant"),
  exposure: response.headers.get("x-bakeoff-exposure"),
  streamed,
  chunks,
  errors,
  models,
  tool: called.choices[0].message.tool_calls[0].function.name,
}));
