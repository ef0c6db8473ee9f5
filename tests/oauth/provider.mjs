// An OpenID provider that people log in with: the npm package oidc-provider, with pages of its own.
//
//   provider.mjs PORT SETTINGS
//
// SETTINGS is JSON: `clients` as oidc-provider takes them, `scopes` beside those of OpenID Connect, and `resources`, for which
// clients may get tokens of their own: signed ones with `"format": "jwt"`. Every other access token is opaque. The people are
// in `people.mjs`.
//
// GET /seen tells how often each path was asked for. POST /control takes {"down": true}: everything is answered 503;
// {"delay_ms": N}: each answer takes that long; {"gone": ["ada"]}: these people are no longer there.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

import { claimsOf, loginPage, mayHave, PASSWORD } from "./people.mjs";

const require = createRequire(join(import.meta.dirname, "../.cache/oidc-provider/package.json"));
const { interactionPolicy, Provider } = require("oidc-provider");
const { exportJWK, generateKeyPair } = require("jose");

const [port, settingsText] = process.argv.slice(2);
const settings = JSON.parse(settingsText);
const issuer = `http://127.0.0.1:${port}`;
const CLAIMS = { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] };
const TOKEN_LIFETIME_S = 600;

const seen = {};
let control = { down: false, delay_ms: 0, gone: [] };

// Applications on loopback addresses would be asked about each time.
const policy = interactionPolicy.base();
policy.get("consent").checks.remove("native_client_prompt");

const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "key-1" }] },
  clients: settings.clients,
  scopes: [...Object.keys(CLAIMS), "offline_access", ...settings.scopes],
  claims: CLAIMS,
  conformIdTokenClaims: false,
  cookies: { keys: ["of a test"] },
  ttl: { AccessToken: TOKEN_LIFETIME_S, IdToken: TOKEN_LIFETIME_S },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  interactions: { policy, url: (_, { uid }) => `/login/${uid}` },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: settings.scopes.join(" "),
        audience: resource,
        accessTokenFormat: settings.format ?? "opaque",
        accessTokenTTL: TOKEN_LIFETIME_S,
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  findAccount: (_, id) => (control.gone.includes(id) ? undefined : { accountId: id, claims: () => claimsOf(id) }),
  // Nobody is asked to agree here: what a person may have is granted.
  loadExistingGrant: async ({ oidc }) => {
    const known = oidc.session.grantIdFor(oidc.client.clientId);
    const grant =
      (known && (await provider.Grant.find(known))) ??
      new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    const own = settings.scopes.filter((scope) => mayHave(oidc.session.accountId, scope));
    grant.addOIDCScope([...Object.keys(CLAIMS), "offline_access", ...own].join(" "));
    for (const resource of settings.resources ?? []) grant.addResourceScope(resource, own.join(" "));
    grant.rejectOIDCScope(settings.scopes.filter((scope) => !own.includes(scope)).join(" "));
    await grant.save();
    return grant;
  },
});
provider.on("server_error", (_, failure) => console.error(failure));

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

// The login page of an interaction, and what comes of its form.
async function login(request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") return response.setHeader("Content-Type", "text/html").end(loginPage(uid));
  const form = new URLSearchParams(await body(request));
  if (form.has("cancel")) {
    const refusal = { error: "access_denied", error_description: "the person left" };
    return provider.interactionFinished(request, response, refusal);
  }
  const account = form.get("login");
  if (!claimsOf(account) || form.get("password") !== PASSWORD) {
    return response.writeHead(401, { "Content-Type": "text/html" }).end(loginPage(uid, "Unknown name or password"));
  }
  // Where a client wants its user to agree (`prompt=consent`), logging in is how.
  return provider.interactionFinished(request, response, { login: { accountId: account }, consent: {} });
}

const callback = provider.callback();
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === "/seen") return response.end(JSON.stringify(seen));
  if (pathname === "/control") {
    control = { ...control, ...JSON.parse(await body(request)) };
    return response.writeHead(204).end();
  }
  seen[pathname] = (seen[pathname] ?? 0) + 1;
  if (control.delay_ms) await new Promise((resolve) => setTimeout(resolve, control.delay_ms));
  if (control.down) return response.writeHead(503).end();
  if (!pathname.startsWith("/login/")) return callback(request, response);
  return login(request, response).catch((failure) => response.writeHead(400).end(String(failure)));
});
server.listen(Number(port), "127.0.0.1");
