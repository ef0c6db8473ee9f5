// One shape for the TypeScript SDK's two major versions, so that a property is written once.
//
// A connection has: revision, list(), call(name, args, options), read(uri), prompt(name, args), prompts(), resources(),
// notified (methods of the notifications that arrived), client (the SDK's own object) and close().

import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(import.meta.dirname, "../.cache/typescript/package.json"));
const legacySdk = {
  ...require("@modelcontextprotocol/sdk/client/index.js"),
  ...require("@modelcontextprotocol/sdk/client/streamableHttp.js"),
  ...require("@modelcontextprotocol/sdk/client/sse.js"),
  types: require("@modelcontextprotocol/sdk/types.js"),
};
const modernSdk = require("@modelcontextprotocol/client");

const info = { name: "typescript-client", version: "1.0.0" };
const capabilities = { sampling: {}, elicitation: {}, roots: {} };
const REQUEST_TIMEOUT_MS = 20_000;

export const SDK_1 = "typescript 1.x, legacy";
export const SDK_2_LEGACY = "typescript 2.x, legacy";
export const SDK_2_MODERN = "typescript 2.x, 2026-07-28";
export const SDK_2_AUTO = "typescript 2.x, auto";

const negotiation = { [SDK_2_LEGACY]: "legacy", [SDK_2_MODERN]: { pin: "2026-07-28" }, [SDK_2_AUTO]: "auto" };

export const isLegacy = (sdk) => sdk === SDK_1 || sdk === SDK_2_LEGACY;

// What the client answers when the server asks for something.
function handlers(elicited) {
  return {
    "sampling/createMessage": ({ params }) => ({
      role: "assistant",
      model: "test-model",
      content: { type: "text", text: `sampled: ${params.messages[0].content.text}` },
    }),
    "elicitation/create": () => ({ action: "accept", content: elicited }),
  };
}

function newClient(sdk, elicited, notified) {
  const answers = handlers(elicited);
  if (sdk !== SDK_1) {
    const client = new modernSdk.Client(info, { capabilities, versionNegotiation: { mode: negotiation[sdk] } });
    for (const [method, answer] of Object.entries(answers)) client.setRequestHandler(method, answer);
    for (const method of ["notifications/message", "notifications/tools/list_changed"]) {
      client.setNotificationHandler(method, () => void notified.push(method));
    }
    return client;
  }
  const client = new legacySdk.Client(info, { capabilities });
  const { types } = legacySdk;
  client.setRequestHandler(types.CreateMessageRequestSchema, answers["sampling/createMessage"]);
  client.setRequestHandler(types.ElicitRequestSchema, answers["elicitation/create"]);
  client.setNotificationHandler(types.LoggingMessageNotificationSchema, ({ method }) => void notified.push(method));
  return client;
}

// A connected client of `sdk`, over HTTP+SSE where `over` says `sse`; its HTTP answers are kept in `statuses`.
export async function connect(sdk, url, key, elicited = {}, over = "http") {
  const notified = [];
  const statuses = [];
  const transports = sdk === SDK_1 ? legacySdk : modernSdk;
  const Transport = over === "sse" ? transports.SSEClientTransport : transports.StreamableHTTPClientTransport;
  const endpoint = new URL(over === "sse" ? url.replace("/mcp", "/sse") : url);
  const watchingFetch = async (input, init) => {
    const answer = await fetch(input, init);
    statuses.push({ status: answer.status, retryAfter: answer.headers.get("retry-after") });
    return answer;
  };
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const transport = new Transport(endpoint, { requestInit: { headers }, fetch: watchingFetch });
  const client = newClient(sdk, elicited, notified);
  await client.connect(transport, { timeout: REQUEST_TIMEOUT_MS });
  const call = (name, args = {}, options = {}) => {
    const params = { name, arguments: args };
    const limits = { timeout: REQUEST_TIMEOUT_MS, ...options };
    return sdk === SDK_1 ? client.callTool(params, undefined, limits) : client.callTool(params, limits);
  };
  return {
    client,
    notified,
    statuses,
    call,
    revision: sdk === SDK_1 ? (transport.protocolVersion ?? transport._protocolVersion) : client.getNegotiatedProtocolVersion(),
    list: async () => (await client.listTools()).tools,
    prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    read: async (uri) => (await client.readResource({ uri })).contents[0],
    prompt: async (name, args) => (await client.getPrompt({ name, arguments: args })).messages[0].content.text,
    // A legacy session is ended at the server first; a modern connection has none.
    close: async () => {
      if (sdk !== SDK_2_MODERN && transport.sessionId && transport.terminateSession) await transport.terminateSession();
      await client.close();
    },
  };
}
