// A client of the TypeScript SDK, 1.x or 2.x, that logs in when it is asked to, as an application would write it.

import { createRequire } from "node:module";
import { join } from "node:path";

import { SDK_1, SDK_2_LEGACY } from "../clients/node_sdks.mjs";

const require = createRequire(join(import.meta.dirname, "../.cache/typescript/package.json"));
const sdk1 = {
  ...require("@modelcontextprotocol/sdk/client/index.js"),
  ...require("@modelcontextprotocol/sdk/client/streamableHttp.js"),
  ...require("@modelcontextprotocol/sdk/client/auth.js"),
};
const sdk2 = require("@modelcontextprotocol/client");

const REDIRECT = "http://127.0.0.1:9/callback";
const HIDDEN = "/.well-known/oauth-protected-resource";
const TIMEOUT_MS = 20_000;
let browsers = 0;

// The SDK's OAuthClientProvider: how the client is known, what it keeps, and the person who logs in for it.
export class Access {
  constructor(plan, way, { asksOnly = null, hidesResourceMetadata = false, decision = "allow", account = "ada" } = {}) {
    Object.assign(this, { plan, way, asksOnly, hidesResourceMetadata, decision, account });
    this.visits = [];
    this.kept = way === "registered" ? { client: { ...plan.registered, issuer: plan.issuer } } : {};
    if (way === "document") this.clientMetadataUrl = plan.document;
    browsers += 1;
    this.browser = crypto.randomUUID();
    this.address = `10.251.${Math.floor(browsers / 250)}.${(browsers % 250) + 1}`;
  }

  get redirectUrl() {
    return REDIRECT;
  }

  get clientMetadata() {
    return {
      client_name: "TypeScript SDK",
      redirect_uris: [REDIRECT],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  state() {
    this.kept.state = crypto.randomUUID();
    return this.kept.state;
  }

  clientInformation() {
    return this.kept.client;
  }

  saveClientInformation(client) {
    this.kept.client = client;
  }

  tokens() {
    return this.kept.tokens;
  }

  saveTokens(tokens) {
    this.kept.tokens = tokens;
  }

  saveCodeVerifier(verifier) {
    this.kept.verifier = verifier;
  }

  codeVerifier() {
    return this.kept.verifier;
  }

  // Version 2 keeps here where it discovered the authorization server, for the time that the person is away.
  saveDiscoveryState(state) {
    this.kept.discovery = state;
  }

  discoveryState() {
    return this.kept.discovery;
  }

  invalidateCredentials(what) {
    if (what === "all" || what === "tokens") this.kept.tokens = undefined;
    if ((what === "all" || what === "client") && this.way !== "registered") this.kept.client = undefined;
    if (what === "all" || what === "discovery") this.kept.discovery = undefined;
  }

  async redirectToAuthorization(url) {
    if (this.asksOnly) url.searchParams.set("scope", this.asksOnly);
    const { decision, account, browser } = this;
    const body = JSON.stringify({ url: url.href, decision, account, browser });
    const headers = { "content-type": "application/json" };
    const answer = await (await fetch(`${this.plan.person}/visit`, { method: "POST", body, headers })).json();
    this.visits.push({ ...answer, url: url.href });
    if (!answer.ended) throw new Error(`the person was left with: ${JSON.stringify(answer)}`);
    this.kept.answer = new URL(answer.ended).searchParams;
  }

  // What came back, checked as an application must.
  takeAnswer() {
    const { answer, state } = this.kept;
    this.kept.answer = undefined;
    if (!answer) throw new Error("nobody came back");
    if (answer.get("state") !== state) throw new Error("the answer is another login's");
    if (answer.get("error")) throw new Error(`the login was refused: ${answer.get("error")}`);
    return answer;
  }

  // An access token that is no longer taken, as when it has expired.
  expire() {
    this.kept.tokens = { ...this.kept.tokens, access_token: `${this.kept.tokens.access_token.slice(0, -8)}AAAAAAAA` };
  }

  // Requests of one client come from an address of its own (see addresses.py).
  fetch = async (input, init) => {
    if (this.hidesResourceMetadata && new URL(input).pathname.startsWith(HIDDEN)) return new Response(null, { status: 404 });
    const headers = new Headers(init?.headers);
    headers.set("x-forwarded-for", this.address);
    const answer = await fetch(input, { ...init, headers });
    return this.hidesResourceMetadata ? this.withoutChallenge(answer) : answer;
  };

  withoutChallenge(answer) {
    if (!answer.headers.has("www-authenticate")) return answer;
    const headers = new Headers(answer.headers);
    headers.delete("www-authenticate");
    return new Response(answer.body, { status: answer.status, headers });
  }
}

const isUnauthorized = (error) => error instanceof sdk1.UnauthorizedError || error instanceof sdk2.UnauthorizedError;

// A connected client that logs in as `access` says.
export async function connect(access, url, sdk) {
  const info = { name: "typescript-login", version: "1.0.0" };
  const { StreamableHTTPClientTransport: Transport, Client } = sdk === SDK_1 ? sdk1 : sdk2;
  const mode = sdk === SDK_2_LEGACY ? "legacy" : { pin: "2026-07-28" };
  const newClient = () => new Client(info, sdk === SDK_1 ? {} : { versionNegotiation: { mode } });
  const newTransport = () => new Transport(new URL(url), { authProvider: access, fetch: access.fetch });
  const finish = async (transport) => {
    const answer = access.takeAnswer();
    if (sdk === SDK_1) await transport.finishAuth(answer.get("code"));
    else await transport.finishAuth(answer);
  };
  let transport = newTransport();
  let client = newClient();
  try {
    await client.connect(transport, { timeout: TIMEOUT_MS });
  } catch (error) {
    if (!isUnauthorized(error) && !isUnauthorized(error?.cause)) throw error;
    await finish(transport);
    [transport, client] = [newTransport(), newClient()];
    await client.connect(transport, { timeout: TIMEOUT_MS });
  }
  const once = (params) =>
    sdk === SDK_1
      ? client.callTool(params, undefined, { timeout: TIMEOUT_MS })
      : client.callTool(params, { timeout: TIMEOUT_MS });
  return {
    list: async () => (await client.listTools()).tools,
    call: async (name, args) => {
      const params = { name, arguments: args };
      try {
        return await once(params);
      } catch (error) {
        if (!isUnauthorized(error) && !isUnauthorized(error?.cause)) throw error;
        await finish(transport);
        return once(params);
      }
    },
    close: async () => {
      if (sdk !== "typescript 2.x, 2026-07-28" && transport.sessionId) await transport.terminateSession().catch(() => {});
      await client.close().catch(() => {});
    },
  };
}
