// OpenFeature's SDK for Node with its OFREP provider, unchanged: prints what it got as one line of JSON.
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

const [baseUrl, key, unit] = process.argv.slice(2);
const provider = new OFREPProvider({ baseUrl, headers: [["Authorization", `Bearer ${key}`]] });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const fallback = { messages: [] };
const live = await client.getObjectDetails("refund-reply", fallback, { targetingKey: unit, plan: "pro" });
const prompt = await client.getObjectDetails("reply", fallback, { targetingKey: unit });
const nothing = await client.getObjectDetails("nothing", fallback, { targetingKey: unit });
const nobody = await client.getObjectDetails("refund-reply", fallback, {});
console.log(JSON.stringify({ live, prompt, nothing, nobody }));
